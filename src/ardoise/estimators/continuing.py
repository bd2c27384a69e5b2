"""What one training leaves to the next: where it stands, and in which order it goes."""

from __future__ import annotations

import copy
from typing import Any, Self, cast

import numpy as np

from ardoise.engine.batches import Rows, count_rows
from ardoise.engine.history import History
from ardoise.engine.order import Order, generator_state
from ardoise.engine.snapshot import Snapshot
from ardoise.engine.training import Training
from ardoise.estimators.contract import NetworkEstimator
from ardoise.estimators.modes import Mode
from ardoise.estimators.splits import shuffled


class ShuffledRows(Order):
    """The rows that train, shuffled again before each epoch as scikit-learn does."""

    def __init__(self, rows: Rows, n: int, random_state: Any, shuffle: bool) -> None:
        self.n = n
        self._rows, self._shuffle = rows, shuffle
        self._random_state = random_state

    def next(self) -> Rows:
        if self._shuffle:
            rows = self._rows
            if isinstance(rows, slice):
                rows = np.arange(self.n)
            self._rows = shuffled(rows, self._random_state)
        return self._rows

    def copy(self) -> Self:
        """Return an order that goes on where this one is, which stays there."""
        twin = copy.copy(self)
        twin._random_state = copy.deepcopy(self._random_state)
        return twin


class GoingOn(Training):
    """A training that takes over what it can of one whose batches were others."""

    def _restore(self, snapshot: Snapshot) -> None:
        values, arrays = dict(snapshot.values), dict(snapshot.arrays)
        own = [generator_state(each) for each in self._workers.generators]
        if len(own) != len(values["generators"][0]):  # one for each thread at work
            values["generators"] = [own]
        if self._average is not None and "average" not in arrays:
            arrays["average"], values["average_steps"] = arrays["theta"], 0
        super()._restore(Snapshot(values, arrays))


def keep(
    estimator: NetworkEstimator, training: Training, order: ShuffledRows, mode: Mode
) -> None:
    """Keep what another training needs to go on where this one ends."""
    last = training.last  # None after a divergence
    if last is not None and mode.once:
        # The estimator has its own history, which would be copied at each call; and
        # callbacks of pieces begin anew.
        last = last._replace(
            values={**last.values, "callbacks": [], "history": History().columns}
        )
    estimator._snapshot = last
    # From the user's own generator, others may draw meanwhile.
    is_shared = isinstance(
        estimator.random_state, np.random.RandomState | np.random.Generator
    )
    estimator._order = order.copy() if is_shared else order
    place = estimator._optimizer.place
    estimator._passes = estimator.n_iter_ if place is None else place[0]


def starting_point(estimator: NetworkEstimator, mode: Mode) -> Snapshot | None:
    """Return what the training goes on from; None for a new one."""
    snapshot = estimator._snapshot
    if snapshot is None or mode.name == "resume":
        return snapshot
    if not mode.once:
        return None
    # An epoch that was broken off is not taken up: these are other data.
    snapshot = snapshot._replace(values={**snapshot.values, "in_epoch": False})
    if estimator.weight_average is None:
        # The weights are where they are: somebody may have changed them.
        network = estimator.network_
        here = {"theta": network.theta, "state": network.state}
        return snapshot._replace(arrays=snapshot.arrays | here)
    return snapshot


def epochs_in_all(
    estimator: NetworkEstimator, snapshot: Snapshot | None, mode: Mode
) -> int:
    """Return how many epochs there will have been, those of the snapshot included."""
    more = mode.epochs if mode.once else estimator.max_iter - estimator.n_iter_
    if snapshot is None:
        return more
    # One that was broken off is among those that are left.
    return int(snapshot.values["epoch"]) - bool(snapshot.values["in_epoch"]) + more


def next_order(
    estimator: NetworkEstimator, rows: Rows, random_state: Any, mode: Mode
) -> ShuffledRows:
    """Return in which order the rows will train."""
    if mode.name == "resume":
        return cast(ShuffledRows, estimator._order).copy()
    n, shuffle = count_rows(rows), estimator.shuffle
    if mode.name == "refit":  # mixes new samples with old ones, whatever fit does
        random_state, shuffle = np.random.RandomState(estimator.t_ % 2**32), True
    return ShuffledRows(rows, n, random_state, shuffle)
