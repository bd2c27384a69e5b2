"""Layers that change the shape of a sample and none of its numbers."""

from __future__ import annotations

import math

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.layers.base import Layer, LayerSpec


class Flatten(Layer):
    """Lay all the numbers of a sample in one row.

    Shapes: x (B, ...), y (B, n) with n their product. Nothing is copied.
    """

    is_view = True

    def infer(self, input_shape: Shape) -> LayerSpec:
        return LayerSpec((math.prod(input_shape),))

    def forward(self, x: Array, *, training: bool) -> Array:
        return x.reshape(len(x), -1)

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        return dy.reshape(len(dy), *self.input_shape) if need_dx else None
