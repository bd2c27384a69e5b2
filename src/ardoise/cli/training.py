"""``ardoise train``: from a recipe and data to a folder with all that came of it."""

import math
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

import ardoise
from ardoise.cli.parts import absolute, default_split, divide, load
from ardoise.cli.progress import Interruptible, ShownProgress
from ardoise.cli.report import RunSummary, write_report
from ardoise.cli.results import (
    ask,
    confusion,
    draw,
    say_result,
    write_history,
)
from ardoise.cli.terminal import OptionError, Terminal
from ardoise.digits import Dataset, Split
from ardoise.digits.recipes import RECIPES, Recipe
from ardoise.digits.scores import per_class, wilson_interval
from ardoise.engine import losses
from ardoise.engine.errors import DivergenceError
from ardoise.engine.network import Network
from ardoise.engine.training import History, fit
from ardoise.engine.workers import available_threads, blas_threads
from ardoise.files import Model, save_model, write_atomically
from ardoise.messages import UserError
from ardoise.plots.numbers import integer, shortest

MODEL_FILE = "model.safetensors"
RUNS = Path("runs")


@dataclass(frozen=True)
class TrainOptions:
    """What ``ardoise train`` was asked; None where the recipe decides."""

    recipe: str
    data: str
    split: str | None
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    seed: int
    threads: int | None
    output: Path | None


class RunError(UserError):
    """The training could not be done or kept, in one sentence; exit code 1."""


def train(options: TrainOptions, terminal: Terminal) -> int:
    """Run the whole of ``ardoise train``; return the exit code.

    Raises
    ------
    UserError
        With one sentence, when an option, the data or the output folder is wrong.
    """
    recipe = adapt(options)
    data = load(options.data)
    split = options.split or default_split(options.data, recipe.split)
    # Three streams: another recipe or split with the same seed starts alike.
    for_split, for_start, for_fit = np.random.default_rng(options.seed).spawn(3)
    parts = divide(data, split, recipe.validation, for_split)
    network = recipe.build(data.images.shape[1:], len(data.classes), for_start)
    threads = options.threads or available_threads()
    folder = prepare_folder(options)
    introduce(terminal, recipe, data, parts, network, threads)

    train_part, test_part = data.subset(parts.train), data.subset(parts.test)
    checked = data.subset(parts.validation) if len(parts.validation) else None
    validation = None if checked is None else (checked.images, checked.labels)
    details: dict[str, Any] = {
        "recipe": recipe.name,
        "data": absolute(options.data),
        "digest": data.digest(),
        "split": split,
        "validation": recipe.validation,
        "dark_on_light": dark_on_light(data),
        "seed": options.seed,
        "threads": threads,
        "versions": versions(),
    }
    classes, name = data.classes, data.name
    del data, checked  # the parts are copies: two thirds of the memory come back
    model = Model(network, classes, losses.get(recipe.loss), details)
    progress = ShownProgress(terminal, recipe.epochs if recipe.notebook else None)
    interrupt = Interruptible()
    try:
        with interrupt, progress:
            history = fit(
                network,
                train_part.images,
                train_part.labels,
                loss=recipe.loss,
                optimizer=recipe.optimizer,
                learning_rate=recipe.learning_rate,
                # The notebook counts its epochs from 0 to the last, included.
                epochs=recipe.epochs + recipe.notebook,
                batch_size=recipe.batch_size,
                validation_data=validation,
                shuffle=recipe.shuffle,
                seed=for_fit,
                threads=threads,
                callbacks=(interrupt, progress),
                weight_average=recipe.weight_average,
            )
    except DivergenceError as error:
        save_model(folder / MODEL_FILE, model)
        raise RunError(
            "train.diverged",
            step=error.step,
            epoch=error.epoch,
            rate=shortest(error.learning_rate, terminal.lang),
            lower=shortest(recipe_rate(recipe) / 10, terminal.lang),
            file=folder / MODEL_FILE,
        ) from None
    # The model first: whatever happens next, what was learned is kept.
    save_model(folder / MODEL_FILE, model)
    with blas_threads(threads):
        answers = ask(network, test_part)
    details["test"] = {"correct": answers.correct, "total": len(answers.labels)}
    save_model(folder / MODEL_FILE, model)
    write_history(folder / "history.csv", history)
    note = None
    if history.stopped == "interrupted":
        note = terminal.text("train.interrupted", epoch=len(history))
        terminal.out.print(note)
    say_result(terminal, answers, history)
    pictures = draw(folder, terminal, recipe, history, answers, test_part)
    sizes = {
        "n_train": len(parts.train),
        "n_validation": len(parts.validation),
        "n_test": len(parts.test),
    }
    settings = {**printable(recipe), "split": split, "seed": options.seed}
    page = write_report(
        folder,
        RunSummary(
            recipe=recipe.name,
            description=terminal.text(f"recipe.{recipe.name}.about"),
            data=name,
            **sizes,
            layers=network.summary(),
            n_parameters=network.n_params,
            settings={**settings, "threads": threads},
            test_accuracy=answers.accuracy,
            interval=wilson_interval(answers.correct, len(answers.labels)),
            n_correct=answers.correct,
            seconds=history["seconds"][-1],
            images_per_second=speed(history, len(parts.train)),
            history=history.columns,
            per_class=[
                (score.name, score.count, _known(score.recall), _known(score.precision))
                for score in per_class(confusion(answers, len(classes)), classes)
            ],
            versions=details["versions"],
            validation_accuracy=history["validation_accuracy"][-1],
            note=note,
            figures=pictures,
        ),
        terminal.lang,
    )
    terminal.say("train.folder", folder=folder)
    terminal.say("train.page", page=page)
    return 0


def adapt(options: TrainOptions) -> Recipe:
    """Return the recipe with what the options change in it.

    Raises
    ------
    OptionError
        If there is no such recipe, or a number is out of range.
    """
    if options.recipe not in RECIPES:
        raise OptionError(
            "option.recipe", name=options.recipe, names=", ".join(RECIPES)
        )
    recipe = RECIPES[options.recipe]
    for option, value in (
        ("--epochs", options.epochs),
        ("--batch-size", options.batch_size),
        ("--threads", options.threads),
    ):
        if value is not None and value < 1:
            raise OptionError("option.positive", option=option, value=value)
    if options.seed < 0:
        raise OptionError("option.seed", value=options.seed)
    if options.epochs is not None:
        recipe = replace(recipe, epochs=options.epochs)
    if options.batch_size is not None:
        recipe = replace(recipe, batch_size=options.batch_size)
    rate = options.learning_rate
    if rate is not None:
        if not 0 < rate < math.inf:
            raise OptionError("option.rate", value=rate)
        schedule = recipe.learning_rate
        if isinstance(schedule, Mapping):
            recipe = replace(recipe, learning_rate={**schedule, "learning_rate": rate})
        else:
            recipe = replace(recipe, learning_rate=rate)
    return recipe


def recipe_rate(recipe: Recipe) -> float:
    """Return the highest learning rate of a recipe."""
    rate = recipe.learning_rate
    if isinstance(rate, Mapping):
        return float(rate["learning_rate"])
    return float(rate)


def prepare_folder(options: TrainOptions) -> Path:
    """Make the folder of the run, and prove that it can be written to.

    Raises
    ------
    RunError
        If it cannot, or if it already holds something.
    """
    folder = options.output
    if folder is None:
        moment = datetime.now().strftime("%Y-%m-%d-%H%M%S")
        folder = RUNS / f"{options.recipe}-{moment}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise RunError("train.folder_in_use", folder=folder)
        write_atomically(folder / "history.csv", b"")
        (folder / "history.csv").unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise RunError(
            "train.folder_unwritable", folder=folder, reason=reason
        ) from None
    return folder


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


def introduce(
    terminal: Terminal,
    recipe: Recipe,
    data: Dataset,
    parts: Split,
    network: Network,
    threads: int,
) -> None:
    """Say what is about to be done."""
    lang = terminal.lang
    terminal.say(
        "train.recipe",
        name=recipe.name,
        about=terminal.text(f"recipe.{recipe.name}.about"),
    )
    terminal.say(
        "train.data",
        data=data.name,
        train=integer(len(parts.train), lang),
        validation=integer(len(parts.validation), lang),
        test=integer(len(parts.test), lang),
    )
    units = [str(math.prod(network.input_shape))]
    units += [
        shape
        for layer, shape, count in network.summary()
        if count and layer not in ("BatchNorm", "LayerNorm")
    ]
    terminal.say(
        "train.network",
        shape="-".join(units),
        weights=integer(network.n_params, lang),
        threads=threads,
    )


def printable(recipe: Recipe) -> dict[str, object]:
    """Return the recipe's settings, ready for the report."""
    rate = recipe.learning_rate
    settings: dict[str, object] = {
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size or "all",
        "optimizer": _words(recipe.optimizer),
        "learning_rate": _words(rate) if isinstance(rate, Mapping) else rate,
        "loss": _words(recipe.loss),
    }
    if recipe.weight_average is not None:
        settings["weight_average"] = recipe.weight_average
    return settings


def speed(history: History, n_train: int) -> float:
    """Return the images per second over the whole training."""
    return len(history) * n_train / max(float(history["seconds"][-1]), 1e-9)


def versions() -> dict[str, str]:
    """Return the versions of what computed this."""
    return {
        "ardoise": ardoise.__version__,
        "NumPy": np.__version__,
        "Python": platform.python_version(),
        "system": f"{sys.platform} {platform.machine()}",
    }


def _words(settings: Mapping[str, Any]) -> str:
    """Return ``{"name": "adamw", "momentum": 0.9}`` as "adamw, momentum 0.9"."""
    others = [f"{k} {v}" for k, v in settings.items() if k != "name"]
    return ", ".join([str(settings["name"]), *others])


def _known(share: float) -> float | None:
    return None if math.isnan(share) else share
