"""Temperatures, and outputs that are scaled."""

import numpy as np
import pytest

from ardoise.engine import losses
from ardoise.engine.calibration import fit_temperature, scale_outputs
from ardoise.engine.layers import Dense, Flatten, ReLU, Residual
from ardoise.engine.network import Network


def small(seed):
    branch = Residual([Dense(6), ReLU(), Dense(5)], [Dense(5, use_bias=False)])
    return Network([Flatten(), branch], (8, 8, 1), seed=seed)


@pytest.fixture
def x():
    return np.random.default_rng(0).random((6, 8, 8, 1), np.float32)


def test_scaled_outputs_are_in_proportion_and_answers_stay(x):
    network = small(0)
    before = network.predict_logits(x)
    scale_outputs(network, 2.5)
    assert np.allclose(network.predict_logits(x), 2.5 * before, 1e-5)


@pytest.mark.parametrize("factor", [0.0, -1.0, np.inf, np.nan])
def test_a_factor_that_changes_answers_is_refused(factor):
    network = small(0)
    before = network.theta.copy()
    with pytest.raises(ValueError, match="expected a factor above 0"):
        scale_outputs(network, factor)
    assert (network.theta == before).all()


def test_an_identity_shortcut_cannot_be_scaled():
    network = Network([Flatten(), Residual([Dense(64)])], (8, 8, 1))
    with pytest.raises(ValueError, match="ends in 'its input'"):
        scale_outputs(network, 2.0)


def test_a_temperature_becomes_part_of_the_network(x):
    network, labels = small(0), np.array([0, 1, 2, 3, 4, 0])
    loss = losses.get("softmax_cross_entropy")
    z = network.predict_logits(x)
    temperature = fit_temperature(loss, z, labels, None)
    scale_outputs(network, 1 / temperature)
    again = fit_temperature(loss, network.predict_logits(x), labels, None)
    assert again == pytest.approx(1, rel=1e-3)
