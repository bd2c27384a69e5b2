"""``ardoise evaluate``, ``predict`` and ``data``: using what was trained."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ardoise.cli.parts import (
    MNIST,
    divide,
    known_name,
    load,
    shown_classes,
)
from ardoise.cli.results import ask, confusion, probabilities_of, say_accuracy
from ardoise.cli.terminal import Terminal
from ardoise.cli.training import MODEL_FILE, RUNS, RunError
from ardoise.digits import DataError, Dataset, fit_image, read_image
from ardoise.digits.scores import per_class
from ardoise.files import Model, ModelFileError, load_model
from ardoise.plots.numbers import integer, percent, shortest


def find_model(model: Path | None, terminal: Terminal) -> Path:
    """Return the model file: the one named, or in the folder named, or the latest.

    Raises
    ------
    RunError
        If none is named and there is no run.
    """
    if model is not None:
        return model / MODEL_FILE if model.is_dir() else model
    found = sorted(RUNS.glob(f"*/{MODEL_FILE}"), key=lambda file: file.stat().st_mtime)
    if not found:
        raise RunError("model.none", runs=RUNS)
    terminal.say("model.latest", file=found[-1])
    return found[-1]


def evaluate(
    model_path: Path | None, source: str | None, split: str | None, terminal: Terminal
) -> int:
    """Print how well a model reads the test part of its data, or other data."""
    file = find_model(model_path, terminal)
    model = load_model(file)
    data, split = unseen(model, file, source, split, terminal)
    terminal.say(
        "evaluate.data",
        data=data.name,
        n=integer(len(data), terminal.lang),
        split=terminal.text("evaluate.test_part", split=split)
        if split
        else terminal.text("evaluate.whole"),
    )
    answers = ask(model.network, data)
    say_accuracy(terminal, answers)
    show_classes(terminal, model, confusion(answers, len(model.classes)))
    return 0


def unseen(
    model: Model,
    file: Path,
    source: str | None,
    split: str | None,
    terminal: Terminal,
) -> tuple[Dataset, str | None]:
    """Return images that a model has not seen, and which part of its data they are.

    That is the test part of the data that it was trained on, or other data.
    """
    details = model.details
    wanted = str(details.get("data", MNIST)) if source is None else source
    data = load(wanted, terminal)
    known = data.digest() == details.get("digest")
    if source is None and not known and "digest" in details:
        terminal.complain(terminal.text("evaluate.changed", data=data.name))
    if split is None and known and "split" in details:
        # The images that this model has never seen, whatever way they were drawn.
        split = str(details["split"])
    if split is not None:
        seed, validation = _drawn_with(model, file)
        for_split = np.random.default_rng(seed).spawn(3)[0]
        data = data.subset(divide(data, split, validation, for_split).test)
    return suited(data, model), split


def _drawn_with(model: Model, file: Path) -> tuple[int, float]:
    """Return the seed and the share of validation images of the model's training."""
    try:
        seed = int(model.details.get("seed", 0))
        validation = float(model.details.get("validation", 0.0))
        if seed < 0 or not 0 <= validation < 1:
            raise ValueError
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelFileError("model.damaged", path=file) from error
    return seed, validation


def suited(data: Dataset, model: Model) -> Dataset:
    """Return the data as the model numbers its classes.

    Raises
    ------
    DataError
        If the images are of another shape, or of a class that the model does not know.
    """
    data = data.with_classes(model.classes)
    expected, got = model.network.input_shape, data.images.shape[1:]
    if expected != got:
        raise DataError("evaluate.shape", expected=_size(expected), got=_size(got))
    return data


def show_classes(terminal: Terminal, model: Model, matrix: NDArray[np.int64]) -> None:
    """Print recall and precision of each class, and what it is most often taken for."""
    lang, text = terminal.lang, terminal.text
    table = terminal.table(
        (text("evaluate.class"), False),
        (text("evaluate.count"), True),
        (text("evaluate.recall"), True),
        (text("evaluate.precision"), True),
        (text("evaluate.taken_for"), False),
    )
    classes = shown_classes(model.classes, lang)
    for i, score in enumerate(per_class(matrix, classes)):
        mistakes = matrix[i].copy()
        mistakes[i] = 0
        worst = int(mistakes.argmax())
        taken = f"{classes[worst]} ({integer(int(mistakes[worst]), lang)})"
        shares = [
            "" if np.isnan(share) else percent(share, lang, 1)
            for share in (score.recall, score.precision)
        ]
        table.add_row(
            score.name,
            integer(score.count, lang),
            *shares,
            taken if mistakes[worst] else "",
        )
    terminal.out.print(table)


def predict(files: Sequence[Path], model_path: Path | None, terminal: Terminal) -> int:
    """Print what the model reads on each picture; exit code 1 if one was unreadable."""
    model = load_model(find_model(model_path, terminal))
    shape = model.network.input_shape
    if len(shape) != 3 or shape[2] != 1:
        raise ModelFileError("predict.shape", shape=_size(shape))
    classes = shown_classes(model.classes, terminal.lang)
    failed = False
    for file in files:
        try:
            image = fit_image(read_image(file), shape[0], shape[1])
        except DataError as error:
            terminal.complain(error.sentence(terminal.lang))
            failed = True
            continue
        if model.details.get("dark_on_light"):
            image = 255 - image  # as the pictures that it learned from
        probabilities = probabilities_of(model.network, image.reshape(1, *shape))[0]
        first, second = np.argsort(-probabilities, kind="stable")[:2]
        terminal.say(
            "predict.line",
            file=file,
            first=classes[first],
            sure=percent(float(probabilities[first]), terminal.lang, 1),
            second=classes[second],
            perhaps=percent(float(probabilities[second]), terminal.lang, 1),
        )
    return 1 if failed else 0


def describe(source: str, sheet: Path | None, terminal: Terminal) -> int:
    """Print what a data set holds; draw a contact sheet if one is wanted."""
    data = load(source, terminal)
    lang, text = terminal.lang, terminal.text
    classes = shown_classes(data.classes, lang)
    terminal.say(
        "data.summary",
        name=data.name,
        n=integer(len(data), lang),
        shape=_size(data.images.shape[1:]),
        dtype=data.images.dtype.name,
        low=shortest(data.images.min(), lang),
        high=shortest(data.images.max(), lang),
        classes=len(classes),
    )
    name = known_name(source)
    if name:
        terminal.say(f"data.{name}_source")
    table = terminal.table(
        (text("evaluate.class"), False),
        (text("evaluate.count"), True),
        (text("data.share"), True),
    )
    counts = np.bincount(data.labels, minlength=len(classes))
    for title, count in zip(classes, counts.tolist(), strict=True):
        table.add_row(title, integer(count, lang), percent(count / len(data), lang, 1))
    terminal.out.print(table)
    if sheet is None:
        named = "" if name == MNIST else f"{shlex.quote(source)} "
        terminal.say("data.sheet_hint", source=named)
        return 0
    from ardoise import plots

    figure = plots.contact_sheet(data.images, data.labels, classes, lang)
    terminal.say("data.sheet", file=plots.save_figure(figure, sheet))
    return 0


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
