"""The directive ``commands``: every command with its options, told by the program."""

import re
from collections.abc import Iterator
from typing import Any

from cyclopts import App
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ardoise.cli.app import _build
from ardoise.cli.terminal import Terminal

COMMAND = re.compile(r"ardoise [a-z]+(?: --[a-z]+)?")


def named(app: App) -> Iterator[tuple[str, App]]:
    """Yield each command and its name, those of a group one by one."""
    for name in app:
        if name.startswith("-"):
            continue
        if app[name].default_command is None:
            yield from ((f"{name} {inner}", each) for inner, each in named(app[name]))
        else:
            yield name, app[name]


def options(command: App) -> Iterator[tuple[str, str]]:
    """Yield each option of a command and its sentence."""
    for argument in command.assemble_argument_collection():
        first, *others = argument.names
        names = [first, *(name for name in others if not name.startswith("--no-"))]
        yield ", ".join(names), str(argument.parameter.help or "")


def described(name: str, command: App) -> Iterator[str]:
    """Yield the lines of a section in MyST."""
    yield from (f"## {name}", "")
    yield from ("```text", str(command.usage).strip(), "```", "", str(command.help), "")
    for names, sentence in options(command):
        yield from (f"`{names}`", ":   " + COMMAND.sub(r"`\g<0>`", sentence), "")


class Commands(SphinxDirective):
    """A section for each command of ``ardoise``."""

    def run(self) -> list[nodes.Node]:
        app = _build(Terminal("en"))
        lines = [line for each in named(app) for line in described(*each)]
        source = StringList(lines, "ardoise --help")
        made = nodes.Element()
        self.state.nested_parse(source, 0, made, match_titles=True)
        return made.children


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
