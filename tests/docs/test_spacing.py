"""Formulas have spaces where print has them, and stay beside what touches them."""

import pytest
from docutils import nodes
from docutils.utils import new_document
from site_parts.formulas import hold_together, mathml


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ("0{,}5", "<mn>0,5</mn>"),
        ("0{,}5^2", "<msup><mn>0,5</mn><mn>2</mn></msup>"),
        ("x, y", "<mi>x</mi><mo>&#x0002C;</mo><mi>y</mi>"),
        ("|x|", '<mo stretchy="false" lspace="0" rspace="0">&#x0007C;</mo><mi>x</mi>'),
        (r"\infty", "<mi>&#x0221E;</mi>"),
        ("f(-x)", '<mo form="prefix">&#x02212;</mo><mi>x</mi>'),
        ("y = -x", '<mo form="prefix">&#x02212;</mo><mi>x</mi>'),
        ("(a) - x", "<mo>&#x02212;</mo><mi>x</mi>"),
    ],
)
def test_spaces(written, drawn):
    assert drawn in mathml(nodes.math("", written), "inline")


@pytest.mark.parametrize(
    ("before", "after", "held"),
    [
        ("so ", " is", None),
        ("so\n", "", None),
        ("so (", "), and", "(x),"),
        ("so ", ".", "x."),
        ("", "\N{NO-BREAK SPACE}: y", "x\N{NO-BREAK SPACE}:"),
    ],
)
def test_no_line_begins_with_a_full_stop(before, after, held):
    texts = [nodes.Text(before)] * bool(before), [nodes.Text(after)] * bool(after)
    line = nodes.paragraph("", "", *texts[0], nodes.math("", "x"), *texts[1])
    page = new_document("page")
    page += line
    hold_together(None, page)
    assert line.astext() == f"{before}x{after}"
    assert [part.astext() for part in line.findall(nodes.inline)] == [held] * bool(held)


def test_formulas_side_by_side():
    line = nodes.paragraph("", "", nodes.math("", "x"), nodes.Text(", "))
    line += nodes.math("", "y")
    line += nodes.Text(".")
    page = new_document("page")
    page += line
    hold_together(None, page)
    assert [part.astext() for part in line] == ["x,", " ", "y."]
