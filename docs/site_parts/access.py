"""What the pages lack for those who do not see them: levels and names of headings.

And what the theme and MyST-NB say in English alone, in French.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

# Above the ticks of a table of the README: whether what was wanted was reached.
REACHED = {"en": "reached", "fr": "atteint"}
FRENCH = {
    'aria-label="Toggle site navigation sidebar"': (
        'aria-label="Ouvrir ou fermer le plan du site"'
    ),
    'aria-label="Toggle table of contents sidebar"': (
        'aria-label="Ouvrir ou fermer le sommaire de la page"'
    ),
    'aria-label="Toggle Light / Dark / Auto color theme"': (
        'aria-label="Thème clair, sombre ou automatique"'
    ),
    'aria-label="Toggle hidden content"': 'aria-label="Montrer ou cacher le code"',
    'aria-label="Toggle navigation of ': 'aria-label="Ouvrir ou fermer ',
    "<title>Contents</title>": "<title>Sommaire</title>",
    "<title>Expand</title>": "<title>Déplier</title>",
    "<title>Light mode</title>": "<title>Mode clair</title>",
    "<title>Dark mode</title>": "<title>Mode sombre</title>",
    "<title>Auto light/dark, in light mode</title>": (
        "<title>Automatique, en clair</title>"
    ),
    "<title>Auto light/dark, in dark mode</title>": (
        "<title>Automatique, en sombre</title>"
    ),
}


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


def speak_french(app: Sphinx) -> None:
    """Replace what no catalogue of translations reaches, in each French page."""
    if app.config.language != "fr" or app.builder.format != "html":
        return
    render = app.builder.templates.render

    def rendered(template: str, context: dict[str, Any]) -> str:
        page = render(template, context)
        for english, french in FRENCH.items():
            page = page.replace(english, french)
        return page

    app.builder.templates.render = rendered


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", speak_french)
    app.connect("doctree-read", name_columns)
    app.connect("html-page-context", level_captions, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}
