"""One run: a training and an opening of the test images, each a whole command."""

import csv
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from ardoise.digits.recipes import Recipe
from ardoise.files import load_model, write_atomically
from benchmarks import machine
from benchmarks.records.robustness import read_corrupted

FORMAT = 1
ROOT = Path(__file__).parents[2]
BUSY = 0.1  # share of the processors' time; above it others are at work


class RunError(RuntimeError):
    """A command failed; the text is its last line."""


@dataclass(frozen=True)
class Job:
    """A run that is wanted.

    Attributes
    ----------
    recipe : Recipe
        As it is run: with fewer epochs, in a test of this program.
    seed : int
    threads : int or None
        None for the default of ``ardoise train``.
    idle : bool
        Whether nothing else is said to run, so that its times count.
    robust : bool
        Whether the model reads corrupted images too.
    code : str
        The version of the code: what another version measured is measured again.
    """

    recipe: Recipe
    seed: int
    threads: int | None
    idle: bool
    robust: bool
    code: str

    @property
    def name(self) -> str:
        """The recipe's name, and the seed."""
        return f"{self.recipe.name}, seed {self.seed}"

    def path(self, folder: Path) -> Path:
        """Return where its results are kept."""
        return folder / "runs" / f"{self.recipe.name}-{self.seed:02d}.json"

    def is_done(self, folder: Path) -> bool:
        """Tell whether they are there: of this recipe as it is now, and this code.

        A run whose times do not count is done again where they are to count.
        """
        found = read_json(self.path(folder))
        return (
            found.get("digest") == digest_of(self.recipe)
            and found.get("code") == self.code
            and (not self.idle or found.get("idle") is True)
            and (not self.robust or "robustness" in found)
        )


def config_of(recipe: Recipe) -> dict[str, Any]:
    """Return everything that a recipe decides, as JSON values."""
    config: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    return config


def digest_of(recipe: Recipe) -> str:
    """Return what tells a recipe from what it was before a change.

    A new field of all recipes, at its usual value, is no change.
    """
    usual = config_of(Recipe(name="", layers=()))
    config = {k: v for k, v in config_of(recipe).items() if v != usual[k]}
    text = json.dumps(config, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_json(path: Path) -> dict[str, Any]:
    """Return what a file holds; nothing, where it is missing or is no object."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file whole or not at all, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, text.encode())


def do(job: Job, folder: Path) -> dict[str, Any]:
    """Run a job, keep its results, and return them.

    Raises
    ------
    RunError
        If a command fails.
    """
    busy = wait_until_idle(job.idle)
    with tempfile.TemporaryDirectory(prefix="ardoise-records-") as name:
        run = Path(name) / "run"
        began = datetime.now(UTC).isoformat(timespec="seconds")
        train_seconds, _ = call(train_command(job, run))
        evaluate_seconds, printed = call(evaluate_command(run))
        score = json.loads(printed.splitlines()[-1])
        del score["model"]  # the name of a folder that is gone
        model = load_model(run / "model.safetensors")
        result = {
            "format": FORMAT,
            "recipe": job.recipe.name,
            "digest": digest_of(job.recipe),
            "config": config_of(job.recipe),
            "code": job.code,
            "commit": commit(),
            "seed": job.seed,
            "time": began,
            "idle": job.idle and (busy is None or busy <= BUSY),
            "busy_before": busy,
            "train_seconds": round(train_seconds, 3),
            "evaluate_seconds": round(evaluate_seconds, 3),
            **history_of(run),
            "threads": model.details.get("threads"),
            "parameters": model.network.n_params,
            "validation": model.details.get("validation_score"),
            "test": score,
            "machine": machine.describe(),
        }
        if job.robust:
            result["robustness"] = read_corrupted(model)
    write_json(job.path(folder), result)
    return result


def train_command(job: Job, run: Path) -> list[str]:
    """Return the training's command line."""
    command = ["train", "--recipe", job.recipe.name, "--seed", str(job.seed)]
    command += ["--epochs", str(job.recipe.epochs)]  # the recipe's own, but in tests
    if job.threads is not None:
        command += ["--threads", str(job.threads)]
    return [
        *ardoise(),
        *command,
        "--data",
        "mnist",
        "--lang",
        "en",
        "--output",
        str(run),
    ]


def evaluate_command(run: Path) -> list[str]:
    """Return the command line that opens the test images."""
    return [*ardoise(), "evaluate", str(run), "--final", "--json", "--lang", "en"]


def ardoise() -> list[str]:
    """Return how the command is started: by this Python."""
    return [sys.executable, "-m", "ardoise"]


def call(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> tuple[float, str]:
    """Run a command; return its time, start-up included, and what it printed.

    Ctrl-C is for this program alone, which ends the command.

    Raises
    ------
    RunError
        If it fails.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate()
    except BaseException:
        process.terminate()
        process.communicate()
        raise
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        lines = err.strip().splitlines() or [f"exit code {process.returncode}"]
        raise RunError(lines[-1])
    return seconds, out


def history_of(run: Path) -> dict[str, Any]:
    """Return the epochs of a run, of all its networks, and their median speed."""
    rows: list[dict[str, str]] = []
    for path in sorted(run.glob("history*.csv")):  # one a member
        with open(path, newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file)
    speeds = [float(row["samples_per_second"]) for row in rows]
    return {"epochs": len(rows), "images_per_second": round(median(speeds), 1)}


def commit() -> dict[str, Any]:
    """Return the commit of the code, and whether the source differs from it."""

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    return {
        "id": git("rev-parse", "HEAD"),
        "changed": bool(git("status", "--porcelain", "--", "src")),
    }


def wait_until_idle(wanted: bool, patience: float = 60.0) -> float | None:
    """Return the share of time that others compute; wait for it to fall, if wanted."""
    until = time.monotonic() + patience
    busy = busy_share()
    while wanted and busy is not None and busy > BUSY and time.monotonic() < until:
        time.sleep(2)
        busy = busy_share()
    return busy


def busy_share(seconds: float = 1.0) -> float | None:
    """Return the share of the processors' time in which somebody computes.

    None where the system does not say: it does on Linux.
    """
    before = _ticks()
    if before is None:
        return None
    time.sleep(seconds)
    after = _ticks()
    if after is None or after[1] == before[1]:
        return None
    return round((after[0] - before[0]) / (after[1] - before[1]), 3)


def _ticks() -> tuple[int, int] | None:
    """Return the busy ticks of all processors since the system started, and all."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
    except (OSError, ValueError):
        return None
    idle = ticks[3] + ticks[4]  # idle, and waiting for a disk
    return sum(ticks) - idle, sum(ticks)
