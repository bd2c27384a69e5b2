"""What ``ardoise train`` was asked, made a plan."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ardoise.cli.augmenting import check_images, read_augmentation
from ardoise.cli.parts import absolute, default_split, load
from ardoise.cli.terminal import Terminal
from ardoise.digits.planning import Plan, plan_of
from ardoise.digits.recipes import DEFAULT_RECIPE, FOR_ROWS, RECIPES, Recipe
from ardoise.messages import OptionError

MOST_MEMBERS = 100  # more do not help, and all have their place in memory


@dataclass(frozen=True)
class TrainOptions:
    """What ``ardoise train`` was asked; None where the recipe or the data decide."""

    recipe: str | None
    data: str
    split: str | None
    epochs: int | None
    batch_size: int | None
    learning_rate: float | None
    seed: int
    threads: int | None
    output: Path | None
    augment: str | None = None
    members: int | None = None


def make_plan(options: TrainOptions, terminal: Terminal) -> Plan:
    """Load the data, divide it, build the networks.

    Raises
    ------
    UserError
        With one sentence, when an option or the data is wrong.
    """
    recipe = adapt(options, DEFAULT_RECIPE)
    data = load(options.data, terminal)
    if options.recipe is None and data.images.ndim != 4:
        recipe = adapt(options, FOR_ROWS)
    if recipe.augmentation is not None:
        check_images(data, recipe.augmentation)
    split = options.split
    if split is None:
        split = default_split(options.data, recipe.split)
    source = absolute(options.data)
    return plan_of(recipe, data, source, split, options.seed, options.threads)


def adapt(options: TrainOptions, default: str) -> Recipe:
    """Return the recipe, or the default one, with what the options change in it.

    Raises
    ------
    OptionError
        If there is no such recipe, or a number is out of range.
    """
    name = options.recipe if options.recipe is not None else default
    if name not in RECIPES:
        raise OptionError("option.recipe", name=name, names=", ".join(RECIPES))
    recipe = RECIPES[name]
    for option, value in (
        ("--epochs", options.epochs),
        ("--batch-size", options.batch_size),
        ("--threads", options.threads),
    ):
        if value is not None and value < 1:
            raise OptionError("option.positive", option=option, value=value)
    if options.members is not None and not 1 <= options.members <= MOST_MEMBERS:
        raise OptionError("option.members", most=MOST_MEMBERS, value=options.members)
    if options.seed < 0:
        raise OptionError("option.seed", value=options.seed)
    if options.epochs is not None:
        recipe = replace(recipe, epochs=options.epochs)
    if options.batch_size is not None:
        recipe = replace(recipe, batch_size=options.batch_size)
    if options.members is not None:
        recipe = replace(recipe, members=options.members)
    if options.augment is not None:
        recipe = replace(recipe, augmentation=read_augmentation(options.augment))
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
