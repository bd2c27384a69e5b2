"""What can be fetched: addresses, sizes, checksums, and what the files hold.

A file is known by its size and its SHA-256, so that it matters little whose copy of it
arrives.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that are there, and the bytes that it has."""


@dataclass(frozen=True)
class RemoteFile:
    """A file, as it lies at each of its addresses.

    Attributes
    ----------
    name : str
        What it is called in the cache.
    size : int
        In bytes.
    sha256 : str
        In hexadecimal.
    urls : tuple of str
        Its addresses, the first to be tried first.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]


@dataclass(frozen=True)
class RemoteData:
    """A data set, as it is distributed.

    Attributes
    ----------
    name : str
        What ``--data`` calls it, and its folder in the cache.
    title : str
        What reports call it.
    files : tuple of RemoteFile
        What is fetched.
    parts : tuple of four str
        The IDX files of the images to train on, of their labels, of the images to test
        on, and of theirs.
    in_archive : bool
        Whether these lie in a zip archive, the only one of ``files``.
    n_train, n_test : int
        The images of the official split.
    classes : tuple of str
    first_label : int
        The label of the first class.
    transposed : bool
        Whether the images lie on their side: rows where columns should be.
    """

    name: str
    title: str
    files: tuple[RemoteFile, ...]
    parts: tuple[str, str, str, str]
    in_archive: bool
    n_train: int
    n_test: int
    classes: tuple[str, ...]
    first_label: int
    transposed: bool


FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# The bucket of the authors (Zalando Research), their repository, and Keras's copy.
_FASHION_MIRRORS = (
    "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)


def _fashion(name: str, size: int, sha256: str) -> RemoteFile:
    urls = tuple(mirror + name for mirror in _FASHION_MIRRORS)
    return RemoteFile(name, size, sha256, urls)


# Sizes and SHA-256 as TensorFlow Datasets records them (url_checksums/
# fashion_mnist.txt); Keras (datasets/fashion_mnist.py) has the same SHA-256.
FASHION = RemoteData(
    name="fashion",
    title="Fashion-MNIST",
    files=(
        _fashion(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        _fashion(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        _fashion(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        _fashion(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    parts=(
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
    ),
    in_archive=False,
    n_train=60_000,
    n_test=10_000,
    classes=FASHION_CLASSES,
    first_label=0,
    transposed=False,
)

# Size and SHA-256 as TensorFlow Datasets records them (url_checksums/emnist.txt). NIST
# has moved it once; what torchvision fetches from the new address is the same (its MD5
# is 58c8d27c78d21e728a6bc7b3cc06412e at both). The last is the copy of the package
# emnist. The letters' own files have no published checksum: the archive vouches for
# them.
LETTERS = RemoteData(
    name="letters",
    title="EMNIST letters",
    files=(
        RemoteFile(
            "gzip.zip",
            561_753_746,
            "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
            (
                "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
                "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
                "https://drive.usercontent.google.com/download"
                "?id=1R0blrtCsGEVLjVL3eijHMxrwahRUDK26&export=download&confirm=t",
            ),
        ),
    ),
    parts=(
        "emnist-letters-train-images-idx3-ubyte.gz",
        "emnist-letters-train-labels-idx1-ubyte.gz",
        "emnist-letters-test-images-idx3-ubyte.gz",
        "emnist-letters-test-labels-idx1-ubyte.gz",
    ),
    in_archive=True,
    n_train=124_800,
    n_test=20_800,
    classes=tuple("abcdefghijklmnopqrstuvwxyz"),
    first_label=1,
    transposed=True,
)

SOURCES = {data.name: data for data in (FASHION, LETTERS)}
"""Every data set that can be fetched, by the name that ``--data`` gives it."""
