"""Who trains and who tests: index arrays that cut a data set into parts.

The two splits of MNIST that results are compared on, scikit-learn's rule to the bit,
and random splits that keep each class's share in every part. A split is written as a
word: ``official`` (the data's own), ``notebook`` (the seed notebook's), or percentages
for training, validation and test such as ``80/10/10``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ardoise.digits.datasets import DataError, Dataset
from ardoise.messages import OptionError

Indices: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Positions in a data set: three parts that share none.

    Attributes
    ----------
    train, validation, test : ndarray of int64
        ``validation`` and ``test`` may be empty.
    """

    train: Indices
    validation: Indices
    test: Indices


def official_split(n: int = 70_000, n_train: int | None = None) -> Split:
    """Return the split that came with the data, by default MNIST's own.

    The first images train, the others test: 60,000 and 10,000 of MNIST.

    Parameters
    ----------
    n : int
        The number of images.
    n_train : int or None
        `Dataset.n_train`. None stands for MNIST's 60,000, of 70,000 images.

    Raises
    ------
    DataError
        If ``n_train`` is None and ``n`` is not 70,000.
    """
    if n_train is None:
        if n != 70_000:
            raise DataError("split.official", n=n)
        n_train = 60_000
    order = np.arange(n, dtype=np.int64)
    return Split(order[:n_train], order[:0], order[n_train:])


def notebook_split(n: int = 70_000) -> Split:
    """Return the notebook's split: 60 % train, 40 % test, drawn with seed 1.

    It is ``train_test_split(X, Y, train_size=0.6, random_state=1)`` of scikit-learn
    to the bit; on MNIST in OpenML's order, the first test labels are
    6 2 7 5 7 6 3 5 1.

    Parameters
    ----------
    n : int
        The number of images.

    Raises
    ------
    DataError
        If ``n`` leaves a part empty.
    """
    train, test = train_test_indices(n, 0.6, 1)
    return Split(train, test[:0], test)


def train_test_indices(
    n: int,
    train_size: float | None,
    seed: int,
    *,
    test_size: float | None = None,
) -> tuple[Indices, Indices]:
    """Cut ``range(n)`` as scikit-learn's ``train_test_split`` does, to the bit.

    A permutation is drawn from ``RandomState(seed)``; the test part comes first in it,
    then the training part. A float is a share of n (rounded down for training, up for
    testing), an int a number of images; one that is None takes what the other leaves.

    Parameters
    ----------
    n : int
        The number of images.
    train_size, test_size : float in (0, 1), int or None
        Their sizes; not both None.
    seed : int
        0 to 2**32 - 1: scikit-learn's ``random_state``.

    Returns
    -------
    train, test : ndarray of int64
        In the order in which scikit-learn returns the rows.

    Raises
    ------
    DataError
        If a size or the seed is out of range, a part would be empty, or the parts
        are larger than n together.
    """
    shares = [size for size in (train_size, test_size) if isinstance(size, float)]
    if sum(shares) > 1 and len(shares) == 2:
        raise DataError("split.shares", train=f"{train_size:g}", test=f"{test_size:g}")
    if train_size is not None:
        n_train = _part_size(n, train_size, math.floor)
        rest = n - n_train
        n_test = rest if test_size is None else _part_size(n, test_size, math.ceil)
    elif test_size is not None:
        n_test = _part_size(n, test_size, math.ceil)
        n_train = n - n_test
    else:
        raise DataError("split.no_size")
    if n_train < 1 or n_test < 1 or n_train + n_test > n:
        raise DataError("split.sizes", n=n, train=n_train, test=n_test)
    if not 0 <= seed < 2**32:
        raise DataError("split.seed", seed=seed)
    order = np.random.RandomState(seed).permutation(n).astype(np.int64)
    return order[n_test : n_test + n_train], order[:n_test]


def random_split(
    labels: ArrayLike,
    fractions: tuple[float, float, float],
    seed: int | np.random.Generator,
    stratify: bool = True,
) -> Split:
    """Draw a training, a validation and a test part at random.

    The test and validation parts have their share of n, rounded to the nearest whole
    number; training takes the rest. Stratified, a class has its share of every part
    up to rounding, at least one image in each part if it has as many images as there
    are parts, and one for training in any case.

    Parameters
    ----------
    labels : array_like, shape (n,)
        The class of each image.
    fractions : tuple of three floats
        The shares of train, validation and test, with sum 1; the last two may be 0.
    seed : int or numpy.random.Generator
        The same seed gives the same split.
    stratify : bool
        Whether to keep the classes' shares.

    Returns
    -------
    Split
        Each part in random order.

    Raises
    ------
    DataError
        If the fractions make no sense, or a part is too small (for an image of each
        class, when stratified).
    """
    shares = [float(share) for share in fractions]
    sums_to_one = abs(sum(shares) - 1) <= 1e-9  # False for NaN
    if len(shares) != 3 or not sums_to_one or min(shares) < 0 or shares[0] == 0:
        raise DataError("split.fractions", got=", ".join(f"{x:g}" for x in shares))
    rng = _generator(seed)
    values = np.asarray(labels)
    n = len(values)
    _, validation, test = (round(n * share) for share in shares)
    sizes = (n - validation - test, validation, test)
    for share, size in zip(shares, sizes, strict=True):
        if share > 0 and size < 1:
            raise DataError("split.empty_part", n=n, share=f"{share:g}")
    rest = np.arange(n, dtype=np.int64)
    parts = 1 + (validation > 0) + (test > 0)
    rest, test_part = _cut(values, rest, test, parts, rng, stratify)
    parts = 1 + (validation > 0)
    rest, validation_part = _cut(values, rest, validation, parts, rng, stratify)
    return Split(rest, validation_part, test_part)


def hold_out(
    labels: ArrayLike,
    indices: ArrayLike,
    fraction: float,
    seed: int | np.random.Generator,
    stratify: bool = True,
) -> tuple[Indices, Indices]:
    """Cut a part out of ``indices`` at random: validation images out of training's.

    Parameters
    ----------
    labels : array_like, shape (n,)
        The class of each image of the whole data set.
    indices : array_like of int, shape (m,)
        The images to cut.
    fraction : float in (0, 1)
        The share of m to hold out, rounded to the nearest whole number.
    seed : int or numpy.random.Generator
        The same seed gives the same cut.
    stratify : bool
        As in `random_split`.

    Returns
    -------
    kept, held_out : ndarray of int64
        Each in random order.

    Raises
    ------
    DataError
        If ``fraction`` is out of range, or a part is too small (for an image of each
        class, when stratified).
    """
    if not 0 < fraction < 1:
        raise DataError("split.fraction", got=f"{fraction:g}")
    rng = _generator(seed)
    chosen = np.asarray(indices, dtype=np.int64)
    size = round(len(chosen) * fraction)
    if not 0 < size < len(chosen):
        raise DataError("split.empty_part", n=len(chosen), share=f"{fraction:g}")
    return _cut(np.asarray(labels), chosen, size, 2, rng, stratify)


def divide(
    data: Dataset, split: str, validation: float, rng: np.random.Generator
) -> Split:
    """Divide the data as the word ``split`` says.

    Parameters
    ----------
    data : Dataset
    split : str
    validation : float
        Share of the training images that is cut out for validation, where the split
        itself has no validation part.
    rng : numpy.random.Generator
        Draws what is drawn.

    Raises
    ------
    OptionError
        If the word is not a split.
    DataError
        If the data cannot be split that way.
    """
    if split in ("official", "notebook"):
        if split == "official":
            parts = official_split(len(data), data.n_train)
        else:
            parts = notebook_split(len(data))
        if not validation:
            return parts
        train, held = hold_out(data.labels, parts.train, validation, rng)
        return Split(train, held, parts.test)
    return random_split(data.labels, _fractions(split), rng)


def _fractions(split: str) -> tuple[float, float, float]:
    try:
        shares = [float(share) / 100 for share in split.split("/")]
    except ValueError:
        shares = []
    # Written so that NaN is refused too.
    if len(shares) == 3 and abs(sum(shares) - 1) <= 1e-9 and min(shares) >= 0:
        train, validation, test = shares
        if train and test:
            return train, validation, test
    raise OptionError("option.split", split=split)


def _part_size(n: int, size: float, rounding: Callable[[float], int]) -> int:
    """Return a size given as a share or as a number of images, as a number."""
    if isinstance(size, (int, np.integer)):
        return int(size)
    if not 0 < size < 1:
        raise DataError("split.fraction", got=f"{size:g}")
    return rounding(n * size)


def _generator(seed: int | np.random.Generator) -> np.random.Generator:
    if isinstance(seed, (int, np.integer)) and seed < 0:
        raise DataError("split.seed", seed=seed)
    return np.random.default_rng(seed)


def _cut(
    labels: NDArray[Any],
    indices: Indices,
    size: int,
    parts: int,
    rng: np.random.Generator,
    stratify: bool,
) -> tuple[Indices, Indices]:
    """Shuffle ``indices``; return all but ``size`` of them, and those ``size``.

    ``parts`` is how many parts ``indices`` will be cut into in the end: stratified,
    what stays behind keeps an image of each class for each of the parts to come.
    """
    shuffled = rng.permutation(indices)
    if not stratify or size == 0:
        return shuffled[size:], shuffled[:size]
    _, classes, members = np.unique(
        labels[shuffled], return_inverse=True, return_counts=True
    )
    quota = _quotas(members, size, parts)
    # The first so many of each class, in shuffled order, go.
    by_class = np.argsort(classes, kind="stable")
    first_of_class = np.cumsum(members) - members
    rank = np.empty_like(by_class)
    rank[by_class] = np.arange(len(shuffled)) - first_of_class[classes[by_class]]
    goes = rank < quota[classes]
    return shuffled[~goes], shuffled[goes]


def _quotas(members: Indices, size: int, parts: int) -> Indices:
    """Return how many of each class to cut: in proportion, ``size`` in all."""
    enough = members >= parts
    low = enough.astype(np.int64)
    high = members - np.where(enough, parts - 1, 1)
    if not low.sum() <= size <= high.sum():
        raise DataError(
            "split.classes", n=int(members.sum()), size=size, k=len(members)
        )
    ideal = members * (size / members.sum())
    quota: Indices = np.floor(ideal).astype(np.int64).clip(low, high)
    while missing := int(size - quota.sum()):
        step = 1 if missing > 0 else -1
        gap = step * (ideal - quota)
        gap[quota == (high if step > 0 else low)] = -np.inf
        quota[np.argmax(gap)] += step
    return quota
