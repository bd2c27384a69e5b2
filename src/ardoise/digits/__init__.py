"""Labelled images: MNIST, Fashion-MNIST, letters, your own; cutting them into parts.

`load_data` reads any source, `make_dataset` takes arrays, and both check what they
get; `official_split`, `notebook_split` and `random_split` say which images train and
which test. Only `load_fashion` and `load_letters` reach for a network, at first need.
"""

from ardoise.digits.datasets import DataError, Dataset, make_dataset
from ardoise.digits.idx import read_idx, write_idx
from ardoise.digits.images import fit_image, read_image, read_picture
from ardoise.digits.mnist import load_mnist
from ardoise.digits.remote.cache import cache_folder
from ardoise.digits.remote.data import load_fashion, load_letters
from ardoise.digits.sources import load_data
from ardoise.digits.splits import (
    Split,
    hold_out,
    notebook_split,
    official_split,
    random_split,
    train_test_indices,
)

__all__ = [
    "DataError",
    "Dataset",
    "Split",
    "cache_folder",
    "fit_image",
    "hold_out",
    "load_data",
    "load_fashion",
    "load_letters",
    "load_mnist",
    "make_dataset",
    "notebook_split",
    "official_split",
    "random_split",
    "read_idx",
    "read_image",
    "read_picture",
    "train_test_indices",
    "write_idx",
]
