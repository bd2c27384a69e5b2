"""The model file: a trained network and what is needed to use it, in one file.

The layout is that of safetensors: the header's length (8 bytes, little-endian), the
header (JSON: each array's dtype, shape and place), the arrays' bytes. The architecture
stands in the header's ``__metadata__`` as JSON. Nothing in it is ever executed, and
layers come from a closed table.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.files.atomic import write_atomically
from ardoise.messages import UserError

FORMAT = 1
MAX_HEADER = 1 << 20
_DTYPES = {"float32": "F32", "float64": "F64"}


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
    header = {
        "__metadata__": {"ardoise": json.dumps(about, allow_nan=False)},
        **_tensors(network),
    }
    text = json.dumps(header, allow_nan=False).encode()
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of 8
    if len(text) > MAX_HEADER:
        raise ValueError(
            f"a model's header holds at most {MAX_HEADER} bytes; its architecture, "
            f"class names and details take {len(text)}"
        )
    content = [
        len(text).to_bytes(8, "little"),
        text,
        _little_endian(network.theta).tobytes(),
        _little_endian(network.state).tobytes(),
    ]
    write_atomically(path, b"".join(content))


def load_model(path: str | Path) -> Model:
    """Read a model file.

    Raises
    ------
    ModelFileError
        If the file is missing, is not a model file, is damaged, or holds a network
        that does not fit its arrays; one sentence says which.
    """
    try:
        with open(path, "rb") as file:
            return _read(file, path)
    except OSError as error:
        raise ModelFileError("model.unreadable", path=path, reason=error) from None
    except ModelFileError:
        raise
    except _DAMAGE as error:
        raise ModelFileError("model.damaged", path=path) from error


# What a file that is not a model, or no longer one, can make Python raise below.
_DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def _read(file: BinaryIO, path: str | Path) -> Model:
    size = int.from_bytes(file.read(8), "little")
    if size > MAX_HEADER:
        raise ValueError("the header is too long")
    header = _strict_json(file.read(size).decode())
    about = _strict_json(header.pop("__metadata__")["ardoise"])
    if about["format"] != FORMAT:
        found = str(about["format"])[:20]
        raise ModelFileError("model.format", path=path, format=found)
    # Sizes are compared before anything is read or allocated on the file's word.
    end = max(line["data_offsets"][1] for line in header.values())
    if os.fstat(file.fileno()).st_size != 8 + size + end:
        raise ValueError("the file is cut off, or longer than its header says")
    if about["network"]["dtype"] not in _DTYPES:
        raise ValueError("the numbers are of an unknown type")
    dtype = np.dtype(about["network"]["dtype"]).newbyteorder("<")
    numbers = np.frombuffer(file.read(), dtype).astype(dtype.newbyteorder("="))
    network = Network.from_values(about["network"], numbers)
    if header != _tensors(network):
        raise ValueError("the arrays are not those of the architecture")
    if not np.isfinite(numbers).all():
        raise ModelFileError("model.not_finite", path=path)
    classes = tuple(str(name) for name in about["classes"])
    if network.output_shape != (len(classes),):
        raise ValueError(
            f"{len(classes)} class names for outputs of shape {network.output_shape}"
        )
    return Model(network, classes, losses.get(about["loss"]), dict(about["details"]))


def _tensors(network: Network) -> dict[str, Any]:
    """Return the header's lines: each array's dtype, shape and place in bytes."""
    lines: dict[str, Any] = {}
    offset, width = 0, network.dtype.itemsize
    for layout in (network.layout, network.state_layout):
        for entry in layout.entries:
            end = offset + width * math.prod(entry.spec.shape)
            lines[entry.key] = {
                "dtype": _DTYPES[network.dtype.name],
                "shape": list(entry.spec.shape),
                "data_offsets": [offset, end],
            }
            offset = end
    return lines


def _strict_json(text: str) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"the header holds {constant}")

    def no_duplicates(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
        keys = dict(pairs)
        if len(keys) != len(pairs):
            raise ValueError("the header names something twice")
        return keys

    return json.loads(text, parse_constant=refuse, object_pairs_hook=no_duplicates)


def _little_endian(vector: Array) -> Array:
    return vector.astype(vector.dtype.newbyteorder("<"), copy=False)
