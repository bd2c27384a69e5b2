"""How good predictions are, in one number: what `score` returns."""

from __future__ import annotations

from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.estimators.checks import check_finite_input, check_not_empty, refuse_none
from ardoise.estimators.frames import as_dense, to_array
from ardoise.estimators.targets import label_array, target_type
from ardoise.estimators.validation import check_sample_weight

LABELS = ("binary", "multiclass", "multilabel-indicator")


def accuracy(truth: Array, predicted: Array, weights: Array | None = None) -> float:
    """Return the (weighted) share of samples whose labels are all right.

    Parameters
    ----------
    truth, predicted : array of shape (n,) or (n, K)
    weights : array of shape (n,), optional
    """
    right = truth == predicted
    if right.ndim == 2:
        right = right.all(axis=1)
    return float(np.average(right, weights=weights))


def r2(truth: Array, predicted: Array, weights: Array | None = None) -> float:
    """Return R², the mean over the outputs of 1 − Σ w (y − ŷ)² / Σ w (y − mean)².

    An output that never varies counts 1 if it is predicted exactly, else 0; a single
    sample has no R²: NaN. As in scikit-learn's ``r2_score``.

    Parameters
    ----------
    truth, predicted : array of shape (n,) or (n, K)
    weights : array of shape (n,), optional
    """
    truth = truth.astype(np.float64).reshape(len(predicted), -1)
    values = predicted.astype(np.float64).reshape(truth.shape)
    if len(truth) < 2:
        return float("nan")
    if weights is None:
        weights = np.ones(len(truth))
    weights = weights.astype(np.float64)
    mean = np.average(truth, axis=0, weights=weights)
    unexplained = weights @ (truth - values) ** 2
    total = weights @ (truth - mean) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(
            total > 0, 1 - unexplained / total, np.where(unexplained == 0, 1.0, 0.0)
        )
    return float(each.mean())


def check_labels(y: Any, predicted: Array) -> Array:
    """Return the true labels, as they can be compared with predicted ones.

    Raises
    ------
    TypeError, ValueError
        If they are none (NaN, fractions), or have another shape.
    """
    truth = _of_shape(label_array(y), predicted)
    kinds = target_type(truth), target_type(predicted)
    if kinds[0] not in LABELS:
        raise ValueError(
            f"Classification metrics can't handle a mix of {kinds[0]} and {kinds[1]} "
            "targets"
        )
    return truth


def check_numbers(y: Any, predicted: Array) -> Array:
    """Return the true values, as they can be compared with predicted ones.

    Raises
    ------
    TypeError, ValueError
        If they are no finite numbers, or have another shape.
    """
    refuse_none(y)
    truth = to_array(as_dense(y), (np.float64,))
    check_finite_input(truth, "y")
    check_not_empty(truth)
    return _of_shape(truth, predicted)


def check_weights(sample_weight: Any, predicted: Array) -> Array | None:
    """Return the weights of so many predictions, in float64.

    Raises
    ------
    TypeError, ValueError
        As `check_sample_weight`.
    """
    return check_sample_weight(sample_weight, predicted.shape[0], np.float64)


def _of_shape(truth: Array, predicted: Array) -> Array:
    """Return the truth in the shape of the predictions, if it is that or a column."""
    if truth.ndim == 2 and predicted.ndim == 1 and truth.shape[1] == 1:
        truth = truth.ravel()
    if truth.shape != predicted.shape:
        raise ValueError(
            f"y must have the shape of the predictions, {predicted.shape}; got "
            f"{truth.shape}"
        )
    return truth
