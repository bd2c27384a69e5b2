"""What there is to say of one training, when it has ended."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ardoise.cli.augmenting import setting_words
from ardoise.cli.members import Members
from ardoise.cli.parts import shown_classes
from ardoise.cli.terminal import Terminal
from ardoise.digits.asking import Answers, confusion
from ardoise.digits.planning import Plan
from ardoise.digits.recipes import Recipe
from ardoise.digits.scores import per_class


@dataclass(frozen=True)
class Score:
    """How well images that did not train were read.

    Attributes
    ----------
    part : str
        ``"validation"`` or ``"test"``: which they are.
    correct, total : int
    per_class : sequence of (class, number of images, recall, precision)
        ``None`` where a share is undefined.
    """

    part: str
    correct: int
    total: int
    per_class: Sequence[tuple[str, int, float | None, float | None]]


@dataclass(frozen=True)
class RunSummary:
    """What a report says of one training. Accuracies and shares are fractions (0 to 1).

    Attributes
    ----------
    recipe, description : str
        The name of the recipe, and a sentence on it in the report's language.
    data : str
        The name of the data.
    n_train, n_validation, n_test : int
        How many images each part of the data has.
    layers : sequence of (name, output shape, number of parameters)
        The network, first layer first; the shapes as text. Of several, each of them.
    n_parameters : int
        Parameters of the whole model.
    settings : mapping of str to object
        In the order of printing. Names that the locale files know under
        ``report.setting.`` (``batch_size`` …) are translated, others printed as they
        are; so are values, numbers in the form of the language.
    score : Score or None
        None where no image was kept to check on, and those for the test are sealed.
    seconds, images_per_second : float
        The time that the training took, and its speed.
    history : mapping of str to sequence of float or None
        Of the first network that was trained here, if there are several.
        Columns among ``epoch``, ``loss``, ``accuracy``, ``validation_loss``,
        ``validation_accuracy``, ``learning_rate``, ``seconds``; others are not shown.
    versions : mapping of str to str
        The software that was used.
    validation_accuracy : float, optional
        Accuracy on the validation images.
    note : str, optional
        A sentence, in the report's language, on a training that did not run its course:
        stopped early, interrupted, diverged.
    figures : mapping of str to Path
        PNG files, under the names of `ardoise.cli.report.PICTURES`.
    findings : sequence of str
        What the doctor found, in sentences.
    coverage : sequence of (share that may be refused, share refused, accuracy of rest)
        If the model may say "I don't know".
    """

    recipe: str
    description: str
    data: str
    n_train: int
    n_validation: int
    n_test: int
    layers: Sequence[tuple[str, str, int]]
    n_parameters: int
    settings: Mapping[str, object]
    score: Score | None
    seconds: float
    images_per_second: float
    history: Mapping[str, Sequence[float | None]]
    versions: Mapping[str, str]
    validation_accuracy: float | None = None
    note: str | None = None
    figures: Mapping[str, Path] = field(default_factory=dict)
    findings: Sequence[str] = ()
    coverage: Sequence[tuple[float, float, float]] = ()


def summarise(
    plan: Plan,
    members: Members,
    answers: Answers | None,
    pictures: Mapping[str, Path],
    note: str | None,
    terminal: Terminal,
) -> RunSummary:
    """Return what the report says of this training."""
    recipe, classes = plan.recipe, shown_classes(plan.train.classes, terminal.lang)
    choices = {name: plan.details[name] for name in ("split", "seed", "threads")}
    history, network = members.histories[0], plan.networks[0]
    seconds, seen = members.seconds, members.epochs * len(plan.train)
    if members.several:
        choices["members"] = len(members.several)
    if "temperature" in plan.details:
        choices["temperature"] = round(plan.details["temperature"], 3)
    score = None
    if answers is not None:
        score = Score(
            answers.part,
            answers.correct,
            len(answers.labels),
            [
                (one.name, one.count, _known(one.recall), _known(one.precision))
                for one in per_class(confusion(answers, len(classes)), classes)
            ],
        )
    return RunSummary(
        recipe=recipe.name,
        description=terminal.text(f"recipe.{recipe.name}.about"),
        data=plan.train.name,
        n_train=len(plan.train),
        n_validation=len(plan.validation or ()),
        n_test=len(plan.test),
        layers=[row for shape in plan.shapes for row in shape.summary()],
        n_parameters=sum(n.n_params for n in members.several or [network]),
        settings={**printable(recipe, terminal), **choices},
        score=score,
        seconds=seconds,
        images_per_second=seen / max(seconds, 1e-9),
        history=history.columns,
        versions=plan.details["versions"],
        # That of the mean is the score.
        validation_accuracy=None
        if members.several
        else history["validation_accuracy"][-1],
        note=note,
        figures=pictures,
    )


def printable(recipe: Recipe, terminal: Terminal) -> dict[str, object]:
    """Return the recipe's settings, ready for the report."""
    rate = recipe.learning_rate
    settings: dict[str, object] = {
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size or terminal.text("train.whole_batch"),
        "optimizer": _words(recipe.optimizer),
        "learning_rate": _words(rate) if isinstance(rate, Mapping) else rate,
        "loss": _words(recipe.loss),
    }
    if recipe.weight_average is not None:
        settings["weight_average"] = recipe.weight_average
    if recipe.augmentation is not None:
        settings["augmentation"] = setting_words(recipe.augmentation)
    if recipe.outliers:
        settings["outliers"] = recipe.outliers
    return settings


def _words(settings: Mapping[str, Any]) -> str:
    """Return ``{"name": "adamw", "momentum": 0.9}`` as "adamw, momentum 0.9"."""
    others = [f"{k} {v}" for k, v in settings.items() if k != "name"]
    return ", ".join([str(settings["name"]), *others])


def _known(share: float) -> float | None:
    return None if math.isnan(share) else share
