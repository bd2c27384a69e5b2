"""The examples of docs/estimators.md and its French twin run, and are the same.

The first block of a page prepares data; every other runs by itself after it, as the
page says. What an example promises, it asserts.
"""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("estimators.md", "estimateurs.md")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page):
    return (DOCS / page).read_text(encoding="utf-8")


def blocks_of(page):
    """Return the code of each block, moved down to the line where the page has it."""
    text = text_of(page)
    return [
        "\n" * text.count("\n", 0, found.start(1)) + found[1]
        for found in BLOCK.finditer(text)
    ]


def execute(page, block, namespace):
    exec(compile(block, DOCS / page, "exec"), namespace)


def cases():
    for page in PAGES:
        prelude, *examples = blocks_of(page)
        for example in examples:
            first_line = len(example) - len(example.lstrip("\n")) + 1
            yield pytest.param(page, prelude, example, id=f"{page}:{first_line}")


@pytest.mark.parametrize(("page", "prelude", "example"), list(cases()))
def test_example(page, prelude, example):
    namespace = {"__name__": "__main__"}
    execute(page, prelude, namespace)
    execute(page, example, namespace)


def test_both_pages_have_the_same_code():
    english, french = ([b.lstrip("\n") for b in blocks_of(page)] for page in PAGES)
    assert len(english) > 25
    assert english == french


def test_both_pages_cite_the_same_requests():
    english, french = (re.findall(r"#\d{4,}", text_of(page)) for page in PAGES)
    assert english == french


def test_both_pages_have_the_same_sections():
    english, french = (
        re.findall(r"^#+(?= )", BLOCK.sub("", text_of(page)), re.MULTILINE)
        for page in PAGES
    )
    assert english == french
