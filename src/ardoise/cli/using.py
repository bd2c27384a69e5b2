"""``ardoise data``, and finding a model: the last run's, or that which is named."""

import shlex
from pathlib import Path

import numpy as np

from ardoise.cli.parts import MNIST, known_name, load, shown_classes
from ardoise.cli.terminal import Terminal
from ardoise.cli.training import MODEL_FILE, RUNS, RunError
from ardoise.digits.held import size_words
from ardoise.engine.ensemble import members
from ardoise.engine.network import Network
from ardoise.files import Model
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


def members_of(model: Model) -> list[Network]:
    """Return the networks of which a model is the mean; none, if it is one network."""
    found = members(model.network) if model.details.get("members") else []
    return found if len(found) > 1 else []


def describe(source: str, sheet: Path | None, terminal: Terminal) -> int:
    """Print what a data set holds; draw a contact sheet if one is wanted."""
    data = load(source, terminal)
    lang, text = terminal.lang, terminal.text
    classes = shown_classes(data.classes, lang)
    terminal.say(
        "data.summary",
        name=data.name,
        n=integer(len(data), lang),
        shape=size_words(data.images.shape[1:]),
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
