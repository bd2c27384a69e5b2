"""openings.json: how often the test images were looked at, and what was seen.

The file lies beside the model. It is written before a score is shown: what cannot be
counted is not opened.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ardoise.files import write_atomically
from ardoise.files.atomic import read_whole
from ardoise.files.safetensors import strict_json
from ardoise.messages import UserError

OPENINGS = "openings.json"
FORMAT = 1
KINDS = {
    "time": str,
    "model": str,
    "sha256": str,
    "data": str,
    "test": str,
    "correct": int,
    "total": int,
}


class OpeningsError(UserError):
    """Openings cannot be counted, and the test images stay sealed."""


@dataclass(frozen=True)
class Opening:
    """One look at test images.

    Attributes
    ----------
    time : str
        ISO 8601, in UTC.
    model, sha256 : str
        The name of the model file, and the digest of its content.
    data : str
        What the data is called.
    test : str
        The digest of the test images and their labels.
    correct, total : int
        The score.
    """

    time: str
    model: str
    sha256: str
    data: str
    test: str
    correct: int
    total: int


def now() -> str:
    """Return the time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(read_whole(file)).hexdigest()


def count_opening(folder: Path, opening: Opening) -> list[Opening]:
    """Write an opening down; return all openings of the same test images, in order.

    Raises
    ------
    OpeningsError
        If the file that counts them cannot be read or written.
    """
    openings = [*read_openings(folder), opening]
    path = folder / OPENINGS
    content = {"format": FORMAT, "openings": [asdict(entry) for entry in openings]}
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise OpeningsError("openings.unwritable", path=path, reason=error) from None
    return [entry for entry in openings if entry.test == opening.test]


def read_openings(folder: Path) -> list[Opening]:
    """Return what a folder's file says; nothing, where there is none.

    Raises
    ------
    OpeningsError
        If it cannot be read, or is something else.
    """
    path = folder / OPENINGS
    try:
        content = read_whole(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise OpeningsError("openings.unreadable", path=path, reason=error) from None
    except ValueError:
        raise OpeningsError("openings.damaged", path=path) from None
    try:
        found: Any = strict_json(content.decode())
        if found["format"] != FORMAT:
            raise ValueError("another format")
        return [_opening(entry) for entry in found["openings"]]
    except (KeyError, TypeError, ValueError, RecursionError):
        raise OpeningsError("openings.damaged", path=path) from None


def _opening(entry: Any) -> Opening:
    """Return an entry of the file.

    Raises
    ------
    TypeError, KeyError, ValueError
        If it is none.
    """
    values = {name: entry[name] for name in KINDS}
    if any(type(values[name]) is not kind for name, kind in KINDS.items()):
        raise TypeError("a value of another kind")
    opening = Opening(**values)
    if not 0 <= opening.correct <= opening.total or opening.total == 0:
        raise ValueError("no share")
    return opening
