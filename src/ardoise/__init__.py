"""Ardoise: neural networks in which every number is computed by NumPy.

Importing it loads NumPy and the standard library, nothing else.
"""

from ardoise.engine.diagnostics import GradientCheck, check_gradients
from ardoise.engine.errors import DivergenceError, ShapeError
from ardoise.engine.inference import Predictor
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
    LayerSpec,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Residual,
    Sigmoid,
    Softplus,
    SpatialDropout2D,
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
    "AveragePool2D",
    "BatchNorm",
    "Callback",
    "Conv2D",
    "Dense",
    "DivergenceError",
    "Dropout",
    "EarlyStopping",
    "Evaluation",
    "Flatten",
    "GlobalAveragePool2D",
    "GradientCheck",
    "History",
    "Layer",
    "LayerNorm",
    "LayerSpec",
    "LeakyReLU",
    "MaxPool2D",
    "Network",
    "Predictor",
    "ReLU",
    "Residual",
    "ShapeError",
    "Sigmoid",
    "Softplus",
    "SpatialDropout2D",
    "Tanh",
    "Training",
    "check_gradients",
    "evaluate",
    "fit",
]
