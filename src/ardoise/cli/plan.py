"""What a training will do, decided before it starts, and the training itself.

`make_plan` turns the options of ``ardoise train`` into a `Plan`: recipe, images, and
networks with their first weights, mostly one. `learn` trains one.
"""

import math
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import ardoise
from ardoise.cli.augmenting import check_images, read_augmentation
from ardoise.cli.held import is_sealed
from ardoise.cli.parts import absolute, default_split, divide, load
from ardoise.cli.terminal import OptionError, Terminal
from ardoise.digits import Dataset
from ardoise.digits.outliers import outliers
from ardoise.digits.recipes import DEFAULT_RECIPE, FOR_ROWS, RECIPES, Recipe
from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.history import History
from ardoise.engine.network import Network
from ardoise.engine.novelty import Doubt
from ardoise.engine.snapshot import Snapshot
from ardoise.engine.threads import available_threads
from ardoise.engine.training import Callback, fit
from ardoise.files import Model
from ardoise.pictures import Settings, is_framed

MOST_MEMBERS = 100  # more do not help, and all have their place in memory


@dataclass(frozen=True)
class TrainOptions:
    """What ``ardoise train`` was asked; None where the recipe or the data decide."""

    recipe: str | None
    data: str
    split: str | None
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    seed: int
    threads: int | None
    output: Path | None
    augment: str | None = None
    members: int | None = None


@dataclass(frozen=True)
class Plan:
    """A training that is ready to start.

    Attributes
    ----------
    recipe : Recipe
        With what the options change in it.
    train, validation, test : Dataset
        The images of each part; ``validation`` is None where there is none.
    networks : tuple of Network
        Each member with its first weights: one, but for a recipe of several.
    threads : int
    details : dict
        What the model file will remember of all this.
    for_fit : tuple of numpy.random.Generator
        What the training of each member draws from.
    outliers : ndarray or None
        Images of no class, to learn from besides.
    """

    recipe: Recipe
    train: Dataset
    validation: Dataset | None
    test: Dataset
    networks: tuple[Network, ...]
    threads: int
    details: dict[str, Any]
    for_fit: tuple[np.random.Generator, ...]
    outliers: Array | None = None

    @property
    def shapes(self) -> tuple[Network, ...]:
        """The first network of each shape: one, unless the recipe has others."""
        return self.networks[: 1 + len(self.recipe.others)]

    @property
    def scored(self) -> tuple[str, Dataset | None]:
        """The part on which the end of the training says how well it went.

        The validation part; for the notebook's recipe the test part, as it was there.
        None where the test part is sealed and there is no other.
        """
        if not is_sealed(self.recipe.name, self.details["split"]):
            return "test", self.test
        return "validation", self.validation

    def model(self, network: Network, doubt: Doubt | None = None) -> Model:
        """Return a trained network, and what it refuses, as they go into a file."""
        loss = losses.get(self.recipe.loss)
        return Model(network, self.train.classes, loss, self.details, doubt)


def make_plan(options: TrainOptions, terminal: Terminal) -> Plan:
    """Load the data, divide it, build the networks.

    Raises
    ------
    UserError
        With one sentence, when an option or the data is wrong.
    """
    recipe = adapt(options, DEFAULT_RECIPE)
    data = load(options.data, terminal)
    if options.recipe is None and data.images.ndim != 4:
        recipe = adapt(options, FOR_ROWS)
    if recipe.augmentation is not None:
        check_images(data, recipe.augmentation)
    split = options.split
    if split is None:
        split = default_split(options.data, recipe.split)
    # Streams of their own: another recipe or split with the same seed starts alike, and
    # the first of several members is the network that would be trained alone.
    streams = np.random.default_rng(options.seed).spawn(1 + 2 * recipe.members)
    for_split, for_start, for_fit = streams[0], streams[1::2], streams[2::2]
    parts = divide(data, split, recipe.validation, for_split)
    threads = options.threads or available_threads()
    dark = dark_on_light(data)
    details = {
        "recipe": recipe.name,
        "data": absolute(options.data),
        "digest": data.digest(),
        "split": split,
        "validation": recipe.validation,
        "dark_on_light": dark,
        "seed": options.seed,
        "threads": threads,
        "versions": versions(),
    }
    if recipe.augmentation is not None:
        details["augmentation"] = dict(recipe.augmentation)
    strange = None
    if is_framed(data.images, dark):
        details["prepare"] = Settings(dark_on_light=dark).config()
        if recipe.outliers:
            n = max(1, round(recipe.outliers * len(parts.train)))
            strange = outliers_like(data, dark, n, options.seed)
            details["outliers"] = n
    shape, n_classes = data.images.shape[1:], len(data.classes)
    return Plan(
        recipe,
        data.subset(parts.train),
        data.subset(parts.validation) if len(parts.validation) else None,
        data.subset(parts.test),
        tuple(
            recipe.build(shape, n_classes, start, member)
            for member, start in enumerate(for_start)
        ),
        threads,
        details,
        tuple(for_fit),
        strange,
    )


def learn(
    plan: Plan,
    callbacks: Sequence[Callback] = (),
    snapshot: Snapshot | None = None,
    member: int = 0,
) -> History:
    """Train a network of the plan, or go on from a snapshot.

    Raises
    ------
    DivergenceError
        As `ardoise.fit`.
    """
    recipe, checked = plan.recipe, plan.validation
    return fit(
        plan.networks[member],
        plan.train.images,
        plan.train.labels,
        loss=recipe.loss,
        optimizer=recipe.optimizer,
        learning_rate=recipe.learning_rate,
        # The notebook counts its epochs from 0 to the last, included.
        epochs=recipe.epochs + recipe.notebook,
        batch_size=recipe.batch_size,
        validation_data=None if checked is None else (checked.images, checked.labels),
        shuffle=recipe.shuffle,
        seed=plan.for_fit[member],
        threads=plan.threads,
        callbacks=callbacks,
        weight_average=recipe.weight_average,
        augment=recipe.augmentation,
        outliers=plan.outliers,
        snapshot=snapshot,
    )


def adapt(options: TrainOptions, default: str) -> Recipe:
    """Return the recipe, or the default one, with what the options change in it.

    Raises
    ------
    OptionError
        If there is no such recipe, or a number is out of range.
    """
    name = options.recipe if options.recipe is not None else default
    if name not in RECIPES:
        raise OptionError("option.recipe", name=name, names=", ".join(RECIPES))
    recipe = RECIPES[name]
    for option, value in (
        ("--epochs", options.epochs),
        ("--batch-size", options.batch_size),
        ("--threads", options.threads),
    ):
        if value is not None and value < 1:
            raise OptionError("option.positive", option=option, value=value)
    if options.members is not None and not 1 <= options.members <= MOST_MEMBERS:
        raise OptionError("option.members", most=MOST_MEMBERS, value=options.members)
    if options.seed < 0:
        raise OptionError("option.seed", value=options.seed)
    if options.epochs is not None:
        recipe = replace(recipe, epochs=options.epochs)
    if options.batch_size is not None:
        recipe = replace(recipe, batch_size=options.batch_size)
    if options.members is not None:
        recipe = replace(recipe, members=options.members)
    if options.augment is not None:
        recipe = replace(recipe, augmentation=read_augmentation(options.augment))
    rate = options.learning_rate
    if rate is not None:
        if not 0 < rate < math.inf:
            raise OptionError("option.rate", value=rate)
        schedule = recipe.learning_rate
        if isinstance(schedule, Mapping):
            recipe = replace(recipe, learning_rate={**schedule, "learning_rate": rate})
        else:
            recipe = replace(recipe, learning_rate=rate)
    return recipe


def dark_on_light(data: Dataset) -> bool:
    """Return whether most pictures have light borders: ink on paper, unlike MNIST."""
    if data.images.ndim != 4:
        return False
    first = data.images[:1000, ..., 0]
    border = np.concatenate(
        [first[:, 0], first[:, -1], first[:, :, 0], first[:, :, -1]], axis=1
    )
    middle = 127 if data.images.dtype == np.uint8 else 0.5
    return bool(np.median(border) > middle)


def outliers_like(data: Dataset, dark: bool, n: int, seed: int) -> Array:
    """Return pictures that are no digit, with the ink and the dtype of the data.

    Parameters
    ----------
    data : Dataset
        Framed as MNIST's digits are.
    dark : bool
        Whether its ink is dark.
    n : int
    seed : int
        Of the training: one that goes on sees the same.
    """
    images = outliers(n, np.random.default_rng([seed, n]))
    if dark:
        images = 255 - images
    if data.images.dtype == np.uint8:
        return images
    scaled: Array = (images / 255).astype(data.images.dtype)
    return scaled


def versions() -> dict[str, str]:
    """Return the versions of what computed this."""
    return {
        "ardoise": ardoise.__version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
        "system": f"{sys.platform} {platform.machine()}",
    }
