"""From a network of Ardoise to an ONNX model that gives the same answers.

The model takes what the network takes, images as (N, h, w, c), and holds all its
numbers. It is written for opset 17 (2022), which every runtime in use understands, with
standard operators only; the same network gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ardoise import __version__
from ardoise.engine import losses
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.onnx.drawers import draw
from ardoise.onnx.drawing import Drawing, Place
from ardoise.onnx.int8 import Int8Drawing, Int8Product
from ardoise.onnx.tensors import CODES
from ardoise.onnx.wire import Message, encode

OPSET, IR_VERSION = 17, 8  # IR 8 came with opset 17
INPUT, LOGITS, PROBABILITIES = "input", "logits", "probabilities"
CLASSES = "ardoise.classes"  # in the metadata


def write(
    network: Network,
    path: str | os.PathLike[str] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    probabilities: bool = True,
    loss: str | Mapping[str, Any] | Loss | None = None,
    uint8: bool = False,
    int8: Sequence[Int8Product] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Return a network as an ONNX model, and write it to a file if one is named.

    The input is called ``input``, shape (N, *input_shape), of the network's type; the
    outputs are ``logits`` and, for a network that tells classes apart,
    ``probabilities``. Dropout is left out.

    Parameters
    ----------
    network : Network
    path : path, optional
    class_names : sequence of str, optional
        Names of the outputs, kept in the model's metadata as JSON.
    probabilities : bool
        Whether to give probabilities as well: the softmax of the logits, or their
        sigmoid if ``loss`` is that. Regression (another loss, or one output) has none.
    loss : str, mapping or Loss, optional
        What the network was trained with; by default softmax cross-entropy.
    uint8 : bool
        Whether the model takes bytes and divides them by 255 itself.
    int8 : sequence of Int8Product, optional
        What the dense layers and convolutions of a float32 network compute with
        instead of their W, in order; in residual blocks ``layers`` come before
        ``shortcut``. A quarter of the size; `ardoise.export.export` finds the numbers.
    metadata : mapping of str to str, optional
        What else the model shall say about itself.

    Returns
    -------
    bytes

    Raises
    ------
    OnnxError
        If a layer has no counterpart in ONNX: one of your own, say.
    ValueError
        If there are more or fewer class names than outputs, or ``int8`` is not what
        the network needs.
    OSError
        If the file cannot be written.

    Notes
    -----
    A float64 network becomes a model in double precision. Not every runtime computes
    all operators in it: onnxruntime has dense networks, and no convolutions. For others
    write ``network.astype("float32")``.
    """
    shape = network.output_shape
    if class_names is not None and shape != (len(class_names),):
        raise ValueError(
            f"one class name for each output is needed; got {len(class_names)} names "
            f"for outputs of shape {shape}"
        )
    if int8 is not None and network.dtype != np.float32:
        raise ValueError(f"int8 is for float32 networks; this one is {network.dtype}")
    drawing = Drawing(network.dtype) if int8 is None else Int8Drawing(int8)
    last = draw(drawing, network.layers, _entry(drawing, network, uint8))
    drawing.finish()
    drawing.name_output(drawing.last(last), LOGITS)
    outputs = [_value(LOGITS, network.dtype, shape)]
    activation = _activation(losses.get(loss or "softmax_cross_entropy"))
    if probabilities and activation and (len(shape) == 1) and _tells(activation, shape):
        drawing.add(activation, [LOGITS], PROBABILITIES, **_settings(activation))
        outputs.append(_value(PROBABILITIES, network.dtype, shape))
    entries = dict(metadata or {})
    if class_names is not None:
        names = [str(name) for name in class_names]
        entries[CLASSES] = json.dumps(names, ensure_ascii=False)
    content = encode("Model", _model(network, drawing, outputs, entries, uint8))
    if path is not None:
        with open(path, "wb") as file:
            file.write(content)
    return content


def _entry(drawing: Drawing, network: Network, uint8: bool) -> Place:
    """Return the input as the first layer reads it."""
    if not uint8:
        return Place(INPUT, network.input_shape, first=False)
    kind = CODES[network.dtype.name]
    numbers = drawing.add("Cast", [INPUT], "input.numbers", to=kind)
    factor = drawing.constant("input.factor", np.array(1 / 255))
    scaled = drawing.add("Mul", [numbers, factor], "input.scaled")
    return Place(scaled, network.input_shape, first=False)


def _activation(loss: Loss) -> str:
    """Return the operator that makes probabilities, or ""."""
    if loss.is_classifier:
        return "Softmax"
    return "Sigmoid" if loss.name == "sigmoid_binary_cross_entropy" else ""


def _tells(activation: str, shape: tuple[int, ...]) -> bool:
    """Return whether there is something to tell apart: the softmax of one is 1."""
    return activation == "Sigmoid" or shape[0] > 1


def _settings(activation: str) -> dict[str, int]:
    return {"axis": -1} if activation == "Softmax" else {}


def _model(
    network: Network,
    drawing: Drawing,
    outputs: list[Message],
    metadata: Mapping[str, str],
    uint8: bool,
) -> Message:
    dtype = np.dtype(np.uint8) if uint8 else network.dtype
    return {
        "ir_version": IR_VERSION,
        "producer_name": "ardoise",
        "producer_version": __version__,
        "graph": {
            "node": drawing.nodes,
            "name": "ardoise",
            "initializer": drawing.initializers,
            "input": [_value(INPUT, dtype, network.input_shape)],
            "output": outputs,
        },
        "opset_import": [{"domain": "", "version": OPSET}],
        "metadata_props": [
            {"key": key, "value": metadata[key]} for key in sorted(metadata)
        ],
    }


def _value(name: str, dtype: np.dtype[Any], shape: Sequence[int]) -> Message:
    """Return an input or output whose first axis is the batch, of any length."""
    lengths = [{"dim_param": "N"}, *({"dim_value": n} for n in shape)]
    tensor = {"elem_type": CODES[dtype.name], "shape": {"dim": lengths}}
    return {"name": name, "type": {"tensor_type": tensor}}
