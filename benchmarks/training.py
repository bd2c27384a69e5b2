"""Training with small batches: Ardoise against three libraries, and the floor.

Two dense networks on MNIST with Adam. The floor is the bare matrix products of the
same steps, measured in the same rounds: the share of it that a library reaches says
how little time everything else takes.
"""

from dataclasses import dataclass
from statistics import median
from typing import Any

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
FLOOR = "matrix products"


@dataclass(frozen=True)
class Problem:
    """A network, its batch, and what is wanted against each contestant."""

    network: str
    batch: int
    targets: dict[str, Target]

    @property
    def title(self) -> str:
        """Its name in the table, such as "784-16-10, batch 32"."""
        return f"{self.network}, batch {self.batch}"


@dataclass(frozen=True)
class Peer:
    """A library to be measured against, and the form in which it runs."""

    package: str
    module: str
    form: str
    settings: dict[str, Any]


# "JAX, whole epochs" has no target: it gives up what every training loop has, a look
# at each batch, and is here so that nobody thinks it was left out.
PEERS = {
    "scikit-learn": Peer("sklearn", "train_sklearn", "float32", {}),
    "PyTorch": Peer("torch", "train_pytorch", "fused Adam", {}),
    "JAX": Peer("jax", "train_jax", "jit", {}),
    "JAX, whole epochs": Peer("jax", "train_jax", "jit, scan", {"whole_epochs": True}),
}
PROBLEMS = (
    Problem(
        "784-256-128-10",
        128,
        {
            "scikit-learn": Target(2),
            "PyTorch": Target(1.2),
            "JAX": Target(1),
            FLOOR: Target(0.65, percent=True),
        },
    ),
    Problem(
        "784-16-10",
        32,
        {"scikit-learn": Target(3), "PyTorch": Target(4), "JAX": Target(1.2)},
    ),
)


def run(plan: Plan, say: Say) -> Section:
    """Race everybody on both networks."""
    section = Section()
    for problem in PROBLEMS:
        field = contestants(problem, plan, usable_processors())
        result = race(problem.title, field, plan.rounds, FIGURE, say)
        section.keep(problem.title, result)
        judge(problem, result, section)
    return section


def contestants(problem: Problem, plan: Plan, processors: int) -> list[Contestant]:
    """Return Ardoise, the peers that are installed, and the floor."""
    task = {"network": problem.network, "batch": problem.batch}
    settings = {
        **task,
        "epochs": plan.epochs,
        "n_train": plan.train,
        "n_test": plan.test,
    }
    field = [Contestant("Ardoise", "train_ardoise", settings, processors)]
    for name, peer in PEERS.items():
        if installed(peer.package):
            field += both_ways(name, peer.module, settings | peer.settings, processors)
    products = task | {"steps": plan.epochs * plan.train // problem.batch}
    # The products on one BLAS thread, on all, and shared out over Python threads.
    ways = {(1, 1), (processors, 1), (1, min(processors, problem.batch))}
    for blas, python in sorted(ways):
        variant = f"BLAS {counted(blas, 'thread')}"
        if python > 1:
            variant = counted(python, "Python thread")
        more = products | {"python_threads": python}
        field.append(Contestant(FLOOR, "floor", more, blas, variant, seeded=False))
    return field


def judge(problem: Problem, result: Race, section: Section) -> None:
    """Add the rows and the details of one race to the section."""
    ours = result.best("Ardoise", FIGURE)
    for name in (*PEERS, FLOOR):
        best = result.best(name, FIGURE)
        form = f" ({PEERS[name].form})" if name in PEERS else ""
        section.lines.append(
            compare(
                f"training {problem.title}, Adam",
                f"{best or name}{form}",
                result.ratio(ours, best, FIGURE),
                problem.targets.get(name),
                percent=name == FLOOR,
            )
        )
    for key in result.samples:
        speed = spread(result.values(key, FIGURE), "images/s")
        if key.startswith(FLOOR):
            remark = f"{median(result.values(key, 'gflops')):.0f} GFLOP/s"
        else:
            remark = f"accuracy {100 * median(result.values(key, 'accuracy')):.2f} %"
        section.details.append(Detail(problem.title, key, speed, remark))
