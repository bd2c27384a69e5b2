"""How long a step takes on so many ranks, on paper: the model behind ``ardoise plan``.

A step on R > 1 ranks is computing, and one Allreduce:

    t(R) = c · (fixed + ⌈B / R⌉ · per_sample) + allreduce(R, m)

with B samples in the batch of all ranks, a vector of m bytes, and c ≥ 1 ranks for each
processor. Messages cost latency + bytes / bandwidth, as in Hockney, "The communication
challenge for MPP", 1994. The sum is that of MPICH: recursive doubling for short
vectors, Rabenseifner's halving and doubling for long ones; Thakur, Rabenseifner, Gropp,
"Optimization of collective communication operations in MPICH", 2005, section 4.5.

Seconds and bytes everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from ardoise.engine.network import MORE

NUMBER = 4  # bytes: float32
SHORT = 2048  # bytes: shorter vectors are sent whole (MPICH's own limit)
# Of what an Ethernet line carries, TCP's payload: 1448 of 1538 bytes of each frame.
PAYLOAD = 1448 / 1538
GAIN = 0.1  # doubling the hosts pays if it makes a step so much faster, at least


@dataclass(frozen=True)
class Link:
    """How messages travel between two ranks.

    Attributes
    ----------
    latency : float
        Seconds that an empty message takes.
    bandwidth : float
        Bytes per second, in each direction at the same time.
    """

    latency: float
    bandwidth: float

    def seconds(self, messages: float, n_bytes: float) -> float:
        """Return how long so many messages take, one after another."""
        return messages * self.latency + n_bytes / self.bandwidth


@dataclass(frozen=True)
class Computing:
    """How fast one rank is, with a processor for each of its threads.

    Attributes
    ----------
    fixed : float
        Seconds of a step that do not depend on its samples: the optimiser, the calls.
    per_sample : float
        Seconds.
    copy, add : float
        Seconds to copy, and to add up, one byte of a vector.
    """

    fixed: float
    per_sample: float
    copy: float
    add: float


@dataclass(frozen=True)
class Cluster:
    """The hosts, all alike.

    Attributes
    ----------
    computing : Computing
    near : Link
        Between ranks of one host.
    far : Link
        From one host to another; its ranks share the bandwidth.
    ranks : int
        On each host.
    processors : float
        Of each host, for every rank's threads; less than 1 where several hosts are
        one computer.
    threads : int
        Of each rank.
    wait : float
        Seconds until a rank that has a message is given a processor, where there are
        more ranks than processors.
    """

    computing: Computing
    near: Link
    far: Link
    ranks: int = 1
    processors: float = 1.0
    threads: int = 1
    wait: float = 0.0

    @property
    def crowd(self) -> float:
        """How many threads share a processor: 1, unless there are too many."""
        return max(1.0, self.ranks * self.threads / self.processors)


@dataclass(frozen=True)
class Work:
    """What is trained.

    Attributes
    ----------
    params, state : int
        Numbers that are summed at each step: gradient and running statistics.
    samples : int
        Of an epoch.
    batch : int
        Samples of a step, of all ranks together.
    """

    params: int
    samples: int
    batch: int
    state: int = 0

    @property
    def message(self) -> int:
        """Bytes that every rank has to sum at each step."""
        return NUMBER * (self.params + self.state + MORE)


class Prediction(NamedTuple):
    """What so many hosts would do.

    Attributes
    ----------
    hosts, ranks : int
        Ranks of all hosts together.
    computing, communicating : float
        Seconds of a step.
    speed : float
        Samples per second.
    efficiency : float
        The speed as a share of what the ranks would reach if each were as fast as one
        rank by itself with a processor for each of its threads.
    epoch : float
        Seconds.
    """

    hosts: int
    ranks: int
    computing: float
    communicating: float
    speed: float
    efficiency: float
    epoch: float


def _rounds(ranks: int) -> tuple[int, int]:
    """Return log₂ of the largest power of two within ``ranks``, and what is left."""
    rounds = ranks.bit_length() - 1
    return rounds, ranks - 2**rounds


def allreduce(link: Link, ranks: int, n_bytes: float, add: float = 0.0) -> float:
    """Return how long MPI takes to sum a vector over ranks that are all alike.

    Parameters
    ----------
    link : Link
        Between each two of them.
    ranks : int
    n_bytes : float
        Length of the vector.
    add : float
        Seconds to add up one byte.
    """
    if ranks < 2:
        return 0.0
    rounds, left = _rounds(ranks)
    part = 1 - 2.0**-rounds
    if n_bytes < SHORT:
        time = rounds * link.seconds(1, n_bytes) + rounds * n_bytes * add
    else:
        time = link.seconds(2 * rounds, 2 * part * n_bytes) + part * n_bytes * add
    if left:  # these give their vector to others before, and get the sum after it
        time += 2 * link.seconds(1, n_bytes) + n_bytes * add
    return time


def communicating(cluster: Cluster, hosts: int, n_bytes: float) -> float:
    """Return how long the sum takes over the ranks of all hosts.

    Neighbours are ranks of one host: they exchange the long halves. What is left, one
    part of the vector for each rank of a host, goes out to the other hosts through one
    link, so its bytes are those of one vector. A short one goes out from every rank.
    """
    crowded = cluster.wait if cluster.crowd > 1 else 0.0
    near = Link(cluster.near.latency + crowded, cluster.near.bandwidth)
    sharing = cluster.ranks if n_bytes < SHORT else 1
    far = Link(cluster.far.latency + crowded, cluster.far.bandwidth / sharing)
    add = cluster.crowd * cluster.computing.add
    within = allreduce(near, cluster.ranks, n_bytes, add)
    return within + allreduce(far, hosts, n_bytes, add)


def step(cluster: Cluster, work: Work, hosts: int) -> tuple[float, float]:
    """Return the seconds of a step that are spent computing, and communicating."""
    ranks, own = hosts * cluster.ranks, cluster.computing
    share = math.ceil(work.batch / ranks)
    seconds = cluster.crowd * (own.fixed + share * own.per_sample)
    return seconds, communicating(cluster, hosts, work.message)


def predict(cluster: Cluster, work: Work, hosts: int) -> Prediction:
    """Return what so many hosts would do."""
    busy, waiting = step(cluster, work, hosts)
    own, ranks = cluster.computing, hosts * cluster.ranks
    speed = work.batch / (busy + waiting)
    alone = work.batch / (own.fixed + work.batch * own.per_sample)
    steps = math.ceil(work.samples / work.batch)
    return Prediction(
        hosts,
        ranks,
        busy,
        waiting,
        speed,
        speed / (ranks * alone),
        steps * (busy + waiting),
    )


def hosts_to(most: int) -> list[int]:
    """Return 1, 2, 4… up to the most, and the most."""
    doubled = [2**i for i in range(most.bit_length())]
    return doubled if doubled[-1] == most else [*doubled, most]


def enough(cluster: Cluster, work: Work, most: int) -> int | None:
    """Return the first 1, 2, 4… hosts at which doubling them gains less than `GAIN`.

    None if every doubling pays until the most are reached.
    """
    hosts = 1
    while hosts < most:
        slow, fast = (predict(cluster, work, n).speed for n in (hosts, 2 * hosts))
        if fast < (1 + GAIN) * slow:
            return hosts
        hosts *= 2
    return None


def fit_line(points: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return (a, b) ≥ 0 such that y ≈ a + b · x, the relative errors being least.

    Parameters
    ----------
    points : iterable of (float, float)
        At least two (x, y), of positive y.
    """
    weighted = [(x, y, 1 / y**2) for x, y in points]
    w = sum(each for *_, each in weighted)
    mean_x = sum(x * each for x, _, each in weighted) / w
    mean_y = sum(y * each for _, y, each in weighted) / w
    spread = sum(each * (x - mean_x) ** 2 for x, _, each in weighted)
    both = sum(each * (x - mean_x) * (y - mean_y) for x, y, each in weighted)
    slope = max(0.0, both / spread)
    start = mean_y - slope * mean_x
    if start >= 0:
        return start, slope
    squares = sum(each * x * x for x, _, each in weighted)
    return 0.0, sum(each * x * y for x, y, each in weighted) / squares
