"""How values depend on each other: what is known beforehand, and what meets where.

A network is read along the values through which everything must pass on its way from
the input to the output. Between two of them lies one node, or a few that branch and
meet again: a residual block, or a formula that was spelled out.

References
----------
Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm", 2001.
"""

from __future__ import annotations

from ardoise.onnx.errors import OnnxError, shown
from ardoise.onnx.model import Model, Node

# Nodes between input and output: meeting points are found in time that grows with the
# square of their number. A residual network of 152 layers has 520.
MOST_NODES = 3000
MOST_IN_FORMULA = 40
COUNTING = ("Shape", "Size")  # depend on the shape of their input alone


class Paths:
    """The paths of a model that lead to one of its values.

    Parameters
    ----------
    model : Model
    output : str

    Attributes
    ----------
    producer : dict of str to Node
        Whatever a node gives → the node.
    before : dict of str to (str or None)
        A value that depends on the input → the nearest one through which all its paths
        from the input lead; None for the input itself.

    Raises
    ------
    OnnxError
        If there are too many nodes.
    """

    def __init__(self, model: Model, output: str) -> None:
        self.nodes = model.nodes
        self.before: dict[str, str | None] = {e.name: None for e in model.inputs}
        self._depth = {e.name: 0 for e in model.inputs}
        self._place = {
            name: i
            for i, node in enumerate(model.nodes)
            for name in filter(None, node.outputs)
        }
        self.producer = {name: model.nodes[i] for name, i in self._place.items()}
        needed = self._needed(output)
        if len(needed) > MOST_NODES:
            raise OnnxError("onnx.too_deep", most=MOST_NODES)
        for i in sorted(needed):
            self._enter(model.nodes[i])

    def _needed(self, output: str) -> set[int]:
        """Return the places of the nodes on which a value depends."""
        names, places = [output], set[int]()
        while names:
            place = self._place.get(names.pop())
            if place is not None and place not in places:
                places.add(place)
                names += self.nodes[place].inputs
        return places

    def moving(self, node: Node) -> list[str]:
        """Return those of a node's inputs that depend on the model's input."""
        return [name for name in node.inputs if name in self.before]

    def _enter(self, node: Node) -> None:
        """Find where the paths to a node's outputs last met."""
        moving = self.moving(node)
        if not moving or node.operator in COUNTING:
            return  # known beforehand
        meeting: str | None = moving[0]
        for name in moving[1:]:
            meeting = self._meeting(meeting, name)
        for name in filter(None, node.outputs):
            self.before[name] = meeting
            self._depth[name] = 0 if meeting is None else self._depth[meeting] + 1

    def _meeting(self, a: str | None, b: str | None) -> str | None:
        """Return the last value through which all paths to both lead."""
        while a != b:
            if a is None or b is None:
                return None  # they begin at different inputs
            if self._depth[a] >= self._depth[b]:
                a, b = b, a
            b = self.before[b]
        return a

    def between(self, start: str, end: str) -> list[str]:
        """Return the values from start to end through which everything must pass."""
        values, at = [end], end
        while at != start:
            before = self.before[at]
            if before is None:
                raise OnnxError("onnx.one_input", name=shown(end))
            values.append(before)
            at = before
        return values[::-1]

    def region(self, start: str, end: str) -> list[Node]:
        """Return the nodes between two values, in order; too many are cut off."""
        names, places = [end], set[int]()
        while names and len(places) <= MOST_IN_FORMULA:
            name = names.pop()
            if name != start and self._place.get(name) not in (None, *places):
                places.add(self._place[name])
                names += self.moving(self.producer[name])
        return [self.nodes[i] for i in sorted(places)]
