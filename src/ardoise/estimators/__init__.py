"""The scikit-learn API: drop-in replacements, and what scikit-learn left out."""

from ardoise.estimators.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    NotFittedError,
)
from ardoise.estimators.mlp import MLPClassifier, MLPRegressor
from ardoise.estimators.networks import (
    ConvClassifier,
    NetworkClassifier,
    NetworkRegressor,
)

__all__ = [
    "ConvClassifier",
    "ConvergenceWarning",
    "DataConversionWarning",
    "MLPClassifier",
    "MLPRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
    "NotFittedError",
]
