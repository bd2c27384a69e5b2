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
from ardoise.engine.arrays import Array, Shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.base import LayerSpec, Prepared, PreparedLayer, Step
from ardoise.engine.layers.products import (
    forward_product,
    input_product,
    weight_product,
)
from ardoise.engine.params import ParamSpec


class Dense(PreparedLayer):
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

    # Whether backward leaves dW and db to `weight_gradient` and `bias_gradient`, and
    # the x and dy that they read.
    leaves_gradients = False
    left: tuple[Array, Array]

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

    def weight_gradient(self, rows: slice) -> Step:
        """Return what computes some rows of dW, which the last backward left."""
        x, dy = self.left
        return weight_product(x[:, rows], dy, self.dW[rows])

    def bias_gradient(self) -> Step:
        """Return what computes db, which the last backward left."""
        _, dy = self.left
        # A product with ones is three times as fast as dy.sum(axis=0).
        ones = self.work("ones", (len(dy),))
        ones.fill(1)
        return partial(np.dot, ones, dy, out=self.db)

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

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        self._x = x
        y = self.work("y", (len(x), self.units))
        # Evaluation has threads of its own, one for each part of the samples.
        calls = [forward_product(x, self.W, y, self.team if training else None)]
        if self.use_bias and len(x) == 1:
            row = y.reshape(-1)  # no axis to repeat b along: a third of the time
            calls.append(partial(np.add, row, self.b, out=row))
        elif self.use_bias:
            calls.append(partial(np.add, y, self.b, out=y))
        return calls, y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        calls: list[Step] = []
        self.left = self._x, dy
        if not self.leaves_gradients:
            calls = [weight_product(self._x, dy, self.dW)]  # xᵀ dy
            calls += [self.bias_gradient()] if self.use_bias else []
        if not need_dx:
            return calls, None
        dx = self.work("dx", (len(dy), len(self.W)))
        calls.append(input_product(dy, self.W, dx))  # dx = dy Wᵀ
        return calls, dx
