"""Arrays that lie in a file: their pages are given back after they were read.

A file that is mapped into memory is read where it is touched; what was read stays, as
this process's memory, until the system needs it for others. So a training would come to
hold a whole file that is larger than what it was allowed.
"""

from __future__ import annotations

import mmap
from typing import Any

# Give back after so many bytes.
MOST_BYTES = 2**26


class Pages:
    """The pages that reading an array brings into memory.

    Of an array that lies in a file and can only be read; of others nothing is done.
    Rows that are read together should lie together: for one row, the system may bring
    in two million bytes around it.

    Parameters
    ----------
    x : array of shape (n, ...) or SparseRows
    """

    def __init__(self, x: Any) -> None:
        self._file = _file_of(x)
        self._row_bytes, self._read = 0, 0
        if self._file is not None:
            self._row_bytes = x[:1].nbytes

    def read(self, rows: int) -> None:
        """Note that so many rows were read, and are not needed any more."""
        if self._file is None:
            return
        self._read += rows * self._row_bytes
        if self._read >= MOST_BYTES:
            self._file.madvise(mmap.MADV_DONTNEED)
            self._read = 0


def _file_of(x: Any) -> mmap.mmap | None:
    """Return the mapped file in which an array lies, if its pages may be given back.

    Not where it may be written: changes that are only in memory would be lost.
    """
    while hasattr(x, "base"):
        x = x.base
    if not isinstance(x, mmap.mmap) or not hasattr(mmap, "MADV_DONTNEED"):
        return None
    return x if memoryview(x).readonly else None
