"""The recipes: data that build, train and are written down."""

import json
from dataclasses import fields

import numpy as np
import pytest

from ardoise import fit
from ardoise.digits.recipes import (
    AUGMENTATIONS,
    DEFAULT_RECIPE,
    RECIPES,
    RecipeError,
    get_recipe,
)
from ardoise.engine import augmentation, losses, optimizers, schedules
from ardoise.messages import LANGUAGES, text

X = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1), dtype=np.uint8)
Y = np.arange(40) % 4

each_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@each_recipe
def test_it_builds_and_learns(recipe):
    network = recipe.build((8, 8, 1), 4, seed=0)
    assert network.output_shape == (4,)
    before = network.theta.copy()
    history = fit(
        network,
        X,
        Y,
        loss=recipe.loss,
        optimizer=recipe.optimizer,
        learning_rate=recipe.learning_rate,
        batch_size=recipe.batch_size,
        weight_average=recipe.weight_average,
        epochs=1,
        seed=0,
        threads=1,
    )
    assert len(history) == 1 and np.isfinite(history["loss"]).all()
    assert not np.array_equal(network.theta, before)
    assert np.isfinite(network.theta).all()


@each_recipe
def test_the_seed_decides(recipe):
    first, again, other = (
        recipe.build((8, 8, 1), 4, seed=seed).theta for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@each_recipe
def test_it_is_data(recipe):
    """No code in it: JSON can say all of it, and the engine knows every name."""
    values = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    assert json.loads(json.dumps(values))["name"] == recipe.name
    losses.get(recipe.loss)
    optimizers.get(recipe.optimizer)
    schedules.get(recipe.learning_rate)
    augmentation.get(recipe.augmentation)
    assert recipe.split in ("official", "notebook") and 0 <= recipe.validation < 1


@each_recipe
def test_it_is_described(recipe):
    assert RECIPES[recipe.name] is recipe
    descriptions = [text(f"recipe.{recipe.name}.about", lang) for lang in LANGUAGES]
    assert len(set(descriptions)) == 2
    assert not any(sentence.endswith(".") for sentence in descriptions)


def test_by_name():
    assert get_recipe(DEFAULT_RECIPE) is RECIPES[DEFAULT_RECIPE]
    with pytest.raises(RecipeError, match="no recipe called rnn; choose one of: mlp, "):
        get_recipe("rnn")


@pytest.mark.parametrize("settings", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
def test_augmentations_are_data(settings):
    change = augmentation.get(json.loads(json.dumps(settings)))
    assert change.config() == settings
    assert not np.array_equal(change(X, np.random.default_rng(0)), X)
