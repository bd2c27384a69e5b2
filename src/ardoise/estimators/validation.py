"""The data that estimators are given, as arrays that the engine can read.

What is accepted, refused and warned of, and the sentences, are scikit-learn 1.9's: see
its `validate_data` and `check_array`. Nothing of scikit-learn, SciPy or pandas is
imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.sparse import SparseRows
from ardoise.estimators.checks import (
    check_at_most_2d,
    check_consistent_length,
    check_finite_input,
    check_not_empty,
    check_random_state,
    class_name,
    ravel_column,
    refuse_none,
    refuse_sparse,
)
from ardoise.estimators.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    NotFittedError,
    not_fitted,
    warn,
)
from ardoise.estimators.features import check_feature_count, check_feature_names
from ardoise.estimators.frames import is_series, is_sparse, sparse_columns, to_array

__all__ = [
    "ConvergenceWarning",
    "DataConversionWarning",
    "NotFittedError",
    "check_consistent_length",
    "check_random_state",
    "check_sample_weight",
    "check_samples_in",
    "check_targets_real",
    "not_fitted",
    "warn",
]

FLOATS = (np.float64, np.float32)
RESHAPE = (
    "Reshape your data either using array.reshape(-1, 1) if your data has a single "
    "feature or array.reshape(1, -1) if it contains a single sample."
)


def check_samples_in(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    dtypes: Sequence[Any] = FLOATS,
    allow_nd: bool = False,
) -> Array | SparseRows:
    """Return samples as the engine reads them, and note or check their features.

    Parameters
    ----------
    estimator : object
        Gets ``n_features_in_`` and, from a table whose columns have names,
        ``feature_names_in_``.
    X : array-like or sparse matrix of shape (n, n_features)
        Lists, arrays, memory maps, tables of pandas or polars, objects with
        ``__array__``, sparse matrices of any format.
    reset : bool
        Whether to set those attributes (when training begins), or to check X by them.
    dtypes : sequence of dtype
        X keeps its dtype if it is one of them; else it gets the first.
    allow_nd : bool
        Whether a sample may have a shape; its features are then all its numbers.

    Returns
    -------
    ndarray or SparseRows
        In native byte order and C order; X itself, or a view of it, where it is so
        already. Do not write into it.

    Raises
    ------
    TypeError, ValueError
        Complex numbers, text, NaN, infinity, no sample, no feature, another number of
        dimensions, other features than in training.
    """
    check_feature_names(estimator, X, reset=reset)
    name = class_name(estimator)
    values = sparse_columns(X)
    if is_sparse(values):
        x: Array | SparseRows = _sparse_samples(values, name, dtypes)
    else:
        x = to_array(values, dtypes, order="C")
        _check_at_least_2d(x, X)
        if not allow_nd:
            check_at_most_2d(x, name)
        check_finite_input(x, "X", name)
    check_not_empty(x, name)
    check_feature_count(estimator, x, reset=reset)
    return x


def _sparse_samples(X: Any, name: str, dtypes: Sequence[Any]) -> SparseRows:
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{X}\n")
    if X.ndim < 2:
        raise ValueError(
            f"Expected 2D input, got input with shape {X.shape}.\n{RESHAPE}"
        )
    kept = X.dtype in [np.dtype(dtype) for dtype in dtypes]
    rows = SparseRows.of(X, X.dtype if kept else dtypes[0])
    check_finite_input(rows.data, "X", name)
    return rows


def _check_at_least_2d(x: Array, X: Any) -> None:
    if x.ndim == 1 and is_series(X):
        raise ValueError(
            f"Expected a 2-dimensional container but got {type(X)} instead. Pass a "
            "DataFrame containing a single row (i.e. single sample) or a single column "
            "(i.e. single feature) instead."
        )
    if x.ndim < 2:
        what = "1D" if x.ndim else "scalar"
        raise ValueError(
            f"Expected 2D array, got {what} array instead:\narray={x}.\n{RESHAPE}"
        )


def check_targets_real(estimator: Any, y: Any, dtype: Any = None) -> Array:
    """Return the targets of a regression.

    Parameters
    ----------
    estimator : object
        Its class is named in messages.
    y : array-like of shape (n,), (n, 1) or (n, K)
        A column is taken as (n,), with a DataConversionWarning.
    dtype : dtype or None
        Of the result; None leaves numbers as they are (objects become float64).

    Returns
    -------
    ndarray of shape (n,) or (n, K)

    Raises
    ------
    TypeError, ValueError
        None, sparse, complex, text, NaN, infinity (in ``dtype``), empty, more than two
        dimensions.
    """
    name = class_name(estimator)
    refuse_none(y, name)
    refuse_sparse(y, "y")
    values = to_array(y, None)
    if values.dtype.kind in "USV":
        raise ValueError(
            "dtype='numeric' is not compatible with arrays of bytes/strings."
            "Convert your data to numeric values explicitly instead."
        )
    check_at_most_2d(values, name)
    check_finite_input(values, "y")
    check_not_empty(values, name)
    values = ravel_column(values)
    if values.dtype.kind == "O":
        values = values.astype(np.float64)
        check_finite_input(values, "y")
    return _as_dtype(values, dtype, "y")


def check_sample_weight(sample_weight: Any, n: int, dtype: Any) -> Array | None:
    """Return the weights of n samples.

    Parameters
    ----------
    sample_weight : array-like of shape (n,), number or None
        A number is the weight of every sample. Weights may be negative.
    n : int
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray of shape (n,), or None
        None for None.

    Raises
    ------
    TypeError, ValueError
        Another shape, sparse, complex, text, NaN, infinity, all zero.
    """
    if sample_weight is None:
        return None
    refuse_sparse(sample_weight, "sample_weight")
    if isinstance(sample_weight, Number):
        sample_weight = np.full(n, sample_weight)
    weights = to_array(sample_weight, FLOATS, order="C")
    check_at_most_2d(weights)
    check_finite_input(weights, "sample_weight")
    check_not_empty(weights)
    if weights.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weights.ndim}D array. "
            f"Expected either a scalar value or a 1D array of length {n}."
        )
    if weights.shape != (n,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected {(n,)}!")
    if not weights.any():
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return _as_dtype(weights, dtype, "sample_weight")


def _as_dtype(values: Array, dtype: Any, what: str) -> Array:
    """Return values in a dtype, if they fit into it."""
    if dtype is None or values.dtype == dtype:
        return values
    with np.errstate(over="ignore"):
        result = values.astype(dtype)
    check_finite_input(result, what)
    return result
