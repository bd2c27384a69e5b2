"""A variant of a recipe: what it changes, its training, its score."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ardoise import fit
from ardoise.digits import hold_out, load_mnist, official_split
from ardoise.digits.outliers import outliers
from ardoise.digits.recipes import Recipe
from ardoise.engine import optimizers, schedules
from ardoise.engine.arrays import Array
from ardoise.engine.network import Network
from ardoise.engine.optimizers import Optimizer
from benchmarks.ablations.muon import Muon, kernels_of
from benchmarks.ablations.starts import pass_through, whiten

CUT_SEED = 0  # of the cut of the training images, the same for all
VALIDATION = 1 / 6


@dataclass(frozen=True)
class Variant:
    """A recipe, and tools that the engine does not have.

    Attributes
    ----------
    name : str
    recipe : Recipe
        What it changes in the recipe is changed there.
    white : bool
        Whether the first kernel starts as `whiten` says.
    frozen : bool
        Whether the first kernel is not trained.
    dirac : bool
        Whether the second kernel starts as `pass_through` says.
    muon : float or None
        The highest rate of `Muon`, which trains the kernels.
    shifts : int
        An image is read with so many shifts by one pixel, 4 or 8, and the
        probabilities are averaged.
    """

    name: str
    recipe: Recipe
    white: bool = False
    frozen: bool = False
    dirac: bool = False
    muon: float | None = None
    shifts: int = 0

    def config(self) -> dict[str, Any]:
        """Return all that decides its scores but the seed, as JSON values.

        What is as it is by default is left out, so that a recipe does not change where
        recipes are given a new setting.
        """
        plain = Variant(self.name, Recipe(self.recipe.name, layers=()))
        config = changed(asdict(self), asdict(plain))
        config["recipe"] = changed(asdict(self.recipe), asdict(plain.recipe))
        values: dict[str, Any] = json.loads(json.dumps({**config, "cut": CUT_SEED}))
        return values

    def digest(self) -> str:
        """Return what tells it from what it was before a change."""
        text = json.dumps(self.config(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def training(self) -> str:
        """Return the digest of its training, which others may share."""
        return replace(self, shifts=0).digest()


def changed(settings: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that differ from plain ones."""
    return {k: v for k, v in settings.items() if v != plain[k]}


class Data(NamedTuple):
    """Images and labels to train on, and to count right answers on."""

    images: Array
    labels: Array
    validation_images: Array
    validation_labels: Array


def load() -> Data:
    """Return MNIST's training images, cut into 50,000 and 10,000."""
    data = load_mnist()
    kept, held = hold_out(data.labels, official_split().train, VALIDATION, CUT_SEED)
    return Data(
        data.images[kept], data.labels[kept], data.images[held], data.labels[held]
    )


def train(variant: Variant, data: Data, seed: int, threads: int | None) -> Network:
    """Train a variant; variants with the same seed start alike."""
    recipe = variant.recipe
    for_start, for_fit = np.random.default_rng(seed).spawn(2)
    n_classes = int(data.labels.max()) + 1
    network = recipe.build(data.images.shape[1:], n_classes, for_start)
    kernels = [network.parameters()[name] for name in kernels_of(network)]
    if variant.white:
        whiten(kernels[0], data.images)
    if variant.dirac:
        pass_through(kernels[1])
    n = round(recipe.outliers * len(data.images))
    strange = outliers(n, np.random.default_rng([seed, n])) if n else None
    fit(
        network,
        data.images,
        data.labels,
        loss=recipe.loss,
        optimizer=optimizer_of(variant, network),
        learning_rate=recipe.learning_rate,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        shuffle=recipe.shuffle,
        seed=for_fit,
        threads=threads,
        weight_average=recipe.weight_average,
        augment=recipe.augmentation,
        outliers=strange,
    )
    return network


def optimizer_of(variant: Variant, network: Network) -> Optimizer:
    """Return the recipe's optimiser, an Adam, or what does the same but for kernels."""
    recipe = variant.recipe
    plain = optimizers.get(recipe.optimizer)
    if variant.muon is None and not variant.frozen:
        return plain
    settings = plain.config()
    del settings["name"]
    kernels = kernels_of(network)
    if variant.muon is None:
        return Muon(network.layout, kernels[:1], ratio=0.0, **settings)
    ratio = variant.muon / schedules.get(recipe.learning_rate).learning_rate
    return Muon(network.layout, kernels, ratio=ratio, **settings)


def accuracy(network: Network, data: Data, shifts: int = 0) -> float:
    """Return the share of right answers on the validation images."""
    images = data.validation_images
    total = sum(network.predict_proba(each) for each in shifted(images, shifts))
    return float(np.mean(np.argmax(total, axis=1) == data.validation_labels))


def shifted(images: Array, shifts: int) -> list[Array]:
    """Return images (n, h, w, c), and them moved by one pixel: 4 ways, or 8."""
    _, h, w, _ = images.shape
    padded = np.pad(images, [(0, 0), (1, 1), (1, 1), (0, 0)])
    moves = sorted(product((-1, 0, 1), repeat=2), key=lambda m: abs(m[0]) + abs(m[1]))
    return [
        np.ascontiguousarray(padded[:, 1 + i : 1 + i + h, 1 + j : 1 + j + w])
        for i, j in moves[: 1 + shifts]
    ]
