"""The clean im2col NumPy code, training: the floats are made before the clock."""

import time

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants.data import accuracy, read_mnist, warm_up_size
from benchmarks.contestants.plain_convolution import Adam, PlainNetwork


def train(
    network: PlainNetwork,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    batch: int,
    epochs: int,
    rng: np.random.Generator,
) -> None:
    """Make ``epochs`` passes."""
    optimizer = Adam(network.parameters)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            optimizer.step(network.gradients(x[rows], y[rows]))


def run(
    *, network: str, batch: int, epochs: int, n_train: int, n_test: int, seed: int
) -> dict[str, float]:
    """Train; the number of BLAS threads is what the environment says."""
    (images, y), (images_test, y_test) = read_mnist(n_train, n_test)
    x, x_test = (
        i.reshape(-1, 28, 28, 1).astype(np.float32) / np.float32(255)
        for i in (images, images_test)
    )
    rng = np.random.default_rng(seed)
    few = warm_up_size(len(x), batch)
    train(PlainNetwork(network, seed), x[:few], y[:few], batch, 1, rng)
    model = PlainNetwork(network, seed)
    started = time.perf_counter()
    train(model, x, y, batch, epochs, rng)
    seconds = time.perf_counter() - started
    predicted = [
        model.logits(x_test[start : start + batch]).argmax(axis=1)
        for start in range(0, len(x_test), batch)
    ]
    return {
        "images_per_second": epochs * len(x) / seconds,
        "accuracy": accuracy(np.concatenate(predicted), y_test),
    }
