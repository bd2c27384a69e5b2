"""The layers, and the closed table from which files rebuild them by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ardoise.engine.layers.activations import (
    ELU,
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from ardoise.engine.layers.base import Layer, LayerSpec, Step
from ardoise.engine.layers.chain import Chain
from ardoise.engine.layers.conv import Conv2D
from ardoise.engine.layers.dense import Dense
from ardoise.engine.layers.dropout import Dropout, SpatialDropout2D
from ardoise.engine.layers.norm import BatchNorm, LayerNorm
from ardoise.engine.layers.pool import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from ardoise.engine.layers.reshape import Flatten
from ardoise.engine.layers.residual import Residual
from ardoise.engine.tables import build

LAYERS: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        Dense,
        Conv2D,
        MaxPool2D,
        AveragePool2D,
        GlobalAveragePool2D,
        Residual,
        ReLU,
        LeakyReLU,
        ELU,
        GELU,
        Tanh,
        Sigmoid,
        Softplus,
        Dropout,
        SpatialDropout2D,
        BatchNorm,
        LayerNorm,
        Flatten,
    )
}


def layer_from_config(config: Mapping[str, Any]) -> Layer:
    """Return the layer that ``{"type": name, **arguments}`` describes.

    Raises
    ------
    ValueError
        If the type is not in the closed table of layers, or an argument is wrong.
    """
    inner = {
        name: [layer_from_config(layer) for layer in config[name]]
        for name in ("layers", "shortcut")  # of a Residual
        if isinstance(config.get(name), list | tuple)
    }
    return build("layer type", LAYERS, {**config, **inner}, key="type")


__all__ = [
    "ELU",
    "GELU",
    "LAYERS",
    "AveragePool2D",
    "BatchNorm",
    "Chain",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePool2D",
    "Layer",
    "LayerNorm",
    "LayerSpec",
    "LeakyReLU",
    "MaxPool2D",
    "ReLU",
    "Residual",
    "Sigmoid",
    "Softplus",
    "SpatialDropout2D",
    "Step",
    "Tanh",
    "layer_from_config",
]
