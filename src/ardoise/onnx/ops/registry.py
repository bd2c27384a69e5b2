"""The table of operators: name → what computes it, and which attributes it may have.

An operator is a function from a `Call` and the arrays of its inputs (None where one was
left out) to an array, or to a tuple of them. What it does not know it refuses with an
`OnnxError`; a `ValueError` out of NumPy becomes one on the way (`compute`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.onnx.errors import OnnxError, shown
from ardoise.onnx.model import Node
from ardoise.onnx.tensors import Text

Result = Array | tuple[Array, ...]
Input = Array | None

# Numbers that one result may have, where nobody says otherwise: 1 GiB of float32.
MOST_NUMBERS = 1 << 28


class Call:
    """One node at work: its attributes, and how far it may go.

    Attributes
    ----------
    node : Node
    opset : int
        Decides what an operator of that name means.
    most : int
        Numbers that a result may have: a few bytes can ask for terabytes.
    """

    def __init__(
        self, node: Node, opset: int, defaults: Mapping[str, Any], most: int
    ) -> None:
        self.node, self.opset, self.most = node, opset, most
        self._values = {
            name: None if isinstance(value, type) else value
            for name, value in defaults.items()
        }
        for name, value in node.attributes.items():
            if name not in defaults or not _is_like(value, defaults[name]):
                raise self.refusal(name)
            self._values[name] = value

    def __getitem__(self, name: str) -> Any:
        """Return an attribute, its default, or None."""
        return self._values[name]

    def required(self, name: str) -> Any:
        """Return an attribute that has no default."""
        value = self._values[name]
        if value is None:
            raise self.refusal(name)
        return value

    def refusal(self, name: str) -> OnnxError:
        """Return the error for an attribute that is unknown, missing or unsupported."""
        return OnnxError(
            "onnx.attribute",
            node=shown(self.node.name),
            operator=shown(self.node.operator),
            attribute=shown(name),
        )

    def fits(self, shape: Sequence[int]) -> Shape:
        """Return the shape of a result, or refuse one that is too large."""
        if math.prod(shape) > self.most:
            raise OnnxError(
                "onnx.too_large",
                node=shown(self.node.name),
                operator=shown(self.node.operator),
                most=self.most,
            )
        return tuple(shape)

    def broadcast(self, *arrays: Array) -> Shape:
        """Return the shape to which these are broadcast, if it is not too large."""
        return self.fits(np.broadcast_shapes(*(array.shape for array in arrays)))

    @property
    def n_outputs(self) -> int:
        """How many outputs are asked for."""
        return len(self.node.outputs)


class Operator(NamedTuple):
    """An operator of the table.

    Attributes
    ----------
    compute : function
    least, most : int
        How many inputs it takes.
    attributes : mapping of str to value or type
        Its attributes, with their defaults, or their types where they have none.
    """

    compute: Callable[..., Result]
    least: int
    most: int
    attributes: Mapping[str, Any]


OPERATORS: dict[str, Operator] = {}
MANY = 1 << 30  # inputs, for operators that take as many as there are

Function = Callable[..., Result]


def operator(
    name: str, least: int, most: int | None = None, **attributes: Any
) -> Callable[[Function], Function]:
    """Put a function into the table: ``@operator("Gemm", 2, 3, alpha=1.0)``."""

    def add(function: Function) -> Function:
        OPERATORS[name] = Operator(
            function, least, least if most is None else most, attributes
        )
        return function

    return add


class Floats:
    """The type of an attribute that holds several numbers with a point."""


def _is_like(value: Any, default: Any) -> bool:
    """Return whether an attribute is of the type of its default.

    ``tuple`` stands for several whole numbers.
    """
    kind = default if isinstance(default, type) else type(default)
    if kind in (tuple, Floats):
        one = int if kind is tuple else float
        return isinstance(value, tuple) and all(isinstance(v, one) for v in value)
    return isinstance(value, kind)


def compute(
    node: Node,
    inputs: Sequence[Array | Text | None],
    opset: int,
    most: int = MOST_NUMBERS,
) -> tuple[Array, ...]:
    """Return the outputs of one node.

    Raises
    ------
    OnnxError
        If the operator is unknown, or cannot take these inputs or attributes.
    """
    found = OPERATORS.get(node.operator)
    if found is None:
        raise OnnxError(
            "onnx.operator", node=shown(node.name), operator=shown(node.operator)
        )
    texts = any(isinstance(value, Text) for value in inputs)
    if (
        texts
        or not found.least <= len(inputs) <= found.most
        or any(value is None for value in inputs[: found.least])
    ):
        raise _inputs_refused(node, inputs)
    call = Call(node, opset, found.attributes, most)
    try:
        # Overflow and NaN are results here, not mistakes.
        with np.errstate(all="ignore"):
            result = found.compute(call, *inputs)
    except OnnxError:
        raise
    except _MISFITS as error:
        raise _inputs_refused(node, inputs) from error
    outputs = result if isinstance(result, tuple) else (result,)
    if len(outputs) < len(node.outputs):
        raise _inputs_refused(node, inputs)
    return tuple(np.asarray(output) for output in outputs)


# What inputs of wrong shapes, types or values make NumPy raise.
_MISFITS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)


def _inputs_refused(node: Node, inputs: Sequence[Array | Text | None]) -> OnnxError:
    shapes = ", ".join(
        f"{value.dtype}{list(value.shape)}" if isinstance(value, np.ndarray) else "–"
        for value in inputs
    )
    return OnnxError(
        "onnx.inputs",
        node=shown(node.name),
        operator=shown(node.operator),
        shapes=shown(shapes) or "–",
    )
