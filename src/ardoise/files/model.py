"""The model file: a trained network and what is needed to use it, in one file.

The format is safetensors; the architecture stands in the metadata as JSON, and a digest
of the whole file. Nothing in it is ever executed, and layers come from a closed table.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.ensemble import members
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.engine.novelty import TAILS, Doubt, Novelty, is_finite
from ardoise.engine.params import below
from ardoise.engine.snapshot import NONSENSE
from ardoise.files.atomic import read_whole, write_atomically
from ardoise.files.safetensors import (
    MAX_HEADER,
    read_tensors,
    strict_json,
    write_tensors,
)
from ardoise.messages import UserError

__all__ = [
    "MAX_HEADER",
    "Model",
    "ModelFileError",
    "load_model",
    "read_model",
    "save_model",
    "write_model",
]

FORMAT = 2
KEY = "ardoise"  # of the JSON in the metadata
DOUBT = "doubt"  # what the names of its arrays begin with


class ModelFileError(UserError):
    """A model file that cannot be read, in one sentence."""


@dataclass(frozen=True)
class Model:
    """A trained network with what it takes to use it.

    Attributes
    ----------
    network : Network
    classes : tuple of str
        Name of each class, in the order of the outputs.
    loss : Loss
        What it was trained with.
    details : dict
        JSON values to remember: recipe, data, seed, accuracy…
    doubt : Doubt or None
        What it refuses to answer.
    """

    network: Network
    classes: tuple[str, ...]
    loss: Loss
    details: dict[str, Any] = field(default_factory=dict)
    doubt: Doubt | None = None


def save_model(path: str | Path, model: Model) -> None:
    """Write a model file (safetensors); an older one is replaced whole or not at all.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If ``details`` holds what JSON cannot say, or more than fits in a header that
        `load_model` accepts (1 MiB).
    """
    write_atomically(path, write_model(model))


def write_model(model: Model) -> bytes:
    """Return what `save_model` writes, to send it elsewhere.

    Raises
    ------
    ValueError
        As `save_model`.
    """
    network = model.network
    about = {
        "format": FORMAT,
        "network": network.config(),
        "loss": model.loss.config(),
        "classes": list(model.classes),
        "details": model.details,
    }
    text = json.dumps(about, allow_nan=False)
    tensors = {**network.arrays(), **_doubt_arrays(model.doubt)}
    return write_tensors(tensors, {KEY: text}, seal=True)


def load_model(path: str | Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelFileError
        If the file is missing, is not a model file, is damaged, or holds a network
        that does not fit its arrays; one sentence says which.
    """
    try:
        content = read_whole(path)
    except OSError as error:
        raise ModelFileError("model.unreadable", path=path, reason=error) from None
    except ValueError as error:
        raise ModelFileError("model.damaged", path=path) from error
    return read_model(content, path)


def read_model(content: bytes | bytearray, path: str | Path) -> Model:
    """Return the model that `write_model` wrote; an error names it by ``path``.

    Raises
    ------
    ModelFileError
        As `load_model`.
    """
    try:
        return _read(content, path)
    except ModelFileError:
        raise
    except DAMAGE as error:
        raise ModelFileError("model.damaged", path=path) from error


# What a file that is not what it should be can make Python raise, past its digest: a
# description may be whole and mean nothing.
DAMAGE = (*NONSENSE, RecursionError)


def _read(content: bytes | bytearray, path: str | Path) -> Model:
    tensors, metadata = read_tensors(content, sealed=True)
    about = strict_json(metadata[KEY])
    if about["format"] != FORMAT:
        found = str(about["format"])[:20]
        raise ModelFileError("model.format", path=path, format=found)
    doubt = _doubt_of(below(DOUBT, tensors))
    tensors = {k: v for k, v in tensors.items() if not k.startswith(f"{DOUBT}.")}
    network = network_of(about["network"], tensors)
    if not (np.isfinite(network.theta).all() and np.isfinite(network.state).all()):
        raise ModelFileError("model.not_finite", path=path)
    classes = tuple(str(name) for name in about["classes"])
    if network.output_shape != (len(classes),):
        raise ValueError(
            f"{len(classes)} class names for outputs of shape {network.output_shape}"
        )
    if doubt is not None and len(doubt.novelty) != len(members(network)):
        raise ValueError("doubt is that of another number of members")
    loss = losses.get(about["loss"])
    return Model(network, classes, loss, dict(about["details"]), doubt)


def _doubt_arrays(doubt: Doubt | None) -> dict[str, Array]:
    """Return the arrays of what a model refuses, by name."""
    if doubt is None:
        return {}
    arrays = {
        f"{DOUBT}.levels": doubt.levels,
        f"{DOUBT}.limits": np.stack([doubt.shares, doubt.limits]),
    }
    for i, places in enumerate(doubt.novelty):
        for j, novelty in enumerate(places):
            arrays[f"{DOUBT}.{i}.{j}.means"] = novelty.means
            arrays[f"{DOUBT}.{i}.{j}.whitening"] = novelty.whitening
    return arrays


def _doubt_of(arrays: Mapping[str, Array]) -> Doubt | None:
    """Return what `_doubt_arrays` gave, checked.

    Raises
    ------
    ValueError and others
        If names, shapes or values are not such as it gives.
    """
    if not arrays:
        return None
    levels, limits = arrays["levels"], arrays["limits"]
    n_places, found = len(levels) - 1, list[tuple[Novelty, ...]]()
    while f"{len(found)}.0.means" in arrays:
        mine = [below(f"{len(found)}.{j}", arrays) for j in range(n_places)]
        places = tuple(Novelty(place["means"], place["whitening"]) for place in mine)
        found.append(places)
    if len(arrays) != 2 + 2 * n_places * len(found) or not found:
        raise ValueError("the arrays of doubt are not those expected")
    if levels.shape != (n_places + 1, len(TAILS)) or limits.shape[0] != 2:
        raise ValueError("the levels of doubt have another shape")
    for one in (novelty for places in found for novelty in places):
        if one.means.ndim != 2 or one.whitening.ndim != 2:
            raise ValueError("the arrays of doubt have another shape")
        if one.means.shape[1] != one.whitening.shape[1]:
            raise ValueError("the arrays of doubt do not fit each other")
    doubt = Doubt(tuple(found), levels, *limits)
    if not is_finite(doubt):
        raise ValueError("NaN or infinity among the arrays of doubt")
    return doubt


def network_of(config: Mapping[str, Any], tensors: Mapping[str, Array]) -> Network:
    """Return the network that a description and its arrays make.

    Raises
    ------
    ValueError and others
        If names, order, shapes or dtypes are not those of the architecture.
    """
    if config["dtype"] not in ("float32", "float64"):
        raise ValueError("the numbers are of an unknown type")
    parts = [array.reshape(-1) for array in tensors.values()]
    numbers = np.concatenate(parts or [np.zeros(0, config["dtype"])])
    network = Network.from_values(config, numbers)
    expected = network.arrays()
    found = [(name, a.shape, a.dtype) for name, a in tensors.items()]
    if found != [(name, a.shape, a.dtype) for name, a in expected.items()]:
        raise ValueError("the arrays are not those of the architecture")
    return network
