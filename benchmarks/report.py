"""The table that goes into the README, and the JSON file with every single figure.

A `Line` compares one piece of work with what was wanted; a `Detail` is one contestant
as it was measured. Sections of the benchmarks return both.
"""

import json
import operator
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Race, Ratio


@dataclass(frozen=True)
class Target:
    """What is wanted of a ratio.

    Attributes
    ----------
    bound : float
    sign : str
        "≥" or "≤".
    goal : float or None
        A better value, hoped for; it decides nothing.
    percent : bool
        Whether the ratio is shown as a share.
    """

    bound: float
    sign: str = "≥"
    goal: float | None = None
    percent: bool = False

    def __str__(self) -> str:
        goal = "" if self.goal is None else f" (goal {self._show(self.goal)})"
        return f"{self.sign} {self._show(self.bound)}{goal}"

    def _show(self, value: float) -> str:
        return f"{100 * value:g} %" if self.percent else f"{value:g} ×"

    def met_by(self, value: float) -> bool:
        """Tell whether a ratio is as wanted."""
        compare = operator.ge if self.sign == "≥" else operator.le
        return bool(compare(value, self.bound))


@dataclass(frozen=True)
class Line:
    """One row of the table: work, against whom, wanted, measured, verdict."""

    work: str
    against: str
    wanted: str
    measured: str
    met: bool | None = None  # None: nothing was wanted, or nothing could be measured


@dataclass(frozen=True)
class Detail:
    """One contestant as it was measured."""

    work: str
    contestant: str
    figure: str
    remark: str


@dataclass
class Section:
    """What one part of the benchmarks found."""

    lines: list[Line] = field(default_factory=list)
    details: list[Detail] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)

    def keep(self, title: str, race: Race) -> None:
        """Keep every sample of a race for the JSON file, and tell of who failed."""
        self.samples[title] = race.samples
        for key, reason in race.failures.items():
            self.failed.append(f"{title}: {key}: {reason}")


def compare(
    work: str,
    against: str,
    ratio: Ratio | None,
    target: Target | None,
    *,
    same: bool = True,
    percent: bool = False,
    remark: str = "",
) -> Line:
    """Return the row for a measured ratio.

    Parameters
    ----------
    ratio : Ratio or None
        None where it could not be measured.
    target : Target or None
        None where nothing in particular is wanted.
    same : bool
        Whether both did the same work; a target is not met otherwise.
    percent : bool
        Show a share, where there is no target that says so.
    remark : str
        Added to the measured ratio.
    """
    wanted = "–" if target is None else str(target)
    if ratio is None:
        return Line(work, against, wanted, "not measured")
    percent = percent if target is None else target.percent
    scale, digits, unit = (100, 0, "%") if percent else (1, 2, "×")
    value, low, high = (
        f"{scale * x:.{digits}f}" for x in (ratio.value, ratio.low, ratio.high)
    )
    measured = f"**{value} {unit}** ({low} – {high})"
    met = None if target is None else same and target.met_by(ratio.value)
    return Line(work, against, wanted, measured + remark, met)


def spread(values: Sequence[float], unit: str, scale: float = 1.0) -> str:
    """Return "median unit (min – max)" of figures divided by ``scale``."""
    middle, low, high = (
        _rounded(x / scale) for x in (median(values), min(values), max(values))
    )
    return f"{middle} {unit} ({low} – {high})"


def markdown(
    machine: dict[str, Any],
    sections: Sequence[Section],
    rounds: int,
    warnings: Sequence[str],
    missing: str | None = None,
) -> str:
    """Return everything that is printed: warnings, tables, machine, notes."""
    lines = [line for section in sections for line in section.lines]
    details = [detail for section in sections for detail in section.details]
    verdicts = {True: "✓", False: "✗", None: ""}
    blocks = [f"> **Warning:** {warning}." for warning in warnings]
    blocks.append(
        _table(
            ("work", "against", "wanted", "measured", ""),
            [(x.work, x.against, x.wanted, x.measured, verdicts[x.met]) for x in lines],
        )
    )
    if details:
        blocks.append(
            _table(
                ("work", "contestant", "median (min – max)", ""),
                [(d.work, d.contestant, d.figure, d.remark) for d in details],
            )
        )
    blocks.append(
        f"{_machine(machine)} Rounds side by side: {rounds}; ratios are those of the "
        "medians, with the smallest and the largest of one round. Each peer counts in "
        "the better of one thread and all threads; Ardoise runs with its defaults "
        "where no `threads=` is said; PyTorch runs without `torch.compile`, which "
        "needs a C++ compiler."
    )
    blocks += [f"{missing}."] if missing else []
    blocks += [f"Failed: {reason}" for section in sections for reason in section.failed]
    return "\n\n".join(blocks) + "\n"


def save(
    path: Path,
    machine: dict[str, Any],
    record: dict[str, Any],
    sections: dict[str, Section],
) -> None:
    """Write the machine, the record of the run and every figure as JSON."""
    content = {
        "machine": machine,
        **record,
        "sections": {name: asdict(section) for name, section in sections.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _machine(machine: dict[str, Any]) -> str:
    memory = machine["memory_bytes"]
    packages = machine["packages"]
    parts = [
        f"{machine['cpu']}, {machine['usable_processors']} of "
        f"{machine['processors']} processors",
        *([f"{memory / 2**30:.0f} GiB"] if memory else []),
        machine["system"],
        f"Python {machine['python']}",
        f"NumPy {packages['numpy']} with {machine['blas']}",
        *(
            f"{name} {found}"
            for name, found in packages.items()
            if found and name not in ("numpy", "jaxlib")
        ),
    ]
    return f"Measured on {', '.join(parts)}."


def _rounded(value: float) -> str:
    """Return three significant digits, and whole numbers with their thousands."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"
