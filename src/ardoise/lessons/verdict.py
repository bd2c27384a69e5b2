"""What a check found: whether a file is mended, and what shows it."""

from dataclasses import dataclass, field
from typing import Any


class Share(float):
    """A fraction that is shown in percent."""


@dataclass(frozen=True)
class Line:
    """A sentence with its numbers.

    Attributes
    ----------
    key : str
        A key of the locale files.
    values : dict
        The sentence's values; a `Share` is shown in percent.
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Slope:
    """One entry of a gradient: what the file computes, and what was measured."""

    name: str
    place: tuple[int, ...]
    computed: float
    measured: float
    error: float
    right: bool


@dataclass(frozen=True)
class Slopes:
    """A gradient check: of each parameter the entry that is farthest off."""

    n: int
    rows: tuple[Slope, ...]


@dataclass(frozen=True)
class Curve:
    """How a quantity went during the training.

    Attributes
    ----------
    quantity : str
        ``"accuracy"`` or ``"rate"``.
    steps : tuple of int
    values : tuple of float
    wanted : float or None
        What the last value should at least be.
    """

    quantity: str
    steps: tuple[int, ...]
    values: tuple[float, ...]
    wanted: float | None = None


Evidence = Line | Slopes | Curve


@dataclass(frozen=True)
class Verdict:
    """Whether a file is mended.

    Attributes
    ----------
    mended : bool
    evidence : tuple of Evidence
        In the order in which it is to be read.
    """

    mended: bool
    evidence: tuple[Evidence, ...]
