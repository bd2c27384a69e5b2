"""Layers drawn as nodes of a graph: one function for each of the engine's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.layers import (
    ELU,
    GELU,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Residual,
    Sigmoid,
    Softplus,
    SpatialDropout2D,
    Tanh,
)
from ardoise.engine.layers.activations import GELU_CUBE, GELU_SCALE
from ardoise.engine.layers.pool import Pool2D
from ardoise.engine.layers.windows import Windows
from ardoise.onnx.drawing import Drawing, Place
from ardoise.onnx.errors import OnnxError


def draw(
    drawing: Drawing, layers: Sequence[Layer], x: Place, prefix: str = ""
) -> Place:
    """Add layers in a row, and return what the last of them gives.

    Raises
    ------
    OnnxError
        If one of them has no counterpart.
    """
    for i, layer in enumerate(layers):
        name = type(layer).__name__
        drawer = DRAWERS.get(type(layer))
        if drawer is None:
            raise OnnxError("onnx.no_operator", layer=name)
        label = f"{prefix}{i}"
        y = drawer(drawing, layer, x, label)
        relu_follows = any(isinstance(k, ReLU) for k in layers[i + 1 : i + 2])
        y = drawing.rounded(y, label, relu_follows=relu_follows)
        # A layer that belongs to a network may have been told of a smaller output.
        x = replace(y, shape=layer.clone().infer(x.shape).output_shape)
    return x


# Each draws one layer: its label is its place, as in the names of its parameters.
Drawer = Callable[[Drawing, Any, Place, str], Place]


def _node(
    drawing: Drawing,
    operator: str,
    x: Place,
    label: str,
    layer: Layer,
    parameters: Sequence[tuple[str, Array]] = (),
    **attributes: Any,
) -> Place:
    """Add one node for a layer; its place stands as x does."""
    constants = [drawing.constant(f"{label}.{key}", a) for key, a in parameters]
    name = f"{label}.{type(layer).__name__}"
    return replace(
        x, name=drawing.add(operator, [x.name, *constants], name, **attributes)
    )


def _product(
    drawing: Drawing,
    operator: str,
    x: Place,
    label: str,
    layer: Dense | Conv2D,
    order: tuple[int, ...],
    **attributes: Any,
) -> Place:
    """Add the node of a layer that has W and b; order: of W's axes, in ONNX."""
    bias = layer.b if layer.use_bias else None
    inputs = drawing.product(x, label, layer.W, bias, order)
    name = f"{label}.{type(layer).__name__}"
    return replace(x, name=drawing.add(operator, inputs, name, **attributes))


def _dense(drawing: Drawing, layer: Dense, x: Place, label: str) -> Place:
    return _product(drawing, "Gemm", x, label, layer, (0, 1))


def _conv(drawing: Drawing, layer: Conv2D, x: Place, label: str) -> Place:
    windows = Windows(
        x.shape, layer.kernel_size, layer.stride, layer.padding, layer.dilation
    )
    return _product(
        drawing,
        "Conv",
        drawing.first(x),
        label,
        layer,
        (3, 2, 0, 1),
        dilations=layer.dilation,
        group=layer.groups,
        kernel_shape=layer.kernel_size,
        pads=windows.before + windows.after,
        strides=layer.stride,
    )


def _pool(operator: str) -> Drawer:
    def drawer(drawing: Drawing, layer: Pool2D, x: Place, label: str) -> Place:
        windows = Windows(x.shape, layer.pool_size, layer.stride, layer.padding)
        return _node(
            drawing,
            operator,
            drawing.first(x),
            label,
            layer,
            kernel_shape=layer.pool_size,
            pads=windows.before + windows.after,
            strides=layer.stride,
        )

    return drawer


def _global_pool(
    drawing: Drawing, layer: GlobalAveragePool2D, x: Place, label: str
) -> Place:
    means = _node(drawing, "GlobalAveragePool", drawing.first(x), label, layer)
    return Place(drawing.add("Flatten", [means.name], f"{label}.flat", axis=1), ())


def _flatten(drawing: Drawing, layer: Flatten, x: Place, label: str) -> Place:
    if len(x.shape) == 1:
        return x
    return _node(drawing, "Flatten", drawing.last(x), label, layer, axis=1)


def _batch_norm(drawing: Drawing, layer: BatchNorm, x: Place, label: str) -> Place:
    names = ("gamma", "beta", "running_mean", "running_variance")
    return _node(
        drawing,
        "BatchNormalization",
        drawing.first(x),
        label,
        layer,
        [(name, getattr(layer, name)) for name in names],
        epsilon=layer.epsilon,
        momentum=1 - layer.momentum,
    )


def _layer_norm(drawing: Drawing, layer: LayerNorm, x: Place, label: str) -> Place:
    return _node(
        drawing,
        "LayerNormalization",
        drawing.last(x),
        label,
        layer,
        [("gamma", layer.gamma), ("beta", layer.beta)],
        axis=-1,
        epsilon=layer.epsilon,
    )


def _gelu(drawing: Drawing, layer: GELU, x: Place, label: str) -> Place:
    """Draw the formula of `GELU`: ONNX has it as one operator from opset 20 on."""

    def step(operator: str, a: str, b: str | float | None, name: str) -> str:
        if isinstance(b, float):
            b = drawing.constant(f"{label}.{name}.number", np.array(b))
        inputs = [a] if b is None else [a, b]
        return drawing.add(operator, inputs, f"{label}.GELU.{name}")

    square = step("Mul", x.name, x.name, "square")
    cube = step("Mul", square, GELU_CUBE, "cube")
    inner = step("Mul", step("Add", cube, 1.0, "inner"), x.name, "product")
    tanh = step("Tanh", step("Mul", inner, GELU_SCALE, "scaled"), None, "tanh")
    twice = step("Mul", step("Add", tanh, 1.0, "sum"), x.name, "twice")
    return replace(x, name=step("Mul", twice, 0.5, "half"))


def _elementwise(operator: str, **settings: str) -> Drawer:
    def drawer(drawing: Drawing, layer: Layer, x: Place, label: str) -> Place:
        attributes = {key: getattr(layer, name) for key, name in settings.items()}
        return _node(drawing, operator, x, label, layer, **attributes)

    return drawer


def _nothing(drawing: Drawing, layer: Layer, x: Place, label: str) -> Place:
    return x


def _residual(drawing: Drawing, layer: Residual, x: Place, label: str) -> Place:
    main = draw(drawing, layer.layers, x, f"{label}.layers.")
    side = draw(drawing, layer.shortcut, x, f"{label}.shortcut.")
    if main.first != side.first:
        side = drawing.first(side) if main.first else drawing.last(side)
    name = f"{label}.Residual"
    return replace(main, name=drawing.add("Add", [main.name, side.name], name))


DRAWERS: dict[type[Layer], Drawer] = {
    AveragePool2D: _pool("AveragePool"),
    BatchNorm: _batch_norm,
    Conv2D: _conv,
    Dense: _dense,
    Dropout: _nothing,
    ELU: _elementwise("Elu", alpha="alpha"),
    Flatten: _flatten,
    GELU: _gelu,
    GlobalAveragePool2D: _global_pool,
    LayerNorm: _layer_norm,
    LeakyReLU: _elementwise("LeakyRelu", alpha="negative_slope"),
    MaxPool2D: _pool("MaxPool"),
    ReLU: _elementwise("Relu"),
    Residual: _residual,
    Sigmoid: _elementwise("Sigmoid"),
    Softplus: _elementwise("Softplus"),
    SpatialDropout2D: _nothing,
    Tanh: _elementwise("Tanh"),
}
