"""Formulas as MathML, which browsers draw by themselves."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
# What must not be parted from a formula at the end of a line: an opening bracket or
# mark before it, punctuation behind it (in French with its space).
BEFORE = re.compile(r"[(«“\[]\u00a0?$")
BEHIND = re.compile(r"^(?:[\u00a0\u202f]?[.,;:!?)»”\]…])+|^[-’]")
MENDS = {
    # A sign, not a subtraction: no space around it.
    r"(<mo[^>]*>(?:&#x00028;|&#x0002C;|&#x0003D;|&#x000B7;|&#x02190;|&#x02248;)</mo>"
    r"|<mi>;</mi><mspace[^>]*>)<mo>&#x02212;": r'\1<mo form="prefix">&#x02212;',
    # A function's name, without the space of an operator.
    r"<mo>(max|min)</mo>(?=<mo[^>]*>&#x00028;)": r"<mi>\1</mi>",
    # A prime stands high by itself, and would be out of sight were it raised.
    r"<msup>(<mi>\w</mi>)<mi>(&#x0203[23];)</mi></msup>": r"\1<mtext>\2</mtext>",
}


def mathml(node: nodes.Element, display: str) -> str:
    """Return a formula, and warn of one that was not understood."""
    formula = convert(node.astext(), display=display)
    if "<mi>&</mi>" in formula or "\\" in formula:
        logger.warning("not understood: %s", node.astext(), location=node)
    for wrong, right in MENDS.items():
        formula = re.sub(wrong, right, formula)
    return formula


def tie(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keep a formula in a line with the punctuation beside it."""
    for node in list(doctree.findall(nodes.math)):
        place = node.parent.index(node)
        group = nodes.inline("", "", classes=["tied"])
        for step, mark in ((-1, BEFORE), (1, BEHIND)):
            beside = place + step
            text = node.parent[beside] if 0 <= beside < len(node.parent) else None
            found = mark.search(text) if isinstance(text, nodes.Text) else None
            if found:
                rest = text[: found.start()] + text[found.end() :]
                node.parent[beside] = nodes.Text(rest)
                group.append(nodes.Text(found[0]))
            if step < 0:
                group.append(node.deepcopy())
        if len(group) > 1:
            node.replace_self(group)


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
    app.connect("doctree-resolved", tie)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
