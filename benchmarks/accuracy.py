"""How well the notebook's recipe reads its test images: several seeds, last epoch.

``python -m benchmarks.accuracy notebook`` prints what the README says of it. Those of
other recipes are sealed, and opened by `benchmarks.records`.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence

from ardoise.cli.plan import TrainOptions, make_plan
from ardoise.cli.terminal import Terminal
from ardoise.digits.planning import learn
from ardoise.digits.recipes import RECIPES
from ardoise.engine.evaluation import evaluate
from ardoise.engine.history import History

NOTEBOOK_PRINTED = {0: 16.21, 70: 68.46, 210: 82.08, 420: 86.61, 700: 88.95}


def main(argv: Sequence[str] | None = None) -> int:
    """Train each recipe with each seed and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy")
    own = [name for name, recipe in RECIPES.items() if recipe.notebook]
    parser.add_argument("recipes", nargs="*", default=own, help=", ".join(own))
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to N - 1")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args(argv)
    if not set(options.recipes) <= set(own):
        parser.error(f"expected recipes among {', '.join(own)}")
    print("| recipe | test accuracy of each seed, % | mean | sd | seconds |")
    print("|---|---|---|---|---|")
    curves = []
    for name in options.recipes:
        scores, seconds = [], []
        for seed in range(options.seeds):
            score, history = run(name, seed, options.threads)
            scores.append(100 * score)
            seconds.append(history["seconds"][-1])
            if RECIPES[name].notebook:
                curves.append(history["accuracy"])
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        print(
            f"| `{name}` | {' '.join(f'{score:.2f}' for score in scores)} "
            f"| {statistics.mean(scores):.2f} | {spread:.2f} "
            f"| {statistics.median(seconds):.0f} |",
            flush=True,
        )
    if curves:
        print_curves(curves)
    return 0


def run(name: str, seed: int, threads: int | None) -> tuple[float, History]:
    """Return the test accuracy, a share, and the history of one training."""
    print(f"{name}, seed {seed}", file=sys.stderr, flush=True)
    options = TrainOptions(name, "mnist", None, None, None, None, seed, threads, None)
    plan = make_plan(options, Terminal("en"))
    history = learn(plan)
    result = evaluate(plan.networks[0], plan.test.images, plan.test.labels)
    return result.correct / result.total, history


def print_curves(curves: list[list[float]]) -> None:
    """Print the notebook's training accuracies beside ours, with their spread."""
    print("\n| epoch | the notebook printed | here, lowest | mean | highest |")
    print("|---|---|---|---|---|")
    for epoch, printed in NOTEBOOK_PRINTED.items():
        here = [100 * curve[epoch] for curve in curves]
        print(
            f"| {epoch} | {printed:.2f} | {min(here):.2f} "
            f"| {statistics.mean(here):.2f} | {max(here):.2f} |"
        )


if __name__ == "__main__":
    sys.exit(main())
