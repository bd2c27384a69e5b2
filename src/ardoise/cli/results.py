"""What came of a training: unseen images read, figures printed, pictures drawn."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ardoise.cli.parts import shown_classes
from ardoise.cli.terminal import Terminal
from ardoise.digits import Dataset
from ardoise.digits.asking import Answers, confusion
from ardoise.digits.recipes import Recipe
from ardoise.digits.scores import wilson_interval
from ardoise.engine.history import History
from ardoise.files import write_atomically
from ardoise.messages import UserError
from ardoise.plots.numbers import duration, integer, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class HistoryError(UserError):
    """A history that cannot be read, in one sentence."""


def say_result(
    terminal: Terminal, answers: Answers | None, alone: Sequence[float]
) -> None:
    """Print the accuracy on unseen images, also of each member where it is a mean."""
    if answers is None:
        terminal.say("train.unchecked")
    else:
        say_accuracy(terminal, answers)
    if alone:
        say_alone(terminal, alone)


def say_time(terminal: Terminal, seconds: float, epochs: int) -> None:
    """Print how long the training took."""
    terminal.say(
        "train.time",
        time=duration(seconds, terminal.lang),
        epochs=integer(epochs, terminal.lang),
    )


def say_alone(terminal: Terminal, accuracies: Sequence[float]) -> None:
    """Print how well the networks read of which a model is the mean, each alone."""
    lang = terminal.lang
    terminal.say(
        "result.members",
        n=integer(len(accuracies), lang),
        low=percent(min(accuracies), lang),
        high=percent(max(accuracies), lang),
        mean=percent(sum(accuracies) / len(accuracies), lang),
    )


def say_accuracy(terminal: Terminal, answers: Answers) -> None:
    """Print the accuracy with its 95 % interval."""
    lang = terminal.lang
    low, high = wilson_interval(answers.correct, len(answers.labels))
    terminal.say(
        f"result.{answers.part}",
        accuracy=percent(answers.accuracy, lang),
        low=percent(low, lang),
        high=percent(high, lang),
        correct=integer(answers.correct, lang),
        total=integer(len(answers.labels), lang),
    )


def write_history(path: Path, history: History) -> None:
    """Write the history, a line an epoch; what was not measured is left empty."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(history.columns)
    writer.writerows(zip(*history.columns.values(), strict=True))
    write_atomically(path, table.getvalue().encode())


def read_history(path: Path) -> dict[str, list[float | None]]:
    """Read what `write_history` wrote.

    Raises
    ------
    HistoryError
        If it is something else, or cannot be read.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            heads, *rows = list(csv.reader(file, strict=True))
        values = [[float(cell) if cell else None for cell in row] for row in rows]
        columns = zip(*values, strict=True) if values else ([] for _ in heads)
        history = {
            name: list(column) for name, column in zip(heads, columns, strict=True)
        }
        if any(None in history[name] for name in ("loss", "learning_rate")):
            raise ValueError("an epoch without a loss")
    except OSError as error:
        raise HistoryError("history.unreadable", path=path, reason=error) from None
    except (ValueError, KeyError, csv.Error) as error:
        raise HistoryError("history.damaged", path=path) from error
    return history


def draw(
    folder: Path,
    terminal: Terminal,
    recipe: Recipe,
    history: History,
    answers: Answers | None,
    images: Dataset | None,
) -> dict[str, Path]:
    """Draw the pictures of the run; return key → file.

    Those of answers are drawn where there are some. Without matplotlib there are none,
    and a sentence says so.
    """
    from ardoise import plots

    try:
        figures = {"curve": _curve(recipe, history, answers, terminal.lang)}
        if answers is not None and images is not None:
            figures |= _of_answers(answers, images, terminal.lang)
    except plots.MissingMatplotlibError as error:
        terminal.complain(error.sentence(terminal.lang))
        return {}
    return {
        key: plots.save_figure(figure, folder / f"{key}.png")
        for key, figure in figures.items()
    }


def _curve(
    recipe: Recipe, history: History, answers: Answers | None, lang: str
) -> "Figure":
    from ardoise import plots

    if recipe.notebook and answers is not None and answers.part == "test":
        return plots.notebook_curve(
            notebook_accuracies(history, recipe.epochs), 100 * answers.accuracy, lang
        )
    return plots.training_curves(history.columns, lang, best_epoch=history.best_epoch)


def _of_answers(answers: Answers, images: Dataset, lang: str) -> dict[str, "Figure"]:
    from ardoise import plots

    classes = shown_classes(images.classes, lang)
    names = np.array(classes)
    matrix = confusion(answers, len(classes))
    figures = {"confusion": plots.confusion_matrix(matrix, classes, lang)}
    if images.images.ndim == 4 and images.images.shape[3] == 1:
        figures["grid"] = plots.digit_grid(
            images.images[:9],
            names[answers.predicted[:9]],
            names[answers.labels[:9]],
            lang,
        )
        figures["mistakes"] = plots.worst_mistakes(
            images.images, answers.probabilities, answers.labels, classes, lang
        )
    return figures


def notebook_accuracies(history: History, epochs: int) -> list[float]:
    """Return the accuracies that the notebook recorded: in %, each 1 % of the way."""
    recorded = {epochs * percent // 100 for percent in range(101)}
    return [
        round(100 * accuracy, 2)
        for i, accuracy in enumerate(history["accuracy"])
        if i in recorded
    ]
