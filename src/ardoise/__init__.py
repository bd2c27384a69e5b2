"""Ardoise: neural networks in which every number is computed by NumPy.

Importing it loads NumPy and the standard library, nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ardoise.engine.augmentation import Augmentation
from ardoise.engine.diagnostics import GradientCheck, check_gradients
from ardoise.engine.errors import DivergenceError, ShapeError, SnapshotError
from ardoise.engine.evaluation import Evaluation, evaluate
from ardoise.engine.history import History
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
from ardoise.engine.training import Callback, EarlyStopping, Training, fit

if TYPE_CHECKING:
    from ardoise.engine.doctor import (
        Doctor,
        Finding,
        TrainingWarning,
        examine_data,
        examine_history,
        examine_network,
    )
    from ardoise.engine.ensemble import average
    from ardoise.estimators import (
        ConvClassifier,
        MLPClassifier,
        MLPRegressor,
        NetworkClassifier,
        NetworkRegressor,
    )

__version__ = "0.1.0"

# Imported when they are asked for: those who need the engine alone do not wait.
ESTIMATORS = (
    "ConvClassifier",
    "MLPClassifier",
    "MLPRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
)
DIAGNOSES = (
    "Doctor",
    "Finding",
    "TrainingWarning",
    "examine_data",
    "examine_history",
    "examine_network",
)


def __getattr__(name: str) -> Any:
    if name == "average":
        from ardoise.engine import ensemble

        return ensemble.average
    if name in DIAGNOSES:
        from ardoise.engine import doctor

        return getattr(doctor, name)
    if name in ESTIMATORS:
        from ardoise import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'ardoise' has no attribute {name!r}")


__all__ = [
    "ELU",
    "GELU",
    "Augmentation",
    "AveragePool2D",
    "BatchNorm",
    "Callback",
    "Conv2D",
    "ConvClassifier",
    "Dense",
    "DivergenceError",
    "Doctor",
    "Dropout",
    "EarlyStopping",
    "Evaluation",
    "Finding",
    "Flatten",
    "GlobalAveragePool2D",
    "GradientCheck",
    "History",
    "Layer",
    "LayerNorm",
    "LayerSpec",
    "LeakyReLU",
    "MLPClassifier",
    "MLPRegressor",
    "MaxPool2D",
    "Network",
    "NetworkClassifier",
    "NetworkRegressor",
    "Predictor",
    "ReLU",
    "Residual",
    "ShapeError",
    "Sigmoid",
    "SnapshotError",
    "Softplus",
    "SpatialDropout2D",
    "Tanh",
    "Training",
    "TrainingWarning",
    "average",
    "check_gradients",
    "evaluate",
    "examine_data",
    "examine_history",
    "examine_network",
    "fit",
]
