"""The trainings that the page offers, and what it may change in them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ardoise.digits.planning import highest_rate
from ardoise.digits.recipes import RECIPES, Recipe
from ardoise.engine.layers import ELU, GELU, LeakyReLU, ReLU, Sigmoid, Softplus, Tanh
from ardoise.slate.requests import SlateError, choice_of, number_of, whole_of

# What each setting may be.
ACTIVATIONS = tuple(
    kind.__name__ for kind in (ReLU, LeakyReLU, ELU, GELU, Tanh, Sigmoid, Softplus)
)
OPTIMIZERS: dict[str, Mapping[str, Any]] = {
    "sgd": {"name": "sgd"},
    "momentum": {"name": "sgd", "momentum": 0.9},
    "rmsprop": {"name": "rmsprop"},
    "adam": {"name": "adam"},
    "adamw": {"name": "adamw", "weight_decay": 0.01},
}
STARTS: dict[str, Mapping[str, Any]] = {
    "usual": {},  # He's
    "zero": {"kernel_initializer": "zeros"},
    "wide": RECIPES["notebook"].output,  # uniform, from -0.5 to 0.5
}
MOST_EPOCHS, MOST_BATCH, MOST_SEED = 100, 4096, 2**32 - 1
MOST_LAYERS, MOST_UNITS = 4, 512
LOWEST_RATE, HIGHEST_RATE = 1e-7, 100.0
MOST_DROPOUT = 0.9


@dataclass(frozen=True)
class Dense:
    """Hidden dense layers, which the page can change.

    Attributes
    ----------
    units : tuple of int
        Of each layer.
    activation : str
    dropout : float
        Before the last layer; it can be changed while the network learns.
    start : {"usual", "zero", "wide"}
        How the first weights are drawn.
    """

    units: tuple[int, ...]
    activation: str = "ReLU"
    dropout: float = 0.0
    start: str = "usual"

    def layers(self) -> tuple[Mapping[str, Any], ...]:
        """Return the layers, as a recipe has them."""
        hidden: list[Mapping[str, Any]] = []
        for n in self.units:
            dense = {"type": "Dense", "units": n, **STARTS[self.start]}
            hidden += [dense, {"type": self.activation}]
        drop = {"type": "Dropout", "rate": self.dropout}
        return ({"type": "Flatten"}, *hidden, drop)


@dataclass(frozen=True)
class Preset:
    """A training that is offered; its sentence is ``slate.preset.<name>``.

    Attributes
    ----------
    recipe : Recipe
        All that is not said by ``dense`` and ``optimizer``.
    optimizer : str or None
        One of `OPTIMIZERS`; None for the recipe's own.
    dense : Dense or None
        None where the layers are the recipe's, and stay so but for their dropout.
    """

    recipe: Recipe
    optimizer: str | None
    dense: Dense | None

    @property
    def dropout(self) -> float:
        if self.dense is not None:
            return self.dense.dropout
        return float(self.recipe.layers[-1].get("rate", 0.0))


def _preset(name: str, optimizer: str, dense: Dense, **more: Any) -> Preset:
    recipe = Recipe(
        name,
        dense.layers(),
        STARTS[dense.start],
        OPTIMIZERS[optimizer],
        **more,
    )
    return Preset(recipe, optimizer, dense)


_FASTEST = RECIPES["fastest"]
PRESETS: dict[str, Preset] = {
    preset.recipe.name: preset
    for preset in (
        _preset(
            "tiny",
            "adam",
            Dense((128,)),
            learning_rate={"name": "one_cycle", "learning_rate": 5e-3},
            epochs=5,
            batch_size=32,
        ),
        # The notebook's network and start, in small batches.
        _preset(
            "classic",
            "sgd",
            Dense((16,), start="wide"),
            learning_rate=0.1,
            epochs=10,
            batch_size=32,
        ),
        Preset(
            replace(
                _FASTEST,
                name="conv",
                layers=(*_FASTEST.layers, {"type": "Dropout", "rate": 0.0}),
                # At the rate of one hurried epoch, many units die in three.
                learning_rate={"name": "one_cycle", "learning_rate": 0.01},
                epochs=3,
            ),
            None,
            None,
        ),
        # All units begin as one, and take steps that are much too long.
        _preset(
            "broken",
            "adam",
            Dense((32,), "Sigmoid", start="zero"),
            learning_rate=1.0,
            epochs=3,
        ),
    )
}


@dataclass(frozen=True)
class Settings:
    """A training, as the page asked for it.

    Attributes
    ----------
    recipe : Recipe
        The preset's, changed.
    seed : int
    shown : dict
        JSON values, under the names that requests have.
    """

    recipe: Recipe
    seed: int
    shown: dict[str, Any]


def settings_of(request: Mapping[str, Any]) -> Settings:
    """Return the training that a request describes.

    It names a ``preset``; ``epochs``, ``batch_size``, ``learning_rate``, ``seed``,
    ``optimizer`` and ``dropout`` change it, and ``units``, ``activation`` and ``start``
    those presets that are made of dense layers.

    Raises
    ------
    SlateError
        If a setting is out of range.
    """
    preset = PRESETS[choice_of(request, "preset", tuple(PRESETS), "tiny")]
    recipe, shown = preset.recipe, values_of(preset)
    if preset.dense is None:
        for name in ("units", "activation", "start"):
            if request.get(name) is not None:
                raise SlateError("slate.learn.fixed_layers", name=name)
    shown |= {name: request[name] for name in shown if request.get(name) is not None}
    epochs = whole_of(shown, "epochs", 1, MOST_EPOCHS)
    batch_size = whole_of(shown, "batch_size", 1, MOST_BATCH)
    rate = number_of(shown, "learning_rate", LOWEST_RATE, HIGHEST_RATE)
    seed = whole_of(shown, "seed", 0, MOST_SEED)
    dropout = number_of(shown, "dropout", 0.0, MOST_DROPOUT)
    schedule = recipe.learning_rate
    if isinstance(schedule, Mapping):
        schedule = {**schedule, "learning_rate": rate}
    else:
        schedule = rate
    optimizer = recipe.optimizer
    if shown["optimizer"] is not None:
        optimizer = OPTIMIZERS[choice_of(shown, "optimizer", tuple(OPTIMIZERS))]
    layers, output = recipe.layers[:-1], recipe.output
    layers = (*layers, {"type": "Dropout", "rate": dropout})
    if preset.dense is not None:
        activation = choice_of(shown, "activation", ACTIVATIONS)
        start = choice_of(shown, "start", tuple(STARTS))
        layers = Dense(_units_of(shown["units"]), activation, dropout, start).layers()
        output = STARTS[start]
    recipe = replace(
        recipe,
        layers=layers,
        output=output,
        optimizer=optimizer,
        learning_rate=schedule,
        epochs=epochs,
        batch_size=batch_size,
    )
    return Settings(recipe, seed, shown)


def values_of(preset: Preset) -> dict[str, Any]:
    """Return a preset's settings as JSON values; None for what it does not have."""
    recipe, dense = preset.recipe, preset.dense
    return {
        "preset": recipe.name,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "learning_rate": highest_rate(recipe),
        "seed": 0,
        "optimizer": preset.optimizer,
        "dropout": preset.dropout,
        "units": None if dense is None else list(dense.units),
        "activation": None if dense is None else dense.activation,
        "start": None if dense is None else dense.start,
    }


def listed() -> list[dict[str, Any]]:
    """Return all presets, each with a sentence about it, as a page is told of them."""
    return [
        {**values_of(preset), "about": SlateError(f"slate.preset.{name}")}
        for name, preset in PRESETS.items()
    ]


def choices() -> dict[str, Any]:
    """Return what each setting may be."""
    return {
        "epochs": [1, MOST_EPOCHS],
        "batch_size": [1, MOST_BATCH],
        "learning_rate": [LOWEST_RATE, HIGHEST_RATE],
        "seed": [0, MOST_SEED],
        "dropout": [0.0, MOST_DROPOUT],
        "layers": [1, MOST_LAYERS],
        "units": [1, MOST_UNITS],
        "activation": list(ACTIVATIONS),
        "optimizer": list(OPTIMIZERS),
        "start": list(STARTS),
    }


def _units_of(given: Any) -> tuple[int, ...]:
    """Return how many units each hidden layer has.

    Raises
    ------
    SlateError
    """
    if isinstance(given, list) and 1 <= len(given) <= MOST_LAYERS:
        if all(type(n) is int and 1 <= n <= MOST_UNITS for n in given):
            return tuple(given)
    raise SlateError("slate.learn.units", layers=MOST_LAYERS, units=MOST_UNITS)


def change_of(code: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return which setting to change after a finding of the doctor; None if unknown.

    Parameters
    ----------
    code : str
        As `ardoise.engine.doctor.SENTENCES` has it.
    values : mapping
        Those of the finding, or the learning rate as ``rate``.
    """
    if code == "rate_too_low":
        return {"learning_rate": _round(10 * values["rate"])}
    if code.startswith("rate_too_high") or code in LOWER:
        return {"learning_rate": _round(values["rate"] / 10)}
    return CHANGES.get(code)


LOWER = ("diverged", "large_weights", "saturated_units", "stuck")
CHANGES: dict[str, dict[str, Any]] = {
    "equal_units": {"start": "usual"},
    "dead_units": {"start": "usual"},
    "exploding_gradients": {"start": "usual"},
    "vanishing_gradients": {"activation": "ReLU"},
    "over_fitting": {"dropout": 0.3},
    "over_trained": {"dropout": 0.3},
}


def _round(rate: float) -> float:
    """Return a rate as the page may ask for it, of two digits."""
    return float(f"{min(max(rate, LOWEST_RATE), HIGHEST_RATE):.2g}")
