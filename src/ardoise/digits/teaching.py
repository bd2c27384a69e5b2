"""A model learns somebody's own hand, and forgets nothing.

A few pictures are not enough to train on: they are mixed with some of those that the
model learned from, which it so keeps (replay, as in Robins, "Catastrophic forgetting,
rehearsal and pseudorehearsal", 1995).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ardoise.digits.asking import answers_of, ask, outputs_of
from ardoise.digits.datasets import Dataset
from ardoise.digits.finishing import OF_THE_END, doubt_of
from ardoise.digits.held import suited
from ardoise.digits.outliers import outliers_like
from ardoise.digits.splits import Split
from ardoise.engine.arrays import Array
from ardoise.engine.network import Network
from ardoise.engine.training import Callback, fit
from ardoise.files import Model
from ardoise.messages import UserError

REPLAYED = 6000  # images of those that the model learned from
OUTLIERS = 0.1  # pictures that are no digit beside these, if it learned from such
SHARE = 0.25  # of what it learns now, so much is new
EPOCHS, BATCH, RATE = 3, 128, 1e-3
FOLDS = 3  # each picture is read by a network that learned the other two thirds
FEWEST = 9  # pictures, below which no network can be told to have learned more
MOST_LOST = 0.002  # of the accuracy on what it knew
_AUGMENTATION = {
    "rotation": 10.0,
    "translation": 1.5,
    "scale": 0.1,
    "shear": 5.0,
    "stretch": 0.1,
    "thickness": 0.5,
}


class TeachError(UserError):
    """Nothing could be learned, or too much would be forgotten."""


@dataclass(frozen=True)
class Lesson:
    """What a model is taught with.

    Attributes
    ----------
    own : Dataset
        Somebody's pictures, as the model reads them.
    old : Dataset
        Some of the images that it learned from.
    known : Dataset
        Its validation images: what it forgets is seen on them.
    rng : numpy.random.Generator
    """

    own: Dataset
    old: Dataset
    known: Dataset
    rng: np.random.Generator

    @property
    def trainings(self) -> int:
        """How many networks are trained: one a fold, and the one that is kept."""
        return (FOLDS if len(self.own) >= FEWEST else 0) + 1


@dataclass(frozen=True)
class Taught:
    """What came of a lesson.

    Attributes
    ----------
    model : Model
        The new one, whether or not it is worth keeping.
    own_before, own_after : float
        Accuracy on the person's own pictures.
    set_apart : bool
        Whether each of these was read by a network that had not learned it.
    known_before, known_after : float
        Accuracy on the model's validation images.
    """

    model: Model
    own_before: float
    own_after: float
    set_apart: bool
    known_before: float
    known_after: float

    @property
    def forgets(self) -> bool:
        """Tell whether the new model reads what it knew worse by more than allowed."""
        return self.known_after < self.known_before - MOST_LOST


def lesson_of(
    model: Model, own: Dataset, data: Dataset, parts: Split, seed: int
) -> Lesson:
    """Return what to teach a model with: its own data, divided as for its training.

    Raises
    ------
    TeachError
        If there are no validation images to see on what is forgotten.
    """
    if not len(parts.validation):
        raise TeachError("teach.no_validation")
    known = suited(data.subset(parts.validation), model)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(parts.train, min(REPLAYED, len(parts.train)), replace=False)
    return Lesson(own, suited(data.subset(np.sort(chosen)), model), known, rng)


def teach(
    model: Model,
    lesson: Lesson,
    callbacks: Sequence[Callback] = (),
    between: Callable[[int], None] = lambda done: None,
) -> Taught:
    """Teach a copy of a model; the model itself stays as it is.

    Parameters
    ----------
    model : Model
    lesson : Lesson
    callbacks : sequence of Callback
        Of each training.
    between : callable
        Called with how many trainings have ended, before each of them and at the end.
    """
    own, old, known, rng = lesson.own, lesson.old, lesson.known, lesson.rng
    before = ask(model.network, own, "own").accuracy
    folds = _folds(own.labels, rng)
    right = 0
    for done, held in enumerate(folds):
        between(done)
        learned = own.subset(np.setdiff1d(np.arange(len(own)), held))
        network = _learn(model, learned, old, rng, callbacks)
        right += ask(network, own.subset(held), "own").correct
    between(len(folds))
    network = _learn(model, own, old, rng, callbacks)
    between(len(folds) + 1)
    after = right / len(own) if folds else ask(network, own, "own").accuracy
    z = outputs_of(network, known.images)
    doubt = doubt_of(network, old, known, z)
    answers = answers_of(z, known.labels, "validation")
    details = {k: v for k, v in model.details.items() if k not in OF_THE_END}
    details["taught"] = details.get("taught", 0) + len(own)
    details["validation_score"] = {"correct": answers.correct, "total": len(known)}
    return Taught(
        replace(
            model,
            network=network,
            details=details,
            doubt=doubt.doubt if doubt else None,
        ),
        before,
        after,
        bool(folds),
        ask(model.network, known, "validation").accuracy,
        answers.accuracy,
    )


def _folds(labels: Array, rng: np.random.Generator) -> list[Array]:
    """Return thirds of the samples, each class spread over them; none if too few."""
    if len(labels) < FEWEST:
        return []
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return [np.sort(order[i::FOLDS]) for i in range(FOLDS)]


def _learn(
    model: Model,
    own: Dataset,
    old: Dataset,
    rng: np.random.Generator,
    callbacks: Sequence[Callback],
) -> Network:
    """Return a copy of the model's network that learned new images beside old ones."""
    network = model.network.astype(model.network.dtype)
    times = max(1, round(len(old) * SHARE / (1 - SHARE) / len(own)))
    strange = None
    if "outliers" in model.details:
        # What it learned not to answer is learned again, like the rest.
        n, dark = round(len(old) * OUTLIERS), bool(model.details.get("dark_on_light"))
        strange = outliers_like(old, dark, n, int(rng.integers(2**31)))
    fit(
        network,
        np.concatenate([old.images, np.repeat(own.images, times, axis=0)]),
        np.concatenate([old.labels, np.repeat(own.labels, times)]),
        loss=model.loss,
        optimizer={"name": "adamw", "weight_decay": 0.01},
        learning_rate={"name": "one_cycle", "learning_rate": RATE},
        epochs=EPOCHS,
        batch_size=BATCH,
        seed=rng,
        augment=_AUGMENTATION,
        outliers=strange,
        callbacks=callbacks,
    )
    return network
