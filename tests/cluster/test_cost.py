"""The model of a step: by hand, in its limits, and where more hosts stop paying."""

from dataclasses import replace
from itertools import pairwise

import pytest

from ardoise.cluster.cost import (
    SHORT,
    Cluster,
    Computing,
    Link,
    Work,
    allreduce,
    communicating,
    enough,
    fit_line,
    hosts_to,
    predict,
    step,
)

NEAR, FAR = Link(1e-6, 1e10), Link(1e-3, 125e6)
COMPUTING = Computing(fixed=1e-3, per_sample=50e-6, copy=1e-10, add=2e-10)
ALONE = Cluster(COMPUTING, NEAR, FAR)
WORK = Work(params=1_000_000, samples=60_000, batch=128)


def test_the_vector_is_that_of_the_engine():
    from ardoise import BatchNorm, Dense, Network
    from ardoise.engine.ranks import Ranks
    from tests.engine.ranks_in_threads import together

    network = Network([Dense(7), BatchNorm(), Dense(3)], 5, seed=0)

    def length(communicator):
        ranks = Ranks(communicator)
        ranks.begin(network)
        return ranks.bytes_per_step

    work = Work(network.n_params, 1, 1, network.state.size)
    assert together(1, length) == [work.message]


@pytest.mark.parametrize(
    ("ranks", "n_bytes", "latencies", "vectors", "added"),
    [
        (1, 10**6, 0, 0, 0),
        (2, 1000, 1, 1, 1),
        (8, 1000, 3, 3, 3),
        (2, 10**6, 2, 1, 1 / 2),
        (4, 10**6, 4, 3 / 2, 3 / 4),
        (64, 10**6, 12, 2 * 63 / 64, 63 / 64),
        # Two of six give their vector away at first, and get the sum at the end.
        (6, 10**6, 4 + 2, 3 / 2 + 2, 3 / 4 + 1),
        (3, SHORT - 1, 1 + 2, 1 + 2, 1 + 1),
    ],
)
def test_a_sum_over_ranks(ranks, n_bytes, latencies, vectors, added):
    seconds = latencies * 1e-3 + vectors * n_bytes / 125e6 + added * n_bytes * 1e-9
    assert allreduce(FAR, ranks, n_bytes, 1e-9) == pytest.approx(seconds, rel=1e-12)


def test_a_host_sends_no_more_than_one_vector_whatever_its_ranks():
    """Halved among neighbours first, the parts that go out are together one vector."""
    free = replace(ALONE, near=Link(0, 1e30), computing=replace(COMPUTING, add=0))
    m = WORK.message
    one, many = (communicating(replace(free, ranks=r), 4, m) for r in (1, 8))
    assert many == pytest.approx(one)
    short = [communicating(replace(free, ranks=r), 4, 1000) for r in (1, 8)]
    assert short[1] - short[0] == pytest.approx(2 * 7 * 1000 / 125e6)


def test_one_rank_only_computes():
    assert step(ALONE, WORK, 1) == (1e-3 + 128 * 50e-6, 0.0)
    found = predict(ALONE, WORK, 1)
    assert found.efficiency == 1
    assert found.speed == pytest.approx(128 / 7.4e-3)
    assert found.epoch == pytest.approx(469 * 7.4e-3)


def test_four_hosts():
    m = 4 * 1_000_004
    computing = 1e-3 + 32 * 50e-6
    communicating = 4e-3 + 1.5 * m / 125e6 + 0.75 * m * 2e-10
    assert step(ALONE, WORK, 4) == pytest.approx((computing, communicating))
    found = predict(ALONE, WORK, 4)
    assert found.ranks == 4
    assert found.efficiency == pytest.approx(
        7.4e-3 / (4 * (computing + communicating)), rel=1e-12
    )


def test_ranks_that_share_processors():
    crowded = replace(ALONE, ranks=4, processors=2)
    computing, communicating = step(crowded, WORK, 1)
    free = step(replace(crowded, processors=4), WORK, 1)
    assert computing == pytest.approx(2 * free[0])
    assert communicating > free[1]  # sums are added up by half a processor
    waiting = step(replace(crowded, wait=1e-4), WORK, 1)
    assert waiting[1] - communicating == pytest.approx(4 * 1e-4)
    threads = replace(crowded, ranks=2, threads=2)
    assert threads.crowd == 2 and replace(threads, processors=8).crowd == 1
    # Who has a processor does not wait for one.
    assert step(replace(crowded, processors=4, wait=1.0), WORK, 1) == free


def test_more_ranks_than_samples_do_not_help():
    work = replace(WORK, batch=3)
    assert step(ALONE, work, 4)[0] == step(ALONE, work, 64)[0]


def test_where_it_stops_paying():
    quick = replace(ALONE, far=Link(0, 1e30), computing=replace(COMPUTING, fixed=0))
    assert enough(quick, replace(WORK, params=1), 64) is None
    assert enough(ALONE, WORK, 64) == 1  # a vector of 4 MB at 1 Gbit/s
    heavy = replace(ALONE, computing=replace(COMPUTING, per_sample=5e-3))
    hosts = enough(heavy, WORK, 64)
    speeds = [predict(heavy, WORK, n).speed for n in hosts_to(64)]
    gains = [fast / slow for slow, fast in pairwise(speeds)]
    assert [gain >= 1.1 for gain in gains].index(False) == hosts_to(64).index(hosts)
    assert enough(heavy, WORK, hosts) is None and enough(heavy, WORK, 1) is None


def test_the_hosts_that_are_shown():
    assert hosts_to(1) == [1]
    assert hosts_to(64) == [1, 2, 4, 8, 16, 32, 64]
    assert hosts_to(6) == [1, 2, 4, 6]


def test_a_line_through_what_was_measured():
    assert fit_line([(0, 2), (1, 5), (3, 11)]) == pytest.approx((2, 3))
    assert fit_line([(1, 5), (2, 5)]) == pytest.approx((5, 0))
    # Nothing takes less than no time.
    start, slope = fit_line([(1, 1), (2, 3)])
    assert start == 0 and 1 < slope < 1.5
    start, slope = fit_line([(1, 5), (2, 3)])
    assert slope == 0 and 3 < start < 5
