"""What an estimator has learned, as it stands in its pickle: a sealed safetensors file.

The weights, and the vectors of a training that may go on, are written as in our model
files, with a digest: a bit that was lost on a disk or between two computers is an
error, not another answer. Parameters, layers and records are pickled as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ardoise.engine.network import Network
from ardoise.engine.snapshot import NONSENSE

LEARNED = "_learned"  # the file's content
NETWORK = "_network"  # what `Network` says of itself, without its vectors
SNAPSHOT = "snapshot."  # begins the names of its arrays


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an estimator's attributes with what it has learned as one file.

    The gradient stays behind: a training assigns it before it reads it.
    """
    from ardoise.files.safetensors import write_tensors

    state = dict(values)
    network = state.pop("network_", None)
    if not isinstance(network, Network):
        return dict(values)
    described = network.__getstate__()
    theta, _, running = described.pop("vectors")
    arrays = {"theta": theta, "state": running}
    snapshot = state.get("_snapshot")
    if snapshot is not None:
        arrays |= {f"{SNAPSHOT}{key}": a for key, a in snapshot.arrays.items()}
        state["_snapshot"] = snapshot._replace(arrays={})
    return {**state, NETWORK: described, LEARNED: write_tensors(arrays, seal=True)}


def unsealed(state: Any, name: str) -> dict[str, Any]:
    """Return the attributes that `sealed` was given, for an estimator of this name.

    Raises
    ------
    ValueError
        If it has not given this, or something of it is damaged.
    """
    from ardoise.files.safetensors import read_tensors

    try:
        values = dict(state)
        if LEARNED not in values:
            return values
        arrays, _ = read_tensors(values.pop(LEARNED), sealed=True)
        theta, running = arrays.pop("theta"), arrays.pop("state")
        vectors = (theta, np.zeros_like(theta), running)
        network = object.__new__(Network)
        network.__setstate__({**values.pop(NETWORK), "vectors": vectors})
        values["network_"] = network
        if arrays:
            own = {k.removeprefix(SNAPSHOT): a.copy() for k, a in arrays.items()}
            values["_snapshot"] = values["_snapshot"]._replace(arrays=own)
        return values
    except NONSENSE as error:
        raise ValueError(
            f"this pickle of {name} is damaged, or is none of ardoise ({error}); "
            "have it written or sent again"
        ) from error
