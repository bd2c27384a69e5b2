"""Which samples train and which judge, drawn as scikit-learn draws them, to the bit.

`train_test_split` and `shuffle` with the same random state select the same samples in
the same order, and leave the random state where scikit-learn leaves it.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from ardoise.engine.arrays import Array

Random: TypeAlias = np.random.RandomState | np.random.Generator


def train_validation_indices(
    n: int,
    validation_fraction: float,
    random_state: Random,
    stratify: Array | None = None,
) -> tuple[Array, Array]:
    """Cut ``range(n)`` at random: scikit-learn's ``train_test_split``.

    Parameters
    ----------
    n : int
    validation_fraction : float in (0, 1)
        ⌈fraction · n⌉ samples judge, the others train.
    random_state : RandomState or Generator
        With a RandomState, the result is scikit-learn's to the bit.
    stratify : array of shape (n,) or (n, K), optional
        Classes that have the same share in both parts, up to rounding; with columns,
        each combination is a class.

    Returns
    -------
    train, validation : ndarray of int64
        In random order.

    Raises
    ------
    ValueError
        If a part would be empty, a class has one sample only, or a part is smaller
        than the number of classes.
    """
    n_train, n_validation = _sizes(n, validation_fraction)
    if stratify is not None:
        return _stratified(stratify, n_train, n_validation, random_state)
    order = random_state.permutation(n)
    return order[n_validation:], order[:n_validation]


def shuffled(indices: Array, random_state: Random) -> Array:
    """Return the indices in random order: scikit-learn's ``shuffle``.

    Parameters
    ----------
    indices : array of shape (n,)
        Not changed.
    random_state : RandomState or Generator
    """
    order = np.arange(len(indices))
    random_state.shuffle(order)
    return indices.take(order)


def _sizes(n: int, fraction: float) -> tuple[int, int]:
    if not 0 < fraction < 1:
        raise ValueError(
            f"test_size={fraction} should be either positive and smaller than the "
            f"number of samples {n} or a float in the (0, 1) range"
        )
    n_validation = math.ceil(fraction * n)
    if n_validation == n:
        raise ValueError(
            f"With n_samples={n}, test_size={fraction} and train_size=None, the "
            "resulting train set will be empty. Adjust any of the aforementioned "
            "parameters."
        )
    return n - n_validation, n_validation


def _stratified(
    stratify: Array, n_train: int, n_validation: int, random_state: Random
) -> tuple[Array, Array]:
    classes, index, counts = np.unique(
        _as_classes(stratify), return_inverse=True, return_counts=True
    )
    _check_classes(classes, counts, n_train, n_validation)
    members = np.split(np.argsort(index, kind="stable"), np.cumsum(counts)[:-1])
    to_train = _share_out(counts, n_train, random_state)
    to_validation = _share_out(counts - to_train, n_validation, random_state)
    train, validation = [], []
    for own, first, second in zip(members, to_train, to_validation, strict=True):
        drawn = own[random_state.permutation(len(own))]
        train.append(drawn[:first])
        validation.append(drawn[first : first + second])
    return (
        random_state.permutation(np.concatenate(train)),
        random_state.permutation(np.concatenate(validation)),
    )


def _as_classes(stratify: Array) -> Array:
    """Return one class a sample; rows of a table become text, as in scikit-learn."""
    if stratify.ndim == 1:
        return stratify
    columns = stratify.astype(str)
    if columns.shape[1] == 1:
        return columns[:, 0]
    return np.array([" ".join(row) for row in columns])


def _check_classes(
    classes: Array, counts: Array, n_train: int, n_validation: int
) -> None:
    if counts.min() < 2:
        raise ValueError(
            "The least populated classes in y have only 1 member, which is too few. "
            "The minimum number of groups for any class cannot be less than 2. Classes "
            f"with too few members are: {classes[counts < 2].tolist()}"
        )
    for name, size in (("train", n_train), ("test", n_validation)):
        if size < len(classes):
            raise ValueError(
                f"The {name}_size = {size} should be greater or equal to the number of "
                f"classes = {len(classes)}"
            )


def _share_out(counts: Array, total: int, random_state: Random) -> Any:
    """Return how many of each class to draw: ``total`` in proportion to ``counts``.

    Rounded down; what is missing goes to the largest remainders, equals by lot.
    """
    ideal = counts / counts.sum() * total
    drawn = np.floor(ideal)
    missing = int(total - drawn.sum())
    remainders = ideal - drawn
    for remainder in np.unique(remainders)[::-1] if missing > 0 else ():
        (equals,) = np.nonzero(remainders == remainder)
        chosen = random_state.choice(
            equals, size=min(len(equals), missing), replace=False
        )
        drawn[chosen] += 1
        missing -= len(chosen)
        if missing == 0:
            break
    return drawn.astype(np.intp)
