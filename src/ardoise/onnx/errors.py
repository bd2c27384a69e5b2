"""What can be wrong with an ONNX model, in one sentence in both languages."""

from __future__ import annotations

from typing import Any

from ardoise.messages import UserError

SHOWN = 60  # characters of a name that a file gave


class OnnxError(UserError):
    """An ONNX model that cannot be read, or not be computed."""


class Damage(ValueError):
    """What exactly is wrong with the bytes; a person is told that they are damaged."""


def shown(name: Any) -> str:
    """Return a name from a file as it can stand in a sentence: short, printable."""
    text = "".join(
        c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(name)
    )
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
