"""Values of a model that are known before any input comes.

Weights, and what is made of them; and shapes, which exporters like to compute at run
time. The length of a batch is not known: a number stands for it that no other length
has, and what is computed from it can be recognised.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.errors import OnnxError, shown
from ardoise.onnx.model import Model, Node
from ardoise.onnx.ops import OPERATORS, compute
from ardoise.onnx.ops.registry import Call
from ardoise.onnx.paths import COUNTING, Paths
from ardoise.onnx.tensors import Text

MOST_WHOLE = 64  # numbers that say something about axes
UNKNOWN_BATCH = 2**31 - 1  # a prime: no product of other lengths

# Operators whose result takes no more time than their inputs have numbers.
CHEAP = {
    *("Abs", "Add", "Cast", "Ceil", "Concat", "Constant", "ConstantOfShape"),
    *("DequantizeLinear", "Div", "Equal", "Expand", "Flatten", "Floor", "Gather"),
    *("Identity", "Max", "Min", "Mul", "Neg", "Pow", "Range", "Reciprocal"),
    *("ReduceProd", "Reshape", "Shape", "Size", "Slice", "Split", "Sqrt", "Squeeze"),
    *("Sub", "Transpose", "Unsqueeze", "Where"),
}


class Statics:
    """Computes values when they are asked for.

    Parameters
    ----------
    model : Model
    paths : Paths

    Attributes
    ----------
    shapes : dict of str to tuple of int
        Values that depend on the input → their shapes, as far as they were found.
    """

    def __init__(self, model: Model, paths: Paths) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._model, self._paths = model, paths
        self._values: dict[str, Array | Text] = dict(model.constants)
        # A few nodes can double the weights again and again: not beyond this.
        self._numbers_left = model.size + (1 << 16)

    def value(self, name: str) -> Array | None:
        """Return a value as an array; None, if it depends on the input.

        Raises
        ------
        OnnxError
            If it cannot be computed.
        """
        # With a list rather than by recursion: a file may nest them as it likes.
        waiting = [name]
        while waiting:
            at = waiting[-1]
            if at in self._values:
                waiting.pop()
                continue
            node = self._paths.producer.get(at)
            if node is None or at in self._paths.before:
                return None
            missing = self._missing(node)
            if missing:
                waiting += missing
                continue
            self._compute(node)
            if at not in self._values:
                return None
        value = self._values[name]
        if isinstance(value, Text):
            raise OnnxError("onnx.dtype", name=shown(name), code=8)
        return value

    def _missing(self, node: Node) -> list[str]:
        if self._counts(node):
            return []
        return [name for name in node.inputs if name and name not in self._values]

    def _counts(self, node: Node) -> bool:
        """Return whether a node gives the shape of what depends on the input."""
        inputs = node.inputs[:1]
        return node.operator in COUNTING and any(
            n in self._paths.before for n in inputs
        )

    def _compute(self, node: Node) -> None:
        """Compute a node whose inputs are there."""
        if node.operator not in CHEAP:
            raise refusal(node)
        if self._counts(node):
            results: tuple[Array, ...] = (self._counted(node),)
        else:
            inputs = [self._values[name] if name else None for name in node.inputs]
            while inputs and inputs[-1] is None:
                inputs.pop()
            results = compute(node, inputs, self._model.opset, self._numbers_left)
        self._numbers_left -= sum(result.size for result in results)
        if self._numbers_left < 0:
            raise OnnxError(
                "onnx.too_large",
                node=shown(node.name),
                operator=shown(node.operator),
                most=self._model.size,
            )
        self._values |= {n: y for n, y in zip(node.outputs, results, strict=False) if n}

    def _counted(self, node: Node) -> Array:
        """Return the shape, or the size, of a value that depends on the input."""
        shape = self.shapes.get(node.inputs[0])
        if shape is None or math.prod(shape) >= 1 << 62:
            raise refusal(node)
        if node.operator == "Size":
            return np.array(math.prod(shape), np.int64)
        call = Call(node, self._model.opset, OPERATORS["Shape"].attributes, 0)
        return np.array(shape[call["start"] : call["end"]], np.int64)

    def whole(self, node: Node, name: str) -> Sequence[int] | None:
        """Return a value as whole numbers; None, if it is left out."""
        if not name:
            return None
        array = self.value(name)
        if array is None or array.dtype.kind not in "iu" or array.size > MOST_WHOLE:
            raise refusal(node)
        return [int(n) for n in array.reshape(-1).tolist()]


def refusal(node: Node) -> OnnxError:
    """Return the error for a node that no layer of Ardoise does."""
    return OnnxError("onnx.layer", node=shown(node.name), operator=shown(node.operator))
