"""The same question to us and to scikit-learn, and everything that came of it."""

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

from ardoise.engine.sparse import SparseRows


class Theirs(MLPClassifier):
    """scikit-learn's estimator, under a name that both can have."""


class Ours:
    pass


Theirs.__name__ = Ours.__name__ = "MLPClassifier"


def outcome(question):
    """Return what it answers or raises, and its warnings, as values to compare."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = described(question())
        except Exception as error:
            bases = tuple(t.__name__ for t in (ValueError, TypeError, AttributeError))
            kinds = [t.__name__ for t in type(error).__mro__ if t.__name__ in bases]
            answer = kinds, str(error)
    told = [
        (w.category.__name__, str(w.message))
        for w in caught
        if not issubclass(w.category, (DeprecationWarning, RuntimeWarning))
    ]
    return answer, told


def described(value):
    """Return a value as something that == compares as a whole, dtypes included."""
    if isinstance(value, SparseRows):
        return "sparse", described(value[:])
    if hasattr(value, "toarray"):
        return "sparse", described(value.toarray())
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tolist()
    if isinstance(value, (tuple, list)):
        return [described(item) for item in value]
    return value


class NotAnArray:
    """Has ``__array__`` and nothing else."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)
