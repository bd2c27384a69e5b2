"""Where sentences go: the terminal, in the learner's language."""

import codecs
import io
import os
import sys
import unicodedata
from typing import Any

from rich.console import Console
from rich.table import Table

from ardoise.messages import Lang, text

# What stands for a character that the output cannot show; others lose their accents.
_PLAIN = {"’": "'", "–": "-", "—": "-", "…": "...", "×": "x", "œ": "oe", "Œ": "OE"}
_PLAIN |= {"«": '"', "»": '"', "\u00a0": " ", "\u202f": " ", "−": "-"}
_PLAIN |= {"θ": "theta", "→": "->"} | dict(zip("▁▂▃▄▅▆▇█", "_.-~=+*#", strict=True))


def speak_plainly() -> None:
    """Let an output that knows ASCII only show ``e`` for ``é``, and never fail."""
    codecs.register_error("ardoise.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="ardoise.plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(map(_plain_character, wrong)), error.end


# Of the checks of a machine, where ✓ and ✗ are no characters.
_MARKS = {"✓": "ok", "✗": "!!"}


def _plain_character(character: str) -> str:
    bare = unicodedata.normalize("NFKD", character)[:1]
    spare = _MARKS.get(character, bare if bare.isascii() else "?")
    return _PLAIN.get(character, spare)


class _Console(Console):
    """A console that falls silent when its reader goes (``ardoise … | head``).

    Nobody asked to stop: a training goes on to its end, and its results are kept.
    """

    def on_broken_pipe(self) -> None:
        self.quiet = True
        # What is left in the stream's buffer must go somewhere when Python ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.file.fileno())
        os.close(nowhere)


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
        plain: dict[str, Any] = {"highlight": False, "soft_wrap": True, "markup": False}
        self.out = _Console(**plain)
        self.err = _Console(stderr=True, **plain)

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
