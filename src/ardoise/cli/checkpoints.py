"""Checkpoints on the command line: written now and then, and gone on from."""

import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ardoise.cli.plan import TrainOptions
from ardoise.cli.terminal import Terminal
from ardoise.digits.planning import Plan
from ardoise.engine.network import Network
from ardoise.engine.snapshot import Snapshot
from ardoise.engine.training import Callback, Training
from ardoise.files import write_atomically
from ardoise.files.atomic import remove_strays
from ardoise.files.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    load_only,
    previous_of,
    save_checkpoint,
)
from ardoise.messages import OptionError

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
# What the plan in a checkpoint may hold: the options that decide what is computed.
KINDS: dict[str, tuple[type, ...]] = {
    "recipe": (str,),
    "data": (str,),
    "split": (str,),
    "epochs": (int, type(None)),
    "batch_size": (int, type(None)),
    "learning_rate": (float, int, type(None)),
    "seed": (int,),
    "threads": (int,),
    "augment": (str, type(None)),
    "members": (int, type(None)),
}


class Checkpointing(Callback):
    """Write a checkpoint every so often, when training is stopped, and at its end.

    A checkpoint that cannot be written (a full disk) is a sentence, not the end of the
    training; the one before stays.

    Parameters
    ----------
    path : Path
    seconds : float
        Between two checkpoints.
    plan : Plan
    options : TrainOptions
    terminal : Terminal
    done : list of Network
        The members whose training has ended; it grows.
    """

    def __init__(
        self,
        path: Path,
        seconds: float,
        plan: Plan,
        options: TrainOptions,
        terminal: Terminal,
        done: Sequence[Network],
    ) -> None:
        self._path, self._seconds, self._terminal = path, seconds, terminal
        self._done = done
        self._networks = plan.networks
        names = ("recipe", "data", "split", "threads")
        known = {name: plan.details[name] for name in names}
        given = {k: v for k, v in asdict(options).items() if k in KINDS}
        self._plan = {**given, **known, "digest": plan.details["digest"]}
        self._plan["ranks"] = plan.details.get("ranks", 1)
        self._has_complained = False

    def on_train_begin(self, training: Training) -> None:
        self._written, self._step = time.monotonic(), -1

    def on_batch_end(self, training: Training) -> None:
        late = time.monotonic() - self._written >= self._seconds
        if training.agreed(late) or training.history.stopped != "running":
            snapshot = training.snapshot()
            self._written, self._step = time.monotonic(), training.step
            if training.rank == 0:  # it writes for all
                self._write(snapshot)

    def on_train_end(self, training: Training) -> None:
        if training.rank or training.last is None:
            return
        ended = training.history.stopped
        # Ranks may learn between two epochs that one of them was interrupted.
        between = ended == "interrupted" and self._plan["ranks"] > 1
        if ended == "finished" or (between and training.step != self._step):
            self._write(training.last)

    def _write(self, snapshot: Snapshot) -> None:
        if not np.isfinite(snapshot.arrays["theta"]).all():
            return  # it diverges: the checkpoint before is better
        try:
            finished = tuple(np.concatenate([n.theta, n.state]) for n in self._done)
            network = self._networks[len(finished)].config()  # that which is trained
            save_checkpoint(
                self._path, Checkpoint(snapshot, network, self._plan, finished)
            )
        except OSError as error:
            if not self._has_complained:
                wrong = CheckpointError(
                    "checkpoint.unwritten", path=self._path, reason=error
                )
                self._terminal.complain(wrong.sentence(self._terminal.lang))
            self._has_complained = True


def prove_writable(path: Path) -> None:
    """Refuse a place where no checkpoint can be written; clear away what kills left.

    Raises
    ------
    CheckpointError
    """
    probe = path.with_name(f"{path.name}.probe")
    try:
        remove_strays(path)
        write_atomically(probe, b"")
        probe.unlink()
    except OSError as error:
        raise CheckpointError(
            "checkpoint.unwritable", path=path, reason=error
        ) from None


def seconds_of(text: str) -> float:
    """Return how long ``"30s"``, ``"5m"``, ``"1h"`` or ``"45"`` is, in seconds.

    Raises
    ------
    OptionError
        If it is none of these.
    """
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", text)
    if match is None:
        raise OptionError("option.every", value=text)
    return float(match[1]) * UNITS[match[2]]


def resumed_options(
    path: Path,
    given: TrainOptions,
    default: TrainOptions,
    terminal: Terminal,
    ranks: int = 1,
) -> tuple[Checkpoint, TrainOptions]:
    """Return a checkpoint, and the options of the training that wrote it.

    Other ``ranks`` than those that wrote it have as many threads as suits them.

    Raises
    ------
    OptionError
        If other options than the folder were given: what goes on is the same training.
    CheckpointError
        If it cannot be read.
    """
    if replace(given, output=None) != replace(default, output=None):
        raise OptionError("option.resume_alone")
    checkpoint = _last_good(path, terminal)
    plan: dict[str, Any] = checkpoint.plan
    if not all(
        isinstance(plan.get(name), kinds) and not isinstance(plan.get(name), bool)
        for name, kinds in KINDS.items()
    ):
        raise CheckpointError("checkpoint.damaged", path=path)
    known: dict[str, Any] = {name: plan.get(name) for name in KINDS}
    if plan.get("ranks", 1) != ranks:
        known["threads"] = None
    options = TrainOptions(**known, output=given.output)
    return checkpoint, options


def _last_good(path: Path, terminal: Terminal) -> Checkpoint:
    """Return the checkpoint or, if it cannot be read, the one before, and say so."""
    try:
        return load_only(path)
    except CheckpointError:
        checkpoint = load_checkpoint(path)
    # The next to be written would push it out, and keep the damaged one.
    os.replace(previous_of(path), path)
    step = checkpoint.snapshot.values["step"]
    terminal.complain(terminal.text("checkpoint.previous", path=path, step=step))
    return checkpoint


def check_same(path: Path, checkpoint: Checkpoint, plan: Plan) -> None:
    """Refuse to go on with other data or another network than the checkpoint's.

    Raises
    ------
    CheckpointError
    """
    if checkpoint.plan.get("digest") != plan.details["digest"]:
        raise CheckpointError("checkpoint.data", path=path, data=plan.details["data"])
    rows = checkpoint.snapshot.arrays.get("rows")
    n = len(plan.train) + (0 if plan.outliers is None else len(plan.outliers))
    same_rows = rows is None or len(rows) == n
    if not same_rows or not _same_networks(checkpoint, plan):
        raise CheckpointError("checkpoint.damaged", path=path)


def _same_networks(checkpoint: Checkpoint, plan: Plan) -> bool:
    """Tell whether the networks that ended, and the one in training, are the plan's."""
    n = len(checkpoint.finished)
    if n >= len(plan.networks):
        return False
    sizes = [network.n_params + network.state.size for network in plan.networks]
    # As it is written: tuples, such as a kernel's size, become lists.
    config = json.loads(json.dumps(plan.networks[n].config()))
    return (
        checkpoint.network == config and [*map(len, checkpoint.finished)] == sizes[:n]
    )
