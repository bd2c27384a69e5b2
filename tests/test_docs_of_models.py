"""The examples of docs/models.md and its French twin run, and are the same."""

import re

import pytest

from ardoise.cli.app import run
from tests.pages import code_of, examples, execute, misprints, sections_of, text_of

ENGLISH, FRENCH = PAGES = ("models.md", "modeles.md")
TABLE = re.compile(r"<!-- python -m benchmarks.exports -->\n(.*?)<!--", re.DOTALL)


@pytest.mark.parametrize(("page", "prelude", "example"), list(examples(*PAGES)))
def test_example(page, prelude, example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    execute(page, prelude, example)


def test_both_pages_have_the_same_code():
    assert len(code_of(ENGLISH)) > 10
    assert code_of(ENGLISH) == code_of(FRENCH)


def test_both_pages_have_the_same_sections():
    assert sections_of(ENGLISH) == sections_of(FRENCH)


def test_both_pages_have_the_same_table():
    english, french = (TABLE.findall(text_of(page)) for page in PAGES)
    assert english == french and len(english) == 1
    assert english[0].startswith("| model | target | numbers |")


def commands_of(page):
    """Return (command, its options) for each command line of a page."""
    lines = re.findall(r"^(?:\$ )?ardoise (\w+)(.*)$", text_of(page), re.MULTILINE)
    return {(name, *re.findall(r"--[a-z0-9-]+", rest)) for name, rest in lines}


def test_commands_have_the_options_that_are_shown(capsys):
    assert commands_of(ENGLISH) == {
        (name, *[o for o in options if o != "--lang"])
        for name, *options in commands_of(FRENCH)
    }
    for name, *options in commands_of(FRENCH):
        assert run([name, "--help"]) == 0
        said = capsys.readouterr().out
        assert all(option in said for option in options)


def test_french_has_its_spaces():
    assert misprints(FRENCH) == []
