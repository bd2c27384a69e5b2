"""``python -m benchmarks``: run them all, print the table, write every figure down.

Progress goes to standard error, the table (Markdown) to standard output.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from benchmarks import (
    convolutions,
    inference,
    machine,
    memory,
    notebook,
    report,
    startup,
    training,
)
from benchmarks.measure import Say, missing_note
from benchmarks.plan import QUICK, Plan
from benchmarks.report import Section

SECTIONS: dict[str, Callable[[Plan, Say], Section]] = {
    "notebook": notebook.run,
    "training": training.run,
    "convolutions": convolutions.run,
    "inference": inference.run,
    "import": startup.run,
    "memory": memory.run,
}
RESULTS = Path(__file__).parent / "results"


def main(argv: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for; 0, or 1 if a contestant failed."""
    options = parse(argv)
    plan = make_plan(options.quick, options.full, options.rounds)
    here = machine.describe()
    busy = machine.busy_warning(here["load_average"], here["usable_processors"])
    quick = "this is a quick run on tiny sizes: its figures mean nothing"
    warnings = [busy] if busy else []
    warnings += [quick] if options.quick else []
    missing = missing_note()
    for text in (*(f"Warning: {warning}" for warning in warnings), missing):
        if text:
            say(f"{text}.")
    started = time.perf_counter()
    sections = {name: SECTIONS[name](plan, say) for name in options.only}
    now = f"{datetime.now():%Y-%m-%dT%H-%M-%S}"
    path = options.json or RESULTS / f"{now}.json"
    record = {
        "date": now,
        "plan": asdict(plan),
        "seconds": time.perf_counter() - started,
        "warnings": warnings,
    }
    report.save(path, here, record, sections)
    found = list(sections.values())
    print(report.markdown(here, found, plan.rounds, warnings, missing))
    say(f"Every figure: {path}")
    return int(any(section.failed for section in found))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure Ardoise side by side with others. Leave the machine idle.",
    )
    parser.add_argument(
        "--only",
        type=section_names,
        default=list(SECTIONS),
        help=f"some of: {','.join(SECTIONS)}",
    )
    parser.add_argument(
        "--rounds", type=positive, help="how often each contestant runs (default 5)"
    )
    parser.add_argument(
        "--full", action="store_true", help="all 700 epochs of the notebook"
    )
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: does everything work?"
    )
    parser.add_argument("--json", type=Path, help="where the figures are written")
    return parser.parse_args(argv)


def section_names(text: str) -> list[str]:
    """Return the names in a comma-separated list."""
    names = text.split(",")
    for name in names:
        if name not in SECTIONS:
            raise argparse.ArgumentTypeError(
                f"must be some of {', '.join(SECTIONS)}, separated by commas; "
                f"got {name!r}"
            )
    return names


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"must be a whole number of at least 1; got {text!r}"
        )
    return int(text)


def make_plan(quick: bool, full: bool, rounds: int | None) -> Plan:
    """Return the sizes that the options ask for."""
    plan = QUICK if quick else Plan()
    if full:
        plan = replace(plan, notebook_epochs=700)
    return plan if rounds is None else replace(plan, rounds=rounds)


def say(text: str) -> None:
    """Report progress, beside the table and not in it."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
