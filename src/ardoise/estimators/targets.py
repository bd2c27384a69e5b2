"""What targets are: labels of two classes or many, several at once, or numbers.

The distinctions and their names are those of scikit-learn's `type_of_target`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.estimators.checks import (
    check_at_most_2d,
    check_finite_input,
    check_not_empty,
    refuse_none,
    refuse_sparse,
)
from ardoise.estimators.frames import is_sparse, to_array

SEVERAL = "multilabel-indicator"


def label_array(y: Any, name: str = "") -> Array:
    """Return y as an array of one or two dimensions, not empty and without NaN.

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n,) or (n, K)
    name : str
        The estimator's, for messages.

    Raises
    ------
    TypeError, ValueError
        Anything else.
    """
    refuse_none(y, name)
    if is_sparse(y):
        if y.ndim != 2 or y.shape[1] == 1:
            refuse_sparse(y, "y")
        y = y.toarray()
    values = to_array(y, None)
    check_at_most_2d(values, name)
    check_finite_input(values, "y")
    check_not_empty(values, name)
    return values


def target_type(y: Array) -> str:
    """Say what targets are.

    Parameters
    ----------
    y : array of shape (n,) or (n, K), n ≥ 1

    Returns
    -------
    str
        "binary", "multiclass", "multilabel-indicator", "multiclass-multioutput",
        "continuous", "continuous-multioutput" or "unknown".

    Raises
    ------
    TypeError, ValueError
        Labels that are bytes, or lists of labels.
    """
    if y.dtype.kind in "OS":
        _refuse_odd_labels(y[0])
        if y.dtype.kind == "O" and not isinstance(y.flat[0], str):
            return "unknown"
    if y.dtype.kind == "V":  # records, which have no order
        return "unknown"
    columns = y.ndim == 2 and y.shape[1] > 1
    fractions = y.dtype.kind == "f" and _has_fractions(y)
    count = len(np.unique(y))
    if columns and count < 3 and y.dtype.kind in "biuf" and not fractions:
        return SEVERAL
    suffix = "-multioutput" if columns else ""
    if fractions:
        return f"continuous{suffix}"
    return f"multiclass{suffix}" if columns or count > 2 else "binary"


def _has_fractions(y: Array) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.any(y.astype(np.int64).astype(y.dtype) != y))


def _refuse_odd_labels(first: Any) -> None:
    if isinstance(first, bytes):
        raise TypeError(
            "Support for labels represented as bytes is not supported. Convert the "
            "labels to a string or integer format."
        )
    if isinstance(first, Sequence) and not isinstance(first, str):
        raise ValueError(
            "You appear to be using a legacy multi-label data representation. Sequence "
            "of sequences are no longer supported; use a binary array or sparse matrix "
            "instead - the MultiLabelBinarizer transformer can convert to this format."
        )


def labels_in(values: Array, target: str) -> Array:
    """Return the sorted labels in an array.

    Parameters
    ----------
    values : array of shape (n,), (n, 1) or (n, K)
    target : str
        Its `target_type`.

    Returns
    -------
    ndarray of shape (K,)
        Text is as wide as the widest label; 0, …, K − 1 for several labels a sample.

    Raises
    ------
    ValueError
        If they are no labels.
    """
    if target == SEVERAL:
        return np.arange(values.shape[1])
    if target not in ("binary", "multiclass"):
        raise ValueError(f"Unknown label type: {(values,)!r}")
    return np.asarray(sorted(set(np.unique(values))))


def unique_labels(y: Any) -> Array:
    """Return the sorted labels in y; for several labels a sample 0, …, K − 1.

    Parameters
    ----------
    y : array-like or sparse matrix of shape (n,), (n, 1) or (n, K)

    Returns
    -------
    ndarray of shape (K,)

    Raises
    ------
    TypeError, ValueError
        As `Labels.fit`; and text beside numbers in a list.
    """
    values = label_array(y)
    if isinstance(y, list | tuple) and values.dtype.kind == "U" and values.ndim == 1:
        # An array of text has made text of the numbers.
        if not all(isinstance(label, str) for label in y):
            raise ValueError(
                "Mix of label input types (string and number); Got "
                f"{np.unique(values)}."
            )
    return labels_in(values, target_type(values))
