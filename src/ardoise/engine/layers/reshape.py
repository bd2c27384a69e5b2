"""Layers that change the shape of a sample and none of its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from ardoise.engine.arrays import Array, Shape, batch_shape
from ardoise.engine.layers.base import Layer, LayerSpec, Step


class Flatten(Layer):
    """Lay all the numbers of a sample in one row: (h, w, c) row by row.

    Shapes: x (B, ...), y (B, n) with n their product; nothing is copied. Images are:
    x (h, w, B, c), y (B, h w c). (First in a network, it is given images in rows, and
    copies nothing either.)
    """

    def infer(self, input_shape: Shape) -> LayerSpec:
        return LayerSpec((math.prod(input_shape),))

    def bind(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        state: Mapping[str, Array],
    ) -> None:
        super().bind(params, grads, state)
        self._copies = len(self.input_shape) == 3
        self.is_view = not self._copies

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        if self._copies:
            size = batch * math.prod(self.input_shape)
            self._y = self.memory(size)
            self._dx = self.memory(size if training else 0)

    def forward(self, x: Array, *, training: bool) -> Array:
        if x.ndim != 4:
            return x.reshape(len(x), -1)
        h, w, n, c = x.shape
        np.copyto(self._y((n, h, w, c)), x.transpose(2, 0, 1, 3))
        return self._y((n, h * w * c))

    def prepare(self, x: Array) -> tuple[list[Step], Array] | None:
        if x.ndim != 4:
            return [], x.reshape(len(x), -1)
        h, w, n, c = x.shape
        samples = self._y((n, h, w, c))
        copy = partial(np.copyto, samples, x.transpose(2, 0, 1, 3))
        return [copy], self._y((n, h * w * c))

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if not need_dx:
            return None
        n = len(dy)
        if not self._copies:
            return dy.reshape(n, *self.input_shape)
        dx = self._dx(batch_shape(self.input_shape, n))
        np.copyto(dx, dy.reshape(n, *self.input_shape).transpose(1, 2, 0, 3))
        return dx
