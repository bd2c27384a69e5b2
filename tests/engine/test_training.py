"""`fit`: what a step does, what the history tells, and the same bits each time."""

import math
import pickle
import subprocess
import sys
import time
from hashlib import sha256

import numpy as np
import pytest
from check_layer import close, same
from short_training import (
    CLASSES,
    NEW_X,
    NEW_Y,
    N,
    Watch,
    X,
    Y,
    blobs,
    line,
    network,
    trained,
)

from ardoise.engine import training
from ardoise.engine.evaluation import Evaluation, evaluate
from ardoise.engine.history import History
from ardoise.engine.layers import Dense, Dropout, Layer, ReLU
from ardoise.engine.losses import SoftmaxCrossEntropy
from ardoise.engine.network import Network
from ardoise.engine.optimizers import SGD
from ardoise.engine.schedules import Cosine
from ardoise.engine.training import EarlyStopping, fit

# -- learning -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop"])
def test_it_learns(optimizer, dtype):
    net = network(dtype=dtype)
    fit(net, X, Y, optimizer=optimizer, learning_rate=0.05, epochs=40, seed=0)
    assert evaluate(net, NEW_X, NEW_Y).accuracy > 0.95


def test_a_step_goes_down_the_gradient():
    net = network()
    z = net.forward(X, training=True)
    _, dz = SoftmaxCrossEntropy()(z, Y, scale=1 / N)
    net.backward(dz)
    expected = net.theta - 0.5 * net.grad
    trained(net, epochs=1, batch_size=None, optimizer="sgd", learning_rate=0.5)
    close(net.theta, expected)


def test_a_line_by_hand():
    net = line()
    net.theta[...] = [1, 0]  # w, b
    x, y = np.array([[1.0], [2], [4]]), np.array([3.0, 2, 4])
    settings = {"loss": "squared_error", "optimizer": "sgd", "learning_rate": 0.5}
    _, history = trained(
        net, data=(x, y), epochs=1, batch_size=2, shuffle=False, **settings
    )
    # First batch: errors −2 and 0, dw = −2/2, db = −2/2: w = b = 0.5 + …
    w, b = 1 + 0.5 * 1, 0.5
    first = (2**2 + 0) / 2 / 2
    error = w * 4 + b - 4
    assert net.theta.tolist() == [w - 0.5 * error * 4, b - 0.5 * error]
    # The epoch's loss weighs the batches by their samples: two, then one.
    assert history["loss"] == [pytest.approx((2 * first + error**2 / 2) / 3)]
    assert history["accuracy"] == [None]


class Reads(Layer):
    """Passes x on and writes down the rows that it was given in training."""

    def __init__(self):
        self.rows = []

    def forward(self, x, *, training):
        if training:
            self.rows.append(x[:, 0].astype(int).tolist())
        return x

    def backward(self, dy, *, need_dx=True):
        return dy

    def config(self):
        return {}


def test_each_epoch_takes_every_sample_once_in_a_new_order():
    rows = np.arange(10.0).reshape(-1, 1)
    reader = Reads()
    net = Network([reader, Dense(1)], 1, seed=0)
    data = (rows, rows[:, 0])
    settings = {"data": data, "loss": "squared_error", "learning_rate": 1e-6}
    trained(net, batch_size=4, epochs=2, **settings)
    assert [len(batch) for batch in reader.rows] == [4, 4, 2] * 2
    first, second = np.concatenate(reader.rows).reshape(2, 10).tolist()
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert first != list(range(10))
    reader.rows.clear()
    trained(net, batch_size=4, epochs=1, shuffle=False, **settings)
    assert reader.rows == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_the_gradient_is_cut_to_its_longest_length():
    for max_norm in (1e-3, 1e3):
        net, watch = network(), Watch()
        settings = {"optimizer": "sgd", "learning_rate": 1.0, "callbacks": [watch]}
        trained(net, epochs=1, batch_size=None, max_norm=max_norm, **settings)
        moved = np.linalg.norm(watch.steps[0] - watch.start)
        if max_norm < 1:
            assert moved == pytest.approx(max_norm)
        else:
            close(
                watch.steps[0], trained(epochs=1, batch_size=None, **settings)[0].theta
            )


def test_arguments_can_be_objects_names_or_mappings():
    by_object, _ = trained(
        loss=SoftmaxCrossEntropy(), optimizer=SGD(0.5), learning_rate=Cosine(0.1)
    )
    by_name, _ = trained(
        loss="softmax_cross_entropy",
        optimizer={"name": "sgd", "momentum": 0.5},
        learning_rate={"name": "cosine", "learning_rate": 0.1},
    )
    same(by_object.theta, by_name.theta)


def test_the_defaults_are_those_of_the_documentation():
    settings = {"data": (NEW_X, NEW_Y), "loss": "softmax_cross_entropy"}
    settings |= {"optimizer": "adam", "learning_rate": 1e-3}
    told, _ = trained(epochs=10, batch_size=128, **settings)
    net = network()
    fit(net, NEW_X, NEW_Y, seed=5, threads=1)
    same(net.theta, told.theta)


def test_a_network_without_parameters_is_no_obstacle():
    _, history = trained(Network([ReLU()], 2), data=(X, Y % 2))
    assert history.stopped == "finished"


# -- weights of samples ---------------------------------------------------------------


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "squared_error"])
def test_a_weight_counts_like_repeated_samples(loss):
    y = Y if loss == "softmax_cross_entropy" else np.eye(CLASSES)[Y]
    weights = np.arange(N) % 4
    repeated = np.repeat(np.arange(N), weights)
    settings = {"loss": loss, "batch_size": None, "epochs": 5, "shuffle": False}
    weighted, history = trained(data=(X, y), sample_weight=weights, **settings)
    plain, expected = trained(data=(X[repeated], y[repeated]), **settings)
    np.testing.assert_allclose(weighted.theta, plain.theta, atol=1e-12)
    np.testing.assert_allclose(history["loss"], expected["loss"], atol=1e-12)
    found = evaluate(weighted, X, y, loss=loss, sample_weight=weights)
    wanted = evaluate(plain, X[repeated], y[repeated], loss=loss)
    assert found.loss == pytest.approx(wanted.loss, abs=1e-12)


def test_a_batch_without_weight_is_no_obstacle():
    weights = np.where(np.arange(N) < 16, 0.0, 1.0)
    net, watch = network(), Watch()
    settings = {"optimizer": "sgd", "callbacks": [watch], "shuffle": False}
    _, history = trained(net, sample_weight=weights, epochs=1, **settings)
    same(watch.steps[0], watch.start)
    assert (watch.steps[1] != watch.start).any()
    assert history.stopped == "finished"


# -- the same bits --------------------------------------------------------------------

# Large batches are cut among threads, small ones are not; dropout draws in both.
DETERMINISM = """
import hashlib, sys
import numpy as np
from ardoise import Dense, Dropout, Network, ReLU, fit

def digest(threads):
    rng = np.random.default_rng(0)
    x, y = rng.random((3000, 12), dtype=np.float32), rng.integers(0, 3, 3000)
    result = hashlib.sha256()
    for batch_size in (100, 3000):
        network = Network([Dense(20), ReLU(), Dropout(0.5), Dense(3)], 12, seed=1)
        fit(network, x, y, epochs=2, batch_size=batch_size, seed=2, threads=threads,
            validation_data=(x[:600], y[:600]), weight_average=0.9)
        result.update(network.theta.tobytes())
    return result.hexdigest()
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_seed_gives_the_same_bits_here_and_in_another_process(threads):
    here: dict = {}
    exec(DETERMINISM, here)
    first, second = here["digest"](threads), here["digest"](threads)
    command = f"{DETERMINISM}\nprint(digest({threads}))"
    there = subprocess.run(
        [sys.executable, "-W", "error", "-c", command],
        capture_output=True,
        text=True,
        check=True,
    )
    assert first == second == there.stdout.strip()


def test_other_seeds_give_other_bits():
    digests = [sha256(trained(seed=seed)[0].theta).digest() for seed in (1, 2, None)]
    assert len(set(digests)) == 3


def test_only_the_seed_of_fit_and_the_weights_count():
    """Not what the network drew or predicted before, nor the seed it was built with."""
    first, second = network(Dropout(0.5), seed=1), network(Dropout(0.5), seed=2)
    second.theta[...] = first.theta
    second.predict(NEW_X)
    trained(first)
    trained(second, validation_data=(NEW_X, NEW_Y))
    same(first.theta, second.theta)


def test_numpys_global_generator_is_neither_read_nor_changed():
    before = pickle.dumps(np.random.get_state())  # noqa: NPY002
    first, _ = trained(network(Dropout(0.5)))
    assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002
    np.random.random(3)  # noqa: NPY002
    second, _ = trained(network(Dropout(0.5)))
    same(first.theta, second.theta)


def test_the_data_are_never_written():
    weights = np.ones(N)
    for array in (X, Y, weights):
        array.flags.writeable = False
    for settings in ({}, {"shuffle": False}, {"batch_size": None, "shuffle": False}):
        trained(sample_weight=weights, validation_data=(X, Y, weights), **settings)


def test_bytes_are_trained_on_as_shares_of_255(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (N, 2), dtype=np.uint8)
    for shuffle in (True, False):
        from_bytes, _ = trained(data=(grey, Y), shuffle=shuffle)
        from_floats, _ = trained(data=(grey / 255, Y), shuffle=shuffle)
        np.testing.assert_allclose(from_bytes.theta, from_floats.theta, atol=1e-12)
    # A memory-mapped file too, which may be larger than the memory.
    np.save(tmp_path / "x.npy", grey)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    same(trained(data=(mapped, Y))[0].theta, trained(data=(grey, Y))[0].theta)


# -- history and evaluation -----------------------------------------------------------


def test_the_history_has_one_line_an_epoch():
    schedule = Cosine(0.1)
    started = time.perf_counter()
    net, history = trained(
        epochs=4, learning_rate=schedule, validation_data=(NEW_X, NEW_Y)
    )
    assert 0 < history["seconds"][-1] < time.perf_counter() - started
    assert len(history) == 4
    assert history["epoch"] == [1, 2, 3, 4]
    steps = math.ceil(N / 16)
    last = [schedule(epoch * steps - 1, 4 * steps) for epoch in (1, 2, 3, 4)]
    assert history["learning_rate"] == last
    assert history["seconds"] == sorted(history["seconds"])
    spent = np.diff([0, *history["seconds"]])
    np.testing.assert_allclose(history["samples_per_second"], N / spent, rtol=1e-6)
    assert (history.stopped, history.best_epoch) == ("finished", None)
    result = evaluate(net, NEW_X, NEW_Y)
    assert history["validation_loss"][-1] == result.loss
    assert history["validation_accuracy"][-1] == result.accuracy


def test_loss_and_accuracy_are_those_before_each_step():
    net = network()
    before = evaluate(net, X, Y)
    _, history = trained(net, epochs=1, batch_size=None)
    assert history["loss"][0] == pytest.approx(before.loss, abs=1e-14)
    assert history["accuracy"][0] == before.accuracy
    # With a rate near 0 the batches of an epoch tell the same together.
    net = network()
    _, history = trained(net, epochs=1, batch_size=7, learning_rate=1e-14)
    assert history["loss"][0] == pytest.approx(before.loss, abs=1e-10)
    assert history["accuracy"][0] == before.accuracy


def test_without_validation_data_its_columns_are_empty():
    _, history = trained()
    assert history["validation_loss"] == history["validation_accuracy"] == [None] * 3


def test_a_history_can_be_pickled():
    _, history = trained()
    assert vars(pickle.loads(pickle.dumps(history))) == vars(history)


def test_a_new_history_is_empty():
    history = History()
    assert (len(history), history.stopped) == (0, "running")


def test_evaluation_by_hand():
    net = line()
    net.theta[...] = [2, 1]
    x, y = np.array([[0.0], [1], [2]]), np.array([1.0, 4, 1])
    found = evaluate(net, x, y, loss="squared_error")
    assert found == Evaluation(
        loss=(0 + 0.5 + 8) / 3, accuracy=None, correct=0, total=3
    )
    found = evaluate(net, x, y, loss="squared_error", sample_weight=[1, 2, 0])
    assert found.loss == pytest.approx(1 / 3)


def test_evaluation_counts_correct_answers_over_all_batches():
    net = network()
    x, y = blobs(1300)  # more than two batches of prediction
    found = evaluate(net, x, y)
    hits = int((net.predict(x) == y).sum())
    assert (found.correct, found.total) == (hits, 1300)
    assert found.accuracy == hits / 1300
    p = net.predict_proba(x)[np.arange(1300), y]
    assert found.loss == pytest.approx(-np.log(p).mean())


@pytest.mark.parametrize("weights", [None, np.arange(200.0)])
def test_validation_data_may_have_weights(weights):
    data = (NEW_X, NEW_Y) if weights is None else (NEW_X, NEW_Y, weights)
    net, history = trained(validation_data=data)
    expected = evaluate(net, NEW_X, NEW_Y, sample_weight=weights).loss
    assert history["validation_loss"][-1] == expected


# -- arguments ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"epochs": 0}, ValueError, "epochs must be a positive whole number; got 0"),
        ({"epochs": 2.5}, ValueError, "epochs must be a positive .* got 2.5"),
        ({"epochs": math.nan}, ValueError, "epochs must be a positive .* got nan"),
        ({"epochs": "3"}, ValueError, "epochs must be a positive .* got '3'"),
        ({"threads": 0}, ValueError, "threads must be a positive .* got 0"),
        ({"batch_size": 0}, ValueError, "batch_size must be a positive .* got 0"),
        ({"batch_size": math.inf}, ValueError, "batch_size must be .* got inf"),
        ({"max_norm": 0}, ValueError, "max_norm must be a positive number; got 0"),
        (
            {"weight_average": 1},
            ValueError,
            r"weight_average must lie in \[0, 1\); got",
        ),
        ({"learning_rate": 0}, ValueError, "learning_rate must be .* got 0"),
        ({"loss": "mse"}, ValueError, "loss must be one of .* got 'mse'"),
        ({"optimizer": "adagrad"}, ValueError, "optimizer must be one of .* got"),
        ({"validation_data": X}, TypeError, "two or three arrays, .* got ndarray"),
        ({"validation_data": (X,)}, TypeError, r"\(x, y\) or .* got 1"),
        ({"validation_data": (X, Y, Y, Y)}, TypeError, r"\(x, y\) or .* got 4"),
        ({"validation_data": (X, Y[:5])}, ValueError, "same length; got 60 samples"),
        ({"callbacks": EarlyStopping()}, TypeError, "a sequence of Callback objects"),
        ({"callbacks": [EarlyStopping]}, TypeError, "Callback objects; got .*class"),
        ({"data": (X, Y[:5])}, ValueError, "same length; got 60 samples"),
        ({"data": (X, Y + 1)}, ValueError, "class indices from 0 to 2"),
        ({"data": (X * np.nan, Y)}, ValueError, "x must hold finite numbers; row 0"),
        ({"sample_weight": -np.ones(N)}, ValueError, "must not be negative"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(settings, error, sentence):
    net = network()
    before = net.theta.copy()
    with pytest.raises(error, match=sentence):
        trained(net, **settings)
    same(net.theta, before)


def test_whole_numbers_may_come_as_floats():
    settings = {"epochs": 2.0, "batch_size": 16.0, "threads": 1.0}
    same(trained(**settings)[0].theta, trained(epochs=2)[0].theta)


def test_threads_are_all_processors_unless_told(monkeypatch):
    asked = []
    monkeypatch.setattr(training, "available_threads", lambda: asked.append(1) or 1)
    trained(threads=1, epochs=1)
    assert not asked
    trained(threads=None, epochs=1)
    assert asked
