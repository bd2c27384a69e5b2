"""Networks drawn at random from all layers of the engine, with random numbers in them.

Every size is small: what is tested is that layers of all settings and orders mean the
same elsewhere, not that they are fast.
"""

import numpy as np

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


def activation(rng):
    kind = rng.choice(["relu", "leaky", "elu", "gelu", "tanh", "sigmoid", "softplus"])
    return {
        "relu": ReLU,
        "leaky": lambda: LeakyReLU(round(float(rng.uniform(0, 1)), 3)),
        "elu": lambda: ELU(round(float(rng.uniform(0.1, 2)), 3)),
        "gelu": GELU,
        "tanh": Tanh,
        "sigmoid": Sigmoid,
        "softplus": Softplus,
    }[kind]()


def anywhere(rng):
    """Return a layer that takes samples of any shape and leaves it."""
    kind = rng.integers(7)
    if kind == 0:
        return BatchNorm(
            momentum=float(rng.choice([0.1, 0.01, 1])),
            epsilon=float(rng.choice([1e-5, 1e-3])),
        )
    if kind == 1:
        # Over two channels that are nearly equal it would magnify rounding.
        return LayerNorm(epsilon=float(rng.choice([0.01, 0.1])))
    if kind == 2:
        return Dropout(0.5)
    return activation(rng)


def pair(rng, low, high):
    a, b = (int(n) for n in rng.integers(low, high + 1, 2))
    return a if rng.random() < 0.5 else (a, b)


def conv(rng, channels):
    groups = int(rng.choice([g for g in (1, 1, 2, 3, channels) if channels % g == 0]))
    kernel, dilation = pair(rng, 1, 3), pair(rng, 1, 2)
    padding = rng.choice(["valid", "same", "number"])
    if padding == "number":
        reach = np.multiply(dilation, np.subtract(kernel, 1)) + 1
        padding = tuple(
            int(rng.integers(0, n)) for n in np.broadcast_to(np.atleast_1d(reach), 2)
        )
    return Conv2D(
        groups * int(rng.integers(1, 4)),
        kernel,
        stride=pair(rng, 1, 2),
        padding=padding if isinstance(padding, tuple) else str(padding),
        dilation=dilation,
        groups=groups,
        use_bias=bool(rng.random() < 0.7),
    )


def pool(rng):
    size = pair(rng, 1, 3)
    both = np.broadcast_to(np.atleast_1d(size), 2)
    padding = rng.choice(["valid", "same", "number"])
    if padding == "number":
        padding = tuple(int(rng.integers(0, n)) for n in both)
    return (MaxPool2D if rng.random() < 0.5 else AveragePool2D)(
        size,
        stride=None if rng.random() < 0.5 else pair(rng, 1, 3),
        padding=padding if isinstance(padding, tuple) else str(padding),
    )


def residual(rng, shape):
    """Return a residual block; half of them change the shape."""
    if len(shape) == 3:
        channels = shape[2] if rng.random() < 0.5 else int(rng.integers(1, 5))
        layers = [Conv2D(channels, 3, padding="same", use_bias=False), anywhere(rng)]
        layers += [Conv2D(channels, 1)] * int(rng.random() < 0.5)
        shortcut = [] if channels == shape[2] else [Conv2D(channels, 1)]
    elif len(shape) == 1:
        units = shape[0] if rng.random() < 0.5 else int(rng.integers(1, 9))
        layers = [Dense(units), anywhere(rng)]
        shortcut = [] if units == shape[0] else [Dense(units, use_bias=False)]
    else:
        layers, shortcut = [anywhere(rng), activation(rng)], []
    if shortcut and rng.random() < 0.5:
        shortcut.append(activation(rng))
    return Residual(layers, shortcut)


def candidate(rng, shape):
    if len(shape) == 3 and rng.random() < 0.65:
        kind = rng.choice(["conv", "conv", "pool", "spatial", "residual"])
        return {
            "conv": lambda: conv(rng, shape[2]),
            "pool": lambda: pool(rng),
            "spatial": lambda: SpatialDropout2D(0.2),
            "residual": lambda: residual(rng, shape),
        }[kind]()
    if len(shape) == 1 and rng.random() < 0.4:
        return Dense(int(rng.integers(1, 9)), use_bias=bool(rng.random() < 0.7))
    if rng.random() < 0.15:
        return residual(rng, shape)
    return anywhere(rng)


def ending(rng, shape):
    """Return the last layers: mostly those that make logits of whatever comes."""
    kind = rng.random()
    if kind < 0.15:
        return []
    if len(shape) == 3 and kind < 0.4:
        return [GlobalAveragePool2D(), Dense(int(rng.integers(2, 6)))]
    flat = [Flatten()] if len(shape) > 1 or kind < 0.5 else []
    return [*flat, Dense(int(rng.integers(2, 6)))]


def random_network(seed, dtype="float32"):
    """Return the network of a seed, every number of it random."""
    rng = np.random.default_rng(seed)
    rank = rng.choice([1, 2, 3], p=[0.3, 0.1, 0.6])
    shape = tuple(int(n) for n in rng.integers(3, 11, rank))
    if rank == 3:
        shape = (*shape[:2], int(rng.choice([1, 2, 3, 4, 6])))
    start, layers = shape, []
    for _ in range(int(rng.integers(1, 7))):
        layer = candidate(rng, shape)
        try:
            shape = layer.infer(shape).output_shape
        except ShapeError:
            continue
        layers.append(layer)
    layers += ending(rng, shape)
    if all(isinstance(layer, Dropout) for layer in layers):
        layers.append(ReLU())
    network = Network(layers, start, dtype=dtype, seed=seed)
    fill(network, rng)
    return network


def fill(network, rng):
    """Give every bias, scale and running statistic a number of its own."""
    for name, view in network.parameters().items():
        if not name.endswith("W"):
            view[...] = rng.normal(1 if name.endswith("gamma") else 0, 0.3, view.shape)
    for name, view in network.state_layout.views(network.state).items():
        if name.endswith("variance"):
            view[...] = rng.uniform(0.3, 2, view.shape)
        else:
            view[...] = rng.normal(0, 0.3, view.shape)


def inputs(network, seed, n=3):
    rng = np.random.default_rng([seed, 1])
    return rng.normal(size=(n, *network.input_shape)).astype(network.dtype)
