"""Ardoise doing the notebook's work: full batches, plain gradient descent."""

import time

from ardoise import Dense, Network, ReLU, evaluate, fit
from benchmarks.contestants.notebook_task import LEARNING_RATE, digits, first_network


def build(seed: int) -> Network:
    """Return the notebook's network, with the very weights of the plain one."""
    network = Network([Dense(16), ReLU(), Dense(10)], input_shape=(784,), seed=seed)
    views = network.parameters()
    first = first_network(seed)
    for name, weights, biases in zip("02", first.weights, first.biases, strict=True):
        views[f"{name}.W"][...] = weights.T  # the notebook's samples are columns
        views[f"{name}.b"][...] = biases[:, 0]
    return network


def run(*, n: int, epochs: int, seed: int) -> dict[str, float]:
    """Train with `ardoise.fit` on bytes; time the whole call."""
    (x, y), (x_test, y_test) = digits(n)

    def train(network: Network, epochs: int) -> None:
        fit(
            network,
            x,
            y,
            optimizer="sgd",
            learning_rate=LEARNING_RATE,
            epochs=epochs,
            batch_size=None,
            shuffle=False,
        )

    train(build(seed), 2)
    network = build(seed)
    started = time.perf_counter()
    train(network, epochs)
    seconds = time.perf_counter() - started
    return {
        "seconds_per_epoch": seconds / epochs,
        "train_accuracy": evaluate(network, x, y).correct / len(y),
        "accuracy": evaluate(network, x_test, y_test).correct / len(y_test),
    }
