"""Short code is kept in one line."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

SHORT = 16  # characters


def keep_short_code(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Let no line end within a shape like `(B, K)`."""
    for node in doctree.findall(nodes.literal):
        if " " in node.astext() and len(node.astext()) <= SHORT:
            node["classes"].append("short")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", keep_short_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
