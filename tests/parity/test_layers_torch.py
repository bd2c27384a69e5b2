"""Every layer gives PyTorch's numbers, forward and backward."""

import numpy as np
import pytest
from with_torch import FORWARD, GRADIENT, agree, tensor, torch

from ardoise.engine.arrays import from_layers
from ardoise.engine.layers import LAYERS, layer_from_config
from ardoise.engine.network import Network

F = torch.nn.functional


def batch_norm(layer, x, p, training):
    # PyTorch wants the features on axis 1; its statistics are changed in place.
    y = F.batch_norm(
        x.movedim(-1, 1),
        p["running_mean"],
        p["running_variance"],
        p["gamma"],
        p["beta"],
        training,
        layer.momentum,
        layer.epsilon,
    )
    return y.movedim(1, -1)


def dropout(layer, x, p, training):
    # Each library draws its own mask; given ours, the rest must be the same.
    if not training:
        return F.dropout(x, layer.rate, training=False)
    return x * tensor(from_layers(layer._mask)) / (1 - layer.rate)


def spatial_dropout(layer, x, p, training):
    if not training:
        return F.dropout(x, layer.rate, training=False)
    return x * tensor(layer._mask)[:, None, None] / (1 - layer.rate)


def on_channels_first(function):
    """Return a function of images (n, h, w, c) from one of images (n, c, h, w)."""

    def call(layer, x, p, training):
        y = function(layer, x.movedim(-1, 1), p)
        return y.movedim(1, -1) if y.ndim == 4 else y

    return call


@on_channels_first
def convolution(layer, x, p):
    return F.conv2d(
        x,
        p["W"].permute(3, 2, 0, 1).contiguous(),
        p.get("b"),
        layer.stride,
        layer.padding if layer.padding != "valid" else 0,
        layer.dilation,
        layer.groups,
    )


@on_channels_first
def max_pool(layer, x, p):
    padding = layer.padding if layer.padding != "valid" else 0
    return F.max_pool2d(x, layer.pool_size, layer.stride, padding)


@on_channels_first
def average_pool(layer, x, p):
    padding = layer.padding if layer.padding != "valid" else 0
    return F.avg_pool2d(
        x, layer.pool_size, layer.stride, padding, count_include_pad=False
    )


def residual(layer, x, p, training):
    branches = []
    for name, row in (("layers", layer.layers), ("shortcut", layer.shortcut)):
        y = x
        for i, inner in enumerate(row):
            prefix = f"{name}.{i}."
            own = {k[len(prefix) :]: v for k, v in p.items() if k.startswith(prefix)}
            y = THEIRS[type(inner).__name__](inner, y, own, training)
        branches.append(y)
    return branches[0] + branches[1]


# name: (layer, x, parameters and statistics by name, training) → y
THEIRS = {
    "Dense": lambda layer, x, p, _: F.linear(x, p["W"].T, p.get("b")),
    "ReLU": lambda layer, x, p, _: F.relu(x),
    "LeakyReLU": lambda layer, x, p, _: F.leaky_relu(x, layer.negative_slope),
    "ELU": lambda layer, x, p, _: F.elu(x, layer.alpha),
    "GELU": lambda layer, x, p, _: F.gelu(x, approximate="tanh"),
    "Tanh": lambda layer, x, p, _: torch.tanh(x),
    "Sigmoid": lambda layer, x, p, _: torch.sigmoid(x),
    # Above its threshold PyTorch takes x itself: from 20 on, which is 2e-9 off, if it
    # is not told.
    "Softplus": lambda layer, x, p, _: F.softplus(x, threshold=100),
    "Dropout": dropout,
    "BatchNorm": batch_norm,
    "LayerNorm": lambda layer, x, p, _: F.layer_norm(
        x, x.shape[-1:], p["gamma"], p["beta"], layer.epsilon
    ),
    "Flatten": lambda layer, x, p, _: x.flatten(1),
    "Conv2D": convolution,
    "MaxPool2D": max_pool,
    "AveragePool2D": average_pool,
    "GlobalAveragePool2D": lambda layer, x, p, _: x.mean((1, 2)),
    "SpatialDropout2D": spatial_dropout,
    "Residual": residual,
}

ELEMENTWISE = ["ReLU", "LeakyReLU", "ELU", "GELU", "Tanh", "Sigmoid", "Softplus"]

RESIDUAL = {
    "type": "Residual",
    "layers": [
        {"type": "Conv2D", "filters": 5, "kernel_size": 3, "padding": "same"},
        {"type": "BatchNorm"},
        {"type": "ReLU"},
        {"type": "Conv2D", "filters": 4, "kernel_size": 3, "stride": 2, "padding": 1},
    ],
    "shortcut": [{"type": "Conv2D", "filters": 4, "kernel_size": 1, "stride": 2}],
}
CASES = [
    ({"type": "Dense", "units": 10}, (30,)),
    ({"type": "Dense", "units": 10, "use_bias": False}, (30,)),
    *(({"type": name}, shape) for name in ELEMENTWISE for shape in ((30,), (4, 5, 6))),
    ({"type": "LeakyReLU", "negative_slope": 0.3}, (30,)),
    ({"type": "ELU", "alpha": 0.5}, (30,)),
    ({"type": "Dropout", "rate": 0.4}, (30,)),
    ({"type": "BatchNorm"}, (30,)),
    ({"type": "BatchNorm", "momentum": 0.3, "epsilon": 1e-3}, (4, 5, 6)),
    ({"type": "LayerNorm"}, (30,)),
    ({"type": "LayerNorm", "epsilon": 1e-3}, (4, 5, 6)),
    ({"type": "Flatten"}, (4, 5, 6)),
    ({"type": "Conv2D", "filters": 7, "kernel_size": 3}, (6, 5, 4)),
    ({"type": "Conv2D", "filters": 7, "kernel_size": 3}, (6, 5, 1)),
    ({"type": "Conv2D", "filters": 7, "kernel_size": 3, "padding": "same"}, (4, 5, 6)),
    ({"type": "MaxPool2D"}, (4, 5, 6)),
    ({"type": "MaxPool2D", "pool_size": 3, "stride": 2, "padding": 1}, (4, 5, 6)),
    ({"type": "AveragePool2D"}, (4, 5, 6)),
    ({"type": "AveragePool2D", "pool_size": 3, "stride": 2, "padding": 1}, (4, 5, 6)),
    ({"type": "GlobalAveragePool2D"}, (4, 5, 6)),
    ({"type": "SpatialDropout2D", "rate": 0.4}, (4, 5, 6)),
    ({"type": "Dropout", "rate": 0.4}, (4, 5, 6)),
    (RESIDUAL, (4, 5, 6)),
]


def alone(config, shape, dtype="float64"):
    """Return a network of one layer, with random parameters and statistics."""
    network = Network([layer_from_config(config)], shape, dtype=dtype, seed=0)
    rng = np.random.default_rng(1)
    network.theta[...] = rng.standard_normal(network.n_params)
    network.state[...] = rng.uniform(0.5, 1.5, network.state.size)
    return network


def same_in_torch(network):
    """Return name → tensor, for the parameters and statistics of the one layer."""
    found = {
        key.partition(".")[2]: tensor(view, grad=True)
        for key, view in network.parameters().items()
    }
    for key, view in network.state_layout.views(network.state).items():
        found[key.partition(".")[2]] = tensor(view)
    return found


def test_no_layer_is_forgotten():
    assert set(THEIRS) == set(LAYERS) == {config["type"] for config, _ in CASES}


@pytest.mark.parametrize(("config", "shape"), CASES, ids=str)
def test_forward_and_all_gradients(config, shape):
    network = alone(config, shape)
    theirs = same_in_torch(network)
    rng = np.random.default_rng(2)
    for n in (16, 7):
        x = 2 * rng.standard_normal((n, *shape))
        x_theirs = tensor(x, grad=True)
        y = network.forward(x, training=True)
        y_theirs = THEIRS[config["type"]](network.layers[0], x_theirs, theirs, True)
        agree(y, y_theirs, FORWARD)
        dy = rng.standard_normal(y.shape)
        y_theirs.backward(tensor(dy))
        agree(network.backward(dy, need_dx=True), x_theirs.grad, GRADIENT)
        for key, gradient in network.gradients().items():
            parameter = theirs[key.partition(".")[2]]
            agree(gradient, parameter.grad, GRADIENT)
            parameter.grad = None


@pytest.mark.parametrize(("config", "shape"), CASES, ids=str)
def test_forward_outside_training(config, shape):
    network = alone(config, shape)
    x = np.random.default_rng(2).standard_normal((9, *shape))
    theirs = THEIRS[config["type"]](
        network.layers[0], tensor(x), same_in_torch(network), False
    )
    agree(network.forward(x), theirs, FORWARD)


@pytest.mark.parametrize("shape", [(5,), (3, 4, 5)])
def test_batch_norm_keeps_the_same_running_statistics(shape):
    network = alone({"type": "BatchNorm"}, shape)
    theirs = same_in_torch(network)
    rng = np.random.default_rng(3)
    for _ in range(20):
        x = 3 + 2 * rng.standard_normal((8, *shape))
        network.forward(x, training=True)
        batch_norm(network.layers[0], tensor(x), theirs, True)
    layer = network.layers[0]
    agree(layer.running_mean, theirs["running_mean"], FORWARD)
    agree(layer.running_variance, theirs["running_variance"], FORWARD)
    outside = batch_norm(layer, tensor(x), theirs, False)
    agree(network.forward(x), outside, FORWARD)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations_agree_far_from_zero_and_at_their_kinks(name):
    x = np.concatenate([np.linspace(-50, 50, 401), [-1e4, 1e4, -1e-12, 1e-12, -0.0]])
    network = alone({"type": name}, (len(x),))
    x_theirs = tensor(x[None], grad=True)
    y_theirs = THEIRS[name](network.layers[0], x_theirs, {}, True)
    agree(network.forward(x[None], training=True), y_theirs, FORWARD)
    y_theirs.backward(torch.ones_like(y_theirs))
    dx = network.backward(np.ones((1, len(x))), need_dx=True)
    agree(dx, x_theirs.grad, GRADIENT)


def test_a_whole_network():
    configs = [
        {"type": "Flatten"},
        {"type": "Dense", "units": 24},
        {"type": "BatchNorm"},
        {"type": "ReLU"},
        {"type": "Dropout", "rate": 0.3},
        {"type": "Dense", "units": 16, "use_bias": False},
        {"type": "LayerNorm"},
        {"type": "GELU"},
        {"type": "Dense", "units": 10},
    ]
    layers = [layer_from_config(config) for config in configs]
    network = Network(layers, (6, 6, 1), dtype="float64", seed=0)
    parameters = {k: tensor(v, grad=True) for k, v in network.parameters().items()}
    running = network.state_layout.views(network.state)
    parameters |= {k: tensor(v) for k, v in running.items()}
    rng = np.random.default_rng(4)
    x = rng.random((20, 6, 6, 1))
    z = network.forward(x, training=True)
    z_theirs = x_theirs = tensor(x, grad=True)
    for i, layer in enumerate(network.layers):
        own = {k[2:]: v for k, v in parameters.items() if k.startswith(f"{i}.")}
        z_theirs = THEIRS[type(layer).__name__](layer, z_theirs, own, True)
    agree(z, z_theirs, FORWARD)
    dz = rng.standard_normal(z.shape)
    z_theirs.backward(tensor(dz))
    agree(network.backward(dz, need_dx=True), x_theirs.grad, GRADIENT)
    for key, gradient in network.gradients().items():
        agree(gradient, parameters[key].grad, GRADIENT)
