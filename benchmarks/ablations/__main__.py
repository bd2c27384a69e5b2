"""``python -m benchmarks.ablations``: run what has not been run, print the tables.

What ended is kept after each run, so that this program may be stopped at any moment, by
Ctrl-C too, and goes on where it was. A variant whose settings changed is run again.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from ardoise import DivergenceError
from benchmarks.ablations import kept
from benchmarks.ablations.tables import TABLES, Table
from benchmarks.ablations.variants import Data, Variant, accuracy, load, train
from benchmarks.records.__main__ import say, seeds
from benchmarks.records.found import read_ablations
from benchmarks.records.render import ablation
from benchmarks.records.runs import ROOT

Run = tuple[Table, int, list[Variant]]  # a training, and those who share it


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; 0, 1 if a run failed, 130 after Ctrl-C."""
    options = parse(argv)
    tables = [TABLES[name] for name in options.tables]
    try:
        failed = run_all(tables, options)
    except KeyboardInterrupt:
        say("Stopped. What has ended is kept; the same command goes on from there.")
        return 130
    titles = [table.title for table in tables]
    for found in read_ablations(options.folder):
        if found.title in titles:
            print(ablation(found), end="\n\n")
    return int(failed)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablations", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument(
        "tables", nargs="*", default=[*TABLES], metavar="TABLE", help=", ".join(TABLES)
    )
    parser.add_argument(
        "--seeds",
        type=seeds,
        default=[*range(5)],
        help="how many (5: 0 to 4), or which (3,5,)",
    )
    parser.add_argument("--threads", type=int, help="default: all processors")
    parser.add_argument("--folder", type=Path, default=ROOT / "records")
    options = parser.parse_args(argv)
    for name in options.tables:
        if name not in TABLES:
            parser.error(f"no table {name}; there are {', '.join(TABLES)}")
    return options


def todo(table: Table, wanted: Sequence[int], folder: Path) -> list[Run]:
    """Return the trainings that are missing, variant by variant."""
    rows = kept.read(folder, table)
    runs: dict[tuple[str, int], list[Variant]] = {}
    for variant in table.variants:
        done = rows.get(variant.name, {"seeds": []})["seeds"]
        for seed in wanted:
            if seed not in done:
                runs.setdefault((variant.training(), seed), []).append(variant)
    return [(table, seed, variants) for (_, seed), variants in runs.items()]


def run_all(tables: Sequence[Table], options: argparse.Namespace) -> bool:
    """Run what is missing; tell whether something failed."""
    runs = [
        run for table in tables for run in todo(table, options.seeds, options.folder)
    ]
    say(f"Trainings to do: {len(runs)}.")
    failed = False
    for i, (table, seed, variants) in enumerate(runs, 1):
        label = f"[{i}/{len(runs)}] {table.name}, {variants[0].name}, seed {seed}"
        started = time.perf_counter()
        try:
            network = train(variants[0], data(), seed, options.threads)
        except DivergenceError as error:
            failed = True
            say(f"{label} failed: {error}")
            continue
        scores = {v.name: accuracy(network, data(), v.shifts) for v in variants}
        kept.keep(options.folder, table, seed, scores)
        found = ", ".join(f"{100 * score:.2f} %" for score in scores.values())
        say(f"{label}: {found}, {time.perf_counter() - started:.0f} s")
    return failed


@cache
def data() -> Data:
    """Return the images, read at the first need."""
    return load()


if __name__ == "__main__":
    sys.exit(main())
