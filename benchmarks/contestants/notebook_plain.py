"""The notebook's plain NumPy code, training on its own 42,000 digits."""

import time

import numpy as np

from benchmarks.contestants.data import accuracy
from benchmarks.contestants.notebook_task import LEARNING_RATE, digits, first_network

RECORD_EVERY = 7  # the notebook notes its accuracy 100 times in 700 epochs


def run(*, n: int, epochs: int, seed: int) -> dict[str, float]:
    """Train on whole matrices in float64; time the training alone."""
    (images, labels), (images_test, y_test) = digits(n)
    # As in the notebook: samples are columns, pixels float64, labels int16.
    x, x_test = images.T / 255, images_test.T / 255
    y = labels.astype(np.int16)
    first_network(seed).train(x, y, LEARNING_RATE, 2, RECORD_EVERY)
    network = first_network(seed)
    started = time.perf_counter()
    network.train(x, y, LEARNING_RATE, epochs, RECORD_EVERY)
    seconds = time.perf_counter() - started
    return {
        "seconds_per_epoch": seconds / epochs,
        "train_accuracy": accuracy(network.predict(x), y),
        "accuracy": accuracy(network.predict(x_test), y_test),
    }
