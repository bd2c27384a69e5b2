"""Formulas as MathML, which browsers draw by themselves."""

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
THIN = '<mspace width="0.167em" />'
NAME = r"<mi>(?:cos|exp|ln|log|sin|tanh)</mi>"
# What the converter takes for signs between two others, with space on both sides.
MENDS = {
    # The minus of a number, after a bracket, a comma, a product or a relation.
    r"(<mo[^>]*>&#x0(?:0028|002C|00B7|22C5|003[CDE]|226[45]|2248|219[02]);</mo>"
    r"|<mi>;</mi><mspace[^>]*>)<mo>&#x02212;": r'\1<mo form="prefix">&#x02212;',
    # The comma of a French 0,5, written 0{,}5.
    r"<mn>(\d+)</mn><mrow><mo>&#x0002C;</mo></mrow>(<msu[bp]>|)<mn>(?=\d)": (
        r"\2<mn>\1,"
    ),
    # The bars of |x|, single and double, are brackets.
    r'<mo((?: \w+="false")+)>(?=&#x0(?:007C|2016);)': r'<mo\1 lspace="0" rspace="0">',
    "<mo>&#x0221E;</mo>": "<mi>&#x0221E;</mi>",  # infinity
    # A function's name, without the space of an operator.
    r"<mo>(max|min)</mo>(?=<mo[^>]*>&#x00028;)": r"<mi>\1</mi>",
    # A function's name stands apart from what is before it and what it is applied to.
    rf"(</m(?:i|n|frac)>|&#x00029;</mo>)(?={NAME})": rf"\1{THIN}",
    rf"((?:<mrow>|</m\w+>|/>){NAME})(?=<m(?:i|n|sub|sup|sqrt|frac)>)": rf"\1{THIN}",
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


def hold_together(app: Sphinx, doctree: nodes.document) -> None:
    """Keep a formula on the line of the stop or bracket that touches it."""
    for formula in list(doctree.findall(nodes.math)):
        line = formula.parent
        i = line.children.index(formula)
        before, touching = _cut(line[i - 1 : i], r"(.*[ \n]|)(.*)")
        touched, after = _cut(line[i + 1 : i + 2], r"([^ \n]*)(.*)")
        if touching or touched:
            parts = [*_text(touching), formula, *_text(touched)]
            held = nodes.inline("", "", *parts, classes=["together"])
            start, stop = i - bool(before + touching), i + 1 + bool(touched + after)
            line[start:stop] = [*_text(before), held, *_text(after)]


def _cut(beside: list[nodes.Node], where: str) -> tuple[str, str]:
    """Return the two parts of the text beside a formula, if there is text."""
    if not (beside and isinstance(beside[0], nodes.Text)):
        return "", ""
    found = re.fullmatch(where, beside[0].astext(), re.DOTALL)
    return (found[1], found[2]) if found else ("", "")


def _text(words: str) -> list[nodes.Node]:
    return [nodes.Text(words)] if words else []


def _inline(translator: Any, node: nodes.Element) -> None:
    translator.body.append(mathml(node, "inline"))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.Element) -> None:
    # A formula that is wider than a phone is scrolled by itself.
    translator.body.append(f'<div class="math scrolls">{mathml(node, "block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", hold_together)
    app.add_html_math_renderer(
        "mathml", inline_renderers=(_inline, None), block_renderers=(_block, None)
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
