"""Operators that move a window over an image of any number of dimensions.

All of them go tap by tap: for each place of the window, one operation on all windows at
once. Pixels outside the image are left out rather than copied as zeros.

References
----------
ONNX operator specification (onnx.ai/onnx/operators): Conv 1 to 22, MaxPool 1 to 22,
AveragePool 1 to 22, GlobalAveragePool 1, GlobalMaxPool 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.onnx.ops.registry import Call, Input, operator

MOST_TAPS = 1 << 16  # of a window: 256 × 256 pixels
Places = tuple[slice, ...]


class Windows:
    """The windows of one call: how many there are, and what each tap of them meets.

    Parameters
    ----------
    call : Call
        With the attributes ``auto_pad``, ``dilations``, ``pads``, ``strides``.
    image, kernel : tuple of int
        Their lengths along the moving axes.

    Attributes
    ----------
    output : tuple of int
        How many windows there are along each axis.
    before, after : list of int
        Padding.

    Raises
    ------
    ValueError
        If there is no window, or a setting makes no sense.
    """

    def __init__(self, call: Call, image: Shape, kernel: Shape) -> None:
        axes = len(image)
        self.image, self.kernel = image, kernel
        self.strides = call["strides"] or (1,) * axes
        self.dilations = call["dilations"] or (1,) * axes
        pads = call["pads"] or (0,) * (2 * axes)
        settings = (kernel, self.strides, self.dilations)
        if any(len(values) != axes or min(values) < 1 for values in settings):
            raise ValueError("one positive number for each axis is needed")
        if len(pads) != 2 * axes or min(pads) < 0 or math.prod(kernel) > MOST_TAPS:
            raise ValueError("padding or kernel are out of range")
        self.before, self.after = list(pads[:axes]), list(pads[axes:])
        self.reach = [
            d * (k - 1) + 1 for d, k in zip(self.dilations, kernel, strict=True)
        ]
        mode = call["auto_pad"]
        if mode not in ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"):
            raise call.refusal("auto_pad")
        if mode != "NOTSET":
            self._pad_by_itself(mode)
        self.output = tuple(self._count(axis, call) for axis in range(axes))
        if min(self.output, default=1) < 1:
            raise ValueError("the window is larger than the image")

    def _pad_by_itself(self, mode: str) -> None:
        for axis, size in enumerate(self.image):
            step = self.strides[axis]
            total = (-(-size // step) - 1) * step + self.reach[axis] - size
            total = 0 if mode == "VALID" else max(total, 0)
            smaller, larger = total // 2, total - total // 2
            upper = mode == "SAME_UPPER"
            self.before[axis] = smaller if upper else larger
            self.after[axis] = larger if upper else smaller

    def _count(self, axis: int, call: Call) -> int:
        step, size = self.strides[axis], self.image[axis]
        room = size + self.before[axis] + self.after[axis] - self.reach[axis]
        count = room // step + 1
        if room % step and room > 0 and call["ceil_mode"]:
            # One more, if it does not begin in the padding behind the image.
            if count * step < size + self.before[axis]:
                count += 1
        return int(count)

    def taps(self) -> Iterator[tuple[Shape, Places, Places]]:
        """Yield (place in the kernel, pixels, outputs) of the taps that meet pixels."""
        axes = [
            [(place, *met) for place in range(k) if (met := self._meet(axis, place))]
            for axis, k in enumerate(self.kernel)
        ]
        for tap in product(*axes):
            places, inputs, outputs = zip(*tap, strict=True) if tap else ((), (), ())
            yield places, inputs, outputs

    def _meet(self, axis: int, place: int) -> tuple[slice, slice] | None:
        """Return the pixels and the outputs that meet at one place along one axis."""
        step, size = self.strides[axis], self.image[axis]
        shift = place * self.dilations[axis] - self.before[axis]
        first = max(0, -(shift // step))
        last = min(self.output[axis] - 1, (size - 1 - shift) // step)
        if first > last:
            return None
        start = first * step + shift
        return slice(start, last * step + shift + 1, step), slice(first, last + 1)

    def covered(self, count_padding: bool) -> Array:
        """Return how many pixels each window covers, shape ``output``."""
        counts = np.ones((), np.int64)
        for axis, k in enumerate(self.kernel):
            begins = np.arange(self.output[axis]) * self.strides[axis]
            pixels = begins[:, None] + np.arange(k) * self.dilations[axis]
            low = 0 if count_padding else self.before[axis]
            high = self.before[axis] + self.image[axis]
            high += self.after[axis] if count_padding else 0
            inside = ((pixels >= low) & (pixels < high)).sum(axis=1)
            counts = counts[..., None] * inside
        return counts


WINDOW: dict[str, Any] = {
    "auto_pad": "NOTSET",
    "ceil_mode": 0,
    "dilations": tuple,
    "kernel_shape": tuple,
    "pads": tuple,
    "strides": tuple,
}


def _at(places: Sequence[Any]) -> Any:
    """Return the index of places along the moving axes, which are the last."""
    return (..., *places)


@operator("Conv", 2, 3, group=1, **WINDOW)
def conv(call: Call, x: Array, w: Array, b: Input = None) -> Array:
    """y = Σ over the window of x W, plus b.

    Shapes: x (n, c, ...), W (f, c / group, ...), b (f,), y (n, f, ...).
    """
    n, c = x.shape[:2]
    f, groups = len(w), call["group"]
    if groups < 1 or f % groups or c != w.shape[1] * groups or x.ndim != w.ndim:
        raise ValueError("the groups do not fit")
    if call["kernel_shape"] not in (None, w.shape[2:]):
        raise call.refusal("kernel_shape")
    windows = Windows(call, x.shape[2:], w.shape[2:])
    call.fits((n, f, *windows.output))
    dtype, wide = x.dtype, np.result_type(x.dtype, np.float32)
    y = np.zeros((n, groups, f // groups, *windows.output), wide)
    x = x.astype(wide, copy=False).reshape(n, groups, c // groups, *x.shape[2:])
    w = w.astype(wide, copy=False).reshape(groups, f // groups, *w.shape[1:])
    for place, inputs, outputs in windows.taps():
        seen = x[_at(inputs)]  # (n, groups, c / groups, ...)
        rows = seen.reshape(n, groups, c // groups, -1)
        part = np.matmul(w[_at(place)], rows)
        y[_at(outputs)] += part.reshape(*part.shape[:3], *seen.shape[3:])
    y = y.reshape(n, f, *windows.output).astype(dtype, copy=False)
    return y if b is None else y + b.reshape(-1, *[1] * (y.ndim - 2))


@operator("MaxPool", 1, storage_order=0, **WINDOW)
def max_pool(call: Call, x: Array) -> tuple[Array, ...]:
    """The maximum of each window, and, if asked for, where in x it stands."""
    image = x.shape[2:]
    windows = Windows(call, image, call.required("kernel_shape"))
    shape = call.fits((*x.shape[:2], *windows.output))
    low = -math.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    y = np.full(shape, low, x.dtype)
    if call.n_outputs < 2:
        for _, inputs, outputs in windows.taps():
            best = y[_at(outputs)]
            np.maximum(best, x[_at(inputs)], out=best)
        return (y,)
    size = math.prod(image)
    pixels = np.arange(size).reshape(image, order="F" if call["storage_order"] else "C")
    maps = np.arange(math.prod(x.shape[:2])).reshape(*x.shape[:2], *[1] * len(image))
    found = np.zeros(shape, np.int64)
    for _, inputs, outputs in windows.taps():
        best, seen = y[_at(outputs)], x[_at(inputs)]
        higher = seen > best
        np.copyto(found[_at(outputs)], maps * size + pixels[inputs], where=higher)
        np.maximum(best, seen, out=best)
    return y, found


@operator("AveragePool", 1, count_include_pad=0, **WINDOW)
def average_pool(call: Call, x: Array) -> Array:
    """The mean of each window, over its pixels, or over the padding's zeros too."""
    windows = Windows(call, x.shape[2:], call.required("kernel_shape"))
    wide = np.result_type(x.dtype, np.float32)
    y = np.zeros(call.fits((*x.shape[:2], *windows.output)), wide)
    for _, inputs, outputs in windows.taps():
        y[_at(outputs)] += x[_at(inputs)]
    return (y / windows.covered(bool(call["count_include_pad"]))).astype(x.dtype)


@operator("GlobalAveragePool", 1)
def global_average_pool(call: Call, x: Array) -> Array:
    """The mean of each map."""
    y: Array = np.mean(x, axis=tuple(range(2, x.ndim)), keepdims=True)
    return y.astype(x.dtype, copy=False)


@operator("GlobalMaxPool", 1)
def global_max_pool(call: Call, x: Array) -> Array:
    """The maximum of each map."""
    y: Array = np.max(x, axis=tuple(range(2, x.ndim)), keepdims=True)
    return y
