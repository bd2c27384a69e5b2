"""What training asks of an estimator: parameters, records, and a few decisions.

A subclass says which layers, which loss, and what outputs mean; `fitting` trains.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.inference import each_batch, sharing
from ardoise.engine.layers import Layer
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.order import Order
from ardoise.engine.schedules import Schedule
from ardoise.engine.snapshot import Snapshot
from ardoise.engine.sparse import SparseRows
from ardoise.estimators.base import Estimator
from ardoise.estimators.exceptions import not_fitted
from ardoise.estimators.modes import Mode
from ardoise.estimators.sealing import sealed, unsealed
from ardoise.estimators.solvers import Solver
from ardoise.estimators.threads import default_threads
from ardoise.estimators.validation import check_samples_in

Samples = Array | SparseRows
Data = tuple[Samples, Array, Array | None]  # samples, targets, weights

# What scikit-learn's MLP lets its users choose, and the other estimators do not.
DEFAULTS: dict[str, Any] = {
    "power_t": 0.5,
    "momentum": 0.9,
    "nesterovs_momentum": True,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
    "max_fun": 15000,
}
# Fewer multiplications than this are done before other threads have woken.
THREAD_WORK = 1 << 24


class HeldOut(NamedTuple):
    """Samples that judge and do not train.

    Attributes
    ----------
    x : array of shape (n, *input_shape) or SparseRows
    targets : array
        As the loss reads them.
    truth : array of shape (n,) or (n, K)
        Labels or values, as `predict` returns them.
    weights : array of shape (n,) or None
    """

    x: Samples
    targets: Array
    truth: Array
    weights: Array | None


class NetworkEstimator(Estimator):
    """Base of all estimators.

    Attributes
    ----------
    network_ : Network
    history_ : dict of str to list
        An entry an epoch: ``loss``, ``learning_rate``, ``seconds``; with held-out
        samples ``validation_loss``, ``validation_score`` and one for each metric.
    """

    constraints: ClassVar[Mapping[str, Sequence[Any]]] = {}
    # Whether reaching max_iter is something to warn of.
    warns_at_the_end: ClassVar[bool] = True

    # Parameters, which `_store` keeps.
    solver: str | Mapping[str, Any] | Optimizer
    alpha: float
    batch_size: int | str
    learning_rate: str | Mapping[str, Any] | Schedule
    learning_rate_init: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: bool | int
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float
    max_norm: float | None
    weight_average: float | None
    metrics: Any
    callbacks: Any
    threads: int | None
    progress_bar: bool

    # Records, from `_start` on.
    network_: Network
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    best_loss_: float | None
    best_validation_score_: float | None
    loss_: float
    n_iter_: int
    t_: int
    n_outputs_: int
    history_: dict[str, list[Any]]
    _no_improvement_count: int
    _best: tuple[Array, Array] | None
    # What goes on with the next call of `partial_fit`, or with ``resume=True``.
    _optimizer: Solver
    _order: Order
    _snapshot: Snapshot | None = None
    _course: Any = None  # a `Course`: what must not have changed meanwhile
    _passes: int = 0  # done, of max_iter: where a schedule stands
    _split: tuple[Array, Array] | None = None
    _criterion: Loss

    # -- what a subclass says ----------------------------------------------------------

    def _build(self, n_features: int, n_outputs: int) -> list[Layer]:
        """Return new layers for so many features and outputs."""
        raise NotImplementedError

    def _network_seed(self, random_state: Any) -> Any:
        """Return what the network draws its first weights from."""
        return 0

    def _initialize(self, network: Network, random_state: Any) -> None:
        """Draw the first weights anew, if they are drawn in another way."""
        raise NotImplementedError

    def _make_loss(self) -> Loss:
        raise NotImplementedError

    def _know_classes(self, y: Any, mode: Mode) -> None:
        """Learn the classes from ``mode``, before y is looked at."""

    def _fit_targets(self, y: Any, mode: Mode, *, anew: bool) -> Array:
        """Return y as the loss reads it; learn its classes, or check them."""
        raise NotImplementedError

    def _known_targets(self, y: Any) -> Array:
        """Return y as the loss reads it, if it is what y was in training."""
        raise NotImplementedError

    def _all_weights(self, y: Any, sample_weight: Array | None) -> Array | None:
        """Return the weight of each sample, or None if they are all 1."""
        return sample_weight

    def _count_outputs(self, targets: Array) -> int:
        """Return how many outputs the network needs."""
        return int(targets.shape[1])

    def _decide(self, z: Array) -> Array:
        """Return labels or values for outputs z."""
        raise NotImplementedError

    def _truth(self, targets: Array) -> Array:
        """Return labels or values from targets: what `_decide` should have said."""
        raise NotImplementedError

    def _score_of(self, truth: Array, predicted: Array, weights: Array | None) -> float:
        raise NotImplementedError

    def _stratify(self, targets: Array) -> Array | None:
        """Return the classes that early stopping's split is stratified by."""
        return None

    def _finish(self, held_out: HeldOut | None) -> None:
        """Do what follows a training; ``held_out`` did not train."""

    def _needs_held_out(self) -> bool:
        """Say whether samples must be held out, if the user gives none."""
        return self.early_stopping

    def _input_shape(self, n_features: int) -> tuple[int, ...]:
        return (n_features,)

    def _check_x(self, X: Any, *, reset: bool) -> Samples:
        """Return X as the network reads it, or refuse it."""
        return check_samples_in(self, X, reset=reset)

    def _dtype(self, x: Samples) -> Any:
        """Return the dtype of a network for these samples."""
        return x.dtype

    def _refresh(self) -> None:
        """Take over what somebody has changed from outside."""

    def _setting(self, name: str) -> Any:
        """Return a parameter that not all estimators have."""
        return getattr(self, name, DEFAULTS.get(name))

    def _thread_count(self) -> int:
        return default_threads() if self.threads is None else int(self.threads)

    # -- copies ------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return sealed(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(unsealed(state, type(self).__name__))

    def __copy__(self) -> Self:
        twin = object.__new__(type(self))
        twin.__setstate__(dict(vars(self)))  # the same network
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        memo[id(self)] = twin = object.__new__(type(self))
        twin.__setstate__(copy.deepcopy(vars(self), memo))
        return twin

    # -- using -------------------------------------------------------------------------

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise not_fitted(self)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Within, other threads neither use the network nor put another in its place.

        Who trains holds it too: a prediction meanwhile waits for the end.
        """
        while True:
            network = vars(self).get("network_")
            if network is None:
                yield
                return
            with network.lock:
                # While this thread waited, a fit may have built another.
                if vars(self).get("network_") is network:
                    yield
                    return

    def _outputs(self, x: Samples) -> Array:
        """Return the network's outputs (n, K) for checked samples, in a new array."""
        network, n = self.network_, x.shape[0]
        with network.lock:
            if n <= network.micro_batch() or network.multiply_adds * n < THREAD_WORK:
                return network.predict_logits(x)
            out = np.empty((n, *network.output_shape), network.dtype)

            def keep(_: int, place: slice, z: Array) -> None:
                out[place] = z

            each_batch(sharing(network, self._thread_count(), n), x, keep)
            return out

    def _predict_outputs(self, X: Any) -> Array:
        self._check_fitted()
        with self._held():
            self._refresh()
            return self._outputs(self._check_x(X, reset=False))
