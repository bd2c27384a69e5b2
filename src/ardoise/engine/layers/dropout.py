"""Dropout: during training, switch off numbers at random, so that none is relied on."""

from __future__ import annotations

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.layers.base import Layer


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
        shape = (batch, *self.input_shape)
        self._y = None if in_place else self.empty(*shape)
        self._rng = rng
        if training:
            self._draws = self.empty(*shape, dtype=np.float32)
            self._mask = self.empty(*shape, dtype=np.bool_)

    def forward(self, x: Array, *, training: bool) -> Array:
        n = len(x)
        y = x if self._y is None else self._y[:n]
        if training:
            # float32 draws whatever the dtype: both dtypes drop the same numbers.
            self._rng.random(dtype=np.float32, out=self._draws[:n])
            np.greater_equal(self._draws[:n], self.rate, out=self._mask[:n])
            self._drop(x, y)
        elif y is not x:
            np.copyto(y, x)
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        self._drop(dy, dy)
        return dy

    def _drop(self, x: Array, out: Array) -> None:
        np.multiply(x, self._mask[: len(x)], out=out)
        np.multiply(out, 1 / (1 - self.rate), out=out)
