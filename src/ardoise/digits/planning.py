"""What a training will do, decided before it starts, and the training itself.

`plan_of` takes a recipe and data and returns a `Plan`: images of each part, networks
with their first weights, mostly one. `learn` trains one of them. The command line and
the page train this way, so what they leave is the same.
"""

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import ardoise
from ardoise.digits.datasets import Dataset
from ardoise.digits.held import is_sealed
from ardoise.digits.outliers import outliers_like
from ardoise.digits.recipes import Recipe
from ardoise.digits.splits import divide
from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.history import History
from ardoise.engine.network import Network
from ardoise.engine.novelty import Doubt
from ardoise.engine.schedules import Schedule
from ardoise.engine.snapshot import Snapshot
from ardoise.engine.threads import available_threads
from ardoise.engine.training import Callback, fit
from ardoise.files import Model
from ardoise.pictures import Settings, is_framed


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


def plan_of(
    recipe: Recipe,
    data: Dataset,
    source: str,
    split: str,
    seed: int,
    threads: int | None = None,
) -> Plan:
    """Divide the data, build the networks.

    Parameters
    ----------
    recipe : Recipe
    data : Dataset
    source : str
        Where it can be found again; the model file remembers it.
    split : str
        As `ardoise.digits.splits.divide` takes it.
    seed : int
    threads : int, optional
        By default, all the processors that the process may use.

    Raises
    ------
    UserError
        With one sentence, when the split does not suit the data.
    """
    # Streams of their own: another recipe or split with the same seed starts alike, and
    # the first of several members is the network that would be trained alone.
    streams = np.random.default_rng(seed).spawn(1 + 2 * recipe.members)
    for_split, for_start, for_fit = streams[0], streams[1::2], streams[2::2]
    parts = divide(data, split, recipe.validation, for_split)
    threads = threads or available_threads()
    dark = dark_on_light(data)
    details: dict[str, Any] = {
        "recipe": recipe.name,
        "data": source,
        "digest": data.digest(),
        "split": split,
        "validation": recipe.validation,
        "dark_on_light": dark,
        "seed": seed,
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
            strange = outliers_like(data, dark, n, seed)
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
    learning_rate: Schedule | None = None,
    communicator: Any = None,
) -> History:
    """Train a network of the plan, or go on from a snapshot.

    Parameters
    ----------
    plan : Plan
    callbacks : sequence of Callback
    snapshot : Snapshot, optional
    member : int
    learning_rate : Schedule, optional
        Instead of the recipe's, so that whoever made it can change it on the way.
    communicator : Ranks or mpi4py.MPI.Comm, optional
        With whom to train; as `ardoise.fit` takes it.

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
        learning_rate=learning_rate or recipe.learning_rate,
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
        communicator=communicator,
    )


def highest_rate(recipe: Recipe) -> float:
    """Return the highest learning rate of a recipe."""
    rate = recipe.learning_rate
    if isinstance(rate, Mapping):
        return float(rate["learning_rate"])
    return float(rate)


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


def versions() -> dict[str, str]:
    """Return the versions of what computed this."""
    return {
        "ardoise": ardoise.__version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
        "system": f"{sys.platform} {platform.machine()}",
    }
