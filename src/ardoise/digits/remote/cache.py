"""The folder where what was fetched is kept, and what is certain about its files.

A file counts as there only if every byte of it is the right one. Whoever fetches holds
a lock on the folder, which the system takes back when a process ends, however it ends.
"""

import errno
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ardoise.digits.datasets import DataError
from ardoise.digits.reading import PIECE
from ardoise.digits.remote.table import RemoteFile

_LOCK = ".lock"
_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_WAIT = 0.2  # seconds between two looks at a lock


def cache_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the cache, whether or not it exists.

    That is ``$ARDOISE_CACHE``, else ``ardoise`` in ``$XDG_CACHE_HOME``, else in the
    system's usual place: ``~/.cache``, ``~/Library/Caches``, ``%LOCALAPPDATA%``.

    Raises
    ------
    DataError
        If this account has no home to keep it in.
    """
    environ = os.environ if environ is None else environ
    if own := environ.get("ARDOISE_CACHE"):
        return Path(own).absolute()
    shared = environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(shared):  # XDG: a path that is not absolute does not count
        return Path(shared) / "ardoise"
    try:
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError as error:
        raise DataError("cache.nowhere") from error
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA") or home / "AppData" / "Local"
        return Path(local) / "ardoise" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "ardoise"
    return home / ".cache" / "ardoise"


@contextmanager
def cache_errors(folder: Path) -> Iterator[None]:
    """Raise what the system has against writing into the cache as a `DataError`."""
    try:
        yield
    except OSError as error:
        raise DataError("cache.unwritable", folder=folder, reason=error) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            sha.update(piece)
    return sha.hexdigest()


def is_whole(path: Path, size: int, sha256: str) -> bool:
    """Return whether a file is there with the size and the SHA-256 that it must have.

    One that cannot be read is not.
    """
    try:
        return path.stat().st_size == size and sha256_of(path) == sha256
    except OSError:
        return False


def missing(files: tuple[RemoteFile, ...], folder: Path) -> tuple[RemoteFile, ...]:
    """Return the files that are not in the folder, or not whole."""
    return tuple(f for f in files if not is_whole(folder / f.name, f.size, f.sha256))


@contextmanager
def alone_in(folder: Path, waiting: Callable[[], None]) -> Iterator[bool]:
    """Hold the lock of a folder, so that one process at a time fetches into it.

    Parameters
    ----------
    folder : Path
    waiting : callable
        Called now and then while another process holds it.

    Yields
    ------
    bool
        False where the system has no locks: another process may then be at work too.

    Raises
    ------
    DataError
        If the folder cannot be written to.
    """
    with cache_errors(folder):
        file = open(folder / _LOCK, "ab")
    with file:
        while (held := _lock(file)) is False:
            waiting()
            time.sleep(_WAIT)
        yield held is not None


def _lock(file: BinaryIO) -> bool | None:
    """Try to lock a file: True if it is ours, False if it is not, None if none can."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _BUSY else None
    return True
