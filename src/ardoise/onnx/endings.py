"""What a model does after its last layer: softmax, and names for its answers.

Ardoise's networks end before it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ardoise.onnx.model import Model, Node

MOST_STEPS = 16


class Ending(NamedTuple):
    """The end of a model.

    Attributes
    ----------
    value : str
        What the network gives.
    kind : str or None
        ``"softmax"``, ``"log_softmax"``; ``"two_classes"`` for the probabilities
        1 − p and p, with p the sigmoid of the value; or nothing.
    classes : tuple
        Names of the outputs.
    """

    value: str
    kind: str | None
    classes: tuple[Any, ...]


def ending_of(model: Model, output: str) -> Ending:
    """Return where the network ends, going back from an output."""
    producer = {node.outputs[0]: node for node in model.nodes if node.outputs}
    value, kind, classes = output, None, ()
    for _ in range(MOST_STEPS):
        node = producer.get(value)
        if node is None or not node.inputs:
            break
        if node.operator == "Identity" or _is_float_cast(node):
            value = node.inputs[0]
        elif node.operator == "ai.onnx.ml.ZipMap":  # a dictionary for each sample
            value, classes = node.inputs[0], _labels(node)
        elif node.operator in ("Softmax", "LogSoftmax") and kind is None:
            if _number(node, "axis", -1) not in (-1, 1):
                break
            kind = "softmax" if node.operator == "Softmax" else "log_softmax"
            value = node.inputs[0]
        elif node.operator == "Concat" and kind is None:
            inner = _two_classes(model, producer, node)
            if inner is None:
                break
            value, kind = inner, "two_classes"
        else:
            break
    return Ending(value, kind, classes)


def _number(node: Node, name: str, default: int = 0) -> int:
    """Return an attribute that is a whole number; 0, if it is something else."""
    value = node.attributes.get(name, default)
    return value if isinstance(value, int) else 0


def _is_float_cast(node: Node) -> bool:
    return node.operator == "Cast" and _number(node, "to") in (1, 10, 11, 16)


def _labels(node: Node) -> tuple[Any, ...]:
    for name in ("classlabels_strings", "classlabels_int64s"):
        labels = node.attributes.get(name)
        if isinstance(labels, tuple) and labels:
            return labels
    return ()


def _two_classes(model: Model, producer: dict[str, Node], node: Node) -> str | None:
    """Return z, if a node joins 1 − p and p = sigmoid z."""
    if len(node.inputs) != 2 or _number(node, "axis") not in (1, -1):
        return None
    rest, p = (producer.get(name) for name in node.inputs)
    if rest is None or p is None or (rest.operator, p.operator) != ("Sub", "Sigmoid"):
        return None
    if len(rest.inputs) != 2 or rest.inputs[1] != node.inputs[1] or not p.inputs:
        return None
    one = model.constants.get(rest.inputs[0])
    if not isinstance(one, np.ndarray) or one.size != 1 or one.reshape(()) != 1:
        return None
    return p.inputs[0]
