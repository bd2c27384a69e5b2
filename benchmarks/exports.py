"""``python -m benchmarks.exports``: how large and how fast exports are, how exact.

The models of the recipes `mlp` and `cnn` (trained as `ardoise train` does, seed 0), or
those of ``--model``, are exported to every target, in float32 and in int8, and proved
as `ardoise export` proves them: on 1,000 images that the model has not seen, by what
the target is for. Then each runs again, in rounds of all of them. Prints one Markdown
table.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np

from ardoise.cli.exporting import SUFFIXES, images_for, parts_for
from ardoise.cli.plan import TrainOptions, make_plan
from ardoise.cli.terminal import Terminal
from ardoise.digits import Dataset
from ardoise.digits.planning import learn
from ardoise.export import TARGETS, ExportError, NotProvedError, export
from ardoise.export.chromium import find_chromium
from ardoise.export.running import C_OPTIONS, NODES, find_compiler
from ardoise.files import Model, load_model
from benchmarks import machine

ORDER = ("onnx", "py", "py-stdlib", "c", "js", "html")
RECIPES = ("mlp", "cnn")
# A round of a slow target runs on as many images as take this long, or on a few.
SECONDS, FEWEST = 2.0, 50
NOT_MEASURED = "not measured"
HEAD = (
    *("model", "target", "numbers", "MB", "one image, ms"),
    "greatest difference of a probability, or accuracy lost",
)
HOW = """\
Differences and losses are from the model itself, on {n} test images. Times are of one
image at a time, in a process that stays open: the median of {rounds} rounds of all
targets, each the median of a round's images (in C, and on the page, whose clock is
coarse, of means). The C is compiled with `{options}`; its second size is that of the
object file, and its time includes reading images and printing answers. `py` runs with
NumPy on one thread, `py-stdlib` with the standard library alone in one process for each
processor, `js` in Node, `html` in a headless Chromium, `onnx` in onnxruntime on one
thread."""


@dataclass
class Row:
    """One export, as it was measured.

    Attributes
    ----------
    model, target : str
    int8 : bool
    file : Path
    size, compiled : int or None
        Bytes.
    worst, lost : float or None
    seconds : list of float
        One image's, in each round.
    reason : str
        Why it could not be written, or not be measured.
    """

    model: str
    target: str
    int8: bool
    file: Path
    size: int | None = None
    compiled: int | None = None
    worst: float | None = None
    lost: float | None = None
    seconds: list[float] = field(default_factory=list)
    reason: str = ""

    def line(self) -> str:
        """Return it as a line of the table."""
        sizes = [f"{n / 1e6:.3g}" for n in (self.size, self.compiled) if n is not None]
        time = f"{1000 * median(self.seconds):.2g}" if self.seconds else NOT_MEASURED
        found = NOT_MEASURED
        if self.size is None:
            time, found = "–", self.reason
        elif self.int8 and self.lost is not None:
            found = f"{100 * self.lost:.2f} points".replace("-", "−")
        elif self.worst is not None:
            found = f"{self.worst:.1e}"
        numbers = "int8" if self.int8 else "float32"
        size = " · ".join(sizes) or "–"
        return _line(self.model, f"`{self.target}`", numbers, size, time, found)


def main(argv: Sequence[str] | None = None) -> int:
    """Export every model to every target and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exports")
    parser.add_argument(
        "--model",
        type=Path,
        action="append",
        metavar="FILE",
        help="a model file, instead of training; may be given several times",
    )
    parser.add_argument("--recipes", nargs="*", default=RECIPES, choices=RECIPES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="one epoch, one round, 50 images: does everything work?",
    )
    options = parser.parse_args(argv)
    here = machine.describe()
    busy = machine.busy_warning(here["load_average"], here["usable_processors"])
    if busy:
        say(f"Warning: {busy}.")
    rounds = 1 if options.quick else options.rounds
    print(_line(*HEAD))
    print(_line(*["---"] * len(HEAD)))
    shown = 0
    for name, model, data in models(options.model, options.recipes, options.quick):
        proof, calibration = parts_for(data)
        if options.quick:
            proof = proof.subset(np.arange(min(FEWEST, len(proof))))
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(name, model, proof, calibration, rounds, Path(folder))
        print("\n".join(row.line() for row in rows), flush=True)
        shown = len(proof)
    if options.quick:
        print("\n> **Warning:** this is a quick run: its figures mean nothing.")
    how = HOW.format(
        n=f"{shown:,}",
        rounds=rounds,
        options=" ".join(C_OPTIONS),
    )
    print(f"\n{measured_on(here)}\n\n{how}")
    return 0


def models(
    files: Sequence[Path] | None, recipes: Sequence[str], quick: bool
) -> Iterator[tuple[str, Model, Dataset]]:
    """Yield each model's name, the model, and images that it has not seen."""
    for file in files or ():
        model = load_model(file)
        data = images_for(model, file, None, Terminal("en"))
        yield str(model.details.get("recipe", file.stem)), model, data
    for name in () if files else recipes:
        say(f"training {name}")
        epochs = 1 if quick else None
        plan = make_plan(
            TrainOptions(name, "mnist", None, epochs, None, None, 0, None, None),
            Terminal("en"),
        )
        learn(plan)
        yield name, plan.model(plan.networks[0]), plan.validation or plan.test


def measure(
    name: str,
    model: Model,
    proof: Dataset,
    calibration: Dataset,
    rounds: int,
    folder: Path,
) -> list[Row]:
    """Return a row for each target, in float32 and in int8."""
    rows = []
    for target in ORDER:
        for int8 in (False, True):
            # Each in a folder of its own: in C, what runs is the example beside it.
            place = folder / f"{target}-{'int8' if int8 else 'float32'}"
            place.mkdir()
            row = Row(name, target, int8, place / f"net{SUFFIXES[target]}")
            say(f"{name}: {target}, {'int8' if int8 else 'float32'}")
            write(row, model, proof, calibration)
            rows.append(row)
    for i in range(rounds):
        say(f"{name}: round {i + 1} of {rounds}")
        for row in rows:
            if not row.reason:
                time_it(row, proof.images)
    return rows


def write(row: Row, model: Model, proof: Dataset, calibration: Dataset) -> None:
    """Export, and note size and proof."""
    try:
        done = export(
            model,
            row.file,
            row.target,
            images=proof.images,
            labels=proof.labels,
            int8=row.int8,
            calibration=calibration.images,
            max_loss=1.0,  # whatever it is, it is shown
        )
    except ExportError as error:
        row.reason = error.sentence("en")
        return
    row.size, row.worst, row.lost = done.size, done.worst, done.lost
    if done.reason is not None:
        row.reason = done.reason.sentence("en")
        return
    if row.target == "c":
        row.compiled = object_size(row.file)


def time_it(row: Row, images: np.ndarray) -> None:
    """Note the time of one image once more."""
    n = len(images)
    if row.seconds:
        n = min(n, max(FEWEST, round(SECONDS / row.seconds[0])))
    elif row.target == "py-stdlib":
        n = min(n, FEWEST)
    row.seconds.append(TARGETS[row.target].run(row.file, images[:n]).seconds)


def object_size(header: Path) -> int:
    """Return the bytes of what a compiler makes of a header and its example."""
    source, out = header.with_name("net_main.c"), header.with_suffix(".o")
    command = [*find_compiler(), *C_OPTIONS, "-c", str(source), "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True)
    return out.stat().st_size


def tool_version(tool: str) -> str | None:
    """Return what the compiler, Node or the browser calls itself; None if missing."""
    try:
        if tool == "cc":
            command = find_compiler()
        elif tool == "browser":
            command = [find_chromium()]
        else:
            command = [path for path in map(shutil.which, NODES) if path][:1]
    except NotProvedError:
        return None
    if not command:
        return None
    done = subprocess.run([*command, "--version"], capture_output=True, text=True)
    return (done.stdout.strip().splitlines() or [command[0]])[0].strip()


def measured_on(here: dict) -> str:
    """Return the machine and the versions of all that ran here."""
    node = tool_version("node")
    runtime = here["packages"]["onnxruntime"]
    parts = [
        f"{here['cpu']}, {here['usable_processors']} processors",
        f"Python {here['python']}, NumPy {here['packages']['numpy']}",
        f"onnxruntime {runtime}" if runtime else None,
        tool_version("cc"),
        f"Node {node.removeprefix('v')}" if node else None,
        tool_version("browser"),
    ]
    return ", ".join(part for part in parts if part) + "."


def say(text: str) -> None:
    """Report progress, beside the table and not in it."""
    print(text, file=sys.stderr, flush=True)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
