"""The plan of a network, and where its arrays lie."""

import numpy as np
import pytest
from export_models import images_for, model_of, random_model

from ardoise import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    ReLU,
    Residual,
)
from ardoise.engine.losses import sigmoid, softmax
from ardoise.export import ExportError
from ardoise.export.memory import arrange
from ardoise.export.plan import make_plan
from ardoise.export.with_numpy import run
from ardoise.messages import LANGUAGES

SEEDS = range(200)


def kinds(model):
    return [step.kind for step in make_plan(model).steps]


def test_batch_normalisation_and_dropout_are_gone():
    model = model_of([Dense(4), BatchNorm(), ReLU(), Dropout(0.5), Dense(2)], (3,))
    assert kinds(model) == ["dense", "relu", "dense"]


def test_batch_normalisation_without_weights_before_it_stays():
    assert kinds(model_of([BatchNorm(), Dense(2)], (3,))) == ["affine", "dense"]


def test_a_network_of_nothing_but_dropout():
    plan = make_plan(model_of([Dropout(0.5)], (3,)))
    assert plan.steps == () and plan.result == 0


def test_the_steps_do_what_the_network_does():
    seen = set()
    for seed in SEEDS:
        model = random_model(seed)
        plan, x = make_plan(model), images_for(model, 3, seed, floats=True)
        z = run(plan, x)[plan.result]
        np.testing.assert_allclose(
            z, model.network.predict_logits(x), rtol=1e-4, atol=1e-5
        )
        p = softmax(z) if plan.output == "softmax" else sigmoid(z)
        assert p.shape == (3, len(model.classes))
        seen |= {step.kind for step in plan.steps} | {plan.output}
    assert seen == {
        *("dense", "conv", "max_pool", "average_pool", "global_average", "flatten"),
        *("relu", "leaky_relu", "elu", "gelu", "tanh", "sigmoid", "softplus"),
        *("affine", "layer_norm", "add", "softmax"),
    }


# -- memory ---------------------------------------------------------------------------


def run_in_memory(plan, memory, x):
    """Run a plan on one image, every array in its place; return the result."""
    numbers = np.full(memory.size, np.nan, np.float32)

    def at(value):
        if value not in memory.places:
            return x[0].reshape(plan.shapes[value])[None]
        start = memory.places[value]
        part = numbers[start : start + plan.size(value)]
        return part.reshape(1, *plan.shapes[value])

    from ardoise.export import with_numpy

    for step in plan.steps:
        if step.kind == "flatten":
            continue
        function = getattr(with_numpy, step.kind)
        sources = [at(source).copy() for source in step.sources]
        at(step.target)[...] = function(
            *sources, *step.weights.values(), **step.settings
        )
    return at(plan.result)


def test_no_array_is_written_over_while_it_is_needed():
    for seed in SEEDS:
        model = random_model(seed)
        plan, x = make_plan(model), images_for(model, 1, seed, floats=True)
        memory = arrange(plan, plan.size)
        z = run_in_memory(plan, memory, x)
        np.testing.assert_array_equal(z, run(plan, x)[plan.result])


def test_memory_of_a_convolutional_network_is_what_two_neighbours_take():
    layers = [
        *(Conv2D(32, 3, padding="same"), ReLU(), MaxPool2D()),
        *(Conv2D(64, 3, padding="same"), ReLU(), MaxPool2D()),
        *(Flatten(), Dense(128), ReLU(), Dense(10)),
    ]
    plan = make_plan(model_of(layers, (28, 28, 1)))
    assert arrange(plan, plan.size).size == 28 * 28 * 32 + 14 * 14 * 32


def test_a_sum_of_an_array_with_itself_has_a_place_of_its_own():
    plan = make_plan(model_of([Dense(4), Residual([Dropout(0.1)]), Dense(2)], (3,)))
    add = plan.steps[1]
    assert add.kind == "add" and add.source == add.other
    places = arrange(plan, plan.size).places
    assert abs(places[add.source] - places[add.target]) >= 4


# -- refusals -------------------------------------------------------------------------


def refused(model, key):
    with pytest.raises(ExportError) as caught:
        make_plan(model)
    assert caught.value.key == key
    assert all(caught.value.sentence(lang) for lang in LANGUAGES)


def test_only_classifiers_have_probabilities():
    refused(model_of([Dense(2)], (3,), loss="squared_error"), "export.loss")


class Twice(ReLU):
    """A layer that exports do not know."""


def test_layers_that_are_not_ours():
    refused(model_of([Twice(), Dense(2)], (3,)), "export.layer")
    inside = Residual([Dense(3), Twice()])
    refused(model_of([inside, Dense(2)], (3,)), "export.layer")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite(value):
    model = model_of([Dense(2), BatchNorm(), Dense(2)], (3,))
    model.network.theta[1] = value
    refused(model, "export.not_finite")
    model = model_of([BatchNorm(), Dense(2)], (3,))
    model.network.state[1] = value
    refused(model, "export.not_finite")


def test_weights_that_are_too_large_for_float32():
    model = model_of([Dense(2)], (3,))
    wide = model.network.astype("float64")
    wide.theta[0] = 1e300
    refused(type(model)(wide, model.classes, model.loss), "export.not_finite")
