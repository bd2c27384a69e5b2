"""Training by a stochastic solver: epochs of mini-batches, as in scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np

from ardoise.engine.batches import Rows
from ardoise.engine.errors import DivergenceError
from ardoise.engine.layers import Dropout, SpatialDropout2D
from ardoise.engine.order import Order, Snapshot
from ardoise.engine.sparse import SparseRows
from ardoise.engine.training import Callback, Training
from ardoise.estimators.contract import Data, HeldOut, NetworkEstimator
from ardoise.estimators.exceptions import warn
from ardoise.estimators.monitor import Monitor, named_metrics
from ardoise.estimators.progress import ProgressBar
from ardoise.estimators.solvers import Solver
from ardoise.estimators.splits import shuffled, train_validation_indices

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large "
    "values and need to be preprocessed."
)
# Its optimisers have no weight decay of their own: alpha is a penalty of the loss.
PENALISED = ("adam", "sgd", "rmsprop")
SETTINGS = (
    "momentum",
    "nesterovs_momentum",
    "beta_1",
    "beta_2",
    "epsilon",
    "power_t",
    "alpha",
)


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


def fit_stochastic(
    estimator: NetworkEstimator,
    data: Data,
    given: HeldOut | None,
    random_state: Any,
    *,
    once: bool,
    resume: bool,
) -> None:
    """Train the estimator's network and keep what it needs to go on.

    Parameters
    ----------
    estimator : NetworkEstimator
    data : tuple
        Samples, targets and weights.
    given : HeldOut or None
        The user's own validation data.
    random_state : RandomState or Generator
    once : bool
        A single epoch, going on with the optimiser as it is: `partial_fit`.
    resume : bool
        The epochs that are left, going on with everything as it was.

    Raises
    ------
    ValueError
        If the weights stop being finite, and there are no better ones to go back to.
    """
    if estimator.early_stopping and once:
        raise ValueError("partial_fit does not support early_stopping=True")
    snapshot = _snapshot(estimator, once=once, resume=resume)
    rows: Rows = slice(0, data[0].shape[0])
    held_out = given
    if given is None and estimator._needs_held_out() and not once:
        rows, held_out = _hold_out(estimator, data, random_state, resume=resume)
    if held_out is None and estimator.metrics is not None and not once:
        raise ValueError(
            "metrics are measured on samples that do not train: give "
            "validation_data=(X, y), or early_stopping=True"
        )
    estimator._last_held_out = held_out
    n = len(rows) if isinstance(rows, np.ndarray) else data[0].shape[0]
    if snapshot is None:
        estimator._optimizer = _solver(estimator)
    if not resume:
        estimator.n_iter_ = 0
        estimator._order = ShuffledRows(rows, n, random_state, estimator.shuffle)
    if estimator.n_iter_ >= estimator.max_iter:
        return
    done = 0 if snapshot is None else snapshot.values["epoch"]
    solver = estimator._optimizer
    solver.place = (estimator._passes, estimator.max_iter) if once else None
    monitor = Monitor(
        estimator,
        solver,
        held_out,
        stops_early=estimator.early_stopping,
        once=once,
        metrics=named_metrics(estimator.metrics),
    )
    training = Training(
        estimator.network_,
        estimator._criterion,
        solver.optimizer,
        solver,
        data,
        None,
        order=estimator._order,
        epochs=done + estimator.max_iter - estimator.n_iter_,
        batch_size=_batch_size(estimator.batch_size, n),
        rng=_generator(estimator, random_state, fresh=snapshot is None),
        threads=estimator._thread_count(),
        callbacks=[monitor, *_callbacks(estimator)],
        max_norm=estimator.max_norm,
        average_decay=estimator.weight_average,
        l2=float(estimator.alpha) if estimator.solver in PENALISED else 0.0,
        augment=estimator._setting("augmentation"),
        snapshot=snapshot,
    )
    _run(estimator, training, monitor)
    estimator._snapshot = training.last
    if training.last is not None:
        training.last.values["callbacks"] = []  # they may be others the next time
    estimator._passes = estimator._passes + 1 if once else estimator.n_iter_
    if estimator.early_stopping and estimator._best is not None:
        network = estimator.network_
        network.theta[...], network.state[...] = estimator._best


def _run(estimator: NetworkEstimator, training: Training, monitor: Monitor) -> None:
    try:
        history = training.run()
    except DivergenceError as error:
        if not estimator.early_stopping:
            raise ValueError(f"{NOT_FINITE} ({error})") from error
        # scikit-learn goes back to the best weights, and so does the caller.
        monitor.diverged()
        _warn("ConvergenceWarning", f"Training stopped: {error}.")
        return
    if history.stopped == "interrupted":
        _warn("UserWarning", "Training interrupted by user.")
    elif history.stopped == "finished" and estimator.warns_at_the_end:
        _warn(
            "ConvergenceWarning",
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached "
            "and the optimization hasn't converged yet.",
        )


def _warn(kind: str, message: str) -> None:
    """Warn at the line that called `fit` or `partial_fit`."""
    warn(kind, message, stacklevel=7)


def _snapshot(
    estimator: NetworkEstimator, *, once: bool, resume: bool
) -> Snapshot | None:
    """Return what the training goes on from; None for a new one."""
    snapshot = estimator._snapshot
    if snapshot is None or not (once or resume):
        return None
    if once and estimator.weight_average is None:
        # The weights are where they are: somebody may have changed them.
        network = estimator.network_
        here = {"theta": network.theta, "state": network.state}
        return snapshot._replace(arrays=snapshot.arrays | here)
    return snapshot


def _solver(estimator: NetworkEstimator) -> Solver:
    return Solver(
        estimator.solver,
        estimator.learning_rate,
        estimator.learning_rate_init,
        {name: estimator._setting(name) for name in SETTINGS},
    )


def _hold_out(
    estimator: NetworkEstimator,
    data: Data,
    random_state: Any,
    *,
    resume: bool,
) -> tuple[Rows, HeldOut]:
    """Return the rows that train, and the samples that judge."""
    x, targets, weights = data
    if not (resume and estimator._split is not None):
        estimator._split = train_validation_indices(
            x.shape[0],
            estimator.validation_fraction,
            random_state,
            estimator._stratify(targets),
        )
    train, held = estimator._split
    if len(held) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the "
            "size of your dataset."
        )
    return train, HeldOut(
        x.rows(held) if isinstance(x, SparseRows) else x[held],
        targets[held],
        estimator._truth(targets[held]),
        None if weights is None else weights[held],
    )


def _batch_size(batch_size: int | str, n: int) -> int:
    if isinstance(batch_size, str):  # "auto"
        return min(200, n)
    if batch_size > n:
        _warn(
            "UserWarning",
            "Got `batch_size` less than 1 or larger than sample size. It is going to "
            "be clipped",
        )
    return min(int(batch_size), n)


def draws_numbers(estimator: NetworkEstimator) -> bool:
    """Say whether a step of this estimator's network is random."""
    kinds = (Dropout, SpatialDropout2D)
    layers = estimator.network_.all_layers()
    has = any(isinstance(layer, kinds) for layer in layers)
    return has or estimator._setting("augmentation") is not None


def _generator(
    estimator: NetworkEstimator, random_state: Any, *, fresh: bool
) -> np.random.Generator:
    """Return what layers that draw numbers, and augmentation, are fed from."""
    if fresh and draws_numbers(estimator):
        return draw_seed(random_state)
    # A snapshot has the generators' states. Or nobody draws anything, and then the
    # random state is left as scikit-learn leaves it.
    return np.random.default_rng(0)


def draw_seed(random_state: Any) -> np.random.Generator:
    """Return a generator for the engine, drawn from a scikit-learn random state."""
    if isinstance(random_state, np.random.Generator):
        return random_state.spawn(1)[0]
    return np.random.default_rng(random_state.randint(2**31 - 1, size=4))


def _callbacks(estimator: NetworkEstimator) -> list[Callback]:
    callbacks = list(estimator.callbacks or ())
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise ValueError(f"callbacks must be Callback objects; got {callback!r}")
    return [*callbacks, ProgressBar()] if estimator.progress_bar else callbacks
