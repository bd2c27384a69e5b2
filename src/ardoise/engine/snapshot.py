"""Where a training stands between two steps: all that another one needs to go on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from ardoise.engine.arrays import Array
from ardoise.engine.errors import SnapshotError
from ardoise.engine.history import History

COUNTS = ("epoch", "step", "epoch_samples", "hits", "optimizer_steps", "average_steps")
MOST = 2**53  # up to here, a count is a number in every language
# What a description that means nothing can make Python raise.
NONSENSE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Snapshot(NamedTuple):
    """A training between two steps: all that another one needs to go on to the bit.

    Attributes
    ----------
    values : dict
        JSON values: where it stands, generators, history, what callbacks remember.
    arrays : dict of str to array
        Weights, running statistics, the optimiser's vectors, the epoch's rows… copies.
    """

    values: dict[str, Any]
    arrays: dict[str, Array]


@contextmanager
def refused() -> Iterator[None]:
    """Raise whatever a snapshot that means nothing leads to as one error.

    Raises
    ------
    SnapshotError
    """
    try:
        yield
    except SnapshotError:
        raise
    except NONSENSE as error:
        raise SnapshotError("it lacks something, or says it in another way") from error


def check(snapshot: Snapshot) -> None:
    """Refuse a snapshot that contradicts itself.

    Raises
    ------
    SnapshotError
    """
    with refused():
        values, arrays = snapshot
        for name in COUNTS:
            if type(values[name]) is not int or not 0 <= values[name] < MOST:
                raise SnapshotError(f"{name} must be a whole number from 0")
        if type(values["in_epoch"]) is not bool:
            raise SnapshotError("in_epoch must be true or false")
        rate = values["learning_rate"]
        numbers = [values["loss_sum"], values["seconds"], 0 if rate is None else rate]
        if not all(map(_is_finite, numbers)):
            raise SnapshotError("loss_sum, seconds and learning_rate must be numbers")
        _check_history(values["history"])
        remembered = values["callbacks"]
        if not isinstance(remembered, list) or not all(
            isinstance(one, dict) for one in remembered
        ):
            raise SnapshotError("what callbacks remember must be a list of maps")
        _check_rows(values, arrays)


def _is_finite(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _check_history(history: Any) -> None:
    if not isinstance(history, dict) or tuple(history) != History.COLUMNS:
        raise SnapshotError("the history has other columns")
    columns = list(history.values())
    length = len(history["epoch"])
    if not all(isinstance(c, list) and len(c) == length for c in columns):
        raise SnapshotError("the history's columns are not equally long lists")
    if not all(v is None or _is_finite(v) for column in columns for v in column):
        raise SnapshotError("the history holds something that is no number")


def _check_rows(values: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    rows = arrays.get("rows")
    if rows is None:
        return
    if rows.ndim != 1 or rows.dtype.kind != "i" or (rows < 0).any():
        raise SnapshotError("the order of the samples is not a list of rows")
    if values["epoch_samples"] > len(rows):
        raise SnapshotError("more samples were seen than there are")


def fill(vector: Array, found: Array) -> None:
    """Copy an array of the snapshot to where it belongs.

    Raises
    ------
    SnapshotError
        If it has another shape or dtype.
    """
    if (found.shape, found.dtype) != (vector.shape, vector.dtype):
        raise SnapshotError(
            f"an array must have shape {vector.shape} and dtype {vector.dtype}; "
            f"got {found.shape} and {found.dtype}"
        )
    vector[...] = found
