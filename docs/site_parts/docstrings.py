"""Docstrings as plain text: ``(n, *shape)`` and ``|computed|`` are no markup."""

import re
from typing import Any

from sphinx.application import Sphinx

LITERAL = re.compile(r"(^ *>>>[^\n]*|``.*?``|`[^`]*`)", re.DOTALL | re.MULTILINE)
MARKS = re.compile(r"(?<![\w*\\])\*(?=\w)(?!\w[^*]*\w\*)|\|")


def escaped(text: str) -> str:
    """Return a text in which single stars and bars are what they look like."""
    parts = LITERAL.split(text)
    parts[::2] = [MARKS.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def escape(
    app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    lines[:] = escaped("\n".join(lines)).split("\n")


def is_field(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: Any
) -> bool | None:
    """Leave out the fields of a named tuple: its own text says what they are."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", escape, priority=100)  # before numpydoc
    app.connect("autodoc-skip-member", is_field)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
