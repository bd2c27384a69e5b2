"""Layers that change the shape of a sample and none of its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from ardoise.engine.arrays import Array, Shape, batch_shape
from ardoise.engine.layers.base import LayerSpec, Prepared, PreparedLayer, Step


class Flatten(PreparedLayer):
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

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        if x.ndim != 4:
            return [], x.reshape(len(x), -1)
        h, w, n, c = x.shape
        samples = self.work("y", (n, h, w, c))
        copy = partial(np.copyto, samples, x.transpose(2, 0, 1, 3))
        return [copy], self.work("y", (n, h * w * c))

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        if not need_dx:
            return [], None
        samples = dy.reshape(len(dy), *self.input_shape)
        if not self._copies:
            return [], samples
        dx = self.work("dx", batch_shape(self.input_shape, len(dy)))
        return [partial(np.copyto, dx, samples.transpose(1, 2, 0, 3))], dx
