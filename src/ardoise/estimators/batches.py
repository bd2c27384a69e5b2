"""Data that comes in batches: files too large for memory, streams, corrections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from ardoise.estimators.contract import NetworkEstimator

E = TypeVar("E", bound=NetworkEstimator)


def is_batches(X: Any) -> bool:
    """Say whether X is an iterable of batches, not an array of samples."""
    arrays = hasattr(X, "shape") or hasattr(X, "__array__") or hasattr(X, "columns")
    if arrays or isinstance(X, str | bytes | Mapping):
        return False
    if isinstance(X, list | tuple):
        return bool(len(X)) and isinstance(X[0], tuple)
    return hasattr(X, "__iter__")


def fit_batches(estimator: E, batches: Iterable[Any], **first: Any) -> E:
    """Train on batches, pass after pass; return the estimator.

    ``first`` goes to the first `partial_fit`. A pass counts as an epoch: ``n_iter_``,
    ``loss_curve_`` and when to stop are about passes.

    Raises
    ------
    ValueError
        If there is no batch, or one is not (X, y) or (X, y, sample_weight).
    """
    if estimator.early_stopping:
        raise ValueError(
            "early_stopping=True needs all samples at once; with batches, look at "
            "loss_curve_"
        )
    if not estimator.warm_start:
        _forget(estimator)
    passes = 1 if iter(batches) is batches else estimator.max_iter
    curve: list[float] = []
    stale, best = 0, np.inf
    for _ in range(passes):
        total, samples = 0.0, 0
        for batch in batches:
            X, y, *weight = _check_batch(batch)
            estimator.partial_fit(X, y, *weight, **first)
            first = {}
            total += estimator.loss_ * len(y)
            samples += len(y)
        if not samples:
            raise ValueError("the iterable of batches held none")
        estimator.loss_ = total / samples
        curve.append(estimator.loss_)
        stale = stale + 1 if estimator.loss_ > best - estimator.tol else 0
        best = min(best, estimator.loss_)
        if stale > estimator.n_iter_no_change:
            break
    estimator.n_iter_, estimator.loss_curve_ = len(curve), curve
    estimator.best_loss_, estimator._no_improvement_count = best, stale
    return estimator


def _forget(estimator: NetworkEstimator) -> None:
    """Drop what an earlier training left: a new one begins."""
    for name in list(vars(estimator)):
        if name not in estimator._parameter_names():
            delattr(estimator, name)


def _check_batch(batch: Any) -> Any:
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        got = len(batch) if isinstance(batch, tuple | list) else type(batch).__name__
        raise ValueError(
            f"each batch must be (X, y) or (X, y, sample_weight); got {got}"
        )
    return batch


def refit_with_replay(
    estimator: E, X: Any, y: Any, replay: Any, *, epochs: int, share: float, seed: Any
) -> E:
    """Train some more on a few samples, between samples that are known already.

    Each epoch takes the new samples as often as makes them ``share`` of all, and all
    samples of ``replay``.

    References
    ----------
    Rolnick et al., "Experience replay for continual learning", 2019.
    """
    X_old, y_old = np.asarray(replay[0]), np.asarray(replay[1])
    X, y = np.asarray(X), np.asarray(y)
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1; got {share!r}")
    if len(X) != len(y) or len(X_old) != len(y_old) or not len(X) or not len(X_old):
        raise ValueError(
            "refit needs as many labels as samples, and at least one, both of the new "
            f"and of the replayed; got {len(X)} and {len(y)}, {len(X_old)} and "
            f"{len(y_old)}"
        )
    times = max(1, round(share / (1 - share) * len(X_old) / len(X)))
    rng = np.random.default_rng(seed)
    all_X = np.concatenate([X_old, *[X] * times])
    all_y = np.concatenate([y_old, *[y] * times])
    for _ in range(epochs):
        order = rng.permutation(len(all_X))
        estimator.partial_fit(all_X[order], all_y[order])
    return estimator
