"""The doctor beside a training: asks the data before, the network and curve on the way.

It changes no bit of the training: it looks at a copy, on a few hundred samples, at the
start and at the end of at most ten epochs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.doctor.curve import chance_loss, examine_history
from ardoise.engine.doctor.data import examine_data
from ardoise.engine.doctor.findings import Finding, warning
from ardoise.engine.doctor.inside import SAMPLES, judge, spread
from ardoise.engine.doctor.probe import Probe
from ardoise.engine.layers import BatchNorm, Flatten, LayerNorm
from ardoise.engine.network import Network
from ardoise.engine.sparse import SparseRows
from ardoise.engine.training import Callback, Training

MOST_LOOKS = 10
# What is found → what was found before and explains it, so that it need not be said.
DEAD = ("dead_units", "rate_too_high_dead", "equal_units")
EXPLAINED = {
    "rate_too_high_dead": ("dead_units", "equal_units"),
    "dead_units": ("equal_units",),
    "exploding_gradients": ("not_scaled",),
    "vanishing_gradients": ("saturated_units", *DEAD),
    "large_weights": ("not_scaled", "exploding_gradients", "saturated_units", *DEAD),
    "stuck": ("not_scaled", "sorted", "vanishing_gradients", *DEAD),
    "rate_too_low": ("squeezed", *DEAD),
    "over_fitting": ("sorted", "other_scale_validation", "large_weights"),
    "over_trained": ("sorted", "other_scale_validation", "large_weights"),
}
# In data like this the units do not die of the learning rate.
UNFIT = ("not_scaled", "inverted")


class Doctor(Callback):
    """Watch a training for the mistakes that beginners make.

    Parameters
    ----------
    tell : callable, optional
        Called with each `Finding` as soon as it is made: before the first epoch, after
        an epoch, or at the end.
    test : array of shape (m, ...), optional
        Samples kept for the test: none of them should be in the training data.
    classes : sequence of str, optional
        The classes' names.

    Attributes
    ----------
    findings : list of Finding
        All so far, each mistake once.

    Examples
    --------
    >>> import numpy as np
    >>> import ardoise
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.uniform(0, 255, (200, 4)), np.repeat([0, 1], 100)
    >>> network = ardoise.Network([ardoise.Dense(2)], 4, seed=0)
    >>> doctor = ardoise.Doctor()
    >>> history = ardoise.fit(network, x, y, epochs=1, callbacks=[doctor], seed=0)
    >>> doctor.findings[0].code
    'not_scaled'
    """

    diagnoses = True

    def __init__(
        self,
        tell: Callable[[Finding], None] | None = None,
        *,
        test: Array | None = None,
        classes: tuple[str, ...] | None = None,
    ) -> None:
        self._tell, self._test, self._classes = tell, test, classes
        self.findings: list[Finding] = []

    def on_train_begin(self, training: Training) -> None:
        x, t, _ = training.data
        if training.n_outliers:
            x, t = x[: -training.n_outliers], t[: -training.n_outliers]
        self.findings = []
        self._chance = chance_loss(t) if training.loss.is_classifier else None
        rows = spread(len(t), SAMPLES)
        self._probe, self._targets = Probe(training.network, x[rows]), t[rows]
        self._initial = self._probe.loss(training.loss, self._targets)
        if not isinstance(x, SparseRows):
            self._report(self._of_data(training, x, t))
        self._report(judge(self._probe, training.loss, self._targets))

    def on_epoch_end(self, training: Training) -> None:
        every = -(-training.epochs // MOST_LOOKS)
        if training.epoch % every == 0 or training.epoch == 1:
            self._probe.refresh()
            found = judge(self._probe, training.loss, self._targets)
            self._report(blame_rate(found, training.highest_rate, self.findings))

    def on_train_end(self, training: Training) -> None:
        history, validation = training.history, training.validation
        if history.stopped == "interrupted":
            return  # whoever did so did not wait for the end of the curve
        found = examine_history(
            history.columns,
            chance=self._chance,
            initial=self._initial,
            n_validation=None if validation is None else len(validation[0]),
            best_epoch=history.best_epoch,
            rate=training.highest_rate,
        )
        self._report(found)

    def state(self) -> dict[str, Any]:
        return {"initial": self._initial}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._initial = float(state["initial"])

    def _of_data(self, training: Training, x: Array, t: Array) -> list[Finding]:
        classes = training.loss.is_classifier
        whole = training.batch_size >= training.n_samples
        return examine_data(
            x,
            t if classes else np.zeros((len(t), 1)),
            n_classes=training.network.output_shape[0] if classes else None,
            classes=self._classes,
            batch_size=None if whole else training.batch_size,
            shuffle=training.shuffles,
            normalised=normalises(training.network),
            validation=training.validation and training.validation[0],
            test=self._test,
        )

    def _report(self, findings: list[Finding]) -> None:
        for finding in news(self.findings, findings):
            self.findings.append(finding)
            if self._tell is not None:
                self._tell(finding)


def news(before: Sequence[Finding], findings: Sequence[Finding]) -> list[Finding]:
    """Return those findings that were not made before, and that none explains."""
    known = {finding.code for finding in before}
    new = []
    for finding in findings:
        if not known.intersection((finding.code, *EXPLAINED.get(finding.code, ()))):
            new.append(finding)
            known.add(finding.code)
    return new


def blame_rate(
    findings: Sequence[Finding], rate: float, known: Sequence[Finding]
) -> list[Finding]:
    """Say of units that are dead after steps at this rate that they died of it."""
    rates = {"rate": rate, "lower": rate / 10}
    unfit = any(finding.code in UNFIT for finding in known)
    return [
        warning("rate_too_high_dead", **finding.values, **rates)
        if finding.code == "dead_units" and not unfit
        else finding
        for finding in findings
    ]


def normalises(network: Network) -> bool:
    """Return whether a network begins by normalising what it reads."""
    layers = [k for k in network.layers if not isinstance(k, Flatten)]
    return isinstance(layers[0], BatchNorm | LayerNorm) if layers else False
