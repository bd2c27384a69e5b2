"""Dropout: during training, switch off numbers at random, so that none is relied on.

`Dropout` switches off single numbers, `SpatialDropout2D` whole maps of an image, whose
neighbouring pixels would otherwise give away what is missing.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ardoise.engine.arrays import Array, Shape, batch_count
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.base import LayerSpec, Prepared, PreparedLayer, Step


class Dropout(PreparedLayer):
    """In training y = x · mask / (1 − rate), each mask entry 0 with probability rate.

    Outside training y = x. dx = dy · mask / (1 − rate). Shapes: x, y (B, ...).

    Parameters
    ----------
    rate : float
        In [0, 1). The attribute may be changed between two steps of a training.

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
        super().reserve(batch, training=training, in_place=in_place, rng=rng)
        self._in_place, self._rng = in_place, rng

    def generator(self) -> np.random.Generator:
        return self._rng

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        y = x if self._in_place else self.work("y", x.shape)
        if not training:
            return [] if y is x else [partial(np.copyto, y, x)], y
        draws, mask = self._prepare_mask(x)
        self._mask = mask
        # float32 draws whatever the dtype: both dtypes drop the same numbers. And drawn
        # sample by sample: batches cut in parts drop the same numbers as whole ones.
        ordered = draws.transpose(1, 2, 0, 3) if draws.ndim == 4 else draws
        return [
            partial(self._rng.random, dtype=np.float32, out=draws),
            partial(self._choose, ordered, mask),
            *self._prepare_drop(x, y),
        ], y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        return (self._prepare_drop(dy, dy), dy) if need_dx else ([], None)

    def _prepare_mask(self, x: Array) -> tuple[Array, Array]:
        """Return the places of the draws, sample by sample, and of the mask."""
        draws = self.work("draws", (batch_count(x), *self.input_shape), np.float32)
        return draws, self.work("mask", x.shape, bool)

    def _choose(self, ordered: Array, mask: Array) -> None:
        np.greater_equal(ordered, self.rate, out=mask)

    def _prepare_drop(self, x: Array, out: Array) -> list[Step]:
        return [
            partial(np.multiply, x, self._mask, out=out),
            partial(self._enlarge, out),
        ]

    def _enlarge(self, y: Array) -> None:
        np.multiply(y, 1 / (1 - self.rate), out=y)


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

    def _prepare_mask(self, x: Array) -> tuple[Array, Array]:
        maps = x.shape[2:]
        return self.work("draws", maps, np.float32), self.work("mask", maps, bool)
