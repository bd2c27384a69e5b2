"""Answering: many images at once, and one image as fast as it can be had.

Everybody has the same weights and gives class probabilities; that the answers agree is
checked, and a target is not met otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isclose
from statistics import median

from benchmarks.contestants.calls import FINGERPRINT
from benchmarks.convolutions import MAIN, in_formats
from benchmarks.machine import usable_processors
from benchmarks.measure import Contestant, Race, Say, both_ways, installed, race
from benchmarks.plan import Plan
from benchmarks.report import Detail, Section, Target, compare, spread

DENSE = "784-256-128-10"
SAME_ANSWERS = 1e-4  # relative


@dataclass(frozen=True)
class Problem:
    """A network, how many images at a time, and what is wanted against each peer."""

    network: str
    batch: int
    targets: dict[str, Target]

    @property
    def is_single(self) -> bool:
        """Whether there is one image at a time: then its time counts."""
        return self.batch == 1

    @property
    def figure(self) -> str:
        """The figure that is compared."""
        return "microseconds" if self.is_single else "images_per_second"

    @property
    def better(self) -> Callable[..., float]:
        """Which of two figures is the better one."""
        return min if self.is_single else max

    @property
    def title(self) -> str:
        """Its name in the table."""
        many = "one image" if self.is_single else f"batch {self.batch}"
        return f"inference {self.network}, {many}"


PROBLEMS = (
    Problem(
        MAIN.network, 512, {"PyTorch": Target(3), "onnxruntime": Target(0.7, goal=1)}
    ),
    Problem(MAIN.network, 1, {"PyTorch": Target(2), "onnxruntime": Target(0.7)}),
    Problem(
        DENSE,
        1,
        {"PyTorch": Target(3), "onnxruntime": Target(1), "scikit-learn": Target(10)},
    ),
)


def run(plan: Plan, say: Say) -> Section:
    """Race everybody on every problem."""
    section = Section()
    processors = usable_processors()
    for problem in PROBLEMS:
        field = contestants(problem, plan, processors)
        result = race(problem.title, field, plan.rounds, problem.figure, say)
        section.keep(problem.title, result)
        judge(problem, result, section)
    return section


def contestants(problem: Problem, plan: Plan, processors: int) -> list[Contestant]:
    """Return Ardoise and the peers that are installed."""
    settings = {
        "network": problem.network,
        "batch": problem.batch,
        "n_test": max(plan.images_test, problem.batch),
        "seconds": plan.seconds,
    }
    told = {"threads": 1} if problem.is_single else {}
    variant = "threads=1" if problem.is_single else ""
    field = [
        Contestant(
            "Ardoise", "infer_ardoise", settings | told, processors, variant, False
        )
    ]
    if installed("torch"):
        module = "infer_pytorch"
        if problem.network == DENSE:  # without images there is one memory format
            field += both_ways("PyTorch", module, settings, processors, seeded=False)
        else:
            field += in_formats("PyTorch", module, settings, processors, seeded=False)
    others = {"onnxruntime": ("onnxruntime", "onnx"), "scikit-learn": ("sklearn",)}
    for name, packages in others.items():
        if name in problem.targets and all(map(installed, packages)):
            module = f"infer_{packages[0]}"
            field += both_ways(name, module, settings, processors, seeded=False)
    return field


def judge(problem: Problem, result: Race, section: Section) -> None:
    """Add the rows and the details of one race to the section."""
    figure = problem.figure
    ours = result.best("Ardoise", figure)
    for name, target in problem.targets.items():
        best = result.best(name, figure, problem.better)
        pair = (best, ours) if problem.is_single else (ours, best)
        same = agree(result, ours, best)
        section.lines.append(
            compare(
                problem.title,
                best or name,
                result.ratio(*pair, figure),
                target,
                same=same,
                remark="" if same else "; the answers differ",
            )
        )
    unit = "µs" if problem.is_single else "images/s"
    for key in result.samples:
        speed = spread(result.values(key, figure), unit)
        found = median(result.values(key, FINGERPRINT))
        remark = f"fingerprint of the answers {found:.6f}"
        section.details.append(Detail(problem.title, key, speed, remark))


def agree(result: Race, *keys: str | None) -> bool:
    """Tell whether these contestants gave the same probabilities, to rounding."""
    found = [value for key in keys if key for value in result.values(key, FINGERPRINT)]
    return all(isclose(value, found[0], rel_tol=SAME_ANSWERS) for value in found)
