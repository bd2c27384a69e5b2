"""Single questions about arrays, each answered with nothing or an error.

The sentences are scikit-learn 1.9's.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, check_finite
from ardoise.engine.sparse import SparseRows
from ardoise.estimators.exceptions import warn
from ardoise.estimators.frames import is_sparse

ABOUT_NAN = (
    " does not accept missing values encoded as NaN natively. For supervised learning, "
    "you might want to consider sklearn.ensemble.HistGradientBoostingClassifier and "
    "Regressor which accept missing values encoded as NaNs natively. Alternatively, it "
    "is possible to preprocess the data, for instance by using an imputer transformer "
    "in a pipeline or drop samples with missing values. See "
    "https://scikit-learn.org/stable/modules/impute.html You can find a list of all "
    "estimators that handle NaN values at the following page: "
    "https://scikit-learn.org/stable/modules/impute.html"
    "#estimators-that-handle-nan-values"
)


def class_name(estimator: Any) -> str:
    """Return the name to put into messages, "" for None."""
    return "" if estimator is None else type(estimator).__name__


def check_finite_input(values: Array, what: str, name: str = "") -> None:
    """Refuse NaN and infinity, without a large temporary array.

    Parameters
    ----------
    values : array of any dtype
        Of objects, only NaN is looked for.
    what : str
        "X", "y" or "sample_weight".
    name : str
        The estimator's: adds advice about missing values.

    Raises
    ------
    ValueError
        Naming NaN, if there is one, else infinity.
    """
    if values.dtype.kind == "O" and np.any(values != values):
        raise ValueError("Input contains NaN")
    if values.dtype.kind != "f":
        return
    rows = values.reshape(1) if values.ndim == 0 else values
    try:
        check_finite(rows, what)
    except ValueError:
        flaw = _flaw(rows)
        message = f"Input {what} contains {flaw}."
        if name and what == "X" and flaw == "NaN":
            message += f"\n{name}{ABOUT_NAN}"
        raise ValueError(message) from None


def _flaw(values: Array) -> str:
    """Say what is wrong with numbers that are not all finite."""
    step = max(1, 2**20 // max(1, values[:1].size))
    blocks = (values[start : start + step] for start in range(0, len(values), step))
    if any(np.isnan(block).any() for block in blocks):
        return "NaN"
    return f"infinity or a value too large for {values.dtype!r}"


def check_not_empty(x: Array | SparseRows, name: str = "") -> None:
    """Refuse arrays without dimension, without samples or, in two, without features.

    Raises
    ------
    TypeError, ValueError
    """
    if x.ndim == 0:
        raise TypeError(
            "Input should have at least 1 dimension i.e. satisfy `len(x.shape) > 0`, "
            f"got scalar `{x!r}` instead."
        )
    what = ""
    if x.shape[0] == 0:
        what = "sample"
    elif x.ndim == 2 and x.shape[1] == 0:
        what = "feature"
    if what:
        raise ValueError(
            f"Found array with 0 {what}(s) (shape={x.shape}) while a minimum of 1 is "
            f"required{_by(name)}."
        )


def check_at_most_2d(x: Array, name: str = "") -> None:
    """Refuse arrays of more than two dimensions.

    Raises
    ------
    ValueError
    """
    if x.ndim > 2:
        raise ValueError(
            f"Found array with dim {x.ndim}, while dim <= 2 is required{_by(name)}."
        )


def _by(name: str) -> str:
    return f" by {name}" if name else ""


def refuse_none(y: Any, name: str = "") -> None:
    """Refuse None as targets.

    Raises
    ------
    ValueError
    """
    if y is None:
        who = f"{name} estimator" if name else "estimator"
        raise ValueError(
            f"This {who} requires y to be passed, but the target y is None."
        )


def refuse_sparse(values: Any, what: str) -> None:
    """Refuse sparse matrices.

    Raises
    ------
    TypeError
    """
    if is_sparse(values):
        raise TypeError(
            f"Sparse data was passed for {what}, but dense data is required. Use "
            "'.toarray()' to convert to a dense numpy array."
        )


def ravel_column(y: Array) -> Array:
    """Return (n, 1) as (n,), with a DataConversionWarning; other arrays as they are."""
    if y.ndim != 2 or y.shape[1] != 1:
        return y
    warn(
        "DataConversionWarning",
        "A column-vector y was passed when a 1d array was expected. Please change the "
        "shape of y to (n_samples, ), for example using ravel().",
    )
    return y.ravel()


def check_consistent_length(*arrays: Any) -> None:
    """Refuse arrays that differ in length; None counts for nothing.

    Raises
    ------
    ValueError
        With all lengths.
    """
    lengths = [
        int(values.shape[0]) if hasattr(values, "shape") else len(values)
        for values in arrays
        if values is not None
    ]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: {lengths}"
        )


def check_random_state(seed: Any) -> np.random.RandomState | np.random.Generator:
    """Return a source of random numbers.

    Parameters
    ----------
    seed : None, int, RandomState or Generator
        None, which in scikit-learn means NumPy's global generator, is here a new one
        that the system seeds: the global one is neither read nor written, so
        `numpy.random.seed` has no effect. An int seeds a new RandomState; the others
        are returned as they are.

    Raises
    ------
    ValueError
        Anything else, or an int that is no seed.
    """
    if seed is None or seed is np.random:
        return np.random.RandomState()
    if isinstance(seed, Integral):
        return np.random.RandomState(int(seed))
    if isinstance(seed, np.random.RandomState | np.random.Generator):
        return seed
    raise ValueError(
        f"{seed!r} cannot be used to seed a numpy.random.RandomState instance"
    )
