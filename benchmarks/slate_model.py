"""``python -m benchmarks.slate_model``: train the small network of the page (a minute).

It lies in the package, so that the page reads drawings before anything was trained.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from ardoise.cli.app import run
from ardoise.digits.recipes import RECIPES
from ardoise.files import load_model, save_model

PLACE = Path(__file__).parents[1] / "src" / "ardoise" / "slate" / "model.safetensors"
# Few channels: all of them are seen at a glance, and the file is small.
LAYERS = (
    {"type": "Conv2D", "filters": 8, "kernel_size": 5},
    {"type": "ReLU"},
    {"type": "MaxPool2D"},
    {"type": "Conv2D", "filters": 16, "kernel_size": 3},
    {"type": "ReLU"},
    {"type": "MaxPool2D"},
    {"type": "Flatten"},
    {"type": "Dense", "units": 64},
    {"type": "ReLU"},
)


def main() -> int:
    """Train it as `cnn` is trained, with seed 0, for 20 epochs."""
    RECIPES["cnn"] = replace(RECIPES["cnn"], layers=LAYERS, epochs=20)
    with tempfile.TemporaryDirectory(prefix="ardoise-slate-") as folder:
        output = Path(folder) / "run"
        code = run(["train", "--recipe", "cnn", "--output", str(output), *sys.argv[1:]])
        if code == 0:
            model = load_model(output / "model.safetensors")
            details = {**model.details, "recipe": "slate"}  # it is no `cnn`
            save_model(PLACE, replace(model, details=details))
    return code


if __name__ == "__main__":
    sys.exit(main())
