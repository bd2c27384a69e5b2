"""The training loop: batches, steps, epochs, and who is told about them.

`fit` runs it and returns a `History`. What happens besides the steps themselves (a
progress bar, early stopping) is a `Callback`, called at fixed moments with the
`Training` in progress.
"""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, cast

import numpy as np

from ardoise.engine import augmentation, losses, optimizers, schedules
from ardoise.engine.arrays import Array, computing
from ardoise.engine.augmentation import Augment
from ardoise.engine.batches import (
    Rows,
    check_data,
    check_whole,
    count_rows,
    split_rows,
    with_outliers,
)
from ardoise.engine.errors import DivergenceError, SnapshotError
from ardoise.engine.evaluation import Evaluation, evaluate_on
from ardoise.engine.history import History, Stopped
from ardoise.engine.inference import sharing
from ardoise.engine.layers import ReLU
from ardoise.engine.losses import NO_CLASS, Loss
from ardoise.engine.network import Network
from ardoise.engine.optimizers import Optimizer, WeightAverage
from ardoise.engine.order import (
    BLOCK_BYTES,
    BlockOrder,
    InOrder,
    Order,
    RandomOrder,
    generator_state,
)
from ardoise.engine.ranks import Ranks, ranks_of
from ardoise.engine.schedules import Schedule
from ardoise.engine.snapshot import Snapshot, check, fill, refused
from ardoise.engine.sparse import SparseRows
from ardoise.engine.threads import available_threads
from ardoise.engine.workers import Workers

# How often the weights are put aside, so that a diverging run can go back to them.
SNAPSHOT_STEPS = 100
# A rank that evaluates many samples says now and then that it is still at work.
EVALUATED_ROWS = 2_000


class Callback:
    """Called at fixed moments of training; override what you need.

    One that remembers something from moment to moment says so in `state`, or a training
    that is resumed forgets it.

    Attributes
    ----------
    diagnoses : bool
        Whether it says what is wrong with the training: `fit` then says nothing.
    """

    diagnoses: ClassVar[bool] = False

    def state(self) -> dict[str, Any]:
        """Return what it remembers: JSON values and arrays, by name."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Remember what another one remembered; after `on_train_begin`."""

    def on_train_begin(self, training: Training) -> None:
        """Before the first epoch."""

    def on_batch_end(self, training: Training) -> None:
        """After each step."""

    def on_epoch_end(self, training: Training) -> None:
        """After each epoch, its line of the history written."""

    def on_train_end(self, training: Training) -> None:
        """At the end, however it came (but not after an error)."""


class EarlyStopping(Callback):
    """Stop when the validation stops getting better, and go back to the best weights.

    Parameters
    ----------
    patience : int
        Epochs without improvement that are borne.
    monitor : {"validation_loss", "validation_accuracy", "loss", "accuracy"}
    min_delta : float
        The least change that counts as an improvement.
    restore_best : bool
        Whether the network ends with the weights of its best epoch.

    Raises
    ------
    ValueError
        At the start of training, if what it watches will not be measured.
    """

    def __init__(
        self,
        patience: int = 10,
        *,
        monitor: str = "validation_loss",
        min_delta: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        names = ("validation_loss", "validation_accuracy", "loss", "accuracy")
        if monitor not in names:
            raise ValueError(
                f"monitor must be one of {', '.join(names)}; got {monitor!r}"
            )
        if patience < 1:
            raise ValueError(f"patience must be at least 1 epoch; got {patience}")
        self.patience = patience
        self.monitor = monitor
        self.min_delta = min_delta
        self.restore_best = restore_best

    def on_train_begin(self, training: Training) -> None:
        if self.monitor.startswith("validation") and training.validation is None:
            raise ValueError(
                f"early stopping watches {self.monitor}, but there is no validation "
                "data: give validation_data=(x, y)"
            )
        if self.monitor.endswith("accuracy") and not training.loss.is_classifier:
            raise ValueError(
                f"early stopping watches {self.monitor}, but {training.loss.name} has "
                "no classes: watch a loss"
            )
        self._best = -math.inf
        self._best_epoch = 0
        self._weights = training.network.theta.copy()
        self._state = training.network.state.copy()

    def on_epoch_end(self, training: Training) -> None:
        value = float(training.history[self.monitor][-1])
        score = value if self.monitor.endswith("accuracy") else -value
        if score > self._best + self.min_delta:
            self._best = score
            self._best_epoch = training.epoch
            self._weights[...] = training.network.theta
            self._state[...] = training.network.state
        elif training.epoch - self._best_epoch >= self.patience:
            training.stop("early_stopping")

    def state(self) -> dict[str, Any]:
        best = None if self._best == -math.inf else self._best
        return {
            "best": best,
            "best_epoch": self._best_epoch,
            "weights": self._weights,
            "state": self._state,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._best = -math.inf if state["best"] is None else float(state["best"])
        self._best_epoch = int(state["best_epoch"])
        fill(self._weights, state["weights"])
        fill(self._state, state["state"])

    def on_train_end(self, training: Training) -> None:
        if self.restore_best and self._best_epoch:
            training.network.theta[...] = self._weights
            training.network.state[...] = self._state
            training.history.best_epoch = self._best_epoch


class Training:
    """A training in progress: what callbacks see, and the loop itself.

    Made by `fit`, which describes the arguments.

    Attributes
    ----------
    network : Network
    loss : Loss
    optimizer : Optimizer
    epochs, batch_size, steps_per_epoch, total_steps, n_samples : int
        The plan.
    shuffles : bool
        Whether each epoch has a new random order.
    n_outliers : int
        How many of the samples, the last ones, have no class.
    epoch, step : int
        Where it stands: the current epoch and the steps made, from 1.
    epoch_samples : int
        Samples seen in the current epoch.
    running_loss, running_accuracy : float
        Means over the batches of the current epoch so far.
    learning_rate : float
        Of the last step.
    seconds : float
        Time spent in training, evaluation not counted.
    history : History
    data, validation : tuple
        (x, targets, weights); validation can be None.
    last : Snapshot or None
        After `run`: where the training stood at its end.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        optimizer: Optimizer,
        schedule: Schedule,
        data: tuple[Array | SparseRows, Array, Array | None],
        validation: tuple[Array, Array, Array | None] | None,
        *,
        order: Order,
        epochs: int,
        batch_size: int,
        rng: np.random.Generator,
        threads: int,
        callbacks: Sequence[Callback],
        max_norm: float | None,
        average_decay: float | None,
        l2: float = 0.0,
        augment: Augment | None = None,
        accuracy: bool = True,
        snapshot: Snapshot | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        self._ranks, self.rank = ranks, 0 if ranks is None else ranks.rank
        if ranks is not None:
            ranks.begin(network)
            rng = rng.spawn(ranks.size)[ranks.rank]
        self.network, self.loss, self.optimizer = network, loss, optimizer
        self.data, self.validation = data, validation
        self.shuffles = not isinstance(order, InOrder)
        self.epochs, self.batch_size = epochs, batch_size
        self.n_samples = order.n
        self._n_rows = data[0].shape[0]
        self.steps_per_epoch = -(-self.n_samples // batch_size)
        self.total_steps = epochs * self.steps_per_epoch
        self.epoch, self.step, self.epoch_samples = 0, 0, 0
        self.running_loss, self.running_accuracy = math.nan, math.nan
        self.learning_rate, self.seconds = math.nan, 0.0
        self.history = History()
        self._schedule, self._order = schedule, order
        self._max_norm, self._l2 = max_norm, l2
        n_validation = len(validation[0]) if validation else 0
        largest = batch_size
        if ranks is not None:
            n_validation, largest = map(ranks.longest, (n_validation, batch_size))
        self._evaluators = sharing(network, threads, n_validation)
        self._callbacks = tuple(callbacks)
        base = Callback.on_batch_end
        self._each_batch = [
            c for c in self._callbacks if type(c).on_batch_end is not base
        ]
        self._workers = Workers(
            network,
            loss,
            *data,
            batch_size=largest,
            threads=threads,
            rng=rng,
            augment=augment,
            counts_hits=accuracy,
        )
        self._has_accuracy = accuracy and loss.is_classifier
        # Samples that have a class, whose answers can be right; None if all have.
        known = data[1] != NO_CLASS if loss.takes_outliers else np.ones(1, bool)
        self._known = None if known.all() else known
        self.n_outliers = int(np.count_nonzero(~known))
        optimizer.bind(
            network.theta,
            network.grad,
            network.layout.n_decay,
            sections=self._workers.sections,
            penalised=l2 > 0,
        )
        self._average = (
            None
            if average_decay is None
            else WeightAverage(network.theta, average_decay)
        )
        self._good = (network.theta.copy(), network.state.copy())
        self._decayed = network.theta[: network.layout.n_decay]
        self.last: Snapshot | None = None
        self._rows: Rows | None = None  # of the epoch in progress
        self._loss_sum, self._hits, self._n_known = 0.0, 0, 0
        self._snapshot = snapshot
        if snapshot is not None:
            self._go_on_from(snapshot)

    @property
    def highest_rate(self) -> float:
        """The highest learning rate of the schedule."""
        return self._schedule.learning_rate

    @property
    def networks(self) -> list[Network]:
        """The network, and its replicas that compute shares of a batch beside it."""
        return self._workers.networks

    def snapshot(self) -> Snapshot:
        """Return where this training stands, between two steps; arrays are copies.

        Not after `run`, when the network has other weights, averaged ones or the best
        of early stopping; `last` is from then.
        """
        network, average = self.network, self._average
        arrays = {"theta": network.theta, "state": network.state}
        if average is not None:
            arrays["average"] = average.average
        arrays |= {f"optimizer.{k}": v for k, v in self.optimizer.state().items()}
        if isinstance(self._rows, np.ndarray):
            arrays["rows"] = self._rows
        remembered = []
        for i, callback in enumerate(self._callbacks):
            own = callback.state()
            kept = {k: v for k, v in own.items() if isinstance(v, np.ndarray)}
            arrays |= {f"callback.{i}.{name}": array for name, array in kept.items()}
            remembered.append({k: v for k, v in own.items() if k not in kept})
        values = {
            "epoch": self.epoch,
            "step": self.step,
            "in_epoch": self._rows is not None,
            "epoch_samples": self.epoch_samples,
            "loss_sum": self._loss_sum,
            "hits": self._hits,
            "learning_rate": self.learning_rate if self.step else None,
            "seconds": self.seconds,
            "optimizer_steps": self.optimizer.t,
            "average_steps": 0 if average is None else average.t,
            "generators": self._of_all(self._workers.generator_states()),
            "order": self._order.state(),
            "history": copy.deepcopy(self.history.columns),
            "callbacks": remembered,
        }
        return Snapshot(values, {name: array.copy() for name, array in arrays.items()})

    def _go_on_from(self, snapshot: Snapshot) -> None:
        """Restore where it stood; what one rank refuses, all refuse."""
        wrong = None
        try:
            with refused():
                self._restore(snapshot)
        except SnapshotError as error:
            wrong = error
        for each in self._of_all(wrong):
            if each is not None:
                raise wrong or each

    def _restore(self, snapshot: Snapshot) -> None:
        check(snapshot)
        values, arrays = snapshot
        self.epoch, self.step = values["epoch"], values["step"]
        self.epoch_samples = values["epoch_samples"]
        self._loss_sum, self._hits = values["loss_sum"], values["hits"]
        self.seconds = values["seconds"]
        if values["learning_rate"] is not None:
            self.learning_rate = values["learning_rate"]
        self.running_loss = self._loss_sum / max(1, self.epoch_samples)
        seen: Rows = slice(0, self.epoch_samples)
        if values["in_epoch"]:
            self._rows = self._rows_of(arrays)
            if isinstance(self._rows, np.ndarray):
                seen = self._rows[seen]
        self._n_known = self._count_known(seen)
        self.running_accuracy = self._hits / max(1, self._n_known)
        if self._average is not None:
            fill(self._average.average, arrays["average"])
            self._average.t = values["average_steps"]
        self.optimizer.t = values["optimizer_steps"]
        for name, vector in self.optimizer.state().items():
            fill(vector, arrays[f"optimizer.{name}"])
        self._restore_generators(values["generators"], self.step)
        self._order.restore(values["order"])
        self.history.columns = copy.deepcopy(values["history"])
        fill(self.network.state, arrays["state"])
        fill(self.network.theta, arrays["theta"])
        self._good = (self.network.theta.copy(), self.network.state.copy())

    def _of_all(self, value: Any) -> list[Any]:
        """Return the values of all ranks: one, where there are no others."""
        return [value] if self._ranks is None else self._ranks.all(value)

    def _restore_generators(self, states: list[list[Any]], step: int) -> None:
        """Go on with the draws that were to come; with new ones, if ranks differ."""
        n_ranks = 1 if self._ranks is None else self._ranks.size
        generators = self._workers.generators
        own = states[self.rank] if len(states) == n_ranks else None
        # A rank's computer may have other threads; the other ranks would wait for it.
        if own is None or (n_ranks > 1 and len(own) != len(generators)):
            # The weights go on; what is drawn is new, and not that of the beginning.
            for generator in generators:
                fresh = np.random.default_rng([int(generator.integers(2**63)), step])
                generator.bit_generator.state = generator_state(fresh)
            return
        for generator, state in zip(generators, own, strict=True):
            generator.bit_generator.state = state

    def _rows_of(self, arrays: Mapping[str, Array]) -> Rows:
        """Return the rows of the epoch that a snapshot is from."""
        rows = arrays.get("rows")
        if rows is None:
            return slice(0, self.n_samples)
        if len(rows) != self.n_samples or rows.max() >= self._n_rows:
            raise SnapshotError("it is of other data, or of another part of them")
        return rows

    def _remind(self) -> None:
        """Give the callbacks back what those of the snapshot remembered."""
        if self._snapshot is None:
            return
        values, arrays = self._snapshot
        for i, callback in enumerate(self._callbacks[: len(values["callbacks"])]):
            prefix = f"callback.{i}."
            own = {
                k.removeprefix(prefix): v
                for k, v in arrays.items()
                if k.startswith(prefix)
            }
            remembered = {**values["callbacks"][i], **own}
            if remembered:
                with refused():
                    callback.restore(remembered)

    def stop(self, reason: Stopped = "stopped") -> None:
        """End the training after the current step (from a callback).

        With several ranks, from any of them: after the next step, all end.
        """
        if self._ranks is None:
            self.history.stopped = reason
        elif self.history.stopped == "running":  # or the next training would hear it
            self._ranks.wish_to_end(reason)

    def agreed(self, wish: bool) -> bool:
        """Tell whether it is time for what a callback wishes on all ranks at once.

        For `snapshot`, which all must call: alone, when it is wished; with several
        ranks, on all of them after the step at which one wished it.
        """
        if self._ranks is None:
            return wish
        if wish and not self._ranks.one_keeps:  # or it would be fulfilled twice
            self._ranks.wish_to_keep()
        return self._ranks.one_keeps

    def _heed(self) -> None:
        """End, if a rank wishes so."""
        if self._ranks is None or self.history.stopped != "running":
            return
        reason = self._ranks.agree(self.network.theta)
        if reason is not None:
            self.history.stopped = cast(Stopped, reason)

    def run(self) -> History:
        """Train to the end; see `fit`."""
        if self._ranks is None:
            return self._run()
        with self._ranks.interruptible():
            history = self._run()
        self._ranks.done()
        return history

    def _run(self) -> History:
        for callback in self._callbacks:
            callback.on_train_begin(self)
        self._remind()
        try:
            # A diverging run overflows; `_step` notices, and needs no warnings.
            with self._workers, computing():
                while self.history.stopped == "running" and (
                    self.epoch < self.epochs or self._rows is not None
                ):
                    self._run_epoch()
            if self.history.stopped == "running":
                self.history.stopped = "finished"
        except KeyboardInterrupt:
            if self._ranks is not None:
                raise  # here alone: the others are not where this one is
            self.history.stopped = "interrupted"
            self.history.cut_to_whole_lines()
            self._keep_if_finite()
        self.last = self.snapshot()
        if self._average is not None and self.step:
            self._average.swap()
        for callback in self._callbacks:
            callback.on_train_end(self)
        return self.history

    def _run_epoch(self) -> None:
        if self._rows is None:
            self.epoch += 1
            self._rows = self._order.next()
            self.epoch_samples, self._loss_sum = 0, 0.0
            self._hits, self._n_known = 0, 0
        batches = split_rows(self._rows, self.batch_size)
        done = -(-self.epoch_samples // self.batch_size)  # of an epoch that is resumed
        resumed_at = self.epoch_samples
        started = before = time.perf_counter()
        batches = batches[done:]
        shares = batches if self._ranks is None else [*map(self._ranks.share, batches)]
        # An empty share is not computed, so nothing is loaded for it.
        following = [share if count_rows(share) else None for share in shares[1:]]
        following.append(None)
        for rows, share, next_share in zip(batches, shares, following, strict=False):
            value, right = self._step(rows, share, next_share)
            n = count_rows(rows)
            self.epoch_samples += n
            self._loss_sum += value * n
            self._hits += right
            self.running_loss = self._loss_sum / self.epoch_samples
            self._n_known += self._count_known(rows)
            self.running_accuracy = self._hits / max(1, self._n_known)
            if self._ranks is not None and self._ranks.one_ends:
                self._heed()
            for callback in self._each_batch:
                callback.on_batch_end(self)
            if self.history.stopped != "running":
                break
            now = time.perf_counter()
            self._workers.record(now - before, n)
            before = now
        elapsed = time.perf_counter() - started
        self.seconds += elapsed
        self._rows = None
        self._keep_if_finite()
        self._heed()  # and all ranks have the same weights
        self._end_epoch((self.epoch_samples - resumed_at) / max(elapsed, 1e-9))

    def _count_known(self, rows: Rows) -> int:
        """Return how many of these samples have a class."""
        if self._known is None:
            return count_rows(rows)
        return int(np.count_nonzero(self._known[rows]))

    def _gradient(
        self, rows: Rows, share: Rows, following: Rows | None
    ) -> tuple[float, int]:
        """Compute the gradient of a batch, of which this process reads a share."""
        if self._ranks is None:
            return self._workers.gradient(share, following)
        scale = self._workers.scale_of(rows)
        if count_rows(share):
            value, right = self._workers.gradient(share, following, scale)
            self._workers.collect()
        else:  # fewer samples than ranks
            self.network.grad[...] = value = right = 0
            self._workers.scale = scale
        return self._ranks.reduce(self.network, value, right)

    def _step(
        self, rows: Rows, share: Rows, following: Rows | None
    ) -> tuple[float, int]:
        rate = self._schedule(self.step, self.total_steps)
        value, right = self._gradient(rows, share, following)
        self.learning_rate = rate
        self.step += 1
        if not math.isfinite(value):
            self._go_back()
        penalty = self._l2 * self._workers.scale
        if penalty:
            value += 0.5 * penalty * float(np.dot(self._decayed, self._decayed))
        collected = self._ranks is not None
        if self._max_norm is not None:
            if not collected:
                self._workers.collect()
            grad = self.network.grad
            norm = optimizers.clip_by_global_norm(grad, self._max_norm)
            if not math.isfinite(norm):
                self._go_back()
            collected = True
        self._workers.update(self.optimizer, rate, collected=collected, penalty=penalty)
        if self._average is not None:
            self._average.update()
        if self.step % SNAPSHOT_STEPS == 0:
            self._keep_if_finite()
        return value, right

    def _keep_if_finite(self) -> None:
        if not np.isfinite(self.network.theta).all():
            self._go_back()
        np.copyto(self._good[0], self.network.theta)
        np.copyto(self._good[1], self.network.state)

    def _go_back(self) -> None:
        np.copyto(self.network.theta, self._good[0])
        np.copyto(self.network.state, self._good[1])
        raise DivergenceError(self.epoch, self.step, self.learning_rate)

    def _end_epoch(self, speed: float) -> None:
        with self._averaged():
            result = None
            if self.validation is not None:
                result = self._evaluate(*self.validation)
            self.history.append(
                epoch=self.epoch,
                loss=self.running_loss,
                accuracy=self.running_accuracy if self._has_accuracy else None,
                validation_loss=result and result.loss,
                validation_accuracy=None if result is None else result.accuracy,
                learning_rate=self.learning_rate,
                seconds=self.seconds,
                samples_per_second=speed,
            )
            for callback in self._callbacks:
                callback.on_epoch_end(self)
        self._heed()

    def _evaluate(self, x: Array, t: Array, weights: Array | None) -> Evaluation:
        """Evaluate the validation samples, of which each rank reads a share."""
        if self._ranks is None:
            return evaluate_on(self._evaluators, self.loss, x, t, weights)
        own = self._ranks.share(slice(0, len(x)))
        results = []
        for rows in split_rows(own, EVALUATED_ROWS):
            part = None if weights is None else weights[rows]
            total = count_rows(rows) if part is None else float(part.sum())
            data = x[rows], t[rows], part
            result = evaluate_on(self._evaluators, self.loss, *data)
            results.append((result, total))
            self._ranks.beat()
        return self._ranks.merge(results)

    @contextmanager
    def _averaged(self) -> Any:
        """Within, the network has its averaged weights, if they are kept."""
        if self._average is None:
            yield
            return
        self._average.swap()
        try:
            yield
        finally:
            self._average.swap()


def fit(
    network: Network,
    x: Array,
    y: Array,
    *,
    loss: str | Mapping[str, Any] | Loss = "softmax_cross_entropy",
    optimizer: str | Mapping[str, Any] | Optimizer = "adam",
    learning_rate: float | Mapping[str, Any] | Schedule = 1e-3,
    epochs: int = 10,
    batch_size: int | None = 128,
    validation_data: tuple[Array, Array] | tuple[Array, Array, Array] | None = None,
    sample_weight: Array | None = None,
    shuffle: bool | Literal["blocks"] = True,
    seed: int | np.random.Generator | None = None,
    threads: int | None = None,
    callbacks: Sequence[Callback] = (),
    max_norm: float | None = None,
    weight_average: float | None = None,
    l2: float = 0.0,
    augment: Mapping[str, Any] | Augment | None = None,
    outliers: Array | None = None,
    snapshot: Snapshot | None = None,
    communicator: Any = None,
) -> History:
    """Train a network in place.

    The same seed and number of threads give the same bits; NumPy's global generator is
    neither read nor changed. Ctrl-C ends the training and keeps what was learned.

    Parameters
    ----------
    network : Network
    x : array of shape (n, *input_shape)
        Bytes (read as x / 255) or floating-point numbers; never written.
    y : array of shape (n,) or (n, K)
        Class indices, or values, as the loss takes them.
    loss, optimizer : str, mapping or object
        See `ardoise.engine.losses.get` and `ardoise.engine.optimizers.get`.
    learning_rate : float, mapping or Schedule
        A constant, or a schedule; see `ardoise.engine.schedules.get`.
    epochs : int
        Passes over the data.
    batch_size : int or None
        Samples a step; None for all of them at once.
    validation_data : (x, y) or (x, y, sample_weight), optional
        Evaluated after each epoch.
    sample_weight : array of shape (n,), optional
        Not negative.
    shuffle : bool or "blocks"
        Whether each epoch takes the samples in a new random order. In blocks for data
        that lie in a file, larger than memory (``numpy.load(..., mmap_mode="r")``):
        pieces of 2 MiB in random order, and the samples of 32 of them mixed.
    seed : int, numpy.random.Generator or None
        Of the order and of the layers that draw numbers.
    threads : int, optional
        By default, all the processors that the process may use.
    callbacks : sequence of Callback
    max_norm : float, optional
        The gradient is scaled to at most this length.
    weight_average : float, optional
        Decay of an exponential moving average of the weights, which are used for
        validation and at the end.
    l2 : float
        l2 / 2n · Σ W² is added to the loss of each batch of n samples, over all weights
        that decay. (The optimisers' ``weight_decay`` does not depend on n.)
    augment : Augmentation, mapping or callable, optional
        How each batch is changed before it is read: an `Augmentation`, its settings, or
        any ``augment(rows, rng)`` that, with rows of x and a generator, returns what is
        read instead: a new array of the same shape and dtype.
    outliers : array of shape (m, *input_shape), optional
        Samples of no class, of the dtype of x, that are mixed among the others: of
        these the network learns to give all classes the same probability. They count
        for the loss, not for the accuracy.
    snapshot : Snapshot, optional
        Of another training with the same arguments: this one goes on from there, as if
        it had never stopped. ``epochs`` counts from the beginning.
    communicator : mpi4py.MPI.Comm, optional
        Train together with its other ranks, which call `fit` with the same arguments:
        each reads its share of every batch. The first rank's weights and seed count for
        all. With the same number of ranks and threads, the same bits.

    Returns
    -------
    History

    Warns
    -----
    TrainingWarning
        Of two mistakes after which nothing can have been learned: samples in the order
        of their classes that are not shuffled, and a layer of ReLU units that are all
        dead at the end. `ardoise.Doctor` looks for many more.

    Raises
    ------
    TypeError, ValueError
        If an argument or the data are wrong; nothing has been changed then.
    SnapshotError
        If the snapshot is of another training, or damaged (a ValueError).
    DivergenceError
        If the loss or the weights stop being finite; the network is left with its last
        finite weights.
    """
    criterion = losses.get(loss)
    data = check_data(network, criterion, x, y, sample_weight)
    validation = None
    if validation_data is not None:
        listed = isinstance(validation_data, tuple | list)
        if not listed or len(validation_data) not in (2, 3):
            got = len(validation_data) if listed else type(validation_data).__name__
            raise TypeError(
                "validation_data must hold two or three arrays, (x, y) or "
                f"(x, y, sample_weight); got {got}"
            )
        given = (*validation_data, None)[:3]
        validation = check_data(network, criterion, *given)
    check_whole("epochs", epochs)
    if threads is not None:
        check_whole("threads", threads)
    if batch_size is not None:
        check_whole("batch_size", batch_size)
    if max_norm is not None and not 0 < max_norm < math.inf:
        raise ValueError(f"max_norm must be a positive number; got {max_norm}")
    if shuffle not in (True, False, "blocks"):
        raise ValueError(f"shuffle must be True, False or 'blocks'; got {shuffle!r}")
    if weight_average is not None and not 0 <= weight_average < 1:
        raise ValueError(f"weight_average must lie in [0, 1); got {weight_average}")
    if not 0 <= l2 < math.inf:
        raise ValueError(f"l2 must not be negative; got {l2}")
    alone = isinstance(callbacks, Callback)
    if alone or not all(isinstance(callback, Callback) for callback in callbacks):
        raise TypeError(
            f"callbacks must be a sequence of Callback objects; got {callbacks!r}"
        )
    labels = data[1]
    if outliers is not None:
        data = with_outliers(network, criterion, data, outliers)
    ranks = ranks_of(communicator)
    if ranks is not None:
        threads = threads or ranks.threads()
        if seed is None:
            seed = np.random.default_rng()
        seed = ranks.first(seed)
    n = len(data[0])
    size = min(int(batch_size or n), n)
    warns = not any(callback.diagnoses for callback in callbacks)
    if warns and not shuffle and size < n and criterion.is_classifier:
        _warn_of_order(labels, size)
    order_rng, rng = np.random.default_rng(seed).spawn(2)
    history = Training(
        network,
        criterion,
        optimizers.get(optimizer),
        schedules.get(learning_rate),
        data,
        validation,
        order=_order_of(shuffle, data[0], order_rng),
        epochs=int(epochs),
        batch_size=size,
        rng=rng,
        threads=int(threads or available_threads()),
        callbacks=callbacks,
        max_norm=max_norm,
        average_decay=weight_average,
        l2=l2,
        augment=augmentation.get(augment),
        snapshot=snapshot,
        ranks=ranks,
    ).run()
    if warns:
        _warn_of_dead_layer(network, data[0])
    return history


def _order_of(
    shuffle: bool | str, x: Array | SparseRows, rng: np.random.Generator
) -> Order:
    if shuffle == "blocks":
        return BlockOrder(len(x), max(1, BLOCK_BYTES // x[:1].nbytes), rng)
    return RandomOrder(len(x), rng) if shuffle else InOrder(len(x))


def _warn_of_order(labels: Array, batch_size: int) -> None:
    # Imported when there is something to ask: most trainings do without.
    from ardoise.engine.doctor.data import of_order
    from ardoise.engine.doctor.findings import TrainingWarning

    for finding in of_order(labels, batch_size):
        warnings.warn(TrainingWarning(finding), stacklevel=3)


def _warn_of_dead_layer(network: Network, x: Array) -> None:
    if not any(isinstance(layer, ReLU) for layer in network.layers):
        return
    from ardoise.engine.doctor.findings import TrainingWarning
    from ardoise.engine.doctor.inside import dead_layer

    for finding in dead_layer(network, x):
        warnings.warn(TrainingWarning(finding), stacklevel=3)
