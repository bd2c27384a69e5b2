"""Where sentences go: the terminal, in the learner's language."""

import os
from collections.abc import Mapping
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from ardoise.messages import UserError, text


class OptionError(UserError):
    """An option of the command line that makes no sense; exit code 2."""


Lang = Literal["en", "fr"]


def default_language(environ: Mapping[str, str] | None = None) -> Lang:
    """Return ``"fr"`` where the system speaks French, else ``"en"``.

    The variables are those of POSIX (section 8.2), the first that is set deciding.
    """
    environ = os.environ if environ is None else environ
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return "fr" if environ[name].lower().startswith("fr") else "en"
    return "en"


class Terminal:
    """Standard output and standard error, and the language to speak on both.

    Attributes
    ----------
    lang : str
    out, err : rich.console.Console
    """

    def __init__(self, lang: Lang) -> None:
        self.lang: Lang = lang
        # Sentences are not markup, and numbers in them are not to be coloured.
        self.out = Console(highlight=False, soft_wrap=True, markup=False)
        self.err = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)

    def text(self, key: str, /, **values: Any) -> str:
        """Return a sentence in the terminal's language."""
        return text(key, self.lang, **values)

    def say(self, key: str, /, **values: Any) -> None:
        """Print a sentence."""
        self.out.print(self.text(key, **values))

    def complain(self, sentence: str) -> None:
        """Print a sentence on standard error."""
        self.err.print(sentence, style="bold red" if self.err.is_terminal else None)

    def table(self, *columns: tuple[str, bool]) -> Table:
        """Return an empty table with these (title, right-aligned) columns."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title, right in columns:
            table.add_column(title, justify="right" if right else "left")
        return table
