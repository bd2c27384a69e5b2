"""The data that ``--data`` names, and how it is divided where nobody says how."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ardoise.cli.downloads import ShownDownload
from ardoise.cli.terminal import Terminal
from ardoise.digits import Dataset, load_data
from ardoise.digits.remote.table import FASHION_CLASSES, SOURCES
from ardoise.messages import OptionError, text

MNIST = "mnist"


def load(source: str, terminal: Terminal) -> Dataset:
    """Load the data that ``--data`` names; see `ardoise.digits.load_data`.

    What is downloaded for that is shown on the terminal.

    Names can hold what no terminal, picture or page can show (bytes that are not
    UTF-8 in a folder's name, colour codes in a label): they are escaped.

    Raises
    ------
    OptionError
        If it names nothing (a shell's empty variable): not the folder of the moment.
    DataError
        If the data cannot be used.
    """
    if not source.strip():
        raise OptionError("option.missing", name="--data")
    with ShownDownload(terminal) as progress:
        data = load_data(source, progress=progress)
    classes = tuple(_shown(name) for name in data.classes)
    return replace(data, name=_shown(data.name), classes=classes)


def _shown(name: str) -> str:
    return "".join(
        c if c.isprintable() or c in "\u00a0\u202f" else ascii(c)[1:-1] for c in name
    )


def is_mnist(source: str) -> bool:
    """Return whether this names the data of the package (``./mnist`` is a folder)."""
    return source.lower() == MNIST


def known_name(source: str) -> str | None:
    """Return ``"mnist"``, ``"fashion"`` or ``"letters"``, or None if it is a path."""
    name = source.lower()
    return name if name == MNIST or name in SOURCES else None


def shown_classes(classes: Sequence[str], lang: str) -> tuple[str, ...]:
    """Return the classes as a reader of ``lang`` calls them.

    Models and data keep one name for each, whatever the language.
    """
    if tuple(classes) != FASHION_CLASSES:
        return tuple(classes)
    return tuple(text(f"class.fashion.{i}", lang) for i in range(len(classes)))


def absolute(source: str) -> str:
    """Return the source so that it is found from any folder: paths made absolute."""
    if name := known_name(source):
        return name
    if os.path.exists(source):
        return str(Path(source).absolute())
    return ",".join(str(Path(part.strip()).absolute()) for part in source.split(","))


def default_split(source: str, wish: str) -> str:
    """Return the split for this data when the user names none.

    Parameters
    ----------
    source : str
        What ``--data`` names.
    wish : str
        The recipe's wish, ``"official"`` or ``"notebook"``, which suits MNIST.
    """
    if is_mnist(source):
        return wish
    if known_name(source):
        return "official"
    return "60/0/40" if wish == "notebook" else "80/10/10"
