"""What an estimator does after each epoch: note, judge, print, stop.

The rules are scikit-learn's: training stops when `n_iter_no_change` epochs in a row
have not improved the training loss (or the score on held-out samples, with early
stopping) by more than ``tol``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ardoise.engine.training import Callback, Training
from ardoise.estimators.contract import HeldOut, NetworkEstimator
from ardoise.estimators.metrics import Metric, measure
from ardoise.estimators.modes import Mode
from ardoise.estimators.solvers import Solver


def judge(
    estimator: NetworkEstimator, held_out: HeldOut, metrics: Mapping[str, Metric]
) -> dict[str, float]:
    """Return loss, score and metrics on held-out samples, as the history has them.

    The score is NaN if a prediction is no finite number.
    """
    z, weights = estimator._outputs(held_out.x), held_out.weights
    total = len(z) if weights is None else float(weights.sum())
    loss = estimator._criterion
    value, _ = loss(z, held_out.targets, scale=1 / total, weights=weights)
    predicted = estimator._decide(z)
    score = math.nan
    if predicted.dtype.kind != "f" or bool(np.isfinite(predicted).all()):
        score = estimator._score_of(held_out.truth, predicted, weights)
    line = {"validation_loss": value, "validation_score": score}
    for name, metric in metrics.items():
        line[f"validation_{name}"] = measure(name, metric, held_out.truth, predicted)
    return line


def note_epoch(estimator: NetworkEstimator, line: Mapping[str, Any]) -> None:
    """Write an epoch into all records: ``line`` is that of the history.

    What it does not say (an evaluation was interrupted) is NaN there, and so is what
    earlier epochs have not measured: all columns keep the same length.
    """
    history, before = estimator.history_, len(estimator.loss_curve_)
    estimator.loss_curve_.append(line["loss"])  # first: `straighten` goes by it
    estimator.n_iter_ += 1
    estimator.loss_ = line["loss"]
    for name in {**history, **line}:
        column = history.setdefault(name, [math.nan] * before)
        column.append(line.get(name, math.nan))


def straighten(estimator: NetworkEstimator, offset: int) -> None:
    """Bring all records to the same epoch: Ctrl-C may have come as one was written.

    Parameters
    ----------
    estimator : NetworkEstimator
    offset : int
        How many entries of ``loss_curve_`` are from before `n_iter_` was 0.
    """
    curve = estimator.loss_curve_
    estimator.n_iter_ = len(curve) - offset
    estimator.loss_ = curve[-1] if curve else math.inf
    for column in estimator.history_.values():
        _fill(column, len(curve))


def _fill(column: list[Any], length: int) -> None:
    del column[length:]
    column.extend([math.nan] * (length - len(column)))


def judge_loss(estimator: NetworkEstimator) -> None:
    """Count the epochs that have not improved the loss."""
    best = math.inf if estimator.best_loss_ is None else estimator.best_loss_
    if estimator.loss_ > best - estimator.tol:
        estimator._no_improvement_count += 1
    else:
        estimator._no_improvement_count = 0
    estimator.best_loss_ = min(best, estimator.loss_)


def is_over(
    estimator: NetworkEstimator, solver: Solver, what: str = "Training loss"
) -> bool:
    """Say whether training stops, since nothing improves; else the rate may fall."""
    if estimator._no_improvement_count <= estimator.n_iter_no_change:
        return False
    message = (
        f"{what} did not improve more than tol={estimator.tol:f} for "
        f"{estimator.n_iter_no_change} consecutive epochs."
    )
    if solver.stops(message, bool(estimator.verbose)):
        return True
    estimator._no_improvement_count = 0
    return False


class Counter(Callback):
    """Counts the samples of one batch among many; their caller keeps the records."""

    stops_early = False

    def __init__(self, estimator: NetworkEstimator, solver: Solver) -> None:
        self._estimator, self._solver = estimator, solver

    def on_epoch_end(self, training: Training) -> None:
        self._estimator.t_ += training.n_samples
        self._solver.epoch_ends(self._estimator.t_)

    def diverged(self) -> None:
        """Note nothing: the batches end with an error."""

    def interrupted(self, training: Training) -> None:
        """Do nothing: the caller straightens the records."""


class Monitor(Callback):
    """Keeps an estimator's records during a stochastic training.

    Parameters
    ----------
    estimator : NetworkEstimator
        Its ``loss_curve_`` and so on are written.
    solver : Solver
    held_out : HeldOut or None
        Evaluated after each epoch.
    mode : Mode
        `partial_fit` and the like make their epochs, whatever happens, and do not stop
        early.
    metrics : mapping of str to callable
        name → function(truth, predicted), for the history.

    Attributes
    ----------
    stops_early : bool
        Whether the held-out score decides when to stop, and which weights stay.
    """

    def __init__(
        self,
        estimator: NetworkEstimator,
        solver: Solver,
        held_out: HeldOut | None,
        mode: Mode,
        metrics: Mapping[str, Metric],
    ) -> None:
        self._estimator, self._solver, self._held_out = estimator, solver, held_out
        self._once, self._metrics = mode.once, metrics
        self.stops_early = bool(estimator.early_stopping) and not mode.once
        self._n_before, self._t_before = len(estimator.loss_curve_), estimator.t_
        self._n_scores = len(self._scores) if self.stops_early else 0
        self._offset = self._n_before - estimator.n_iter_

    @property
    def _scores(self) -> list[float]:
        estimator = self._estimator
        if estimator.validation_scores_ is None:  # a warm start that changed its mind
            estimator.validation_scores_ = []
        return estimator.validation_scores_

    def on_epoch_end(self, training: Training) -> None:
        estimator = self._estimator
        line: dict[str, Any] = {
            "loss": training.running_loss,
            "learning_rate": training.learning_rate,
            "seconds": training.seconds,
        }
        try:
            if self._held_out is not None:
                line |= judge(estimator, self._held_out, self._metrics)
        finally:  # Ctrl-C in a metric comes after the epoch, which counts
            estimator.t_ += training.n_samples
            self._note(line)
        score = float(line.get("validation_score", math.nan))
        self._print(score)
        if self.stops_early:
            self._judge_score(training, score)
        else:
            judge_loss(estimator)
        self._solver.epoch_ends(estimator.t_)
        what = "Validation score" if self.stops_early else "Training loss"
        if is_over(estimator, self._solver, what) and not self._once:
            training.stop("early_stopping")

    def diverged(self) -> None:
        """Note an epoch that ended with numbers that are none."""
        self._note({"loss": math.nan})

    def interrupted(self, training: Training) -> None:
        """Bring the records to the same epoch."""
        straighten(self._estimator, self._offset)
        done = len(self._estimator.loss_curve_) - self._n_before
        self._estimator.t_ = self._t_before + done * training.n_samples
        if self.stops_early:
            _fill(self._scores, self._n_scores + done)

    def _note(self, line: Mapping[str, Any]) -> None:
        note_epoch(self._estimator, line)
        if self.stops_early:
            self._scores.append(line.get("validation_score", math.nan))

    def _print(self, score: float) -> None:
        estimator = self._estimator
        if not estimator.verbose:
            return
        print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        if self.stops_early:
            print(f"Validation score: {score:f}")

    def _judge_score(self, training: Training, score: float) -> None:
        estimator = self._estimator
        best = estimator.best_validation_score_
        if best is None:
            best = -math.inf
        if score < best + estimator.tol:
            estimator._no_improvement_count += 1
        else:
            estimator._no_improvement_count = 0
        if score > best:
            estimator.best_validation_score_ = score
            estimator._best = (
                training.network.theta.copy(),
                training.network.state.copy(),
            )
