"""Operators that move numbers, and count them, but do not compute with them.

References
----------
ONNX operator specification (onnx.ai/onnx/operators), opsets 6 to 28.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.ops.linear import axes_of
from ardoise.onnx.ops.registry import MANY, Call, Floats, Input, operator


@operator(
    "Constant",
    0,
    value=np.ndarray,
    value_int=int,
    value_ints=tuple,
    value_float=float,
    value_floats=Floats,
)
def constant(call: Call) -> Array:
    """An array that the node itself holds."""
    if call["value"] is not None:
        array: Array = call["value"]
        return array
    for name, dtype in (("value_int", np.int64), ("value_float", np.float32)):
        for key in (name, f"{name}s"):
            if call[key] is not None:
                return np.array(call[key], dtype)
    raise call.refusal("value")


@operator("ConstantOfShape", 1, value=np.ndarray)
def constant_of_shape(call: Call, shape: Array) -> Array:
    """One number, again and again."""
    value = np.zeros(1, np.float32) if call["value"] is None else call["value"]
    if value.size != 1:
        raise call.refusal("value")
    lengths = call.fits([int(n) for n in shape.tolist()])
    return np.full(lengths, value.reshape(()), value.dtype)


@operator("Shape", 1, start=0, end=int)
def shape_of(call: Call, x: Array) -> Array:
    """The lengths of the axes."""
    return np.array(x.shape[call["start"] : call["end"]], np.int64)


@operator("Size", 1)
def size(call: Call, x: Array) -> Array:
    """How many numbers there are."""
    return np.array(x.size, np.int64)


@operator("Reshape", 2, allowzero=0)
def reshape(call: Call, x: Array, shape: Array) -> Array:
    """The same numbers in another shape; 0 keeps a length, −1 is what is left."""
    target = [int(n) for n in shape.tolist()]
    if not call["allowzero"]:
        target = [x.shape[i] if n == 0 else n for i, n in enumerate(target)]
    return x.reshape(target)


@operator("Flatten", 1, axis=1)
def flatten(call: Call, x: Array) -> Array:
    """A matrix: what comes before the axis, and what comes from it on."""
    axis = call["axis"]
    if not -x.ndim <= axis <= x.ndim:
        raise IndexError(f"axis {axis} of {x.ndim}")
    cut = axis + x.ndim if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:cut]), math.prod(x.shape[cut:]))


@operator("Transpose", 1, perm=tuple)
def transpose(call: Call, x: Array) -> Array:
    """The axes in another order; by default from last to first."""
    return x.transpose(call["perm"])


@operator("Squeeze", 1, 2, axes=tuple)
def squeeze(call: Call, x: Array, axes: Input = None) -> Array:
    """Without axes of length 1."""
    y: Array = np.squeeze(x, axes_of(call, x, axes))
    return y


@operator("Unsqueeze", 1, 2, axes=tuple)
def unsqueeze(call: Call, x: Array, axes: Input = None) -> Array:
    """With axes of length 1, at these places in the result."""
    named = call.required("axes") if axes is None else axes.reshape(-1).tolist()
    return np.expand_dims(x, tuple(int(axis) for axis in named))


@operator("Concat", 1, MANY, axis=int)
def concat(call: Call, *arrays: Array) -> Array:
    """One after another along an axis (1, before opset 4)."""
    if any(array.dtype != arrays[0].dtype for array in arrays):
        raise TypeError("arrays of one type are needed")
    axis = call.required("axis")
    lengths = list(arrays[0].shape)
    lengths[axis] = sum(array.shape[axis] for array in arrays)
    call.fits(lengths)
    return np.concatenate(arrays, axis=axis)


@operator("Split", 1, 2, axis=0, split=tuple, num_outputs=int)
def split(call: Call, x: Array, lengths: Input = None) -> tuple[Array, ...]:
    """Cut along an axis, into equal parts or parts of given lengths."""
    axis = call["axis"]
    given = call["split"] if lengths is None else tuple(lengths.tolist())
    if given is None:
        count = call["num_outputs"] or call.n_outputs
        part = -(-x.shape[axis] // count)  # the last may be shorter
        given = [part] * (count - 1) + [x.shape[axis] - part * (count - 1)]
    if sum(given) != x.shape[axis] or min(given) < 0:
        raise ValueError("the parts are not the whole")
    ends = [sum(given[:i]) for i in range(len(given) + 1)]
    before = (slice(None),) * (axis % x.ndim)
    return tuple(x[(*before, slice(*part))] for part in pairwise(ends))


@operator("Slice", 1, 5, starts=tuple, ends=tuple, axes=tuple)
def slices(
    call: Call,
    x: Array,
    starts: Input = None,
    ends: Input = None,
    axes: Input = None,
    steps: Input = None,
) -> Array:
    """Parts of axes; what lies outside is cut off. Attributes before opset 10."""
    if starts is None or ends is None:
        begin, stop = call.required("starts"), call.required("ends")
    else:
        begin, stop = starts.tolist(), ends.tolist()
    named = call["axes"] if axes is None else axes.tolist()
    named = range(len(begin)) if named is None else named
    strides = [1] * len(begin) if steps is None else steps.tolist()
    places = [slice(None)] * x.ndim
    for axis, *part in zip(named, begin, stop, strides, strict=True):
        places[axis] = _part(x.shape[axis], *part)
    return x[tuple(places)]


def _part(length: int, start: int, stop: int, step: int) -> slice:
    """Return a slice for numbers that may lie outside, cut as ONNX does it."""
    start, stop = (n + length if n < 0 else n for n in (start, stop))
    if step > 0:
        return slice(max(start, 0), max(stop, 0), step)
    start, stop = min(max(start, 0), length - 1), min(max(stop, -1), length - 1)
    return slice(start, None if stop < 0 else stop, step)


@operator("Gather", 2, axis=0)
def gather(call: Call, x: Array, places: Array) -> Array:
    """What stands at these places along an axis."""
    axis = call["axis"]
    if not -x.ndim <= axis < x.ndim:
        raise IndexError(f"axis {axis} of {x.ndim}")
    axis %= x.ndim
    call.fits((*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]))
    y: Array = np.take(x, places, axis=axis)
    return y


@operator("Expand", 2)
def expand(call: Call, x: Array, shape: Array) -> Array:
    """Repeated along axes of length 1, as NumPy broadcasts."""
    target = np.broadcast_shapes(x.shape, tuple(int(n) for n in shape.tolist()))
    return np.broadcast_to(x, call.fits(target))


@operator("Tile", 2)
def tile(call: Call, x: Array, repeats: Array) -> Array:
    """Repeated along each axis."""
    counts = [int(n) for n in repeats.tolist()]
    if len(counts) != x.ndim or min(counts, default=1) < 0:
        raise ValueError("a count for each axis is needed")
    call.fits([n * m for n, m in zip(x.shape, counts, strict=True)])
    return np.tile(x, counts)


@operator("Range", 3)
def span(call: Call, start: Array, limit: Array, step: Array) -> Array:
    """Numbers at equal distances."""
    begin, end, delta = (array.reshape(()).item() for array in (start, limit, step))
    count = max(0, math.ceil((end - begin) / delta))
    call.fits((count,))
    y: Array = start.reshape(()) + np.arange(count, dtype=start.dtype) * step
    return y.astype(start.dtype).reshape(count)


@operator("Pad", 1, 4, mode="constant", pads=tuple, value=0.0)
def pad(
    call: Call, x: Array, pads: Input = None, value: Input = None, axes: Input = None
) -> Array:
    """More around the edge, or less where a number is negative.

    Attributes before opset 11.
    """
    widths = call.required("pads") if pads is None else pads.tolist()
    named = range(x.ndim) if axes is None else [int(axis) for axis in axes.tolist()]
    before, after = padding(widths, named, x.ndim)
    cut = tuple(
        slice(-min(b, 0), n + min(a, 0))
        for n, b, a in zip(x.shape, before, after, strict=True)
    )
    x = x[cut]
    both = [(max(b, 0), max(a, 0)) for b, a in zip(before, after, strict=True)]
    call.fits([n + b + a for n, (b, a) in zip(x.shape, both, strict=True)])
    mode = call["mode"]
    if mode == "constant":
        filler = call["value"] if value is None else value.reshape(()).item()
        return np.pad(x, both, constant_values=filler)
    if mode == "reflect":
        return np.pad(x, both, mode="reflect")
    if mode == "edge":
        return np.pad(x, both, mode="edge")
    if mode == "wrap":
        return np.pad(x, both, mode="wrap")
    raise call.refusal("mode")


def padding(
    widths: Sequence[int], axes: Sequence[int], ndim: int
) -> tuple[list[int], list[int]]:
    """Return what ``pads`` adds before and after each axis."""
    if len(widths) != 2 * len(axes):
        raise ValueError("two numbers for each axis are needed")
    before, after = [0] * ndim, [0] * ndim
    for i, axis in enumerate(axes):
        before[axis] = int(widths[i])
        after[axis] = int(widths[i + len(axes)])
    return before, after
