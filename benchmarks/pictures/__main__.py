"""``python -m benchmarks.pictures``: train `cnn`, and let it read what is not MNIST's.

With ``--final``, pictures are made of the test images and the figures are kept in
``records/pictures``; else of validation images, for whoever works on the reading.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from ardoise.digits import load_mnist
from ardoise.digits.held import parts_of
from ardoise.digits.recipes import RECIPES
from ardoise.files import load_model
from benchmarks import machine
from benchmarks.pictures.measure import large_photo_read, read_all
from benchmarks.records.render import write_results
from benchmarks.records.runs import (
    ROOT,
    Job,
    call,
    commit,
    digest_of,
    train_command,
    wait_until_idle,
    write_json,
)

RECIPE = "cnn"


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for."""
    options = parse(argv)
    if options.model is not None:
        measure(options.model, None, options)
        return 0
    for seed in range(options.seeds):
        job = Job(RECIPES[RECIPE], seed, None, False, False, "")
        with tempfile.TemporaryDirectory(prefix="ardoise-pictures-") as name:
            run = Path(name) / "run"
            say(f"{job.name}: training …")
            call(train_command(job, run))
            measure(run / "model.safetensors", job, options)
    if options.final:
        write_results(options.folder, options.results)
    return 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pictures", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many (3: 0, 1, 2)")
    parser.add_argument("--model", type=Path, help="train none: a model file")
    parser.add_argument("--images", type=int, help="of so many digits (default: all)")
    parser.add_argument("--sheets", type=int, default=200, help="of each kind")
    parser.add_argument("--strange", type=int, default=1000, help="of each kind")
    parser.add_argument("--final", action="store_true", help="of the test images")
    parser.add_argument("--folder", type=Path, default=ROOT / "records")
    parser.add_argument("--results", type=Path, default=ROOT / "RESULTS.md")
    return parser.parse_args(argv)


def measure(file: Path, job: Job | None, options: argparse.Namespace) -> None:
    """Let a model read everything; keep the figures if they are final."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    model, data = load_model(file), load_mnist()
    parts = parts_of(model, file, data, str(model.details["split"]))
    rows = parts.test if options.final else parts.validation
    held = data.subset(rows[: options.images])
    images = held.images[..., 0]
    found = read_all(model, images, held.labels, options.sheets, options.strange, say)
    busy = wait_until_idle(options.final, patience=300)
    found["photo"] = {**large_photo_read(file, images, held.labels), "busy": busy}
    say(f"12 megapixels: {found['photo']}")
    if options.final and job is not None:
        about = {
            "recipe": job.recipe.name,
            "digest": digest_of(job.recipe),
            "commit": commit(),
            "seed": job.seed,
            "time": began,
            "machine": machine.describe(),
        }
        path = options.folder / "pictures" / f"{job.recipe.name}-{job.seed:02d}.json"
        write_json(path, {**about, **found})


def say(words: str) -> None:
    """Print a line at once."""
    print(words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
