"""Gradients of large batches: cut or whole, one thread or several, the same numbers."""

import os
import threading

import numpy as np
import pytest
from check_layer import close, same
from short_training import blas_limits

from ardoise.engine import workers
from ardoise.engine.layers import BatchNorm, Dense, Dropout, Layer, ReLU
from ardoise.engine.losses import SoftmaxCrossEntropy, SquaredError
from ardoise.engine.network import Network
from ardoise.engine.workers import Workers, available_threads, blas_threads

N = 50
RNG = np.random.default_rng(0)
X, T = RNG.random((N, 6)), RNG.integers(0, 3, N)
WEIGHTS = RNG.random(N)
ALL_ROWS = {"in order": slice(0, N), "shuffled": RNG.permutation(N)}
every_order = pytest.mark.parametrize("rows", ALL_ROWS.values(), ids=ALL_ROWS)


@pytest.fixture(autouse=True)
def small_micro_batches(monkeypatch):
    """So that a batch of 50 rows is cut into seven parts of 8 or fewer."""
    monkeypatch.setattr(workers, "MICRO_BATCH", 8)


def network(*extra: Layer) -> Network:
    layers = [Dense(5), *extra, ReLU(), Dense(3)]
    return Network(layers, 6, dtype="float64", seed=0)


def team(net, *, threads=2, loss=None, weights=None, batch_size=N, seed=1):
    return Workers(
        net,
        loss or SoftmaxCrossEntropy(),
        X,
        T,
        weights,
        batch_size=batch_size,
        threads=threads,
        rng=np.random.default_rng(seed),
    )


def gradient(net, rows, **settings):
    """Return (loss, hits, gradient) of one batch."""
    with team(net, **settings) as crew:
        value, hits = crew.gradient(rows)
    return value, hits, net.grad.copy()


def whole(rows, weights=None):
    """Return the same by one forward and one backward."""
    net = network()
    scale = 1 / N if weights is None else 1 / weights.sum()
    z = net.forward(X[rows], training=True)
    hits = int((z.argmax(axis=1) == T[rows]).sum())
    own = None if weights is None else weights[rows]
    value, dz = SoftmaxCrossEntropy()(z, T[rows], scale=scale, weights=own)
    net.backward(dz)
    return value, hits, net.grad.copy()


# -- the same numbers -----------------------------------------------------------------


@every_order
@pytest.mark.parametrize("threads", [1, 2, 3, 20])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_cut_and_whole_agree(rows, threads, weights):
    value, hits, grad = gradient(network(), rows, threads=threads, weights=weights)
    expected_value, expected_hits, expected_grad = whole(rows, weights)
    assert value == pytest.approx(expected_value, abs=1e-12)
    assert hits == expected_hits
    np.testing.assert_allclose(grad, expected_grad, atol=1e-12)


@every_order
def test_a_batch_below_two_micro_batches_goes_whole(rows):
    net = network()
    with team(net, batch_size=15) as crew:
        assert len(crew._workers) == 1
        crew.gradient(split := workers.split_rows(rows, 15)[0])
    z = net.forward(X[split], training=True)
    _, dz = SoftmaxCrossEntropy()(z, T[split], scale=1 / 15)
    grad = net.grad.copy()
    net.backward(dz)
    same(grad, net.grad)


def test_a_batch_of_two_micro_batches_is_cut_and_workers_share_no_buffers():
    with team(network(), batch_size=16, threads=5) as crew:
        assert len(crew._workers) == 2
    with team(network(), threads=3) as crew:
        for part in ("_network", "_loss", "_loader"):
            assert len({id(getattr(worker, part)) for worker in crew._workers}) == 3


def test_a_short_last_batch_leaves_some_workers_without_work():
    net = network()
    with team(net, threads=4) as crew:
        crew.gradient(slice(0, N))
        value, hits = crew.gradient(slice(0, 5))
    assert 0 <= hits <= 5
    grad = net.grad.copy()
    z = net.forward(X[:5], training=True)
    expected, dz = SoftmaxCrossEntropy()(z, T[:5], scale=1 / 5)
    net.backward(dz)
    assert value == pytest.approx(expected, abs=1e-12)
    close(grad, net.grad)


@every_order
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_same_number_of_threads_gives_the_same_bits(rows, threads):
    found = [
        gradient(network(Dropout(0.5)), rows, threads=threads, weights=WEIGHTS)
        for _ in range(3)
    ]
    for value, hits, grad in found[1:]:
        assert (value, hits) == found[0][:2]
        same(grad, found[0][2])


def test_each_worker_drops_its_own():
    with team(network(Dropout(0.5)), threads=2) as crew:
        streams = [worker._network._streams[1] for worker in crew._workers]
        drawn = [stream.random(20).tolist() for stream in streams]
    assert drawn[0] != drawn[1]


def test_batch_norm_sees_the_whole_batch():
    net, alone = network(BatchNorm()), network(BatchNorm())
    value, _, grad = gradient(net, slice(0, N))
    z = alone.forward(X, training=True)
    expected, dz = SoftmaxCrossEntropy()(z, T, scale=1 / N)
    alone.backward(dz)
    assert value == expected
    same(grad, alone.grad)
    same(net.state, alone.state)


def test_a_batch_whose_weights_are_all_zero_has_no_gradient():
    weights = np.where(np.arange(N) < 20, 0.0, 1.0)
    net = network()
    with team(net, weights=weights, batch_size=20) as crew:
        assert crew.gradient(slice(0, 20))[0] == 0
        assert (net.grad == 0).all()


def test_a_loss_of_ones_own_can_be_shared_out():
    class Half(SoftmaxCrossEntropy):
        def __call__(self, z, t, *, scale, weights=None):
            return super().__call__(z, t, scale=scale / 2, weights=weights)

    value, _, grad = gradient(network(), slice(0, N), loss=Half())
    expected, _, expected_grad = whole(slice(0, N))
    assert value == pytest.approx(expected / 2)
    close(grad, expected_grad / 2)


def test_values_are_no_answers_to_count():
    net = Network([Dense(1)], 6, dtype="float64", seed=0)
    crew = Workers(
        net,
        SquaredError(),
        X,
        X[:, :1],
        None,
        batch_size=N,
        threads=2,
        rng=np.random.default_rng(0),
    )
    with crew:
        value, hits = crew.gradient(slice(0, N))
    assert hits == 0
    assert value == pytest.approx(
        ((net.predict_logits(X) - X[:, :1]) ** 2).sum() / 2 / N
    )


# -- threads --------------------------------------------------------------------------


class Fails(Layer):
    """Raises on every thread but the main one, where it does nothing."""

    where = "elsewhere"

    def forward(self, x, *, training):
        main = threading.current_thread() is threading.main_thread()
        if main == (self.where == "main"):
            raise OSError(f"no more power {self.where}")
        return x

    def backward(self, dy, *, need_dx=True):
        return dy


class FailsOnMain(Fails):
    where = "main"


@pytest.mark.parametrize("layer", [Fails, FailsOnMain])
def test_an_error_on_any_thread_comes_out_and_leaves_no_thread_behind(layer):
    limits, threads = blas_limits(), threading.active_count()
    with pytest.raises(OSError, match=f"no more power {layer.where}"):
        gradient(network(layer()), slice(0, N), threads=3)
    assert blas_limits() == limits
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("batch_size", "threads", "blas"), [(N, 2, 1), (N, 1, 1), (15, 2, 2), (15, 1, 1)]
)
def test_blas_gets_the_threads_that_the_workers_leave(batch_size, threads, blas):
    limits = blas_limits()
    with team(network(), batch_size=batch_size, threads=threads):
        assert max(blas_limits()) <= blas
    assert blas_limits() == limits


def test_blas_limits_are_restored_after_an_error():
    limits = blas_limits()
    with pytest.raises(OSError, match="stop"), blas_threads(1):
        assert set(blas_limits()) <= {1}
        raise OSError("stop")
    assert blas_limits() == limits


def test_available_threads_are_those_of_this_process(monkeypatch):
    assert 1 <= available_threads() <= os.cpu_count()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    assert available_threads() == os.cpu_count()
