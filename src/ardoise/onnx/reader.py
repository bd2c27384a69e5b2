"""From an ONNX model to a network of Ardoise that gives the same answers.

What exporters write for the layers that Ardoise has is recognised, node by node or a
few at a time; everything else is refused, by name. The network that comes out is an
ordinary one: it can be trained on, saved and exported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.layers import Chain, layer_from_config
from ardoise.engine.network import Network
from ardoise.engine.params import Layout
from ardoise.onnx.branches import Branch, Layers
from ardoise.onnx.builder import follow
from ardoise.onnx.context import Context
from ardoise.onnx.endings import Ending, ending_of
from ardoise.onnx.errors import OnnxError, shown
from ardoise.onnx.model import (
    NEWEST,
    Model,
    Node,
    Source,
    Value,
    input_dtype_code,
    load,
)
from ardoise.onnx.statics import refusal
from ardoise.onnx.tensors import array_dtype

MOST_OUTPUTS = 8  # are tried
# Opset 6 has other rules for axes of different lengths, which only `run` knows.
OLDEST = 7


@dataclass(frozen=True)
class OnnxNetwork:
    """A network that was read from an ONNX model.

    Attributes
    ----------
    network : Network
    input, output : str
        Names in the model: what the network reads, and what it stands for.
    ending : str or None
        What the model does with the network's outputs, and the network does not:
        ``"softmax"`` (as `Network.predict_proba`) or ``"log_softmax"``.
    classes : tuple of str
        Names of the outputs, if the model says them.
    metadata : mapping of str to str
        What else the model says about itself.
    entry_shape, entry_axes : tuple of int
        How `arrange` turns the model's input into the network's.
    exit_axes : tuple of (int or None)
        How `restore` turns the network's output into the model's.
    """

    network: Network
    input: str
    output: str
    ending: str | None
    classes: tuple[str, ...]
    metadata: Mapping[str, str]
    entry_shape: Shape
    entry_axes: tuple[int, ...]
    exit_axes: tuple[int | None, ...]

    def arrange(self, x: Array) -> Array:
        """Return an input of the model as an input of the network.

        Images of a model that has their channels first get them last; where it takes
        the pixels in a row, they come in their places.
        """
        arranged = x.reshape(len(x), *self.entry_shape).transpose(self.entry_axes)
        return np.ascontiguousarray(arranged)

    def restore(self, y: Array) -> Array:
        """Return an output of the network as the model gives it, before its ending."""
        present = [axis for axis in self.exit_axes if axis is not None]
        missing = [axis for axis in range(y.ndim) if axis not in present]
        turned = y.transpose(*present, *missing)  # what is missing has length 1
        lengths = iter(turned.shape)
        shape = [1 if axis is None else next(lengths) for axis in self.exit_axes]
        return np.ascontiguousarray(turned).reshape(shape)


def read(source: Source, *, output: str | None = None) -> OnnxNetwork:
    """Return the network that an ONNX model describes.

    Parameters
    ----------
    source : path or bytes
    output : str, optional
        The output to compute. By default the one called ``logits``, else the first that
        a network can give.

    Raises
    ------
    OnnxError
        If the model cannot be read, or does what no network of Ardoise does; the
        sentence names the node.

    Notes
    -----
    Models of `ardoise.onnx.write`, PyTorch (both exporters), scikit-learn's multi-layer
    perceptrons (skl2onnx) and Keras (its own export, tf2onnx). Convolutions and
    poolings in two dimensions; layers after each other, and residual blocks. Softmax at
    the end is left off, for the network's outputs are logits; so is dropout. Additions
    and multiplications by constants become part of the layer before, or a `BatchNorm`.
    """
    model = load(source)
    if model.opset < OLDEST:
        raise OnnxError("onnx.opset", version=model.opset, oldest=OLDEST, newest=NEWEST)
    if output is not None and output not in {entry.name for entry in model.outputs}:
        raise OnnxError("onnx.no_value", name=shown(output))
    names = _candidates(model) if output is None else [output]
    errors: list[OnnxError] = []
    for name in names:
        try:
            with np.errstate(all="ignore"):  # of NaN and infinity there is a sentence
                return _read(model, name)
        except OnnxError as error:
            errors.append(error)
    raise errors[0] if errors else OnnxError("onnx.no_network")


def _candidates(model: Model) -> list[str]:
    """Return the outputs that can be a network's, the likeliest first."""
    # A class (a whole number) is less than a network says.
    outputs = [e for e in model.outputs if e.code is None or e.code in (1, 10, 11, 16)]
    outputs.sort(key=lambda e: (e.name != "logits", e.code is None))
    return [entry.name for entry in outputs][:MOST_OUTPUTS]


def _read(model: Model, output: str) -> OnnxNetwork:
    ending = ending_of(model, output)
    attempts: list[tuple[int, bool, OnnxError]] = []
    for channels_first in (False, True):
        context = Context(model, ending.value, channels_first)
        try:
            return _attempt(context, ending, output)
        except OnnxError as error:
            attempts.append((context.steps, error.key != "onnx.layout", error))
    # The right guess about the channels' place comes further.
    raise max(attempts, key=lambda attempt: attempt[:2])[2]


def _attempt(context: Context, ending: Ending, output: str) -> OnnxNetwork:
    entry = _entry(context, ending.value)
    branch = _begin(context, entry)
    follow(branch, entry.name, ending.value)
    branch.settle()
    if not branch.layers:
        raise OnnxError("onnx.no_network")
    shape, axes = branch.state.shape, branch.state.axes
    if branch.state.order is not None or (ending.kind and len(axes) != 2):
        raise refusal(context.paths.producer[ending.value])
    layers = branch.layers
    if ending.kind == "two_classes":
        layers, shape = _two_outputs(context, layers, ending), (2,)
    network = _network(context, entry, layers)
    classes = _classes(context.model, ending)
    return OnnxNetwork(
        network,
        entry.name,
        output,
        "softmax" if ending.kind == "two_classes" else ending.kind,
        classes if shape == (len(classes),) else (),
        {k: v for k, v in context.model.metadata.items() if k != "ardoise.classes"},
        context.entry[1:],
        context.entry_axes,
        axes,
    )


def _entry(context: Context, output: str) -> Value:
    """Return the one input of the model on which an output depends."""
    if output not in context.paths.before:
        raise OnnxError("onnx.no_network")
    name = output
    while (before := context.paths.before[name]) is not None:
        name = before
    for entry in context.model.inputs:
        if entry.name == name:
            return entry
    raise OnnxError("onnx.one_input", name=shown(output))


def _begin(context: Context, entry: Value) -> Branch:
    """Return an empty branch that begins with the model's input."""
    code = input_dtype_code(entry)
    lengths = entry.shape or ()
    rest = [n for n in lengths[1:] if isinstance(n, int) and n > 0]
    if (
        len(lengths) < 2
        or len(rest) < len(lengths) - 1
        or array_dtype(code).kind == "b"
    ):
        raise OnnxError("onnx.input_shape", name=shown(entry.name))
    if isinstance(lengths[0], int):
        context.fixed_batch = lengths[0]
    branch = Branch(context, context.state((context.batch, *rest)))
    # A network reads bytes as x / 255; what the model does with them comes next.
    factor = 255.0 if array_dtype(code) == np.uint8 else 1.0
    branch.begin(Node("Input", entry.name, (), (entry.name,), {}), factor)
    return branch


def _two_outputs(context: Context, layers: Layers, ending: Ending) -> Layers:
    """Return layers with the logits (0, z) instead of z: softmax gives the same."""
    config, values = layers[-1]
    if config["type"] != "Dense" or config["units"] != 1:
        raise refusal(context.paths.producer[ending.value])
    wide = {
        name: np.stack([0 * v, v], -1).reshape(*v.shape[:-1], 2)
        for name, v in values.items()
    }
    return [*layers[:-1], ({**config, "units": 2}, wide)]


def _network(context: Context, entry: Value, layers: Layers) -> Network:
    """Return the network of these layers, with their numbers in its vectors."""
    double = context.has_double or (entry.code == 11 and not any(v for _, v in layers))
    config: dict[str, Any] = {
        "input_shape": context.input_shape,
        "dtype": "float64" if double else "float32",
        "layers": [layer for layer, _ in layers],
    }
    chain = Chain(
        [layer_from_config(layer) for layer, _ in layers], context.input_shape
    )
    layouts = Layout(chain.params), Layout(chain.state)
    numbers = np.empty(sum(layout.size for layout in layouts), config["dtype"])
    cut = layouts[0].size
    places = {**layouts[0].views(numbers[:cut]), **layouts[1].views(numbers[cut:])}
    with np.errstate(all="ignore"):
        for i, (_, values) in enumerate(layers):
            for name, array in values.items():
                places[f"{i}.{name}"][...] = array
    if not np.isfinite(numbers).all():
        raise OnnxError("onnx.not_finite")
    return Network.from_values(config, numbers)


def _classes(model: Model, ending: Ending) -> tuple[str, ...]:
    """Return the names of the classes, if the model says them."""
    written: Any = None
    try:
        written = json.loads(model.metadata.get("ardoise.classes", "null"))
    except (ValueError, RecursionError):
        pass  # somebody else's metadata
    names: Sequence[Any] = written if isinstance(written, list) else ending.classes
    return tuple(str(name) for name in names)
