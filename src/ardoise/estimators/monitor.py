"""What an estimator does after each epoch: note, judge, print, stop.

The rules are scikit-learn's: training stops when `n_iter_no_change` epochs in a row
have not improved the training loss (or the score on held-out samples, with early
stopping) by more than ``tol``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.training import Callback, Training
from ardoise.estimators.contract import HeldOut, NetworkEstimator
from ardoise.estimators.solvers import Solver

Metric = Callable[[Array, Array], float]


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
        line[f"validation_{name}"] = float(metric(held_out.truth, predicted))
    return line


def add_line(history: dict[str, list[Any]], line: Mapping[str, Any]) -> None:
    """Add an epoch to a history."""
    for name, item in line.items():
        history.setdefault(name, []).append(item)


def named_metrics(metrics: Any) -> Mapping[str, Metric]:
    """Return name → metric for what the user gave: one, several, or with names."""
    if metrics is None:
        return {}
    if isinstance(metrics, Mapping):
        return metrics
    several = [metrics] if callable(metrics) else metrics
    return {getattr(metric, "__name__", repr(metric)): metric for metric in several}


class Monitor(Callback):
    """Keeps an estimator's records during a stochastic training.

    Parameters
    ----------
    estimator : NetworkEstimator
        Its ``loss_curve_`` and so on are written.
    solver : Solver
    held_out : HeldOut or None
        Evaluated after each epoch.
    stops_early : bool
        Whether the held-out score decides when to stop, and which weights stay.
    once : bool
        One epoch, whatever happens: `partial_fit`.
    metrics : mapping of str to callable
        name → function(truth, predicted), for the history.
    """

    def __init__(
        self,
        estimator: NetworkEstimator,
        solver: Solver,
        held_out: HeldOut | None,
        *,
        stops_early: bool,
        once: bool,
        metrics: Mapping[str, Metric],
    ) -> None:
        self._estimator, self._solver, self._held_out = estimator, solver, held_out
        self._stops_early, self._once = stops_early, once
        self._metrics = metrics

    @property
    def _scores(self) -> list[float]:
        estimator = self._estimator
        if estimator.validation_scores_ is None:  # a warm start that changed its mind
            estimator.validation_scores_ = []
        return estimator.validation_scores_

    def on_epoch_end(self, training: Training) -> None:
        estimator = self._estimator
        estimator.n_iter_ += 1
        estimator.t_ += training.n_samples
        estimator.loss_ = training.running_loss
        estimator.loss_curve_.append(training.running_loss)
        if estimator.verbose and not estimator._is_quiet:
            print(f"Iteration {estimator.n_iter_}, loss = {estimator.loss_:.8f}")
        score = self._note(training)
        if self._stops_early:
            self._judge_score(training, score)
        else:
            self._judge_loss()
        self._solver.epoch_ends(estimator.t_)
        if self._is_over():
            training.stop("early_stopping")
        elif self._once:
            training.stop("stopped")

    def diverged(self) -> None:
        """Note an epoch that ended with numbers that are none."""
        estimator = self._estimator
        estimator.n_iter_ += 1
        estimator.loss_ = math.nan
        estimator.loss_curve_.append(math.nan)
        if self._stops_early:
            self._scores.append(math.nan)

    def _note(self, training: Training) -> float:
        """Write this epoch's line of the history; return the held-out score."""
        line: dict[str, Any] = {
            "loss": training.running_loss,
            "learning_rate": training.learning_rate,
            "seconds": training.seconds,
        }
        if self._held_out is not None:
            line |= judge(self._estimator, self._held_out, self._metrics)
        add_line(self._estimator.history_, line)
        return float(line.get("validation_score", math.nan))

    def _judge_score(self, training: Training, score: float) -> None:
        estimator = self._estimator
        self._scores.append(score)
        if estimator.verbose:
            print(f"Validation score: {score:f}")
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

    def _judge_loss(self) -> None:
        estimator = self._estimator
        best = math.inf if estimator.best_loss_ is None else estimator.best_loss_
        if estimator.loss_ > best - estimator.tol:
            estimator._no_improvement_count += 1
        else:
            estimator._no_improvement_count = 0
        estimator.best_loss_ = min(best, estimator.loss_)

    def _is_over(self) -> bool:
        estimator = self._estimator
        if estimator._no_improvement_count <= estimator.n_iter_no_change:
            return False
        what = "Validation score" if self._stops_early else "Training loss"
        message = (
            f"{what} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change} consecutive epochs."
        )
        if self._solver.stops(message, bool(estimator.verbose)):
            return True
        estimator._no_improvement_count = 0
        return False
