"""Races: contestants in processes of their own, round after round, and what follows.

All contestants of a race run once before any runs again, so that whatever disturbs the
machine disturbs everybody. Figures are medians over the rounds; a ratio is that of two
medians, and its range that of the ratios within each round.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent.parent
TIMEOUT = 300  # seconds for one contestant and one round

# Every library listens to one of these; with all threads, none is set.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NPROC",  # JAX
)
# What the extra [benchmarks] installs: name → package.
LIBRARIES = {
    "scikit-learn": "sklearn",
    "PyTorch": "torch",
    "JAX": "jax",
    "onnxruntime": "onnxruntime",
    "onnx": "onnx",
}
XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"

Sample = dict[str, float]
Samples = dict[str, list[Sample]]  # one sample a round for each contestant's key
Say = Callable[[str], None]


@dataclass(frozen=True)
class Contestant:
    """One process of a race.

    Attributes
    ----------
    name : str
        Who it is: "PyTorch". Several contestants may run under one name, each with
        other threads; the best of them counts.
    module : str
        Of `benchmarks.contestants`.
    settings : mapping
        JSON values for its ``run``; the number of the round is added as ``seed`` where
        ``seeded``.
    threads : int
        1, or as many as there are processors: then its libraries are left to choose.
    variant : str
        What tells it from the others of its name, where threads do not.
    seeded : bool
    """

    name: str
    module: str
    settings: Mapping[str, Any]
    threads: int
    variant: str = ""
    seeded: bool = True

    @property
    def key(self) -> str:
        """Its name and variant, which no other contestant of a race has."""
        return f"{self.name}, {self.variant or counted(self.threads, 'thread')}"


@dataclass(frozen=True)
class Ratio:
    """A ratio of medians with the smallest and largest ratio of one round."""

    value: float
    low: float
    high: float


@dataclass
class Race:
    """What a race gave.

    Attributes
    ----------
    contestants : list of Contestant
        Those that ran to the end.
    samples : Samples
    failures : dict of str to str
        Key → the last words of a contestant that failed.
    """

    contestants: list[Contestant]
    samples: Samples
    failures: dict[str, str] = field(default_factory=dict)

    def values(self, key: str, figure: str) -> list[float]:
        """Return one figure of one contestant, round by round."""
        return [sample[figure] for sample in self.samples[key]]

    def best(
        self, name: str, figure: str, better: Callable[..., float] = max
    ) -> str | None:
        """Return the key under ``name`` with the best median; None if none ran."""
        keys = [c.key for c in self.contestants if c.name == name]
        medians = {key: median(self.values(key, figure)) for key in keys}
        if not medians:
            return None
        target = better(medians.values())
        return next(key for key in keys if medians[key] == target)

    def ratio(self, over: str | None, under: str | None, figure: str) -> Ratio | None:
        """Return the ratio of one figure of two contestants, given by their keys.

        None if one of them did not run to the end.
        """
        if over not in self.samples or under not in self.samples:
            return None
        return ratio(self.values(over, figure), self.values(under, figure))


def ratio(over: Sequence[float], under: Sequence[float]) -> Ratio:
    """Return median / median, and the range of the ratios round by round."""
    rounds = [a / b for a, b in zip(over, under, strict=True)]
    return Ratio(median(over) / median(under), min(rounds), max(rounds))


def both_ways(
    name: str,
    module: str,
    settings: Mapping[str, Any],
    processors: int,
    *,
    seeded: bool = True,
) -> list[Contestant]:
    """Return a peer with one thread and, where there are more, with all of them."""
    return [
        Contestant(name, module, settings, threads, seeded=seeded)
        for threads in sorted({1, processors})
    ]


def counted(number: int, noun: str) -> str:
    """Return "1 thread", "2 threads"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def installed(package: str) -> bool:
    """Tell whether a package can be imported, without importing it."""
    return find_spec(package) is not None


def missing_note() -> str | None:
    """Return a sentence about the peers that are not installed; None if all are."""
    names = [name for name, package in LIBRARIES.items() if not installed(package)]
    if not names:
        return None
    return (
        f"Not installed, so not measured: {', '.join(names)}. "
        'Install with: pip install "ardoise[benchmarks]"'
    )


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a contestant with one thread, or with all of them."""
    result = {k: v for k, v in os.environ.items() if k not in THREAD_VARIABLES}
    result["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        result.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        result["XLA_FLAGS"] = f"{result.get('XLA_FLAGS', '')} {XLA_ONE_THREAD}".strip()
    return result


def run_once(contestant: Contestant, seed: int) -> Sample:
    """Run a contestant in a new process and return its figures.

    Raises
    ------
    ContestantError
        If it fails, or takes longer than `TIMEOUT` seconds.
    """
    settings = dict(contestant.settings)
    if contestant.seeded:
        settings["seed"] = seed
    command = [sys.executable, "-m", "benchmarks.contestants", contestant.module]
    try:
        done = subprocess.run(
            [*command, json.dumps(settings)],
            cwd=ROOT,
            env=environment(contestant.threads),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise ContestantError(f"took longer than {TIMEOUT} s") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ContestantError(lines[-1])
    sample: Sample = json.loads(done.stdout.splitlines()[-1])
    return sample


class ContestantError(RuntimeError):
    """A contestant gave no figures; the text says why."""


def race(
    title: str, contestants: Sequence[Contestant], rounds: int, figure: str, say: Say
) -> Race:
    """Run all contestants once, then all again, ``rounds`` times.

    Whoever fails is out of the race. One line a round is said, with ``figure`` of
    everybody.
    """
    running = list(contestants)
    result = Race(running, {c.key: [] for c in contestants})
    for i in range(rounds):
        shown = []
        for contestant in list(running):
            try:
                sample = run_once(contestant, seed=i)
            except ContestantError as error:
                running.remove(contestant)
                del result.samples[contestant.key]
                result.failures[contestant.key] = str(error)
                say(f"{title}: {contestant.key} failed: {error}")
                continue
            result.samples[contestant.key].append(sample)
            shown.append(f"{contestant.key} {sample[figure]:,.4g}")
        say(f"{title}, round {i + 1} of {rounds}: {' · '.join(shown)}")
    return result
