"""The examples of the pages in docs/ and their French twins run, and are the same."""

import re

import pytest

from ardoise.cli.app import run
from tests.pages import (
    code_of,
    examples,
    execute,
    misprints,
    sections_of,
    text_of,
    twins_of,
)

TWINS = [twins_of(f"guides/{name}.md") for name in ("models", "pictures")]
PAGES = [*TWINS, twins_of("guides/slate.md")]  # it has no code to run
TABLE = re.compile(r"<!-- python -m benchmarks.exports -->\n(.*?)<!--", re.DOTALL)
twins = pytest.mark.parametrize(("english", "french"), TWINS)
pages = pytest.mark.parametrize(("english", "french"), PAGES)


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


@pages
def test_both_pages_have_the_same_sections(english, french):
    assert sections_of(english) == sections_of(french)


def test_both_pages_have_the_same_table():
    english, french = (TABLE.findall(text_of(page)) for page in TWINS[0])
    assert english == french and len(english) == 1
    assert english[0].startswith("| model | target | numbers |")


def commands_of(page):
    """Return (command, its options) for each command line of a page."""
    lines = re.findall(r"^(?:\$ )?ardoise (\w+)(.*)$", text_of(page), re.MULTILINE)
    return {(name, *re.findall(r"--[a-z0-9-]+", rest)) for name, rest in lines}


@pages
def test_commands_have_the_options_that_are_shown(english, french, capsys):
    assert commands_of(english) == {
        (name, *[o for o in options if o != "--lang"])
        for name, *options in commands_of(french)
    }
    for name, *options in commands_of(french):
        assert run([name, "--help"]) == 0
        said = capsys.readouterr().out
        assert all(option in said for option in options)


@pages
def test_french_has_its_spaces(english, french):
    assert misprints(french) == []
