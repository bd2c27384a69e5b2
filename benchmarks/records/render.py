"""RESULTS.md, from the files of the records alone."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

from ardoise.digits.corruptions import CORRUPTIONS, MNIST_C_LEFT_OUT
from ardoise.digits.scores import BINS
from ardoise.files import write_atomically
from benchmarks.pictures.render import section as pictures
from benchmarks.records.found import (
    Ablation,
    Record,
    Runs,
    difference,
    machines,
    read_ablations,
    read_race,
    read_runs,
    spread,
)
from benchmarks.records.tables import table
from benchmarks.records.wanted import WANTED

HEAD = """\
# Results

Written by `make records` from the files in `records/`, one for each run; change nothing
here by hand. A run is `ardoise train --recipe … --seed …` in a process of its own, then
`ardoise evaluate --final`, which opens the 10,000 test images of MNIST once. Recipes
were chosen on validation images cut from the training set; what counts is the network
of the last epoch, and every seed is shown.
"""
YES, NO = "✓", "✗"


def write_results(folder: Path, path: Path) -> Path:
    """Write RESULTS.md; return its path."""
    write_atomically(path, render(folder).encode())
    return path


def render(folder: Path) -> str:
    """Return the page."""
    runs, races = read_runs(folder), read_race(folder)
    sections = [
        ("Recipes", recipes(runs)),
        ("Time", times(runs)),
        ("Time to 99 %, beside PyTorch", "\n\n".join(map(race, races))),
        ("Calibration", calibration(runs)),
        ("Robustness", "\n\n".join(robustness(r) for r in runs if _is_robust(r))),
        ("Other pictures than MNIST’s", pictures(folder)),
        ("Ablations", "\n\n".join(map(ablation, read_ablations(folder)))),
        ("Machine", machine([*(r for one in runs for r in one.records), *races])),
    ]
    shown = [f"## {title}\n\n{text}" for title, text in sections if text]
    return "\n\n".join([HEAD.strip(), *shown]) + "\n"


def recipes(runs: Sequence[Runs]) -> str:
    """Return the table of accuracies, and what else there is to say of the runs."""
    if not runs:
        return ""
    notes = []
    chosen = [
        f"`{one.recipe}` {100 * mean(one.validated):.2f} %"
        for one in runs
        if one.validated
    ]
    if chosen:
        notes.append(f"On validation images: {', '.join(chosen)}.")
    for one in runs:
        test = one.records[-1]["test"]
        if test["split"] != "official":
            n = f"{test['total']:,}"
            notes.append(f"`{one.recipe}` reads the {n} test images of its own split.")
        if test.get("members"):
            shares = [100 * value for value in test["members"]]
            each = " ".join(f"{value:.2f}" for value in shares)
            notes.append(
                f"Members of `{one.recipe}`, each alone: {each} % (mean "
                f"{mean(shares):.3f}, sd {_number(spread(shares), 3)})."
            )
        if one.older:
            notes.append(f"Not shown, of an older `{one.recipe}`: runs, {one.older}.")
    head = ("recipe", "test accuracy of each seed, %", "mean")
    text = table(
        (*head, "sd (or 95 % interval)", "at least", ""), [*map(_accuracy_row, runs)]
    )
    return "\n\n".join([text, *notes])


def _accuracy_row(one: Runs) -> Sequence[str]:
    found, wanted = one.accuracies, WANTED.get(one.recipe)
    bound = verdict = ""
    if wanted is not None:
        bound = f"{wanted.accuracy:.2f}"
        if wanted.accuracy_goal is not None:
            bound += f" (goal {wanted.accuracy_goal:.2f})"
        verdict = YES if mean(found) >= wanted.accuracy else NO
        if len(found) < wanted.seeds:
            verdict = f"{len(found)} of {wanted.seeds} seeds"
    low, high = one.records[0]["test"]["interval"]
    return (
        f"`{one.recipe}`",
        " ".join(f"{value:.2f}" for value in found),
        f"**{mean(found):.3f}**",
        _number(spread(found), 3) or f"{100 * low:.2f} – {100 * high:.2f}",
        bound,
        verdict,
    )


def times(runs: Sequence[Runs]) -> str:
    """Return the table of times and speeds."""
    rows = []
    for one in runs:
        found = one.values("train_seconds")
        wanted = WANTED.get(one.recipe)
        budget, verdict = "", ""
        if wanted is not None:
            budget = duration(wanted.budget)
            if wanted.budget_goal is not None:
                budget += f" (goal {duration(wanted.budget_goal)})"
            if one.is_idle:
                verdict = YES if median(found) <= wanted.budget else NO
        first = one.records[0]
        rows.append(
            (
                f"`{one.recipe}`",
                f"**{duration(median(found))}** "
                f"({duration(min(found))} – {duration(max(found))})",
                budget,
                verdict if one.is_idle else "not idle",
                str(first["epochs"]),
                f"{first['parameters']:,}",
                f"{median(one.values('images_per_second')):,.0f}",
                str(first["threads"]),
            )
        )
    if not rows:
        return ""
    head = ("recipe", "whole command, median (min – max)", "at most", "")
    more = ("epochs", "weights", "images/s", "threads")
    return (
        "From the start of the command to its end: start-up, training, validation, "
        "pictures and report. “Not idle”: something else ran, so that the time means "
        "nothing.\n\n" + table((*head, *more), rows)
    )


def race(record: Record) -> str:
    """Return the table of a race."""
    samples = record["samples"]
    seconds = {name: [s["seconds"] for s in each] for name, each in samples.items()}
    ours, *theirs = seconds
    best = min(theirs, key=lambda name: median(seconds[name]))
    rows = []
    for name, each in samples.items():
        found = seconds[name]
        accuracies = [100 * s["correct"] / s["total"] for s in each]
        rows.append(
            (
                name,
                f"**{median(found):.2f} s** ({min(found):.2f} – {max(found):.2f})",
                f"{mean(accuracies):.2f} ({min(accuracies):.2f})",
            )
        )
    ratio = median(seconds[best]) / median(seconds[ours])
    busy = "" if record["idle"] else " The machine was not idle: these mean nothing."
    return (
        f"The recipe `{record['recipe']}`, the same layers and rule in both, from the "
        "start of a process: MNIST read, 54,000 images learned, 10,000 test images "
        f"read. PyTorch in the better of its threads takes **{ratio:.2f} ×** as long."
        f"{busy}\n\n"
        + table(
            ("who", "whole process, median (min – max)", "accuracy (least), %"), rows
        )
    )


def calibration(runs: Sequence[Runs]) -> str:
    """Return the table of calibration errors, likelihoods and Brier scores."""
    rows = []
    for one in runs:
        wanted = WANTED.get(one.recipe)
        ece = [100 * value for value in one.values("test", "ece")]
        bound = verdict = ""
        if wanted is not None and wanted.ece is not None:
            bound = f"≤ {wanted.ece:g} %"
            verdict = YES if mean(ece) <= wanted.ece else NO
        rows.append(
            (
                f"`{one.recipe}`",
                _with_spread(ece, 3),
                _with_spread(one.values("test", "nll"), 4),
                _with_spread(one.values("test", "brier"), 4),
                bound,
                verdict,
            )
        )
    if not rows:
        return ""
    head = ("recipe", "calibration error, %", "negative log-likelihood")
    return (
        "On the test images, mean ± sd over the seeds: the expected calibration error "
        f"(Guo et al., 2017, equation 3, {BINS} bins of equal width), the mean "
        "negative log-likelihood in nats, the Brier score (sum over the classes).\n\n"
        + table((*head, "Brier score", "wanted", ""), rows)
    )


def _is_robust(one: Runs) -> bool:
    return all("robustness" in record for record in one.records)


def robustness(one: Runs) -> str:
    """Return the table of corrupted test images."""
    rows = []
    means: dict[bool, list[float]] = {True: [], False: []}  # of MNIST-C, and of ours
    for name, corruption in CORRUPTIONS.items():
        scores = [record["robustness"][name] for record in one.records]
        found = [100 * score["correct"] / score["total"] for score in scores]
        if name != "mnist-c/identity":
            means[name.startswith("mnist-c/")].append(mean(found))
        rows.append((f"`{name}`", corruption.about, _with_spread(found, 2)))
    left_out = ", ".join(
        f"`{name}` is {whose} own" for name, whose in MNIST_C_LEFT_OUT.items()
    )
    return (
        f"The recipe `{one.recipe}` on test images that were changed "
        "(`ardoise.digits.corruptions`, seed 0), accuracy in %, mean ± sd over "
        f"{len(one.records)} seeds. It learned from none of these changes but those "
        "that its own augmentation makes. Mean of our changes "
        f"{mean(means[False]):.2f} %, of the {len(means[True])} of MNIST-C "
        f"{mean(means[True]):.2f} %; these are drawn anew from their definitions, "
        f"not read from the published files, and two are missing ({left_out}).\n\n"
        + table(("corruption", "what it does", "accuracy, %"), rows)
    )


def ablation(found: Ablation) -> str:
    """Return one table of ablations."""
    rows = []
    for row in found.rows:
        name, _, scores = row
        gain, error = difference(found.rows[0], row)
        against = "" if row is found.rows[0] else f"{gain:+.3f}"
        if against and error is not None:
            against += f" ± {error:.3f}"
        each = " ".join(f"{score:.2f}" for score in scores)
        rows.append((name, each, _with_spread(scores, 3), against))
    head = ("variant", "score of each seed, %", "mean ± sd", "against the first ± s.e.")
    return "\n\n".join(
        part for part in (f"### {found.title}", found.about, table(head, rows)) if part
    )


def machine(records: Sequence[Record]) -> str:
    """Return where the figures come from."""
    commits = sorted({record["commit"]["id"] or "unknown" for record in records})
    if not records:
        return ""
    where = "\n".join(f"- {words}." for words in machines(records))
    short = ", ".join(commit[:9] for commit in commits)
    changed = any(record["commit"]["changed"] for record in records)
    note = " (for some runs with changes that are not in them)" if changed else ""
    return f"{where}\n\nCommits: {short}{note}."


def duration(seconds: float) -> str:
    """Return ``8.4 s``, ``2 min 05 s``, ``1 h 30 min``."""
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds != int(seconds) else f"{seconds:.0f} s"
    minutes, left = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {left:02d} s" if left else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _with_spread(values: Sequence[float], digits: int) -> str:
    deviation = _number(spread(values), digits)
    return f"{mean(values):.{digits}f}" + (f" ± {deviation}" if deviation else "")


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
