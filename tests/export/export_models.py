"""Small random networks over all layers, and what a machine may lack to run them."""

import shutil

import numpy as np
import pytest

from ardoise import (
    ELU,
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Network,
    ReLU,
    Residual,
    ShapeError,
    Sigmoid,
    Softplus,
    SpatialDropout2D,
    Tanh,
)
from ardoise.engine import losses
from ardoise.export.chromium import NAMES
from ardoise.files import Model

TOOLS = {
    "py": (),
    "py-stdlib": (),
    "onnx": (),
    "c": ("cc", "gcc", "clang"),
    "js": ("node", "nodejs"),
    "html": NAMES,
}


def need(target):
    """Skip a test where there is nothing to run an export with."""
    tools = TOOLS[target]
    if tools and not any(map(shutil.which, tools)):
        pytest.skip(f"none of {', '.join(tools)} is installed")


ACTIVATIONS = (
    *(ReLU, ELU, GELU, Tanh, Sigmoid, Softplus),
    *(lambda: LeakyReLU(0.1), lambda: ELU(0.5)),
)


def model_of(
    layers, input_shape, *, classes=None, loss="softmax_cross_entropy", seed=0
):
    """Return a model of these layers, none of its numbers as it began."""
    rng = np.random.default_rng(seed)
    network = Network(layers, input_shape, seed=rng)
    network.theta[...] += rng.normal(0, 0.1, network.theta.shape)
    for name, view in network.state_layout.views(network.state).items():
        low = 0.5 if name.endswith("variance") else -0.5
        view[...] = rng.uniform(low, low + 1, view.shape)
    names = classes or tuple(map(str, range(network.output_shape[0])))
    return Model(network, names, losses.get(loss))


def random_model(seed, *, channels=None):
    """Return a model for images of a random shape."""
    rng = np.random.default_rng(seed)
    while True:
        c = channels or int(rng.integers(1, 4))
        shape = (int(rng.integers(5, 10)), int(rng.integers(5, 10)), c)
        loss = rng.choice(["softmax_cross_entropy", "sigmoid_binary_cross_entropy"])
        try:
            layers = [*image_layers(rng, c), *row_layers(rng)]
            return model_of(layers, shape, loss=str(loss), seed=seed)
        except (ShapeError, ValueError):
            continue  # a kernel larger than what is left of the image, say


def pick(rng, *values):
    return values[rng.integers(len(values))]


def image_layers(rng, channels):
    layers = []
    for _ in range(rng.integers(0, 4)):
        kind = rng.integers(7)
        if kind < 3:
            groups = int(pick(rng, 1, 1, channels))
            filters = groups * int(rng.integers(1, 5))
            layers.append(
                Conv2D(
                    filters,
                    (int(rng.integers(1, 4)), int(rng.integers(1, 4))),
                    stride=(int(rng.integers(1, 3)), int(rng.integers(1, 3))),
                    padding=pick(rng, "valid", "same", 0, (1, 0)),
                    dilation=int(rng.integers(1, 3)),
                    groups=groups,
                    use_bias=bool(rng.integers(2)),
                )
            )
            channels = filters
        elif kind < 5:
            pool = pick(rng, MaxPool2D, AveragePool2D)
            padding = pick(rng, "valid", "same", (1, 0))
            layers.append(pool(int(rng.integers(2, 4)), stride=2, padding=padding))
        elif kind == 5:
            same = [Conv2D(channels, 3, padding="same"), BatchNorm(), ReLU()]
            cut = rng.integers(1, 4)
            shortcut = [Conv2D(channels, 1)] if rng.integers(2) else []
            layers.append(Residual(same[:cut], shortcut))
        else:
            layers.append(pick(rng, BatchNorm(), SpatialDropout2D(0.2)))
        if rng.integers(2):
            layers.append(pick(rng, *ACTIVATIONS)())
        if rng.integers(4) == 0:
            layers.append(BatchNorm())
    if channels > 3 and rng.integers(2):
        layers.append(LayerNorm())
    return layers


def row_layers(rng):
    layers = [pick(rng, Flatten, Flatten, GlobalAveragePool2D)()]
    if rng.integers(4) == 0:
        layers.append(BatchNorm())
    for _ in range(rng.integers(0, 3)):
        units = int(rng.integers(4, 20))
        layers += [Dense(units, use_bias=bool(rng.integers(2)))]
        extra = pick(rng, BatchNorm(), LayerNorm(), Dropout(0.3), None)
        layers += [extra] if extra else []
        layers.append(pick(rng, *ACTIVATIONS)())
        if rng.integers(3) == 0:
            layers.append(Residual([Dense(units), pick(rng, *ACTIVATIONS)()]))
    return [*layers, Dense(int(rng.integers(2, 6)))]


def images_for(model, n, seed=0, *, floats=False):
    """Return images as a drawing has them: most numbers are 0."""
    rng = np.random.default_rng(seed)
    shape = (n, *model.network.input_shape)
    images = rng.integers(0, 256, shape) * (rng.random(shape) < 0.6)
    return (images / 255).astype(np.float32) if floats else images.astype(np.uint8)
