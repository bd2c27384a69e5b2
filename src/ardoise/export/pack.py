"""A plan's weights as one run of bytes, and templates filled in with text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.export.plan import Plan, Step


@dataclass(frozen=True)
class Piece:
    """One array among the bytes.

    Attributes
    ----------
    name : str
        Such as ``"W3"``: the argument's name and the step's number.
    offset, count : int
        In bytes, and in numbers.
    shape : tuple of int
    scale : str
        Of int8 numbers: the piece with a factor for each of the last axis. Else empty.
    """

    name: str
    offset: int
    count: int
    shape: tuple[int, ...]
    scale: str = ""


def pieces(plan: Plan) -> Iterator[tuple[Piece, Array]]:
    """Yield every array with its place: float32 first, then int8."""
    named = [
        (f"{name}{i}", f"scale{i}" if value.dtype == np.int8 else "", value)
        for i, step in enumerate(plan.steps, 1)
        for name, value in step.weights.items()
    ]
    offset = 0
    for name, scale, value in sorted(named, key=lambda item: bool(item[1])):
        yield Piece(name, offset, value.size, value.shape, scale), value
        offset += value.nbytes


def packed(plan: Plan) -> str:
    """Return the bytes of all pieces, little-endian, in base64."""
    arrays = (value for _, value in pieces(plan))
    raw = b"".join(a.astype(a.dtype.newbyteorder("<")).tobytes() for a in arrays)
    return base64.b64encode(raw).decode()


def arguments(step: Step, number: int) -> list[str]:
    """Return the names of a step's weights; a scale is already in its W."""
    return [f"{name}{number}" for name in step.weights if name != "scale"]


@cache
def template(name: str) -> str:
    """Return the text of a file in ``templates``."""
    file = resources.files(__package__) / "templates" / name
    return file.read_text(encoding="utf-8")


def fill(text: str, **values: object) -> str:
    """Return a template with each ``@NAME@`` replaced, once and in one pass.

    Raises
    ------
    KeyError
        If a value is missing: a mistake in the program.
    """
    return re.sub(r"@([A-Z0-9_]+)@", lambda match: str(values[match[1]]), text)


def lines(text: str, width: int) -> str:
    """Return a long run of characters cut into lines."""
    return "\n".join(text[i : i + width] for i in range(0, len(text), width))


def script_json(value: object) -> str:
    """Return JSON that is JavaScript too, and can stand in any ``<script>``.

    It is ASCII, and no ``<`` can end the script or begin a comment.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")
