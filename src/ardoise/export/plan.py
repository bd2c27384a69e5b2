"""From a network to a short list of steps that any language can be written from.

The network is folded (batch normalisation becomes part of the weights, dropout goes),
and every layer becomes a step that reads one array and gives one. The arrays are
numbered; 0 is the image. All of it is for one image at a time, in the order
(h, w, c), row by row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ardoise.engine import layers
from ardoise.engine.arrays import Array, Shape
from ardoise.engine.inference import fold
from ardoise.engine.layers.windows import Windows
from ardoise.engine.losses import SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from ardoise.engine.params import below
from ardoise.export.errors import ExportError
from ardoise.files.model import Model

Setting = int | float | tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One operation.

    Attributes
    ----------
    kind : str
        The function that does it, by the same name in every language.
    source, target : int
        The arrays that it reads and gives.
    settings : dict
        What the function needs to know besides: sizes, strides, slopes.
    weights : dict
        Its float32 arrays, in the order of the function's arguments. (Quantised, W is
        int8 and has a ``scale``.)
    other : int or None
        The second summand of ``add``.
    """

    kind: str
    source: int
    target: int
    settings: dict[str, Setting] = field(default_factory=dict)
    weights: dict[str, Array] = field(default_factory=dict)
    other: int | None = None

    @property
    def sources(self) -> tuple[int, ...]:
        return (self.source,) if self.other is None else (self.source, self.other)


@dataclass(frozen=True)
class Plan:
    """What a network does to one image.

    Attributes
    ----------
    shapes : tuple of shapes
        Of each array.
    steps : tuple of Step
        In order; the last gives the array ``result``, which ``output`` turns into
        probabilities.
    result : int
    output : str
        ``"softmax"`` or ``"sigmoid"``.
    classes : tuple of str
    """

    shapes: tuple[Shape, ...]
    steps: tuple[Step, ...]
    result: int
    output: str
    classes: tuple[str, ...]

    @property
    def n_weights(self) -> int:
        """How many numbers were learned (scales of int8 numbers are not counted)."""
        return sum(
            w.size
            for step in self.steps
            for name, w in step.weights.items()
            if name != "scale"
        )

    def size(self, value: int) -> int:
        """Return how many numbers an array holds."""
        return math.prod(self.shapes[value])

    def readers(self, value: int) -> list[Step]:
        """Return the steps that read an array."""
        return [step for step in self.steps if value in step.sources]


# Steps that give as many numbers as they read, each from those in its own place alone
# (or row): they may write over what they read.
ELEMENTWISE = (
    *("relu", "leaky_relu", "elu", "gelu", "tanh", "sigmoid", "softplus"),
    *("affine", "layer_norm"),
)

_OUTPUTS = {SoftmaxCrossEntropy: "softmax", SigmoidBinaryCrossEntropy: "sigmoid"}


def make_plan(model: Model) -> Plan:
    """Return the plan of a model.

    Raises
    ------
    ExportError
        If it is no classifier, a layer is not one of ardoise's, or a weight is not
        finite as float32.
    """
    network = model.network
    output = _OUTPUTS.get(type(model.loss))
    if output is None:
        raise ExportError("export.loss", loss=type(model.loss).__name__)
    for layer in network.all_layers():
        if type(layer) not in _WRITERS:
            raise ExportError("export.layer", layer=type(layer).__name__)
    with np.errstate(all="ignore"):
        folded = fold(network)
        build = _Build(network.input_shape)
        result = build.row(folded.layers, folded.arrays(), 0)
    for step in build.steps:
        if not all(np.isfinite(w).all() for w in step.weights.values()):
            raise ExportError("export.not_finite")
    steps = tuple(build.steps)
    return Plan(tuple(build.shapes), steps, result, output, model.classes)


class _Build:
    """The steps and the arrays so far."""

    def __init__(self, input_shape: Shape) -> None:
        self.shapes: list[Shape] = [tuple(input_shape)]
        self.steps: list[Step] = []

    def row(
        self, row: Sequence[layers.Layer], values: Mapping[str, Array], source: int
    ) -> int:
        """Add layers one after another; return the array that the last gives."""
        for i, layer in enumerate(row):
            own = below(str(i), values)
            source = _WRITERS[type(layer)](self, layer, own, source)
        return source

    def add(
        self,
        kind: str,
        source: int,
        shape: Shape,
        settings: dict[str, Setting] | None = None,
        weights: Mapping[str, Array] | None = None,
        other: int | None = None,
    ) -> int:
        self.shapes.append(tuple(shape))
        target = len(self.shapes) - 1
        arrays = {
            name: np.ascontiguousarray(value, np.float32)
            for name, value in (weights or {}).items()
        }
        step = Step(kind, source, target, settings or {}, arrays, other)
        self.steps.append(step)
        return target


_Own = Mapping[str, Array]  # a layer's weights and statistics by name
_Writer = Callable[[_Build, Any, _Own, int], int]


def _dense(build: _Build, layer: layers.Dense, own: _Own, source: int) -> int:
    weights = {"W": own["W"], "b": own.get("b", np.zeros(layer.units))}
    return build.add("dense", source, (layer.units,), {}, weights)


def _conv(build: _Build, layer: layers.Conv2D, own: _Own, source: int) -> int:
    shape = build.shapes[source]
    windows = Windows(
        shape, layer.kernel_size, layer.stride, layer.padding, layer.dilation
    )
    settings: dict[str, Setting] = {
        **_window_settings(shape, windows),
        "dilation": layer.dilation,
        "groups": layer.groups,
    }
    weights = {"W": own["W"], "b": own.get("b", np.zeros(layer.filters))}
    output = (*windows.output, layer.filters)
    return build.add("conv", source, output, settings, weights)


def _window_settings(shape: Shape, windows: Windows) -> dict[str, Setting]:
    """Return what convolutions and poolings have in common."""
    return {
        "shape": shape,
        "output": windows.output,
        "kernel": windows.kernel,
        "stride": windows.stride,
        "before": windows.before,
    }


def _pool(kind: str) -> _Writer:
    def write(
        build: _Build,
        layer: layers.MaxPool2D | layers.AveragePool2D,
        own: _Own,
        source: int,
    ) -> int:
        shape = build.shapes[source]
        windows = Windows(shape, layer.pool_size, layer.stride, layer.padding)
        output = (*windows.output, shape[2])
        return build.add(kind, source, output, _window_settings(shape, windows))

    return write


def _global_average(build: _Build, layer: layers.Layer, own: _Own, source: int) -> int:
    shape = build.shapes[source]
    return build.add("global_average", source, shape[2:], {"shape": shape})


def _elementwise(kind: str, *names: str) -> _Writer:
    def write(build: _Build, layer: layers.Layer, own: _Own, source: int) -> int:
        settings = {name: getattr(layer, name) for name in names}
        return build.add(kind, source, build.shapes[source], settings)

    return write


def _batch_norm(build: _Build, layer: layers.BatchNorm, own: _Own, source: int) -> int:
    """One that had no weights before it to become part of."""
    wide = {name: value.astype(np.float64) for name, value in own.items()}
    scale = wide["gamma"] / np.sqrt(wide["running_variance"] + layer.epsilon)
    shift = wide["beta"] - wide["running_mean"] * scale
    weights = {"factor": scale, "shift": shift}
    return build.add("affine", source, build.shapes[source], {}, weights)


def _layer_norm(build: _Build, layer: layers.LayerNorm, own: _Own, source: int) -> int:
    settings: dict[str, Setting] = {"epsilon": layer.epsilon}
    weights = {"gamma": own["gamma"], "beta": own["beta"]}
    return build.add("layer_norm", source, build.shapes[source], settings, weights)


def _flatten(build: _Build, layer: layers.Layer, own: _Own, source: int) -> int:
    return build.add("flatten", source, (math.prod(build.shapes[source]),))


def _residual(build: _Build, layer: layers.Residual, own: _Own, source: int) -> int:
    main = build.row(layer.layers, below("layers", own), source)
    side = build.row(layer.shortcut, below("shortcut", own), source)
    return build.add("add", main, build.shapes[main], other=side)


def _nothing(build: _Build, layer: layers.Layer, own: _Own, source: int) -> int:
    return source


_WRITERS: dict[type[layers.Layer], _Writer] = {
    layers.Dense: _dense,
    layers.Conv2D: _conv,
    layers.MaxPool2D: _pool("max_pool"),
    layers.AveragePool2D: _pool("average_pool"),
    layers.GlobalAveragePool2D: _global_average,
    layers.Residual: _residual,
    layers.ReLU: _elementwise("relu"),
    layers.LeakyReLU: _elementwise("leaky_relu", "negative_slope"),
    layers.ELU: _elementwise("elu", "alpha"),
    layers.GELU: _elementwise("gelu"),
    layers.Tanh: _elementwise("tanh"),
    layers.Sigmoid: _elementwise("sigmoid"),
    layers.Softplus: _elementwise("softplus"),
    layers.Dropout: _nothing,
    layers.SpatialDropout2D: _nothing,
    layers.BatchNorm: _batch_norm,
    layers.LayerNorm: _layer_norm,
    layers.Flatten: _flatten,
}
