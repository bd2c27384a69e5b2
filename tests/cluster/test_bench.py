"""What is measured of a computer: the right things; not how fast it is."""

import math
import time

import numpy as np
import pytest

from ardoise.cluster import bench
from ardoise.cluster.cost import Computing, Link, allreduce
from ardoise.digits.recipes import RECIPES
from tests.engine.ranks_in_threads import together


@pytest.mark.parametrize("params", [1_000, 8_000, 535_818, 2_000_000])
def test_a_network_of_about_so_many_weights(params):
    # One more unit in each layer is a step of 800 to 3,000.
    assert bench.network_of(params).n_params == pytest.approx(params, rel=0.1, abs=900)


def test_a_long_network_is_not_built_and_a_tiny_one_does_not_exist():
    assert bench.network_of(10**11).n_params < 1.01 * bench.MEASURED_PARAMS
    with pytest.raises(ValueError, match=r"params must be at least 1000; got 3"):
        bench.network_of(3)


def test_a_rank_is_measured():
    network = bench.network_of(20_000)
    begun = time.perf_counter()
    speed = bench.measure_speed(network, 128, seconds=0.2)
    assert time.perf_counter() - begun < 20
    assert [size for size, _ in speed.points] == [8, 32, 65, 128]
    own = speed.computing
    assert own.fixed >= 0 and own.per_sample > 0 and own.copy > 0 and own.add > 0
    # The line goes through what was measured, roughly: the machine may be busy.
    size, seconds = speed.points[-1]
    assert own.fixed + size * own.per_sample == pytest.approx(seconds, rel=0.7)
    assert speed.operations == pytest.approx(
        network.training_operations / own.per_sample
    )


def test_a_longer_network_is_scaled(monkeypatch):
    monkeypatch.setattr(bench, "fit_line", lambda points: (1e-3, 1e-5))
    network = bench.network_of(10_000)
    speed = bench.measure_speed(network, 4, seconds=0.0, params=2 * network.n_params)
    assert speed.computing.fixed == pytest.approx(2e-3)
    assert speed.computing.per_sample == pytest.approx(2e-5)
    assert speed.operations == pytest.approx(network.training_operations / 1e-5)


def test_a_recipe_is_measured_as_it_trains():
    recipe = RECIPES["fastest"]
    network = recipe.build((28, 28, 1), 10, 0)
    given = {"loss": recipe.loss, "augment": {"rotation": 10.0}}
    speed = bench.measure_speed(network, 2, seconds=0.0, threads=2, **given)
    assert [size for size, _ in speed.points] == [1, 2]
    assert np.isfinite(network.theta).all()


@pytest.mark.parametrize("ranks", [2, 3, 4, 16])
@pytest.mark.parametrize("add", [0.0, 1e-10])
def test_a_link_is_found_again_from_the_sums_that_it_explains(ranks, add):
    link = Link(30e-6, 1e9)
    points = [(m, allreduce(link, ranks, m, add)) for m in (4096, 10**5, 10**6)]
    assert bench.link_of(points, ranks, add) == pytest.approx(link_as(link))


def link_as(link):
    return Link(pytest.approx(link.latency), pytest.approx(link.bandwidth))


def test_a_sum_that_is_quicker_than_its_additions():
    link = bench.link_of([(4096, 1e-6), (10**6, 1e-4)], 2, add=1e-9)
    assert 0 < link.bandwidth < math.inf


class Comm:
    """A communicator of threads that stays whole when it is split, or falls apart."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def Split(self, color, key):
        colors = self._inner.allgather(color)
        return self._inner if len(set(colors)) == 1 else Alone()


class Alone:
    def Get_size(self):
        return 1


def test_links_within_a_host_and_between_hosts(monkeypatch):
    near = together(3, lambda comm: bench.measure_links(Comm(comm), 10**5))
    assert near[0].far is None and near[0].near.bandwidth > 0
    assert near == [near[0]] * 3
    names = iter("abc")
    monkeypatch.setattr(bench, "computer", lambda: next(names))
    far = together(3, lambda comm: bench.measure_links(Comm(comm), 10**5))
    assert far[0].near is None and far[0].far.bandwidth > 0
    assert far == [far[0]] * 3


def test_ranks_that_outnumber_processors_are_measured_in_turns():
    at_work, most = [], []

    def measure(rank):
        at_work.append(rank)
        time.sleep(0.05)
        most.append(len(at_work))
        at_work.remove(rank)
        computing = Computing(rank, 0, 0, 0)
        return bench.Speed(computing, ((1, float(rank)),), 0.0)

    def on(comm):
        def wait():
            comm.allgather(None)

        return bench.in_turns(comm, 2, wait, lambda: measure(comm.Get_rank()))

    found = together(5, on)
    assert max(most) <= 2 and len(most) == 5
    assert [speed.computing.fixed for speed in found] == [2] * 5
