"""What estimators ask of a training: a penalty, an order, augmentation, going on."""

import copy
import json

import numpy as np
import pytest
from check_layer import close, same
from short_training import CLASSES, NEW_X, NEW_Y, N, X, Y, network, trained

from ardoise.engine import losses, optimizers, schedules, workers
from ardoise.engine.batches import BatchLoader
from ardoise.engine.history import History
from ardoise.engine.layers import BatchNorm, Dense, Dropout, Residual, Tanh
from ardoise.engine.network import Network
from ardoise.engine.order import InOrder, Order, RandomOrder
from ardoise.engine.sparse import SparseRows
from ardoise.engine.training import Callback, EarlyStopping, Training

# -- the penalty ----------------------------------------------------------------------


def test_the_penalty_is_in_the_loss_and_in_the_gradient():
    l2 = 3.0
    net = network()
    z = net.forward(X, training=True)
    value, dz = losses.SoftmaxCrossEntropy()(z, Y, scale=1 / N)
    net.backward(dz)
    weights = net.theta[: net.layout.n_decay]
    expected = net.theta - 0.5 * net.grad
    expected[: len(weights)] -= 0.5 * l2 / N * weights
    total = value + l2 / 2 / N * float(weights @ weights)
    settings = {"epochs": 1, "batch_size": None, "optimizer": "sgd"}
    _, history = trained(net, learning_rate=0.5, l2=l2, **settings)
    close(net.theta, expected)
    assert history["loss"] == [pytest.approx(total)]


def test_each_batch_has_its_share_of_the_penalty():
    whole, _ = trained(epochs=1, batch_size=None, l2=2.0)
    weighted, _ = trained(
        epochs=1, batch_size=None, l2=2.0, sample_weight=np.full(N, 7.0)
    )
    # A batch seven times as heavy feels a seventh of the penalty.
    by_hand, _ = trained(epochs=1, batch_size=None, l2=2.0 / 7)
    close(weighted.theta, by_hand.theta)
    assert not np.allclose(weighted.theta, whole.theta)


def test_penalty_and_decay_and_clipping_together():
    plain = {"name": "sgd"}
    decayed = {"name": "sgd", "weight_decay": 2.0 / N}
    one, _ = trained(epochs=1, batch_size=None, l2=2.0, optimizer=plain)
    other, _ = trained(epochs=1, batch_size=None, optimizer=decayed)
    close(one.theta, other.theta)
    clipped, _ = trained(epochs=1, batch_size=None, l2=2.0, max_norm=1e9)
    free, _ = trained(epochs=1, batch_size=None, l2=2.0)
    close(clipped.theta, free.theta)


@pytest.mark.parametrize("l2", [-1.0, float("nan"), float("inf")])
def test_a_penalty_must_be_a_number_from_0(l2):
    with pytest.raises(ValueError, match="l2 must not be negative"):
        trained(l2=l2)


# -- the order and the samples --------------------------------------------------------


def augmented(change, **settings):
    return trained(augment=change, shuffle=False, batch_size=20, **settings)


def test_augmentation_changes_what_is_read():
    plain, _ = trained(data=(X + 1, Y), shuffle=False, batch_size=20)
    moved, _ = augmented(lambda rows, rng: rows + 1)
    same(moved.theta, plain.theta)


def test_augmentation_draws_the_same_with_the_same_seed():
    def noise(rows, rng):
        return rows + rng.standard_normal(rows.shape)

    one, _ = augmented(noise)
    two, _ = augmented(noise)
    other, _ = augmented(noise, seed=6)
    same(one.theta, two.theta)
    assert not np.array_equal(one.theta, other.theta)


@pytest.mark.parametrize(
    "change", [lambda x, rng: x[:, :1], lambda x, rng: x.astype("f4")]
)
def test_augmentation_must_keep_shape_and_dtype(change):
    with pytest.raises(ValueError, match="augmentation must return an array like"):
        augmented(change)


def test_the_loader_gives_augmentation_its_own_generator():
    rng = np.random.default_rng(0)
    seen = []
    net = network()
    loader = BatchLoader(
        net, X, Y, None, 5, lambda rows, own: seen.append(own) or rows, [rng]
    )
    loader.load(slice(0, 5))
    assert seen == [rng]


def test_sparse_rows_train_and_predict_like_dense_ones():
    data = np.where(np.abs(X) > 0.5, X, 0)
    rows = np.nonzero(data)
    indptr = np.concatenate([[0], np.cumsum(np.count_nonzero(data, axis=1))])
    sparse = SparseRows(data[rows], rows[1], indptr, 2)
    one = training_on(data).network
    other = training_on(sparse).network
    same(one.theta, other.theta)
    same(one.predict_logits(data), other.predict_logits(sparse))


class Half(Order):
    """Every other sample, backwards."""

    def __init__(self):
        self.n = N // 2

    def next(self):
        return np.arange(N)[::-2]


def training_on(x, *, net=None, order=None, epochs=2, snapshot=None, **settings):
    net = net or network()
    training = Training(
        net,
        losses.SoftmaxCrossEntropy(),
        optimizers.Adam(),
        schedules.get(settings.pop("schedule", 0.01)),
        (x, Y, None),
        None,
        order=order or Half(),
        epochs=epochs,
        batch_size=8,
        rng=np.random.default_rng(3),
        threads=settings.pop("threads", 1),
        callbacks=settings.pop("callbacks", ()),
        max_norm=None,
        average_decay=settings.pop("average_decay", None),
        snapshot=snapshot,
        **settings,
    )
    training.run()
    return training


def test_an_order_of_ones_own():
    training = training_on(X)
    assert (training.n_samples, training.steps_per_epoch) == (30, 4)
    backwards = np.arange(N)[::-2]
    expected, _ = trained(
        data=(X[backwards], Y[backwards]),
        shuffle=False,
        batch_size=8,
        epochs=2,
        learning_rate=0.01,
    )
    same(training.network.theta, expected.theta)


# -- going on -------------------------------------------------------------------------


def noisy():
    inner = [Dense(8), Dropout(0.3), Dense(8)]
    layers = [Dense(8), BatchNorm(), Tanh(), Dropout(0.2), Residual(inner)]
    return Network([*layers, Dense(CLASSES)], 2, seed=0, dtype="float64")


@pytest.mark.parametrize("average_decay", [None, 0.9])
@pytest.mark.parametrize("augment", [None, lambda x, rng: x + rng.random(x.shape)])
def test_a_snapshot_goes_on_to_the_bit(average_decay, augment):
    settings = {"average_decay": average_decay, "augment": augment}
    whole = training_on(X, net=noisy(), epochs=5, **settings)
    first = training_on(X, net=noisy(), epochs=2, **settings)
    snapshot = copy.deepcopy(first.last)
    # Another network, with other weights: everything comes from the snapshot.
    net = noisy()
    net.theta[...] = 0
    last = training_on(X, net=net, epochs=5, snapshot=snapshot, **settings)
    assert (last.step, last.total_steps) == (whole.step, whole.total_steps)
    same(net.theta, whole.network.theta)
    same(net.state, whole.network.state)
    close(net.predict_logits(NEW_X), whole.network.predict_logits(NEW_X))
    assert len(NEW_Y) == len(NEW_X)


class Stops(Callback):
    """Takes a snapshot after a number of steps, and presses Ctrl-C."""

    def __init__(self, step):
        self.step = step

    def on_batch_end(self, training):
        if training.step == self.step:
            self.snapshot = copy.deepcopy(training.snapshot())
            raise KeyboardInterrupt


def through_json(snapshot):
    return snapshot._replace(values=json.loads(json.dumps(snapshot.values)))


@pytest.mark.parametrize("order", ["in order", "random"])
@pytest.mark.parametrize("average_decay", [None, 0.9])
@pytest.mark.parametrize("step", [1, 7, 8, 12, 24])
def test_stopped_at_any_batch_and_resumed_is_as_if_never_stopped(
    step, average_decay, order
):
    def train(*callbacks, snapshot=None, seed=0):
        net, stopping = noisy(), EarlyStopping(patience=50, monitor="loss")
        orders = {
            "in order": InOrder(N),
            "random": RandomOrder(N, np.random.default_rng(seed)),
        }
        training = training_on(
            X,
            net=net,
            order=orders[order],
            epochs=3,
            snapshot=snapshot,
            average_decay=average_decay,
            callbacks=(stopping, Callback(), *callbacks),
        )
        return training, stopping

    whole, kept = train()
    stops = Stops(step)
    part, _ = train(stops)
    assert part.history.stopped == "interrupted"
    # The training that was stopped ends with other weights, the best or averaged ones;
    # its last snapshot is from before.
    for snapshot in (stops.snapshot, part.last):
        resumed, again = train(snapshot=through_json(snapshot), seed=99)
        same(resumed.network.theta, whole.network.theta)
        same(resumed.network.state, whole.network.state)
        assert resumed.history["loss"] == whole.history["loss"]
        assert resumed.history["accuracy"] == whole.history["accuracy"]
        assert resumed.history.best_epoch == whole.history.best_epoch
        assert again._best == kept._best


def test_a_snapshot_before_anything_was_learned():
    first = training_on(X, net=noisy(), epochs=0)
    resumed = training_on(X, net=noisy(), epochs=2, snapshot=first.last)
    same(resumed.network.theta, training_on(X, net=noisy(), epochs=2).network.theta)


def test_early_stopping_that_has_seen_nothing_remembers_nothing():
    stops = Stops(1)
    callbacks = (EarlyStopping(monitor="loss"), stops)
    training_on(X, callbacks=callbacks)
    assert stops.snapshot.values["callbacks"][0]["best"] is None
    training = training_on(X, callbacks=callbacks[:1], snapshot=stops.snapshot)
    assert training.history.best_epoch == 2


def test_ctrl_c_between_two_numbers_of_a_line(monkeypatch):
    """The line is dropped: a snapshot's columns are equally long."""
    append = History.append

    def cut(self, **values):
        if values["epoch"] == 2:
            self.columns["epoch"].append(2)
            raise KeyboardInterrupt
        append(self, **values)

    monkeypatch.setattr(History, "append", cut)
    training = training_on(X, epochs=3)
    assert {len(column) for column in training.history.columns.values()} == {1}
    monkeypatch.undo()
    resumed = training_on(X, epochs=3, snapshot=training.last)
    whole = training_on(X, epochs=3)
    same(resumed.network.theta, whole.network.theta)


def test_fit_goes_on_from_a_snapshot():
    whole, _ = trained(epochs=3)
    stops = Stops(6)
    trained(epochs=3, callbacks=[stops])
    resumed, history = trained(epochs=3, snapshot=stops.snapshot)
    same(resumed.theta, whole.theta)
    assert len(history) == 3


@pytest.mark.parametrize("step", [2, 4, 5, 6])
def test_a_wide_network_on_two_threads_goes_on_to_the_bit(step):
    """Evaluations are of more samples than a batch has: work space is made anew."""
    rng = np.random.default_rng(0)
    x, y = rng.random((400, 784), np.float32), rng.integers(0, 10, 400)
    settings = {"batch_size": 150, "threads": 2, "data": (x, y)}
    settings["validation_data"] = (x, y)

    def train(*callbacks, snapshot=None):
        net = Network([Dense(256), Tanh(), Dropout(0.3), Dense(10)], 784, seed=0)
        return trained(net, callbacks=callbacks, snapshot=snapshot, **settings)

    whole, history = train(shares := Shares())
    assert shares.seen == {"run"}
    stops = Stops(step)
    train(stops)
    resumed, again = train(snapshot=stops.snapshot)
    same(resumed.theta, whole.theta)
    assert again["validation_loss"] == history["validation_loss"]


class Shares(Callback):
    """Looks whether the first product is shared out among threads, at each step."""

    def __init__(self):
        self.seen = set()

    def on_batch_end(self, training):
        product = training.network.layers[0]._calls[0]
        self.seen.add(product.func.__name__)


def test_an_order_of_ones_own_says_nothing_of_itself():
    order = Half()
    assert order.state() is None
    order.restore(None)


def test_a_snapshot_is_a_copy():
    training = training_on(X)
    snapshot = training.last
    before = snapshot.arrays["theta"].copy()
    training.network.theta[...] = 0
    same(snapshot.arrays["theta"], before)


def test_all_layers_and_their_generators():
    net = noisy()
    kinds = [type(layer).__name__ for layer in net.all_layers()]
    assert kinds == (
        "Dense BatchNorm Tanh Dropout Residual Dense Dropout Dense Dense".split()
    )
    net.reserve(4, training=True)
    assert len(net.generators()) == 2


def test_a_residual_keeps_its_streams_when_more_is_reserved():
    net = noisy()
    net.reserve(4, training=True, rng=np.random.default_rng(0))
    before = net.generators()
    net.reserve(8, training=True)
    assert all(a is b for a, b in zip(before, net.generators(), strict=True))


# -- loading ahead --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "f4", "f8"])
def test_batches_that_are_loaded_ahead_are_the_same(monkeypatch, dtype):
    x = np.random.default_rng(0).integers(0, 255, (N, 20)).astype(dtype)
    weights = np.linspace(0.5, 1, N)

    def train(threads):
        net = Network([Dense(8), Tanh(), Dense(CLASSES)], 20, seed=0, dtype="f4")
        data = {"data": (x, Y), "sample_weight": weights, "threads": threads}
        return trained(net, batch_size=16, epochs=3, learning_rate=1e-3, **data)

    plain, _ = train(1)
    monkeypatch.setattr(workers, "AHEAD_BYTES", 1)
    ahead, history = train(2)
    same(ahead.theta, plain.theta)
    assert len(history) == 3
    # A callback that stops in the middle of an epoch leaves a batch that nobody takes.
    stops = Stops(2)
    net = network()
    trained(net, callbacks=[stops], threads=2)
    assert stops.snapshot.values["step"] == 2


def test_accuracy_is_counted_unless_nobody_asks():
    assert training_on(X).history["accuracy"][0] > 0
    assert training_on(X, accuracy=False).history["accuracy"] == [None, None]
