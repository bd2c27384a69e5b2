"""MNIST for every contestant, read without Ardoise and without a copy to spare.

The four files are those inside the package; they are unpacked straight into their
arrays, so that whoever reads them needs no more memory than the digits themselves.
"""

import gzip
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PIECE = 1 << 20  # bytes unpacked at a time

Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read_mnist(n_train: int = 60_000, n_test: int = 10_000) -> tuple[Digits, Digits]:
    """Return the first digits of MNIST's training and test parts.

    Returns
    -------
    (x, y), (x_test, y_test)
        Images (n, 784) uint8, white ink on black, and labels (n,) int64.
    """
    return _read_part("train", n_train), _read_part("t10k", n_test)


def warm_up_size(n: int, batch: int) -> int:
    """Return how many digits to warm up on: ten batches, then the last, shorter one.

    What is compiled for a shape of the timed run has then been compiled before.
    """
    return min(n, 10 * batch + n % batch)


def accuracy(predicted: NDArray[Any], y: NDArray[Any]) -> float:
    """Return the share of right answers, in [0, 1]."""
    return float(np.mean(predicted == y))


def _read_part(part: str, n: int) -> Digits:
    images = _read(f"{part}-images-idx3-ubyte.gz", 16, np.empty((n, 784), np.uint8))
    labels = _read(f"{part}-labels-idx1-ubyte.gz", 8, np.empty(n, np.uint8))
    return images, labels.astype(np.int64)


def _read(name: str, header: int, out: NDArray[np.uint8]) -> NDArray[np.uint8]:
    package = find_spec("ardoise")  # finds the folder, imports nothing
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("ardoise is not installed: pip install -e .")
    folder = Path(package.submodule_search_locations[0]) / "digits" / "mnist_files"
    view = out.reshape(-1).data
    with gzip.open(folder / name) as file:
        file.read(header)
        position = 0
        while position < len(view):
            count = file.readinto(view[position : position + PIECE])
            if not count:
                raise EOFError(f"{name} ends after {position} bytes of {len(view)}")
            position += count
    return out
