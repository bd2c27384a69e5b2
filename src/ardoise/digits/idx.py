"""The IDX format of the MNIST files: arrays of numbers behind a short header.

An IDX file is two zero bytes, a type code, the number of dimensions, each dimension as
a big-endian 32-bit number, and then the values, big-endian, last dimension fastest.
The reader believes a header only as far as the bytes that follow bear it out.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten
digits", section "File formats".
"""

import gzip
import io
import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import DataError
from ardoise.digits.reading import (
    MAX_BYTES,
    FileSource,
    file_errors,
    open_bytes,
    read_up_to,
    source_name,
)

_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(np.int16),
    0x0C: np.dtype(np.int32),
    0x0D: np.dtype(np.float32),
    0x0E: np.dtype(np.float64),
}

_MAX_DIMENSIONS = 32  # every NumPy can hold as many; real files have one to four


def read_idx(path_or_file: FileSource, *, max_bytes: int = MAX_BYTES) -> NDArray[Any]:
    """Read an IDX file, plain or gzip (told by its first bytes, not by its name).

    Parameters
    ----------
    path_or_file : path or seekable binary file
        What to read. A file that came open is read from where it stands, and stays
        open.
    max_bytes : int
        The most bytes of values to accept.

    Returns
    -------
    ndarray
        uint8, int8, int16, int32, float32 or float64 as the file says, C-contiguous,
        in this machine's byte order, writable.

    Raises
    ------
    DataError
        If the file cannot be read, is not IDX, announces no values or more than
        ``max_bytes``, or holds fewer or more bytes than it announces. Memory grows
        with what the file really holds, whatever its header says.
    """
    name = source_name(path_or_file)
    with open_bytes(path_or_file) as file:
        dtype, shape = _read_header(file, name)
        expected = math.prod(shape) * dtype.itemsize
        announced = " × ".join(map(str, shape))
        facts = {"path": name, "shape": announced, "expected": expected}
        if expected == 0:
            raise DataError("idx.no_values", path=name, shape=announced)
        if expected > max_bytes:
            raise DataError("idx.too_large", limit=max_bytes, **facts)
        data = read_up_to(file, expected)
        if len(data) < expected:
            raise DataError("idx.truncated", got=len(data), **facts)
        # Asking for one byte more also makes gzip compare its checksum.
        if file.read(1):
            raise DataError("idx.trailing", **facts)
    values = np.frombuffer(data, dtype=dtype.newbyteorder(">"))
    if not values.dtype.isnative:
        values = values.byteswap(inplace=True).view(dtype)
    return values.reshape(shape)


def _read_header(
    file: io.BufferedIOBase, name: str
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read the type and the sizes that an IDX file announces."""
    start = read_up_to(file, 4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in _TYPES:
        raise DataError("idx.not_idx", path=name)
    dimensions = start[3]
    if not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise DataError(
            "idx.dimensions", path=name, got=dimensions, limit=_MAX_DIMENSIONS
        )
    sizes = read_up_to(file, 4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError("idx.short_header", path=name)
    return _TYPES[start[2]], tuple(np.frombuffer(sizes, dtype=">u4").tolist())


def write_idx(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write an array as an IDX file, compressed with gzip if its name ends in ``.gz``.

    Parameters
    ----------
    path : path
        Where to write; a file that is there is replaced.
    array : ndarray
        uint8, int8, int16, int32, float32 or float64, with 1 to 32 dimensions, none of
        them empty.

    Raises
    ------
    DataError
        If IDX has no such type or shape, or the file cannot be written.
    """
    values = np.asarray(array)
    codes = {dtype: code for code, dtype in _TYPES.items()}
    code = codes.get(values.dtype.newbyteorder("="))
    if code is None:
        raise DataError("idx.type", got=values.dtype.name)
    fits = 1 <= values.ndim <= _MAX_DIMENSIONS and values.size > 0
    if not fits or max(values.shape) >= 2**32:
        raise DataError("idx.shape", shape=values.shape, limit=_MAX_DIMENSIONS)
    header = bytes([0, 0, code, values.ndim])
    sizes = np.array(values.shape, dtype=">u4").tobytes()
    big_endian = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder(">"))
    name = os.fspath(path)
    with file_errors(name), open(path, "wb") as raw:
        if not name.endswith(".gz"):
            raw.write(header + sizes)
            raw.write(big_endian.data)
            return
        # No name and no date inside: the same array gives the same bytes.
        with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
            packed.write(header + sizes)
            packed.write(big_endian.data)
