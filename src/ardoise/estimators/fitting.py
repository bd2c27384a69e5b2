"""How an estimator is fitted: check, build, train, or go on.

The two ways to train are `stochastic` and `lbfgs`.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from typing import Any

import numpy as np

from ardoise.engine.layers import Layer
from ardoise.engine.network import Network
from ardoise.estimators.contract import Data, HeldOut, NetworkEstimator, Samples
from ardoise.estimators.exceptions import warn
from ardoise.estimators.lbfgs import fit_lbfgs
from ardoise.estimators.metrics import named_metrics
from ardoise.estimators.modes import FIT, Mode, Outcome
from ardoise.estimators.parameters import validate_parameters
from ardoise.estimators.resuming import check_course, course_of
from ardoise.estimators.rollback import unchanged_after_errors
from ardoise.estimators.stochastic import INTERRUPTED, NOT_FINITE, fit_stochastic
from ardoise.estimators.validation import (
    check_consistent_length,
    check_random_state,
    check_sample_weight,
)


class FittedEstimator(NetworkEstimator):
    """An estimator that can be fitted."""

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: Any = None,
        mode: Mode = FIT,
    ) -> Outcome:
        """Fit, or raise and leave the estimator as it was."""
        self._check_settings()
        with self._held():
            in_place = self._goes_on(mode)  # now that nobody else is about to fit it
            with unchanged_after_errors(self, in_place=in_place):
                if mode.name == "resume":
                    self._check_resumable()
                if in_place:  # or else what somebody put there goes away
                    self._refresh()
                if mode.once:
                    self._know_classes(y, mode)
                data = self._check_data(X, y, sample_weight, mode)
                return self._train(data, validation_data, mode)

    def _goes_on(self, mode: Mode) -> bool:
        """Say whether the network is trained further, not replaced by a new one."""
        wants = self.warm_start or mode.once or mode.name == "resume"
        return bool(wants) and not mode.begins and self.__sklearn_is_fitted__()

    def _check_settings(self) -> None:
        """Refuse parameters that are wrong whatever the data are."""
        validate_parameters(self, self.constraints)
        named_metrics(self.metrics)

    def _check_resumable(self) -> None:
        self._check_fitted()
        if self._snapshot is None:
            raise ValueError(
                "resume=True goes on with a training by a stochastic solver; this "
                "estimator has none to go on with"
            )

    def _check_data(self, X: Any, y: Any, sample_weight: Any, mode: Mode) -> Data:
        anew = not self._goes_on(mode)
        x = self._check_x(X, reset=anew)
        n = x.shape[0]
        targets = self._fit_targets(y, mode, anew=anew)
        check_consistent_length(x, targets)
        dtype = self._dtype(x) if anew else self.network_.dtype
        weights = self._all_weights(y, check_sample_weight(sample_weight, n, dtype))
        if targets.dtype.kind == "f":
            targets = targets.astype(dtype, copy=False)
        return x, targets, None if weights is None else weights.astype(dtype)

    def _train(self, data: Data, validation_data: Any, mode: Mode) -> Outcome:
        """Train on checked data, after building a network if need be."""
        random_state = check_random_state(self.random_state)
        with ExitStack() as stack:
            if self._goes_on(mode):
                self._check_network(data[0])
            else:
                network = self._new_network(data, random_state)
                stack.enter_context(network.lock)  # before others can see it
                self._start(network)
            if mode.name != "resume":
                self._criterion = self._make_loss()
            given = self._check_validation(validation_data)
            self._note_course(data[0].shape[0], given, mode)
            if self.solver == "lbfgs":
                outcome, held_out = fit_lbfgs(self, data, given), given
            else:
                outcome, held_out = fit_stochastic(
                    self, data, given, random_state, mode
                )
            if not np.isfinite(self.network_.theta).all():
                raise ValueError(NOT_FINITE)
            if mode.name != "batch":
                self._finish_quietly(held_out)
            return outcome

    def _note_course(self, samples: int, given: HeldOut | None, mode: Mode) -> None:
        """Write down what this training is; refuse to resume another one."""
        batch = mode.name == "batch"
        holds_out = given is None and self._needs_held_out() and not mode.once
        course = course_of(self, None if batch else samples, holds_out)
        if mode.name == "resume":
            check_course(self._course, course)
            if self._course is None or self._course.callbacks != course.callbacks:
                self._forget_callbacks()
        self._course = course

    def _forget_callbacks(self) -> None:
        if self._snapshot is not None:
            values = {**self._snapshot.values, "callbacks": []}
            self._snapshot = self._snapshot._replace(values=values)

    def _finish_quietly(self, held_out: HeldOut | None) -> None:
        """Finish; Ctrl-C spoils no training that is over."""
        try:
            self._finish(held_out)
        except KeyboardInterrupt:
            warn("UserWarning", INTERRUPTED)

    def _new_network(self, data: Data, random_state: Any) -> Network:
        """Build a network with first weights, not yet this estimator's."""
        x, targets, _ = data
        features = math.prod(x.shape[1:])
        self.n_outputs_ = self._count_outputs(targets)
        network = Network(
            self._build(features, self.n_outputs_),
            self._input_shape(features),
            dtype=self._dtype(x),
            seed=self._network_seed(random_state),
        )
        self._initialize(network, random_state)
        return network

    def _start(self, network: Network) -> None:
        """Take a new network, and begin all records."""
        self.network_ = network
        self.n_iter_, self.t_ = 0, 0
        self.loss_ = math.inf  # until an epoch has ended
        self.loss_curve_, self.history_ = [], {}
        self._no_improvement_count = 0
        self._snapshot = self._split = self._course = None
        self._passes = 0
        early = self.early_stopping and self.solver != "lbfgs"
        self.validation_scores_ = [] if early else None
        self.best_validation_score_ = -np.inf if early else None
        self.best_loss_ = None if early else np.inf
        self._best = (network.theta.copy(), network.state.copy()) if early else None

    def _check_network(self, x: Samples) -> None:
        """Refuse parameters of another architecture than that of the network."""
        features, network = math.prod(x.shape[1:]), self.network_
        wanted = self._build(features, self.n_outputs_)
        shape = tuple(self._input_shape(features))
        same = shape == network.input_shape and len(wanted) == len(network.layers)
        if not same or not all(map(_alike, wanted, network.layers)):
            raise ValueError(
                "the parameters describe another network than the one that was "
                "trained: set warm_start=False to begin a new one"
            )

    def _check_validation(self, validation_data: Any) -> HeldOut | None:
        if validation_data is None:
            return None
        listed = isinstance(validation_data, tuple | list)
        if not listed or len(validation_data) not in (2, 3):
            got = len(validation_data) if listed else type(validation_data).__name__
            raise ValueError(
                "validation_data must hold two or three arrays, (X, y) or "
                f"(X, y, sample_weight); got {got}"
            )
        X, y, sample_weight = (*validation_data, None)[:3]
        x = self._check_x(X, reset=False)
        targets = self._known_targets(y)
        check_consistent_length(x, targets)
        dtype = self.network_.dtype
        if targets.dtype.kind == "f":
            targets = targets.astype(dtype, copy=False)
        weights = check_sample_weight(sample_weight, x.shape[0], dtype)
        return HeldOut(x, targets, self._truth(targets), weights)


def _alike(a: Layer, b: Layer) -> bool:
    return type(a) is type(b) and a.config() == b.config()
