"""Training convolutional networks: against three others, the peak, and busy neighbours.

The first network runs in one long race, so that everything said about it compares
figures of the same rounds: peers, the peak of matrix products, one and two threads, and
training beside another process that keeps a processor busy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.contestants.architecture import training_flops
from benchmarks.machine import usable_processors
from benchmarks.measure import (
    Contestant,
    Race,
    Say,
    both_ways,
    counted,
    installed,
    race,
)
from benchmarks.plan import Plan
from benchmarks.report import Detail, Section, Target, compare, spread

FIGURE = "images_per_second"
BUSY = "beside a busy process"
PLAIN = "im2col in NumPy"
PEAK = "peak of matrix products"
PEAK_TARGET = Target(0.6, goal=0.75, percent=True)
BUSY_TARGET = Target(0.45, percent=True)
THREADS_TARGET = Target(1.8)
FORMATS = ("contiguous", "channels_last")


@dataclass(frozen=True)
class Problem:
    """A network, its batch, and what is wanted against each peer.

    ``is_main`` asks for the rows beside those against the peers, too.
    """

    network: str
    batch: int
    targets: dict[str, Target]
    is_main: bool = False

    @property
    def title(self) -> str:
        """Its name in the table."""
        return f"{self.network}, batch {self.batch}"


MAIN = Problem(
    "32c3-p2-64c3-p2-128-10",
    128,
    {"PyTorch": Target(1.5, goal=2), "JAX": Target(5), PLAIN: Target(4)},
    is_main=True,
)
PROBLEMS = (MAIN, Problem("24c5-p2-32c3-p2-256-10", 256, {"PyTorch": Target(1.5)}))


def run(plan: Plan, say: Say) -> Section:
    """Race everybody on both networks."""
    section = Section()
    processors = usable_processors()
    for problem in PROBLEMS:
        field = contestants(problem, plan, processors)
        result = race(problem.title, field, plan.rounds, FIGURE, say)
        section.keep(problem.title, result)
        judge(problem, result, section, processors)
    return section


def contestants(problem: Problem, plan: Plan, processors: int) -> list[Contestant]:
    """Return Ardoise and the peers that are installed, in all their forms."""
    settings = {
        "network": problem.network,
        "batch": problem.batch,
        "epochs": 1,
        "n_train": plan.images_train,
        "n_test": plan.images_test,
    }
    field = [ours(processors, settings)]
    if installed("torch"):
        field += in_formats("PyTorch", "train_pytorch", settings, processors)
    if "JAX" in problem.targets and installed("jax"):
        field += both_ways("JAX", "train_jax", settings, processors)
    if PLAIN in problem.targets:
        field += both_ways(PLAIN, "train_numpy", settings, processors)
    if problem.is_main:
        field += more_of_the_main_problem(settings, plan, processors)
    return field


def more_of_the_main_problem(
    settings: dict[str, Any], plan: Plan, processors: int
) -> list[Contestant]:
    """Return other numbers of threads, busy neighbours, and the peak."""
    field = [ours(processors, settings, threads=n) for n in (1, 2)]
    neighbour = settings | {"busy": 1}
    name = f"Ardoise {BUSY}"
    field.append(Contestant(name, "train_ardoise", neighbour, processors))
    if installed("torch"):
        # Enough digits for its speed, which is a fraction of the usual, to be known.
        fewer = neighbour | {"n_train": plan.images_train // 5}
        name = f"PyTorch {BUSY}"
        forms = ("channels_last",)
        field += in_formats(name, "train_pytorch", fewer, processors, forms=forms)
    products = {"network": settings["network"], "seconds": plan.seconds}
    # On one BLAS thread, on all, and on as many Python threads.
    for blas, python in sorted({(1, 1), (processors, 1), (1, processors)}):
        variant = f"BLAS {counted(blas, 'thread')}"
        if python > 1:
            variant = counted(python, "Python thread")
        more = products | {"python_threads": python}
        field.append(Contestant(PEAK, "sgemm", more, blas, variant, seeded=False))
    return field


def ours(
    processors: int, settings: Mapping[str, Any], threads: int | None = None
) -> Contestant:
    """Return Ardoise as it trains by default, or told how many threads to use."""
    variant = "" if threads is None else f"threads={threads}"
    more = settings if threads is None else {**settings, "threads": threads}
    return Contestant("Ardoise", "train_ardoise", more, processors, variant)


def in_formats(
    name: str,
    module: str,
    settings: Mapping[str, Any],
    processors: int,
    *,
    forms: Sequence[str] = FORMATS,
    seeded: bool = True,
) -> list[Contestant]:
    """Return PyTorch in these memory formats, with one thread and with all."""
    return [
        Contestant(
            name,
            module,
            {**settings, "channels_last": form == "channels_last"},
            threads,
            f"{counted(threads, 'thread')}, {form}",
            seeded=seeded,
        )
        for threads in sorted({1, processors})
        for form in forms
    ]


def judge(problem: Problem, result: Race, section: Section, processors: int) -> None:
    """Add the rows and the details of one race to the section."""
    work = f"training {problem.title}, Adam"
    default = ours(processors, {}).key
    for name, target in problem.targets.items():
        best = result.best(name, FIGURE)
        ratio = result.ratio(default, best, FIGURE)
        section.lines.append(compare(work, best or name, ratio, target))
    if problem.is_main:
        judge_more(work, result, section, processors)
    flops = training_flops(problem.network)
    for key in result.samples:
        speed = spread(result.values(key, FIGURE), "images/s")
        rate = median(result.values(key, FIGURE)) * flops / 1e9
        remark = f"{rate:.0f} GFLOP/s"
        if not key.startswith(PEAK):
            tested = 100 * median(result.values(key, "accuracy"))
            remark += f", accuracy {tested:.2f} %"
        section.details.append(Detail(problem.title, key, speed, remark))


def judge_more(work: str, result: Race, section: Section, processors: int) -> None:
    """Add the rows that only the main problem has."""
    default = ours(processors, {}).key
    one, two = (ours(processors, {}, threads=n).key for n in (1, 2))
    peak, busy, torch_busy = (
        result.best(name, FIGURE)
        for name in (PEAK, f"Ardoise {BUSY}", f"PyTorch {BUSY}")
    )
    # With all threads, as PyTorch runs unless told otherwise.
    torch_all = f"PyTorch, {counted(processors, 'thread')}, channels_last"
    torch_all_busy = torch_all.replace("PyTorch", f"PyTorch {BUSY}")
    rows = (
        (work, peak or PEAK, default, peak, PEAK_TARGET),
        (f"{work}, threads=2", "threads=1", two, one, THREADS_TARGET),
        (f"{work}, {BUSY}", torch_busy or "PyTorch", busy, torch_busy, None),
        (f"{work}, {BUSY}", "itself, idle machine", busy, default, BUSY_TARGET),
        (torch_all_busy, "itself, idle machine", torch_all_busy, torch_all, None),
    )
    for title, against, over, under, target in rows:
        ratio = result.ratio(over, under, FIGURE)
        line = compare(title, against, ratio, target, percent=title == torch_all_busy)
        section.lines.append(line)
