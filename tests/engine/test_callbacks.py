"""Callbacks, early stopping, and the average of the weights."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from check_layer import same
from short_training import (
    CLASSES,
    NEW_X,
    NEW_Y,
    At,
    N,
    Watch,
    X,
    Y,
    averaged,
    line,
    network,
    trained,
)

from ardoise.engine.evaluation import evaluate
from ardoise.engine.history import History
from ardoise.engine.layers import BatchNorm, Conv2D, Dense, Flatten
from ardoise.engine.losses import SoftmaxCrossEntropy
from ardoise.engine.network import Network
from ardoise.engine.training import Callback, EarlyStopping, fit

# -- callbacks ------------------------------------------------------------------------


def test_callbacks_come_at_their_moments():
    watch = Watch()
    trained(epochs=2, batch_size=25, callbacks=[watch, Callback()])
    epoch = ["batch", "batch", "batch", "epoch"]
    assert watch.calls == ["begin", *epoch, *epoch, "end"]
    assert watch.seen == [25, 50, 60] * 2
    same(watch.steps[2], watch.epochs[0])
    same(watch.last, watch.epochs[1])


def test_a_training_shows_where_it_stands():
    seen = []

    class Look(Callback):
        def on_train_begin(self, training):
            assert math.isnan(training.running_loss)
            assert training.n_samples == N
            assert (training.epochs, training.steps_per_epoch) == (2, 3)
            assert training.total_steps == 6

        def on_batch_end(self, training):
            assert 0 <= training.running_accuracy <= 1
            assert training.running_loss > 0
            seen.append((training.epoch, training.step, training.learning_rate))

    trained(epochs=2, batch_size=25, learning_rate=0.25, callbacks=[Look()])
    assert seen == [(1 + k // 3, k + 1, 0.25) for k in range(6)]


def test_a_training_names_the_networks_that_compute_its_shares(monkeypatch):
    monkeypatch.setattr("ardoise.engine.workers.THREAD_MULTIPLICATIONS", 1)

    class Look(Callback):
        def on_batch_end(self, training):
            first, second = training.networks
            assert first is training.network is not second
            assert second.theta is first.theta and second.grad is not first.grad

    filters = Conv2D(2, 1), Flatten(), Dense(3)
    images = np.random.default_rng(0).random((8, 4, 4, 1), np.float32)
    network = Network(filters, (4, 4, 1), seed=0)
    fit(network, images, np.arange(8) % 3, epochs=1, threads=2, callbacks=[Look()])


@pytest.mark.parametrize(
    ("moment", "k", "epochs", "steps"),
    [
        ("on_train_begin", 1, 0, 0),
        ("on_batch_end", 1, 1, 1),
        ("on_batch_end", 6, 2, 6),
        ("on_epoch_end", 2, 2, 8),
    ],
)
def test_a_callback_can_stop_the_training(moment, k, epochs, steps):
    watch = Watch()
    stop = At(moment, lambda training: training.stop(), k)
    _, history = trained(epochs=5, callbacks=[watch, stop])
    assert history.stopped == "stopped"
    assert (len(history), len(watch.steps)) == (epochs, steps)
    assert watch.calls[-1] == "end"


def test_an_error_in_a_callback_comes_out():
    def fail(training):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        trained(callbacks=[At("on_epoch_end", fail)])


# -- early stopping -------------------------------------------------------------------


def stopping(scores, **settings):
    """Return the epoch of the stop (or None) and of the best, for scripted scores."""
    callback = EarlyStopping(**{"patience": 2, **settings})
    stopped = []
    training = SimpleNamespace(
        network=line(),
        validation=(),
        loss=SoftmaxCrossEntropy(),
        stop=stopped.append,
        epoch=0,
        history=History(),
    )
    callback.on_train_begin(training)
    for score in scores:
        training.epoch += 1
        training.history.columns[callback.monitor].append(score)
        training.network.theta[...] = training.epoch
        callback.on_epoch_end(training)
        if stopped:
            break
    stop = training.epoch if stopped == ["early_stopping"] else None
    callback.on_train_end(training)
    return stop, training.history.best_epoch, training.network.theta[0]


@pytest.mark.parametrize(
    ("scores", "settings", "expected"),
    [
        ([3, 2, 1], {}, (None, 3, 3)),
        ([3, 2, 2.5, 2.4, 1], {}, (4, 2, 2)),
        ([3, 2, 2.5, 1, 1.5, 1.5], {}, (6, 4, 4)),
        ([3, 2, 2.5, 2.4, 1], {"patience": 3}, (None, 5, 5)),
        ([3, 2.9, 2.8, 2.7], {"min_delta": 0.5}, (3, 1, 1)),
        ([3, math.nan, math.nan], {}, (3, 1, 1)),
        ([0.5, 0.6, 0.6, 0.6], {"monitor": "validation_accuracy"}, (4, 2, 2)),
        ([0.5, 0.6, 0.4, 0.3], {"monitor": "accuracy"}, (4, 2, 2)),
        ([3, 2, 2.5, 2.5], {"monitor": "loss"}, (4, 2, 2)),
        ([3, 2, 2.5, 2.5], {"restore_best": False}, (4, None, 4)),
        ([math.nan, math.nan], {}, (2, None, 2)),
    ],
)
def test_early_stopping_waits_and_goes_back(scores, settings, expected):
    assert stopping(scores, **settings) == expected


def test_early_stopping_restores_weights_and_statistics_of_the_best_epoch():
    net, watch = network(BatchNorm()), Watch()
    x = np.random.default_rng(0).standard_normal((N, 2))  # nothing can be learned
    settings = {"epochs": 50, "learning_rate": 0.1, "validation_data": (NEW_X, NEW_Y)}
    stop = EarlyStopping(3)
    _, history = trained(net, data=(x, Y), callbacks=[watch, stop], **settings)
    assert history.stopped == "early_stopping"
    best = int(np.argmin(history["validation_loss"])) + 1
    assert history.best_epoch == best == len(history) - 3
    same(net.theta, watch.epochs[best - 1])
    assert evaluate(net, NEW_X, NEW_Y).loss == history["validation_loss"][best - 1]
    # The same object can watch another training.
    other = network()
    trained(other, callbacks=[stop], validation_data=(NEW_X, NEW_Y))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: EarlyStopping(0), "patience must be at least 1 epoch; got 0"),
        (lambda: EarlyStopping(monitor="loss_"), "monitor must be .* got 'loss_'"),
    ],
)
def test_early_stopping_refuses_wrong_settings(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_early_stopping_refuses_to_watch_what_is_not_measured():
    net = network()
    before = net.theta.copy()
    with pytest.raises(
        ValueError, match=r"watches validation_loss, .* give validation"
    ):
        trained(net, callbacks=[EarlyStopping()])
    with pytest.raises(ValueError, match=r"watches accuracy, but squared_error has no"):
        trained(
            net,
            data=(X, np.eye(CLASSES)[Y]),
            loss="squared_error",
            callbacks=[EarlyStopping(monitor="accuracy")],
        )
    same(net.theta, before)


# -- the average of the weights -------------------------------------------------------


def test_the_network_ends_with_the_average_of_its_weights():
    watch = Watch()
    net, history = trained(
        weight_average=0.9, callbacks=[watch], validation_data=(NEW_X, NEW_Y)
    )
    same(net.theta, averaged(watch, 0.9))
    same(watch.epochs[-1], net.theta)  # and an epoch ends with the average so far
    same(watch.last, net.theta)
    assert history["validation_loss"][-1] == evaluate(net, NEW_X, NEW_Y).loss
    plain, alone = Watch(), network()
    trained(alone, callbacks=[plain])
    same(np.array(watch.steps), np.array(plain.steps))  # the steps are the same


def test_early_stopping_goes_back_to_the_best_average():
    watch, stop = Watch(), EarlyStopping(1, monitor="loss", min_delta=10)
    net, history = trained(epochs=5, weight_average=0.9, callbacks=[watch, stop])
    assert (history.stopped, history.best_epoch) == ("early_stopping", 1)
    same(net.theta, watch.epochs[0])
