"""What the plain code and Ardoise both start from: digits, split, first weights."""

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.splits import notebook_split
from benchmarks.contestants.data import Digits, read_mnist
from benchmarks.contestants.plain_notebook import MyNeuralNetwork

LEARNING_RATE = 0.1
LAYER_FORMAT = [784, 16, 10, 1]


def digits(n: int) -> tuple[Digits, Digits]:
    """Return the notebook's (x, y), (x_test, y_test) of MNIST's first n digits."""
    (x, y), (x_test, y_test) = read_mnist(min(n, 60_000), max(0, n - 60_000))
    images: NDArray[np.uint8] = np.concatenate([x, x_test])
    labels: NDArray[np.int64] = np.concatenate([y, y_test])
    split = notebook_split(n)
    train, test = split.train, split.test
    return (images[train], labels[train]), (images[test], labels[test])


def first_network(seed: int) -> MyNeuralNetwork:
    """Return the plain network with the weights that everybody starts from."""
    return MyNeuralNetwork(LAYER_FORMAT, np.random.default_rng(seed))
