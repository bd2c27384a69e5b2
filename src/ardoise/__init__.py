"""Ardoise: neural networks in which every number is computed by NumPy.

Importing it loads NumPy and the standard library, nothing else.
"""

from ardoise.engine.diagnostics import GradientCheck, check_gradients
from ardoise.engine.errors import DivergenceError, ShapeError
from ardoise.engine.layers import (
    ELU,
    GELU,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    LayerSpec,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from ardoise.engine.network import Network
from ardoise.engine.training import (
    Callback,
    EarlyStopping,
    Evaluation,
    History,
    Training,
    evaluate,
    fit,
)

__version__ = "0.1.0"

__all__ = [
    "ELU",
    "GELU",
    "BatchNorm",
    "Callback",
    "Dense",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
    "Evaluation",
    "Flatten",
    "GradientCheck",
    "History",
    "Layer",
    "LayerNorm",
    "LayerSpec",
    "LeakyReLU",
    "Network",
    "ReLU",
    "ShapeError",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "Training",
    "check_gradients",
    "evaluate",
    "fit",
]
