"""Opening data files that nobody vouches for.

Files are read in bounded pieces, unpacked when they are gzip, and what the operating
system and the decoders say of them becomes one sentence each. Everything in this room
that reads a file goes through here.
"""

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, TypeAlias

from ardoise.digits.datasets import DataError
from ardoise.messages import UserError

FileSource: TypeAlias = str | os.PathLike[str] | io.BufferedIOBase
"""A path, or a seekable file open for reading bytes."""

MAX_BYTES = 2**31
"""The most bytes that one source may unpack to: 2 GiB."""

PIECE = 1 << 20
"""Bytes asked for at a time: 1 MiB."""


def source_name(source: FileSource) -> str:
    """Return what to call ``source`` in a sentence."""
    if isinstance(source, io.BufferedIOBase):
        return str(getattr(source, "name", type(source).__name__))
    return os.fspath(source)


class SupportsRead(Protocol):
    """Anything whose ``read(size)`` returns at most ``size`` bytes."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def open_bytes(
    source: FileSource, *, unpack: bool = True
) -> Iterator[io.BufferedIOBase]:
    """Open a file for reading, through gzip when its first bytes say so.

    What fails inside the ``with`` block because of the file is raised as one sentence.

    Parameters
    ----------
    source : path or seekable binary file
        A file that came open stays open.
    unpack : bool
        Whether to look for gzip.

    Raises
    ------
    DataError
        If the file cannot be opened or read, is empty, or its compression is damaged.
    """
    path = source_name(source)
    if "\0" in path:  # open() would call it a ValueError
        raise DataError("data.missing", path=path)
    with file_errors(path), _opened(source) as raw:
        start = raw.tell()
        magic = raw.read(2)
        raw.seek(start)
        if not magic:
            raise DataError("data.empty_file", path=path)
        if unpack and magic == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=raw, mode="rb") as unpacked:
                yield unpacked
        else:
            yield raw


def _opened(source: FileSource) -> AbstractContextManager[io.BufferedIOBase]:
    if isinstance(source, io.BufferedIOBase):
        return nullcontext(source)
    return open(source, "rb")


@contextmanager
def file_errors(path: str) -> Iterator[None]:
    """Raise what the operating system or gzip has against a file as a `DataError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError("data.missing", path=path) from error
    except PermissionError as error:
        raise DataError("data.denied", path=path) from error
    except IsADirectoryError as error:
        raise DataError("data.folder", path=path) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError("data.gzip", path=path) from error
    except UnicodeDecodeError as error:
        raise DataError("data.not_text", path=path) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError("data.unreadable", path=path, reason=reason) from error


@contextmanager
def decoder_errors(key: str, path: str) -> Iterator[None]:
    """Raise what a decoder has against a file as the sentence ``key``.

    zipfile, NumPy's headers and Pillow raise almost anything on damaged files
    (ValueError, SyntaxError, struct.error, NotImplementedError, …): nothing narrower
    than Exception would do.
    """
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        raise DataError(key, path=path) from error


def read_up_to(file: SupportsRead, size: int) -> bytearray:
    """Return the next ``size`` bytes, or as many as there are.

    Memory grows with what the file really holds, never with ``size``.
    """
    data = bytearray()
    while len(data) < size:
        piece = file.read(min(PIECE, size - len(data)))
        if not piece:
            break
        data += piece
    return data
