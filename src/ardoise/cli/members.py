"""The networks of a training: one, or several that are trained in turn and averaged."""

from collections.abc import Sequence
from pathlib import Path

from ardoise.cli.progress import ShownProgress
from ardoise.cli.results import write_history
from ardoise.cli.terminal import Terminal
from ardoise.digits import finishing
from ardoise.digits.planning import Plan, learn
from ardoise.engine.arrays import Array
from ardoise.engine.ensemble import average
from ardoise.engine.history import History
from ardoise.engine.network import Network
from ardoise.engine.ranks import Ranks
from ardoise.engine.training import Callback
from ardoise.files.checkpoint import Checkpoint
from ardoise.plots.numbers import integer


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

    def learn(
        self,
        callbacks: Sequence[Callback],
        progress: ShownProgress,
        ranks: Ranks | None = None,
    ) -> None:
        """Train the members that are left, until the last one or Ctrl-C."""
        networks = self._plan.networks
        while len(self.done) < len(networks) and not self.interrupted:
            member = len(self.done)
            if len(networks) > 1:
                progress.member = (member + 1, len(networks))
            history = learn(
                self._plan, callbacks, self._snapshot, member, communicator=ranks
            )
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

    Parameters
    ----------
    network : Network
    plan : Plan
        Its details remember the temperature.
    z : array of shape (n, K)
        The network's outputs for the validation images.

    Returns
    -------
    array of shape (n, K)
        Its outputs now.
    """
    if plan.validation is None or not plan.recipe.calibrate:
        return z
    z, temperature = finishing.temper(network, z, plan.validation.labels)
    if temperature is not None:
        plan.details["temperature"] = temperature
    return z
