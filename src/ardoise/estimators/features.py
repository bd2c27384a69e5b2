"""Which features an estimator was trained with, and whether they are there again."""

from __future__ import annotations

from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.sparse import SparseRows
from ardoise.estimators.exceptions import warn
from ardoise.estimators.frames import feature_names


def check_feature_names(estimator: Any, X: Any, *, reset: bool) -> None:
    """Set ``feature_names_in_``, or check X's column names by it.

    Where only one of the two has names, there is a UserWarning.

    Parameters
    ----------
    estimator : object
    X : object
        Only a table has names.
    reset : bool
        Set, or check.

    Raises
    ------
    ValueError
        If they differ, which is listed, or two columns have the same.
    TypeError
        If some names are text and others are not.
    """
    names = feature_names(X)
    if reset:
        if names is not None:
            estimator.feature_names_in_ = names
        elif hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        return
    fitted = getattr(estimator, "feature_names_in_", None)
    name = type(estimator).__name__
    if names is None and fitted is None:
        return
    if names is None:
        warn(
            "UserWarning",
            f"X does not have valid feature names, but {name} was fitted with feature "
            "names",
        )
    elif fitted is None:
        warn(
            "UserWarning",
            f"X has feature names, but {name} was fitted without feature names",
        )
    elif list(names) != list(fitted):
        raise ValueError(_differences(set(fitted), set(names)))


def _differences(fitted: set[str], names: set[str]) -> str:
    message = "The feature names should match those that were passed during fit.\n"
    for title, some in (
        ("Feature names unseen at fit time:\n", names - fitted),
        ("Feature names seen at fit time, yet now missing:\n", fitted - names),
    ):
        if some:
            lines = [f"- {name}\n" for name in sorted(some)]
            shown = lines[:5] + ["- ...\n"] * (len(lines) > 5)
            message += title + "".join(shown)
    if names == fitted:
        message += "Feature names must be in the same order as they were in fit.\n"
    return message


def check_feature_count(estimator: Any, x: Array | SparseRows, *, reset: bool) -> None:
    """Set ``n_features_in_``, or check X's features by it.

    Parameters
    ----------
    estimator : object
    x : array of shape (n, ...) or SparseRows
        All numbers of a sample are features.
    reset : bool
        Set, or check.

    Raises
    ------
    ValueError
        If they differ.
    """
    count = int(np.prod(x.shape[1:]))
    if reset:
        estimator.n_features_in_ = count
    elif count != getattr(estimator, "n_features_in_", count):
        raise ValueError(
            f"X has {count} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
