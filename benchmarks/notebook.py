"""The notebook's training: Ardoise against the plain NumPy code it grew from.

784-16-10 on 42,000 digits, full batch, plain gradient descent. Both start from the
same weights and make the same updates, so their accuracies must agree.
"""

from statistics import median

from benchmarks.machine import usable_processors
from benchmarks.measure import Contestant, Race, Say, both_ways, race
from benchmarks.plan import Plan
from benchmarks.report import Detail, Section, Target, compare, spread

FIGURE = "seconds_per_epoch"
PLAIN = "plain NumPy"
TARGET = Target(3, goal=5)
# float32 and float64 may part on a digit here and there: 14 of 28,000 at the most.
SAME_ACCURACY = 0.0005


def run(plan: Plan, say: Say) -> Section:
    """Race the two; compare times per epoch and accuracies."""
    settings = {"n": plan.notebook_digits, "epochs": plan.notebook_epochs}
    processors = usable_processors()
    ours = Contestant("Ardoise", "notebook_ardoise", settings, processors)
    field = [ours, *both_ways(PLAIN, "notebook_plain", settings, processors)]
    return judge(race("notebook", field, plan.rounds, FIGURE, say), plan)


def judge(result: Race, plan: Plan) -> Section:
    """Return the row and the details."""
    section = Section()
    section.keep("notebook", result)
    ours = result.best("Ardoise", FIGURE, better=min)
    plain = result.best(PLAIN, FIGURE, better=min)
    remark, same = "", False
    if ours and plain:
        pairs = zip(
            result.values(ours, "accuracy"),
            result.values(plain, "accuracy"),
            strict=True,
        )
        gap = max(abs(a - b) for a, b in pairs)
        same = gap <= SAME_ACCURACY
        remark = f"; test accuracies at most {100 * gap:.2f} points apart"
    section.lines.append(
        compare(
            f"the notebook's training, {plan.notebook_epochs} epochs, full batch",
            f"its own code in float64: {plain or PLAIN}",
            result.ratio(plain, ours, FIGURE),
            TARGET,
            same=same,
            remark=remark,
        )
    )
    for key in result.samples:
        tested = 100 * median(result.values(key, "accuracy"))
        trained = 100 * median(result.values(key, "train_accuracy"))
        figure = spread(result.values(key, FIGURE), "ms an epoch", 1e-3)
        remark = f"accuracy {tested:.2f} %, in training {trained:.2f} %"
        section.details.append(Detail("notebook", key, figure, remark))
    return section
