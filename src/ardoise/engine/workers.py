"""The gradient of a batch, and the step that follows, on several threads.

A batch that is worth it is cut into one share for each thread, and each share into
micro-batches that stay in the processor's cache. Every share has a replica of the
network on the same weights and a gradient of its own; these are added in a fixed order.
Where that does not pay, the batch stays whole and long matrix products are shared out.
The cuts depend on shapes and on the number of threads asked for, never on how many
threads are at work or how fast: the same seed and ``threads`` give the same bits.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.augmentation import Augment, Augmentation
from ardoise.engine.batches import BatchLoader, Rows, count_rows, split_rows
from ardoise.engine.joint import JointGradients
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.order import generator_state
from ardoise.engine.sparse import SparseRows
from ardoise.engine.threads import Ahead, Pace, Team, blas_threads

# A thread for each so many multiplications of a training step: less work than that is
# done before another thread has woken. 784-16-10 with batches of 32 has 1.2 million.
THREAD_MULTIPLICATIONS = 20_000_000
# Dense layers share products out, and wait for each other at each: more work is needed.
# 784-100-10 with batches of 200 has 48 million: 0.98 ms a step on one thread, 1.15 on
# two; 784-256-128-10 with batches of 128 has 90 million: 2.08 and 1.75.
DENSE_THREAD_MULTIPLICATIONS = 35_000_000
# A batch of fewer bytes is loaded before another thread has woken.
AHEAD_BYTES = 100_000
# And one of fewer numbers is augmented before.
AHEAD_AUGMENTED = 20_000
# Vectors shorter than this are updated by one thread.
SECTION_NUMBERS = 50_000


Loaded = tuple[Array, Array, Array | None]  # x, targets, weights


class _Share:
    """A network, buffers, and the sum of the gradients of one share's micro-batches."""

    def __init__(
        self,
        network: Network,
        loss: Loss,
        loader: BatchLoader,
        total: Array,
        counts: bool,
    ) -> None:
        self._counts = counts and loss.is_classifier
        self.network, self._loss, self.loader = network, loss, loader
        self._total = total
        self.loss, self.hits = 0.0, 0

    def run(self, parts: list[Rows], scale: float) -> None:
        """Write Σ gradients into ``total``; note the loss and the correct answers."""
        self.loss, self.hits = 0.0, 0
        grad, total = self.network.grad, self._total
        for i, rows in enumerate(parts):
            self.add(rows, scale)
            np.copyto(total, grad) if i == 0 else np.add(total, grad, out=total)
        if not parts:
            total[...] = 0.0

    def add(self, rows: Rows, scale: float) -> None:
        """Compute the gradient of one micro-batch."""
        self.compute(self.loader.load(rows), scale)

    def compute(self, loaded: Loaded, scale: float) -> None:
        """Compute the gradient of samples that are loaded."""
        x, t, weights = loaded
        z = self.network.propagate(x, training=True)
        if self._counts:
            self.hits += int(np.count_nonzero(self._loss.predict(z) == t))
        value, dz = self._loss(z, t, scale=scale, weights=weights)
        self.loss += value
        self.network.backward(dz)


class Workers:
    """Gradients of batches of one data set, and steps; a context manager.

    Parameters
    ----------
    network : Network
        Its ``grad`` receives the result.
    loss : Loss
    x, t, weights : arrays
        The data, as `BatchLoader` takes them.
    batch_size : int
        The most rows of a batch.
    threads : int
        At least 1.
    rng : numpy.random.Generator
        Feeds the layers that draw numbers.
    augment : Augmentation or callable, optional
        As `BatchLoader` takes it.
    counts_hits : bool
        Whether correct answers are counted.

    Attributes
    ----------
    scale : float
        One over the weight of the last batch.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        x: Array | SparseRows,
        t: Array,
        weights: Array | None,
        *,
        batch_size: int,
        threads: int,
        rng: np.random.Generator,
        augment: Augment | None = None,
        counts_hits: bool = True,
    ) -> None:
        self._network = network
        self.scale = 0.0
        allowed = threads
        # All that is drawn from while training, in a fixed order.
        self.generators: list[np.random.Generator] = []
        self._mixers: list[int] = []  # which of them augmentation draws from
        self._weights = weights
        # In shares of the batch, if it is tall or of images. But a layer such as
        # BatchNorm must see it whole; and a dense network has so many short operations
        # that threads would wait for each other. Then long products alone are shared.
        micro_batch = network.micro_batch()
        mixes = any(layer.mixes_samples for layer in network.layers)
        images = len(network.entry_shape(1)) == 4
        in_shares = not mixes and (images or batch_size >= 2 * micro_batch)
        # As many threads as there is work for.
        work = 3 * batch_size * network.multiply_adds
        tall = images or batch_size >= 2 * micro_batch
        each = THREAD_MULTIPLICATIONS if tall else DENSE_THREAD_MULTIPLICATIONS
        threads = min(threads, batch_size, max(1, work // each))
        n_shares = threads if in_shares else 1
        share = -(-batch_size // n_shares)
        self._micro_batch = _even_part(share, micro_batch) if not mixes else share
        self._is_simple = n_shares == 1 and self._micro_batch >= batch_size
        self._sums = np.zeros(
            (0 if self._is_simple else n_shares, network.n_params), network.dtype
        )
        self._team = Team(threads)
        n_sections = threads if network.n_params >= SECTION_NUMBERS else 1
        self._joint = JointGradients(network, n_sections)
        if not (self._is_simple and n_sections > 1):
            self._joint.release()
        self.sections = self._joint.sections
        # Nothing to add up, and nobody to share with.
        self._is_alone = self._is_simple and n_sections == 1
        # One thread augments each share; or all augment parts of a batch that is whole.
        parts = 0 if augment is None else 1
        if isinstance(augment, Augmentation) and self._is_simple:
            parts = threads
        data = x, t, weights
        self._shares = []
        for i, stream in enumerate(rng.spawn(n_shares)):
            # The first works on the network itself, whose running statistics count.
            own = network if i == 0 else self._replica()
            own.reserve(
                self._micro_batch,
                training=True,
                rng=stream,
                team=self._team if n_shares == 1 and threads > 1 else None,
            )
            self.generators += own.generators()
            mixers = stream.spawn(parts)
            self._mixers += range(len(self.generators), len(self.generators) + parts)
            self.generators += mixers
            loader = self._make_loader(own, data, augment, mixers)
            total = network.grad if self._is_simple else self._sums[i]
            private = loss if i == 0 else copy.copy(loss)  # without its buffers
            self._shares.append(_Share(own, private, loader, total, counts_hits))
        self._pace = Pace(threads)
        # The next batch can be loaded meanwhile, if it is long enough to be worth it.
        numbers = batch_size * math.prod(x.shape[1:])
        if isinstance(augment, Augmentation):
            worth = numbers >= AHEAD_AUGMENTED
        else:  # anybody's function may not bear to run beside a step
            worth = augment is None and numbers * x.dtype.itemsize >= AHEAD_BYTES
        alone = self._is_simple and threads == 1 < allowed
        dense = isinstance(x, np.ndarray)
        self._ahead: Ahead | None = Ahead() if alone and dense and worth else None
        self._ahead_rows: Rows | None = None
        self._ahead_loaded: Loaded | None = None
        # Where generators stood before the batch that is being loaded ahead: there a
        # training that is resumed begins.
        self._ahead_states: dict[int, Any] = {}
        self._loader = self._spare = self._shares[0].loader
        if self._ahead is not None:
            mixers = [self.generators[i] for i in self._mixers]
            self._spare = self._make_loader(network, data, augment, mixers)

    def _make_loader(
        self,
        network: Network,
        data: tuple[Array | SparseRows, Array, Array | None],
        augment: Augment | None,
        mixers: Sequence[np.random.Generator],
    ) -> BatchLoader:
        team = self._team if len(mixers) > 1 else None
        return BatchLoader(network, *data, self._micro_batch, augment, mixers, team)

    def generator_states(self) -> list[Any]:
        """Return the states of the generators before the batch that comes next."""
        return [
            self._ahead_states[i] if i in self._ahead_states else generator_state(each)
            for i, each in enumerate(self.generators)
        ]

    def _replica(self) -> Network:
        grad = np.zeros_like(self._network.grad)
        return self._network.replica(grad, self._network.state.copy())

    def __enter__(self) -> Workers:
        self._blas = blas_threads(1)
        self._blas.__enter__()
        self._team.__enter__()
        if self._ahead is not None:
            self._ahead.__enter__()
        self._joint.begin()  # before anything is prepared
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._ahead is not None:
            self._ahead.__exit__(kind, error, trace)
        self._team.__exit__(kind, error, trace)
        self._blas.__exit__(kind, error, trace)
        self._joint.release()
        self._network.reserve(1)  # nothing that was prepared stays

    @property
    def networks(self) -> list[Network]:
        """The networks of all shares; the first one is that which is trained."""
        return [share.network for share in self._shares]

    @property
    def active_threads(self) -> int:
        """How many threads are at work, at present."""
        return self._pace.threads

    def gradient(
        self, rows: Rows, following: Rows | None = None, scale: float | None = None
    ) -> tuple[float, int]:
        """Compute the gradient for these rows; return loss and hits.

        ``following`` are the rows of the next call, if they are known; ``scale`` is one
        over the weight of the batch, if these rows are only a part of it.

        The loss is the weighted mean over the rows; hits are correct answers (0 unless
        the loss is a classifier's). `collect` or `update` must follow.
        """
        if scale is None:
            scale = self.scale_of(rows)
        self.scale = scale
        shares = self._shares
        if self._is_simple:
            first = shares[0]
            first.loss, first.hits = 0.0, 0
            first.compute(self._load(rows, following), scale)
            return first.loss, first.hits
        # As even as can be, whatever the batch: nobody waits for the last one.
        size = -(-count_rows(rows) // len(shares))
        split = split_rows(rows, size)
        split += [rows[:0] if isinstance(rows, np.ndarray) else slice(0, 0)] * (
            len(shares) - len(split)
        )
        self._team.run(
            [
                partial(share.run, split_rows(part, self._micro_batch), scale)
                for share, part in zip(shares, split, strict=True)
            ]
        )
        return sum(s.loss for s in shares), sum(s.hits for s in shares)

    def _load(self, rows: Rows, following: Rows | None) -> Loaded:
        """Return these rows, and have the next ones loaded meanwhile."""
        if self._ahead is None:
            return self._loader.load(rows)
        loaded = None
        if self._ahead_rows is not None:
            self._ahead.finish()
            loaded, self._ahead_loaded = self._ahead_loaded, None
            if rows is not self._ahead_rows:  # nobody takes it
                loaded = None
                for mixer, state in self._ahead_states.items():
                    self.generators[mixer].bit_generator.state = state
        if loaded is None:
            loaded = self._loader.load(rows)
        self._loader, self._spare = self._spare, self._loader
        self._ahead_rows, self._ahead_states = following, {}
        if following is not None:
            for mixer in self._mixers:
                self._ahead_states[mixer] = generator_state(self.generators[mixer])
            self._ahead.start(partial(self._load_ahead, following))
        return loaded

    def _load_ahead(self, rows: Rows) -> None:
        self._ahead_loaded = self._loader.load(rows)

    def collect(self) -> None:
        """Write the whole gradient into the network's."""
        self._each_section(self._collect_section)

    def _collect_section(self, i: int) -> None:
        """Add the shares' gradients, in order, or compute what they have left."""
        if self._is_simple:
            self._joint.compute(i)
            return
        place = self.sections[i]
        np.add.reduce(self._sums[:, place], axis=0, out=self._network.grad[place])

    def _each_section(self, do: Callable[[int], None]) -> None:
        self._team.run([partial(do, i) for i in range(len(self.sections))])

    def update(
        self,
        optimizer: Optimizer,
        learning_rate: float,
        *,
        collected: bool = False,
        penalty: float = 0.0,
    ) -> None:
        """Make the optimiser's step, section by section side by side."""
        optimizer.begin_step(learning_rate, penalty)
        if self._is_alone:
            optimizer.update_section(0)
            return

        def do(i: int) -> None:
            if not collected:
                self._collect_section(i)
            optimizer.update_section(i)

        self._each_section(do)

    def record(self, seconds: float, rows: int) -> None:
        """Note how long a step took, and choose how many threads make the next one."""
        self._pace.record(seconds, rows)
        self._team.active = self._pace.threads

    def scale_of(self, rows: Rows) -> float:
        """Return one over the weight of a batch."""
        if self._weights is None:
            return 1 / count_rows(rows)
        total = float(self._weights[rows].sum())
        return 1 / total if total > 0 else 0.0


def _even_part(share: int, most: int) -> int:
    """Return the size of the parts to cut a share into: even ones, if they exist.

    Parts of one size need one preparation; another one, for a smaller last part, takes
    some time at every step.
    """
    for size in range(min(share, most), max(1, most // 2), -1):
        if share % size == 0:
            return size
    return min(share, most)
