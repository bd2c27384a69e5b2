"""Spaces of formulas that the converter gets wrong, and short code kept in one line."""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

THIN = '<mspace width="0.167em" />'
NAME = r"<mi>(?:cos|exp|ln|log|sin|tanh)</mi>"
MENDS = {
    # A comma within a number parts nothing.
    r"(\d)</mn><mrow><mo>&#x0002C;</mo></mrow><mn>(?=\d)": r"\1,",
    # Bars are brackets.
    r'<mo((?: \w+="false")+)>(?=&#x0(?:007C|2016);)': r'<mo\1 lspace="0" rspace="0">',
    # A function's name stands apart from what is before it and what it is applied to.
    rf"(</m(?:i|n|frac)>|&#x00029;</mo>)(?={NAME})": rf"\1{THIN}",
    rf"((?:<mrow>|</m\w+>|/>){NAME})(?=<m(?:i|n|sub|sup|sqrt|frac)>)": rf"\1{THIN}",
}
SHORT = 16  # characters


def spaced(formula: str) -> str:
    """Return MathML with the spaces that TeX would have put."""
    for wrong, right in MENDS.items():
        formula = re.sub(wrong, right, formula)
    return formula


def keep_short_code(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Let no line end within a shape like `(B, K)`."""
    for node in doctree.findall(nodes.literal):
        if " " in node.astext() and len(node.astext()) <= SHORT:
            node["classes"].append("short")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-resolved", keep_short_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
