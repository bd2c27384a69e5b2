"""Layers that make images smaller: of each window they keep the maximum or the mean.

Everything is done tap by tap: for each place of the window, one operation on all
windows at once, never a loop over pixels.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ardoise.engine.arrays import Array, Shape, batch_count, batch_shape
from ardoise.engine.layers.base import Layer, LayerSpec, Step
from ardoise.engine.layers.windows import Windows, as_padding, as_pair, image_shape


class _Pool2D(Layer):
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

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        self._windows = Windows(
            self.input_shape, self.pool_size, self.stride, self.padding
        )
        self._taps = self._windows.taps()
        self._y = self.memory(batch * math.prod(self.output_shape))
        self._writes_over_x = in_place
        size = 0 if in_place else batch * math.prod(self.input_shape)
        self._dx_memory = self.memory(size if training else 0)

    def prepare(self, x: Array) -> tuple[list[Step], Array] | None:
        return [partial(self.forward, x, training=False)], self.forward(
            x, training=False
        )

    def _prepare_dx(self, x: Array, training: bool) -> None:
        if training:
            self._dx = x if self._writes_over_x else self._dx_memory(x.shape)


class MaxPool2D(_Pool2D):
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

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        super().reserve(batch, training=training, in_place=in_place, rng=rng)
        rows, columns = self._windows.output
        # Nearly every pooling is of 2 × 2 pixels that touch: half the time.
        self._is_pairs = self.pool_size == self.stride == (2, 2)
        self._is_pairs &= not self._windows.is_padded
        size = batch * rows * columns * self.input_shape[2]
        kinds = np.uint8 if len(self._taps) < 256 else np.uint16
        if self._is_pairs:
            self._wider = self.memory(2 * size)  # maxima of horizontal neighbours
            self._is_left = self.memory(2 * size if training else 0, np.bool_)
        self._is_top = self.memory(size if training else 0, np.bool_)
        self._winner = self.memory(size if training else 0, kinds)
        self._scratch = self.memory(size if training else 0)

    def forward(self, x: Array, *, training: bool) -> Array:
        y = self._y(batch_shape(self.output_shape, batch_count(x)))
        self._prepare_dx(x, training)
        if self._is_pairs:
            self._forward_pairs(x, y, training)
        else:
            self._forward_taps(x, y, training)
        return y

    def prepare(self, x: Array) -> tuple[list[Step], Array] | None:
        if not self._is_pairs:
            return super().prepare(x)
        # Rows first: they are long. (In training the order decides between equals.)
        y = self._y(batch_shape(self.output_shape, batch_count(x)))
        rows, columns = 2 * y.shape[0], 2 * y.shape[1]
        higher = self._wider((y.shape[0], columns, *y.shape[2:]))
        pixels = x[:rows, :columns]
        return [
            partial(np.maximum, pixels[0::2], pixels[1::2], out=higher),
            partial(np.maximum, higher[:, 0::2], higher[:, 1::2], out=y),
        ], y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        dx = self._dx
        if self._is_pairs:
            self._backward_pairs(dy, dx)
        else:
            self._backward_taps(dy, dx)
        return dx

    def _forward_taps(self, x: Array, y: Array, training: bool) -> None:
        y.fill(-math.inf)
        winner, higher = (
            (self._winner(y.shape), self._is_top(y.shape)) if training else (y, y)
        )
        for i, tap in enumerate(self._taps):
            seen, best = x[tap.inputs], y[tap.outputs]
            if training:
                np.greater(seen, best, out=higher[tap.outputs])
                np.copyto(winner[tap.outputs], i, where=higher[tap.outputs])
            np.maximum(best, seen, out=best)

    def _backward_taps(self, dy: Array, dx: Array) -> None:
        winner, is_winner = self._winner(dy.shape), self._is_top(dy.shape)
        sent = self._scratch(dy.shape)
        dx.fill(0)
        for i, tap in enumerate(self._taps):
            np.equal(winner, i, out=is_winner)
            np.multiply(dy, is_winner, out=sent)
            np.add(dx[tap.inputs], sent[tap.outputs], out=dx[tap.inputs])

    # The maximum of four is the maximum of two maxima: of the two rows' left and right.

    def _forward_pairs(self, x: Array, y: Array, training: bool) -> None:
        left, right = _left_right(x, y)
        wider = self._wider((2 * y.shape[0], *y.shape[1:]))
        top, bottom = wider[0::2], wider[1::2]
        if training:
            np.greater_equal(left, right, out=self._is_left(wider.shape))
        np.maximum(left, right, out=wider)
        if training:
            np.greater_equal(top, bottom, out=self._is_top(y.shape))
        np.maximum(top, bottom, out=y)

    def _backward_pairs(self, dy: Array, dx: Array) -> None:
        wider = self._wider((2 * dy.shape[0], *dy.shape[1:]))
        top, bottom = wider[0::2], wider[1::2]
        np.multiply(dy, self._is_top(dy.shape), out=top)
        np.subtract(dy, top, out=bottom)
        left, right = _left_right(dx, dy)
        np.multiply(wider, self._is_left(wider.shape), out=left)
        np.subtract(wider, left, out=right)
        # A last odd row or column belongs to no window.
        dx[2 * dy.shape[0] :] = 0
        dx[:, 2 * dy.shape[1] :] = 0


def _left_right(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the left and the right pixels of the pairs in x that y's windows see."""
    rows, columns = 2 * y.shape[0], 2 * y.shape[1]
    return x[:rows, 0:columns:2], x[:rows, 1:columns:2]


class AveragePool2D(_Pool2D):
    """y = the mean of each window; dy goes back to its pixels in equal parts.

    Shapes: x (h, w, B, c), y (h', w', B, c). The mean is over the pixels of the image:
    padding is not counted. Parameters and errors are those of `MaxPool2D`.

    References
    ----------
    LeCun et al., "Gradient-based learning applied to document recognition", 1998,
    section II.B (subsampling; without its coefficients).
    """

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        super().reserve(batch, training=training, in_place=in_place, rng=rng)
        counts = np.zeros((*self._windows.output, 1, 1), self.dtype)
        for tap in self._taps:
            counts[tap.outputs] += 1
        self._weight = 1 / counts  # (h', w', 1, 1)

    def forward(self, x: Array, *, training: bool) -> Array:
        y = self._y(batch_shape(self.output_shape, batch_count(x)))
        self._prepare_dx(x, training)
        y.fill(0)
        for tap in self._taps:
            np.add(y[tap.outputs], x[tap.inputs], out=y[tap.outputs])
        return np.multiply(y, self._weight, out=y)

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        dx = self._dx
        dx.fill(0)
        np.multiply(dy, self._weight, out=dy)
        for tap in self._taps:
            np.add(dx[tap.inputs], dy[tap.outputs], out=dx[tap.inputs])
        return dx


class GlobalAveragePool2D(Layer):
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

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        h, w, c = self.input_shape
        self._y = self.memory(batch * c)
        self._dx = self.memory(batch * h * w * c if training else 0)
        self._weights = np.full(h * w, 1 / (h * w), self.dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        h, w, n, c = x.shape
        y = self._y((n, c))
        np.dot(self._weights, x.reshape(h * w, n * c), out=y.reshape(-1))
        return y

    def prepare(self, x: Array) -> tuple[list[Step], Array] | None:
        return [partial(self.forward, x, training=False)], self.forward(
            x, training=False
        )

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        dx = self._dx(batch_shape(self.input_shape, len(dy)))
        np.multiply(dy, 1 / len(self._weights), out=dy)
        np.copyto(dx, dy)
        return dx
