"""One vector for all the numbers that a network learns.

Layers ask for parameters by name and shape (`ParamSpec`); a `Layout` gives each its
place in one vector, once and for ever, decayed arrays first. Layers then hold views:
what an optimiser does to the vector, every layer sees.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.initializers import Initializer


class ParamSpec(NamedTuple):
    """One array that a layer needs.

    Attributes
    ----------
    name : str
        Its name within the layer: ``"W"``, ``"b"``, ``"gamma"``.
    shape : tuple of int
    initializer : Initializer
        Fills it at the start.
    decay : bool
        Whether weight decay acts on it (weights: yes; biases and scales: no).
    """

    name: str
    shape: Shape
    initializer: Initializer
    decay: bool = False


class _Entry(NamedTuple):
    key: str
    spec: ParamSpec
    place: slice


class Layout:
    """The place of every array in the vector: decayed first, then the rest.

    Parameters
    ----------
    specs : iterable of (key, ParamSpec)
        In layer order. A key is ``"layer number.name"``, such as ``"0.W"``.

    Attributes
    ----------
    size : int
        Length of the vector.
    n_decay : int
        Length of its first part, on which weight decay acts.
    entries : tuple
        ``key``, ``spec`` and ``place`` (a slice) of each array, in vector order.
    """

    def __init__(self, specs: Iterable[tuple[str, ParamSpec]]) -> None:
        # sorted() is stable: layer order holds within each of the two parts.
        ordered = sorted(specs, key=lambda item: not item[1].decay)
        entries = []
        start = 0
        for key, spec in ordered:
            stop = start + math.prod(spec.shape)
            entries.append(_Entry(key, spec, slice(start, stop)))
            start = stop
        self.entries = tuple(entries)
        self.size = start
        self.n_decay = sum(math.prod(e.spec.shape) for e in entries if e.spec.decay)

    def views(self, vector: Array) -> dict[str, Array]:
        """Return key → view of ``vector`` (shape ``(size,)``) with the array's shape.

        Raises
        ------
        ValueError
            If the vector has another length, or is not contiguous (a reshape would
            copy it and cut the views loose).
        """
        if vector.shape != (self.size,) or not vector.flags.c_contiguous:
            raise ValueError(
                f"expected a contiguous vector of {self.size} numbers; "
                f"got shape {vector.shape}"
            )
        return {e.key: vector[e.place].reshape(e.spec.shape) for e in self.entries}


def below(prefix: str, views: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays whose names begin with ``prefix.``, without it."""
    return {
        name.removeprefix(f"{prefix}."): view
        for name, view in views.items()
        if name.startswith(f"{prefix}.")
    }
