"""The tables: a recipe as it is, and what becomes of it with one thing changed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ardoise.digits.recipes import RECIPES, Recipe
from benchmarks.ablations.variants import Variant

OTHER_PICTURES = ("stretch", "thickness")  # what `cnn` learns for those of people
ABOUT = (
    "Trained on 50,000 of MNIST's training images; right answers on the other 10,000, "
    "which no training sees, after the last epoch. Variants with the same seed start "
    "alike, and differences are taken seed by seed. The test images are not read."
)


@dataclass(frozen=True)
class Table:
    """Variants that are compared; all others with the first.

    Attributes
    ----------
    name, title, about : str
    variants : tuple of Variant
        Those that are wanted first come first.
    """

    name: str
    title: str
    about: str
    variants: tuple[Variant, ...]


def fastest() -> Table:
    """Return what a single epoch gains by."""
    base = RECIPES["fastest"]
    about = (
        "A whitened first layer starts as eigenvectors of the images’ patches, and a "
        "second layer that passes through as identities (Jordan, 2024); Muon "
        "orthogonalises the steps of convolutions, at the best of four rates on other "
        "seeds. Averages of 0.99 and more are the same in one epoch: young ones forget "
        "faster."
    )
    variants = (
        Variant("as it is", base),
        Variant("constant rate 0.005", replace(base, learning_rate=0.005)),
        Variant("constant rate 0.002", replace(base, learning_rate=0.002)),
        Variant("no label smoothing", sharp(base)),
        Variant("first layer whitened", base, white=True),
        Variant("first layer whitened, and frozen", base, white=True, frozen=True),
        Variant("second layer passes through", base, dirac=True),
        Variant("Muon for convolutions, 0.2", base, muon=0.2),
        Variant("weights averaged, 0.9", replace(base, weight_average=0.9)),
        Variant("weights averaged, 0.99", replace(base, weight_average=0.99)),
        Variant("read with 4 shifts", base, shifts=4),
        Variant("read with 8 shifts", base, shifts=8),
    )
    return Table("fastest", "One epoch (`fastest`)", f"{ABOUT} {about}", variants)


def cnn() -> Table:
    """Return what a convolutional network gains by."""
    # What outliers change is measured where they pay, in `benchmarks.pictures`.
    base = replace(RECIPES["cnn"], outliers=0.0, weight_average=0.999)
    about = (
        "The first row is `cnn` with averaged weights and without outliers: what the "
        "averages did not gain, it has given up since."
    )
    variants = (
        Variant("averaged, no outliers", base),
        Variant("as `cnn` is", RECIPES["cnn"]),
        Variant("read with 4 shifts", base, shifts=4),
        Variant("read with 8 shifts", base, shifts=8),
        Variant("no weight averaging", replace(base, weight_average=None)),
        Variant("no label smoothing", sharp(base)),
        Variant("no augmentation", replace(base, augmentation=None)),
        Variant("strokes and proportions left alone", less(base, *OTHER_PICTURES)),
        Variant("constant rate 0.001", replace(base, learning_rate=0.001)),
        Variant("Muon for convolutions, 0.1", base, muon=0.1),
        Variant("dropout 0.3", replace(base, layers=dropping_dense(base, 0.3))),
    )
    return Table("cnn", "Convolutions (`cnn`)", f"{ABOUT} {about}", variants)


def mlp() -> Table:
    """Return what a dense network gains by."""
    base = RECIPES["mlp"]
    variants = (
        Variant("as it is", base),
        Variant("no label smoothing", sharp(base)),
        Variant("no batch normalisation", replace(base, layers=unnormalised(base))),
        Variant("dropout 0.1", replace(base, layers=dropping(base, 0.1))),
        Variant("dropout 0.3", replace(base, layers=dropping(base, 0.3))),
        Variant("constant rate 0.001", replace(base, learning_rate=0.001)),
        Variant("weights averaged, 0.999", replace(base, weight_average=0.999)),
    )
    return Table("mlp", "Dense layers (`mlp`)", ABOUT, variants)


def sharp(recipe: Recipe) -> Recipe:
    """Return a recipe whose targets are 0 and 1."""
    loss = {k: v for k, v in recipe.loss.items() if k != "label_smoothing"}
    return replace(recipe, loss=loss)


def less(recipe: Recipe, *names: str) -> Recipe:
    """Return a recipe that does not change its images in these ways."""
    ways = recipe.augmentation or {}
    return replace(
        recipe, augmentation={k: v for k, v in ways.items() if k not in names}
    )


def without(recipe: Recipe, kind: str) -> tuple[Mapping[str, Any], ...]:
    """Return a recipe's layers but those of a kind."""
    return tuple(layer for layer in recipe.layers if layer["type"] != kind)


def dropping(recipe: Recipe, rate: float) -> tuple[Mapping[str, Any], ...]:
    """Return a recipe's layers with dropout of this rate after each ReLU."""
    layers: list[Mapping[str, Any]] = []
    for layer in recipe.layers:
        layers.append(layer)
        if layer["type"] == "ReLU":
            layers.append({"type": "Dropout", "rate": rate})
    return tuple(layers)


def dropping_dense(recipe: Recipe, rate: float) -> tuple[Mapping[str, Any], ...]:
    """Return a recipe's layers with dropout before and after its dense layer."""
    at = [layer["type"] for layer in recipe.layers].index("Flatten") + 1
    drop = {"type": "Dropout", "rate": rate}
    return (*recipe.layers[:at], drop, *recipe.layers[at:], drop)


def unnormalised(recipe: Recipe) -> tuple[Mapping[str, Any], ...]:
    """Return layers with a bias each in the place of batch normalisation."""
    return tuple(
        {k: v for k, v in layer.items() if k != "use_bias"}
        for layer in without(recipe, "BatchNorm")
    )


TABLES: dict[str, Table] = {table.name: table for table in (fastest(), cnn(), mlp())}
