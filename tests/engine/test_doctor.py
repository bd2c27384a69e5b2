"""The doctor beside a training: each mistake made, and no alarm on healthy ones."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from doctor_data import deep, dense, diagnose, pictures
from test_doctor_network import dense_after

import ardoise
from ardoise.digits import load_mnist
from ardoise.digits.recipes import RECIPES
from ardoise.engine.doctor import SENTENCES, Doctor, Finding, TrainingWarning
from ardoise.engine.errors import DivergenceError
from ardoise.engine.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Tanh,
)
from ardoise.engine.network import Network
from ardoise.engine.sparse import SparseRows
from ardoise.engine.training import Callback, EarlyStopping, fit

X, Y = pictures()
V = pictures(400, seed=1)
ORDER = np.argsort(Y, kind="stable")
IN_ORDER = X[ORDER], Y[ORDER]


def relu():
    return dense(Dense(32), ReLU())


def tanh():
    return dense(Dense(32), Tanh())


# -- no alarm -------------------------------------------------------------------------

SGD = {"optimizer": "sgd", "learning_rate": 0.1}
HEALTHY = {
    "relu": (relu, {}),
    "tanh": (tanh, {}),
    "sigmoid": (lambda: dense(Dense(32), Sigmoid()), {"learning_rate": 0.01}),
    "sgd": (relu, SGD),
    "momentum": (relu, {**SGD, "optimizer": {"name": "sgd", "momentum": 0.9}}),
    "one epoch": (relu, {"epochs": 1}),
    "two epochs": (relu, {"epochs": 2}),
    "many epochs": (relu, {"epochs": 30}),
    "whole batch": (relu, {"batch_size": None, "shuffle": False, **SGD, "epochs": 9}),
    "average": (relu, {"weight_average": 0.9}),
    "batchnorm": (lambda: dense(Dense(32), BatchNorm(), ReLU()), {}),
    "dropout": (lambda: dense(Dense(64), ReLU(), Dropout(0.5)), {}),
    "deep": (lambda: dense(*deep(ReLU, 8)), {}),
    "stopped": (relu, {"callbacks": [EarlyStopping(2)], "epochs": 20}),
    "cnn": (
        lambda: dense_after([Conv2D(8, 3), ReLU(), MaxPool2D()]),
        {"epochs": 2},
    ),
    "little data": (relu, {"data": pictures(60), "batch_size": 8, "epochs": 20}),
    "no validation": (relu, {"validation_data": None}),
    "one cycle": (
        relu,
        {"learning_rate": {"name": "one_cycle", "learning_rate": 5e-3}},
    ),
    "in order, shuffled": (relu, {"data": IN_ORDER}),
    "all in one batch": (
        relu,
        {"data": IN_ORDER, "batch_size": None, **SGD, "epochs": 9},
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_alarm(name, seed):
    make, settings = HEALTHY[name]
    found, _ = diagnose(make(), **{"validation_data": V, "seed": seed, **settings})
    assert not found


def test_no_alarm_on_values():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 5))
    y = x @ rng.standard_normal((5, 1)) + 0.1 * rng.standard_normal((600, 1))
    network = Network([Dense(16), ReLU(), Dense(1)], 5, seed=0)
    found, _ = diagnose(
        network,
        (x[:500], y[:500]),
        loss="squared_error",
        validation_data=(x[500:], y[500:]),
        epochs=10,
        learning_rate=0.01,
    )
    assert not found


def test_no_alarm_on_a_network_that_was_trained_before():
    network = dense(Dense(64), ReLU(), Dropout(0.5))
    for _ in range(2):
        found, _ = diagnose(network, validation_data=V, epochs=5)
        assert not found


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("epochs", [1, 3, 5])
def test_no_alarm_on_recipes_cut_short(recipe, epochs):
    plan = RECIPES[recipe]
    found, _ = diagnose(
        plan.build(X.shape[1:], 5, seed=epochs),
        validation_data=V,
        optimizer=plan.optimizer,
        learning_rate=plan.learning_rate,
        loss=plan.loss,
        batch_size=plan.batch_size,
        shuffle=plan.shuffle,
        epochs=epochs,
    )
    assert not found


# -- mistakes -------------------------------------------------------------------------


def floats(x):
    return x.astype(np.float32)


WIDE = {"name": "uniform", "low": -2.0, "high": 2.0}
MISTAKES = {
    "not_scaled": (
        relu,
        {"data": (floats(X), Y), "validation_data": (floats(V[0]), V[1])},
    ),
    "sorted": (relu, {"data": IN_ORDER, "shuffle": False}),
    "missing_class": (relu, {"data": (X[Y < 4], Y[Y < 4])}),
    "leak_validation": (relu, {"validation_data": (X[:40], Y[:40])}),
    "leak_test": (relu, {"test": X[5:9]}),
    "other_scale_validation": (
        relu,
        {"data": (X / np.float32(255), Y), "validation_data": (floats(V[0]), V[1])},
    ),
    "inverted": (relu, {"data": (255 - X, Y), "validation_data": (255 - V[0], V[1])}),
    "rate_too_high_dead": (relu, {"optimizer": "sgd", "learning_rate": 3.0}),
    "rate_too_high_rising": (tanh, {"optimizer": "sgd", "learning_rate": 30.0}),
    "rate_too_low": (relu, {"learning_rate": 1e-6}),
    "saturated_units": (tanh, {"learning_rate": 0.3}),
    "vanishing_gradients": (lambda: dense(*deep(Sigmoid, 8)), {}),
    "exploding_gradients": (
        lambda: dense(*deep(ReLU, 4, kernel_initializer=WIDE)),
        {},
    ),
    "equal_units": (
        lambda: dense(
            Dense(32, kernel_initializer="zeros"), Tanh(), kernel_initializer="zeros"
        ),
        {},
    ),
    "stuck": (
        relu,
        {
            "data": (X, np.random.default_rng(5).integers(0, 5, len(X))),
            "learning_rate": 1e-4,
        },
    ),
    "over_fitting": (
        lambda: dense(Dense(256), ReLU()),
        {"data": pictures(60, noise=200), "epochs": 60, "validation_data": "noisy"},
    ),
}


@pytest.mark.parametrize("code", MISTAKES)
def test_each_mistake_is_found(code):
    make, settings = MISTAKES[code]
    settings = {"validation_data": V, **settings}
    if settings["validation_data"] == "noisy":
        settings["validation_data"] = pictures(400, seed=1, noise=200)
    found, _ = diagnose(make(), **settings)
    assert code in found
    assert len(found) <= 3
    assert str(found[code]) and code in SENTENCES


def test_a_diverging_training_was_warned_of():
    doctor = Doctor()
    data = floats(X) * 1e6
    with pytest.raises(DivergenceError):
        fit(relu(), data, Y, optimizer="sgd", learning_rate=1e6, callbacks=[doctor])
    assert "not_scaled" in {f.code for f in doctor.findings}


def test_units_that_die_in_bad_data_do_not_blame_the_rate():
    found, _ = diagnose(
        dense(Dense(32), ReLU(), seed=3),
        (255 - X, Y),
        optimizer="sgd",
        learning_rate=0.5,
        epochs=6,
    )
    assert {"inverted", "dead_units"} <= set(found)
    assert "rate_too_high_dead" not in found


@pytest.fixture(scope="module")
def mnist():
    data = load_mnist()
    train, check = slice(0, 10_000), slice(60_000, 62_000)
    return (
        (data.images[train], data.labels[train]),
        (data.images[check], data.labels[check]),
    )


def on_mnist(mnist, scale=None, order=None, **settings):
    (x, y), (v, w) = mnist
    if scale:
        x, v = floats(x), floats(v)
    if order is not None:
        order = np.argsort(y, kind="stable")
        x, y = x[order], y[order]
    network = Network(
        [ardoise.Flatten(), Dense(128), ReLU(), Dense(64), ReLU(), Dense(10)],
        (28, 28, 1),
        seed=0,
    )
    settings = {**SGD, "epochs": 3, **settings}
    found, history = diagnose(network, (x, y), validation_data=(v, w), **settings)
    return found, history["validation_accuracy"][-1]


def test_known_mistakes_on_mnist(mnist):
    """The damage is what is known of each: 11 %, 10 %, and 89 % dead units."""
    found, accuracy = on_mnist(mnist)
    assert not found and accuracy > 0.85
    found, accuracy = on_mnist(mnist, scale=255)
    assert "not_scaled" in found and accuracy < 0.15
    found, accuracy = on_mnist(mnist, order=True, shuffle=False)
    assert list(found) == ["sorted"] and accuracy < 0.25
    found, accuracy = on_mnist(mnist, learning_rate=1.0)
    assert found["rate_too_high_dead"].values["share"] > 0.85 and accuracy < 0.75


# -- what it does not do --------------------------------------------------------------


def test_it_changes_no_bit():
    def run(*callbacks):
        network = dense(Dense(16), BatchNorm(), ReLU(), Dropout(0.3))
        fit(network, X, Y, epochs=3, seed=1, callbacks=callbacks, validation_data=V)
        return network.theta, network.state

    for alone, watched in zip(run(), run(Doctor()), strict=True):
        np.testing.assert_array_equal(alone, watched)


def test_it_tells_at_once_and_once():
    told = []

    class Moment(Callback):
        def on_epoch_end(self, training):
            told.append(training.epoch)

    doctor = Doctor(tell=lambda finding: told.append(finding.code))
    settings = {"optimizer": "sgd", "learning_rate": 3.0, "epochs": 3, "seed": 0}
    settings |= {"batch_size": 32, "threads": 1, "shuffle": False}
    fit(relu(), *IN_ORDER, callbacks=[doctor, Moment()], **settings)
    assert told[0] == "sorted" and told[-1] == 3
    assert sorted(k for k in told if isinstance(k, str)) == sorted(
        f.code for f in doctor.findings
    )
    assert len({f.code for f in doctor.findings}) == len(doctor.findings)
    fit(relu(), X, Y, epochs=1, callbacks=[doctor], seed=0)
    assert not doctor.findings  # each training has its own


def test_it_looks_ten_times_at_most(monkeypatch):
    looks = []
    real = ardoise.engine.doctor.watch.judge
    monkeypatch.setattr(
        "ardoise.engine.doctor.watch.judge",
        lambda *values: looks.append(0) or real(*values),
    )
    diagnose(data=pictures(64), epochs=95)
    assert len(looks) == 1 + 1 + 9


def test_an_interrupted_training_is_not_judged_by_its_curve():
    class Stop(Callback):
        def on_epoch_end(self, training):
            if training.epoch == 4:
                training.stop("interrupted")

    settings = {"learning_rate": 1e-6, "validation_data": V, "epochs": 9}
    found, _ = diagnose(relu(), callbacks=[Stop()], **settings)
    assert not found


def test_names_of_classes_are_said():
    doctor = Doctor(classes=("cat", "dog", "hen", "fox", "bee"))
    fit(relu(), X[Y != 3], Y[Y != 3], epochs=1, callbacks=[doctor], seed=0)
    assert str(doctor.findings[0]).startswith("Class fox has no training sample")


def test_sparse_data_is_watched_too():
    x = (X.reshape(len(X), -1) / 255).astype(np.float32)
    rows = SparseRows(
        x.reshape(-1),
        np.tile(np.arange(144), len(x)),
        np.arange(0, x.size + 1, 144),
        144,
    )
    doctor = Doctor()
    network = Network([Dense(8), Tanh(), Dense(5)], 144, seed=0)
    network.parameters()["0.W"][...] *= 1000

    class Sparse(Callback):
        def on_train_begin(self, training):
            training.data = rows, training.data[1], None
            doctor.on_train_begin(training)

    fit(network, x, Y, epochs=1, callbacks=[Sparse()], seed=0)
    assert "saturated_units" in {f.code for f in doctor.findings}


def test_a_training_that_goes_on():
    class Half(Callback):
        def on_epoch_end(self, training):
            if training.epoch == 2:
                self.snapshot = training.snapshot()

    half, first, second = Half(), Doctor(), Doctor()
    settings = {"epochs": 4, "seed": 0, "threads": 1}
    fit(relu(), X, Y, callbacks=[first, half], **settings)
    fit(relu(), X, Y, callbacks=[second], snapshot=half.snapshot, **settings)
    assert second._initial == first._initial


# -- warnings of fit ------------------------------------------------------------------


def test_fit_warns_of_samples_in_order():
    with pytest.warns(TrainingWarning, match="a batch of 128 holds") as caught:
        fit(relu(), *IN_ORDER, shuffle=False, epochs=1, seed=0)
    assert caught[0].filename == __file__
    assert caught[0].message.finding.code == "sorted"
    fit(relu(), *IN_ORDER, shuffle=False, epochs=1, seed=0, batch_size=None)
    fit(relu(), X, Y, shuffle=False, epochs=1, seed=0)
    fit(relu(), *IN_ORDER, shuffle=False, epochs=1, seed=0, callbacks=[Doctor()])


def test_fit_warns_of_a_layer_that_is_dead():
    network = relu()
    network.parameters()["1.b"][...] = -1000
    with pytest.warns(TrainingWarning, match="100.0% of the units") as caught:
        fit(network, X, Y, epochs=1, seed=0)
    assert caught[0].message.finding.values["layer"] == "2 (ReLU)"
    fit(network, X, Y, epochs=1, seed=0, callbacks=[Doctor()])
    network.parameters()["1.b"][:1] = 0
    fit(network, X, Y, epochs=1, seed=0)  # one unit can still learn


def test_warnings_and_findings_travel():
    finding = Finding("dead_units", values={"layer": "2", "count": 1200})
    twin = pickle.loads(pickle.dumps(finding))
    assert twin == finding and copy.deepcopy(finding) == finding
    full = Finding("squeezed", values={"low": 0.0, "high": 0.01})
    told = pickle.loads(pickle.dumps(TrainingWarning(full)))
    assert told.finding == full and str(told) == str(full)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        warnings.warn(TrainingWarning(full), stacklevel=1)


def test_the_facade_has_them():
    assert ardoise.Doctor is Doctor and ardoise.Finding is Finding
    for name in ardoise.DIAGNOSES:
        assert name in ardoise.__all__ and getattr(ardoise, name)
