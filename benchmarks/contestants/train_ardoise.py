"""Ardoise training a network: `ardoise.fit`, as anybody would call it."""

import time

from ardoise import (
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    Network,
    ReLU,
    evaluate,
    fit,
)
from benchmarks.contestants import architecture
from benchmarks.contestants.busy import busy_processes
from benchmarks.contestants.data import read_mnist, warm_up_size


def build(network: str, seed: int) -> Network:
    """Return the network of this name."""
    layers: list[Layer] = []
    for step in architecture.parse(network):
        match step:
            case architecture.Convolution():
                layers += [Conv2D(step.filters, step.size), ReLU()]
            case architecture.Pool():
                layers += [MaxPool2D(step.size)]
            case architecture.Dense():
                flatten = [Flatten()] if len(step.input_shape) == 3 else []
                layers += [*flatten, Dense(step.n_out), ReLU()]
    return Network(layers[:-1], architecture.input_shape(network), seed=seed)


def run(
    *,
    network: str,
    batch: int,
    epochs: int,
    n_train: int,
    n_test: int,
    seed: int,
    threads: int | None = None,
    busy: int = 0,
) -> dict[str, float]:
    """Train on bytes, with every default of `ardoise.fit`; time the whole call.

    ``threads`` is the default's unless given; ``busy`` other processes compute
    meanwhile.
    """
    (x, y), (x_test, y_test) = read_mnist(n_train, n_test)
    shape = architecture.input_shape(network)
    x, x_test = x.reshape(-1, *shape), x_test.reshape(-1, *shape)
    few = warm_up_size(len(x), batch)
    ways = {"batch_size": batch, "seed": seed, "threads": threads}
    fit(build(network, seed), x[:few], y[:few], epochs=1, **ways)
    model = build(network, seed)
    with busy_processes(busy):
        started = time.perf_counter()
        fit(model, x, y, epochs=epochs, **ways)
        seconds = time.perf_counter() - started
    return {
        "images_per_second": epochs * len(x) / seconds,
        "accuracy": evaluate(model, x_test, y_test).correct / len(y_test),
    }
