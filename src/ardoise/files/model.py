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
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.engine.snapshot import NONSENSE
from ardoise.files.atomic import read_whole, write_atomically
from ardoise.files.safetensors import (
    MAX_HEADER,
    read_tensors,
    strict_json,
    write_tensors,
)
from ardoise.messages import UserError

__all__ = ["MAX_HEADER", "Model", "ModelFileError", "load_model", "save_model"]

FORMAT = 2
KEY = "ardoise"  # of the JSON in the metadata


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
    """

    network: Network
    classes: tuple[str, ...]
    loss: Loss
    details: dict[str, Any] = field(default_factory=dict)


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
    network = model.network
    about = {
        "format": FORMAT,
        "network": network.config(),
        "loss": model.loss.config(),
        "classes": list(model.classes),
        "details": model.details,
    }
    text = json.dumps(about, allow_nan=False)
    content = write_tensors(network.arrays(), {KEY: text}, seal=True)
    write_atomically(path, content)


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
    try:
        return _read(content, path)
    except ModelFileError:
        raise
    except DAMAGE as error:
        raise ModelFileError("model.damaged", path=path) from error


# What a file that is not what it should be can make Python raise, past its digest: a
# description may be whole and mean nothing.
DAMAGE = (*NONSENSE, RecursionError)


def _read(content: bytearray, path: str | Path) -> Model:
    tensors, metadata = read_tensors(content, sealed=True)
    about = strict_json(metadata[KEY])
    if about["format"] != FORMAT:
        found = str(about["format"])[:20]
        raise ModelFileError("model.format", path=path, format=found)
    network = network_of(about["network"], tensors)
    if not (np.isfinite(network.theta).all() and np.isfinite(network.state).all()):
        raise ModelFileError("model.not_finite", path=path)
    classes = tuple(str(name) for name in about["classes"])
    if network.output_shape != (len(classes),):
        raise ValueError(
            f"{len(classes)} class names for outputs of shape {network.output_shape}"
        )
    return Model(network, classes, losses.get(about["loss"]), dict(about["details"]))


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
