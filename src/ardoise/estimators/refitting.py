"""Learning a few corrections without forgetting the rest."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, to_float
from ardoise.engine.sparse import SparseRows
from ardoise.estimators.contract import Data, Samples
from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.frames import as_dense
from ardoise.estimators.modes import Mode
from ardoise.estimators.rollback import unchanged_after_errors


def refit(
    estimator: FittedEstimator,
    X: Any,
    y: Any,
    replay: Any,
    *,
    epochs: int,
    share: float,
) -> None:
    """Train some more on a few samples, between samples that are known already.

    Each epoch takes the new samples as often as makes them ``share`` of all, and all
    samples of ``replay``.

    Raises
    ------
    ValueError
        In one sentence; the estimator is then what it was.

    References
    ----------
    Rolnick et al., "Experience replay for continual learning", 2019.
    """
    estimator._check_fitted()
    estimator._check_settings()
    if estimator.solver == "lbfgs":
        raise ValueError(
            "refit goes on step by step, and solver='lbfgs' takes all samples at once: "
            "set another solver"
        )
    if not isinstance(epochs, Integral) or epochs < 1:
        raise ValueError(f"epochs must be a positive whole number; got {epochs!r}")
    if not isinstance(share, Real) or not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1; got {share!r}")
    if not isinstance(replay, tuple | list) or len(replay) != 2:
        raise ValueError(
            "replay must be (X, y), samples that it was trained on; got "
            f"{type(replay).__name__}"
        )
    with estimator._held(), unchanged_after_errors(estimator, in_place=True):
        estimator._refresh()
        mode = Mode("refit", int(epochs))
        data = _mixed(estimator, (X, y), tuple(replay), float(share), mode)
        estimator._train(data, None, mode)


def _mixed(
    estimator: FittedEstimator,
    new: tuple[Any, Any],
    old: tuple[Any, Any],
    share: float,
    mode: Mode,
) -> Data:
    """Return old samples, and new ones as often as makes them ``share`` of all."""
    lengths = [_length(values) for values in (*new, *old)]
    n_new, n_old = lengths[0], lengths[2]
    if n_new != lengths[1] or n_old != lengths[3] or not n_new or not n_old:
        raise ValueError(
            "refit needs as many labels as samples, and at least one, both of the new "
            f"and of the replayed; got {n_new} and {lengths[1]}, {n_old} and "
            f"{lengths[3]}"
        )
    times = max(1, round(share / (1 - share) * n_old / n_new))
    x_new, x_old = (estimator._check_x(X, reset=False) for X in (new[0], old[0]))
    # Each by itself, before they are put together: a wrong one would spoil the other.
    t_new, t_old = (
        estimator._fit_targets(y, mode, anew=False) for y in (new[1], old[1])
    )
    dtype = estimator.network_.dtype
    targets = np.concatenate([t_old, *[t_new] * times])
    if targets.dtype.kind == "f":
        targets = targets.astype(dtype, copy=False)
    y = np.concatenate([_as_array(old[1]), *[_as_array(new[1])] * times])
    weights = estimator._all_weights(y, None)
    x = _stacked(x_old, x_new, times, dtype)
    return x, targets, None if weights is None else weights.astype(dtype)


def _length(values: Any) -> int:
    shape = getattr(values, "shape", None)
    if shape is None:
        return len(values) if hasattr(values, "__len__") else 0
    return int(shape[0]) if shape else 0


def _as_array(y: Any) -> Array:
    values = np.asarray(as_dense(y))
    return values.ravel() if values.shape[1:] == (1,) else values


def _stacked(old: Samples, new: Samples, times: int, dtype: Any) -> Samples:
    """Return the old samples, then the new ones so many times."""
    if isinstance(old, SparseRows) or isinstance(new, SparseRows):
        old, new = _as_sparse(old), _as_sparse(new)
        parts = [old, *[new] * times]
        counts = [np.diff(part.indptr) for part in parts]
        return SparseRows(
            np.concatenate([part.data for part in parts]),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([[0], np.cumsum(np.concatenate(counts))]),
            old.shape[1],
        )
    if old.dtype != new.dtype:  # bytes beside numbers mean x / 255
        old, new = (to_float(x, np.empty(x.shape, dtype)) for x in (old, new))
    return np.concatenate([old, *[new] * times])


def _as_sparse(x: Samples) -> SparseRows:
    if isinstance(x, SparseRows):
        return x
    rows, columns = np.nonzero(x)
    starts = np.searchsorted(rows, np.arange(len(x) + 1))
    return SparseRows(x[rows, columns], columns, starts, x.shape[1])
