"""A graph of ONNX as it is drawn: nodes, constants, and values between them.

Ardoise keeps the channels of an image last, and ONNX computes with them first: a value
knows which way it stands, and is turned where the next node wants it otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.onnx.tensors import tensor_message
from ardoise.onnx.wire import Message


@dataclass(frozen=True)
class Place:
    """A value of the graph.

    Attributes
    ----------
    name : str
    shape : tuple of int
        Of one sample, channels last, whichever way it stands.
    first : bool
        Whether the channels stand first.
    """

    name: str
    shape: Shape
    first: bool = False


class Drawing:
    """Nodes and constants of a graph, in order.

    Parameters
    ----------
    dtype : numpy dtype
        Of its numbers.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.nodes: list[Message] = []
        self.initializers: list[Message] = []
        self._turned: dict[str, str] = {}

    def add(
        self, operator: str, inputs: Sequence[str], name: str, **attributes: Any
    ) -> str:
        """Add a node with one output, both of this name; return it."""
        self.nodes.append(
            {
                "input": list(inputs),
                "output": [name],
                "name": name,
                "op_type": operator,
                "attribute": [_attribute(k, v) for k, v in attributes.items()],
            }
        )
        return name

    def constant(self, name: str, array: Array) -> str:
        """Add an array as numbers of the graph's type, and return its name."""
        return self.tensor(name, array.astype(self.dtype))

    def tensor(self, name: str, array: Array) -> str:
        """Add an array as it is, and return its name."""
        self.initializers.append(tensor_message(name, array))
        return name

    def product(
        self,
        x: Place,
        label: str,
        W: Array,
        b: Array | None,
        order: tuple[int, ...],
    ) -> list[str]:
        """Return the inputs of the node that multiplies x by W and adds b.

        ``order`` is that of W's axes in ONNX; the last axis of W is the outputs'.
        """
        inputs = [x.name, self.constant(f"{label}.W", W.transpose(order))]
        return inputs if b is None else [*inputs, self.constant(f"{label}.b", b)]

    def rounded(self, x: Place, label: str, *, relu_follows: bool) -> Place:
        """Return what a layer gives as the layers behind it read it."""
        return x

    def finish(self) -> None:
        """Say that all layers are drawn."""

    def first(self, x: Place) -> Place:
        """Return a value with its channels first; vectors stand both ways."""
        axes = len(x.shape)
        return x if x.first or axes < 2 else self._turn(x, (0, axes, *range(1, axes)))

    def last(self, x: Place) -> Place:
        """Return a value with its channels last."""
        axes = len(x.shape)
        return self._turn(x, (0, *range(2, axes + 1), 1)) if x.first else x

    def _turn(self, x: Place, perm: tuple[int, ...]) -> Place:
        if x.name not in self._turned:
            self._turned[x.name] = self.add(
                "Transpose", [x.name], f"{x.name}.turned", perm=perm
            )
        return Place(self._turned[x.name], x.shape, not x.first)

    def name_output(self, x: Place, name: str) -> None:
        """Give the last value the name of an output."""
        if self.nodes and self.nodes[-1]["output"] == [x.name]:
            self.nodes[-1]["output"] = [name]
        else:
            self.add("Identity", [x.name], name)


def _attribute(name: str, value: Any) -> Message:
    """Return an attribute: a whole number, several, or a number with a point."""
    if isinstance(value, int):
        return {"name": name, "i": value, "type": 2}
    if isinstance(value, float):
        return {"name": name, "f": value, "type": 1}
    return {"name": name, "ints": value, "type": 7}
