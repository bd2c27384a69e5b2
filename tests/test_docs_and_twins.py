"""The examples of the guides and of their twins run; both have the same table."""

import re

import pytest

from tests.pages import code_of, examples, execute, text_of, twins_of

TWINS = [twins_of(f"guides/{name}.md") for name in ("models", "pictures")]
TABLE = re.compile(r"<!-- python -m benchmarks.exports -->\n(.*?)<!--", re.DOTALL)
twins = pytest.mark.parametrize(("english", "french"), TWINS)


@pytest.mark.parametrize(
    ("page", "prelude", "example"), [e for pages in TWINS for e in examples(*pages)]
)
def test_example(page, prelude, example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    execute(page, prelude, example)


@twins
def test_both_pages_have_the_same_code(english, french):
    assert len(code_of(english)) >= 4
    assert code_of(english) == code_of(french)


def test_both_pages_have_the_same_table():
    (english,), (french,) = (TABLE.findall(text_of(page)) for page in TWINS[0])
    english, french = (
        [line for line in table.splitlines() if line.startswith(("| mlp", "| cnn"))]
        for table in (english, french)
    )
    assert len(english) == 24
    assert [line.replace(" points |", " point |") for line in english] == [
        line.replace(",", ".") for line in french
    ]
