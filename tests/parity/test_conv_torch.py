"""Convolutions and poolings give PyTorch's numbers, over random settings."""

import numpy as np
import pytest
from test_layers_torch import THEIRS, alone, same_in_torch
from with_torch import FORWARD, GRADIENT, agree, tensor

KINDS = ("Conv2D", "MaxPool2D", "AveragePool2D")


def settings(seed):
    """Return the description of a layer and an image shape that it can take."""
    rng = np.random.default_rng(seed)

    def pair(low, high):
        return [int(n) for n in rng.integers(low, high + 1, 2)]

    kind = KINDS[0 if seed % 3 else rng.integers(1, 3)]
    kernel, stride, dilation = pair(1, 4), pair(1, 3), pair(1, 2)
    if kind != "Conv2D":
        # PyTorch pads poolings by at most half the window.
        padding = [int(rng.integers(0, k // 2 + 1)) for k in kernel]
        config = {"pool_size": kernel, "stride": stride, "padding": padding}
        reach, channels = kernel, int(rng.integers(1, 6))
    else:
        reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        padding = [int(rng.integers(0, r)) for r in reach]
        groups = int(rng.choice([1, 1, 1, 2, 3]))
        channels = groups * int(rng.choice([1, 2, 4, 6]))
        if seed % 7 == 0:
            groups = channels  # depthwise
        config = {
            "filters": groups * int(rng.integers(1, 5)),
            "kernel_size": kernel,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "use_bias": bool(rng.integers(2)),
        }
        if seed % 5 == 0:  # PyTorch knows "same" without strides alone
            odd = [k | 1 for k in kernel]  # and odd kernels, without a warning
            config |= {"padding": "same", "stride": 1, "kernel_size": odd}
    # From the smallest image that the kernel fits on.
    image = [max(1, r - 2 * p) for r, p in zip(reach, padding, strict=True)]
    if config["padding"] == "same":
        image = [1, 1]
    shape = tuple(int(s + rng.integers(0, 8)) for s in image)
    return {"type": kind, **config}, (*shape, channels)


@pytest.mark.parametrize("seed", range(120))
def test_forward_and_all_gradients(seed):
    config, shape = settings(seed)
    network = alone(config, shape)
    theirs = same_in_torch(network)
    rng = np.random.default_rng(seed)
    for n in (5, 1, 5):
        x = rng.standard_normal((n, *shape))
        if seed % 2:
            x = np.round(2 * x)  # ties, for the maximum
        x_theirs = tensor(x, grad=True)
        y = network.forward(x, training=True)
        y_theirs = THEIRS[config["type"]](network.layers[0], x_theirs, theirs, True)
        agree(y, y_theirs, FORWARD)
        dy = rng.standard_normal(y.shape)
        y_theirs.backward(tensor(dy))
        agree(network.backward(dy.copy(), need_dx=True), x_theirs.grad, GRADIENT)
        for key, gradient in network.gradients().items():
            parameter = theirs[key.partition(".")[2]]
            agree(gradient, parameter.grad, GRADIENT)
            parameter.grad = None
        agree(network.forward(x), y_theirs, FORWARD)
        prepared = network.forward(x.copy())
        agree(prepared, y_theirs, FORWARD)


def test_the_random_settings_are_many():
    found = [settings(seed)[0] for seed in range(120)]
    convolutions = [config for config in found if config["type"] == "Conv2D"]
    assert len(convolutions) >= 60
    for name in ("stride", "dilation", "kernel_size"):
        assert len({str(config[name]) for config in convolutions}) >= 4
    assert {config["groups"] for config in convolutions} >= {1, 2, 3}
    assert {config["type"] for config in found} == set(KINDS)
