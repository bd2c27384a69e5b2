"""A few seconds of measuring what the cost model wants to know of this computer.

How fast a rank computes is taken from steps of the engine's own training loop, at
several batch sizes; how fast ranks sum vectors from `Allreduce` itself. All are
medians, so that what else runs for a moment counts little.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ardoise.cluster.cost import NUMBER, SHORT, Computing, Link, allreduce, fit_line
from ardoise.engine.layers import Dense, Flatten, ReLU
from ardoise.engine.network import Network
from ardoise.engine.threads import computer
from ardoise.engine.training import Callback, Training, fit

FEWEST_PARAMS = 1_000  # 784-1-1-10 has some less
MEASURED_PARAMS = 2_000_000  # a longer network is not measured, but this one scaled
MEASURED_BATCH = 512  # nor a longer batch: by then a sample costs what it costs
WARM_UP = 3  # steps, of which the first prepare
SHAPE, CLASSES = (28, 28, 1), 10
LONGEST = 1 << 24  # bytes of a vector that is summed
REPEATS = 11
AROUND = 4  # weights, two moments of an optimiser, activations: as many vectors


class Speed(NamedTuple):
    """What was measured of one rank.

    Attributes
    ----------
    computing : Computing
    points : tuple of (int, float)
        Samples of a step, and its seconds, mostly the median.
    operations : float
        Floating-point operations per second of the matrix products of a step.
    """

    computing: Computing
    points: tuple[tuple[int, float], ...]
    operations: float


class _Clock(Callback):
    """Note when each step ends; stop after so many seconds."""

    diagnoses: ClassVar[bool] = True  # the data are noise: nobody wants to hear of it

    def __init__(self, seconds: float) -> None:
        self._seconds, self.ends = seconds, list[float]()

    def on_batch_end(self, training: Training) -> None:
        self.ends.append(time.perf_counter())
        enough = len(self.ends) > 2 * WARM_UP
        if enough and self.ends[-1] - self.ends[0] > self._seconds:
            training.stop()

    def quantile(self, q: float) -> float:
        """Return this quantile of the seconds between two steps."""
        return float(np.quantile(np.diff(self.ends[WARM_UP:]), q))


def network_of(params: int) -> Network:
    """Return 784-h-h-10 of as many parameters, or of `MEASURED_PARAMS` if that is less.

    Raises
    ------
    ValueError
        If there are fewer than `FEWEST_PARAMS`.
    """
    if params < FEWEST_PARAMS:
        raise ValueError(f"params must be at least {FEWEST_PARAMS}; got {params}")
    params = min(params, MEASURED_PARAMS)
    # h² + (784 + 1 + 1 + 10) h + 10 numbers
    units = max(1, round((math.sqrt(796**2 + 4 * (params - 10)) - 796) / 2))
    layers = [Flatten(), Dense(units), ReLU(), Dense(units), ReLU(), Dense(CLASSES)]
    return Network(layers, SHAPE, seed=0)


def measure_speed(
    network: Network,
    batch: int,
    *,
    threads: int = 1,
    seconds: float = 3.0,
    params: int | None = None,
    quantile: float = 0.5,
    **training: Any,
) -> Speed:
    """Train on noise for a few seconds; the network's weights are then worth nothing.

    Parameters
    ----------
    network : Network
        A classifier.
    batch : int
        Samples of a step of all ranks: shares of it are measured, down to 1/16.
    threads : int
    seconds : float
        About so long it takes.
    params : int, optional
        Of the network that is meant, of the same kind as this one but longer.
    quantile : float
        Of the seconds of the steps: the median, or less where others take processors.
    **training
        Further arguments of `fit`, such as the optimiser; not the learning rate.
    """
    batch = min(batch, MEASURED_BATCH)
    sizes = sorted({max(1, batch // parts) for parts in (1, 4, 16)} | {1 + batch // 2})
    rng = np.random.default_rng(0)
    n = max(256, 8 * batch)
    x = rng.integers(0, 256, (n, *network.input_shape)).astype(np.uint8)
    y = rng.integers(0, network.output_shape[0], n)
    points = []
    for size in sizes:
        clock = _Clock(seconds / len(sizes))
        fit(
            network,
            x,
            y,
            learning_rate=1e-5,
            epochs=10**6,
            batch_size=size,
            threads=threads,
            seed=0,
            callbacks=[clock],
            **training,
        )
        points.append((size, clock.quantile(quantile)))
    params = network.n_params if params is None else params
    longer = params / network.n_params
    fixed, per_sample = (longer * each for each in fit_line(points))
    copy, add = _measure_memory(min(params, LONGEST // NUMBER))
    operations = longer * network.training_operations
    return Speed(
        Computing(fixed, per_sample, copy, add),
        tuple(points),
        operations / max(per_sample, 1e-12),
    )


def _measure_memory(n: int) -> tuple[float, float]:
    """Return the seconds it takes to copy, and to add, one byte of such a vector."""
    a, b = np.ones(n, np.float32), np.zeros(n, np.float32)
    copying, adding = (
        _median(do) / a.nbytes
        for do in (lambda: np.copyto(b, a), lambda: np.add(a, b, out=b))
    )
    return copying, adding


def _median(do: Callable[[], Any], before: Callable[[], Any] = lambda: None) -> float:
    """Return the median of the seconds that something takes, after a first time."""
    times = []
    for _ in range(1 + REPEATS):
        before()
        start = time.perf_counter()
        do()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def measure_link(communicator: Any, n_bytes: int, add: float = 0.0) -> Link | None:
    """Sum vectors of several lengths over all ranks; None where there is but one.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
    n_bytes : int
        The longest of interest.
    add : float
        Seconds to add up one byte, which are not the link's.
    """
    ranks = communicator.Get_size()
    if ranks < 2:
        return None
    longest = min(max(n_bytes, 16 * SHORT), LONGEST)
    vector = np.zeros(longest // NUMBER, np.float32)
    others = np.zeros(AROUND * vector.size, np.float32)

    def train() -> None:
        # What is summed was written some time ago; much was read and written since.
        vector.fill(1)
        others.fill(1)
        communicator.Barrier()

    points = []
    for length in (2 * SHORT, longest // 4, longest // 2, longest):
        mine = vector[: length // NUMBER]
        own = _median(lambda m=mine: communicator.Allreduce(None, m), train)  # type: ignore[misc]
        points.append((mine.nbytes, statistics.median(communicator.allgather(own))))
    return link_of(points, ranks, add)


def link_of(points: Sequence[tuple[int, float]], ranks: int, add: float = 0.0) -> Link:
    """Return the link that explains how long sums of long vectors took.

    Parameters
    ----------
    points : sequence of (int, float)
        Bytes and seconds.
    ranks : int
    add : float
        Seconds to add up one byte.
    """
    start, slope = fit_line(points)
    # The model is linear in both: what it says of a link of 1 and nothing else.
    n = points[-1][0]
    latencies = allreduce(Link(1.0, math.inf), ranks, n)
    vectors = allreduce(Link(0.0, 1.0), ranks, n) / n
    added = allreduce(Link(0.0, math.inf), ranks, n, add) / n
    # A sum that is quicker than that was added up otherwise: then half the time is.
    per_byte = max(slope - added, slope / 2, 1e-15)
    return Link(start / latencies, vectors / per_byte)


class Links(NamedTuple):
    """What was measured between ranks; None where there are no two to measure.

    Attributes
    ----------
    near, far : Link or None
        Within this host, and between hosts.
    """

    near: Link | None
    far: Link | None


def measure_links(communicator: Any, n_bytes: int, add: float = 0.0) -> Links:
    """Measure within each host, then between the first ranks of all hosts.

    All ranks call this, and all get the same.
    """
    where = communicator.allgather(computer())
    rank = communicator.Get_rank()
    host = where.index(where[rank])  # the first rank there
    near = measure_link(communicator.Split(host, rank), n_bytes, add)
    leaders = communicator.Split(int(rank != host), rank)
    far = measure_link(leaders, n_bytes, add) if rank == host else None
    found: list[Links] = communicator.allgather(Links(near, far))
    return Links(
        next((each.near for each in found if each.near is not None), None), found[0].far
    )


def in_turns(
    communicator: Any, at_once: int, wait: Callable[[], None], do: Callable[[], Speed]
) -> Speed:
    """Do it on every rank, on at most so many of a host at the same time.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
    at_once : int
    wait : callable
        Waits for all ranks, and leaves the processors to them.
    do : callable

    Returns
    -------
    Speed
        That of the rank in the middle.
    """
    where = communicator.allgather(computer())
    rank = communicator.Get_rank()
    place = where[:rank].count(where[rank])
    most = max(map(where.count, where))
    mine = None
    for turn in range(-(-most // at_once)):
        if place // at_once == turn:
            mine = do()
        wait()
    found = communicator.allgather(mine)
    ordered: list[Speed] = sorted(found, key=lambda speed: speed.points[-1][1])
    return ordered[len(ordered) // 2]
