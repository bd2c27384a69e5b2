"""The same recipe in Ardoise and in PyTorch, each from the start of a process.

Round after round, each once; PyTorch with one thread and with all, of which the better
counts. The time is that of the whole process: start-up, MNIST, training, test images.
"""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ardoise.digits.recipes import Recipe
from ardoise.engine import losses, optimizers, schedules
from benchmarks import machine
from benchmarks.measure import environment, installed
from benchmarks.records.runs import (
    BUSY,
    RunError,
    call,
    commit,
    config_of,
    digest_of,
    read_json,
    wait_until_idle,
    write_json,
)

FORMAT = 1
N_TRAIN, N_TEST, ROUNDS = 54_000, 10_000, 5
OURS, PYTORCH = "Ardoise", "PyTorch"


def run(
    recipe: Recipe,
    folder: Path,
    code: str,
    idle: bool,
    again: bool,
    say: Callable[[str], None],
) -> bool:
    """Run the race, unless it was run, and keep its figures; tell whether all ended.

    Parameters
    ----------
    recipe : Recipe
    folder : Path
        Where records are kept.
    code : str
        The version of the code.
    idle : bool
        Whether the times count.
    again : bool
        Run it in any case.
    say : callable
        Is told of the progress.
    """
    path = folder / "race" / f"{recipe.name}.json"
    found = read_json(path)
    same = found.get("digest") == digest_of(recipe) and found.get("code") == code
    if same and not again and (found.get("idle") or not idle):
        return True
    if not installed("torch"):
        say("The race is left out: PyTorch is not installed.")
        return True
    try:
        torch_settings(recipe, 0)
    except ValueError as error:
        say(f"The race is left out: {error}.")
        return True
    threads = machine.usable_processors()
    samples: dict[str, list[dict[str, Any]]] = {}
    busy = wait_until_idle(idle)
    for seed in range(ROUNDS):
        for name, count, command in contestants(recipe, seed, threads):
            try:
                seconds, printed = call(command, environment(count))
            except RunError as error:
                say(f"    the race failed: {name}: {error}")
                return False
            sample = {"seconds": round(seconds, 3), **json.loads(printed)}
            samples.setdefault(name, []).append(sample)
            accuracy = 100 * sample["correct"] / sample["total"]
            say(f"    race, round {seed + 1}: {name} {seconds:.2f} s, {accuracy:.2f} %")
    content = {
        "format": FORMAT,
        "recipe": recipe.name,
        "digest": digest_of(recipe),
        "config": config_of(recipe),
        "code": code,
        "commit": commit(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "idle": idle and (busy is None or busy <= BUSY),
        "samples": samples,
        "machine": machine.describe(),
    }
    write_json(path, content)
    return True


def contestants(
    recipe: Recipe, seed: int, threads: int
) -> list[tuple[str, int, list[str]]]:
    """Return who runs: name, threads, command line."""
    mine = {
        "recipe": recipe.name,
        "seed": seed,
        "epochs": recipe.epochs,
        "n_test": N_TEST,
    }
    theirs = torch_settings(recipe, seed)
    result = [(OURS, threads, _command("benchmarks.records.alone", mine))]
    for count in sorted({1, threads}):
        noun = "thread" if count == 1 else "threads"
        name = f"{PYTORCH}, {count} {noun}"
        result.append((name, count, _command("benchmarks.records_torch", theirs)))
    return result


def torch_settings(recipe: Recipe, seed: int) -> dict[str, Any]:
    """Return a recipe in the words of `benchmarks.records_torch`.

    Raises
    ------
    ValueError
        If the recipe does what is not written there.
    """
    if recipe.augmentation is not None or "label_smoothing" not in _loss(recipe):
        raise ValueError(f"the recipe {recipe.name} is not written in PyTorch")
    network = recipe.build((28, 28, 1), 10, seed=0)
    steps = -(-N_TRAIN // (recipe.batch_size or N_TRAIN)) * recipe.epochs
    schedule = schedules.get(recipe.learning_rate)
    return {
        "layers": network.config()["layers"],
        "n_train": N_TRAIN,
        "n_test": N_TEST,
        "seed": seed,
        "optimizer": optimizers.get(recipe.optimizer).config(),
        "rates": [schedule(step, steps) for step in range(steps)],
        "batch_size": recipe.batch_size,
        "label_smoothing": _loss(recipe)["label_smoothing"],
        "weight_average": recipe.weight_average,
    }


def _loss(recipe: Recipe) -> dict[str, Any]:
    return losses.get(recipe.loss).config()


def _command(module: str, settings: Mapping[str, Any]) -> list[str]:
    return [sys.executable, "-m", module, json.dumps(settings)]
