"""The fully connected layer: every output is a weighted sum of all inputs.

Three matrix products, one forward and two backward, are the whole cost of a dense
network; everything here is arranged so that little else takes time. (`numpy.dot` does
what `numpy.matmul` does here, and starts 0.7 µs sooner.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ardoise.engine import initializers
from ardoise.engine.arrays import Array, Shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers.base import Layer, LayerSpec
from ardoise.engine.params import ParamSpec

# A tall product with few columns is done as a stack of products of 64 rows each, which
# OpenBLAS computes without first copying x: 98 instead of 70 GFLOP/s on one core
# (1024 × 784 × 16). Below 512 rows, or with more columns, there is nothing to gain.
STACK_ROWS = 64
STACK_MIN_ROWS = 512
STACK_MAX_COLUMNS = 32


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
        return LayerSpec((self.units,), tuple(params))

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        n_in, n_out = self.W.shape
        self._y = self.empty(batch, n_out)
        self._stacked = batch >= STACK_MIN_ROWS and n_out <= STACK_MAX_COLUMNS
        if training:
            self._dx: Array | None = None
            self._ones = np.ones(batch, self.dtype)
            if self._stacked:
                self._dW_stack = self.empty(batch // STACK_ROWS, n_in, n_out)

    def forward(self, x: Array, *, training: bool) -> Array:
        y = self._y[: len(x)]  # (B, n_out)
        if self._stacks(x):
            np.matmul(_stack(x), self.W, out=_stack(y))
        else:
            np.dot(x, self.W, out=y)
        if self.use_bias:
            np.add(y, self.b, out=y)
        self._x = x
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        x = self._x
        if self._stacks(x):
            parts = self._dW_stack[: len(x) // STACK_ROWS]
            np.matmul(_stack(x).transpose(0, 2, 1), _stack(dy), out=parts)
            np.add.reduce(parts, axis=0, out=self.dW)
        else:
            np.dot(x.T, dy, out=self.dW)
        if self.use_bias:
            # A product with ones is three times as fast as dy.sum(axis=0).
            np.dot(self._ones[: len(dy)], dy, out=self.db)
        if not need_dx:
            return None
        if self._dx is None:  # the first layer of a network never comes here
            self._dx = self.empty(len(self._y), self.W.shape[0])
        return np.dot(dy, self.W.T, out=self._dx[: len(dy)])

    def _stacks(self, x: Array) -> bool:
        return self._stacked and len(x) >= STACK_MIN_ROWS and len(x) % STACK_ROWS == 0


def _stack(x: Array) -> Array:
    """Return (B, n) seen as (B / 64, 64, n)."""
    return x.reshape(-1, STACK_ROWS, x.shape[1])
