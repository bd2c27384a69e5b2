"""Checkpoints: a training between two steps, in a file, to go on from to the bit.

The format is safetensors, with a digest. Each new checkpoint is written whole before it
takes the place of the last one, which is kept as ``<name>.previous``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.network import Network
from ardoise.engine.snapshot import Snapshot, check
from ardoise.files.atomic import read_whole, write_atomically
from ardoise.files.model import DAMAGE
from ardoise.files.safetensors import read_tensors, strict_json, write_tensors
from ardoise.messages import UserError

FORMAT = 1
KEY = "ardoise_checkpoint"
FINISHED = "finished."  # begins the names of such arrays; the number follows


class CheckpointError(UserError):
    """A checkpoint that cannot be read, in one sentence."""


@dataclass(frozen=True)
class Checkpoint:
    """A training that was stopped, and what is needed to set it up again.

    Attributes
    ----------
    snapshot : Snapshot
    network : dict
        The architecture, as `Network.config` gives it.
    plan : dict
        JSON values: whatever its writer needs to build the same training.
    finished : tuple of arrays of shape (n_params + n_state,)
        Networks whose training ended before this one began, if several are trained in
        turn, perhaps of other architectures: theta, then state.
    """

    snapshot: Snapshot
    network: dict[str, Any]
    plan: dict[str, Any]
    finished: tuple[Array, ...] = ()


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the last one becomes ``<name>.previous``.

    Raises
    ------
    OSError
        If it cannot be written; what was there is then untouched.
    ValueError
        If the plan holds what JSON cannot say, or the description is longer than 1 MiB.
    """
    about = {
        "format": FORMAT,
        "network": checkpoint.network,
        "plan": checkpoint.plan,
        "values": checkpoint.snapshot.values,
    }
    text = json.dumps(about, allow_nan=False)
    others = {f"{FINISHED}{i}": array for i, array in enumerate(checkpoint.finished)}
    arrays = {**checkpoint.snapshot.arrays, **others}
    content = write_tensors(arrays, {KEY: text}, seal=True)
    write_atomically(path, content, previous=previous_of(path))


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint, or the one before it if this one is damaged or missing.

    Raises
    ------
    CheckpointError
        If neither can be read; one sentence says why the first cannot.
    """
    try:
        return load_only(path)
    except CheckpointError as error:
        try:
            return load_only(previous_of(path))
        except CheckpointError:
            raise error from None


def previous_of(path: str | Path) -> Path:
    """Return where the checkpoint before the last one is kept."""
    path = Path(path)
    return path.with_name(f"{path.name}.previous")


def load_only(path: str | Path) -> Checkpoint:
    """Read this checkpoint, whatever there is before it.

    Raises
    ------
    CheckpointError
        If it cannot be read, in one sentence.
    """
    try:
        content = read_whole(path)
    except OSError as error:
        raise CheckpointError(
            "checkpoint.unreadable", path=path, reason=error
        ) from None
    except ValueError as error:
        raise CheckpointError("checkpoint.damaged", path=path) from error
    try:
        return _read(content)
    except DAMAGE as error:
        raise CheckpointError("checkpoint.damaged", path=path) from error


def _read(content: bytearray) -> Checkpoint:
    arrays, metadata = read_tensors(content, sealed=True)
    about = strict_json(metadata[KEY])
    if about["format"] != FORMAT:
        raise ValueError("it is of another version")
    plan = about["plan"]
    n_finished = sum(name.startswith(FINISHED) for name in arrays)
    finished = tuple(arrays.pop(f"{FINISHED}{i}") for i in range(n_finished))
    snapshot = Snapshot(about["values"], arrays)
    check(snapshot)
    if not isinstance(plan, dict):
        raise ValueError("the plan is not a map")
    numbers = np.concatenate([arrays["theta"], arrays["state"]])
    # The architecture's own sizes; nothing is allocated on the file's word.
    network = Network.from_values(about["network"], numbers)
    for name, array in arrays.items():
        vector = name == "theta" or name.startswith(("average", "optimizer."))
        if vector and (array.shape, array.dtype) != (
            (network.n_params,),
            network.dtype,
        ):
            raise ValueError(f"{name} is not a vector of the network")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} holds NaN or infinity")
    for array in finished:
        if array.ndim != 1 or array.dtype != numbers.dtype:
            raise ValueError("a finished network is no vector of such numbers")
        if not np.isfinite(array).all():
            raise ValueError("a finished network holds NaN or infinity")
    return Checkpoint(snapshot, about["network"], plan, finished)
