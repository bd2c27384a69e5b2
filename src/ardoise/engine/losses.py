"""How wrong a network is, in one number, and in which direction to change its output.

A loss takes the network's raw outputs z (logits) and the targets t, and returns the
loss and ∂loss/∂z. The scale lives here and nowhere else: the loss of a batch is
``scale · Σ weight · loss of the sample``, where ``scale`` is one over the sum of the
weights of the whole batch (one over its size when there are no weights), so that the
parts of a batch simply add. The loss of a sample is a sum over its outputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ardoise.engine.arrays import Array, Shape, check_finite
from ardoise.engine.tables import build

NO_CLASS = -1  # the target of a sample that belongs to no class


class Loss:
    """Base class.

    ``loss(z, t, scale=..., weights=...)`` returns ``(value, dz)``: a Python float, and
    ∂value/∂z in a buffer that the loss owns and overwrites at its next call.

    Attributes
    ----------
    name : str
        The name that `get` knows.
    is_classifier : bool
        Whether targets are class indices, and accuracy means something.
    takes_outliers : bool
        Whether a target can be `NO_CLASS`.
    """

    name: ClassVar[str]
    is_classifier: ClassVar[bool] = False
    takes_outliers: ClassVar[bool] = False

    def __call__(
        self, z: Array, t: Array, *, scale: float, weights: Array | None = None
    ) -> tuple[float, Array]:
        """Return the loss of a batch and its gradient.

        Parameters
        ----------
        z : array of shape (B, K)
            The network's outputs; read only.
        t : array
            Targets: class indices of shape (B,) for a classifier, else (B, K).
        scale : float
            Multiplies the sum over the samples.
        weights : array of shape (B,), optional
            Weight of each sample.
        """
        raise NotImplementedError

    def check_targets(self, t: Array, output_shape: Shape) -> Array:
        """Return the targets in the form that the loss reads, or refuse them.

        Raises
        ------
        ValueError
            With one sentence: wrong shape, not finite, or out of range.
        """
        raise NotImplementedError

    def predict(self, z: Array) -> Array:
        """Return the prediction for outputs z: classes, or values."""
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Return the settings as JSON values; `get` rebuilds the loss."""
        settings = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return {"name": self.name, **settings}

    def __repr__(self) -> str:
        values = [f"{k}={v!r}" for k, v in self.config().items() if k != "name"]
        return f"{type(self).__name__}({', '.join(values)})"

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if not k.startswith("_")}


class SoftmaxCrossEntropy(Loss):
    """−log softmax(z)[t], with softmax(z)ₖ = e^zₖ / Σⱼ e^zⱼ.

    ∂/∂z = softmax(z) − target.

    The target is 1 at the class t and 0 elsewhere; with label smoothing ε it is
    1 − ε + ε/K and ε/K. Shapes: z (B, K), t (B,) integers in 0..K−1.

    Of an outlier, t = `NO_CLASS`, the target is 1/K everywhere, and log K is taken off
    the loss, which is 0 then where all classes are equally probable.

    Parameters
    ----------
    label_smoothing : float
        ε in [0, 1).

    Raises
    ------
    ValueError
        If it lies outside.

    References
    ----------
    Bridle, "Probabilistic interpretation of feedforward classification network
    outputs", 1990; Szegedy et al., "Rethinking the Inception Architecture", 2016,
    section 7 (smoothing); Hendrycks et al., "Deep anomaly detection with outlier
    exposure", 2019, section 4.2 (outliers).
    """

    name = "softmax_cross_entropy"
    is_classifier = True
    takes_outliers = True

    def __init__(self, label_smoothing: float = 0.0) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"label_smoothing must lie in [0, 1); got {label_smoothing}"
            )
        self.label_smoothing = float(label_smoothing)

    def __call__(
        self, z: Array, t: Array, *, scale: float, weights: Array | None = None
    ) -> tuple[float, Array]:
        n, k = z.shape
        p, flat, dz, rows, index, top, total, ones = self._buffers(n, k, z.dtype)
        # Work class by class, p (K, B): a maximum over ten neighbours, 512 times, costs
        # 24 µs; ten maxima of 512 numbers cost 2 µs.
        np.copyto(p, z.T)
        np.maximum.reduce(p, axis=0, out=top)
        np.subtract(p, top, out=p)
        smoothing: float | Array = self.label_smoothing
        strange = None
        if t.min(initial=0) < 0:
            # An outlier's target is that of any class, smoothed altogether.
            strange = t == NO_CLASS
            t = np.where(strange, 0, t)
            smoothing = np.where(strange, 1, smoothing).astype(z.dtype)
        smoothed = strange is not None or self.label_smoothing > 0
        np.multiply(t, n, out=index)
        np.add(index, rows, out=index)
        fit = flat.take(index)  # (B,) z at the target, later the sample's loss
        if smoothed:
            np.multiply(fit, 1 - smoothing, out=fit)
            np.add(fit, np.add.reduce(p, axis=0) * (smoothing / k), out=fit)
        np.exp(p, out=p)
        np.dot(ones[:k], p, out=total)  # half the time of a sum along an axis
        np.log(total, out=top)
        np.subtract(top, fit, out=fit)
        if strange is not None:
            fit[strange] -= math.log(k)
        # dz = weight · scale · (softmax − target)
        if weights is None:
            value = float(np.dot(fit, ones[:n])) * scale
            np.divide(scale, total, out=total)
            np.multiply(p, total, out=p)
            flat[index] -= scale * (1 - smoothing)
            if smoothed:
                np.subtract(p, scale * smoothing / k, out=p)
        else:
            value = float(np.dot(fit, weights)) * scale
            np.divide(weights, total, out=total)
            np.multiply(total, scale, out=total)
            np.multiply(p, total, out=p)
            flat[index] -= weights * (scale * (1 - smoothing))
            if smoothed:
                np.subtract(p, weights * (scale * smoothing / k), out=p)
        np.copyto(dz, p.T)
        return value, dz

    def _buffers(self, n: int, k: int, dtype: np.dtype[Any]) -> tuple[Array, ...]:
        held: tuple[Array, ...] | None = getattr(self, "_held", None)
        if held is None or held[2].shape != (n, k) or held[2].dtype != dtype:
            p = np.empty((k, n), dtype)
            held = (
                p,
                p.reshape(-1),
                np.empty((n, k), dtype),
                np.arange(n),
                np.empty(n, np.intp),
                np.empty(n, dtype),
                np.empty(n, dtype),
                np.ones(max(n, k), dtype),
            )
            self._held = held
        return held

    def check_targets(self, t: Array, output_shape: Shape) -> Array:
        t = np.asarray(t)
        if len(output_shape) != 1 or output_shape[0] < 2:
            raise ValueError(
                "softmax cross-entropy needs a network with at least two outputs a "
                f"sample, one per class; this one has the output shape {output_shape}"
            )
        if t.ndim != 1:
            raise ValueError(f"y must have the shape (n,); got {t.shape}")
        if t.dtype.kind not in "iu":
            whole = t.dtype.kind == "f" and bool(np.all(t == np.floor(t)))
            if not whole:
                raise ValueError(
                    "y must hold class indices, whole numbers from 0; got "
                    f"{t.dtype} values such as {t.reshape(-1)[:1].tolist()}"
                )
        classes = output_shape[0]
        if len(t) and (t.min() < 0 or t.max() >= classes):
            raise ValueError(
                f"y must hold class indices from 0 to {classes - 1}, the network's "
                f"outputs; got values from {t.min()} to {t.max()}"
            )
        return t.astype(np.intp)

    def predict(self, z: Array) -> Array:
        classes: Array = z.argmax(axis=1)
        return classes


class _ElementwiseLoss(Loss):
    """A sum over outputs of a function of one output and one target."""

    def __call__(
        self, z: Array, t: Array, *, scale: float, weights: Array | None = None
    ) -> tuple[float, Array]:
        dz, values = self._buffers(z)
        self.compute(z, t, dz, values)
        # (B,) losses of the samples
        each = np.add.reduce(values.reshape(len(z), -1), axis=1)
        if weights is None:
            total = float(np.add.reduce(each))
        else:
            total = float(np.dot(each, weights))
            np.multiply(dz, weights.reshape(-1, *[1] * (z.ndim - 1)), out=dz)
        np.multiply(dz, scale, out=dz)
        return total * scale, dz

    def compute(self, z: Array, t: Array, dz: Array, values: Array) -> None:
        """Write the slope at each output into ``dz`` and the loss into ``values``."""
        raise NotImplementedError

    def _buffers(self, z: Array) -> tuple[Array, Array]:
        held: tuple[Array, Array] | None = getattr(self, "_held", None)
        if held is None or held[0].shape != z.shape or held[0].dtype != z.dtype:
            held = np.empty_like(z), np.empty_like(z)
            self._held = held
        return held

    def check_targets(self, t: Array, output_shape: Shape) -> Array:
        t = np.asarray(t)
        if t.ndim == 1 and output_shape == (1,):
            t = t.reshape(-1, 1)
        if t.shape[1:] != tuple(output_shape):
            raise ValueError(
                f"y must have the shape (n, {', '.join(map(str, output_shape))}), the "
                f"network's output; got {t.shape}"
            )
        if t.dtype.kind not in "fiub":
            raise ValueError(f"y must hold numbers; got {t.dtype}")
        t = t.astype(t.dtype if t.dtype.kind == "f" else np.float64)
        check_finite(t, "y")
        return t

    def predict(self, z: Array) -> Array:
        return z.copy()


class SigmoidBinaryCrossEntropy(_ElementwiseLoss):
    """log(1 + eᶻ) − t z for each output, t in [0, 1]; ∂/∂z = sigmoid(z) − t.

    Yes-or-no questions, one an output: two classes, or several labels at once.
    Shapes: z, t (B, K).

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", 2006, equation 4.90.
    """

    name = "sigmoid_binary_cross_entropy"

    def compute(self, z: Array, t: Array, dz: Array, values: Array) -> None:
        np.logaddexp(z, 0, out=values)
        np.multiply(t, z, out=dz)
        np.subtract(values, dz, out=values)
        np.multiply(z, 0.5, out=dz)
        np.tanh(dz, out=dz)
        np.multiply(dz, 0.5, out=dz)
        np.add(dz, 0.5, out=dz)
        np.subtract(dz, t, out=dz)

    def check_targets(self, t: Array, output_shape: Shape) -> Array:
        t = super().check_targets(t, output_shape)
        if len(t) and (t.min() < 0 or t.max() > 1):
            raise ValueError(
                "y must hold 0 for no and 1 for yes (or probabilities between); got "
                f"values from {t.min():g} to {t.max():g}"
            )
        return t

    def predict(self, z: Array) -> Array:
        return (z > 0).astype(np.intp)


class SquaredError(_ElementwiseLoss):
    """(z − t)² / 2 for each output; ∂/∂z = z − t. Shapes: z, t (B, K).

    The half makes the gradient plain, as in scikit-learn; PyTorch's MSELoss with
    ``reduction="sum"`` is twice this.
    """

    name = "squared_error"

    def compute(self, z: Array, t: Array, dz: Array, values: Array) -> None:
        np.subtract(z, t, out=dz)
        np.multiply(dz, dz, out=values)
        np.multiply(values, 0.5, out=values)


class PoissonDeviance(_ElementwiseLoss):
    """Half the deviance of counts t ≥ 0, with z the logarithm of their mean.

    t log t − t z − t + eᶻ for each output; ∂/∂z = eᶻ − t. Shapes: z, t (B, K).

    References
    ----------
    McCullagh and Nelder, "Generalized linear models", 1989, section 2.3.
    """

    name = "poisson"

    def compute(self, z: Array, t: Array, dz: Array, values: Array) -> None:
        # dz holds t log t first, 0 where t is 0, then what is left.
        np.maximum(t, np.finfo(t.dtype).tiny, out=dz)
        np.log(dz, out=dz)
        np.subtract(dz, z, out=dz)
        np.multiply(dz, t, out=values)
        np.exp(z, out=dz)
        np.subtract(dz, t, out=dz)
        np.add(values, dz, out=values)

    def check_targets(self, t: Array, output_shape: Shape) -> Array:
        t = super().check_targets(t, output_shape)
        if len(t) and t.min() < 0:
            raise ValueError(
                "y must not be negative for the Poisson deviance; got values from "
                f"{t.min():g}"
            )
        return t

    def predict(self, z: Array) -> Array:
        mean: Array = np.exp(z)
        return mean


class AbsoluteError(_ElementwiseLoss):
    """|z − t| for each output; ∂/∂z = sign(z − t), 0 at the kink. z, t (B, K)."""

    name = "absolute_error"

    def compute(self, z: Array, t: Array, dz: Array, values: Array) -> None:
        np.subtract(z, t, out=dz)
        np.abs(dz, out=values)
        np.sign(dz, out=dz)


class Huber(_ElementwiseLoss):
    """(z − t)² / 2 where |z − t| ≤ delta, else delta (|z − t| − delta / 2).

    ∂/∂z = z − t, cut to [−delta, delta]. Shapes: z, t (B, K).

    Parameters
    ----------
    delta : float
        Positive.

    Raises
    ------
    ValueError
        If it is not.

    References
    ----------
    Huber, "Robust estimation of a location parameter", 1964.
    """

    name = "huber"

    def __init__(self, delta: float = 1.0) -> None:
        if not 0 < delta < math.inf:
            raise ValueError(f"delta must be a positive number; got {delta}")
        self.delta = float(delta)

    def compute(self, z: Array, t: Array, dz: Array, values: Array) -> None:
        # With c = z − t cut to ±delta: both cases are c (z − t) − c² / 2.
        np.subtract(z, t, out=values)
        np.minimum(values, self.delta, out=dz)
        np.maximum(dz, -self.delta, out=dz)
        np.multiply(values, 2, out=values)
        np.subtract(values, dz, out=values)
        np.multiply(values, dz, out=values)
        np.multiply(values, 0.5, out=values)


LOSSES: dict[str, type[Loss]] = {
    cls.name: cls
    for cls in (
        SoftmaxCrossEntropy,
        SigmoidBinaryCrossEntropy,
        SquaredError,
        PoissonDeviance,
        AbsoluteError,
        Huber,
    )
}


def get(spec: str | Mapping[str, Any] | Loss) -> Loss:
    """Return the loss that ``spec`` names.

    Raises
    ------
    ValueError
        If the name is unknown or a setting is missing or out of range.
    """
    if isinstance(spec, Loss):
        return spec
    return build("loss", LOSSES, spec)


def softmax(z: Array) -> Array:
    """Return probabilities (B, K) for logits z (B, K); each row sums to 1."""
    p: Array = z - np.maximum.reduce(z, axis=1, keepdims=True)
    np.exp(p, out=p)
    p /= np.add.reduce(p, axis=1, keepdims=True)
    return p


def log_softmax(z: Array) -> Array:
    """Return log softmax(z) (B, K), computed without taking a logarithm of 0."""
    log_p: Array = z - np.maximum.reduce(z, axis=1, keepdims=True)
    log_p -= np.log(np.add.reduce(np.exp(log_p), axis=1, keepdims=True))
    return log_p


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e⁻ᶻ), exact for very negative z too."""
    p: Array = np.exp(-np.logaddexp(0, -z))
    return p
