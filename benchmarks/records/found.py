"""The files of the records, read: which runs belong together, and their figures."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.records.runs import FORMAT, read_json
from benchmarks.records.wanted import WANTED

Record = dict[str, Any]


@dataclass(frozen=True)
class Runs:
    """The runs of one recipe, as it was at its latest run.

    Attributes
    ----------
    recipe : str
    records : list of dict
        By seed.
    older : int
        Runs of the recipe as it was before, or of older code; they are not shown.
    """

    recipe: str
    records: list[Record]
    older: int

    def values(self, *path: str) -> list[float]:
        """Return a figure of every run: ``values("test", "nll")``."""
        found = []
        for record in self.records:
            value: Any = record
            for name in path:
                value = value[name]
            found.append(float(value))
        return found

    @property
    def accuracies(self) -> list[float]:
        """Return the test accuracy of each seed, in %."""
        return [100 * value for value in self.values("test", "accuracy")]

    @property
    def validated(self) -> list[float]:
        """Return the validation accuracy of each seed, a share, where there is one."""
        scores = [r["validation"] for r in self.records if r["validation"]]
        return [score["correct"] / score["total"] for score in scores]

    @property
    def is_idle(self) -> bool:
        """Tell whether the times of all runs count."""
        return all(record["idle"] for record in self.records)


def read_runs(folder: Path) -> list[Runs]:
    """Return the runs of each recipe, in the order of what is wanted."""
    by_recipe: dict[str, list[Record]] = {}
    for path in sorted((folder / "runs").glob("*.json")):
        record = read_json(path)
        if record.get("format") == FORMAT:
            by_recipe.setdefault(record["recipe"], []).append(record)
    order = list(WANTED)
    names = sorted(by_recipe, key=lambda n: (order.index(n) if n in order else 99, n))
    return [_latest(name, by_recipe[name]) for name in names]


def _latest(name: str, records: Sequence[Record]) -> Runs:
    newest = max(records, key=lambda record: record["time"])
    same = [r for r in records if _kind(r) == _kind(newest)]
    same.sort(key=lambda record: record["seed"])
    return Runs(name, same, len(records) - len(same))


def _kind(record: Record) -> tuple[str, str]:
    return record["digest"], record["code"]


def read_race(folder: Path) -> list[Record]:
    """Return the races that were run."""
    found = [read_json(path) for path in sorted((folder / "race").glob("*.json"))]
    return [record for record in found if record.get("format") == FORMAT]


@dataclass(frozen=True)
class Ablation:
    """A table of variants: what each changes, and what it scores.

    Attributes
    ----------
    title, about : str
    rows : list of (name, seeds, scores in %)
    """

    title: str
    about: str
    rows: list[tuple[str, list[int], list[float]]]


def read_ablations(folder: Path) -> list[Ablation]:
    """Return the ablations: ``{"title", "about", "rows": [{name, seeds, scores}]}``.

    Title and text may be missing, and the rows may stand alone. Scores are shares, or
    percentages if one is above 1; seeds are a list, or their number.
    """
    result = []
    for path in sorted((folder / "ablations").glob("*.json")):
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, list):
            found = {"rows": found}
        rows = []
        for row in found["rows"]:
            scores = [float(score) for score in row["scores"]]
            scale = 1 if max(scores) > 1 else 100
            seeds = row["seeds"]
            seeds = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
            rows.append((row["name"], seeds, [scale * score for score in scores]))
        title = found.get("title", path.stem.replace("-", " "))
        result.append(Ablation(title, found.get("about", ""), rows))
    return result


def spread(values: Sequence[float]) -> float | None:
    """Return the standard deviation; None of a single value."""
    return stdev(values) if len(values) > 1 else None


def difference(
    first: tuple[str, list[int], list[float]], other: tuple[str, list[int], list[float]]
) -> tuple[float, float | None]:
    """Return by how much a variant is better, and the standard error of that.

    Where both have the same seeds, that of the differences seed by seed.
    """
    (_, seeds_a, a), (_, seeds_b, b) = first, other
    gain = mean(b) - mean(a)
    if seeds_a == seeds_b and len(a) == len(b):
        deviation = spread([y - x for x, y in zip(a, b, strict=True)])
        return gain, None if deviation is None else deviation / len(a) ** 0.5
    deviations = spread(a), spread(b)
    if deviations[0] is None or deviations[1] is None:
        return gain, None
    return gain, (deviations[0] ** 2 / len(a) + deviations[1] ** 2 / len(b)) ** 0.5


def machines(records: Sequence[Record]) -> list[str]:
    """Return the machines and versions that these were measured on, most used first."""
    return [words for words, _ in Counter(map(_machine, records)).most_common()]


def _machine(record: Record) -> str:
    here = record["machine"]
    memory, packages = here["memory_bytes"], here["packages"]
    parts = [
        here["cpu"],
        f"{here['usable_processors']} of {here['processors']} processors",
        f"{memory / 2**30:.0f} GiB" if memory else None,
        here["system"],
        f"Python {here['python']}",
        f"NumPy {packages['numpy']} with {here['blas']}",
        f"ardoise {packages['ardoise']}",
    ]
    return ", ".join(part for part in parts if part)
