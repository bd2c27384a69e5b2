"""Several processes that train one network together, each on its share of every batch.

They are the ranks of an MPI communicator, on one computer or on many. All hold the same
weights and go through the samples in the same order. Of each batch a rank reads its
share and computes the gradient; one sum over all ranks gives every one of them the
gradient of the whole batch; then all make the same step. That is synchronous data
parallelism: Goyal et al., "Accurate, large minibatch SGD", 2017, section 3, where the
batch grows with the ranks; here it stays what it is.

Nothing is imported from mpi4py: a communicator is an object with its methods.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.batches import Rows, count_rows
from ardoise.engine.evaluation import Evaluation
from ardoise.engine.network import MORE, Network
from ardoise.engine.threads import available_threads, computer, processors

METHODS = ("Get_rank", "Get_size", "Allreduce", "allgather", "bcast")
# What every rank adds to the vector that is summed: the loss, right answers, and how
# many ranks wish to end, and to keep where the training stands.
LOSS, HITS, ENDS, KEEPS = range(-MORE, 0)


class RanksError(RuntimeError):
    """A rank no longer does the same as the others.

    Attributes
    ----------
    rank : int
        Which one.
    """

    def __init__(self, rank: int) -> None:
        super().__init__(
            f"rank {rank} no longer has the weights of rank 0: the processes run other "
            "versions of NumPy or of MPI, or one computes wrongly; install the same "
            "everywhere and train again"
        )
        self.rank = rank


def _nothing(state: str) -> None:
    """Hear what a rank does, and keep it to oneself."""


class Ranks:
    """The processes that train a network together, as one of them sees them.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
        Or whatever has its methods `Get_rank`, `Get_size`, `Allreduce`, `allgather` and
        `bcast`; ``Allreduce(None, vector)`` sums in place.
    pulse : callable, optional
        Called with ``"waiting"`` before this process waits for the others, after it
        with ``"step"`` if they have summed a gradient and ``"computing"`` if not, with
        ``"computing"`` now and then in long work between two steps, and with ``"done"``
        when nobody waits for it any more: so somebody can notice when it hangs.

    Attributes
    ----------
    rank, size : int
        Which process this is, from 0, and how many there are.
    bytes_per_step : int
        The length of the vector that is summed at each step.

    Raises
    ------
    TypeError
        If it is no communicator.
    """

    def __init__(
        self, communicator: Any, pulse: Callable[[str], None] | None = None
    ) -> None:
        missing = [name for name in METHODS if not hasattr(communicator, name)]
        if missing:
            raise TypeError(
                "communicator must be an MPI communicator, such as mpi4py's "
                f"MPI.COMM_WORLD; got {type(communicator).__name__}, which has no "
                f"{missing[0]}"
            )
        self._comm, self._pulse = communicator, pulse or _nothing
        self.rank = int(communicator.Get_rank())
        self.size = int(communicator.Get_size())
        self.bytes_per_step = 0
        self._end: str | None = None  # what this rank wishes, until all know it
        self._keep = False
        self._flags = (False, False)

    # What all do together. Every method from here is called by all ranks.

    def begin(self, network: Network) -> None:
        """Give every rank the weights of the first one."""
        for vector in (network.theta, network.state):
            vector[...] = self.first(vector)
        self.bytes_per_step = network.summed.nbytes

    def first(self, value: Any) -> Any:
        """Return the first rank's value on every rank."""
        return self._wait(lambda: self._comm.bcast(value, 0))

    def all(self, value: Any) -> list[Any]:
        """Return the values of all ranks, in their order, on every rank."""
        return list(self._wait(lambda: self._comm.allgather(value)))

    def reduce(self, network: Network, loss: float, hits: int) -> tuple[float, int]:
        """Sum gradients, losses and right answers; running statistics become means."""
        vector, statistics = network.summed, slice(network.n_params, LOSS)
        vector[statistics] = network.state
        vector[LOSS:] = loss, hits, self._end is not None, self._keep
        # None: where it lies, the gradient too. Copies would cost as much as the sum.
        self._wait(lambda: self._comm.Allreduce(None, vector), "step")
        np.divide(vector[statistics], self.size, out=network.state)
        self._flags, self._keep = (bool(vector[ENDS]), bool(vector[KEEPS])), False
        return float(vector[LOSS]), int(vector[HITS])

    def merge(self, own: Sequence[tuple[Evaluation, float]]) -> Evaluation:
        """Return the evaluation of all samples from those of the ranks' shares.

        Parameters
        ----------
        own : sequence of (Evaluation, float)
            Of the parts of this rank's share, with the weights of each part; none if
            the share is empty.
        """
        mine = np.zeros(5)
        for part, weight in own:
            classifies = part.accuracy is not None
            mine += part.loss * weight, weight, part.correct, part.total, classifies
        self._wait(lambda: self._comm.Allreduce(None, mine))
        loss, weights, correct, n, classifiers = mine.tolist()
        accuracy = correct / n if classifiers else None
        return Evaluation(loss / weights, accuracy, int(correct), int(n))

    def agree(self, theta: Array) -> str | None:
        """Return why training is to end, if a rank wishes so; prove weights the same.

        Raises
        ------
        RanksError
            If the weights of a rank differ from those of the first.
        """
        mine = self._end
        told = self.all((mine, zlib.crc32(theta.tobytes())))
        if self._end == mine:  # and not Ctrl-C while this one waited
            self._end = None
        self._flags = (False, self._flags[1])
        for rank, (_, digest) in enumerate(told):
            if digest != told[0][1]:
                raise RanksError(rank)
        return next((end for end, _ in told if end is not None), None)

    def threads(self) -> int:
        """Return how many threads this rank may use: its part of the computer's.

        Ranks of one computer divide the processors that several of them may use.
        """
        told = self.all((computer(), processors()))
        near = [own for where, own in told if where == told[self.rank][0]]
        mine = told[self.rank][1]
        share = sum(1 / sum(each in own for own in near) for each in mine)
        # A container's limit holds for all in it.
        return max(1, int(min(share, available_threads()) + 1e-6))

    # What one rank does by itself.

    def beat(self) -> None:
        """Tell whoever listens that this rank is at work."""
        self._pulse("computing")

    def done(self) -> None:
        """Tell whoever listens that no other rank waits for this one any more."""
        self._pulse("done")

    def share(self, rows: Rows) -> Rows:
        """Return this rank's part of a batch, which may be empty."""
        n = count_rows(rows)
        start, stop = (n * i // self.size for i in (self.rank, self.rank + 1))
        if isinstance(rows, slice):
            return slice(rows.start + start, rows.start + stop)
        return rows[start:stop]

    def longest(self, n: int) -> int:
        """Return how many of n rows the rank with most of them has."""
        return -(-n // self.size)

    def wish_to_end(self, reason: str) -> None:
        """Have all ranks end the training after the next step."""
        self._end = reason

    def wish_to_keep(self) -> None:
        """Have all ranks know, after the next step, that one of them wishes to keep."""
        self._keep = True

    @property
    def one_ends(self) -> bool:
        """Whether, at the last step, a rank wished to end."""
        return self._flags[0]

    @property
    def one_keeps(self) -> bool:
        """Whether, at the last step, a rank wished to keep where all stand."""
        return self._flags[1]

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within, Ctrl-C is a wish to end, so that no rank leaves the others waiting.

        In another thread than the main one, nothing is changed.
        """
        import signal
        import threading

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def ask(*_: Any) -> None:
            self.wish_to_end("interrupted")
            signal.signal(signal.SIGINT, before)  # a second one ends this process

        if before is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, ask)
        try:
            yield
        finally:
            if before is not signal.SIG_IGN:
                signal.signal(signal.SIGINT, before)

    def _wait(self, together: Callable[[], Any], then: str = "computing") -> Any:
        self._pulse("waiting")
        answer = together()
        self._pulse(then)
        return answer


def ranks_of(communicator: Any) -> Ranks | None:
    """Return the ranks of a communicator; None if this process is alone.

    Raises
    ------
    TypeError
        If it is no communicator.
    """
    if communicator is None:
        return None
    ranks = communicator if isinstance(communicator, Ranks) else Ranks(communicator)
    return ranks if ranks.size > 1 else None
