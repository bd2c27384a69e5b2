"""Formulas as MathML, which browsers draw by themselves."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

from site_parts.spacing import spaced

logger = logging.getLogger(__name__)


def mathml(node: nodes.Element, display: str) -> str:
    """Return a formula, and warn of one that was not understood."""
    formula = spaced(convert(node.astext(), display=display))
    if "<mi>&</mi>" in formula or "\\" in formula:
        logger.warning("not understood: %s", node.astext(), location=node)
    return formula


def _inline(translator: Any, node: nodes.Element) -> None:
    translator.body.append(mathml(node, "inline"))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.Element) -> None:
    # A formula that is wider than a phone is scrolled by itself.
    translator.body.append(f'<div class="math scrolls">{mathml(node, "block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
