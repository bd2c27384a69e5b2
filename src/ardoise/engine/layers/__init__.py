"""The layers, and the closed table from which files rebuild them by name."""

from __future__ import annotations

from ardoise.engine.layers.activations import (
    ELU,
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from ardoise.engine.layers.base import Layer, LayerSpec
from ardoise.engine.layers.dense import Dense
from ardoise.engine.layers.dropout import Dropout
from ardoise.engine.layers.norm import BatchNorm, LayerNorm
from ardoise.engine.layers.reshape import Flatten

LAYERS: dict[str, type[Layer]] = {
    cls.__name__: cls
    for cls in (
        Dense,
        ReLU,
        LeakyReLU,
        ELU,
        GELU,
        Tanh,
        Sigmoid,
        Softplus,
        Dropout,
        BatchNorm,
        LayerNorm,
        Flatten,
    )
}

__all__ = [
    "ELU",
    "GELU",
    "LAYERS",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Flatten",
    "Layer",
    "LayerNorm",
    "LayerSpec",
    "LeakyReLU",
    "ReLU",
    "Sigmoid",
    "Softplus",
    "Tanh",
]
