"""Ardoise training a dense network: `ardoise.fit`, as anybody would call it."""

import time
from collections.abc import Sequence

from ardoise import Dense, Network, ReLU, evaluate, fit
from benchmarks.contestants.data import read_mnist, warm_up_size


def build(layers: Sequence[int], seed: int) -> Network:
    """Return a dense network with ReLU between its layers."""
    n_in, *hidden, n_out = layers
    rows = [layer for n in hidden for layer in (Dense(n), ReLU())]
    return Network([*rows, Dense(n_out)], input_shape=(n_in,), seed=seed)


def run(
    *,
    layers: Sequence[int],
    batch: int,
    epochs: int,
    n_train: int,
    n_test: int,
    seed: int,
) -> dict[str, float]:
    """Train on bytes, with every default of `ardoise.fit`; time the whole call."""
    (x, y), (x_test, y_test) = read_mnist(n_train, n_test)
    few = warm_up_size(len(x), batch)
    fit(build(layers, seed), x[:few], y[:few], epochs=1, batch_size=batch, seed=seed)
    network = build(layers, seed)
    started = time.perf_counter()
    fit(network, x, y, epochs=epochs, batch_size=batch, seed=seed)
    seconds = time.perf_counter() - started
    return {
        "images_per_second": epochs * len(x) / seconds,
        "accuracy": evaluate(network, x_test, y_test).correct / len(y_test),
    }
