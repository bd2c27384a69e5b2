"""Data that comes in batches: files too large for memory, and streams."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import closing, nullcontext
from numbers import Number
from typing import Any

from ardoise.engine.training import EarlyStopping
from ardoise.estimators.contract import HeldOut
from ardoise.estimators.exceptions import warn
from ardoise.estimators.fitting import FittedEstimator
from ardoise.estimators.metrics import named_metrics
from ardoise.estimators.modes import FIT, Mode, Outcome
from ardoise.estimators.monitor import (
    is_over,
    judge,
    judge_loss,
    note_epoch,
    straighten,
)
from ardoise.estimators.progress import ProgressBar
from ardoise.estimators.rollback import unchanged_after_errors
from ardoise.estimators.stochastic import INTERRUPTED, listed_callbacks


def is_batches(X: Any) -> bool:
    """Say whether X is an iterable of batches, not an array of samples."""
    arrays = hasattr(X, "shape") or hasattr(X, "__array__") or hasattr(X, "columns")
    if arrays or isinstance(X, str | bytes | Mapping):
        return False
    if isinstance(X, list | tuple):
        if not (len(X) and isinstance(X[0], tuple)):
            return False
        # Not a row of numbers, or of texts.
        return not (X[0] and isinstance(X[0][0], Number | str))
    return hasattr(X, "__iter__")


def fit_batches(
    estimator: FittedEstimator,
    batches: Iterable[Any],
    validation_data: Any,
    beside: tuple[Any, bool],
    classes: Any = None,
) -> None:
    """Train on batches, pass after pass.

    A pass counts as an epoch: ``n_iter_``, ``loss_curve_``, ``history_``, learning-rate
    schedules and when to stop are about passes. Ctrl-C ends the training, in the midst
    of a batch or while one is read, and keeps what was learned; a pass that was broken
    off does not count.

    Parameters
    ----------
    estimator : FittedEstimator
    batches : iterable
        Of (X, y) or (X, y, sample_weight); gone through once if it is an iterator.
    validation_data : tuple, optional
        Evaluated after each pass.
    beside : (sample_weight, resume)
        Refused, if they are given.
    classes : array-like, optional
        All classes that there will be: a classifier needs them at the first batch.

    Raises
    ------
    ValueError
        If there is no batch, one is not what it should be, or the estimator is to do
        what needs all samples at once. The estimator is then what it was.
    """
    sample_weight, resume = beside
    _refuse(sample_weight is not None, "sample_weight", "each batch brings its own")
    _refuse(bool(resume), "resume=True", "warm_start=True trains further on batches")
    estimator._check_settings()
    _refuse_for_batches(estimator, validation_data)
    with estimator._held():
        in_place = estimator._goes_on(FIT)
        with unchanged_after_errors(estimator, in_place=in_place):
            _fit(estimator, batches, validation_data, classes)


def _fit(
    estimator: FittedEstimator,
    batches: Iterable[Any],
    validation_data: Any,
    classes: Any,
) -> None:
    count = 1 if iter(batches) is batches else int(estimator.max_iter)
    with closing(ProgressBar()) if estimator.progress_bar else nullcontext() as bar:
        passes = _Passes(estimator, validation_data, classes, bar)
        interrupted = passes.run(batches, count)
    estimator._finish_quietly(passes.held_out)
    if interrupted:
        warn("UserWarning", INTERRUPTED)


class _Passes:
    """Goes through batches, and keeps the records of an estimator."""

    def __init__(
        self,
        estimator: FittedEstimator,
        validation_data: Any,
        classes: Any,
        bar: ProgressBar | None,
    ) -> None:
        self._estimator, self._bar = estimator, bar
        self._validation_data, self._classes = validation_data, classes
        self._metrics = named_metrics(estimator.metrics)
        self._begins = not estimator._goes_on(FIT)
        self._has_model = not self._begins
        self._started = time.perf_counter()
        self.held_out: HeldOut | None = None

    def run(self, batches: Iterable[Any], count: int) -> bool:
        """Make so many passes, or fewer; return whether Ctrl-C has ended them."""
        estimator, offset = self._estimator, 0
        if self._has_model:
            estimator.n_iter_, offset = 0, len(estimator.loss_curve_)
        if self._bar is not None:
            self._bar.begin(count)
        try:
            for i in range(count):
                self._one_pass(batches, i)
                if self._bar is not None:
                    self._bar.show(i + 1, estimator.loss_)
                judge_loss(estimator)
                if is_over(estimator, estimator._optimizer):
                    break
        except KeyboardInterrupt:
            if not self._has_model:
                raise
            straighten(estimator, offset)
            return True
        return False

    def _one_pass(self, batches: Iterable[Any], i: int) -> None:
        total, samples, rate = 0.0, 0, 0.0
        for batch in batches:
            outcome = self._one_batch(batch, i)
            total += outcome.loss * outcome.samples
            samples, rate = samples + outcome.samples, outcome.learning_rate
        if not samples:
            raise ValueError("the iterable of batches held none")
        self._note({"loss": total / samples, "learning_rate": rate})

    def _one_batch(self, batch: Any, i: int) -> Outcome:
        X, y, weight = (*_check_batch(batch), None)[:3]
        self._estimator._passes = i
        mode = Mode("batch", begins=self._begins, classes=self._classes)
        outcome = self._estimator._fit(X, y, weight, mode=mode)
        self._has_model, self._begins, self._classes = True, False, None
        if outcome.stopped == "interrupted":
            raise KeyboardInterrupt
        if self.held_out is None and self._validation_data is not None:
            # Now that classes and features are known, and not after the whole pass.
            self.held_out = self._estimator._check_validation(self._validation_data)
        return outcome

    def _note(self, line: dict[str, Any]) -> None:
        line["seconds"] = time.perf_counter() - self._started
        try:
            if self.held_out is not None:
                line |= judge(self._estimator, self.held_out, self._metrics)
        finally:  # Ctrl-C in a metric comes after the pass, which counts
            note_epoch(self._estimator, line)
        if self._estimator.verbose:
            loss = line["loss"]
            print(f"Iteration {self._estimator.n_iter_}, loss = {loss:.8f}")


def _refuse(given: bool, name: str, advice: str) -> None:
    if given:
        raise ValueError(f"{name} does not go with batches: {advice}")


def _refuse_for_batches(estimator: FittedEstimator, validation_data: Any) -> None:
    stops = any(isinstance(c, EarlyStopping) for c in listed_callbacks(estimator))
    refused = {
        "solver='lbfgs'": estimator.solver == "lbfgs",
        "early_stopping=True": estimator.early_stopping,
        "EarlyStopping among the callbacks": stops,
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


def _check_batch(batch: Any) -> Any:
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        got = len(batch) if isinstance(batch, tuple | list) else type(batch).__name__
        raise ValueError(
            f"each batch must be (X, y) or (X, y, sample_weight); got {got}"
        )
    return batch
