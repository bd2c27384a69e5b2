"""Layers that bring numbers to zero mean and unit variance before the next layer.

`BatchNorm` does so for each feature over the batch, and must remember what it saw for
the day it meets a single sample; `LayerNorm` does so for each sample over its features.
Both then let the network choose another scale, gamma, and another mean, beta.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.initializers import Constant, Zeros
from ardoise.engine.layers.base import Layer, LayerSpec, Prepared
from ardoise.engine.params import ParamSpec


class _Norm(Layer):
    """What both have in common: y = gamma · x̂ + beta over the last axis."""

    may_write_input = True

    gamma: Array
    beta: Array
    dgamma: Array
    dbeta: Array

    def __init__(self, epsilon: float = 1e-5) -> None:
        if not 0 < epsilon < math.inf:
            raise ValueError(f"epsilon must be a positive number; got {epsilon}")
        self.epsilon = float(epsilon)

    def infer(self, input_shape: Shape) -> LayerSpec:
        if not input_shape:
            raise ShapeError(
                f"{type(self).__name__} needs samples with at least one axis; "
                "got single numbers, shape ()"
            )
        features = (input_shape[-1],)
        return LayerSpec(
            tuple(input_shape),
            (
                ParamSpec("gamma", features, Constant(1.0)),
                ParamSpec("beta", features, Zeros()),
            ),
        )

    def reserve(
        self,
        batch: int,
        *,
        training: bool,
        in_place: bool,
        rng: np.random.Generator,
    ) -> None:
        features = self.input_shape[-1]
        rows = batch * math.prod(self.input_shape[:-1])
        self._y = None if in_place else self.memory(rows * features)
        self._normal = self.empty(rows, features)  # x̂
        self._scratch = self.empty(rows, features)
        self._ones = np.ones(rows, self.dtype)

    def prepare(self, x: Array, *, training: bool) -> Prepared | None:
        if training:
            return None
        return [partial(self.forward, x, training=False)], self._output(x)

    def _output(self, x: Array) -> Array:
        return x if self._y is None else self._y(x.shape)

    def _scale_and_shift(self, normal: Array, y: Array) -> None:
        np.multiply(normal, self.gamma, out=y)
        np.add(y, self.beta, out=y)

    def _parameter_gradients(self, rows: Array, normal: Array) -> None:
        """Write dgamma and dbeta from dy (R, C) and x̂ (R, C)."""
        ones = self._ones[: len(rows)]
        scratch = self._scratch[: len(rows)]
        np.multiply(rows, normal, out=scratch)
        np.matmul(ones, scratch, out=self.dgamma)
        np.matmul(ones, rows, out=self.dbeta)


class BatchNorm(_Norm):
    """x̂ = (x − mean) / √(variance + epsilon) over the batch; y = gamma x̂ + beta.

    Shapes: x, y (B, ..., C); one mean, variance, gamma and beta for each of the C
    features; every other axis is averaged over. Outside training the running mean and
    variance stand in. They follow ``running += momentum · (batch − running)``, with
    the unbiased variance, as in PyTorch.

    Parameters
    ----------
    momentum : float
        Weight of the newest batch in the running statistics, in (0, 1].
    epsilon : float
        Added to the variance.

    Raises
    ------
    ValueError
        If a setting is out of range.

    References
    ----------
    Ioffe and Szegedy, "Batch Normalization", 2015, algorithms 1 and 2.
    """

    mixes_samples = True

    running_mean: Array
    running_variance: Array

    def __init__(self, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__(epsilon)
        if not 0 < momentum <= 1:
            raise ValueError(f"momentum must lie in (0, 1]; got {momentum}")
        self.momentum = float(momentum)

    def infer(self, input_shape: Shape) -> LayerSpec:
        spec = super().infer(input_shape)
        features = (input_shape[-1],)
        state = (
            ParamSpec("running_mean", features, Zeros()),
            ParamSpec("running_variance", features, Constant(1.0)),
        )
        return LayerSpec(spec.output_shape, spec.params, state)

    def forward(self, x: Array, *, training: bool) -> Array:
        y = self._output(x)
        features = x.shape[-1]
        rows = x.reshape(-1, features)  # (R, C)
        if training:
            normal = self._normalise(rows)
            self._scale_and_shift(normal, y.reshape(-1, features))
        else:
            scale = self.gamma / np.sqrt(self.running_variance + self.epsilon)
            np.multiply(x, scale, out=y)
            np.add(y, self.beta - self.running_mean * scale, out=y)
        return y

    def _normalise(self, rows: Array) -> Array:
        n = len(rows)
        normal, scratch, ones = self._normal[:n], self._scratch[:n], self._ones[:n]
        mean = np.matmul(ones, rows)
        np.multiply(mean, 1 / n, out=mean)
        np.subtract(rows, mean, out=normal)
        np.multiply(normal, normal, out=scratch)
        variance = np.matmul(ones, scratch)
        np.multiply(variance, 1 / n, out=variance)
        if n > 1:  # one sample alone says nothing about the spread
            keep = 1 - self.momentum
            np.multiply(self.running_mean, keep, out=self.running_mean)
            np.add(self.running_mean, self.momentum * mean, out=self.running_mean)
            unbiased = self.momentum * n / (n - 1) * variance
            np.multiply(self.running_variance, keep, out=self.running_variance)
            np.add(self.running_variance, unbiased, out=self.running_variance)
        self._inverse = 1 / np.sqrt(variance + self.epsilon)  # (C,)
        np.multiply(normal, self._inverse, out=normal)
        return normal

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        rows = dy.reshape(-1, dy.shape[-1])
        n = len(rows)
        normal, scratch = self._normal[:n], self._scratch[:n]
        self._parameter_gradients(rows, normal)
        if not need_dx:
            return None
        # dx = gamma/σ (dy − mean(dy) − x̂ mean(dy x̂)); the means are dbeta/R, dgamma/R.
        np.multiply(normal, self.dgamma / n, out=scratch)
        np.subtract(rows, scratch, out=rows)
        np.subtract(rows, self.dbeta / n, out=rows)
        np.multiply(rows, self.gamma * self._inverse, out=rows)
        return dy


class LayerNorm(_Norm):
    """x̂ = (x − mean) / √(variance + epsilon) over each sample's last axis.

    y = gamma x̂ + beta. Shapes: x, y (B, ..., C), gamma and beta (C,). It does the same
    in training and outside.

    Parameters
    ----------
    epsilon : float
        Added to the variance.

    Raises
    ------
    ValueError
        If it is not positive.

    References
    ----------
    Ba, Kiros and Hinton, "Layer Normalization", 2016, section 3.
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
        # One number a row; on images that is a number a pixel.
        self._mean = self.empty(len(self._ones), 1)
        self._inverse = self.empty(len(self._ones), 1)

    def forward(self, x: Array, *, training: bool) -> Array:
        y = self._output(x)
        features = x.shape[-1]
        rows = x.reshape(-1, features)  # (R, C)
        n = len(rows)
        normal, scratch = self._normal[:n], self._scratch[:n]
        np.subtract(rows, self._row_mean(rows), out=normal)
        np.multiply(normal, normal, out=scratch)
        inverse = self._inverse[:n]
        np.add(self._row_mean(scratch), self.epsilon, out=inverse)
        np.sqrt(inverse, out=inverse)
        np.reciprocal(inverse, out=inverse)
        np.multiply(normal, inverse, out=normal)
        self._scale_and_shift(normal, y.reshape(-1, features))
        return y

    def backward(self, dy: Array, *, need_dx: bool = True) -> Array | None:
        rows = dy.reshape(-1, dy.shape[-1])
        n = len(rows)
        normal, scratch = self._normal[:n], self._scratch[:n]
        self._parameter_gradients(rows, normal)
        if not need_dx:
            return None
        # With g = gamma dy: dx = (g − mean(g) − x̂ mean(g x̂)) / σ, means over a row.
        np.multiply(rows, self.gamma, out=rows)
        np.multiply(rows, normal, out=scratch)
        np.multiply(normal, self._row_mean(scratch), out=scratch)
        np.subtract(rows, self._row_mean(rows), out=rows)
        np.subtract(rows, scratch, out=rows)
        np.multiply(rows, self._inverse[:n], out=rows)
        return dy

    def _row_mean(self, rows: Array) -> Array:
        """Return the mean of each row, shape (R, 1); the next call overwrites it."""
        mean = self._mean[: len(rows)]
        np.add.reduce(rows, axis=1, keepdims=True, out=mean)
        np.multiply(mean, 1 / rows.shape[1], out=mean)
        return mean
