"""Which values parameters may have: the tables for `validate_parameters`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ardoise.engine.losses import Loss
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.schedules import Schedule
from ardoise.estimators.parameters import (
    ARRAY_LIKE,
    BOOLEAN,
    CALLABLE,
    NONE,
    RANDOM_STATE,
    SEQUENCE,
    VERBOSE,
    Choice,
    Constraint,
    Instance,
    Interval,
)

Table = Mapping[str, Sequence[Constraint]]

SETTINGS = Instance(Mapping, "a mapping with a 'name'")
NOT_NEGATIVE = Interval("float", 0, None)
POSITIVE = Interval("float", 0, None, "neither")
SHARE = Interval("float", 0, 1, "left")
COUNT = Interval("int", 1, None)
SOLVERS = ("adam", "sgd", "adamw", "rmsprop")

STOCHASTIC: Table = {
    "solver": [Choice(SOLVERS), SETTINGS, Instance(Optimizer)],
    "alpha": [NOT_NEGATIVE],
    "batch_size": [Choice(("auto",)), COUNT],
    "learning_rate": [
        Choice(("constant", "invscaling", "adaptive")),
        SETTINGS,
        Instance(Schedule),
    ],
    "learning_rate_init": [POSITIVE],
    "max_iter": [COUNT],
    "shuffle": [BOOLEAN],
    "random_state": [RANDOM_STATE],
    "tol": [NOT_NEGATIVE],
    "verbose": [VERBOSE],
    "warm_start": [BOOLEAN],
    "early_stopping": [BOOLEAN],
    "validation_fraction": [SHARE],
    "n_iter_no_change": [COUNT, Choice((np.inf,), float)],
    "max_norm": [POSITIVE, NONE],
    "weight_average": [SHARE, NONE],
    "augmentation": [CALLABLE, NONE],
    "metrics": [CALLABLE, SEQUENCE, Instance(Mapping, "a mapping"), NONE],
    "callbacks": [SEQUENCE, NONE],
    "threads": [COUNT, NONE],
    "progress_bar": [BOOLEAN],
}
MLP: Table = {
    **STOCHASTIC,
    "hidden_layer_sizes": [ARRAY_LIKE, COUNT],
    "solver": [Choice((*SOLVERS, "lbfgs")), SETTINGS, Instance(Optimizer)],
    "power_t": [NOT_NEGATIVE],
    "momentum": [Interval("float", 0, 1, "both")],
    "nesterovs_momentum": [BOOLEAN],
    "beta_1": [SHARE],
    "beta_2": [SHARE],
    "epsilon": [POSITIVE],
    "max_fun": [COUNT],
    "dropout": [SHARE, ARRAY_LIKE],
    "batch_norm": [BOOLEAN],
    "coefs_init": [ARRAY_LIKE, NONE],
    "intercepts_init": [ARRAY_LIKE, NONE],
}
CLASSIFIER: Table = {
    "class_weight": [
        Instance(dict, "a dict"),
        Instance(list, "a list of dicts"),
        Choice(("balanced",)),
        NONE,
    ],
    "label_smoothing": [SHARE],
    "calibrate": [BOOLEAN],
}
LOSSES = ("squared_error", "poisson", "absolute_error", "huber")
REGRESSOR: Table = {"loss": [Choice(LOSSES), SETTINGS, Instance(Loss)]}
DTYPE = Choice(("float32", "float64"))
CONV: Table = {
    "filters": [SEQUENCE],
    "kernel_size": [COUNT],
    "pool_size": [COUNT],
    "padding": [Choice(("same", "valid"))],
    "hidden_layer_sizes": [ARRAY_LIKE, COUNT],
    "image_shape": [SEQUENCE, NONE],
    "batch_norm": [BOOLEAN],
    "dropout": [SHARE],
    "dtype": [DTYPE, NONE],
}
NETWORK: Table = {
    "layers": [SEQUENCE, NONE],
    "input_shape": [SEQUENCE, NONE],
    "dtype": [DTYPE, NONE],
}
