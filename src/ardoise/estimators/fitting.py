"""How an estimator is fitted: check, build, train, or go on.

The two ways to train are `stochastic` and `lbfgs`.
"""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from ardoise.engine.network import Network
from ardoise.estimators.contract import Data, HeldOut, NetworkEstimator, Samples
from ardoise.estimators.lbfgs import fit_lbfgs
from ardoise.estimators.parameters import validate_parameters
from ardoise.estimators.stochastic import NOT_FINITE, fit_stochastic
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
        *,
        once: bool = False,
        resume: bool = False,
    ) -> Self:
        """Fit, or raise and leave the estimator as it was."""
        before = dict(vars(self))
        try:
            self._try_fit(X, y, sample_weight, validation_data, once, resume)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
        return self

    def _try_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation_data: Any,
        once: bool,
        resume: bool,
    ) -> None:
        validate_parameters(self, self.constraints)
        if resume:
            self._check_resumable()
        self._refresh()
        goes_on = self.warm_start or once or resume
        anew = not (goes_on and self.__sklearn_is_fitted__())
        data = self._check_data(X, y, sample_weight, anew=anew)
        random_state = check_random_state(self.random_state)
        if anew:
            self._start(data, random_state)
        else:
            self._check_network(data[0])
        self._criterion = self._make_loss()
        given = self._check_validation(validation_data)
        if self.solver == "lbfgs":
            self._last_held_out = given
            fit_lbfgs(self, data, self._thread_count())
        else:
            fit_stochastic(self, data, given, random_state, once=once, resume=resume)
        if not np.isfinite(self.network_.theta).all():
            raise ValueError(NOT_FINITE)
        self._finish(self._last_held_out)

    def _check_data(self, X: Any, y: Any, sample_weight: Any, *, anew: bool) -> Data:
        x = self._check_x(X, reset=anew)
        n = x.shape[0]
        targets = self._fit_targets(y, n, anew=anew)
        check_consistent_length(x, targets)
        dtype = self._dtype(x) if anew else self.network_.dtype
        weights = self._all_weights(y, check_sample_weight(sample_weight, n, dtype))
        if targets.dtype.kind == "f":
            targets = targets.astype(dtype, copy=False)
        return x, targets, None if weights is None else weights.astype(dtype)

    def _start(self, data: Data, random_state: Any) -> None:
        """Build a new network and begin all records."""
        x, targets, _ = data
        features = math.prod(x.shape[1:])
        self.n_outputs_ = self._count_outputs(targets)
        network = self.network_ = Network(
            self._build(features, self.n_outputs_),
            self._input_shape(features),
            dtype=self._dtype(x),
            seed=self._network_seed(random_state),
        )
        self._initialize(network, random_state)
        self.n_iter_, self.t_ = 0, 0
        self.loss_curve_, self.history_ = [], {}
        self._no_improvement_count = 0
        self._snapshot = self._split = self._last_held_out = None
        self._passes = 0
        early = self.early_stopping and self.solver != "lbfgs"
        self.validation_scores_ = [] if early else None
        self.best_validation_score_ = -np.inf if early else None
        self.best_loss_ = None if early else np.inf
        self._best = (network.theta.copy(), network.state.copy()) if early else None

    def _check_network(self, x: Samples) -> None:
        """Refuse parameters of another architecture than that of the network."""
        features = math.prod(x.shape[1:])
        layers = self._build(features, self.n_outputs_)
        shape = self._input_shape(features)
        wanted = Network(layers, shape, dtype=self.network_.dtype, seed=0).config()
        if wanted != self.network_.config():
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
        targets = self._targets(y, x.shape[0])
        check_consistent_length(x, targets)
        dtype = self.network_.dtype
        if targets.dtype.kind == "f":
            targets = targets.astype(dtype, copy=False)
        weights = check_sample_weight(sample_weight, x.shape[0], dtype)
        return HeldOut(x, targets, self._truth(targets), weights)

    def _check_resumable(self) -> None:
        self._check_fitted()
        if self._snapshot is None:
            raise ValueError(
                "resume=True goes on with a training by a stochastic solver; this "
                "estimator has none to go on with"
            )
