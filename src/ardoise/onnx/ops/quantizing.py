"""Whole numbers of 8 and 16 bits that stand for numbers with a point, and back.

x ≈ scale · (q − zero): one scale and one zero for all of an array, one for each place
of an axis, or (since opset 21) one for each block of an axis.

References
----------
ONNX operator specification (onnx.ai/onnx/operators), opsets 10 to 28.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.ops.registry import Call, Input, operator
from ardoise.onnx.tensors import NAMES, array_dtype

QUANTIZED = ("int8", "uint8", "int16", "uint16")
WITH_POINT = (1, 10, 11)  # types, by their number
NO_TYPE = 0  # an attribute that says "as the inputs say"


@operator(
    "QuantizeLinear",
    *(2, 3),
    axis=1,
    block_size=0,
    output_dtype=NO_TYPE,
    precision=NO_TYPE,
    saturate=1,
)
def quantize_linear(call: Call, x: Array, scale: Array, zero: Input = None) -> Array:
    """q = x / scale, halves to even, + zero; what is beyond q's type is at its ends."""
    given = "uint8" if zero is None else zero.dtype.name
    name = NAMES.get(call["output_dtype"], "") or given
    if call["output_dtype"] not in (NO_TYPE, *NAMES) or name not in QUANTIZED:
        raise call.refusal("output_dtype")
    if zero is not None and name != given:
        raise ValueError(f"zero is {given}, and q {name}")
    wide = _with_point(call, "precision", np.result_type(x.dtype, scale.dtype))
    q = np.rint(x.astype(wide, copy=False) / _spread(call, scale, x).astype(wide))
    # float16 does not hold all whole numbers of 16 bits; float32 does.
    q = q.astype(np.result_type(q.dtype, np.float32), copy=False)
    if zero is not None:
        q = q + _spread(call, zero, x).astype(q.dtype)
    limits = np.iinfo(name)
    # The order lets NaN become the lower end, as in ONNX's reference.
    kept: Array = np.fmin(np.fmax(q, limits.min), limits.max).astype(name)
    return kept


@operator("DequantizeLinear", 2, 3, axis=1, block_size=0, output_dtype=NO_TYPE)
def dequantize_linear(call: Call, q: Array, scale: Array, zero: Input = None) -> Array:
    """x = (q − zero) scale, of the type of the scale."""
    if q.dtype.name not in (*QUANTIZED, "int32"):
        raise ValueError(f"{q.dtype} stands for no numbers with a point")
    if zero is not None and zero.dtype != q.dtype:
        raise ValueError(f"zero is {zero.dtype}, and q {q.dtype}")
    x = q.astype(np.float32)
    if zero is not None:
        x = x - _spread(call, zero, q).astype(np.float32)
    x = x * _spread(call, scale, q)
    return x.astype(_with_point(call, "output_dtype", scale.dtype), copy=False)


def _spread(call: Call, values: Array, x: Array) -> Array:
    """Return scales, or zeros, so that they are broadcast to x, and x is not to them.

    Raises
    ------
    ValueError
        If they are not as many as x needs.
    """
    if values.size == 1 and values.ndim < 2:
        return values.reshape(())
    axis, block = call["axis"], call["block_size"]
    n = x.shape[axis]
    shape = [1] * x.ndim if block <= 0 else list(x.shape)
    shape[axis] = n if block <= 0 else -(-n // block)
    if block <= 0 and values.shape == (n,):
        return values.reshape(shape)
    if block <= 0 or values.shape != tuple(shape):
        raise ValueError(f"scales or zeros {values.shape} for {x.shape}")
    repeated: Array = values.take(np.arange(n) // block, axis=axis)
    return repeated


def _with_point(call: Call, name: str, default: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that an attribute names, or the default."""
    code = call[name]
    if code not in (NO_TYPE, *WITH_POINT):
        raise call.refusal(name)
    return default if code == NO_TYPE else array_dtype(code)
