"""Data that comes in batches: files too large for memory, streams, corrections."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np

from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.monitor import add_line, judge, named_metrics

E = TypeVar("E", bound=FittedEstimator)


def is_batches(X: Any) -> bool:
    """Say whether X is an iterable of batches, not an array of samples."""
    arrays = hasattr(X, "shape") or hasattr(X, "__array__") or hasattr(X, "columns")
    if arrays or isinstance(X, str | bytes | Mapping):
        return False
    if isinstance(X, list | tuple):
        return bool(len(X)) and isinstance(X[0], tuple)
    return hasattr(X, "__iter__")


def fit_batches(
    estimator: E, batches: Iterable[Any], validation_data: Any = None, **first: Any
) -> E:
    """Train on batches, pass after pass; return the estimator.

    A pass counts as an epoch: ``n_iter_``, ``loss_curve_``, ``history_``, learning-rate
    schedules and when to stop are about passes.

    Parameters
    ----------
    estimator : FittedEstimator
    batches : iterable
        Of (X, y) or (X, y, sample_weight); gone through once if it is an iterator.
    validation_data : tuple, optional
        Evaluated after each pass.
    **first
        For the first `partial_fit`.

    Raises
    ------
    ValueError
        If there is no batch, one is not what it should be, or the estimator is to do
        what needs all samples at once.
    """
    _refuse_for_batches(estimator, validation_data)
    if not estimator.warm_start:
        _forget(estimator)
    passes = 1 if iter(batches) is batches else estimator.max_iter
    history: dict[str, list[Any]] = {}
    held_out, metrics = None, named_metrics(estimator.metrics)
    stale, best, started = 0, math.inf, time.perf_counter()
    for i in range(passes):
        loss = _one_pass(estimator, batches, i, first)
        first = {}
        line = {"loss": loss, "learning_rate": estimator.history_["learning_rate"][-1]}
        line["seconds"] = time.perf_counter() - started
        held_out = held_out or estimator._check_validation(validation_data)
        if held_out is not None:
            line |= judge(estimator, held_out, metrics)
        add_line(history, line)
        if estimator.verbose:
            print(f"Iteration {i + 1}, loss = {loss:.8f}")
        stale = stale + 1 if loss > best - estimator.tol else 0
        best = min(best, loss)
        if stale > estimator.n_iter_no_change:
            break
    estimator.history_, estimator.loss_curve_ = history, history["loss"]
    estimator.n_iter_, estimator.loss_ = len(history["loss"]), history["loss"][-1]
    estimator.best_loss_, estimator._no_improvement_count = best, stale
    estimator._finish(held_out)
    return estimator


def _one_pass(
    estimator: FittedEstimator,
    batches: Iterable[Any],
    i: int,
    first: Mapping[str, Any],
) -> float:
    """Train on all batches once; return the mean loss."""
    total, samples = 0.0, 0
    for batch in batches:
        X, y, *weight = _check_batch(batch)
        estimator._passes, estimator._is_quiet = i, True
        try:
            estimator._fit_piece(X, y, *weight, **first)
        finally:
            estimator._is_quiet = False
        first = {}
        total += estimator.loss_ * len(y)
        samples += len(y)
    if not samples:
        raise ValueError("the iterable of batches held none")
    return total / samples


def _refuse_for_batches(estimator: FittedEstimator, validation_data: Any) -> None:
    refused = {
        "solver='lbfgs'": estimator.solver == "lbfgs",
        "early_stopping=True": estimator.early_stopping,
        "calibrate=True without validation_data": validation_data is None
        and estimator._needs_held_out(),
        "metrics without validation_data": validation_data is None
        and estimator.metrics is not None,
    }
    for name, given in refused.items():
        if given:
            raise ValueError(
                f"{name} needs all samples at once, and batches come one by one; with "
                "batches, give validation_data=(X, y) and look at history_"
            )


def _forget(estimator: FittedEstimator) -> None:
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
        estimator._fit_piece(all_X[order], all_y[order])
    return estimator
