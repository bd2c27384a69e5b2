"""What a training run on MNIST takes in memory: Ardoise against PyTorch.

A whole process each: load MNIST, train for one epoch, validate on the test digits. The
figure is the peak of its resident memory. Then, for the convolutional network, what a
step allocates once the training is under way.
"""

from statistics import median

from benchmarks.convolutions import MAIN, in_formats
from benchmarks.machine import usable_processors
from benchmarks.measure import (
    Contestant,
    Race,
    Say,
    both_ways,
    installed,
    race,
    ratio,
)
from benchmarks.plan import Plan
from benchmarks.report import Detail, Section, Target, compare, spread

FIGURE = "peak_bytes"
TARGET = Target(0.5, "≤")
DENSE = "784-256-128-10"
BATCH = 128
ALLOCATED = "allocated_bytes"
ALLOCATED_TARGET = Target(1, "≤", percent=True)
KIB, MIB = 2**10, 2**20


def run(plan: Plan, say: Say) -> Section:
    """Race the two on both networks; compare the peaks; watch the steps."""
    section = Section()
    for network, n_train in ((DENSE, plan.train), (MAIN.network, plan.images_train)):
        title = f"memory, {network}"
        field = contestants(network, n_train, plan.test)
        result = race(title, field, plan.rounds, FIGURE, say)
        section.keep(title, result)
        judge(network, result, section)
    title = f"allocations, {MAIN.title}"
    settings = {"network": MAIN.network, "batch": MAIN.batch}
    watched = Contestant(
        "Ardoise", "allocations_ardoise", settings, usable_processors()
    )
    result = race(title, [watched], plan.rounds, ALLOCATED, say)
    section.keep(title, result)
    judge_allocations(watched.key, result, section)
    return section


def contestants(network: str, n_train: int, n_test: int) -> list[Contestant]:
    """Return Ardoise and, if it is installed, PyTorch."""
    settings = {
        "network": network,
        "batch": BATCH,
        "n_train": n_train,
        "n_test": n_test,
    }
    processors = usable_processors()
    field = [Contestant("Ardoise", "memory_ardoise", settings, processors)]
    if installed("torch"):
        forms = both_ways if network == DENSE else in_formats
        field += forms("PyTorch", "memory_pytorch", settings, processors)
    return field


def judge(network: str, result: Race, section: Section) -> None:
    """Add the row and the details of one network."""
    peer = result.best("PyTorch", FIGURE, better=min)
    section.lines.append(
        compare(
            f"peak memory of a training run on MNIST, {network}",
            f"{peer or 'PyTorch'}, doing the same",
            result.ratio(result.best("Ardoise", FIGURE), peer, FIGURE),
            TARGET,
        )
    )
    for key in result.samples:
        peak = spread(result.values(key, FIGURE), "MiB", MIB)
        tested = 100 * median(result.values(key, "accuracy"))
        remark = f"accuracy {tested:.2f} % after one epoch"
        section.details.append(Detail(f"memory, {network}", key, peak, remark))


def judge_allocations(key: str, result: Race, section: Section) -> None:
    """Add the row: the peak of new memory as a share of one batch × widest layer."""
    found = None
    remark = ""
    if key in result.samples:
        values, limits = (result.values(key, f) for f in (ALLOCATED, "limit_bytes"))
        found = ratio(values, limits)
        remark = f": {spread(values, 'KiB', KIB)} of {median(limits) / MIB:.1f} MiB"
    section.lines.append(
        compare(
            f"new memory in 20 steps of training {MAIN.title}",
            "batch × widest layer",
            found,
            ALLOCATED_TARGET,
            remark=remark,
        )
    )
