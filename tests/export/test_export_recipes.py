"""The architectures of the recipes, and a mean: trained for a moment, every target."""

import numpy as np
import pytest
from export_models import need

from ardoise import average, fit
from ardoise.digits import load_mnist
from ardoise.digits.recipes import RECIPES
from ardoise.engine import losses
from ardoise.export import export
from ardoise.files import Model

ENDINGS = {
    **{"py": "py", "py-stdlib": "py", "c": "h", "js": "js", "html": "html"},
    "onnx": "onnx",
}
# Python alone needs 10 ms for an image of the one network, and 0.2 s for the other.
IMAGES = {
    **{("cnn", "py-stdlib"): 20, ("mlp", "py-stdlib"): 200, ("cnn", "c"): 1000},
    **{"mlp": 1000, "cnn": 300, "mean": 300, ("mean", "py-stdlib"): 20},
}


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.fixture(scope="module", params=["mlp", "cnn", "mean"])
def model(request, mnist):
    if request.param == "mean":
        networks = [trained(RECIPES[name], mnist, 3_000) for name in ("cnn", "mlp")]
        loss = losses.get("softmax_cross_entropy")
        details = {"recipe": "mean"}
        return Model(average(networks), mnist.classes, loss, details)
    recipe = RECIPES[request.param]
    network = trained(recipe, mnist, {"mlp": 12_000, "cnn": 6_000}[recipe.name])
    details = {"recipe": recipe.name}
    return Model(network, mnist.classes, losses.get(recipe.loss), details)


def trained(recipe, mnist, n):
    network = recipe.build((28, 28, 1), 10, seed=0)
    fit(
        network,
        mnist.images[:n],
        mnist.labels[:n],
        loss=recipe.loss,
        optimizer=recipe.optimizer,
        learning_rate=1e-3,
        epochs=1,
        batch_size=32,
        seed=0,
    )
    return network


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize("to", sorted(ENDINGS))
def test_recipe(tmp_path, model, mnist, to, int8):
    need(to)
    recipe = model.details["recipe"]
    n = IMAGES.get((recipe, to), IMAGES[recipe])
    done = export(
        model,
        tmp_path / f"net.{ENDINGS[to]}",
        to,
        images=mnist.images[60_000 : 60_000 + n],
        labels=mnist.labels[60_000 : 60_000 + n],
        int8=int8,
        calibration=mnist.images[:300],
    )
    assert done.proved and done.accuracy > 0.9
    if int8:
        assert done.lost <= 0.005
    else:
        assert done.worst < 1e-5


def test_int8_accuracy_on_many_test_images(tmp_path, model, mnist):
    need("c")
    test = slice(60_000, 62_000)
    done = export(
        model,
        tmp_path / "net.h",
        "c",
        images=mnist.images[test],
        labels=mnist.labels[test],
        int8=True,
        calibration=mnist.images[:300],
        max_loss=0.002,
    )
    assert abs(done.lost) <= 0.002
    assert np.isclose(done.accuracy + done.lost, accuracy(model, mnist, test))


def accuracy(model, mnist, part):
    said = model.network.predict(mnist.images[part])
    return (said == mnist.labels[part]).mean()
