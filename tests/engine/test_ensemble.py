"""Several networks as one."""

import numpy as np
import pytest

import ardoise
from ardoise.engine.ensemble import average, members
from ardoise.engine.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    Residual,
)
from ardoise.engine.network import Network


def small(seed, units=5, **options):
    """Return a network with everything that members usually have, in use."""
    layers = [
        Conv2D(4, 3, use_bias=False),
        MaxPool2D(),
        BatchNorm(),
        ReLU(),
        Residual([Conv2D(4, 3, padding="same"), ReLU()]),
        Flatten(),
        Dropout(0.2),
        Dense(units, **options),
    ]
    network = Network(layers, (8, 8, 1), seed=seed)
    network.state[...] = np.random.default_rng(seed).uniform(0.5, 2, network.state.size)
    return network


@pytest.fixture
def x():
    return np.random.default_rng(0).random((6, 8, 8, 1), np.float32)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_the_mean_of_networks_gives_the_mean_of_their_outputs(n, x):
    networks = [small(seed) for seed in range(n)]
    mean = average(networks)
    expected = np.mean([network.predict_logits(x) for network in networks], axis=0)
    assert np.allclose(mean.predict_logits(x), expected, atol=1e-6)
    assert mean.n_params == sum(network.n_params for network in networks)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_its_members_are_the_networks_that_it_was_made_of(n, x):
    networks = [small(seed) for seed in range(n)]
    found = members(average(networks))
    assert len(found) == n
    for network, member in zip(networks, found, strict=True):
        assert member.config() == network.config()
        assert np.allclose(member.predict_logits(x), network.predict_logits(x), 1e-6)


def test_members_may_be_of_other_layers_and_are_not_changed(x):
    dense = Network([Flatten(), Dense(5, use_bias=False)], (8, 8, 1), seed=1)
    networks = [dense, small(2), Network([Flatten(), Dense(5)], (8, 8, 1), seed=3)]
    before = [network.theta.copy() for network in networks]
    mean = average(networks)
    expected = np.mean([network.predict_logits(x) for network in networks], axis=0)
    assert np.allclose(mean.predict_logits(x), expected, atol=1e-6)
    mean.theta[...] = 0
    for network, theta in zip(networks, before, strict=True):
        assert (network.theta == theta).all()


def test_a_predictor_folds_the_members_of_a_mean(x):
    networks = [small(seed) for seed in range(3)]
    mean = average(networks)
    found = ardoise.Predictor(mean).predict_proba(x)
    assert np.allclose(found, mean.predict_proba(x), atol=1e-5)


def test_networks_that_do_not_agree_have_no_mean():
    with pytest.raises(ardoise.ShapeError, match="must agree in input, output"):
        average([small(0), small(1, units=4)])
    with pytest.raises(ValueError, match="at least one network"):
        average([])
    with pytest.raises(ValueError, match=r"ends in ReLU"):
        average([Network([Flatten(), Dense(5), ReLU()], (8, 8, 1))] * 2)


def test_average_is_a_name_of_the_package():
    assert ardoise.average is average
