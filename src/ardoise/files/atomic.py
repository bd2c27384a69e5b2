"""Writing a file so that whoever reads it finds the old one or the new one, whole."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(
    path: str | Path, content: bytes, *, previous: Path | None = None
) -> None:
    """Write ``content`` to ``path`` through a temporary file in the same folder.

    The file and its folder are on the disk when this returns: after a power cut, there
    is the old file or the new one. With ``previous``, the old one is kept under that
    name; for a moment, it is there alone.

    Raises
    ------
    OSError
        If it cannot be written; an older file at ``path`` is then untouched.
    """
    path = Path(path)
    with _named(path):
        _write(path, content, previous)
        sync_folder(path.parent)


def _write(path: Path, content: bytes, previous: Path | None) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
    try:
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        # mkstemp keeps others out; a result is an ordinary file.
        os.chmod(name, 0o666 & ~_umask())
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)  # Ctrl-C may come when it has its new name
        if previous is not None and previous.exists() and not path.exists():
            os.replace(previous, path)
        raise


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Have errors say which file: writing and syncing know it by a number only."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = os.fspath(path)
        raise


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_strays(path: str | Path) -> None:
    """Remove what a killed process left of its attempts to write ``path``."""
    path = Path(path)
    for stray in path.parent.glob(f"{_prefix(path)}????????"):
        stray.unlink(missing_ok=True)


def read_whole(path: str | Path) -> bytearray:
    """Return the content of an ordinary file.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no ordinary file: a device may never end.
    """
    with open(path, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is not an ordinary file")
        content = bytearray(about.st_size)
        size = file.readinto(content)
        return content[:size] if size < len(content) else content


def _prefix(path: Path) -> str:
    return f".{path.name}."


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
