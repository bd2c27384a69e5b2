"""``ardoise teach``: a model learns somebody's own hand, and forgets nothing.

A few pictures are not enough to train on: they are mixed with some of those that the
model learned from, which it so keeps (replay, as in Robins, "Catastrophic forgetting,
rehearsal and pseudorehearsal", 1995).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.cli.held import data_of, parts_of, suited
from ardoise.cli.members import doubt_of
from ardoise.cli.pictures import Reader
from ardoise.cli.plan import outliers_like
from ardoise.cli.progress import Interruptible, ShownProgress
from ardoise.cli.results import answers_of, ask, outputs_of
from ardoise.cli.terminal import Terminal
from ardoise.cli.using import find_model
from ardoise.digits import DataError, Dataset, read_picture
from ardoise.engine.arrays import Array
from ardoise.engine.network import Network
from ardoise.engine.training import fit
from ardoise.files import Model, load_model, save_model
from ardoise.messages import UserError
from ardoise.pictures import PictureError
from ardoise.plots.numbers import integer, percent

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


def teach(
    folder: Path,
    model_path: Path | None,
    output: Path | None,
    seed: int,
    terminal: Terminal,
) -> int:
    """Let a model learn the pictures of a folder; return the exit code.

    Parameters
    ----------
    folder : Path
        A folder for each class, named like it, with its pictures.
    model_path : Path or None
    output : Path or None
        Where the new model goes; by default beside the old one.
    seed : int
    terminal : Terminal

    Raises
    ------
    TeachError
        If there is nothing to learn, or the new model would read what it knew worse by
        more than 0.2 points: it is not saved then.
    """
    lang = terminal.lang
    file = find_model(model_path, terminal)
    model = load_model(file)
    own = load_own(folder, model, terminal)
    data = data_of(model, None, terminal)
    parts = parts_of(model, file, data, str(model.details.get("split", "official")))
    if not len(parts.validation):
        raise TeachError("teach.no_validation")
    known = suited(data.subset(parts.validation), model)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(parts.train, min(REPLAYED, len(parts.train)), replace=False)
    old = suited(data.subset(np.sort(chosen)), model)
    terminal.say("teach.start", n=integer(len(own), lang), folder=folder)
    before = ask(model.network, own, "own").correct
    folds = _folds(own.labels, rng)
    progress, interrupt = ShownProgress(terminal), Interruptible()

    def taught(images: Dataset, number: int) -> Network:
        progress.member = (number, len(folds) + 1)
        network = _learn(model, images, old, rng, [interrupt, progress])
        if interrupt.asked:
            raise KeyboardInterrupt
        return network

    after = 0
    with interrupt, progress:
        for number, held in enumerate(folds, 1):
            learned = np.setdiff1d(np.arange(len(own)), held)
            network = taught(own.subset(learned), number)
            after += ask(network, own.subset(held), "own").correct
        network = taught(own, len(folds) + 1)
    if not folds:
        after = ask(network, own, "own").correct
    terminal.say(
        "teach.own" if folds else "teach.own_seen",
        before=percent(before / len(own), lang, 1),
        after=percent(after / len(own), lang, 1),
    )
    was = ask(model.network, known, "validation").accuracy
    z = outputs_of(network, known.images)
    now = answers_of(z, known.labels, "validation").accuracy
    terminal.say(
        "teach.known",
        data=data.name,
        n=integer(len(known), lang),
        before=percent(was, lang),
        after=percent(now, lang),
    )
    if now < was - MOST_LOST:
        raise TeachError("teach.forgets", most=percent(MOST_LOST, lang, 1))
    place = output or file.with_name(f"{file.stem}-taught{file.suffix}")
    details = {**model.details, "taught": model.details.get("taught", 0) + len(own)}
    known_doubt = doubt_of(network, old, known, z)
    doubt = known_doubt.doubt if known_doubt else None
    save_model(place, replace(model, network=network, details=details, doubt=doubt))
    terminal.say("teach.saved", file=place)
    return 0


def load_own(folder: Path, model: Model, terminal: Terminal) -> Dataset:
    """Return the pictures of a folder, prepared as the model wants them.

    Those that cannot be read, and those with nothing on them, are named and left out.

    Raises
    ------
    TeachError
        If the folder has no pictures, or one of a class that the model does not know.
    """
    reader = Reader(model)
    images: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    if not folder.is_dir():
        raise TeachError("teach.no_folder", folder=folder)
    for sub in sorted(folder.iterdir()):
        if not sub.is_dir() or sub.name.startswith("."):
            continue
        if sub.name not in model.classes:
            known = ", ".join(model.classes)
            raise TeachError("teach.unknown_class", name=sub.name, known=known)
        for file in sorted(sub.iterdir()):
            if file.name.startswith(".") or not file.is_file():
                continue
            try:
                image, report = reader.prepared(read_picture(file))
            except (DataError, PictureError) as error:
                terminal.complain(error.sentence(terminal.lang))
                continue
            if report is not None and report.is_empty:
                terminal.say("predict.empty", file=file)
                continue
            images.append(image)
            labels.append(model.classes.index(sub.name))
    if not images:
        raise TeachError("teach.no_pictures", folder=folder)
    return Dataset(
        np.stack(images)[..., np.newaxis],
        np.array(labels, np.int64),
        model.classes,
        folder.name,
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
    callbacks: Sequence[Any],
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
