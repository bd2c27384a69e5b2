"""The options' values, their mistakes, and their help, in the learner's language.

Cyclopts reads the command line; what it would say of it in English is said here.
"""

from collections.abc import Sequence
from typing import Any

from cyclopts import CycloptsError, Token
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)
from cyclopts.help import DefaultFormatter, HelpPanel
from rich.console import Console, ConsoleOptions
from rich.text import Text

from ardoise.messages import language_apart, text

# What a value that cannot be read was expected to be.
_EXPECTED = {
    "--epochs": "option.positive",
    "--batch-size": "option.positive",
    "--threads": "option.positive",
    "--seed": "option.seed",
    "--learning-rate": "option.rate",
    "--lang": "option.lang",
    "--step": "option.positive",
    "--params": "option.positive",
    "--samples": "option.positive",
    "--nodes": "option.positive",
    "--ranks-per-node": "option.positive",
}


def whole(_: Any, tokens: Sequence[Token]) -> int:
    """Read a whole number; Cyclopts itself would round 1.5 to 2."""
    return int(tokens[0].value)


def command_first(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with a ``--lang`` that stands before the command behind it.

    ``ardoise --lang fr train`` is what people type, and Cyclopts takes options of a
    command only after its name.
    """
    language, given = language_apart(arguments)
    words = 2 if given[:1] == ["lesson"] else 1  # a command with commands
    return [*(given[:words] or ["--help"]), *language, *given[words:]]


def sentence(error: CycloptsError, lang: str) -> str:
    """Return what is wrong with the options in one sentence."""
    if isinstance(error, UnknownCommandError):
        name = (error.unused_tokens or [""])[0]
        return text("option.unknown_command", lang, name=name)
    if isinstance(error, UnknownOptionError):
        name = error.token.keyword or error.token.value
        return text("option.unknown", lang, name=name)
    if isinstance(error, UnusedCliTokensError):
        value = (error.unused_tokens or [""])[0]
        return text("option.unused", lang, value=value)
    if isinstance(error, RepeatArgumentError):
        return text("option.repeated", lang, name=error.token.keyword)
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        key = "option.missing" if name.startswith("-") else "option.missing_file"
        return text(key, lang, name=name)
    if isinstance(error, CoercionError) and error.argument is not None:
        name = error.argument.name
        value = error.token.value if error.token is not None else ""
        key = _EXPECTED.get(name, "option.value")
        return text(key, lang, option=name, value=value)
    return " ".join(str(error).split())


def where_to_look(error: CycloptsError, lang: str) -> str:
    """Return the sentence that names the help page of the command in question."""
    command = " ".join(("ardoise", *(error.command_chain or ())))
    return text("option.help", lang, command=command)


class HelpPage(DefaultFormatter):
    """Cyclopts' help page without the words that it says in English.

    Parameters
    ----------
    lang : str
    """

    def __init__(self, lang: str) -> None:
        super().__init__(show_metavar=False)
        self._lang = lang

    def __call__(
        self, console: Console, options: ConsoleOptions, panel: HelpPanel
    ) -> None:
        entries = [
            # Neither "[required]", which the usage line says, nor "MODEL --model".
            entry.copy(
                required=False,
                positional_label=None if entry.all_options else entry.positional_label,
            )
            for entry in panel.entries
        ]
        super().__call__(console, options, panel.copy(entries=entries))

    def render_usage(
        self, console: Console, options: ConsoleOptions, usage: Any
    ) -> None:
        line = text("help.usage_line", self._lang, usage=str(usage).strip())
        console.print(Text(f"{line}\n", style="bold"))
