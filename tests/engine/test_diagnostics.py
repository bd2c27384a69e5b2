"""The gradient check: it passes what is right, finds what is wrong, changes nothing."""

import numpy as np
import pytest
from check_layer import same

from ardoise.engine.diagnostics import check_gradients
from ardoise.engine.layers import (
    GELU,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    Tanh,
)
from ardoise.engine.losses import LOSSES, SoftmaxCrossEntropy
from ardoise.engine.network import Network

RNG = np.random.default_rng(0)
X = RNG.random((5, 2, 3)).astype("f4")
CLASSES = RNG.integers(0, 3, 5)


def network(*, dtype="float32"):
    layers = [
        Flatten(),
        Dense(4),
        BatchNorm(),
        GELU(),
        Dropout(0.3),
        LayerNorm(),
        Dense(3),
    ]
    return Network(layers, (2, 3), dtype=dtype, seed=0)


class TooSteep(Tanh):
    def multiply_by_slope(self, dy, kept, *scratch):
        super().multiply_by_slope(dy, kept, *scratch)
        dy *= 1.01


class ForgetsOne(Dense):
    def backward(self, dy, *, need_dx=True):
        kept = self.dW[1, 2].copy()
        dx = super().backward(dy, need_dx=need_dx)
        self.dW[1, 2] = kept
        return dx


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_correct_network_passes_with_every_loss(name, weighted):
    y = CLASSES if name == "softmax_cross_entropy" else RNG.random((5, 3))
    weights = np.arange(1.0, 6) if weighted else None
    check = check_gradients(network(), X, y, loss=name, sample_weight=weights)
    assert check.error < 1e-7
    assert check.checked == network().n_params


def test_a_wrong_slope_is_found_and_named():
    broken = Network([Dense(4), TooSteep(), Dense(3)], 6, seed=0)
    check = check_gradients(broken, X.reshape(5, 6), CLASSES)
    assert check.error > 1e-4
    assert check.worst.startswith("0.")
    assert check.computed == pytest.approx(1.01 * check.measured, rel=1e-4)
    assert f"at {check.worst}: back-propagation says" in str(check)


def test_the_error_is_relative_where_derivatives_are_large():
    broken = Network([Dense(4), TooSteep(), Dense(3)], 6, seed=0)
    y = np.full((5, 3), 1e3)
    check = check_gradients(broken, X.reshape(5, 6), y, loss="squared_error")
    size = abs(check.computed) + abs(check.measured)
    assert size > 10
    assert check.error == abs(check.computed - check.measured) / size
    assert check.error == pytest.approx(0.01 / 2.01, rel=1e-3)


def test_the_derivatives_are_those_of_the_mean_loss():
    net = Network([Dense(3)], 6, dtype="float64", seed=0)
    for weights in (None, np.arange(1.0, 6)):
        check = check_gradients(
            net, X.reshape(5, 6), CLASSES, sample_weight=weights, max_params=1
        )
        scale = 1 / 5 if weights is None else 1 / 15
        z = net.forward(X.reshape(5, 6).astype("f8"), training=True)
        _, dz = SoftmaxCrossEntropy()(z, CLASSES, scale=scale, weights=weights)
        net.backward(dz)
        name, place = check.worst.rstrip("]").split("[")
        index = tuple(int(i) for i in place.split(","))
        assert check.computed == pytest.approx(net.gradients()[name][index])


def test_a_forgotten_gradient_is_found_and_named():
    broken = Network([ForgetsOne(3)], 6, seed=0)
    check = check_gradients(broken, X.reshape(5, 6), CLASSES)
    assert np.isnan(check.error)
    assert check.worst == "0.W[1, 2]"


def test_the_network_is_left_as_it_was():
    net, untouched = network(), network()
    net.grad[...] = untouched.grad[...] = 7
    check_gradients(net, X, CLASSES, max_params=3)
    for vector in ("theta", "grad", "state"):
        same(getattr(net, vector), getattr(untouched, vector))
    # Dropout too goes on as if nothing had been.
    same(net.forward(X, training=True), untouched.forward(X, training=True))


def test_the_seed_chooses_the_parameters():
    found = [
        check_gradients(network(), X, CLASSES, max_params=10, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert found[0].checked == 10


def test_bytes_and_both_dtypes_can_be_checked():
    grey = RNG.integers(0, 256, (5, 2, 3), dtype=np.uint8)
    for dtype in ("float32", "float64"):
        assert check_gradients(network(dtype=dtype), grey, CLASSES).error < 1e-7


def test_what_cannot_be_checked_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="class indices from 0 to 2"):
        check_gradients(network(), X, CLASSES + 1)
    with pytest.raises(ValueError, match=r"no derivative to check: .* got 0 and 1000"):
        check_gradients(Network([Tanh()], 6), X.reshape(5, 6), CLASSES)
    with pytest.raises(ValueError, match=r"no derivative to check: .* and 0"):
        check_gradients(network(), X, CLASSES, max_params=0)
