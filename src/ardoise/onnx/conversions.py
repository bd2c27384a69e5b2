"""From the nodes of ONNX to the layers of Ardoise.

Each operator that has a counterpart has a function, here or in `weighted` or
`reshaping`; it adds a layer to a branch, or changes what the branch knows about its
axes. What a layer cannot do is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ardoise.onnx.branches import Branch
from ardoise.onnx.model import Node
from ardoise.onnx.ops.registry import Call
from ardoise.onnx.reshaping import (
    flatten,
    global_average_pool,
    pad,
    reduce_mean,
    reshape,
    squeeze,
    transpose,
    unsqueeze,
)
from ardoise.onnx.statics import refusal
from ardoise.onnx.weighted import (
    average_pool,
    batch_normalization,
    conv,
    gemm,
    layer_normalization,
    matmul,
    max_pool,
    plain,
)

FLOATS = (1, 10, 11, 16)  # types of numbers with a point, by their number


# -- number by number -----------------------------------------------------------------


def _activation(kind: str, **settings: str) -> Callable[[Branch, Node, Call], None]:
    def convert(branch: Branch, node: Node, call: Call) -> None:
        values = {name: plain(call[key]) for name, key in settings.items()}
        branch.put(node, {"type": kind, **values})

    return convert


def gelu(branch: Branch, node: Node, call: Call) -> None:
    if call["approximate"] != "tanh":
        raise branch.refuse(node, "approximate")
    branch.put(node, {"type": "GELU"})


def p_relu(branch: Branch, node: Node, call: Call) -> None:
    slopes = branch.weight(node, 1)
    if slopes.size == 0 or np.any(slopes != slopes.flat[0]):
        raise refusal(node)
    slope = plain(slopes.flat[0])
    branch.put(node, {"type": "LeakyReLU", "negative_slope": slope})


def clip(branch: Branch, node: Node, call: Call) -> None:
    limits = [branch.weights(node, 1), branch.weights(node, 2)]
    if any(v is not None and v.size != 1 for v in limits):
        raise refusal(node)
    low, high = (None if v is None else float(v.reshape(())) for v in limits)
    if branch.context.model.opset < 11:
        low, high = call["min"], call["max"]
    if low != 0 or high not in (None, math.inf):
        raise branch.refuse(node, "max" if low == 0 else "min")
    branch.put(node, {"type": "ReLU"})


def unchanged(branch: Branch, node: Node, call: Call) -> None:
    """Convert what does nothing when a model is used."""


def cast(branch: Branch, node: Node, call: Call) -> None:
    if call["to"] not in FLOATS:
        raise branch.refuse(node, "to")


def dropout(branch: Branch, node: Node, call: Call) -> None:
    if len(node.inputs) > 2 and node.inputs[2]:
        training = branch.context.statics.value(node.inputs[2])
        if training is None or training.any():
            raise branch.refuse(node, "training_mode")


def scaler(branch: Branch, node: Node, call: Call) -> None:
    """Convert (x − offset) · scale, as scikit-learn's exporter writes it."""
    offset = np.array(call["offset"] or (0.0,), np.float64)
    factor = np.array(call["scale"] or (1.0,), np.float64)
    factor = branch.by_channel(node, factor)
    branch.scale(node, factor, -branch.by_channel(node, offset) * factor)


Conversion = Callable[[Branch, Node, Call], None]

CONVERSIONS: dict[str, Conversion] = {
    "AveragePool": average_pool,
    "BatchNormalization": batch_normalization,
    "Cast": cast,
    "Clip": clip,
    "Conv": conv,
    "Dropout": dropout,
    "Elu": _activation("ELU", alpha="alpha"),
    "Flatten": flatten,
    "Gelu": gelu,
    "Gemm": gemm,
    "GlobalAveragePool": global_average_pool,
    "Identity": unchanged,
    "LayerNormalization": layer_normalization,
    "LeakyRelu": _activation("LeakyReLU", negative_slope="alpha"),
    "MatMul": matmul,
    "MaxPool": max_pool,
    "PRelu": p_relu,
    "Pad": pad,
    "ReduceMean": reduce_mean,
    "Relu": _activation("ReLU"),
    "Reshape": reshape,
    "Sigmoid": _activation("Sigmoid"),
    "Softplus": _activation("Softplus"),
    "Squeeze": squeeze,
    "Tanh": _activation("Tanh"),
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
    "ai.onnx.ml.Scaler": scaler,
}
