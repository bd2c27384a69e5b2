"""Training by a stochastic solver: epochs of mini-batches, as in scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.augmentation import Augment, Augmentation
from ardoise.engine.batches import Rows, count_rows
from ardoise.engine.errors import DivergenceError
from ardoise.engine.layers import Dropout, SpatialDropout2D
from ardoise.engine.snapshot import Snapshot
from ardoise.engine.sparse import SparseRows
from ardoise.engine.training import Callback, Training
from ardoise.estimators.continuing import (
    GoingOn,
    epochs_in_all,
    keep,
    next_order,
    starting_point,
)
from ardoise.estimators.contract import Data, HeldOut, NetworkEstimator
from ardoise.estimators.copies import own_copy
from ardoise.estimators.exceptions import warn
from ardoise.estimators.metrics import named_metrics
from ardoise.estimators.modes import Mode, Outcome
from ardoise.estimators.monitor import Counter, Monitor
from ardoise.estimators.progress import ProgressBar
from ardoise.estimators.solvers import Solver
from ardoise.estimators.splits import train_validation_indices

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large "
    "values and need to be preprocessed."
)
INTERRUPTED = "Training interrupted by user."
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


def fit_stochastic(
    estimator: NetworkEstimator,
    data: Data,
    given: HeldOut | None,
    random_state: Any,
    mode: Mode,
) -> tuple[Outcome, HeldOut | None]:
    """Train the estimator's network and keep what it needs to go on.

    Parameters
    ----------
    estimator : NetworkEstimator
    data : tuple
        Samples, targets and weights.
    given : HeldOut or None
        The user's own validation data.
    random_state : RandomState or Generator
    mode : Mode

    Returns
    -------
    outcome : Outcome
    held_out : HeldOut or None
        What judged.

    Raises
    ------
    ValueError
        If the weights stop being finite, and there are no better ones to go back to.
    """
    if estimator.early_stopping and mode.name == "partial_fit":
        raise ValueError("partial_fit does not support early_stopping=True")
    callbacks = listed_callbacks(estimator)
    rows, held_out = _divide(estimator, data, given, random_state, mode)
    if mode.name not in ("resume", "batch"):
        estimator.n_iter_ = 0
    if mode.name == "resume" and estimator.n_iter_ >= estimator.max_iter:
        return Outcome("finished", count_rows(rows), estimator.loss_, 0.0), held_out
    snapshot = starting_point(estimator, mode)
    order = next_order(estimator, rows, random_state, mode)
    solver = _solver(estimator, snapshot, mode)
    monitor = _monitor(estimator, solver, held_out, mode)
    with _progress_bar(estimator, mode) as bars:
        training = GoingOn(
            estimator.network_,
            estimator._criterion,
            own_copy(solver.optimizer),
            solver,
            data,
            _watched(held_out) if callbacks else None,
            order=order,
            callbacks=[monitor, *callbacks, *bars],
            snapshot=snapshot,
            epochs=epochs_in_all(estimator, snapshot, mode),
            batch_size=_batch_size(estimator, order.n, mode),
            rng=_generator(estimator, random_state, fresh=snapshot is None),
            accuracy=bool(callbacks),  # nobody else asks for it
            **_settings(estimator),
        )
        stopped = _run(estimator, training, monitor, mode)
    keep(estimator, training, order, mode)
    if monitor.stops_early and estimator._best is not None:
        network = estimator.network_
        network.theta[...], network.state[...] = estimator._best
    loss, rate = training.running_loss, training.learning_rate
    return Outcome(stopped, order.n, loss, rate), held_out


def _settings(estimator: NetworkEstimator) -> dict[str, Any]:
    return {
        "threads": estimator._thread_count(),
        "max_norm": estimator.max_norm,
        "average_decay": estimator.weight_average,
        "l2": float(estimator.alpha) if estimator.solver in PENALISED else 0.0,
        "augment": _augmentation(estimator),
    }


@contextmanager
def _progress_bar(estimator: NetworkEstimator, mode: Mode) -> Iterator[list[Callback]]:
    """Within, there is a bar if it is asked for; batches have one of their own."""
    if not estimator.progress_bar or mode.name == "batch":
        yield []
        return
    with closing(ProgressBar()) as bar:
        yield [bar]


def _run(
    estimator: NetworkEstimator,
    training: Training,
    monitor: Monitor | Counter,
    mode: Mode,
) -> str:
    """Run; return why it stopped, and warn unless that is somebody else's business."""
    try:
        stopped = training.run().stopped
    except DivergenceError as error:
        if not monitor.stops_early:
            raise ValueError(f"{NOT_FINITE} ({error})") from error
        # scikit-learn goes back to the best weights, and so does the caller.
        monitor.diverged()
        warn("ConvergenceWarning", f"Training stopped: {error}.")
        return "diverged"
    if stopped == "interrupted":
        monitor.interrupted(training)
        if mode.name != "batch":
            warn("UserWarning", INTERRUPTED)
    elif stopped == "finished" and estimator.warns_at_the_end and not mode.once:
        warn(
            "ConvergenceWarning",
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached "
            "and the optimization hasn't converged yet.",
        )
    return stopped


def _solver(
    estimator: NetworkEstimator, snapshot: Snapshot | None, mode: Mode
) -> Solver:
    """Set and return the solver: a new one, or one that goes on."""
    if snapshot is None:
        solver = Solver(
            estimator.solver,
            estimator.learning_rate,
            estimator.learning_rate_init,
            {name: estimator._setting(name) for name in SETTINGS},
        )
    else:
        solver = estimator._optimizer.copy()
    solver.place = (estimator._passes, estimator.max_iter) if mode.once else None
    estimator._optimizer = solver
    return solver


def _monitor(
    estimator: NetworkEstimator, solver: Solver, held_out: HeldOut | None, mode: Mode
) -> Monitor | Counter:
    if mode.name == "batch":
        return Counter(estimator, solver)
    return Monitor(estimator, solver, held_out, mode, named_metrics(estimator.metrics))


def _watched(held_out: HeldOut | None) -> tuple[Array, Array, Array | None] | None:
    """Return held-out samples as a `Training` evaluates them, for callbacks."""
    if held_out is None:
        return None
    return cast(Array, held_out.x), held_out.targets, held_out.weights


def _divide(
    estimator: NetworkEstimator,
    data: Data,
    given: HeldOut | None,
    random_state: Any,
    mode: Mode,
) -> tuple[Rows, HeldOut | None]:
    """Return the rows that train, and the samples that judge."""
    x, targets, weights = data
    if mode.name != "resume":
        estimator._split = None
    if mode.once or given is not None or not estimator._needs_held_out():
        if given is None and estimator.metrics is not None and not mode.once:
            raise ValueError(
                "metrics are measured on samples that do not train: give "
                "validation_data=(X, y), or early_stopping=True"
            )
        return slice(0, x.shape[0]), given
    if estimator._split is None:
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


def _batch_size(estimator: NetworkEstimator, n: int, mode: Mode) -> int:
    batch_size = estimator.batch_size
    if isinstance(batch_size, str):  # "auto"
        return min(200, n)
    if batch_size > n and mode.name != "batch":
        warn(
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
    # A snapshot has the generators' states, unless there are more or fewer now. Or
    # nobody draws anything, and the random state is left as scikit-learn leaves it.
    return np.random.default_rng(estimator.t_)


def draw_seed(random_state: Any) -> np.random.Generator:
    """Return a generator for the engine, drawn from a scikit-learn random state."""
    if isinstance(random_state, np.random.Generator):
        return random_state.spawn(1)[0]
    return np.random.default_rng(random_state.randint(2**31 - 1, size=4))


def _augmentation(estimator: NetworkEstimator) -> Augment | None:
    """Return the augmentation, with a sentence for what is no array."""
    function = estimator._setting("augmentation")
    if function is None or isinstance(function, Augmentation):
        return function

    def augment(rows: Array, rng: np.random.Generator) -> Array:
        augmented = function(rows, rng)
        if not isinstance(augmented, np.ndarray):
            raise ValueError(
                f"augmentation must return an array like the one it was given, "
                f"{rows.dtype} of shape {rows.shape}; got {type(augmented).__name__}"
            )
        return augmented

    return augment


def listed_callbacks(estimator: NetworkEstimator) -> list[Callback]:
    """Return the callbacks that the user gave.

    Raises
    ------
    ValueError
        If one is none.
    """
    callbacks = [] if estimator.callbacks is None else list(estimator.callbacks)
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise ValueError(f"callbacks must be Callback objects; got {callback!r}")
    return callbacks
