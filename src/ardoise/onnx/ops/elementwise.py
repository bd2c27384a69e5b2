"""Operators that work number by number.

References
----------
ONNX operator specification (onnx.ai/onnx/operators), opsets 6 to 28.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.ops.registry import MANY, Call, Floats, Input, operator
from ardoise.onnx.tensors import BFLOAT16, NAMES, STRING, array_dtype

# -- of one array ---------------------------------------------------------------------

SIMPLE: dict[str, np.ufunc] = {
    "Abs": np.absolute,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Exp": np.exp,
    "Floor": np.floor,
    "IsNaN": np.isnan,
    "Log": np.log,
    "Neg": np.negative,
    "Not": np.logical_not,
    "Reciprocal": np.reciprocal,
    "Round": np.rint,  # halves to even, as the specification wants
    "Sign": np.sign,
    "Sin": np.sin,
    "Sqrt": np.sqrt,
    "Tanh": np.tanh,
}


def _simple(function: np.ufunc) -> Any:
    def apply(call: Call, x: Array) -> Array:
        y: Array = function(x)
        return y

    return apply


for _name, _function in SIMPLE.items():
    operator(_name, 1)(_simple(_function))


@operator("Identity", 1)
def identity(call: Call, x: Array) -> Array:
    """y = x."""
    return x


@operator("IsInf", 1, detect_negative=1, detect_positive=1)
def is_inf(call: Call, x: Array) -> Array:
    """Whether x is infinite, of the signs asked for."""
    wanted = ((x > 0) & bool(call["detect_positive"])) | (
        (x < 0) & bool(call["detect_negative"])
    )
    return np.isinf(x) & wanted


@operator("Clip", 1, 3, min=float, max=float)
def clip(call: Call, x: Array, low: Input = None, high: Input = None) -> Array:
    """y = min(max(x, low), high); the limits are attributes before opset 11."""
    if call.opset < 11:
        low = None if call["min"] is None else like(call["min"], x)
        high = None if call["max"] is None else like(call["max"], x)
    y = x if low is None else np.maximum(x, low)
    return y if high is None else np.minimum(y, high)


@operator("Dropout", 1, 3, ratio=0.5, seed=int, is_test=0)
def dropout(
    call: Call, x: Array, ratio: Input = None, training: Input = None
) -> tuple[Array, Array]:
    """y = x, and a mask that is true: nothing is dropped when a model is used."""
    if training is not None and bool(training):
        raise call.refusal("training_mode")
    mask = np.ones(x.shape, bool if call.opset >= 10 else x.dtype)
    return x, mask


@operator("ai.onnx.ml.Scaler", 1, offset=Floats, scale=Floats)
def scaler(call: Call, x: Array) -> Array:
    """y = (x − offset) scale, column by column, in float32."""
    offset = np.array(call["offset"] or (0.0,), np.float32)
    return (x - offset).astype(np.float32) * np.array(call["scale"] or 1, np.float32)


# -- to another type ------------------------------------------------------------------


@operator("Cast", 1, to=int, saturate=1, round_mode="up")
def cast(call: Call, x: Array) -> Array:
    """y = x as numbers of another type."""
    code = call.required("to")
    if code not in NAMES or code == STRING:
        raise call.refusal("to")
    if code == BFLOAT16:
        return as_bfloat16(x.astype(np.float32))
    return x.astype(array_dtype(code))


@operator("CastLike", 2, saturate=1, round_mode="up")
def castlike(call: Call, x: Array, other: Array) -> Array:
    """y = x as numbers of the type of another array."""
    return x.astype(other.dtype)


def as_bfloat16(x: Array) -> Array:
    """Return float32 rounded to the nearest bfloat16, halves to even."""
    bits = x.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    kept = np.where(np.isnan(x), bits | 0x400000, rounded) & 0xFFFF0000
    return kept.astype(np.uint32).view(np.float32).reshape(x.shape)


# -- of two arrays and more -----------------------------------------------------------


def aligned(call: Call, x: Array, y: Array) -> Array:
    """Return y so that NumPy broadcasts it to x as ONNX means it.

    Since opset 7 ONNX means what NumPy does. Before, ``broadcast`` had to be asked for,
    and ``axis`` said where in x the axes of y begin.
    """
    if call.opset < 7 and call["axis"] is not None:
        axis = call["axis"] % x.ndim
        return y.reshape(*y.shape, *[1] * (x.ndim - axis - y.ndim))
    return y


def _binary(function: Any) -> Any:
    def apply(call: Call, x: Array, y: Array) -> Array:
        if call.opset < 7 and not call["broadcast"] and x.shape != y.shape:
            raise ValueError("shapes differ, and broadcast is not asked for")
        y = aligned(call, x, y)
        call.broadcast(x, y)
        z: Array = function(x, y)
        return z

    return apply


def _divide(x: Array, y: Array) -> Array:
    quotient: Array
    if x.dtype.kind not in "iu":
        quotient = x / y
        return quotient
    # Whole numbers are cut towards 0, where NumPy's // goes down.
    quotient = x // y
    inexact: Array = (quotient * y != x) & ((x < 0) != (y < 0))
    return np.add(quotient, inexact, dtype=x.dtype)


def _power(x: Array, y: Array) -> Array:
    if x.dtype.kind in "iu" and y.dtype.kind in "iu":
        y = y.astype(x.dtype, copy=False)
    z: Array = np.power(x, y)
    return z.astype(x.dtype)


BINARY: dict[str, Any] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": _divide,
    "Pow": _power,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
}
for _name, _function in BINARY.items():
    operator(_name, 2, axis=int, broadcast=0)(_binary(_function))


def _folded(function: np.ufunc) -> Any:
    def apply(call: Call, x: Array, *more: Array) -> Array:
        for y in more:
            call.broadcast(x, y)
            x = function(x, y)
        return x

    return apply


for _name, _function in {
    "Max": np.maximum,
    "Min": np.minimum,
    "Sum": np.add,
}.items():
    operator(_name, 1, MANY)(_folded(_function))


@operator("Mean", 1, MANY)
def mean(call: Call, *arrays: Array) -> Array:
    """The mean of several arrays."""
    total: Array = _folded(np.add)(call, *arrays)
    y: Array = total / like(len(arrays), total)
    return y


@operator("Where", 3)
def where(call: Call, condition: Array, x: Array, y: Array) -> Array:
    """x where the condition holds, else y."""
    call.broadcast(condition, x, y)
    return np.where(condition, x, y)


def like(value: float, x: Array) -> Array:
    """Return a number in the type of x: float16 stays float16."""
    return np.asarray(value, x.dtype)
