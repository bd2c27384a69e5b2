"""What the tests of the page's server share: an application, a page on it, a model."""

import pytest
from served import browser, guarded, opened

import ardoise
from ardoise.engine import losses
from ardoise.files import Model, save_model
from ardoise.pictures import Settings


@pytest.fixture
def client():
    with browser(guarded()) as client:
        yield client


@pytest.fixture
def page(client):
    with opened(client) as page:
        yield page


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A network that has learned nothing, in a file."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    layers = [ardoise.Flatten(), ardoise.Dense(8), ardoise.ReLU(), ardoise.Dense(10)]
    network = ardoise.Network(layers, (28, 28, 1), seed=0)
    details = {"data": "mnist", "split": "official", "recipe": "mlp", "seed": 0}
    details |= {"validation": 0.1, "prepare": Settings().config()}
    loss = losses.get("softmax_cross_entropy")
    save_model(path, Model(network, tuple("0123456789"), loss, details))
    return path
