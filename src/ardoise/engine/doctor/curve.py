"""What the curve of a training says: too fast, too slow, not at all, or by heart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.doctor.findings import Finding, warning

# The last loss beside the lowest before: healthy trainings stay below 1.05. What is
# nearly 0 may double, so that 5 % of the loss of chance must be added, or half of the
# largest loss where there is no chance to compare with.
RISING = 1.5
NOISE = 0.05
NOISE_ALONE = 0.5
# Share of the later epochs that end with a higher loss than the one before.
OSCILLATING = 1 / 3
# The last loss over the first: Adam at 1e-6 has 0.87 after four epochs (mlp), SGD at
# 1e-4 0.92; the notebook's, the slowest healthy one, 0.70 to 0.79, which is why it
# takes four epochs to say so.
HARDLY_MOVED = 0.86
HARDLY_FALLS = 3
# A curve that flattens has arrived; one whose last epoch still does half as much as the
# first is on its way.
STILL_MOVING = 0.5
# Against the loss of always answering with the classes' shares: labels that were drawn
# at random have 0.995, Adam at 1.0 0.986, and slow healthy trainings pass through.
STUCK = 0.97
# Accuracy in training minus in validation: mlp has 1 % after 20 epochs, 500 digits
# learned by heart 15 %.
GAP = 0.05
# Nobody knows anything by heart after two; batch normalisation's averages lag so long.
BY_HEART_EPOCHS = 3
# What the validation accuracy loses from one epoch to the next: healthy trainings up to
# 2 % of the samples, SGD at ten times its rate 10 to 20 %.
JUMP = 0.05
# Epochs at the end that are looked at for it.
LATE = 4
# The validation losses since the lowest, over it: mlp 1.04, 54,000 digits without
# dropout 1.14 after 12 epochs; four times the epochs that it needs 1.3 and more. One
# bad epoch is an accident, and SGD at 0.5 has them.
OVER_TRAINED = 1.3
SINCE_BEST = 3


def examine_history(
    history: Mapping[str, Sequence[Any]],
    *,
    chance: float | None = None,
    initial: float | None = None,
    n_validation: int | None = None,
    best_epoch: int | None = None,
    rate: float | None = None,
) -> list[Finding]:
    """Say what is wrong with a training, from what was measured epoch by epoch.

    Parameters
    ----------
    history : mapping of str to sequence
        The columns of `History`; values can be None where nothing was measured.
    chance : float, optional
        The loss of answering without looking at the samples; see `chance_loss`. Without
        it, nothing is said of trainings that do not move.
    initial : float, optional
        The loss before the first step.
    n_validation : int, optional
        How many validation samples there are: few of them say little.
    best_epoch : int, optional
        The epoch whose weights the network has, if not the last.
    rate : float, optional
        The highest learning rate; by default, of those at the end of an epoch.

    Returns
    -------
    list of Finding
    """
    stop = best_epoch or len(history["loss"])
    columns = {name: list(values)[:stop] for name, values in history.items()}
    loss = [float(value) for value in columns["loss"]]
    if not loss or not all(map(math.isfinite, loss)):
        return []  # what diverged says so itself
    if rate is None:
        rate = max(float(value) for value in columns["learning_rate"])
    # A network that was trained before begins below what dropout lets it have.
    untrained = initial is not None and chance is not None and initial > chance / 2
    earlier = [initial, *loss[:-1]] if initial and untrained else loss[:-1]
    found = _rising(loss[-1], earlier, chance, rate)
    found = found or _oscillating(loss, chance, rate)
    found = found or _jumping(columns, rate, n_validation)
    if not found and chance is not None:
        found = _too_low(loss, chance, rate)
        # With dropout the training loss is above that of the same network without.
        checked = _known(columns, "validation_loss") or loss
        if not found and min(checked) >= STUCK * chance:
            found = _stuck(loss, chance, rate)
    return found or _by_heart(columns, loss, n_validation)


def chance_loss(labels: Array) -> float:
    """Return the cross-entropy of always answering with the classes' shares.

    Parameters
    ----------
    labels : array of int of shape (n,)

    Returns
    -------
    float
        ln K for K equal classes.
    """
    counts = np.bincount(labels)
    shares = counts[counts > 0] / len(labels)
    return -float((shares * np.log(shares)).sum())


def _rising(
    last: float, earlier: list[float], chance: float | None, rate: float
) -> list[Finding]:
    if not earlier or last <= RISING * min(earlier):
        return []
    noise = NOISE * max(*earlier, chance) if chance else NOISE_ALONE * max(earlier)
    if last - min(earlier) <= noise:
        return []
    shown = {"lowest": min(earlier), "loss": last}
    return [warning("rate_too_high_rising", **shown, rate=rate, lower=rate / 10)]


def _oscillating(loss: list[float], chance: float | None, rate: float) -> list[Finding]:
    late = loss[len(loss) // 2 :]
    noise = NOISE * max(loss[0], chance or 0.0)
    rises = sum(after - before > noise for before, after in pairwise(late))
    if rises < 2 or rises <= OSCILLATING * (len(late) - 1):
        return []
    shown = {"rises": rises, "epochs": len(late)}
    return [warning("rate_too_high_oscillating", **shown, rate=rate, lower=rate / 10)]


def _jumping(
    columns: Mapping[str, list[Any]], rate: float, n: int | None
) -> list[Finding]:
    late = _known(columns, "validation_accuracy")[-LATE:]
    falls = [(before - after, before, after) for before, after in pairwise(late)]
    if not falls:
        return []
    fall, highest, accuracy = max(falls)
    # The difference of two shares has √2 of the doubt of one.
    if fall <= JUMP + 2 * _doubt(accuracy, n):
        return []
    shown = {"highest": highest, "accuracy": accuracy}
    return [warning("rate_too_high_jumping", **shown, rate=rate, lower=rate / 10)]


def _known(columns: Mapping[str, list[Any]], name: str) -> list[float]:
    """Return a column, or nothing where it was not measured."""
    values = columns.get(name, [])
    return [] if None in values else [float(value) for value in values]


def _doubt(share: float, n: int | None) -> float:
    """Return two standard errors of a share of n samples."""
    return 2 * math.sqrt(share * (1 - share) / n) if n else 0.0


def _too_low(loss: list[float], chance: float, rate: float) -> list[Finding]:
    falls = [before - after for before, after in pairwise(loss)]
    if len(falls) < HARDLY_FALLS or min(falls) <= 0 or loss[-1] < chance / 2:
        return []
    if STUCK * chance < loss[-1] < chance / STUCK:
        return []  # it has arrived, at what needs no learning
    if loss[-1] < HARDLY_MOVED * loss[0] or falls[-1] < STILL_MOVING * falls[0]:
        return []
    shown = {"first": loss[0], "loss": loss[-1], "epochs": len(loss)}
    return [warning("rate_too_low", **shown, rate=rate, higher=10 * rate)]


def _stuck(loss: list[float], chance: float, rate: float) -> list[Finding]:
    late = loss[len(loss) // 2 :]
    if len(late) < 2 or min(loss) < STUCK * chance or max(late) > min(late) / STUCK:
        return []
    rates = {"rate": rate, "lower": rate / 10, "higher": 10 * rate}
    shown = {"loss": loss[-1], "chance": chance, "epochs": len(loss)}
    return [warning("stuck", **shown, **rates)]


def _by_heart(
    columns: Mapping[str, list[Any]], loss: list[float], n: int | None
) -> list[Finding]:
    accuracy, checked, losses = (
        _known(columns, name)
        for name in ("accuracy", "validation_accuracy", "validation_loss")
    )
    if accuracy and checked and len(loss) >= BY_HEART_EPOCHS:
        training, best_checked = accuracy[-1], max(checked[-3:])
        if training - best_checked > GAP + _doubt(best_checked, n):
            shown = {"training": training, "validation": best_checked}
            return [warning("over_fitting", **shown, epoch=len(loss))]
    if not losses:
        return []
    best = int(np.argmin(losses))
    late = losses[-SINCE_BEST:]
    risen = best < len(losses) - SINCE_BEST and losses[-1] > OVER_TRAINED * losses[best]
    if risen and min(late) > math.sqrt(OVER_TRAINED) * losses[best]:
        shown = {"lowest": losses[best], "loss": losses[-1]}
        return [warning("over_trained", **shown, epoch=best + 1)]
    return []
