"""What a training run on MNIST takes in memory: Ardoise against PyTorch.

A whole process each: load MNIST, train 784-256-128-10 for one epoch, validate on the
test digits. The figure is the peak of its resident memory.
"""

from statistics import median

from benchmarks.machine import usable_processors
from benchmarks.measure import Contestant, Race, Say, both_ways, installed, race
from benchmarks.plan import Plan
from benchmarks.report import Detail, Section, Target, compare, spread

FIGURE = "peak_bytes"
TARGET = Target(0.5, "≤")
MIB = 2**20


def run(plan: Plan, say: Say) -> Section:
    """Race the two; compare the peaks."""
    settings = {
        "layers": [784, 256, 128, 10],
        "batch": 128,
        "n_train": plan.train,
        "n_test": plan.test,
    }
    processors = usable_processors()
    field = [Contestant("Ardoise", "memory_ardoise", settings, processors)]
    if installed("torch"):
        field += both_ways("PyTorch", "memory_pytorch", settings, processors)
    return judge(race("memory", field, plan.rounds, FIGURE, say))


def judge(result: Race) -> Section:
    """Return the row and the details."""
    section = Section()
    section.keep("memory", result)
    peer = result.best("PyTorch", FIGURE, better=min)
    section.lines.append(
        compare(
            "peak memory of a training run on MNIST",
            f"{peer or 'PyTorch'}, doing the same",
            result.ratio(result.best("Ardoise", FIGURE), peer, FIGURE),
            TARGET,
        )
    )
    for key in result.samples:
        peak = spread(result.values(key, FIGURE), "MiB", MIB)
        tested = 100 * median(result.values(key, "accuracy"))
        remark = f"accuracy {tested:.2f} % after one epoch"
        section.details.append(Detail("memory", key, peak, remark))
    return section
