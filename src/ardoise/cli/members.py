"""The networks of a training: one, or several that are trained in turn and averaged."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ardoise.cli.plan import Plan, learn
from ardoise.cli.progress import ShownProgress
from ardoise.cli.results import write_history
from ardoise.cli.terminal import Terminal
from ardoise.digits import Dataset
from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.calibration import (
    COLDEST,
    HOTTEST,
    fit_temperature,
    scale_outputs,
)
from ardoise.engine.ensemble import average
from ardoise.engine.history import History
from ardoise.engine.network import Network
from ardoise.engine.novelty import Doubt, fit_doubt, is_finite
from ardoise.engine.training import Callback
from ardoise.files.checkpoint import Checkpoint
from ardoise.plots.numbers import integer

FEWEST = 50  # images that a temperature is fitted on
MEANS_OF = 5_000  # training images, of which classes have their means


class Members:
    """The networks of a plan, trained one after another.

    Parameters
    ----------
    plan : Plan
    start : Checkpoint or None
        Of the training that goes on; some members may have ended before it.

    Attributes
    ----------
    done : list of Network
        Those that ended their training, in turn.
    histories : list of History
        Of those that were trained here; the last may have been interrupted.
    """

    def __init__(self, plan: Plan, start: Checkpoint | None) -> None:
        self._plan = plan
        self._snapshot = None if start is None else start.snapshot
        self._first = 0 if start is None else len(start.finished)  # trained here
        self.done: list[Network] = []
        self.histories: list[History] = []
        finished = () if start is None else start.finished
        for network, vector in zip(plan.networks, finished, strict=False):
            network.theta[...] = vector[: network.n_params]
            network.state[...] = vector[network.n_params :]
            self.done.append(network)

    def learn(self, callbacks: Sequence[Callback], progress: ShownProgress) -> None:
        """Train the members that are left, until the last one or Ctrl-C."""
        networks = self._plan.networks
        while len(self.done) < len(networks) and not self.interrupted:
            member = len(self.done)
            if len(networks) > 1:
                progress.member = (member + 1, len(networks))
            history = learn(self._plan, callbacks, self._snapshot, member)
            self.histories.append(history)
            self._snapshot = None
            if not self.interrupted:
                self.done.append(networks[member])

    def network(self) -> Network:
        """Return the mean of what ended; the first network, as it is, before that."""
        several = self.several
        if several:
            return average(several)
        return self._plan.networks[0]

    @property
    def several(self) -> list[Network]:
        """Return the networks of which the model is the mean; none, if it is one."""
        return self.done if len(self.done) > 1 else []

    @property
    def interrupted(self) -> bool:
        """Tell whether Ctrl-C ended the training."""
        return bool(self.histories) and self.histories[-1].stopped == "interrupted"

    @property
    def has_learned(self) -> bool:
        """Tell whether an epoch has ended."""
        return bool(self.histories) and len(self.histories[0]) > 0

    @property
    def seconds(self) -> float:
        """Return the time that the training took."""
        return sum(float(h["seconds"][-1]) for h in self.histories if len(h))

    @property
    def epochs(self) -> int:
        """Return how many epochs ended, of all members."""
        return sum(map(len, self.histories))

    def write_histories(self, file: Path) -> None:
        """Write ``history.csv``, and ``history-2.csv`` … for further members.

        The first of these that was trained here is ``history.csv``.
        """
        for i, history in enumerate(self.histories):
            number = self._first + i + 1
            place = file.with_stem(f"{file.stem}-{number}") if i else file
            write_history(place, history)

    def note(self, terminal: Terminal) -> str | None:
        """Return the sentence on a training that did not run its course."""
        if not self.interrupted:
            return None
        if not self.done:
            epoch = len(self.histories[-1])
            return terminal.text("train.interrupted", epoch=epoch)
        n, member = len(self.done), integer(len(self.done) + 1, terminal.lang)
        if n == 1:
            return terminal.text("train.interrupted_second", member=member)
        known = {"member": member, "n": integer(n, terminal.lang)}
        return terminal.text("train.interrupted_member", **known)


def temper(network: Network, plan: Plan, z: Array) -> Array:
    """Make a temperature, fitted on the validation images, part of a network.

    Not where all of these are read correctly: no temperature would be cold enough. Nor
    where they are few, or so odd that none fits.

    Parameters
    ----------
    network : Network
    plan : Plan
    z : array of shape (n, K)
        Its outputs for the validation images.

    Returns
    -------
    array of shape (n, K)
        Its outputs now.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", 2017, section 4.2.
    """
    images = plan.validation
    if images is None or len(images) < FEWEST or not plan.recipe.calibrate:
        return z
    if not np.isfinite(z).all() or (z.argmax(axis=1) == images.labels).all():
        return z
    loss = losses.get("softmax_cross_entropy")
    temperature = fit_temperature(loss, z, images.labels, None)
    if not 1.01 * COLDEST < temperature < 0.99 * HOTTEST:
        return z
    scale_outputs(network, 1 / temperature)
    plan.details["temperature"] = temperature
    scaled: Array = z / z.dtype.type(temperature)
    return scaled


class KnownDoubt(NamedTuple):
    """What a model refuses, and how that turns out on its validation images.

    Attributes
    ----------
    doubt : Doubt
    strangeness : array of shape (n,)
        Of the validation images.
    """

    doubt: Doubt
    strangeness: Array

    def coverage(self, right: NDArray[np.bool_]) -> list[tuple[float, float, float]]:
        """Return (share that may be refused, share refused, accuracy on the rest).

        Parameters
        ----------
        right : ndarray of bool
            Which of the validation images are read correctly.
        """
        rows = [(0.0, 0.0, float(right.mean()))]
        for share in self.doubt.shares.tolist():
            kept = self.strangeness <= self.doubt.limit(share)
            if kept.any():
                refused = 1 - float(kept.mean())
                rows.append((share, refused, float(right[kept].mean())))
        return rows


def doubt_of(
    network: Network, learned: Dataset, known: Dataset, z: Array
) -> KnownDoubt | None:
    """Return what a trained network refuses to answer, or None if that is not known.

    For that it takes enough validation images, training images of all classes among
    those that are looked at, and features before a dense layer, finite and not many.

    Parameters
    ----------
    network : Network
    learned : Dataset
        What it learned from.
    known : Dataset
        Its validation images.
    z : array of shape (n, K)
        Its outputs for these.
    """
    some = np.linspace(0, len(learned) - 1, min(MEANS_OF, len(learned)))
    seen = learned.subset(some.astype(np.int64))
    try:
        with np.errstate(all="ignore"):
            found = fit_doubt(network, seen.images, seen.labels, known.images, z)
    except (ValueError, np.linalg.LinAlgError):
        return None
    return KnownDoubt(*found) if is_finite(found[0]) else None
