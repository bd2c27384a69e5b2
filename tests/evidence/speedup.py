"""Two ranks of one thread against one process of one thread, on a recipe.

``python -m tests.evidence.speedup --seeds 5`` trains both side by side in time, seed by
seed, on an idle machine, and prints how much faster two ranks train and how far their
accuracies on the validation images lie apart. (They are read from the model files; the
test images stay sealed.)
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean, median

from ardoise.files import load_model
from tests.evidence import MPIEXEC


def train(
    ranks: int, recipe: str, seed: int, epochs: str | None
) -> tuple[float, float]:
    """Return seconds of training, and the accuracy, in percent."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        launcher = [MPIEXEC, "-n", str(ranks)] if ranks > 1 else []
        command = [*launcher, sys.executable, "-m", "ardoise", "train"]
        options = ["--recipe", recipe, "--seed", str(seed), "--threads", "1"]
        options += ["--epochs", epochs] if epochs else []
        subprocess.run(
            [*command, *options, "--output", str(run)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with open(run / "history.csv", newline="") as file:
            seconds = float(list(csv.DictReader(file))[-1]["seconds"])
        score = load_model(run / "model.safetensors").details["validation_score"]
    return seconds, 100 * score["correct"] / score["total"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipe", default="cnn")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--epochs", help="instead of the recipe's")
    options = parser.parse_args()
    ratios, alone, together = [], [], []
    for seed in range(options.seeds):
        one, accuracy = train(1, options.recipe, seed, options.epochs)
        alone.append(accuracy)
        several, accuracy = train(options.ranks, options.recipe, seed, options.epochs)
        together.append(accuracy)
        ratios.append(one / several)
        print(
            f"seed {seed}: {one:.1f} s alone, {several:.1f} s on {options.ranks} ranks "
            f"({ratios[-1]:.2f} ×); {alone[-1]:.2f} and {together[-1]:.2f} %",
            flush=True,
        )
    print(
        f"{options.recipe}: {median(ratios):.2f} × as fast (median); mean accuracies "
        f"{fmean(alone):.3f} and {fmean(together):.3f} %, "
        f"{fmean(together) - fmean(alone):+.3f} points"
    )


if __name__ == "__main__":
    main()
