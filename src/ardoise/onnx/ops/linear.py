"""Operators of linear algebra, sums along axes, and the normalisations made of them.

References
----------
ONNX operator specification (onnx.ai/onnx/operators), opsets 6 to 28.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.ops.elementwise import aligned
from ardoise.onnx.ops.registry import Call, Input, operator


@operator("Gemm", 2, 3, alpha=1.0, beta=1.0, transA=0, transB=0, broadcast=0, axis=int)
def gemm(call: Call, a: Array, b: Array, c: Input = None) -> Array:
    """y = alpha A B + beta C."""
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError("Gemm multiplies matrices")
    a = a.T if call["transA"] else a
    b = b.T if call["transB"] else b
    call.fits((len(a), b.shape[1]))
    y: Array = np.matmul(a, b)
    if call["alpha"] != 1:
        y = y * np.asarray(call["alpha"], y.dtype)
    if c is not None:
        c = aligned(call, y, c)
        if np.broadcast_shapes(y.shape, c.shape) != y.shape:
            raise ValueError("C has not the shape of A B")
        y = y + (c if call["beta"] == 1 else c * np.asarray(call["beta"], y.dtype))
    return y


@operator("MatMul", 2)
def matmul(call: Call, a: Array, b: Array) -> Array:
    """y = A B, for stacks of matrices too, as `numpy.matmul`."""
    if a.ndim > 1 and b.ndim > 1:
        stacks = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        call.fits((*stacks, a.shape[-2], b.shape[-1]))
    y: Array = np.matmul(a, b)
    return y


# -- along axes -----------------------------------------------------------------------


def axes_of(call: Call, x: Array, axes: Input) -> tuple[int, ...] | None:
    """Return the axes that the attribute or, in later opsets, the input names."""
    named = call["axes"] if axes is None else axes.tolist()
    if named is None or len(named) == 0:
        return None
    return tuple(_axis(int(axis), x.ndim) for axis in named)


def _axis(axis: int, ndim: int) -> int:
    """Return an axis counted from the front, or refuse one that is not there."""
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} of {ndim}")
    return axis % ndim


def _log_sum_exp(x: Array, axis: Any, keepdims: bool) -> Array:
    top = _extreme(np.max, False)(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, np.asarray(0, x.dtype))
    total: Array = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis)


def _extreme(function: Any, highest: bool) -> Callable[..., Array]:
    """Return a maximum or minimum that has a value where there is nothing."""

    def reduce(x: Array, axis: Any, keepdims: bool) -> Array:
        if x.dtype.kind == "f":
            start: Any = math.inf if highest else -math.inf
        elif x.dtype.kind == "b":
            start = highest
        else:
            limits = np.iinfo(x.dtype)
            start = limits.max if highest else limits.min
        y: Array = function(x, axis=axis, keepdims=keepdims, initial=start)
        return y

    return reduce


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceL1": lambda x, **how: np.sum(np.abs(x), **how),
    "ReduceL2": lambda x, **how: np.sqrt(np.sum(np.square(x), **how)),
    "ReduceLogSum": lambda x, **how: np.log(np.sum(x, **how)),
    "ReduceLogSumExp": _log_sum_exp,
    "ReduceMax": _extreme(np.max, False),
    "ReduceMean": np.mean,
    "ReduceMin": _extreme(np.min, True),
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
    "ReduceSumSquare": lambda x, **how: np.sum(np.square(x), **how),
}


def _reduction(function: Callable[..., Any]) -> Any:
    def apply(call: Call, x: Array, axes: Input = None) -> Array:
        along = axes_of(call, x, axes)
        if along is None:  # none named: all, or none of them
            along = () if call["noop_with_empty_axes"] else tuple(range(x.ndim))
        y: Array = np.asarray(function(x, axis=along, keepdims=bool(call["keepdims"])))
        return y.astype(x.dtype, copy=False)

    return apply


for _name, _function in REDUCTIONS.items():
    operator(_name, 1, 2, axes=tuple, keepdims=1, noop_with_empty_axes=0)(
        _reduction(_function)
    )


def _arg(function: Any) -> Any:
    def apply(call: Call, x: Array) -> Array:
        axis = _axis(call["axis"], x.ndim)
        if call["select_last_index"]:
            found = x.shape[axis] - 1 - function(np.flip(x, axis), axis=axis)
        else:
            found = function(x, axis=axis)
        return np.expand_dims(found, axis) if call["keepdims"] else np.asarray(found)

    return apply


operator("ArgMax", 1, axis=0, keepdims=1, select_last_index=0)(_arg(np.argmax))
operator("ArgMin", 1, axis=0, keepdims=1, select_last_index=0)(_arg(np.argmin))


def _shifted(call: Call, x: Array) -> tuple[Array, int]:
    """Return x minus its maxima along the axis of a softmax, and that axis.

    Before opset 13 the axis, then 1 where nothing is said, cut the axes in two parts,
    and the maxima were of the whole second part.
    """
    axis = call["axis"]
    if call.opset < 13:
        cut = _cut(1 if axis is None else axis, x.ndim)
        x, axis = x.reshape(math.prod(x.shape[:cut]), -1), 1
    axis = _axis(-1 if axis is None else axis, x.ndim)
    return x - np.max(x, axis=axis, keepdims=True), axis


def _cut(axis: int, ndim: int) -> int:
    """Return a place between axes, from 0 to ndim."""
    if not -ndim <= axis <= ndim:
        raise IndexError(f"axis {axis} of {ndim}")
    return axis + ndim if axis < 0 else axis


@operator("Softmax", 1, axis=int)
def softmax(call: Call, x: Array) -> Array:
    """y = eˣ / Σ eˣ."""
    if x.size == 0:
        return x
    shifted, axis = _shifted(call, x)
    y = np.exp(shifted)
    y /= np.sum(y, axis=axis, keepdims=True)
    return y.reshape(x.shape)


@operator("LogSoftmax", 1, axis=int)
def log_softmax(call: Call, x: Array) -> Array:
    """y = x − log Σ eˣ."""
    if x.size == 0:
        return x
    y, axis = _shifted(call, x)
    y -= np.log(np.sum(np.exp(y), axis=axis, keepdims=True))
    return y.reshape(x.shape)


# -- normalisations -------------------------------------------------------------------


def _by_channel(values: Array, x: Array) -> Array:
    """Return one number a channel so that NumPy broadcasts it to (n, c, ...)."""
    if values.shape != x.shape[1:2]:
        raise ValueError("one number a channel is needed")
    return values.reshape(-1, *[1] * (x.ndim - 2))


@operator(
    "BatchNormalization",
    5,
    epsilon=1e-5,
    momentum=0.9,
    spatial=1,
    is_test=0,
    training_mode=0,
)
def batch_normalization(
    call: Call, x: Array, scale: Array, shift: Array, mean: Array, variance: Array
) -> Array:
    """y = scale (x − mean) / √(variance + epsilon) + shift, with running statistics."""
    if call["training_mode"] or not call["spatial"]:
        raise call.refusal("training_mode" if call["training_mode"] else "spatial")
    if call.opset < 7 and not call["is_test"]:
        raise call.refusal("is_test")
    wide = np.result_type(x.dtype, variance.dtype)
    factor = scale / np.sqrt(variance + np.asarray(call["epsilon"], variance.dtype))
    y: Array = x * _by_channel(factor, x).astype(wide)
    y = y + _by_channel(shift - mean * factor, x).astype(wide)
    return y.astype(x.dtype)


@operator("InstanceNormalization", 3, epsilon=1e-5)
def instance_normalization(call: Call, x: Array, scale: Array, shift: Array) -> Array:
    """y = scale (x − mean) / √(variance + epsilon) + shift, over one map each."""
    axes = tuple(range(2, x.ndim))
    normal, _, _ = _normalised(x, axes, call["epsilon"])
    y: Array = normal * _by_channel(scale, x) + _by_channel(shift, x)
    return y


@operator("LayerNormalization", 2, 3, axis=-1, epsilon=1e-5, stash_type=1)
def layer_normalization(
    call: Call, x: Array, scale: Array, shift: Input = None
) -> tuple[Array, Array, Array]:
    """y = scale (x − mean) / √(variance + epsilon) + shift, over the last axes."""
    axes = tuple(range(_axis(call["axis"], x.ndim), x.ndim))
    wide = x.astype(np.result_type(x.dtype, np.float32), copy=False)
    normal, mean, inverse = _normalised(wide, axes, call["epsilon"])
    y = normal.astype(x.dtype, copy=False) * scale
    if y.shape != x.shape:
        raise ValueError("the scale has more axes than x")
    return (y if shift is None else y + shift), mean, inverse


@operator("RMSNormalization", 2, axis=-1, epsilon=1e-5, stash_type=1)
def rms_normalization(call: Call, x: Array, scale: Array) -> Array:
    """y = scale x / √(mean of x² + epsilon), over the last axes."""
    axes = tuple(range(_axis(call["axis"], x.ndim), x.ndim))
    wide = x.astype(np.result_type(x.dtype, np.float32), copy=False)
    square = np.mean(np.square(wide), axis=axes, keepdims=True)
    normal = wide / np.sqrt(square + np.asarray(call["epsilon"], wide.dtype))
    y: Array = normal.astype(x.dtype, copy=False) * scale
    return y


def _normalised(
    x: Array, axes: tuple[int, ...], epsilon: float
) -> tuple[Array, Array, Array]:
    """Return x with mean 0 and variance 1 along axes, the mean, and 1 / deviation."""
    mean = np.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    variance = np.mean(np.square(centred), axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(variance + np.asarray(epsilon, x.dtype))
    return centred * inverse, mean, inverse
