"""``ardoise info`` and ``verify``: what a file holds, and whether it is whole."""

from pathlib import Path
from typing import Any

from ardoise.cli.openings import digest_of, read_openings
from ardoise.cli.parts import shown_classes
from ardoise.cli.terminal import Terminal
from ardoise.cli.training import SCORES
from ardoise.cli.using import find_model, members_of
from ardoise.digits.scores import wilson_interval
from ardoise.files import Model, ModelFileError, load_model
from ardoise.files.checkpoint import CheckpointError, load_only
from ardoise.plots.numbers import integer, percent


def info(model_path: Path | None, terminal: Terminal) -> int:
    """Print what a model is: its layers, what it was trained on, how well it reads."""
    file = find_model(model_path, terminal)
    model = load_model(file)
    lang, text = terminal.lang, terminal.text
    size = integer(file.stat().st_size, lang)
    terminal.say("info.file", file=file, size=size)
    table = terminal.table(
        (text("info.layer"), False),
        (text("info.output"), False),
        (text("info.weights"), True),
    )
    several = members_of(model)
    for name, shape, count in (several or [model.network])[0].summary():
        table.add_row(name, shape, integer(count, lang) if count else "")
    table.add_row(text("info.total"), "", integer(model.network.n_params, lang))
    terminal.out.print(table)
    if several:
        terminal.say("info.members", n=integer(len(several), lang))
    terminal.say("info.classes", names=", ".join(shown_classes(model.classes, lang)))
    for line in [*_card(model, terminal), *_openings(file, terminal)]:
        terminal.out.print(line)
    return 0


def _card(model: Model, terminal: Terminal) -> list[str]:
    """Return sentences on where a model comes from, as far as its file says."""
    details = model.details
    lines = []
    if {"recipe", "data", "split", "seed"} <= details.keys():
        known = {name: details[name] for name in ("recipe", "data", "split", "seed")}
        lines.append(terminal.text("info.trained", **known))
    versions = details.get("versions")
    if isinstance(versions, dict):
        words = ", ".join(f"{name} {version}" for name, version in versions.items())
        lines.append(terminal.text("info.versions", versions=words))
    for part, name in SCORES.items():
        score = details.get(name)
        if isinstance(score, dict):
            lines += _score(part, score.get("correct"), score.get("total"), terminal)
    return lines


def _openings(file: Path, terminal: Terminal) -> list[str]:
    """Return what was seen of the test images, if their seal was opened."""
    opened = read_openings(file.parent)
    if not opened:
        return []
    # The latest test images, and the first time that these were seen.
    first = next(entry for entry in opened if entry.test == opened[-1].test)
    n = sum(entry.test == first.test for entry in opened)
    count = terminal.text("info.openings", n=integer(n, terminal.lang))
    return [*_score("test", first.correct, first.total, terminal), count]


def _score(part: str, correct: Any, total: Any, terminal: Terminal) -> list[str]:
    """Return the sentence of the score, if that makes sense."""
    counts = type(correct) is int and type(total) is int
    if not counts or not 0 <= correct <= total or total == 0:
        return []
    lang = terminal.lang
    low, high = wilson_interval(correct, total)
    return [
        terminal.text(
            f"info.score_{part}",
            accuracy=percent(correct / total, lang),
            low=percent(low, lang),
            high=percent(high, lang),
            total=integer(total, lang),
        )
    ]


def verify(file: Path, terminal: Terminal) -> int:
    """Say whether a model file or a checkpoint is whole.

    Raises
    ------
    ModelFileError
        If it is neither.
    """
    digest = _digest(file)
    try:
        model = load_model(file)
    except ModelFileError as error:
        try:
            checkpoint = load_only(file)
        except CheckpointError:
            if error.key == "model.damaged":
                raise ModelFileError("verify.neither", path=file) from None
            raise error from None
        values = checkpoint.snapshot.values
        terminal.say(
            "verify.checkpoint", file=file, epoch=values["epoch"], step=values["step"]
        )
        if checkpoint.finished:
            n = integer(len(checkpoint.finished), terminal.lang)
            terminal.say("verify.finished", n=n)
    else:
        weights = integer(model.network.n_params, terminal.lang)
        terminal.say("verify.model", file=file, weights=weights)
    terminal.say("verify.digest", digest=digest)
    return 0


def _digest(file: Path) -> str:
    try:
        return digest_of(file)
    except OSError as error:
        raise ModelFileError("model.unreadable", path=file, reason=error) from None
    except ValueError as error:
        raise ModelFileError("model.damaged", path=file) from error
