"""Dropout: during training, switch off numbers at random, so that none is relied on.

`Dropout` switches off single numbers, `SpatialDropout2D` whole maps of an image, whose
neighbouring pixels would otherwise give away what is missing.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ardoise.engine.arrays import Array, Shape, batch_count
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.base import Layer, LayerSpec, Step


class Dropout(Layer):
    """In training y = x · mask / (1 − rate), each mask entry 0 with probability rate.

    Outside training y = x. dx = dy · mask / (1 − rate). Shapes: x, y (B, ...).

    Parameters
    ----------
    rate : float
        In [0, 1).

    Raises
    ------
    ValueError
        If it lies outside.

    References
    ----------
    Srivastava et al., "Dropout", 2014, section 4 (here with the scale in training,
    "inverted", section 10).
    """

    may_write_input = True

    def __init__(self, rate: float) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"rate must lie in [0, 1); got {rate}")
        self.rate = float(rate)

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        size = batch * math.prod(self.input_shape)
        self._y = None if in_place else self.memory(size)
        self._rng = rng
        if training:
            drawn = batch * math.prod(self._drawn_shape())
            self._draws = self.memory(drawn, np.float32)
            self._masks = self.memory(drawn, np.bool_)

    def forward(self, x: Array, *, training: bool) -> Array:
        y = x if self._y is None else self._y(x.shape)
        if training:
            self._mask = self._draw(x)
            self._drop(x, y)
        elif y is not x:
            np.copyto(y, x)
        return y

    def prepare(self, x: Array) -> tuple[list[Step], Array] | None:
        return [partial(self.forward, x, training=False)], self.forward(
            x, training=False
        )

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        self._drop(dy, dy)
        return dy

    def _drawn_shape(self) -> Shape:
        """Return how many numbers are drawn for one sample, as a shape."""
        return self.input_shape

    def _draw(self, x: Array) -> Array:
        """Return a mask that can multiply x."""
        # float32 draws whatever the dtype: both dtypes drop the same numbers. And drawn
        # sample by sample: batches cut in parts drop the same numbers as whole ones.
        draws = self._draws((batch_count(x), *self.input_shape))
        self._rng.random(dtype=np.float32, out=draws)
        if x.ndim == 4:
            draws = draws.transpose(1, 2, 0, 3)
        return np.greater_equal(draws, self.rate, out=self._masks(x.shape))

    def _drop(self, x: Array, out: Array) -> None:
        np.multiply(x, self._mask, out=out)
        np.multiply(out, 1 / (1 - self.rate), out=out)


class SpatialDropout2D(Dropout):
    """In training y = x · mask / (1 − rate), one mask entry for each map of each image.

    Shapes: x, y (h, w, B, c), mask (B, c). Parameters and errors are those of
    `Dropout`.

    Raises
    ------
    ShapeError
        If a sample is not an image.

    References
    ----------
    Tompson et al., "Efficient object localization using convolutional networks", 2015,
    section 3.2.
    """

    def infer(self, input_shape: Shape) -> LayerSpec:
        if len(input_shape) != 3:
            raise ShapeError(
                "SpatialDropout2D drops maps of images, shape (h, w, c); got "
                f"{tuple(input_shape)}: Dropout drops single numbers of any shape"
            )
        return super().infer(input_shape)

    def _drawn_shape(self) -> Shape:
        return self.input_shape[2:]

    def _draw(self, x: Array) -> Array:
        n, c = x.shape[2:]
        draws = self._draws((n, c))
        self._rng.random(dtype=np.float32, out=draws)
        return np.greater_equal(draws, self.rate, out=self._masks((n, c)))
