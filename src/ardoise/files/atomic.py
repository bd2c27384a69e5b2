"""Writing a file so that whoever reads it finds the old one or the new one, whole."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path`` through a temporary file in the same folder.

    Raises
    ------
    OSError
        If it cannot be written; an older file at ``path`` is then untouched.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp keeps others out; a result is an ordinary file.
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)  # Ctrl-C may come when it has its new name
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
