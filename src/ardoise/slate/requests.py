"""What a page may ask, checked: numbers, words and classes of a request."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ardoise.messages import UserError

Request = dict[str, Any]
Arrays = dict[str, NDArray[Any]]
Answer = tuple[dict[str, Any], Arrays]


class SlateError(UserError):
    """Something the page asked for that cannot be done, in one sentence."""


def class_of(
    classes: tuple[str, ...], request: Mapping[str, Any], name: str = "label"
) -> int:
    """Return the class that a request names: by its name, or by its number.

    Raises
    ------
    SlateError
        If there is no such class.
    """
    given = request.get(name)
    if isinstance(given, str) and given in classes:
        return classes.index(given)
    if type(given) is int and 0 <= given < len(classes):
        return given
    raise SlateError("slate.request.label", got=given, classes=", ".join(classes))


def number_of(
    request: Mapping[str, Any],
    name: str,
    low: float,
    high: float,
    default: float | None = None,
) -> float:
    """Return a number of a request, from low to high.

    Raises
    ------
    SlateError
        If it is missing without a default, or is no such number.
    """
    given = request.get(name, default)
    if type(given) in (int, float) and low <= given <= high:
        return float(given)
    raise SlateError(
        "slate.request.number", name=name, low=f"{low:g}", high=f"{high:g}", got=given
    )


def whole_of(
    request: Mapping[str, Any],
    name: str,
    low: int,
    high: int,
    default: int | None = None,
) -> int:
    """Return a whole number of a request, from low to high.

    Raises
    ------
    SlateError
        As `number_of`.
    """
    number = number_of(request, name, low, high, default)
    if number != int(number):
        raise SlateError(
            "slate.request.number", name=name, low=low, high=high, got=number
        )
    return int(number)


def choice_of(
    request: Mapping[str, Any],
    name: str,
    choices: Mapping[str, Any] | tuple[str, ...],
    default: str | None = None,
) -> str:
    """Return a word of a request, one of some.

    Raises
    ------
    SlateError
        If it is another.
    """
    given = request.get(name, default)
    if isinstance(given, str) and given in choices:
        return given
    names = ", ".join(choices)
    raise SlateError("slate.request.choice", name=name, choices=names, got=given)
