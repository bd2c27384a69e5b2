"""Computing what a model says, with NumPy: node by node, in the order of the graph.

It is made to check models, and to be checked by ONNX's own backend suite; a network
that was read (`ardoise.onnx.read`) computes faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.errors import OnnxError, shown
from ardoise.onnx.model import Model, Node, Source, Value, input_dtype_code, load
from ardoise.onnx.ops import compute
from ardoise.onnx.ops.registry import MOST_NUMBERS
from ardoise.onnx.tensors import Text, array_dtype


def run(
    model: Model | Source,
    feeds: Mapping[str, Any],
    outputs: Sequence[str] | None = None,
    *,
    most_numbers: int = MOST_NUMBERS,
) -> list[Array]:
    """Return a model's outputs for its inputs.

    Parameters
    ----------
    model : path, bytes or Model
        ONNX, opsets 6 to 28.
    feeds : mapping of str to array
        Each input's name, and its array: of the type and lengths that the model says.
    outputs : sequence of str, optional
        Names of the values wanted, by default the outputs. Only what they need is
        computed.
    most_numbers : int
        How many numbers one result may have: a few bytes of a model can ask for
        terabytes. By default 2²⁸, which are 1 GiB of float32.

    Returns
    -------
    list of arrays
        Owned by the caller. (bfloat16 is computed in float32, and comes as float32.)

    Raises
    ------
    OnnxError
        If the model cannot be read, holds an operator that Ardoise does not know, or
        the inputs are not those that it asks for.

    Examples
    --------
    >>> import numpy as np
    >>> from ardoise import Dense, Network, onnx
    >>> content = onnx.write(Network([Dense(3)], input_shape=2, seed=0), None)
    >>> logits, probabilities = onnx.run(content, {"input": np.zeros((1, 2), "f4")})
    >>> probabilities
    array([[0.33333334, 0.33333334, 0.33333334]], dtype=float32)
    """
    if not isinstance(model, Model):
        model = load(model)
    wanted = [output.name for output in model.outputs] if outputs is None else outputs
    nodes = _needed(model, wanted)
    values: dict[str, Array | Text] = {**model.constants, **_fed(model, feeds)}
    uses = _last_uses(nodes, wanted)
    for i, node in enumerate(nodes):
        inputs = [_input(values, name) for name in node.inputs]
        while inputs and inputs[-1] is None:  # left out at the end: not given at all
            inputs.pop()
        results = compute(node, inputs, model.opset, most_numbers)
        values |= {name: y for name, y in zip(node.outputs, results, strict=False)}
        for name in uses.get(i, ()):
            values.pop(name, None)
    return [_owned(values, name) for name in wanted]


def _input(values: Mapping[str, Array | Text], name: str) -> Array | Text | None:
    if not name:
        return None
    if name not in values:
        raise OnnxError("onnx.feed_missing", name=shown(name))
    return values[name]


def _owned(values: Mapping[str, Array | Text], name: str) -> Array:
    """Return an output that shares no memory with an input or another output."""
    value = _input(values, name)
    if not isinstance(value, np.ndarray):
        raise OnnxError("onnx.dtype", name=shown(name), code=0)
    return np.array(value)


def _needed(model: Model, wanted: Sequence[str]) -> list[Node]:
    """Return the nodes on which some values depend, in their order."""
    known = {name for node in model.nodes for name in node.outputs}
    known |= {entry.name for entry in model.inputs} | model.constants.keys()
    for name in wanted:
        if not name or name not in known:
            raise OnnxError("onnx.no_value", name=shown(name))
    names, nodes = set(wanted), []
    for node in reversed(model.nodes):
        if not names.isdisjoint(node.outputs):
            nodes.append(node)
            names |= set(node.inputs)
    return nodes[::-1]


def _last_uses(nodes: Sequence[Node], wanted: Sequence[str]) -> dict[int, list[str]]:
    """Return place of a node → names of what nobody needs after it."""
    last = {name: i for i, node in enumerate(nodes) for name in node.inputs}
    last |= {
        name: i
        for i, node in enumerate(nodes)
        for name in node.outputs
        if name not in last
    }
    places: dict[int, list[str]] = {}
    for name, place in last.items():
        if name not in wanted:
            places.setdefault(place, []).append(name)
    return places


def _fed(model: Model, feeds: Mapping[str, Any]) -> dict[str, Array]:
    """Return the inputs as arrays, or refuse them."""
    inputs = {entry.name: entry for entry in model.inputs}
    for name in feeds:
        if name not in inputs and name not in model.constants:
            raise OnnxError("onnx.feed_unknown", name=shown(name))
    arrays = {name: np.asarray(feed) for name, feed in feeds.items()}
    for name, array in arrays.items():
        if name in inputs:
            _check_feed(inputs[name], array)
    return arrays


def _check_feed(entry: Value, array: Array) -> None:
    dtype = array_dtype(input_dtype_code(entry))
    shape = entry.shape
    fits = shape is None or (
        len(shape) == array.ndim
        and all(
            not isinstance(length, int) or length == n
            for length, n in zip(shape, array.shape, strict=True)
        )
    )
    if array.dtype != dtype or not fits:
        lengths = ["?" if n is None else n for n in shape or ()]
        expected = f"{dtype} ({', '.join(map(str, lengths))})"
        raise OnnxError(
            "onnx.feed",
            name=shown(entry.name),
            expected=expected if shape is not None else str(dtype),
            got=f"{array.dtype} ({', '.join(map(str, array.shape))})",
        )
