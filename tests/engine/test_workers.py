"""Gradients of batches: cut or whole, one thread or several, the same numbers."""

import threading

import numpy as np
import pytest
from check_layer import close, same
from short_training import blas_limits

from ardoise.engine import joint as joint_module
from ardoise.engine import threads, workers
from ardoise.engine.joint import JointGradients
from ardoise.engine.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    MaxPool2D,
    ReLU,
    Residual,
    SpatialDropout2D,
)
from ardoise.engine.losses import SoftmaxCrossEntropy, SquaredError
from ardoise.engine.network import Network
from ardoise.engine.optimizers import Adam
from ardoise.engine.workers import Workers

N = 50
RNG = np.random.default_rng(0)
X, T = RNG.random((N, 6)), RNG.integers(0, 3, N)
IMAGES = RNG.random((N, 7, 6, 2))
WEIGHTS = RNG.random(N)
ALL_ROWS = {"in order": slice(0, N), "shuffled": RNG.permutation(N)}
every_order = pytest.mark.parametrize("rows", ALL_ROWS.values(), ids=ALL_ROWS)


@pytest.fixture(autouse=True)
def small_micro_batches(monkeypatch):
    """So that a batch of 50 rows is cut into shares, and these into micro-batches."""
    cut_into(monkeypatch, 8)


def cut_into(monkeypatch, micro_batch):
    monkeypatch.setattr(workers, "THREAD_MULTIPLICATIONS", 1)
    monkeypatch.setattr(workers, "DENSE_THREAD_MULTIPLICATIONS", 1)
    monkeypatch.setattr(workers, "SECTION_NUMBERS", 1)
    monkeypatch.setattr(Network, "micro_batch", lambda self: micro_batch)


def network(*extra: Layer) -> Network:
    layers = [Dense(5), *extra, ReLU(), Dense(3)]
    return Network(layers, 6, dtype="float64", seed=0)


def cnn(*extra: Layer) -> Network:
    block = Residual([Conv2D(4, 3, padding="same"), ReLU()])
    layers = [Conv2D(4, 2), *extra, ReLU(), MaxPool2D(), block, Flatten(), Dense(3)]
    return Network(layers, IMAGES.shape[1:], dtype="float64", seed=0)


def team(net, *, threads=2, loss=None, weights=None, batch_size=N, seed=1):
    return Workers(
        net,
        loss or SoftmaxCrossEntropy(),
        X if net.input_shape == (6,) else IMAGES,
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
        crew.collect()
    return value, hits, net.grad.copy()


def whole(net, rows, weights=None):
    """Return the same by one forward and one backward."""
    x = X if net.input_shape == (6,) else IMAGES
    scale = 1 / N if weights is None else 1 / weights.sum()
    z = net.forward(np.ascontiguousarray(x[rows]), training=True)
    hits = int((z.argmax(axis=1) == T[rows]).sum())
    own = None if weights is None else weights[rows]
    value, dz = SoftmaxCrossEntropy()(z, T[rows], scale=scale, weights=own)
    net.backward(dz)
    return value, hits, net.grad.copy()


# -- the same numbers -----------------------------------------------------------------


@every_order
@pytest.mark.parametrize("threads", [1, 2, 3, 20])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("make", [network, cnn])
def test_cut_and_whole_agree(rows, threads, weights, make):
    value, hits, grad = gradient(make(), rows, threads=threads, weights=weights)
    expected_value, expected_hits, expected_grad = whole(make(), rows, weights)
    assert value == pytest.approx(expected_value, abs=1e-12)
    assert hits == expected_hits
    np.testing.assert_allclose(grad, expected_grad, atol=1e-12)


@pytest.mark.parametrize("make", [network, cnn])
@pytest.mark.parametrize("micro_batch", [1, 5, 16, 25, 64])
def test_the_micro_batch_changes_rounding_alone(make, micro_batch, monkeypatch):
    # Dropout included: what is dropped does not depend on the cuts.
    if make is network and micro_batch == 64:
        pytest.skip("a dense network goes whole then, and has no second share")
    extra = SpatialDropout2D if make is cnn else Dropout
    found = []
    for size in (8, micro_batch):
        cut_into(monkeypatch, size)
        found.append(gradient(make(extra(0.5), Dropout(0.2)), ALL_ROWS["shuffled"]))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-12)
    assert found[0][1] == found[1][1]
    np.testing.assert_allclose(found[0][2], found[1][2], atol=1e-12)


def test_shares_have_no_buffers_in_common():
    with team(cnn(), batch_size=2, threads=5) as crew:
        assert len(crew._shares) == 2
    with team(network(), threads=3) as crew:
        for part in ("network", "_loss", "loader", "_total"):
            assert len({id(getattr(share, part)) for share in crew._shares}) == 3


def test_little_work_is_not_shared(monkeypatch):
    monkeypatch.setattr(workers, "THREAD_MULTIPLICATIONS", 3 * N * 45)
    monkeypatch.setattr(workers, "DENSE_THREAD_MULTIPLICATIONS", 3 * N * 45)
    with team(network(), threads=3) as crew:  # 6 · 5 + 5 · 3 = 45 multiplications
        assert len(crew._shares) == 1
    with team(network(Dense(9), Dense(5)), threads=9) as crew:
        assert len(crew._shares) == 3  # 135


@pytest.mark.parametrize(("share", "most", "part"), [(64, 16, 16), (50, 16, 10)])
def test_micro_batches_are_even_where_they_can_be(share, most, part):
    assert workers._even_part(share, most) == part
    assert workers._even_part(53, 16) == 16
    assert workers._even_part(5, 16) == 5
    assert workers._even_part(5, 1) == 1


def test_a_short_last_batch_leaves_some_threads_without_work():
    net = network()
    with team(net, threads=4) as crew:
        crew.gradient(slice(0, N))
        for rows in (slice(0, 3), np.arange(3)):
            value, hits = crew.gradient(rows)
            crew.collect()
            assert 0 <= hits <= 3
    grad = net.grad.copy()
    z = net.forward(X[:3], training=True)
    expected, dz = SoftmaxCrossEntropy()(z, T[:3], scale=1 / 3)
    net.backward(dz)
    assert value == pytest.approx(expected, abs=1e-12)
    close(grad, net.grad)


@every_order
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("make", [network, cnn])
def test_the_same_number_of_threads_gives_the_same_bits(rows, threads, make):
    found = [
        gradient(make(Dropout(0.5)), rows, threads=threads, weights=WEIGHTS)
        for _ in range(3)
    ]
    for value, hits, grad in found[1:]:
        assert (value, hits) == found[0][:2]
        same(grad, found[0][2])


@pytest.mark.parametrize("collected", [False, True])
def test_how_many_threads_are_active_changes_no_bit(collected):
    thetas = []
    for pattern in ([3, 3, 3, 3], [1, 1, 1, 1], [3, 1, 2, 1]):
        net, optimizer = cnn(Dropout(0.3)), Adam()
        with team(net, threads=3) as crew:
            optimizer.bind(net.theta, net.grad, sections=crew.sections)
            assert len(crew.sections) == 3
            for active in pattern:
                crew._team.active = active
                crew.gradient(ALL_ROWS["shuffled"])
                if collected:
                    crew.collect()
                crew.update(optimizer, 0.01, collected=collected)
        thetas.append(net.theta.copy())
    same(thetas[1], thetas[0])
    same(thetas[2], thetas[0])


@pytest.mark.parametrize("kind", ["shares", "whole"])
def test_the_pace_is_kept(kind):
    net = network()
    batch_size = 15 if kind == "whole" else N
    with team(net, threads=2, batch_size=batch_size) as crew:
        assert crew.active_threads == 2
        for _ in range(threads.WARM_UP_STEPS + 1):  # then comes a trial
            crew.record(0.1, batch_size)
        assert crew.active_threads == 1
        assert crew._team.active == 1
        assert max(blas_limits()) == 1


DENSE = [Dense(256), ReLU(), Dense(128), BatchNorm(), ReLU(), Dense(10)]
CONV = [Conv2D(8, 3), BatchNorm(), ReLU(), Flatten(), Dense(10)]


WIDE = [Conv2D(64, 3), BatchNorm(), ReLU(), MaxPool2D(), Conv2D(100, 3), *CONV[3:]]


@pytest.mark.parametrize(
    ("layers", "shape"),
    [(DENSE, (784,)), (CONV, (28, 28, 1)), (WIDE, (12, 12, 8))],
    ids=["dense", "one channel", "wide"],
)
def test_threads_change_no_bit_of_a_whole_batch(layers, shape, monkeypatch):
    monkeypatch.undo()
    rng = np.random.default_rng(0)
    x, y = rng.random((1000, *shape), np.float32), rng.integers(0, 10, 1000)
    thetas = []
    for pattern in ([2, 2, 2], [1, 1, 1], [1, 2, 1]):
        net = Network([layer.clone() for layer in layers], shape, seed=0)
        optimizer = Adam()
        crew = Workers(
            *(net, SoftmaxCrossEntropy(), x, y, None),
            batch_size=1000,
            threads=2,
            rng=rng,
        )
        with crew:
            assert len(crew._shares) == 1
            optimizer.bind(net.theta, net.grad, sections=crew.sections)
            assert len(crew.sections) == 2
            for active in pattern:
                crew._team.active = active
                crew.gradient(np.arange(1000)[::-1])
                crew.update(optimizer, 0.01)
        thetas.append(net.theta.copy())
    same(thetas[1], thetas[0])
    same(thetas[2], thetas[0])


def test_each_share_drops_its_own():
    with team(network(Dropout(0.5)), threads=2) as crew:
        streams = [share.network._streams[1] for share in crew._shares]
        drawn = [stream.random(20).tolist() for stream in streams]
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("make", [network, cnn])
@pytest.mark.parametrize("inside", [False, True])
def test_batch_norm_sees_the_whole_batch(make, inside):
    extra = [Residual([BatchNorm()])] if inside else [BatchNorm()]
    net, alone = make(*extra), make(*(layer.clone() for layer in extra))
    value, _, grad = gradient(net, slice(0, N))
    expected, _, expected_grad = whole(alone, slice(0, N))
    assert value == expected
    same(grad, expected_grad)
    same(net.state, alone.state)


def test_a_batch_whose_weights_are_all_zero_has_no_gradient():
    weights = np.where(np.arange(N) < 20, 0.0, 1.0)
    net = network()
    with team(net, weights=weights, batch_size=20) as crew:
        assert crew.gradient(slice(0, 20))[0] == 0
        crew.collect()
        assert (net.grad == 0).all()


def test_a_loss_of_ones_own_can_be_shared_out():
    class Half(SoftmaxCrossEntropy):
        def __call__(self, z, t, *, scale, weights=None):
            return super().__call__(z, t, scale=scale / 2, weights=weights)

    value, _, grad = gradient(network(), slice(0, N), loss=Half())
    expected, _, expected_grad = whole(network(), slice(0, N))
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


def test_sections_cut_no_row_and_no_bias():
    net = Network([Dense(100), Dense(70, use_bias=False), Dense(3)], 80, seed=0)
    places = {entry.key: entry.place for entry in net.layout.entries}
    for n in range(1, 250):
        joint = JointGradients(net, n)
        ends = [section.start for section in joint.sections] + [net.n_params]
        assert ends[0] == 0 and len(joint.sections) == n and ends == sorted(ends)
        for key, units in (("0.W", 100), ("1.W", 70)):
            inside = [e - places[key].start for e in ends if e in span(places[key])]
            assert all(e % (joint_module.ROW_STEP * units) == 0 for e in inside)
        assert all(e not in span(places["0.b"])[1:] for e in ends)
        joint.release()


def span(place):
    return range(place.start, place.stop)


def test_what_dense_layers_leave_is_computed_by_section(monkeypatch):
    # Dense layers of several kinds, batches of two lengths in turn, evaluation between.
    monkeypatch.undo()
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 80), np.float32), rng.integers(0, 10, 60)
    layers = [Dense(100), ReLU(), Dense(70, use_bias=False), LayerNorm(), Dense(10)]
    net = Network(layers, 80, seed=0)
    alone = Network([layer.clone() for layer in layers], 80, seed=0)
    monkeypatch.setattr(workers, "THREAD_MULTIPLICATIONS", 1)
    monkeypatch.setattr(workers, "DENSE_THREAD_MULTIPLICATIONS", 1)
    monkeypatch.setattr(workers, "SECTION_NUMBERS", 1)
    crew = Workers(
        *(net, SoftmaxCrossEntropy(), x, y, None),
        batch_size=20,
        threads=3,
        rng=rng,
    )
    with crew:
        assert len(crew.sections) == 3 and len(crew._shares) == 1
        for i in range(12):
            rows = np.arange(20 if i % 3 else 7) + i
            net.grad[...] = np.nan
            crew.gradient(rows)
            crew.collect()
            if i % 4 == 0:
                net.predict_logits(x[:9])
            z = alone.forward(x[rows], training=True)
            alone.backward(SoftmaxCrossEntropy()(z, y[rows], scale=1 / len(rows))[1])
            np.testing.assert_allclose(net.grad, alone.grad, rtol=1e-4, atol=1e-6)
    net.grad[...] = np.nan  # and afterwards backward computes all again
    z = net.forward(x, training=True)
    net.backward(SoftmaxCrossEntropy()(z, y, scale=1)[1])
    assert np.isfinite(net.grad).all()


def test_a_training_that_never_begins_leaves_the_network_as_it_was(monkeypatch):
    monkeypatch.undo()
    net = Network([Dense(256), ReLU(), Dense(10)], 784, seed=0)
    rng = np.random.default_rng(0)
    x, y = rng.random((1000, 784), np.float32), rng.integers(0, 10, 1000)
    Workers(
        *(net, SoftmaxCrossEntropy(), x, y, None),
        batch_size=1000,
        threads=2,
        rng=rng,
    )
    net.grad[...] = np.nan
    z = net.forward(x, training=True)
    net.backward(np.ones_like(z))
    assert np.isfinite(net.grad).all()


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


@pytest.mark.parametrize("make", [network, cnn])
@pytest.mark.parametrize("extra", [(), (BatchNorm,)])
def test_blas_has_one_thread_meanwhile(make, extra):
    limits = blas_limits()
    with team(make(*(kind() for kind in extra)), threads=2) as crew:
        assert max(blas_limits()) == 1
        assert crew._team.threads == 2
    assert blas_limits() == limits
