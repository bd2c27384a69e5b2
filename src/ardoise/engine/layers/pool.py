"""Layers that make images smaller: of each window they keep the maximum or the mean.

Everything is done tap by tap: for each place of the window, one operation on all
windows at once, never a loop over pixels.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ardoise.engine.arrays import Array, Shape, batch_count, batch_shape
from ardoise.engine.layers.base import LayerSpec, Prepared, PreparedLayer, Step
from ardoise.engine.layers.windows import Windows, as_padding, as_pair, image_shape


class Pool2D(PreparedLayer):
    """What poolings have in common: windows, and no parameters.

    They write nothing over x before backward, which then puts dx in its place.
    """

    may_write_input = True

    def __init__(
        self,
        pool_size: int | tuple[int, int] = 2,
        *,
        stride: int | tuple[int, int] | None = None,
        padding: str | int | tuple[int, int] = "valid",
    ) -> None:
        self.pool_size = as_pair("pool_size", pool_size)
        self.stride = self.pool_size if stride is None else as_pair("stride", stride)
        self.padding = as_padding(padding)
        if not isinstance(self.padding, str) and (
            self.padding[0] >= self.pool_size[0] or self.padding[1] >= self.pool_size[1]
        ):
            raise ValueError(
                f"padding {self.padding} must be smaller than the windows, "
                f"{self.pool_size}: some would hold nothing but padding"
            )

    def infer(self, input_shape: Shape) -> LayerSpec:
        image = image_shape(type(self).__name__, input_shape)
        windows = Windows(image, self.pool_size, self.stride, self.padding)
        return LayerSpec((*windows.output, image[2]))

    def covered(self, image: Shape) -> tuple[int, int]:
        """Return how many rows and columns of the image windows reach."""
        windows = Windows(image, self.pool_size, self.stride, self.padding)
        return windows.reach(0), windows.reach(1)

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        super().reserve(batch, training=training, in_place=in_place, rng=rng)
        self._in_place = in_place
        self._windows = Windows(
            self.input_shape, self.pool_size, self.stride, self.padding
        )
        self._taps = self._windows.taps()

    def _prepare_y(self, x: Array) -> Array:
        """Return y, and remember where dx will be."""
        self._dx = x if self._in_place else None
        return self.work("y", batch_shape(self.output_shape, batch_count(x)))

    def _prepare_dx(self, dy: Array) -> Array:
        if self._dx is not None:
            return self._dx
        return self.work("dx", batch_shape(self.input_shape, batch_count(dy)))


class MaxPool2D(Pool2D):
    """y = the maximum of each window; dy goes back to the first pixel that has it.

    Shapes: x (h, w, B, c), y (h', w', B, c). First means row by row. Padding never is
    the maximum.

    Parameters
    ----------
    pool_size : int or (int, int)
        Pixels, vertical and horizontal.
    stride : int or (int, int), optional
        Pixels from one window to the next; by default windows touch.
    padding : "valid", "same", int or (int, int)
        As for `Conv2D`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    ShapeError
        If a sample is not an image, or smaller than the windows.

    References
    ----------
    Ranzato et al., "Unsupervised learning of invariant feature hierarchies with
    applications to object recognition", 2007, section 3.
    """

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        y = self._prepare_y(x)
        if self.is_pairs:
            return self._prepare_pairs(x, y, training), y
        calls: list[Step] = [partial(y.fill, -math.inf)]
        for i, tap in enumerate(self._taps):
            seen, best = x[tap.inputs], y[tap.outputs]
            if training:
                higher = self.work("is winner", y.shape, bool)[tap.outputs]
                winner = self.work("winner", y.shape, np.uint16)[tap.outputs]
                calls += [
                    partial(np.greater, seen, best, out=higher),
                    partial(np.copyto, winner, i, where=higher),
                ]
            calls.append(partial(np.maximum, best, seen, out=best))
        return calls, y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        if not need_dx:
            return [], None
        dx = self._prepare_dx(dy)
        if self.is_pairs:
            rows, columns = 2 * dy.shape[0], 2 * dy.shape[1]
            calls = pairs_backward(dy, dx[:rows, :columns], *self._masks(dy))
            # A last odd row or column belongs to no window.
            outside = dx[rows:], dx[:, columns:]
            return calls + [partial(edge.fill, 0) for edge in outside if edge.size], dx
        winner = self.work("winner", dy.shape, np.uint16)
        is_winner = self.work("is winner", dy.shape, bool)
        sent = self.work("sent", dy.shape)
        calls = [partial(dx.fill, 0)]
        for i, tap in enumerate(self._taps):
            receiver = dx[tap.inputs]
            calls += [
                partial(np.equal, winner, i, out=is_winner),
                partial(np.multiply, dy, is_winner, out=sent),
                partial(np.add, receiver, sent[tap.outputs], out=receiver),
            ]
        return calls, dx

    @property
    def is_pairs(self) -> bool:
        """Whether windows are of 2 × 2 pixels that touch: nearly all are."""
        touching = self.pool_size == self.stride == (2, 2)
        shape = self.input_shape
        padded = Windows(shape, self.pool_size, self.stride, self.padding).is_padded
        return touching and not padded

    def _prepare_pairs(self, x: Array, y: Array, training: bool) -> list[Step]:
        x = x[: 2 * y.shape[0], : 2 * y.shape[1]]
        if self._in_place:
            return pairs(x, y, *self._masks(y), training=training)
        copy = self.work("copy", x.shape)
        calls = [partial(np.copyto, copy, x)]
        return calls + pairs(copy, y, *self._masks(y), training=training)

    def _masks(self, y: Array) -> tuple[Array, Array]:
        right = self.work("is right", (2 * y.shape[0], *y.shape[1:]), bool)
        return right, self.work("is lower", y.shape, bool)


# The maximum of four is the maximum of two maxima. The left one wins a draw, and then
# the upper one: the first of the four.


def pairs(
    x: Array,
    y: Array,
    is_right: Array,
    is_lower: Array,
    *,
    training: bool,
) -> list[Step]:
    """Return what writes the maxima of 2 × 2 pixels of x into y, and overwrites x.

    Shapes: x (2 h, 2 w, B, c), y and is_lower (h, w, B, c), is_right (2 h, w, B, c).
    """
    if not training:  # first of the rows, which are long
        higher = x[0::2]
        return [
            partial(np.maximum, x[0::2], x[1::2], out=higher),
            partial(np.maximum, higher[:, 0::2], higher[:, 1::2], out=y),
        ]
    left, right = x[:, 0::2], x[:, 1::2]
    top, bottom = left[0::2], left[1::2]
    return [
        partial(np.greater, right, left, out=is_right),
        partial(np.maximum, left, right, out=left),
        partial(np.greater, bottom, top, out=is_lower),
        partial(np.maximum, top, bottom, out=y),
    ]


def pairs_backward(
    dy: Array, dx: Array, is_right: Array, is_lower: Array
) -> list[Step]:
    """Return what sends dy back to the maxima: shapes as in `pairs`, dx as x."""
    left, right = dx[:, 0::2], dx[:, 1::2]
    top, bottom = left[0::2], left[1::2]
    return [
        partial(np.multiply, dy, is_lower, out=bottom),
        partial(np.subtract, dy, bottom, out=top),
        partial(np.multiply, left, is_right, out=right),
        partial(np.subtract, left, right, out=left),
    ]


class AveragePool2D(Pool2D):
    """y = the mean of each window; dy goes back to its pixels in equal parts.

    Shapes: x (h, w, B, c), y (h', w', B, c). The mean is over the pixels of the image:
    padding is not counted. Parameters and errors are those of `MaxPool2D`.

    References
    ----------
    LeCun et al., "Gradient-based learning applied to document recognition", 1998,
    section II.B (subsampling; without its coefficients).
    """

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        y = self._prepare_y(x)
        counts = np.zeros((*self._windows.output, 1, 1), self.dtype)
        calls: list[Step] = [partial(y.fill, 0)]
        for tap in self._taps:
            counts[tap.outputs] += 1
            mean = y[tap.outputs]
            calls.append(partial(np.add, mean, x[tap.inputs], out=mean))
        self._weight = 1 / counts  # (h', w', 1, 1)
        return [*calls, partial(np.multiply, y, self._weight, out=y)], y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        if not need_dx:
            return [], None
        dx = self._prepare_dx(dy)
        calls: list[Step] = [
            partial(dx.fill, 0),
            partial(np.multiply, dy, self._weight, out=dy),
        ]
        for tap in self._taps:
            receiver = dx[tap.inputs]
            calls.append(partial(np.add, receiver, dy[tap.outputs], out=receiver))
        return calls, dx


class GlobalAveragePool2D(PreparedLayer):
    """y = the mean of each map; dy goes back to all its pixels in equal parts.

    Shapes: x (h, w, B, c), y (B, c).

    Raises
    ------
    ShapeError
        If a sample is not an image.

    References
    ----------
    Lin, Chen and Yan, "Network in network", 2014, section 3.2.
    """

    def infer(self, input_shape: Shape) -> LayerSpec:
        return LayerSpec(image_shape("GlobalAveragePool2D", input_shape)[2:])

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        h, w, n, c = x.shape
        y = self.work("y", (n, c))
        weights = np.full(h * w, 1 / (h * w), self.dtype)
        pixels = x.reshape(h * w, n * c)
        return [partial(np.dot, weights, pixels, out=y.reshape(-1))], y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        if not need_dx:
            return [], None
        dx = self.work("dx", batch_shape(self.input_shape, len(dy)))
        pixels = self.input_shape[0] * self.input_shape[1]
        return [
            partial(np.multiply, dy, 1 / pixels, out=dy),
            partial(np.copyto, dx, dy),
        ], dx
