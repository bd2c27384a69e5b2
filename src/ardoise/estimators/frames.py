"""Tables and other containers as arrays: pandas, polars and the like, never imported.

What an object is, is told by what it has: a pandas-like table has ``iloc`` and
``dtypes``, a table of any make has ``columns``, a sparse matrix has ``tocsr`` and
``toarray``.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.exceptions import ComplexWarning

from ardoise.engine.arrays import Array
from ardoise.estimators.exceptions import warn


def is_sparse(values: Any) -> bool:
    """Say whether an object is a sparse matrix or array as SciPy's."""
    return hasattr(values, "tocsr") and hasattr(values, "toarray")


def as_dense(values: Any) -> Any:
    """Return a sparse matrix as an array, anything else as it is."""
    return values.toarray() if is_sparse(values) else values


def has_bytes(values: Any) -> bool:
    """Say whether an array, a table or a sparse matrix holds bytes (uint8)."""
    return not isinstance(values, list | tuple) and all(
        (kind, size) == ("u", 1) for kind, size in _kinds(values)
    )


def has_whole_numbers(values: Any) -> bool:
    """Say whether whole numbers are all that something holds: lists, an array…"""
    return all(kind in "iu" for kind, _ in _kinds(values))


def _kinds(values: Any) -> list[tuple[str, int]]:
    """Return the kind and the bytes of each dtype in something."""
    dtypes = _column_dtypes(values)
    if not dtypes:
        own = getattr(values, "dtype", None)
        if not hasattr(own, "kind"):  # lists; a table of polars; a tensor
            own = _natural_dtype(values)
        dtypes = [own]
    return [(getattr(d, "kind", "O"), getattr(d, "itemsize", 0)) for d in dtypes]


def _natural_dtype(values: Any) -> Any:
    try:
        return np.asarray(values).dtype
    except (TypeError, ValueError):  # ragged, say: refused later, in better words
        return np.dtype(object)


def feature_names(X: Any) -> Array | None:
    """Return the column names of a table.

    Parameters
    ----------
    X : object

    Returns
    -------
    ndarray of str objects, or None
        None if X is no table, or if no name is a str.

    Raises
    ------
    TypeError
        If some names are str and others are not.
    ValueError
        If two columns have the same name.
    """
    listed = None if isinstance(X, np.ndarray) else _columns(X)
    if not listed:
        return None
    repeated = {name: k for name, k in Counter(listed).items() if k > 1}
    if repeated:
        lines = [f"\n- '{name}' {k} times" for name, k in repeated.items()]
        raise ValueError(f"Expected unique column names, got:{''.join(lines)}")
    types = sorted({type(name).__qualname__ for name in listed})
    if len(types) > 1 and "str" in types:
        raise TypeError(
            "Feature names are only supported if all input features have string names, "
            f"but your input has {types} as feature name / column name types. If you "
            "want feature names to be stored and validated, you must convert them all "
            "to strings, by using X.columns = X.columns.astype(str) for example. "
            "Otherwise you can remove feature / column names from your input data, or "
            "convert them all to a non-string data type."
        )
    return np.array(listed, dtype=object) if types == ["str"] else None


def _columns(X: Any) -> list[Any]:
    if hasattr(X, "column_names") and hasattr(X, "num_rows"):  # Arrow's tables
        return list(X.column_names)
    return list(X.columns) if hasattr(X, "columns") and hasattr(X, "shape") else []


def is_series(values: Any) -> bool:
    """Say whether an object is a pandas-like column, or the array in it."""
    # A table may have a column called dtype.
    if getattr(values, "ndim", 0) != 1 or not hasattr(values, "dtype"):
        return False
    return hasattr(values, "iloc") or hasattr(values.dtype, "na_value")


def sparse_columns(values: Any) -> Any:
    """Return a pandas-like table whose columns are all sparse as a sparse matrix.

    Anything else comes back as it is, with scikit-learn's warning if some columns are
    sparse.
    """
    if is_series(values) or not _is_pandas_like(values):
        return values
    sparse = [type(dtype).__name__ == "SparseDtype" for dtype in values.dtypes]
    if sparse and all(sparse):
        return values.sparse.to_coo()
    if any(sparse):
        warn(
            "UserWarning",
            "pandas.DataFrame with sparse columns found."
            "It will be converted to a dense numpy array.",
        )
    return values


def to_array(values: Any, dtypes: Sequence[Any] | None, *, order: Any = None) -> Array:
    """Return array-like values as an array of the base class.

    Without a copy where none is needed: memory maps stay views of the file.

    Parameters
    ----------
    values : array-like
        Lists, arrays, tables, columns, objects with ``__array__``.
    dtypes : sequence of dtype, or None
        Arrays of these dtypes keep theirs, others get the first. None: any dtype.
    order : {"C"} or None
        Whether the result must be C-contiguous.

    Raises
    ------
    TypeError, ValueError
        For `numpy.matrix`, complex numbers, and what NumPy cannot convert.
    """
    if isinstance(values, np.matrix):
        raise TypeError(
            "np.matrix is not supported. Please convert to a numpy array with "
            "np.asarray. For more information see: "
            "https://numpy.org/doc/stable/reference/generated/numpy.matrix.html"
        )
    columns = _column_dtypes(values)
    own = _own_dtype(values, columns)
    wanted = None
    # No "own in dtypes": to NumPy, None equals float64.
    kept = own is not None and any(own == np.dtype(each) for each in dtypes or ())
    if dtypes is not None and not kept:
        wanted = np.dtype(dtypes[0])
    if any(_is_opaque(dtype) for dtype in columns):
        # Their __array__ would make objects of them.
        if wanted is None:
            wanted = np.dtype(np.float64) if own is None else own
        values, wanted = values.astype(wanted), None
    return _convert(values, wanted, order)


def _convert(values: Any, dtype: Any, order: Any) -> Array:
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return np.asarray(values, dtype=dtype, order=order)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ComplexWarning)
            result = np.asarray(values, dtype=dtype, order=order)
    except ComplexWarning as warning:
        raise ValueError(f"Complex data not supported\n{values}\n") from warning
    if result.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{result}\n")
    return result


def _column_dtypes(values: Any) -> list[Any]:
    """Return the dtypes of a pandas-like table or column, else nothing."""
    if is_series(values):
        return [values.dtype]
    return list(values.dtypes) if _is_pandas_like(values) else []


def _is_pandas_like(values: Any) -> bool:
    return hasattr(values, "iloc") and hasattr(values, "dtypes")


def _own_dtype(values: Any, columns: list[Any]) -> np.dtype[Any] | None:
    """Return the dtype that values have, as an array, without conversion."""
    if not columns:
        dtype = getattr(values, "dtype", None)
        return dtype if isinstance(dtype, np.dtype) else None
    if all(isinstance(dtype, np.dtype) for dtype in columns):
        return np.result_type(*columns)
    opaque = any(_is_opaque(dtype) for dtype in columns)
    texts = any(type(dtype).__name__ == "StringDtype" for dtype in columns)
    objects = any(getattr(dtype, "char", "") == "O" for dtype in columns)
    return np.dtype(object) if texts or (opaque and objects) else None


def _is_opaque(dtype: Any) -> bool:
    """Say whether a column must be converted by its own methods.

    Truth values beside numbers, and numbers that may be missing (which become NaN).
    """
    if isinstance(dtype, np.dtype):
        return dtype.kind == "b"
    plain = type(dtype).__name__ != "SparseDtype"
    return plain and getattr(dtype, "kind", "O") in tuple("iufb")
