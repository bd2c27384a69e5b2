"""An ONNX model as plain Python objects, once everything about its form is checked.

Every name stands for one value, every node finds its inputs above it, and what Ardoise
does not compute (graphs within graphs, functions, sparse tensors, numbers in other
files) is refused here, before anything else looks at the model.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.errors import Damage, OnnxError, shown
from ardoise.onnx.tensors import STRING, Text, known_code, tensor_array
from ardoise.onnx.wire import MOST_BYTES, Message, decode

# The opsets whose operators `ops` knows: 6 is what the backend suite's PyTorch cases
# ask for, 28 what ONNX 1.23 defines.
OLDEST, NEWEST = 6, 28
STANDARD = ("", "ai.onnx")  # two names of ONNX's own domain

Source = str | os.PathLike[str] | bytes | bytearray | memoryview


@dataclass(frozen=True)
class Value:
    """An input or output of a graph.

    Attributes
    ----------
    name : str
    code : int or None
        Of `tensors.NAMES`; None, if it is no tensor.
    shape : tuple of (int, str or None), or None
        Known lengths, names of unknown ones; None, if not even their number is known.
    """

    name: str
    code: int | None
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes
    ----------
    operator : str
        Its name, behind its domain if that is not ONNX's own: ``"ai.onnx.ml.Scaler"``.
    name : str
        What it is called in sentences: its own name, or that of its first output.
    inputs, outputs : tuple of str
        Names of values; ``""`` for one left out.
    attributes : mapping of str to value
        Numbers, texts, tuples of them, or arrays.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """A model: a graph, and what is said about it.

    Attributes
    ----------
    opset : int
        Version of ONNX's own operators.
    producer : str
    metadata : mapping of str to str
    nodes : tuple of Node
        In an order in which they can be computed.
    constants : mapping of str to array (or Text)
        The initializers.
    inputs, outputs : tuple of Value
        ``inputs`` without those that have an initializer.
    size : int
        Bytes of the whole.
    """

    opset: int
    producer: str
    metadata: Mapping[str, str]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Array | Text]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    size: int


def load(source: Source) -> Model:
    """Read a model from a file, or from its bytes.

    Its numbers are views of the bytes that were read: the model takes little more
    memory than the file.

    Raises
    ------
    OnnxError
        If it cannot be read, is no ONNX model, is damaged, or holds what Ardoise does
        not compute; one sentence says which.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        try:
            return _model(bytes(source))
        except Damage as error:
            raise OnnxError("onnx.damaged_bytes") from error
    path = os.fspath(source)
    try:
        content = _read(path)
    except OSError as error:
        raise OnnxError("onnx.unreadable", path=path, reason=error) from None
    try:
        return _model(content)
    except Damage as error:
        raise OnnxError("onnx.damaged", path=path) from error


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        about = os.fstat(file.fileno())
        # A pipe may never end, and what is too large is not read to say so.
        if not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
            raise OnnxError("onnx.damaged", path=path)
        return file.read()


# -- from messages to objects ---------------------------------------------------------


def _model(content: bytes) -> Model:
    message = decode("Model", content)
    if message.get("ir_version", 0) < 3 or "graph" not in message:
        raise Damage("no graph, or older than ONNX 1.0")
    opset = _opset(message)
    if "functions" in message:
        raise OnnxError("onnx.functions")
    graph = message["graph"]
    if "sparse_initializer" in graph:
        raise OnnxError("onnx.sparse")
    constants: dict[str, Array | Text] = {}
    for tensor in graph.get("initializer", ()):
        name = tensor.get("name", "")
        if not name or name in constants:
            raise Damage(f"the initializer {name!r} has no name, or comes twice")
        constants[name] = tensor_array(tensor)
    entries = [_value(entry) for entry in graph.get("input", ())]
    model = Model(
        opset=opset,
        producer=message.get("producer_name", ""),
        metadata={
            entry.get("key", ""): entry.get("value", "")
            for entry in message.get("metadata_props", ())
        },
        nodes=tuple(_node(node) for node in graph.get("node", ())),
        constants=constants,
        inputs=tuple(entry for entry in entries if entry.name not in constants),
        outputs=tuple(_value(entry) for entry in graph.get("output", ())),
        size=len(content),
    )
    _check_names(model)
    return model


def _opset(message: Message) -> int:
    """Return the version of ONNX's own operators."""
    versions = [
        entry.get("version", 0)
        for entry in message.get("opset_import", ())
        if entry.get("domain", "") in STANDARD
    ]
    if len(versions) != 1:
        raise Damage(f"{len(versions)} opsets")
    version: int = versions[0]
    if not OLDEST <= version <= NEWEST:
        raise OnnxError("onnx.opset", version=version, oldest=OLDEST, newest=NEWEST)
    return version


def _check_names(model: Model) -> None:
    """Refuse a name that stands for two values, or for none where it is used."""
    known = {entry.name for entry in model.inputs}
    if len(known) < len(model.inputs) or "" in known:
        raise Damage("an input without name, or two of one name")
    known |= model.constants.keys()
    for node in model.nodes:
        for name in node.inputs:
            if name and name not in known:
                raise Damage(f"{node.name} uses {name}, which nothing above it gives")
        for name in node.outputs:
            if name in known:
                raise Damage(f"{node.name} gives {name}, which is there already")
            if name:
                known.add(name)
    if not model.outputs or any(entry.name not in known for entry in model.outputs):
        raise Damage("no output, or one that nothing gives")


def _value(message: Message) -> Value:
    name = message.get("name", "")
    kinds = message.get("type", {})
    about = kinds.get("tensor_type")
    if len(kinds) > 1:
        raise Damage(f"{name} is of {len(kinds)} types")
    if about is None:
        return Value(name, None, None)
    code = about.get("elem_type", 0)
    shape = about.get("shape")
    if shape is None:
        return Value(name, code, None)
    return Value(name, code, tuple(_length(dim) for dim in shape.get("dim", ())))


def _length(message: Message) -> int | str | None:
    if len(message) > 1:
        raise Damage("a length that is a number and a name")
    if "dim_value" not in message:
        return message.get("dim_param") or None
    length: int = message["dim_value"]
    return length if length >= 0 else None


def _node(message: Message) -> Node:
    outputs = tuple(message.get("output", ()))
    kind, domain = message.get("op_type", ""), message.get("domain", "")
    if not kind:
        raise Damage("a node without operator")
    operator = kind if domain in STANDARD else f"{domain}.{kind}"
    name = message.get("name") or next(filter(None, outputs), operator)
    attributes: dict[str, Any] = {}
    for entry in message.get("attribute", ()):
        key = entry.get("name", "")
        if not key or key in attributes:
            raise Damage(f"an attribute of {name} has no name, or comes twice")
        attributes[key] = _attribute(entry, shown(name), shown(operator))
    return Node(operator, name, tuple(message.get("input", ())), outputs, attributes)


# The number of an attribute's type → its field, and what it is if it is not there.
_ATTRIBUTES: dict[int, tuple[str, Any]] = {
    1: ("f", 0.0),
    2: ("i", 0),
    3: ("s", b""),
    4: ("t", None),
    6: ("floats", ()),
    7: ("ints", ()),
    8: ("strings", ()),
}
_GRAPHS, _SPARSE = (5, 10), (11, 12)


def _attribute(message: Message, node: str, operator: str) -> Any:
    kind = message.get("type", 0)
    if kind in _GRAPHS or "g" in message or "graphs" in message:
        raise OnnxError("onnx.control_flow", node=node, operator=operator)
    if kind in _SPARSE or "sparse_tensor" in message or "sparse_tensors" in message:
        raise OnnxError("onnx.sparse")
    if kind not in _ATTRIBUTES or "ref_attr_name" in message:
        raise Damage(f"an attribute of {node} of type {kind}")
    field, default = _ATTRIBUTES[kind]
    if {key for key, _ in _ATTRIBUTES.values()} & message.keys() - {field}:
        raise Damage(f"an attribute of {node} is of two types")
    value = message.get(field, default)
    if field == "t":
        if value is None:
            raise Damage(f"an attribute of {node} is an empty tensor")
        return tensor_array(value)
    if field == "s":
        return _text(value)
    if field == "strings":
        return tuple(_text(one) for one in value)
    if field in ("floats", "ints"):
        return tuple(np.asarray(value).tolist())
    return value


def _text(content: bytes | memoryview) -> str:
    try:
        return str(content, "utf-8")
    except UnicodeDecodeError as error:
        raise Damage("an attribute is no text") from error


def input_dtype_code(value: Value) -> int:
    """Return the type of an input, or refuse one that is no tensor of numbers."""
    if value.code is None or value.code == STRING:
        raise OnnxError("onnx.dtype", name=shown(value.name), code=value.code or 0)
    return known_code(value.code, value.name)
