"""``ardoise evaluate`` and ``compare``: how good a model is, or which of two."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ardoise.cli.held import data_of, part_words
from ardoise.cli.openings import OPENINGS, Opening, count_opening, digest_of, now
from ardoise.cli.parts import shown_classes
from ardoise.cli.results import say_accuracy, say_alone
from ardoise.cli.terminal import Terminal
from ardoise.cli.using import find_model, members_of
from ardoise.digits import Dataset
from ardoise.digits.asking import Answers, ask, confusion
from ardoise.digits.held import Held, SealedError, held_out
from ardoise.digits.scores import confidence, mcnemar, per_class, wilson_interval
from ardoise.files import Model, load_model
from ardoise.plots.numbers import decimal, integer, percent, shortest

SIGNIFICANT = 0.05


def evaluate(
    model_path: Path | None,
    source: str | None,
    split: str | None,
    terminal: Terminal,
    *,
    final: bool = False,
    as_json: bool = False,
) -> int:
    """Print how well a model reads images that it has not seen.

    Parameters
    ----------
    model_path : Path or None
        None for the latest model.
    source, split : str or None
        Other data, another split than those of its training.
    terminal : Terminal
    final : bool
        Open the sealed test images.
    as_json : bool
        Print a line of JSON instead of sentences.
    """
    terminal.out.quiet = as_json
    file = find_model(model_path, terminal)
    model = load_model(file)
    held = held_out(model, file, data_of(model, source, terminal), split, final=final)
    images = held.images(model)
    answers = ask(model.network, images, held.part)
    alone = [ask(network, images).accuracy for network in members_of(model)]
    opened = count(file, images, answers) if final else []
    if as_json:
        terminal.out.quiet = False
        terminal.out.print(json.dumps(figures(file, held, answers, opened, alone)))
        return 0
    terminal.say(
        "evaluate.data",
        data=held.source.name,
        n=integer(len(held.rows), terminal.lang),
        split=part_words(held, terminal),
    )
    say_accuracy(terminal, answers)
    if alone:
        say_alone(terminal, alone)
    say_confidence(terminal, answers)
    if "temperature" in model.details and held.part == "validation":
        terminal.say("evaluate.fitted")
    if final:
        say_openings(terminal, file.parent / OPENINGS, opened)
    show_classes(terminal, model, confusion(answers, len(model.classes)))
    return 0


def count(file: Path, images: Dataset, answers: Answers) -> list[Opening]:
    """Count an opening of the seal; return all those of these images.

    Raises
    ------
    OpeningsError
        If that is not possible.
    """
    opening = Opening(
        now(),
        file.name,
        digest_of(file),
        images.name,
        images.digest(),
        answers.correct,
        len(answers.labels),
    )
    return count_opening(file.parent, opening)


def figures(
    file: Path,
    held: Held,
    answers: Answers,
    opened: list[Opening],
    alone: list[float],
) -> dict[str, object]:
    """Return what ``evaluate --json`` prints."""
    correct, total = answers.correct, len(answers.labels)
    return {
        "model": str(file),
        "sha256": digest_of(file),
        "data": held.source.name,
        "split": held.split,
        "part": held.part,
        "correct": correct,
        "total": total,
        "accuracy": answers.accuracy,
        "interval": wilson_interval(correct, total),
        **asdict(confidence(answers.probabilities, answers.labels)),
        "openings": len(opened),
        **({"members": alone} if alone else {}),
    }


def say_confidence(terminal: Terminal, answers: Answers) -> None:
    """Print whether the probabilities can be believed."""
    lang = terminal.lang
    found = confidence(answers.probabilities, answers.labels)
    terminal.say(
        "evaluate.confidence",
        ece=percent(found.ece, lang),
        nll=decimal(found.nll, lang, 4),
        brier=decimal(found.brier, lang, 4),
    )


def say_openings(terminal: Terminal, file: Path, opened: list[Opening]) -> None:
    """Print how often the test images were opened, and what that means."""
    n = integer(len(opened), terminal.lang)
    terminal.say("evaluate.openings", file=file, n=n)
    if len(opened) > 1:
        first = opened[0].correct / opened[0].total
        terminal.say("evaluate.opened_before", accuracy=percent(first, terminal.lang))


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


def compare(
    paths: tuple[Path, Path],
    source: str | None,
    terminal: Terminal,
    *,
    final: bool = False,
) -> int:
    """Print whether two models differ by more than chance, on the same images.

    These are images that neither has learned from: what their validation parts have in
    common, or their test parts if ``final``.

    Raises
    ------
    SealedError
        If they have none in common.
    """
    files = [find_model(path, terminal) for path in paths]
    models = [load_model(file) for file in files]
    data = data_of(models[0], source, terminal)
    held = [
        held_out(model, file, data, None, final=final)
        for model, file in zip(models, files, strict=True)
    ]
    rows = np.intersect1d(held[0].rows, held[1].rows)
    if not len(rows):
        raise SealedError("compare.nothing")
    shared = [Held(data, rows, one.part, one.split) for one in held]
    images = [one.images(model) for model, one in zip(models, shared, strict=True)]
    answers = [
        ask(model.network, part, one.part)
        for model, part, one in zip(models, images, shared, strict=True)
    ]
    if final:
        for file, part, said in zip(files, images, answers, strict=True):
            count(file, part, said)
    lang = terminal.lang
    terminal.say(
        "compare.data",
        data=data.name,
        n=integer(len(rows), lang),
        first=part_words(shared[0], terminal),
        second=part_words(shared[1], terminal),
    )
    for letter, path, said in zip("AB", paths, answers, strict=True):
        say_model(terminal, letter, path, said)
    say_difference(terminal, *(said.predicted == said.labels for said in answers))
    return 0


def say_model(terminal: Terminal, letter: str, path: Path, answers: Answers) -> None:
    """Print how well one of the two models reads."""
    lang = terminal.lang
    terminal.say(
        "compare.model",
        letter=letter,
        path=path,
        accuracy=percent(answers.accuracy, lang),
        correct=integer(answers.correct, lang),
    )


def say_difference(
    terminal: Terminal, first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> None:
    """Print how two models' right answers differ, and what that means."""
    lang = terminal.lang
    only_first = int(np.count_nonzero(first & ~second))
    only_second = int(np.count_nonzero(second & ~first))
    terminal.say(
        "compare.disagreement",
        first=integer(only_first, lang),
        second=integer(only_second, lang),
    )
    if not only_first and not only_second:
        terminal.say("compare.same")
        return
    p = mcnemar(only_first, only_second)
    shown = shortest(float(f"{p:.2g}"), lang)
    if p < SIGNIFICANT:
        better = "A" if only_first > only_second else "B"
        terminal.say("compare.better", p=shown, better=better)
    else:
        terminal.say("compare.chance", p=shown)
