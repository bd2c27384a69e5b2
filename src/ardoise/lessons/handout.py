"""What a learner gets: the text of a file, in their language, and digits beside it.

The texts lie in ``gallery`` as templates: the code is the same in both languages, and
``$name`` stands for words from ``locales``. The digits are the first of MNIST's
training images: no test image is opened by a lesson.
"""

import io
import string
import textwrap
import zipfile
import zlib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits import load_mnist
from ardoise.files import write_atomically
from ardoise.lessons.catalogue import Bug
from ardoise.messages import UserError, text

DIGITS = "digits.npz"
N_TRAIN, N_TEST, N_HIDDEN = 2048, 1000, 1000
PIXELS = 784
_WIDTH = 79

Digits = dict[str, NDArray[Any]]


@cache
def _images() -> tuple[NDArray[Any], NDArray[Any]]:
    data = load_mnist()
    n = N_TRAIN + N_TEST + N_HIDDEN
    return data.images[:n].reshape(n, -1).copy(), data.labels[:n].copy()


def digits() -> Digits:
    """Return the arrays of the file of digits: images (n, 784) uint8, and labels."""
    images, labels = _images()
    n, m = N_TRAIN, N_TRAIN + N_TEST
    return {
        "x_train": images[:n],
        "t_train": labels[:n],
        "x_test": images[n:m],
        "t_test": labels[n:m],
    }


def hidden() -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return digits that are in no file: pixels from 0 to 1, and labels."""
    images, labels = _images()
    return images[N_TRAIN + N_TEST :] / 255, labels[N_TRAIN + N_TEST :]


@cache
def packed_digits() -> bytes:
    """Return the bytes of the file of digits."""
    content = io.BytesIO()
    np.savez_compressed(content, **digits())  # type: ignore[arg-type]
    return content.getvalue()


def write_digits(folder: Path) -> bool:
    """Write the digits into a folder, unless they are there; return whether it wrote.

    Raises
    ------
    UserError
        If there is another file of that name.
    """
    path = folder / DIGITS
    if not path.exists():
        write_atomically(path, packed_digits())
        return True
    if not _are_ours(path):
        raise UserError("lesson.other_digits", file=path)
    return False


def _are_ours(path: Path) -> bool:
    wanted = digits()
    try:
        # NumPy would leave a damaged file open.
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as found:
            if set(found.files) != set(wanted):
                return False
            return all(np.array_equal(found[name], wanted[name]) for name in wanted)
    except (OSError, ValueError, EOFError, AttributeError, KeyError):
        return False
    except (zipfile.BadZipFile, zlib.error):
        return False


def program(bug: Bug, lang: str) -> str:
    """Return the text of a bug's file in ``lang``."""
    file = resources.files(__package__) / "gallery" / f"{bug.stem}.txt"
    template = string.Template(file.read_text(encoding="utf-8"))
    words = {
        name: text(f"lesson.code.{name}", lang)
        for name in template.get_identifiers()
        if name != "about"
    }
    return template.substitute(words, about=_about(bug, lang))


def _about(bug: Bug, lang: str) -> str:
    """Return the text at the top of the file: the title, what it does, what to type."""
    title = text("lesson.title", lang, number=bug.number, title=bug.title(lang))
    story = textwrap.wrap(
        text(f"lesson.bug{bug.number}.about", lang),
        _WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join([f"{title}.", "", *story, ""])


def mended(bug: Bug, lang: str) -> str:
    """Return the text of a bug's file without the bug: what the tests compare with."""
    content = program(bug, lang)
    for wrong, right in bug.mend:
        if content.count(wrong) != 1:
            raise ValueError(f"bug {bug.number}: {wrong!r} is not there once")
        content = content.replace(wrong, right)
    return content
