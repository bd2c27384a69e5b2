"""``python -m benchmarks.records``: run what has not been run, then write RESULTS.md.

A run that ended has its file, so that this program may be stopped at any moment, by
Ctrl-C too, and goes on where it was. Times count only with ``--idle``: start nothing
else beside it.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import ardoise
from ardoise.digits.recipes import RECIPES
from benchmarks.records import race
from benchmarks.records.render import write_results
from benchmarks.records.runs import ROOT, Job, RunError, do
from benchmarks.records.wanted import RACED, ROBUST, WANTED


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; 0, 1 if a run failed, 130 after Ctrl-C."""
    options = parse(argv)
    failed = False
    if not options.write:
        try:
            failed = run_all(options)
        except KeyboardInterrupt:
            say("Stopped. What has ended is kept; the same command goes on from there.")
            return 130
    path = write_results(options.folder, options.results)
    say(f"{path} is written.")
    return int(failed)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.records", description=__doc__.split("\n\n")[0]
    )
    known = [name for name in WANTED if name in RECIPES]
    parser.add_argument(
        "recipes", nargs="*", default=known, metavar="RECIPE", help=", ".join(known)
    )
    parser.add_argument(
        "--seeds", type=seeds, help="how many (10: 0 to 9), or which (3,5,)"
    )
    parser.add_argument("--threads", type=int, help="default: as ardoise train")
    parser.add_argument(
        "--idle", action="store_true", help="nothing else runs: the times count"
    )
    parser.add_argument("--again", action="store_true", help="also what has been run")
    parser.add_argument(
        "--code",
        default=ardoise.__version__,
        help="a name for this version of the code; others' runs are done again",
    )
    parser.add_argument(
        "--write", action="store_true", help="run nothing: render what there is"
    )
    parser.add_argument("--no-race", action="store_true", help="leave PyTorch out")
    parser.add_argument("--folder", type=Path, default=ROOT / "records")
    parser.add_argument("--results", type=Path, default=ROOT / "RESULTS.md")
    # For the tests of this program: shorter trainings, and who is raced or corrupted.
    parser.add_argument("--epochs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--raced", default=RACED, help=argparse.SUPPRESS)
    parser.add_argument("--robust", nargs="*", default=ROBUST, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    for name in options.recipes:
        if name not in RECIPES:
            parser.error(f"no recipe {name}; there are {', '.join(RECIPES)}")
    return options


def seeds(text: str) -> list[int]:
    """Return ``"3"`` as 0, 1, 2, and ``"3,"`` or ``"3,5"`` as they are."""
    try:
        numbers = [int(word) for word in text.split(",") if word]
        if min(numbers) < 0:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected 10 or 3,5; got {text}") from None
    return numbers if "," in text else list(range(numbers[0]))


def jobs(options: argparse.Namespace) -> list[Job]:
    """Return all runs that are wanted, done or not."""
    wanted = []
    for name in options.recipes:
        recipe = RECIPES[name]
        if options.epochs is not None:
            recipe = replace(recipe, epochs=options.epochs)
        usual = range(WANTED[name].seeds if name in WANTED else 5)
        wanted += [
            Job(
                recipe,
                seed,
                options.threads,
                options.idle,
                name in options.robust,
                options.code,
            )
            for seed in (usual if options.seeds is None else options.seeds)
        ]
    return wanted


def run_all(options: argparse.Namespace) -> bool:
    """Run what is to be run, the race last; tell whether something failed."""
    wanted = jobs(options)
    todo = [job for job in wanted if options.again or not job.is_done(options.folder)]
    say(f"Runs: {len(wanted)}, of which done: {len(wanted) - len(todo)}.")
    failed = False
    for i, job in enumerate(todo, 1):
        say(f"[{i}/{len(todo)}] {job.name} …")
        try:
            result = do(job, options.folder)
        except RunError as error:
            failed = True
            say(f"    failed: {error}")
            continue
        accuracy, seconds = 100 * result["test"]["accuracy"], result["train_seconds"]
        note = "" if result["idle"] or not job.idle else "; the machine was busy"
        say(f"    {accuracy:.2f} % of the test images, {seconds:.1f} s{note}")
    if options.raced in options.recipes and not options.no_race:
        recipe = RECIPES[options.raced]
        if options.epochs is not None:
            recipe = replace(recipe, epochs=options.epochs)
        failed |= not race.run(
            recipe, options.folder, options.code, options.idle, options.again, say
        )
    return failed


def say(text: str) -> None:
    """Report progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
