"""The files of the page: a table made once, so that no path leads elsewhere."""

import gzip
import json
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import PurePath

from ardoise.messages import LANGUAGES

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
INDEX = "index.html"
# The page's own sentences lose this prefix; the names of classes keep theirs.
PREFIX = "slate."


@dataclass(frozen=True)
class File:
    """A file as it is sent.

    Attributes
    ----------
    content : bytes
    media_type : str
    """

    content: bytes
    media_type: str

    @cached_property
    def packed(self) -> bytes:
        """The content as gzip has it, made when it is first asked for.

        Its length tells no secret: all files are the same on every machine.
        """
        return gzip.compress(self.content, mtime=0)


def page_files() -> dict[str, File]:
    """Return the page's files: name → file."""
    folder = resources.files("ardoise.slate") / "page"
    return {
        file.name: File(file.read_bytes(), MEDIA_TYPES[PurePath(file.name).suffix])
        for file in folder.iterdir()
        if file.is_file() and PurePath(file.name).suffix in MEDIA_TYPES
    }


def word_files() -> dict[str, File]:
    """Return the page's sentences as JSON: ``"fr.json"`` → file."""
    return {
        f"{lang}.json": File(_words(lang), "application/json") for lang in LANGUAGES
    }


def _words(lang: str) -> bytes:
    file = resources.files("ardoise") / "locales" / f"{lang}.json"
    words = {
        key.removeprefix(PREFIX): sentence
        for key, sentence in json.loads(file.read_text(encoding="utf-8")).items()
        if key.startswith((PREFIX, "class."))
    }
    return json.dumps(words, ensure_ascii=False).encode()
