"""Networks and sessions that the tests of the page's inner views look at."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ardoise import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    Network,
    ReLU,
    Residual,
    fit,
)
from ardoise.digits import load_mnist
from ardoise.digits.finishing import doubt_of
from ardoise.engine import losses
from ardoise.files import Model
from ardoise.pictures import Settings
from ardoise.slate.session import Session

IMAGE = (28, 28, 1)
CLASSES = tuple("0123456789")


@cache
def mnist():
    return load_mnist()


def model_of(network, doubt=None, **details):
    """Return a model of digits, whose validation images are the last tenth."""
    known = {"data": "mnist", "split": "official", "seed": 0, "recipe": "cnn"}
    prepare = Settings().config()
    details = {**known, "validation": 0.1, "prepare": prepare, **details}
    loss = losses.get("softmax_cross_entropy")
    return Model(network, CLASSES, loss, details, doubt)


def session_of(network, doubt=None, **details):
    return Session(model_of(network, doubt, **details), file=Path("model.safetensors"))


def shaken(layers, shape=IMAGE, dtype="float32", seed=0):
    """Return a network with no number left as it begins: biases, statistics…"""
    network = Network(layers, shape, dtype=dtype, seed=seed)
    rng = np.random.default_rng(seed)
    network.theta[...] += 0.1 * rng.standard_normal(network.theta.shape)
    network.state[...] += 0.3 * rng.random(network.state.shape)
    return network


def deep():
    """Return a network of every kind of layer that needs care outside training."""
    return shaken(
        [
            Conv2D(4, 5),
            MaxPool2D(),
            BatchNorm(),
            ReLU(),
            Residual([Conv2D(4, 3, padding="same"), BatchNorm(), ReLU()]),
            Dropout(0.5),
            Flatten(),
            Dense(16),
            ReLU(),
            Dense(10),
        ]
    )


def dense():
    return shaken([Flatten(), Dense(20), ReLU(), Dense(10)])


@cache
def trained():
    """Return a model that reads digits well enough, and knows what it does not know."""
    data = mnist()
    network = Network(
        [
            Conv2D(8, 5),
            MaxPool2D(),
            ReLU(),
            Conv2D(16, 3),
            MaxPool2D(),
            ReLU(),
            Flatten(),
            Dense(64),
            ReLU(),
            Dense(10),
        ],
        IMAGE,
        seed=0,
    )
    learned = data.subset(np.arange(4000))
    fit(
        network,
        learned.images,
        learned.labels,
        epochs=3,
        batch_size=50,
        optimizer="adam",
        learning_rate=2e-3,
        threads=1,
        seed=0,
    )
    known = data.subset(np.arange(50_000, 51_000))
    found = doubt_of(network, learned, known, network.predict_logits(known.images))
    return model_of(network, found.doubt)


def trained_session():
    return Session(trained(), file=Path("model.safetensors"))


def digit(row=0):
    """Return an image that `trained` did not learn from, and its label."""
    data = mnist()
    return data.images[60_000 + row, ..., 0], int(data.labels[60_000 + row])


def strange_things():
    """Yield what is no digit: a frame, a cross, two bars, a grid."""
    frame = np.zeros((28, 28), np.uint8)
    frame[5:23, 5:23] = 255
    frame[8:20, 8:20] = 0
    yield frame
    line = np.abs(np.arange(28) - np.arange(28)[:, np.newaxis]) < 2
    yield np.where(line | line[::-1], 255, 0).astype(np.uint8)
    grid = np.zeros((28, 28), np.uint8)
    grid[4:24:6] = 255
    grid[4:23, 4:24:6] = 255
    yield grid


def pad_with(image, side=140):
    """Return an image (28, 28) as somebody might have drawn it, on a larger pad."""
    return np.kron(image, np.ones((side // 28, side // 28), np.uint8))


def computed(node):
    """Return a formula's value from its leaves, and check what its nodes say."""
    kind, of = node["is"], [computed(child) for child in node.get("of", [])]
    if kind in ("value", "number", "rest"):
        assert not of
        return node["value"]
    if kind == "sum":
        result = math.fsum(of)
    elif kind == "product":
        result = math.prod(of)
    elif kind == "max":
        result = max(of)
    elif kind == "difference":
        result = of[0] - of[1]
    elif kind == "quotient":
        result = of[0] / of[1]
    else:
        assert kind == "function"
        (x,) = of
        result = getattr(math, node["name"])(x)
    assert node["value"] == pytest.approx(result, rel=1e-12, abs=1e-300)
    return result
