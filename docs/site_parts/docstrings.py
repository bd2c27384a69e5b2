"""Docstrings as plain text: ``(n, *shape)`` and ``|computed|`` are no markup."""

import re
from typing import Any

from sphinx.application import Sphinx

LITERAL = re.compile(r"(``.*?``|`[^`]*`)")
MARKS = re.compile(r"(?<![\w*\\])\*(?=\w)(?!\w[^*]*\w\*)|\|")


def escaped(line: str) -> str:
    """Return a line in which single stars and bars are what they look like."""
    parts = LITERAL.split(line)
    parts[::2] = [MARKS.sub(r"\\\g<0>", part) for part in parts[::2]]
    return "".join(parts)


def escape(
    app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]
) -> None:
    lines[:] = [
        line if line.lstrip().startswith(">>>") else escaped(line) for line in lines
    ]


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", escape, priority=100)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
