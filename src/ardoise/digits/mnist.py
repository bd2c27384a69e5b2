"""MNIST, the 70,000 handwritten digits, from inside the package.

The four original files (Y. LeCun, C. Cortes and C. J. C. Burges, licence CC BY-SA 3.0)
lie unchanged in ``mnist_files``; nothing is fetched from a network.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
document recognition", Proceedings of the IEEE 86(11), 1998.
"""

import hashlib
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import DataError, Dataset
from ardoise.digits.reading import PIECE, open_bytes

N_TRAIN = 60_000
N_TEST = 10_000

# SHA-256 of each file, uncompressed.
_SHA256 = {
    "train-images-idx3-ubyte": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}


def load_mnist() -> Dataset:
    """Return all of MNIST: 60,000 digits to train on, then 10,000 to test on.

    This is the order of OpenML's ``mnist_784``; `ardoise.digits.splits` cuts it. Every
    file is checked against its SHA-256. The arrays are new at each call.

    Returns
    -------
    Dataset
        ``images`` (70000, 28, 28, 1) uint8, white ink on black; ``labels`` (70000,);
        ``classes`` "0" to "9"; ``name`` "MNIST".

    Raises
    ------
    DataError
        If a file of the package is missing or is not the original one.
    """
    images = np.empty((N_TRAIN + N_TEST, 28, 28, 1), dtype=np.uint8)
    labels = np.empty(N_TRAIN + N_TEST, dtype=np.uint8)
    _fill("train-images-idx3-ubyte", 16, images[:N_TRAIN])
    _fill("t10k-images-idx3-ubyte", 16, images[N_TRAIN:])
    _fill("train-labels-idx1-ubyte", 8, labels[:N_TRAIN])
    _fill("t10k-labels-idx1-ubyte", 8, labels[N_TRAIN:])
    classes = tuple(str(digit) for digit in range(10))
    return Dataset(images, labels.astype(np.int64), classes, "MNIST", n_train=N_TRAIN)


def _fill(name: str, header: int, out: NDArray[Any]) -> None:
    """Unpack one of the files into ``out``, leaving its header out.

    The shapes are known and the sum covers the header too, so it is not interpreted.
    """
    packed = resources.files(__package__) / "mnist_files" / f"{name}.gz"
    view = out.data.cast("B")
    with resources.as_file(packed) as path, open_bytes(path) as file:
        sha = hashlib.sha256(file.read(header))
        position = 0
        while count := file.readinto(view[position : position + PIECE]):
            sha.update(view[position : position + count])
            position += count
        sha.update(file.read(1))  # a byte too many changes the sum
    if sha.hexdigest() != _SHA256[name]:
        raise DataError("mnist.damaged", path=packed.name)
