"""Links that leave a language's folder: to the twin of a page, and to the repository.

In the sources they are relative paths, so that they work where the repository is read.
On the site, `docs/fr/guides/models.md` is the French site's page, and each file of
`PAGES` is the page that shows it.
"""

import posixpath
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
LANGUAGES = {"en": "English", "fr": "Français"}
# Pages whose names differ: English, French.
NAMES = {
    "notebooks/code-a-network-with-numpy": "notebooks/coder-un-reseau-avec-numpy",
}
# Files of the repository, and the page of the English site that shows each.
PAGES = {
    "RESULTS.md": "measured",
    "CHANGELOG.md": "reference/changelog",
    "CONTRIBUTING.md": "reference/contributing",
    "README.md": "index",
}
BOTH = ("measured", "index")  # those that are pages of both languages
logger = logging.getLogger(__name__)


def other_language(lang: str) -> str:
    return "fr" if lang == "en" else "en"


def twin_of(docname: str, lang: str) -> str:
    """Return the name of a page of ``lang`` in the other language."""
    for english, french in NAMES.items():
        here, there = (english, french) if lang == "en" else (french, english)
        if docname == here:
            return there
    return docname


def exists(docname: str, lang: str) -> bool:
    source = ROOT / "docs" / lang / docname
    return any(source.with_name(source.name + e).exists() for e in (".md", ".ipynb"))


def language_of(app: Sphinx) -> str:
    return "fr" if app.config.language == "fr" else "en"


def target_of(path: Path, lang: str) -> tuple[str, str] | None:
    """Return the language and the name of the page that shows a file."""
    try:
        parts = path.relative_to(ROOT).parts
    except ValueError:
        return None
    if len(parts) > 2 and parts[0] == "docs" and parts[1] in LANGUAGES:
        docname = posixpath.join(*parts[2:]).removesuffix(".md")
        docname = docname.removesuffix(".ipynb")
        return (parts[1], docname) if exists(docname, parts[1]) else None
    page = PAGES.get("/".join(parts))
    if page is None:
        return None
    return (lang if page in BOTH else "en"), page


def resolve(app: Sphinx, doctree: nodes.document) -> None:
    """Lead links that leave the sources of this language to the pages of the site."""
    lang, here = language_of(app), app.env.docname
    for node in list(doctree.findall(addnodes.pending_xref)):
        if node["reftype"] != "myst":
            continue
        name, _, anchor = node["reftarget"].partition("#")
        if node["refdomain"] == "doc":
            if name in app.env.found_docs:
                continue
            anchor = node.get("reftargetid") or ""
            candidates = [Path(f"{name}.md"), Path(f"{name}.ipynb")]
        elif name:  # as it stands in a file of the repository that a page includes
            candidates = [Path(app.env.doc2path(here)).parent / name, ROOT / name]
        else:
            continue
        found = [target_of(Path(posixpath.normpath(c)), lang) for c in candidates]
        target = next((each for each in found if each is not None), None)
        if target is None:
            continue  # MyST warns of it
        start = posixpath.dirname(f"{lang}/{here}")
        uri = posixpath.relpath("/".join(target), start) + ".html"
        uri += f"#{anchor}" if anchor else ""
        if target == (other_language(lang), twin_of(here, lang)) and not anchor:
            # The templates have this link at the top of each page.
            node.parent.parent.remove(node.parent)
            continue
        made = nodes.reference("", "", *node.children, refuri=uri, internal=True)
        node.replace_self(made)


def add_twin(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Tell the templates where the same page is in the other language."""
    lang = language_of(app)
    other = other_language(lang)
    twin = twin_of(page, lang)
    if not exists(twin, other) and twin != "search":
        twin = "index"
    start = posixpath.dirname(f"{lang}/{page}")
    context["twin"] = {
        "href": posixpath.relpath(f"{other}/{twin}.html", start),
        "lang": other,
        "name": LANGUAGES[other],
    }


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", resolve)
    app.connect("html-page-context", add_twin)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
