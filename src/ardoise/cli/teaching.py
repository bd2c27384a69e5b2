"""``ardoise teach``: a model learns the pictures of a folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ardoise.cli.held import data_of
from ardoise.cli.progress import Interruptible, ShownProgress
from ardoise.cli.terminal import Terminal
from ardoise.cli.using import find_model
from ardoise.digits import DataError, Dataset, read_picture, teaching
from ardoise.digits.asking import Reader
from ardoise.digits.held import parts_of
from ardoise.digits.teaching import TeachError
from ardoise.files import Model, load_model, save_model
from ardoise.pictures import PictureError
from ardoise.plots.numbers import integer, percent


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
    lesson = teaching.lesson_of(model, own, data, parts, seed)
    terminal.say("teach.start", n=integer(len(own), lang), folder=folder)
    progress, interrupt = ShownProgress(terminal), Interruptible()

    def between(done: int) -> None:
        if interrupt.asked:
            raise KeyboardInterrupt
        progress.member = (min(done + 1, lesson.trainings), lesson.trainings)

    with interrupt, progress:
        found = teaching.teach(model, lesson, [interrupt, progress], between)
    terminal.say(
        "teach.own" if found.set_apart else "teach.own_seen",
        before=percent(found.own_before, lang, 1),
        after=percent(found.own_after, lang, 1),
    )
    terminal.say(
        "teach.known",
        data=data.name,
        n=integer(len(lesson.known), lang),
        before=percent(found.known_before, lang),
        after=percent(found.known_after, lang),
    )
    if found.forgets:
        raise TeachError("teach.forgets", most=percent(teaching.MOST_LOST, lang, 1))
    place = output or file.with_name(f"{file.stem}-taught{file.suffix}")
    save_model(place, found.model)
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
