"""Every page has a twin in the other language, with the same sections and code.

Its cells run. The reference is in English only. Lessons and notebooks have tests of
their own.
"""

import re

import pytest
from site_parts.links import twin_of

from ardoise.cli.app import run
from tests.pages import DOCS, misprints, sections_of, text_of

FLAGS = re.MULTILINE | re.DOTALL
# Options of a cell stand between two lines of dashes, or begin with a colon.
CELL = re.compile(
    r"^```\{code-cell\}[^\n]*\n(?:---\n.*?^---\n|(?::[^\n]*\n)*)(.*?)^```$", FLAGS
)
SHOWN = re.compile(r"^```python\n(.*?)^```$", FLAGS)
ENGLISH_ONLY = "reference/"


def pages_of(lang):
    """Return the names of the pages of a language."""
    folder = DOCS / lang
    names = (str(file.relative_to(folder)) for file in folder.rglob("*.md"))
    return sorted(name for name in names if not name.startswith(ENGLISH_ONLY))


def twin(name, lang):
    return f"{twin_of(name.removesuffix('.md'), lang)}.md"


TWINS = [(f"en/{name}", f"fr/{twin(name, 'en')}") for name in pages_of("en")]
twins = pytest.mark.parametrize(("english", "french"), TWINS, ids=pages_of("en"))


def cells_of(page):
    """Return the code of each cell, moved down to the line where the page has it."""
    text = text_of(page)
    return [
        "\n" * text.count("\n", 0, found.start(1)) + found[1]
        for found in CELL.finditer(text)
    ]


def test_every_page_has_a_twin():
    assert {french for _, french in TWINS} == {f"fr/{name}" for name in pages_of("fr")}


@twins
def test_both_have_the_same_sections(english, french):
    assert sections_of(english) == sections_of(french)


@twins
def test_both_have_the_same_code(english, french):
    for pattern in (CELL, SHOWN):
        spoken = text_of(french).replace('"--lang", "fr"', '"--lang", "en"')
        assert pattern.findall(text_of(english)) == pattern.findall(spoken)


@twins
def test_french_has_its_spaces(english, french):
    assert misprints(french) == []


RUNNING = [
    str(file.relative_to(DOCS))
    for file in sorted((DOCS / "en").rglob("*.md"))
    if CELL.search(file.read_text(encoding="utf-8")) and file.parent.name != "lessons"
]


@pytest.mark.parametrize("name", RUNNING)
def test_cells_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for cell in cells_of(name):
        code = re.sub(r"^%.*$", "", cell, flags=re.MULTILINE)  # of IPython alone
        exec(compile(code, DOCS / name, "exec"), namespace)


def commands_of(page):
    """Return (command, its options) for each command line of a page."""
    lines = re.findall(
        r"^(?:\$ )?ardoise (lesson \w+|\w+)(.*)$", text_of(page), re.MULTILINE
    )
    return {(name, *re.findall(r"--[a-z0-9-]+", rest)) for name, rest in lines}


@twins
def test_commands_have_the_options_that_are_shown(english, french, capsys):
    assert commands_of(english) == {
        (name, *[o for o in options if o != "--lang"])
        for name, *options in commands_of(french)
    }
    for name, *options in commands_of(french):
        assert run([*name.split(), "--help"]) == 0
        said = capsys.readouterr().out
        assert all(option in said for option in options)
