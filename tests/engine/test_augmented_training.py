"""Training on augmented batches: the same bits, whoever augments them, and resumed."""

import copy
import json
import time

import numpy as np
import pytest
from check_layer import same

from ardoise.engine import losses, optimizers, schedules, workers
from ardoise.engine.augmentation import Augmentation
from ardoise.engine.batches import BatchLoader
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
)
from ardoise.engine.network import Network
from ardoise.engine.order import RandomOrder
from ardoise.engine.sparse import SparseRows
from ardoise.engine.threads import Team
from ardoise.engine.training import Callback, Training, fit
from ardoise.engine.workers import Workers

N, SHAPE = 50, (10, 9, 1)
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (N, *SHAPE), dtype=np.uint8)
Y = RNG.integers(0, 3, N)
CHANGE = Augmentation(
    rotation=15, translation=1, elastic=(8, 2), noise=0.1, erasing=0.5
)


@pytest.fixture(autouse=True)
def many_threads(monkeypatch):
    """So that these small networks are cut, and loaded ahead, as large ones are."""
    monkeypatch.setattr(workers, "THREAD_MULTIPLICATIONS", 1)
    monkeypatch.setattr(workers, "DENSE_THREAD_MULTIPLICATIONS", 1)
    monkeypatch.setattr(workers, "SECTION_NUMBERS", 1)
    monkeypatch.setattr(workers, "AHEAD_AUGMENTED", 1)


def cnn(*extra):
    """Without ``extra``, its batches are cut into shares."""
    first = [Conv2D(4, 3, padding="same"), *extra, ReLU(), MaxPool2D(padding="same")]
    return Network([*first, Flatten(), Dropout(0.3), Dense(3)], SHAPE, seed=0)


def with_batch_norm():
    return cnn(BatchNorm(), Dropout(0.1))


def mlp():
    return Network([Flatten(), Dense(8), Dropout(0.3), Dense(3)], SHAPE, seed=0)


def ahead(monkeypatch):
    """Let a network that is too small for two threads have the second one load."""
    monkeypatch.setattr(workers, "DENSE_THREAD_MULTIPLICATIONS", 10**9)


NETWORKS = {"shares": cnn, "parts": with_batch_norm, "joint": mlp, "ahead": mlp}
every_way = pytest.mark.parametrize("way", NETWORKS)


def trained(net, *, threads=2, snapshot=None, seed=1, augment=CHANGE, callbacks=()):
    training = Training(
        net,
        losses.SoftmaxCrossEntropy(),
        optimizers.Adam(),
        schedules.get(0.01),
        (X, Y, None),
        None,
        order=RandomOrder(N, np.random.default_rng(seed)),
        epochs=3,
        batch_size=16,
        rng=np.random.default_rng(seed),
        threads=threads,
        callbacks=callbacks,
        max_norm=None,
        average_decay=None,
        augment=augment,
        snapshot=snapshot,
    )
    training.run()
    return training


class Stops(Callback):
    """Takes a snapshot after so many steps, and presses Ctrl-C."""

    def __init__(self, step):
        self.step = step

    def on_batch_end(self, training):
        if training.step == self.step:
            time.sleep(0.01)  # time to load ahead
            self.snapshot = copy.deepcopy(training.snapshot())
            raise KeyboardInterrupt


@every_way
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("step", [1, 4, 11])
def test_stopped_at_any_batch_and_resumed_is_as_if_never_stopped(
    monkeypatch, way, threads, step
):
    if way == "ahead":
        ahead(monkeypatch)
    net = NETWORKS[way]
    whole = trained(net(), threads=threads)
    stops = Stops(step)
    part = trained(net(), threads=threads, callbacks=[stops])
    for snapshot in (stops.snapshot, part.last):
        written = snapshot._replace(values=json.loads(json.dumps(snapshot.values)))
        resumed = trained(net(), threads=threads, snapshot=written, seed=9)
        same(resumed.network.theta, whole.network.theta)
        same(resumed.network.state, whole.network.state)
        assert resumed.history["loss"] == whole.history["loss"]


@every_way
def test_the_bits_do_not_depend_on_how_many_threads_are_at_work(monkeypatch, way):
    if way == "ahead":
        ahead(monkeypatch)
    expected = trained(NETWORKS[way](), threads=3).network.theta.copy()
    alone = property(lambda self: 1, lambda self, n: None)
    monkeypatch.setattr(Team, "active", alone, raising=False)
    same(trained(NETWORKS[way](), threads=3).network.theta, expected)


def test_loaded_ahead_or_not_is_the_same(monkeypatch):
    plain = trained(mlp(), threads=1).network.theta
    ahead(monkeypatch)
    same(trained(mlp(), threads=2).network.theta, plain)


def test_a_batch_that_nobody_takes_was_never_drawn(monkeypatch):
    ahead(monkeypatch)

    def gradients(*followings):
        net = mlp()
        crew = Workers(
            net,
            losses.SoftmaxCrossEntropy(),
            *(X, Y, None),
            batch_size=16,
            threads=2,
            rng=np.random.default_rng(0),
            augment=CHANGE,
        )
        assert crew._ahead is not None
        with crew:
            for i, following in enumerate(followings):
                crew.gradient(np.arange(16 * i, 16 * i + 16), following)
            crew.collect()
            return net.grad.copy(), crew.generator_states()

    plain, states = gradients(None, None)
    other, same_states = gradients(np.arange(3, 19), None)
    same(other, plain)
    assert states == same_states


def test_a_mapping_is_an_augmentation():
    nets = [mlp(), mlp()]
    for net, augment in zip(nets, (CHANGE, CHANGE.config()), strict=True):
        fit(net, X, Y, epochs=1, seed=0, augment=augment)
    same(nets[0].theta, nets[1].theta)
    plain = mlp()
    fit(plain, X, Y, epochs=1, seed=0)
    assert not np.array_equal(plain.theta, nets[0].theta)


@pytest.mark.parametrize("net", [cnn, mlp])
@pytest.mark.parametrize("parts", [1, 3])
def test_the_network_reads_what_the_augmentation_returns(net, parts):
    mixers = np.random.default_rng(0).spawn(parts)
    loader = BatchLoader(net(), X, Y, None, 16, CHANGE, copy.deepcopy(mixers))
    rows = RNG.permutation(N)[:16]
    x, t, _ = loader.load(rows)
    same(t, Y[rows])
    size = -(-16 // parts)
    pieces = [X[rows[i : i + size]] for i in range(0, 16, size)]
    expected = np.concatenate(
        [
            CHANGE(piece, mixer, np.empty(piece.shape, "f4"))
            for piece, mixer in zip(pieces, mixers, strict=True)
        ]
    )
    found = x.transpose(2, 0, 1, 3) if x.ndim == 4 else x.reshape(expected.shape)
    same(found, expected)


def test_fewer_rows_than_threads():
    net = Network([Flatten(), BatchNorm(), Dense(3)], SHAPE, seed=0)
    mixers = np.random.default_rng(0).spawn(4)
    loader = BatchLoader(net, X, Y, None, 16, CHANGE, mixers)
    assert loader.load(np.arange(2))[0].shape == (2, 90)
    assert loader.load(slice(3, 4))[0].shape == (1, 90)


def test_samples_that_are_no_images_are_refused_before_anything_changes():
    net = Network([Dense(3)], 90, seed=0)
    before = net.theta.copy()
    with pytest.raises(ShapeError, match="augmentation needs images"):
        fit(net, X.reshape(N, 90), Y, augment=CHANGE)
    same(net.theta, before)
    rows = Augmentation(**CHANGE.config(), image_shape=SHAPE)
    fit(net, X.reshape(N, 90), Y, augment=rows, epochs=1, seed=0)
    assert not np.array_equal(net.theta, before)


def test_sparse_rows_are_images_too():
    flat = X.reshape(N, 90) / np.float32(255)
    flat[flat < 0.5] = 0
    places = np.nonzero(flat)
    indptr = np.concatenate([[0], np.cumsum(np.count_nonzero(flat, axis=1))])
    sparse = SparseRows(flat[places], places[1], indptr, 90)
    change = Augmentation(rotation=10, image_shape=SHAPE)
    net = Network([Dense(3)], 90, seed=0)
    found = [
        BatchLoader(net, x, Y, None, 16, change, [np.random.default_rng(0)]).load(
            np.arange(16)
        )[0]
        for x in (flat, sparse)
    ]
    same(*found)
