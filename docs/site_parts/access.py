"""What the pages lack for those who do not see them: levels and names of headings."""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# Above the ticks of a table of the README: whether what was wanted was reached.
REACHED = {"en": "reached", "fr": "atteint"}


def name_columns(app: Sphinx, doctree: nodes.document) -> None:
    """Give a name to the columns that have none; it is not seen."""
    lang = "fr" if app.config.language == "fr" else "en"
    corner = {"en": "name", "fr": "nom"}[lang]
    for head in doctree.findall(nodes.thead):
        for place, entry in enumerate(head.findall(nodes.entry)):
            if not entry.astext().strip():
                name = REACHED[lang] if place else corner
                entry += nodes.inline("", name, classes=["unseen"])


def level_captions(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Say of which level the captions of the navigation are."""
    for name in ("furo_navigation_tree", "body"):
        if name in context:
            context[name] = context[name].replace(
                'role="heading"', 'role="heading" aria-level="2"'
            )


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", name_columns)
    app.connect("html-page-context", level_captions, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}
