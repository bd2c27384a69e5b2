"""What the doctor sees inside a network: units, gradients, weights, answers."""

import numpy as np
import pytest
from doctor_data import deep, dense, pictures

from ardoise.engine import losses
from ardoise.engine.doctor import examine_answers, examine_network
from ardoise.engine.doctor.inside import of_gradients, of_weights
from ardoise.engine.doctor.probe import Probe, Push
from ardoise.engine.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Residual,
    Sigmoid,
    Tanh,
)
from ardoise.engine.network import Network

X, Y = pictures(300)
WIDE = {"name": "uniform", "low": -2.0, "high": 2.0}


def codes(network, **settings):
    return {f.code: f for f in examine_network(network, X, Y, **settings)}


HEALTHY = {
    "ReLU": [Dense(32), ReLU()],
    "Tanh": [Dense(32), Tanh()],
    "Sigmoid": [Dense(32), Sigmoid()],
    "BatchNorm": [Dense(32), BatchNorm(), ReLU(), Dropout(0.5), Dense(16), ReLU()],
    "deep": deep(ReLU, 12),
    "residual": [Dense(16), *(Residual([ReLU(), Dense(16)]) for _ in range(4))],
    "linear": [],
    "leaky": [Dense(32), LeakyReLU()],
    "narrow": [Dense(3), ReLU()],
}


@pytest.mark.parametrize("name", HEALTHY)
def test_no_alarm_on_first_weights(name):
    layers = [
        type(k)(**k.config()) if not k.inner_layers() else k.clone()
        for k in HEALTHY[name]
    ]
    assert not codes(dense(*layers))


def test_no_alarm_on_a_convolution():
    layers = [Conv2D(8, 3), ReLU(), MaxPool2D(), Conv2D(8, 3), ReLU(), MaxPool2D()]
    assert not codes(dense_after(layers))


def dense_after(layers):
    from ardoise.engine.layers import Flatten

    return Network([*layers, Flatten(), Dense(5)], (12, 12, 1), seed=0)


def test_it_leaves_the_network_alone():
    network = dense(Dense(16), BatchNorm(), ReLU(), Dropout(0.3))
    network.predict(X[:3])
    before = [v.copy() for v in (network.theta, network.grad, network.state)]
    generator = repr(network._rng.bit_generator.state)
    examine_network(network, X, Y)
    for vector, kept in zip(
        (network.theta, network.grad, network.state), before, strict=True
    ):
        np.testing.assert_array_equal(vector, kept)
    assert repr(network._rng.bit_generator.state) == generator


def test_dead_units_are_counted():
    network = dense(Dense(10), ReLU(), Dense(8), ReLU())
    network.parameters()["1.b"][:7] = -1000
    finding = codes(network)["dead_units"]
    assert finding.values == {
        "layer": "2 (ReLU)",
        "count": 7,
        "units": 10,
        "share": 0.7,
    }
    assert "70.0% of the units of layer 2 (ReLU) are dead: 7 of 10" in str(finding)
    network.parameters()["3.b"][...] = -1000
    assert codes(network)["dead_units"].values["layer"] == "4 (ReLU)"


def test_dead_channels_and_units_within_blocks():
    network = dense_after([Conv2D(4, 3), ReLU(), MaxPool2D()])
    network.parameters()["0.b"][:3] = -1000
    assert codes(network)["dead_units"].values["count"] == 3
    block = Residual([Dense(6), ReLU(), Dense(12)])
    network = dense(Dense(12), block)
    network.parameters()["2.layers.0.b"][...] = -1000
    assert codes(network)["dead_units"].values["layer"] == "2.1 (ReLU)"


@pytest.mark.parametrize("kind", [Tanh, Sigmoid])
def test_saturated_units(kind):
    wide = {"name": "uniform", "low": -30.0, "high": 30.0}
    network = dense(Dense(16, kernel_initializer=wide), kind())
    finding = codes(network)["saturated_units"]
    assert finding.values["layer"] == f"2 ({kind.__name__})"
    assert finding.values["share"] > 0.9


def test_vanishing_gradients():
    finding = codes(dense(*deep(Sigmoid, 10)))["vanishing_gradients"]
    assert finding.values["ratio"] < 1e-3
    assert (finding.values["first"], finding.values["last"]) == ("1.W", "21.W")


def test_exploding_gradients():
    finding = codes(dense(*deep(ReLU, 4, kernel_initializer=WIDE)))[
        "exploding_gradients"
    ]
    assert finding.values["ratio"] > 10 and finding.values["name"] == "9.W"


def test_units_that_stay_the_same():
    network = dense(Dense(8, kernel_initializer="zeros"), Tanh())
    assert not codes(network)  # the weights after them differ, and part them
    network = dense(
        Dense(8, kernel_initializer="zeros"), Tanh(), kernel_initializer="zeros"
    )
    assert codes(network)["equal_units"].values == {"name": "1.W", "units": 8}


def test_weights_that_are_much_too_large():
    network = dense(Dense(8), ReLU())
    network.parameters()["1.W"][...] *= 1000
    finding = codes(network)["large_weights"]
    assert finding.values["name"] == "1.W" and finding.values["size"] > 10


def test_gradients_that_say_nothing():
    def push(gradient, weights=1.0):
        return Push("0.W", gradient, weights, 10, 10, False)

    assert not of_gradients([]) and not of_weights([])
    assert not of_gradients([push(0.0), push(0.0)])
    assert not of_gradients([push(np.inf), push(1.0)])
    assert not of_gradients([push(1.0, 0.0), push(1.0)])


def test_a_network_without_weights():
    assert not examine_network(
        Network([ReLU()], 3, seed=0), np.ones((4, 3)), np.zeros(4, int)
    )


def test_values_instead_of_classes():
    x = np.random.default_rng(0).standard_normal((50, 3))
    network = Network([Dense(8), Tanh(), Dense(1)], 3, seed=0)
    assert not examine_network(network, x, x[:, :1], loss="squared_error")
    # Targets that are not scaled: their gradient explodes.
    found = examine_network(network, x, 1000 * x[:, :1], loss="squared_error")
    assert [f.code for f in found] == ["exploding_gradients"]


def test_the_same_in_many_parts():
    network = dense(Dense(10), Tanh(), Dense(8), ReLU())
    loss = losses.get("softmax_cross_entropy")
    rows = np.arange(64)
    whole = Probe(network, X)
    parted = Probe(network, X)
    parted._twin.micro_batch = lambda: 7
    assert parted.activity() == whole.activity()
    for one, other in zip(
        parted.pushes(loss, Y, rows), whole.pushes(loss, Y, rows), strict=True
    ):
        assert one.gradient == pytest.approx(other.gradient, rel=1e-4)
    assert parted.loss(loss, Y) == pytest.approx(whole.loss(loss, Y), rel=1e-5)
    z = network.predict_logits(X)
    assert whole.loss(loss, Y) == pytest.approx(loss(z, Y, scale=1 / 300)[0], rel=1e-5)


def test_gradients_are_those_of_the_network():
    network = dense(Dense(10), Tanh())
    loss = losses.get("softmax_cross_entropy")
    pushes = Probe(network, X).pushes(loss, Y, np.arange(64))
    z = network.forward((X[:64] / np.float32(255)).astype(np.float32), training=True)
    network.backward(loss(z, Y[:64], scale=1 / 64)[1])
    for push in pushes:
        expected = np.sqrt(np.mean(network.gradients()[push.name] ** 2))
        assert push.gradient == pytest.approx(expected, rel=1e-4)
        assert push.inputs * push.units == network.parameters()[push.name].size


# -- answers --------------------------------------------------------------------------


def test_answers_that_are_surer_than_right():
    sure = np.full((1000, 2), [0.97, 0.03])
    labels = (np.arange(1000) % 5 == 0).astype(int)
    (finding,) = examine_answers(sure, labels)
    assert finding.code == "too_sure" and finding.severity == "note"
    assert finding.values == {"confidence": pytest.approx(0.97), "accuracy": 0.8}
    assert "97.0% on average, and 80.0% of them" in str(finding)
    assert not examine_answers(np.full((1000, 2), [0.8, 0.2]), labels)
    assert not examine_answers(sure[:10], labels[:10])  # ten say little
