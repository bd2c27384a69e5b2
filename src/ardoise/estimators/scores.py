"""How good predictions are, in one number: what `score` returns."""

from __future__ import annotations

from typing import Any

import numpy as np

from ardoise.engine.arrays import Array


def accuracy(y: Any, predicted: Array, sample_weight: Any = None) -> float:
    """Return the (weighted) share of samples whose labels are all right.

    Parameters
    ----------
    y : array-like of shape (n,), (n, 1) or (n, K)
    predicted : array of shape (n,) or (n, K)
    sample_weight : array-like of shape (n,), optional

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    truth = _as_truth(y, predicted)
    right = truth == predicted
    if right.ndim == 2:
        right = right.all(axis=1)
    weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
    return float(np.average(right, weights=weights))


def r2(y: Any, predicted: Array, sample_weight: Any = None) -> float:
    """Return R², the mean over the outputs of 1 − Σ w (y − ŷ)² / Σ w (y − mean)².

    An output that never varies counts 1 if it is predicted exactly, else 0; a single
    sample has no R²: NaN. As in scikit-learn's ``r2_score``.

    Parameters
    ----------
    y : array-like of shape (n,), (n, 1) or (n, K)
    predicted : array of shape (n,) or (n, K)
    sample_weight : array-like of shape (n,), optional

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    truth = _as_truth(y, predicted).astype(np.float64).reshape(len(predicted), -1)
    values = predicted.astype(np.float64).reshape(truth.shape)
    if len(truth) < 2:
        return float("nan")
    weights = np.ones(len(truth))
    if sample_weight is not None:
        weights = np.asarray(sample_weight, np.float64)
    mean = np.average(truth, axis=0, weights=weights)
    unexplained = weights @ (truth - values) ** 2
    total = weights @ (truth - mean) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(
            total > 0, 1 - unexplained / total, np.where(unexplained == 0, 1.0, 0.0)
        )
    return float(each.mean())


def _as_truth(y: Any, predicted: Array) -> Array:
    """Return y as an array of the predictions' shape."""
    if hasattr(y, "toarray"):
        y = y.toarray()
    truth = np.asarray(y)
    if truth.ndim == 2 and predicted.ndim == 1 and truth.shape[1] == 1:
        truth = truth.ravel()
    if truth.shape != predicted.shape:
        raise ValueError(
            f"y must have the shape of the predictions, {predicted.shape}; got "
            f"{truth.shape}"
        )
    return truth
