"""``python -m benchmarks.augmentation``: what augmented images cost.

Prints a Markdown table: milliseconds of one thread for each batch of 128 digits, and
how much longer the recipes' training steps take. Trainings with and without take turns,
step for step the same work besides; times are those of processors, so that other
processes matter less, and wall-clock times on all threads.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from ardoise import Augmentation, fit
from ardoise.digits.mnist import load_mnist
from ardoise.digits.recipes import AUGMENTATIONS, RECIPES
from ardoise.engine.arrays import Array, computing
from ardoise.engine.threads import blas_threads
from benchmarks import machine

BATCH = 128
KINDS: dict[str, Mapping[str, Any]] = {
    "whole pixels": {"shift": 2},
    "translation": {"translation": 2},
    "rotation": {"rotation": 10},
    "affine": AUGMENTATIONS["affine"],
    "elastic alone": {"elastic": (34, 4)},
    "affine and elastic": AUGMENTATIONS["elastic"],
    "thickness": {"thickness": 1},
    "noise": {"noise": 0.1},
    "erasing": {"erasing": 0.5},
    "cutout": {"cutout": 8},
}
FED = ("mlp", "mlp-large", "cnn", "cnn-large")  # the recipes whose steps are timed
TRAINED = ("whole pixels", "affine", "affine and elastic")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100, help="of each training")
    options = parser.parse_args(argv)
    here = machine.describe()
    busy = machine.busy_warning(here["load_average"], here["usable_processors"])
    if busy:
        print(f"Warning: {busy}.", file=sys.stderr)
    data = load_mnist().subset(np.arange(options.steps * BATCH))
    x, y = data.images, data.labels
    costs = {name: step_costs(name, x, y, options.rounds) for name in FED}
    heads = [f"step of {name}, processor · clock" for name in FED]
    cells = ["augmentation", "ms for 128 images, one thread", *heads]
    print(f"| {' | '.join(cells)} |\n|{'---|' * len(cells)}")
    for name, settings in KINDS.items():
        cells = [name, f"{batch_milliseconds(settings, x, options.rounds):.2f}"]
        for cost in costs.values():
            shares = cost.get(name)
            cells.append(" · ".join(f"{s:+.0%}" for s in shares) if shares else "")
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"\n{here['cpu']}, {here['usable_processors']} processors, ", end="")
    print(f"Python {here['python']}, NumPy {np.__version__}.")
    return 0


def batch_milliseconds(settings: Mapping[str, Any], x: Array, rounds: int) -> float:
    """Return the least time of this thread for one batch, in buffers that are reused.

    Micro-batches of 16 images, as threads read them, take a fifth longer.
    """
    change = Augmentation(**settings).prepare(x.shape[1:], BATCH, np.float32)
    rng = np.random.default_rng(0)
    h, w, c = x.shape[1:]
    out = np.empty((h, w, BATCH, c), np.float32).transpose(2, 0, 1, 3)
    times = []
    with computing(), blas_threads(1):
        for _ in range(20 * rounds):
            started = time.thread_time()
            change(x[:BATCH], rng, out)
            times.append(time.thread_time() - started)
    return 1000 * median(times)


def step_costs(
    recipe: str, x: Array, y: Array, rounds: int
) -> dict[str, tuple[float, float]]:
    """Return by how much steps become longer: processor time, and by the clock."""
    choices = {"": None, **{name: Augmentation(**KINDS[name]) for name in TRAINED}}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in choices}
    for i in range(rounds + 1):
        for name, augment in choices.items():
            seconds = train(recipe, x, y, augment)
            if i:  # the first round warms up
                times[name].append(seconds)
            print(f"{recipe}, {name or 'plain'}: {seconds[1]:.3g} s", file=sys.stderr)
    # The least: what others take of the processors only adds.
    least = {
        name: [min(column) for column in zip(*own, strict=True)]
        for name, own in times.items()
    }
    processor, clock = least[""]
    return {
        name: (least[name][0] / processor - 1, least[name][1] / clock - 1)
        for name in TRAINED
    }


def train(
    recipe: str, x: Array, y: Array, augment: Augmentation | None
) -> tuple[float, float]:
    """Train for one epoch; return seconds of all processors, and by the clock."""
    plan = RECIPES[recipe]
    network = plan.build(x.shape[1:], 10, seed=0)
    before = time.process_time(), time.perf_counter()
    fit(
        network,
        x,
        y,
        optimizer=plan.optimizer,
        epochs=1,
        batch_size=BATCH,
        seed=0,
        augment=augment,
    )
    return time.process_time() - before[0], time.perf_counter() - before[1]


if __name__ == "__main__":
    sys.exit(main())
