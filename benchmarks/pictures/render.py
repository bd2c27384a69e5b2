"""The section of RESULTS.md on pictures that are not MNIST's."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.pictures.cases import CASES
from benchmarks.pictures.measure import SHARES
from benchmarks.pictures.sheets import SHEETS
from benchmarks.records.found import spread
from benchmarks.records.runs import BUSY, read_json
from benchmarks.records.tables import table

UCI = ("uci", "scikit-learn’s digits: 8 × 8, of other writers, enlarged", 93.0, None)
REFUSED, KNOWN = 95.0, 1.0  # %, at least and at most, at the same share
SIX = {"six digits": (97.0, 90.0)}  # % of digits, and of numbers wholly right
SECONDS, MEGABYTES = 1.5, 400
YES, NO = "✓", "✗"


def section(folder: Path) -> str:
    """Return the section, or nothing if nothing has been measured."""
    records = [read_json(path) for path in sorted((folder / "pictures").glob("*.json"))]
    records = [r for r in records if r and r["digest"] == records[-1]["digest"]]
    if not records:
        return ""
    total = records[0]["cases"][CASES[0].name]["of"]
    about = (
        f"`python -m benchmarks.pictures --final`: recipe `{records[0]['recipe']}`, "
        f"{len(records)} seeds, on pictures made of the {total:,} test digits as "
        "`benchmarks/pictures` has it written down; in %, mean ± sd over the seeds. "
        "“Fitted” is the same network without `ardoise.pictures.prepare`: the picture "
        "made light on dark, and 28 × 28."
    )
    parts = [
        about,
        _cases(records),
        _sheets(records),
        _refused(records),
        _photo(records),
    ]
    return "\n\n".join(parts)


def _cases(records: Sequence[dict[str, Any]]) -> str:
    rows = []
    known = [(c.name, c.about, c.wanted, c.goal) for c in CASES]
    for name, what, wanted, goal in [*known, UCI]:
        found = [record["cases"][name] for record in records]
        right = [100 * one["right"] / one["of"] for one in found]
        plain = [100 * one["without"] / one["of"] for one in found]
        bound = f"{wanted:g}" + (f" (goal {goal:g})" if goal else "")
        verdict = YES if mean(right) >= wanted else NO
        rows.append((name, what, f"**{_shown(right)}**", _shown(plain), bound, verdict))
    head = ("digit", "what was done to it", "prepared", "fitted", "at least", "")
    return table(head, rows)


def _sheets(records: Sequence[dict[str, Any]]) -> str:
    rows = []
    for name, plan in SHEETS.items():
        found = [record["sheets"][name] for record in records]
        digits = [100 * one["digits"] / one["of_digits"] for one in found]
        numbers = [100 * one["numbers"] / one["of_numbers"] for one in found]
        bound = verdict = ""
        if name in SIX:
            least = SIX[name]
            bound = f"{least[0]:g} of digits, {least[1]:g} of numbers"
            verdict = (
                YES if mean(digits) >= least[0] and mean(numbers) >= least[1] else NO
            )
        rows.append((plan.about, _shown(digits), _shown(numbers), bound, verdict))
    head = ("photographed sheet", "digits", "numbers wholly right", "at least", "")
    return table(head, rows)


def _refused(records: Sequence[dict[str, Any]]) -> str:
    kinds = {"test digits": [record["known"] for record in records]}
    for name in records[0]["strange"]:
        kinds[name] = [record["strange"][name] for record in records]
    rows = []
    for name, found in kinds.items():
        shares = [[100 * one[share] / one["of"] for one in found] for share in SHARES]
        rows.append((name, *map(_shown, shares)))
    together = []
    for share in SHARES:
        strange = [
            100
            * sum(one[share] for one in record["strange"].values())
            / sum(one["of"] for one in record["strange"].values())
            for record in records
        ]
        known = mean(100 * r["known"][share] / r["known"]["of"] for r in records)
        verdict = YES if mean(strange) >= REFUSED and known <= KNOWN else NO
        together.append(f"{_shown(strange)} {verdict}")
    rows.append(("**all without a digit**", *together))
    note = (
        f"Refused (wanted: at least {REFUSED:g} % of what is no digit, with at most "
        f"{KNOWN:g} % of the test digits refused):"
    )
    head = ("picture", *(f"`--reject {share}`" for share in SHARES))
    return f"{note}\n\n{table(head, rows)}"


def _photo(records: Sequence[dict[str, Any]]) -> str:
    found = [record["photo"] for record in records]
    seconds = max(one["seconds"] for one in found)
    memory = max(one["megabytes"] for one in found)
    verdict = YES if seconds <= SECONDS and memory <= MEGABYTES else NO
    right = sum(one["right"] for one in found)
    busy = max(one.get("busy") or 0 for one in found)
    note = "" if busy <= BUSY else " The machine was not idle: the time means nothing."
    return (
        f"A JPEG photo of {found[0]['megapixels']:g} megapixels with {found[0]['of']} "
        f"digits, `ardoise read` as a whole command: {seconds:.2f} s, {memory:.0f} MB "
        f"(at most {SECONDS:g} s, {MEGABYTES} MB) {verdict}; {right} of "
        f"{sum(one['of'] for one in found)} digits right.{note}"
    )


def _shown(values: Sequence[float]) -> str:
    deviation = spread(values)
    return f"{mean(values):.2f}" + ("" if deviation is None else f" ± {deviation:.2f}")
