"""The fully connected layer: every output is a weighted sum of all inputs.

Three matrix products, one forward and two backward, are the whole cost of a dense
network; everything here is arranged so that little else takes time. (`numpy.dot` does
what `numpy.matmul` does here, and starts 0.7 µs sooner.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ardoise.engine import initializers
from ardoise.engine.arrays import Array, Memory, Shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.base import Layer, LayerSpec, Step
from ardoise.engine.layers.products import (
    forward_product,
    input_product,
    weight_product,
)
from ardoise.engine.params import ParamSpec


class Dense(Layer):
    """y = x W + b.

    Shapes: x (B, n_in), W (n_in, n_out), b (n_out,), y (B, n_out).
    Backward: dW = xᵀ dy, db = Σ dy over the batch, dx = dy Wᵀ.

    Parameters
    ----------
    units : int
        n_out, the number of outputs.
    use_bias : bool
        Whether b is there.
    kernel_initializer, bias_initializer : str, mapping or Initializer
        How W and b begin; see `ardoise.engine.initializers.get`.

    Raises
    ------
    ValueError
        If ``units`` is not a positive whole number.
    ShapeError
        If one input sample is not a vector: a `Flatten` is missing.

    References
    ----------
    Rumelhart, Hinton and Williams, "Learning representations by back-propagating
    errors", 1986.
    """

    needs_input = True

    W: Array
    b: Array
    dW: Array
    db: Array

    def __init__(
        self,
        units: int,
        *,
        use_bias: bool = True,
        kernel_initializer: str | Mapping[str, Any] | initializers.Initializer = "he",
        bias_initializer: str | Mapping[str, Any] | initializers.Initializer = "zeros",
    ) -> None:
        if isinstance(units, bool) or int(units) != units or units < 1:
            raise ValueError(f"units must be a positive whole number; got {units!r}")
        self.units = int(units)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def infer(self, input_shape: Shape) -> LayerSpec:
        if len(input_shape) != 1:
            raise ShapeError(
                f"Dense reads vectors, shape (n_in,); got {tuple(input_shape)}: put a "
                "Flatten() before it"
            )
        shape = (input_shape[0], self.units)
        params = [ParamSpec("W", shape, self.kernel_initializer, decay=True)]
        if self.use_bias:
            params.append(ParamSpec("b", (self.units,), self.bias_initializer))
        return LayerSpec((self.units,), tuple(params), multiply_adds=math.prod(shape))

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        self._y_memory = self.memory(batch * self.units)
        self._ones = np.ones(batch if training else 0, self.dtype)
        self._dx_memory: Memory | None = None  # the first layer of a network has none
        self._batch = batch
        # What the products were prepared for.
        self._x: Array | None = None
        self._dy: Array | None = None
        self._dx: Array | None = None

    def forward(self, x: Array, *, training: bool) -> Array:
        if x is not self._x:
            self._prepare(x)
        self._multiply()  # y = x W
        if self.use_bias:
            np.add(self._y, self.b, out=self._y)
        return self._y

    def prepare(self, x: Array) -> tuple[list[Step], Array] | None:
        self._prepare(x)
        add = partial(np.add, self._y, self.b, out=self._y) if self.use_bias else None
        return [self._multiply, *([add] if add else [])], self._y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        if dy is not self._dy:
            self._prepare_backward(dy)
        self._multiply_for_dW()  # dW = xᵀ dy
        if self.use_bias:
            self._sum_for_db()
        if not need_dx:
            return None
        dx = self._prepare_dx(dy) if self._dx is None else self._dx
        self._multiply_for_dx()  # dx = dy Wᵀ
        return dx

    def _prepare(self, x: Array) -> None:
        """Make the product for this x: the same array comes at every step."""
        self._x, self._dy = x, None
        self._y = self._y_memory((len(x), self.units))
        self._multiply = forward_product(x, self.W, self._y, tiled=self.tiled)

    def _prepare_backward(self, dy: Array) -> None:
        if self._x is None:
            raise RuntimeError("backward must follow forward")
        self._dy, self._dx = dy, None
        self._multiply_for_dW = weight_product(self._x, dy, self.dW, tiled=self.tiled)
        if self.use_bias:
            # A product with ones is three times as fast as dy.sum(axis=0).
            self._sum_for_db = partial(np.dot, self._ones[: len(dy)], dy, out=self.db)

    def _prepare_dx(self, dy: Array) -> Array:
        n_in = len(self.W)
        if self._dx_memory is None:
            self._dx_memory = self.memory(self._batch * n_in)
        self._dx = dx = self._dx_memory((len(dy), n_in))
        self._multiply_for_dx = input_product(dy, self.W, dx, tiled=self.tiled)
        return dx
