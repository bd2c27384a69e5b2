"""The reference has every public name and every option."""

import importlib
import re

import pytest
from site_parts.commands import described, named
from site_parts.docstrings import escaped

from ardoise.cli.app import _build, run
from ardoise.cli.terminal import Terminal
from tests.pages import DOCS

FOLDER = DOCS / "en" / "reference"
MODULES = (
    *("ardoise", "ardoise.estimators", "ardoise.digits", "ardoise.pictures"),
    *("ardoise.files", "ardoise.export", "ardoise.onnx", "ardoise.plots"),
)


def documented():
    """Return the names that the pages have, with their modules."""
    names = set()
    for file in FOLDER.glob("*.md"):
        module = ""
        directives = re.findall(
            r"^\.\. (currentmodule|autoclass|autofunction|autodata):: (\S+)",
            file.read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        for directive, name in directives:
            if directive == "currentmodule":
                module = name
            else:
                names.add(f"{module}.{name}")
    return names


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_there(module):
    public = importlib.import_module(module).__all__
    known = documented()
    if module == "ardoise":  # the estimators are on their own page
        known |= {
            name.replace(".estimators", "") for name in known if ".estimators." in name
        }
    assert [name for name in public if f"{module}.{name}" not in known] == []


def test_every_name_exists():
    for path in documented():
        module, _, name = path.rpartition(".")
        assert hasattr(importlib.import_module(module), name)


def test_every_command_is_there_with_its_options(capsys):
    for name, command in named(_build(Terminal("en"))):
        lines = list(described(name, command))
        assert lines[0] == f"## {name}"
        shown = set(re.findall(r"--[a-z0-9-]+", " ".join(lines)))
        assert run([*name.split(), "--help", "--lang", "en"]) == 0
        said = capsys.readouterr().out
        options = re.findall(r"^│ (--[a-z0-9-]+)", said, re.MULTILINE)
        assert options and set(options) <= shown


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x : array of shape (n, *shape)", r"x : array of shape (n, \*shape)"),
        ("|a - b|", r"\|a - b\|"),
        ("a *word* and ``*x``, `|y|`", "a *word* and ``*x``, `|y|`"),
    ],
)
def test_docstrings_are_plain_text(line, expected):
    assert escaped(line) == expected
