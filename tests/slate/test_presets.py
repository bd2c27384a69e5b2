"""The trainings that the page offers, and what it may change in them."""

import json
import math

import numpy as np
import pytest

from ardoise.digits.planning import highest_rate
from ardoise.digits.recipes import RECIPES
from ardoise.engine import losses, optimizers, schedules
from ardoise.engine.layers import Dropout
from ardoise.messages import LANGUAGES
from ardoise.slate.packets import pack, unpack
from ardoise.slate.presets import PRESETS, change_of, choices, listed, settings_of
from ardoise.slate.requests import SlateError

SHAPE = (28, 28, 1)


@pytest.mark.parametrize("name", PRESETS)
def test_each_preset_can_be_trained(name):
    found = settings_of({"preset": name})
    recipe = found.recipe
    assert recipe == PRESETS[name].recipe and found.seed == 0
    network = recipe.build(SHAPE, 10, 0)
    drops = [k for k in network.all_layers() if isinstance(k, Dropout)]
    assert [k.rate for k in drops] == [found.shown["dropout"]]
    losses.get(recipe.loss), optimizers.get(recipe.optimizer)
    assert schedules.get(recipe.learning_rate).learning_rate == highest_rate(recipe)
    json.dumps(found.shown)


def test_the_presets_are_what_they_are_called():
    assert list(PRESETS) == ["tiny", "classic", "conv", "broken"]
    shapes = {
        name: [shape for _, shape, n in preset.recipe.build(SHAPE, 10).summary() if n]
        for name, preset in PRESETS.items()
    }
    assert shapes["classic"] == ["16", "10"]
    assert PRESETS["conv"].recipe.layers[:-1] == RECIPES["fastest"].layers
    notebook = RECIPES["notebook"].build(SHAPE, 10, 5)
    classic = PRESETS["classic"].recipe.build(SHAPE, 10, 5)
    np.testing.assert_array_equal(classic.theta, notebook.theta)  # it starts as that
    broken = PRESETS["broken"].recipe.build(SHAPE, 10, 0)
    assert not broken.theta.any() and highest_rate(PRESETS["broken"].recipe) == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_is_told_all_presets(lang):
    header, _ = unpack(pack({"presets": listed(), "choices": choices()}, {}, lang))
    for preset, name in zip(header["presets"], PRESETS, strict=True):
        assert preset["preset"] == name and len(preset["about"]) > 20
        asked = {k: v for k, v in preset.items() if v is not None}
        assert settings_of(asked).recipe == PRESETS[name].recipe
    assert ("Cassé" in header["presets"][3]["about"]) == (lang == "fr")


def test_what_the_page_changes():
    asked = {
        **{"preset": "tiny", "epochs": 2, "batch_size": 64, "learning_rate": 0.25},
        **{"seed": 7, "optimizer": "momentum", "dropout": 0.5, "units": [20, 30]},
        **{"activation": "Tanh", "start": "wide"},
    }
    found = settings_of(asked)
    recipe = found.recipe
    assert found.shown == asked and found.seed == 7
    assert (recipe.epochs, recipe.batch_size) == (2, 64)
    assert recipe.learning_rate == {"name": "one_cycle", "learning_rate": 0.25}
    assert recipe.optimizer == {"name": "sgd", "momentum": 0.9}
    layers = recipe.build(SHAPE, 10, 0).config()["layers"]
    kinds = "Flatten Dense Tanh Dense Tanh Dropout Dense".split()
    assert [layer["type"] for layer in layers] == kinds
    assert [layer["units"] for layer in layers if "units" in layer] == [20, 30, 10]
    assert layers[5]["rate"] == 0.5
    for dense in (layers[1], layers[3], layers[6]):
        assert dense["kernel_initializer"]["name"] == "uniform"
    assert settings_of({"preset": "classic", "learning_rate": 2}).recipe == (
        settings_of({"preset": "classic", "learning_rate": 2.0}).recipe
    )
    conv = settings_of({"preset": "conv", "dropout": 0.25, "optimizer": "sgd"}).recipe
    assert conv.layers[-1] == {"type": "Dropout", "rate": 0.25}
    assert conv.optimizer == {"name": "sgd"}
    assert settings_of({"units": None}).recipe.name == "tiny"  # None is not said


@pytest.mark.parametrize(
    "asked",
    [
        {"preset": "best"},
        {"preset": ["tiny"]},
        {"epochs": 0},
        {"epochs": 101},
        {"epochs": 2.5},
        {"epochs": True},
        {"batch_size": 5000},
        {"learning_rate": 0},
        {"learning_rate": math.inf},
        {"learning_rate": "fast"},
        {"seed": -1},
        {"seed": 2**32},
        {"dropout": 1},
        {"optimizer": "lbfgs"},
        {"activation": "Dense"},
        {"start": "warm"},
        {"units": 16},
        {"units": []},
        {"units": [16] * 5},
        {"units": [0]},
        {"units": [513]},
        {"units": [16.0]},
        {"preset": "conv", "units": [3]},
        {"preset": "conv", "activation": "ReLU"},
        {"preset": "conv", "start": "zero"},
    ],
)
def test_what_is_out_of_range_is_refused_in_one_sentence(asked):
    with pytest.raises(SlateError) as error:
        settings_of(asked)
    for lang in LANGUAGES:
        assert 20 < len(error.value.sentence(lang)) < 250


def test_what_to_change_after_a_finding():
    assert change_of("diverged", {"rate": 5.0}) == {"learning_rate": 0.5}
    high = {"rate": 0.123, "share": 1.0}
    assert change_of("rate_too_high_dead", high) == {"learning_rate": 0.012}
    assert change_of("rate_too_low", {"rate": 1e-4}) == {"learning_rate": 1e-3}
    assert change_of("saturated_units", {"rate": 1.0}) == {"learning_rate": 0.1}
    assert change_of("stuck", {"rate": 1e-7}) == {"learning_rate": 1e-7}  # no lower
    assert change_of("equal_units", {}) == {"start": "usual"}
    assert change_of("constant", {}) is None
    for code in ("equal_units", "vanishing_gradients", "over_fitting"):
        settings_of({"preset": "broken", **change_of(code, {})})
