"""What values a parameter may have, said once, and checked when training begins.

A table gives for each parameter the alternatives that are allowed; the error lists
them in scikit-learn's words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np

from ardoise.estimators.exceptions import joined
from ardoise.estimators.frames import is_sparse


class InvalidParameterError(ValueError, TypeError):
    """A parameter has a value that it must not have."""


def _type_name(kind: type) -> str:
    names: dict[Any, str] = {Real: "float", Integral: "int"}
    if kind in names or kind.__module__ == "builtins":
        return names.get(kind, kind.__qualname__)
    return f"{kind.__module__}.{kind.__qualname__}"


class Constraint:
    """Base class: a set of values, and the words for it (``str``)."""

    def accepts(self, value: Any) -> bool:
        """Say whether the value belongs to the set."""
        raise NotImplementedError


@dataclass(frozen=True)
class Interval(Constraint):
    """Numbers between two bounds.

    NumPy's scalars count as numbers; True and False too, as in scikit-learn.

    Parameters
    ----------
    kind : {"int", "float"}
        An int is a float, but not the other way round.
    low, high : number or None
        None: no bound.
    closed : {"left", "right", "both", "neither"}
        Which of the bounds belong to the interval.
    """

    kind: Literal["int", "float"]
    low: float | None = None
    high: float | None = None
    closed: Literal["left", "right", "both", "neither"] = "left"

    def accepts(self, value: Any) -> bool:
        if not isinstance(value, Integral if self.kind == "int" else Real):
            return False
        number: Any = value
        if not isinstance(number, Integral) and math.isnan(number):
            return False
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        above = number >= low if self.closed in ("left", "both") else number > low
        below = number <= high if self.closed in ("right", "both") else number < high
        return bool(above and below)

    def __str__(self) -> str:
        number = int if self.kind == "int" else float
        low = "-inf" if self.low is None else number(self.low)
        high = "inf" if self.high is None else number(self.high)
        left = "[" if self.closed in ("left", "both") else "("
        right = "]" if self.closed in ("right", "both") else ")"
        article = "an int" if self.kind == "int" else "a float"
        return f"{article} in the range {left}{low}, {high}{right}"


class Choice(Constraint):
    """One of a few values of a type.

    Parameters
    ----------
    options : iterable
        The values, in the order in which the error lists them.
    kind : type
        What a value must be an instance of.
    """

    def __init__(self, options: Sequence[Any] | set[Any], kind: type = str) -> None:
        self.options, self.kind = tuple(options), kind

    def accepts(self, value: Any) -> bool:
        return isinstance(value, self.kind) and value in self.options

    def __str__(self) -> str:
        listed = ", ".join(repr(option) for option in self.options)
        return f"a {_type_name(self.kind)} among {{{listed}}}"


class Instance(Constraint):
    """Instances of a type.

    Parameters
    ----------
    kind : type
    words : str, optional
        What the error says instead of "an instance of 'module.Type'".
    """

    def __init__(self, kind: type, words: str | None = None) -> None:
        self.kind = kind
        self.words = words or f"an instance of {_type_name(kind)!r}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, self.kind)

    def __str__(self) -> str:
        return self.words


class OneOf(Constraint):
    """Whatever one of several constraints accepts."""

    def __init__(self, *parts: Constraint) -> None:
        self.parts = parts

    def accepts(self, value: Any) -> bool:
        return any(part.accepts(value) for part in self.parts)

    def __str__(self) -> str:
        return _alternatives(self.parts)


class _None(Constraint):
    def accepts(self, value: Any) -> bool:
        return value is None

    def __str__(self) -> str:
        return "None"


class _Callable(Constraint):
    def accepts(self, value: Any) -> bool:
        return callable(value)

    def __str__(self) -> str:
        return "a callable"


class _ArrayLike(Constraint):
    """Has a length or a shape, and is no scalar, no text and no sparse matrix."""

    def accepts(self, value: Any) -> bool:
        has = any(hasattr(value, name) for name in ("__len__", "shape", "__array__"))
        return has and not np.isscalar(value) and not is_sparse(value)

    def __str__(self) -> str:
        return "an array-like"


class _InOrder(_ArrayLike):
    """An array-like whose entries have an order, and which has a dimension."""

    def accepts(self, value: Any) -> bool:
        ordered = not isinstance(value, Mapping | Set)
        return ordered and not is_one(value) and super().accepts(value)

    def __str__(self) -> str:
        return "a sequence"


NONE = _None()
CALLABLE = _Callable()
ARRAY_LIKE = _ArrayLike()
SEQUENCE = _InOrder()
BOOLEAN = OneOf(Instance(bool), Instance(np.bool_))
VERBOSE = OneOf(Interval("int", 0, None), *BOOLEAN.parts)
RANDOM_STATE = OneOf(
    Interval("int", 0, 2**32 - 1, closed="both"),
    Instance(np.random.RandomState),
    Instance(np.random.Generator),
    NONE,
)


def validate_parameters(
    estimator: Any, constraints: Mapping[str, Sequence[Constraint]]
) -> None:
    """Refuse an estimator that has a parameter with a wrong value.

    Parameters
    ----------
    estimator : object
        With `get_params`.
    constraints : mapping of str to sequence of Constraint
        For each parameter the alternatives; one that is not listed may be anything.

    Raises
    ------
    InvalidParameterError
        Which is a ValueError and a TypeError: "The 'alpha' parameter of MLPClassifier
        must be a float in the range [0.0, inf). Got -1 instead."
    """
    # The attributes too: a subclass with a constructor of its own has ours besides.
    values = {**vars(estimator), **estimator.get_params(deep=False)}
    for name, value in values.items():
        allowed = constraints.get(name)
        if allowed is None or any(each.accepts(value) for each in allowed):
            continue
        error = joined(InvalidParameterError, "sklearn.utils._param_validation")
        raise error(
            f"The {name!r} parameter of {type(estimator).__name__} must be "
            f"{_alternatives(allowed)}. Got {value!r} instead."
        )


def is_one(value: Any) -> bool:
    """Say whether a parameter has one value, not one for each of several things."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0
    return isinstance(value, str | bytes | type) or not hasattr(value, "__iter__")


def in_order(value: Any) -> list[Any]:
    """Return a sequence as a list; one value in a list; nothing if it has no order."""
    if isinstance(value, Mapping | Set):
        return []
    return [value] if is_one(value) else list(value)


def whole_numbers(name: str, value: Any) -> list[int]:
    """Return one or several positive whole numbers, such as sizes, as a list.

    Raises
    ------
    ValueError
        If one is no whole number, or not positive.
    """
    listed = in_order(value)
    unordered = isinstance(value, Mapping | Set)
    if unordered or not all(isinstance(one, Integral) for one in listed):
        raise ValueError(
            f"{name} must be a positive whole number or a sequence of such; got "
            f"{value!r}"
        )
    if any(one <= 0 for one in listed):
        raise ValueError(f"{name} must be > 0, got {listed}.")
    return [int(one) for one in listed]


def _alternatives(constraints: Sequence[Constraint]) -> str:
    *first, last = (str(constraint) for constraint in constraints)
    return f"{', '.join(first)} or {last}" if first else last
