"""How a model reads test images that were corrupted."""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits import load_mnist, official_split
from ardoise.digits.corruptions import CORRUPTIONS, corrupt
from ardoise.files import Model

SEED = 0  # of the corruptions: every model reads the same images


def read_corrupted(model: Model, n: int | None = None) -> dict[str, dict[str, int]]:
    """Return how many of the official test images a model reads, by corruption.

    Parameters
    ----------
    model : Model
        Of MNIST's ten classes.
    n : int, optional
        Read the first n images alone.
    """
    _, labels = test_images(n)
    found = {}
    for name in CORRUPTIONS:
        predicted = model.network.predict_proba(corrupted(name, n)).argmax(axis=1)
        correct = int(np.count_nonzero(predicted == labels))
        found[name] = {"correct": correct, "total": len(labels)}
    return found


@cache
def corrupted(name: str, n: int | None) -> NDArray[np.uint8]:
    """Return test images, corrupted: 8 MB each, kept for the next model."""
    images, _ = test_images(n)
    return corrupt(images, name, SEED)


@cache
def test_images(n: int | None) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the official test images and their labels."""
    data = load_mnist()
    test = data.subset(official_split(len(data)).test[:n])
    return test.images, test.labels
