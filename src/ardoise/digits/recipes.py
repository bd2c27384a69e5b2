"""Recipes: everything that is decided before a training starts, as data.

A recipe names layers, optimiser, schedule and plan in the words of the engine's
``config()`` values. It holds no code, so it can be printed, changed by an option of
the command line, and written into the model file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ardoise.engine.arrays import Shape
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers import layer_from_config
from ardoise.engine.network import Network
from ardoise.messages import UserError


class RecipeError(UserError):
    """There is no such recipe, or the data do not suit it."""


@dataclass(frozen=True)
class Recipe:
    """A training, described.

    Attributes
    ----------
    name : str
        Its sentence is ``recipe.<name>.about``.
    layers : tuple of mappings
        ``{"type": "Dense", "units": 128, …}``; the last layer, with one output a
        class, is added by `build`.
    output : mapping
        Further arguments of that last Dense layer.
    optimizer : mapping
    learning_rate : float or mapping
        A rate, or a schedule.
    epochs : int
    batch_size : int or None
        None for full-batch gradient descent.
    shuffle : bool
    split : str
        The split it takes where the data is MNIST: ``"official"`` or ``"notebook"``.
    validation : float
        Share of the training samples kept apart for validation.
    loss : mapping
    weight_average : float or None
    augmentation : mapping or None
        Settings of `ardoise.Augmentation`.
    outliers : float
        How many pictures that are no digit are learned from besides, as a share of
        the training images; only where these are framed as MNIST's digits are.
    members : int
        How many networks are trained; the model is their mean.
    others : tuple of tuples of mappings
        Further rows of layers: members take turns through ``layers`` and these.
    calibrate : bool
        Fit a temperature on the validation images at the end.
    notebook : bool
        Report as the notebook did: accuracy each 1 %, its sentences, its pictures.
    """

    name: str
    layers: tuple[Mapping[str, Any], ...]
    output: Mapping[str, Any] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=lambda: {"name": "adam"})
    learning_rate: float | Mapping[str, Any] = 1e-3
    epochs: int = 10
    batch_size: int | None = 128
    shuffle: bool = True
    split: str = "official"
    validation: float = 0.1
    loss: Mapping[str, Any] = field(
        default_factory=lambda: {"name": "softmax_cross_entropy"}
    )
    weight_average: float | None = None
    augmentation: Mapping[str, Any] | None = None
    outliers: float = 0.0
    members: int = 1
    others: tuple[tuple[Mapping[str, Any], ...], ...] = ()
    calibrate: bool = True
    notebook: bool = False

    def build(
        self,
        input_shape: Shape,
        n_classes: int,
        seed: int | np.random.Generator | None = None,
        member: int = 0,
    ) -> Network:
        """Return a network, with its first weights, for this data.

        Parameters
        ----------
        input_shape : tuple of int
            Of one sample.
        n_classes : int
        seed : int, numpy.random.Generator or None
        member : int
            Its number, from 0, where several networks are trained.

        Raises
        ------
        ShapeError
            If the layers cannot take such samples.
        """
        last = {"type": "Dense", "units": n_classes, **self.output}
        rows = (self.layers, *self.others)
        configs = [*rows[member % len(rows)], last]
        try:
            return Network(
                list(map(layer_from_config, configs)), input_shape, seed=seed
            )
        except ShapeError:  # the images are too small for kernels within them
            configs = [_padded(config) for config in configs]
            return Network(
                list(map(layer_from_config, configs)), input_shape, seed=seed
            )


_HALF = {"name": "uniform", "low": -0.5, "high": 0.5}
_NOTEBOOK_START = {"kernel_initializer": _HALF, "bias_initializer": _HALF}

_SMOOTHED = {"name": "softmax_cross_entropy", "label_smoothing": 0.1}
_AFFINE = {"rotation": 10.0, "translation": 2.0, "scale": 0.1, "shear": 5.0}
_ADAMW = {"name": "adamw", "weight_decay": 0.01}
_LITTLE = {**_AFFINE, "translation": 1.5}
# Strokes and proportions of other pictures than MNIST's, too.
_OTHERS = {**_LITTLE, "stretch": 0.2, "thickness": 1.0}
# How the convolutional recipes are trained.
_CONVOLUTIONAL: dict[str, Any] = {
    "optimizer": _ADAMW,
    "learning_rate": {"name": "one_cycle", "learning_rate": 0.01},
    "loss": _SMOOTHED,
}


def _padded(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a layer whose output is as large as its input, or rounded up."""
    if config["type"] in ("Conv2D", "MaxPool2D"):
        return {**config, "padding": "same"}
    return config


def _dense(units: int) -> tuple[Mapping[str, Any], ...]:
    """Return a dense layer with batch normalisation."""
    return (
        {"type": "Dense", "units": units, "use_bias": False},
        {"type": "BatchNorm"},
        {"type": "ReLU"},
    )


def _conv(filters: int, side: int, **more: Any) -> tuple[Mapping[str, Any], ...]:
    """Return a convolution with batch normalisation."""
    size = {"filters": filters, "kernel_size": side, "use_bias": False}
    return (
        {"type": "Conv2D", **size, **more},
        {"type": "BatchNorm"},
        {"type": "ReLU"},
    )


def _pooled(filters: int, side: int) -> tuple[Mapping[str, Any], ...]:
    """Return a convolution whose maximum is taken first: fewer numbers are left."""
    convolution, *others = _conv(filters, side)
    return (convolution, {"type": "MaxPool2D"}, *others)


_CNN = (
    *_pooled(32, 5),
    *_pooled(64, 3),
    {"type": "Flatten"},
    {"type": "Dense", "units": 128},
    {"type": "ReLU"},
)
_CNN_LARGE = (
    *_pooled(32, 5),
    *_conv(64, 3),
    *_pooled(64, 3),
    *_conv(128, 3, padding="same"),
    {"type": "Flatten"},
)
_CNN_WIDE = (*_pooled(48, 5), *_conv(96, 3), *_pooled(96, 3), {"type": "Flatten"})


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="mlp",
            layers=({"type": "Flatten"}, *_dense(512), *_dense(256)),
            optimizer=_ADAMW,
            learning_rate={"name": "one_cycle", "learning_rate": 5e-3},
            epochs=12,
            loss=_SMOOTHED,
        ),
        Recipe(
            name="mlp-large",
            layers=({"type": "Flatten"}, *_dense(1024), *_dense(512)),
            optimizer=_ADAMW,
            learning_rate={"name": "one_cycle", "learning_rate": 5e-3},
            epochs=50,
            loss=_SMOOTHED,
            augmentation={**_AFFINE, "translation": 1.0, "elastic": [20.0, 4.0]},
        ),
        Recipe(
            name="fastest",
            layers=(
                *_pooled(24, 5),
                *_pooled(32, 3),
                {"type": "Flatten"},
                {"type": "Dense", "units": 256},
                {"type": "ReLU"},
            ),
            optimizer={"name": "adam", "beta1": 0.7, "beta2": 0.9},
            learning_rate={"name": "one_cycle", "learning_rate": 0.02},
            epochs=1,
            batch_size=256,
            loss=_SMOOTHED,
        ),
        Recipe(
            name="cnn",
            layers=_CNN,
            epochs=12,
            augmentation=_OTHERS,
            outliers=0.1,
            **_CONVOLUTIONAL,
        ),
        Recipe(
            name="cnn-large",
            layers=_CNN_LARGE,
            epochs=20,
            augmentation=_LITTLE,
            weight_average=0.999,
            **_CONVOLUTIONAL,
        ),
        Recipe(
            name="best",
            layers=_CNN_LARGE,
            # Networks of other shapes make other mistakes.
            others=(_CNN_WIDE, _CNN),
            members=9,
            epochs=15,
            augmentation=_OTHERS,
            weight_average=0.999,
            **_CONVOLUTIONAL,
        ),
        Recipe(
            name="notebook",
            layers=(
                {"type": "Flatten"},
                {"type": "Dense", "units": 16, **_NOTEBOOK_START},
                {"type": "ReLU"},
            ),
            output=_NOTEBOOK_START,
            optimizer={"name": "sgd"},
            learning_rate=0.1,
            epochs=700,
            batch_size=None,
            shuffle=False,
            split="notebook",
            validation=0.0,
            calibrate=False,
            notebook=True,
        ),
    )
}
DEFAULT_RECIPE = "cnn"
FOR_ROWS = "mlp"  # the default where the data are no images


@dataclass(frozen=True)
class Expected:
    """What a recipe reached on MNIST, with no option changed.

    Attributes
    ----------
    accuracy : float
        Mean share of the test images of its split that is read correctly.
    seconds : float
        The whole command, on two processors with nothing else to do.
    """

    accuracy: float
    seconds: float


# As RESULTS.md has it, and for the notebook's the README.
EXPECTED = {
    "mlp": Expected(0.9877, 15),
    "mlp-large": Expected(0.9945, 167),
    "fastest": Expected(0.9921, 7),
    "cnn": Expected(0.9962, 106),
    "cnn-large": Expected(0.9968, 359),
    "best": Expected(0.9977, 2293),
    "notebook": Expected(0.8765, 20),
}

# How images of digits may be changed in training, by name.
AUGMENTATIONS: dict[str, Mapping[str, Any]] = {
    "affine": _AFFINE,
    "elastic": {**_AFFINE, "elastic": [34.0, 4.0]},
}


def get_recipe(name: str) -> Recipe:
    """Return the recipe of this name.

    Raises
    ------
    RecipeError
        If there is none; the sentence lists those that there are.
    """
    if name not in RECIPES:
        raise RecipeError("recipe.unknown", name=name, names=", ".join(RECIPES))
    return RECIPES[name]
