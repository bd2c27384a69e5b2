"""Who computes the gradient of a batch: this thread, or several side by side.

A small batch goes through the network whole, and NumPy's BLAS library may spread each
matrix product over its own threads. A large one is cut into micro-batches that stay in
the processor's cache, shared out over Python threads (NumPy lets go of the interpreter
lock while it computes), each with a replica of the network and a single BLAS thread.
Who takes which part, and in which order the parts are added, is fixed: the same number
of threads gives the same bits.
"""

from __future__ import annotations

import copy
import os
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.batches import BatchLoader, Rows, count_rows, split_rows
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network

# 784-16-10 on 42,000 digits, two cores: 29 ms an epoch in micro-batches of 512, 17 in
# 1024, 40 in 4096; whole 38.
MICRO_BATCH = 1024


def available_threads() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS and Windows


class blas_threads:
    """Context manager: limit NumPy's BLAS library to so many threads."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def __enter__(self) -> None:
        from threadpoolctl import threadpool_limits

        self._limits = threadpool_limits(self._threads, user_api="blas")

    def __exit__(self, *_: object) -> None:
        self._limits.unregister()


class _Worker:
    """One network, one set of buffers; adds the gradients of its micro-batches."""

    def __init__(
        self, network: Network, loss: Loss, loader: BatchLoader, total: Array
    ) -> None:
        self._network, self._loss, self._loader = network, loss, loader
        self._total = total

    def run(self, parts: list[Rows], scale: float) -> tuple[float, int]:
        """Write Σ gradients into ``total``; return (loss, correct answers)."""
        value, correct = 0.0, 0
        grad, total = self._network.grad, self._total
        for i, rows in enumerate(parts):
            part, right = self._one(rows, scale)
            value += part
            correct += right
            if grad is not total:
                np.copyto(total, grad) if i == 0 else np.add(total, grad, out=total)
        if not parts:
            total[...] = 0.0
        return value, correct

    def run_elsewhere(self, parts: list[Rows], scale: float) -> tuple[float, int]:
        """Do `run` on another thread, which has its own floating-point warnings."""
        with np.errstate(all="ignore"):
            return self.run(parts, scale)

    def _one(self, rows: Rows, scale: float) -> tuple[float, int]:
        x, t, weights = self._loader.load(rows)
        z = self._network.forward(x, training=True)
        correct = 0
        if self._loss.is_classifier:
            correct = int(np.count_nonzero(self._loss.predict(z) == t))
        value, dz = self._loss(z, t, scale=scale, weights=weights)
        self._network.backward(dz)
        return value, correct


class Workers:
    """Gradients of batches of one data set; a context manager.

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
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        x: Array,
        t: Array,
        weights: Array | None,
        *,
        batch_size: int,
        threads: int,
        rng: np.random.Generator,
    ) -> None:
        self._network = network
        self._weights = weights
        # A layer such as BatchNorm must see the whole batch at once.
        mixes = any(layer.mixes_samples for layer in network.layers)
        self._cuts = batch_size >= 2 * MICRO_BATCH and not mixes
        self._blas_threads = 1 if self._cuts else threads
        n_workers = min(threads, batch_size // MICRO_BATCH) if self._cuts else 1
        self._micro_batch = MICRO_BATCH if self._cuts else batch_size
        n_sums = n_workers if self._cuts else 0
        self._sums = np.zeros((n_sums, network.n_params), network.dtype)
        self._workers = []
        for i, stream in enumerate(rng.spawn(n_workers)):
            # The first works on the network itself, whose running statistics count.
            own = network if i == 0 else self._replica()
            own.reserve(self._micro_batch, training=True, rng=stream)
            loader = BatchLoader(x, t, weights, self._micro_batch, network.dtype)
            total = self._sums[i] if self._cuts else network.grad
            private = loss if i == 0 else copy.copy(loss)  # without its buffers
            self._workers.append(_Worker(own, private, loader, total))

    def _replica(self) -> Network:
        grad = np.zeros_like(self._network.grad)
        return self._network.replica(grad, self._network.state.copy())

    def __enter__(self) -> Workers:
        with ExitStack() as stack:
            stack.enter_context(blas_threads(self._blas_threads))
            if len(self._workers) > 1:
                # Imported here: most programs never need it, and it takes 4 ms.
                from concurrent.futures import ThreadPoolExecutor

                pool = ThreadPoolExecutor(len(self._workers) - 1, "ardoise")
                self._pool = stack.enter_context(pool)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def gradient(self, rows: Rows) -> tuple[float, int]:
        """Write the gradient for these rows into the network; return loss and hits.

        The loss is the weighted mean over the rows; hits are correct answers (0 unless
        the loss is a classifier's).
        """
        scale = self._scale(rows)
        if not self._cuts:
            return self._workers[0].run([rows], scale)
        parts = split_rows(rows, self._micro_batch)
        share = -(-len(parts) // len(self._workers))
        shares = [parts[i * share : (i + 1) * share] for i in range(len(self._workers))]
        others: list[Any] = [
            self._pool.submit(worker.run_elsewhere, mine, scale)
            for worker, mine in zip(self._workers[1:], shares[1:], strict=True)
        ]
        results = [self._workers[0].run(shares[0], scale)]
        results += [future.result() for future in others]
        np.add.reduce(self._sums, axis=0, out=self._network.grad)
        return sum(value for value, _ in results), sum(hits for _, hits in results)

    def _scale(self, rows: Rows) -> float:
        if self._weights is None:
            return 1 / count_rows(rows)
        total = float(self._weights[rows].sum())
        return 1 / total if total > 0 else 0.0
