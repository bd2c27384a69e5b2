"""``ardoise doctor``: what is wrong with a model, its curve and its data.

The test images stay sealed: they are compared with those of the training, to the last
pixel, and the network does not read them.
"""

from pathlib import Path

import numpy as np

from ardoise.cli.findings import line
from ardoise.cli.held import data_of
from ardoise.cli.parts import default_split, load, shown_classes
from ardoise.cli.results import read_history
from ardoise.cli.terminal import Terminal
from ardoise.cli.training import HISTORY_FILE
from ardoise.cli.using import find_model
from ardoise.digits import DataError, Dataset, Split
from ardoise.digits.asking import ask
from ardoise.digits.held import parts_of, suited
from ardoise.digits.splits import divide
from ardoise.engine.doctor import (
    Finding,
    blame_rate,
    chance_loss,
    examine_answers,
    examine_data,
    examine_history,
    examine_network,
    news,
    normalises,
)
from ardoise.files import Model, load_model
from ardoise.plots.numbers import integer

Parts = tuple[Dataset, Dataset | None, Dataset | None]  # training, validation, test


def examine(model_path: Path | None, source: str | None, terminal: Terminal) -> int:
    """Print what is wrong with a model, its curve and its data, or with data alone.

    Parameters
    ----------
    model_path : Path or None
        None for the latest; or for no model, where data is named.
    source : str or None
        Other data than what the model was trained on.
    terminal : Terminal

    Returns
    -------
    int
        1 if there is a warning, else 0.
    """
    if model_path is None and source is not None:
        found = _of_data_alone(source, terminal)
    else:
        found = _of_model(find_model(model_path, terminal), source, terminal)
    for finding in found:
        terminal.out.print(line(finding, terminal.lang))
    if not found:
        terminal.say("doctor.well")
    return int(any(finding.severity == "warning" for finding in found))


def _of_data_alone(source: str, terminal: Terminal) -> list[Finding]:
    data = load(source, terminal)
    _say_data(data, terminal)
    rng = np.random.default_rng(0)
    try:
        split = divide(data, default_split(source, "official"), 0.0, rng)
    except DataError:  # too few to be divided
        return _of_parts((data, None, None), terminal)
    return _of_parts(_cut(data, split), terminal)


def _of_model(file: Path, source: str | None, terminal: Terminal) -> list[Finding]:
    model = load_model(file)
    terminal.say("doctor.model", file=file)
    parts = _parts_of(model, file, source, terminal)
    train, validation, _ = parts
    found = _of_parts(parts, terminal, normalises(model.network))
    inside = examine_network(model.network, train.images, train.labels, loss=model.loss)
    history = None if source is not None else _curve_of(file, terminal)
    if history is not None:
        rates = [rate for rate in history["learning_rate"] if rate is not None]
        inside = blame_rate(inside, max(rates), found)
    found = news((), [*found, *inside])
    if history is not None:
        curve = examine_history(
            history,
            chance=chance_loss(train.labels),
            n_validation=None if validation is None else len(validation),
        )
        found += news(found, curve)
    if validation is not None:
        answers = ask(model.network, validation)
        found += examine_answers(answers.probabilities, answers.labels)
    return found


def _curve_of(file: Path, terminal: Terminal) -> dict[str, list[float | None]] | None:
    """Return the history beside a model, if there is one that holds an epoch."""
    path = file.parent / HISTORY_FILE
    if not path.is_file():
        return None
    history = read_history(path)
    epochs = integer(len(history["loss"]), terminal.lang)
    terminal.say("doctor.curve", file=path, epochs=epochs)
    return history if history["loss"] else None


def _parts_of(
    model: Model, file: Path, source: str | None, terminal: Terminal
) -> Parts:
    """Return the parts that a model was trained and measured on, or other data."""
    details = model.details
    data = data_of(model, source, terminal)
    _say_data(data, terminal)
    if "split" not in details or data.digest() != details.get("digest"):
        whole = suited(data, model)
        return whole, whole, None
    split = parts_of(model, file, data, str(details["split"]))
    return _cut(suited(data, model), split)


def _cut(data: Dataset, split: Split) -> Parts:
    validation, test = (
        data.subset(part) if len(part) else None
        for part in (split.validation, split.test)
    )
    return data.subset(split.train), validation, test


def _of_parts(
    parts: Parts, terminal: Terminal, normalised: bool = False
) -> list[Finding]:
    train, validation, test = parts
    return examine_data(
        train.images,
        train.labels,
        classes=shown_classes(train.classes, terminal.lang),
        normalised=normalised,
        validation=None if validation in (None, train) else validation.images,
        test=None if test is None else test.images,
    )


def _say_data(data: Dataset, terminal: Terminal) -> None:
    terminal.say("doctor.data", data=data.name, n=integer(len(data), terminal.lang))
