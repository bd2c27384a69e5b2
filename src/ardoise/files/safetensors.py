"""Arrays in a file: the safetensors format, read more strictly than by its library.

The length of the header (8 bytes, little-endian), the header (JSON: each array's dtype,
shape and place, and a map of texts), the arrays' bytes. Nothing is allocated on the
file's word: sizes are compared with what is there before anything is made of them. The
format is described in the README of the safetensors library, version 0.5.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from ardoise.engine.arrays import Array

MAX_HEADER = 1 << 20
DTYPES = {
    "BOOL": "?",
    "U8": "u1",
    "I8": "i1",
    "U16": "<u2",
    "I16": "<i2",
    "F16": "<f2",
    "U32": "<u4",
    "I32": "<i4",
    "F32": "<f4",
    "U64": "<u8",
    "I64": "<i8",
    "F64": "<f8",
    "C64": "<c8",
}
NAMES = {np.dtype(code).newbyteorder("="): name for name, code in DTYPES.items()}
# The metadata's own: a digest of the whole file, with zeros where it stands.
SEAL = "sha256"
UNSEALED = "0" * 64

Tensors = dict[str, Array]
Metadata = dict[str, str]


def write_tensors(
    tensors: Mapping[str, Array],
    metadata: Mapping[str, str] | None = None,
    *,
    seal: bool = False,
) -> bytes:
    """Return the content of a file that holds these arrays.

    Parameters
    ----------
    tensors : mapping of str to array
        Of the dtypes in `DTYPES`, any shape; wider dtypes come first in the file, so
        that every array begins at a multiple of its item's size.
    metadata : mapping of str to str, optional
    seal : bool
        Whether to add a SHA-256 of the whole file under ``"sha256"``.

    Raises
    ------
    ValueError
        If a dtype has no name in the format, or the header is longer than 1 MiB.
    """
    order = sorted(tensors, key=lambda name: -np.asarray(tensors[name]).dtype.itemsize)
    header: dict[str, Any] = {}
    # The seal is first: other texts may hold as many zeros.
    texts = {**({SEAL: UNSEALED} if seal else {}), **(metadata or {})}
    if texts:
        header["__metadata__"] = texts
    parts, offset = [], 0
    for name in order:
        array = np.asarray(tensors[name])
        kind = NAMES.get(array.dtype.newbyteorder("="))
        if kind is None or name == "__metadata__":
            raise ValueError(f"{name!r} cannot be written: its dtype is {array.dtype}")
        content = array.astype(DTYPES[kind], copy=False).tobytes()
        end = offset + len(content)
        line = {"dtype": kind, "shape": list(array.shape)}
        header[name] = {**line, "data_offsets": [offset, end]}
        parts.append(content)
        offset = end
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the arrays begin at a multiple of 8
    if len(text) > MAX_HEADER:
        raise ValueError(
            f"a file's header holds at most {MAX_HEADER} bytes; names, shapes and "
            f"metadata take {len(text)}"
        )
    content = b"".join([len(text).to_bytes(8, "little"), text, *parts])
    return _sealed(content, len(text)) if seal else content


def read_tensors(
    content: bytes | bytearray, *, sealed: bool = False
) -> tuple[Tensors, Metadata]:
    """Return the arrays and the metadata in the content of a file.

    Parameters
    ----------
    content : bytes or bytearray
    sealed : bool
        Whether there must be a SHA-256 that is right.

    Returns
    -------
    tensors : dict of str to array
        Views of ``content``, in the machine's byte order.
    metadata : dict of str to str
        Without the digest.

    Raises
    ------
    ValueError
        If the file breaks a rule: the message says which.
    """
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(MAX_HEADER, len(content) - 8):
        raise ValueError("the length of the header is wrong")
    text = content[8 : 8 + length]
    if text[:1] != b"{":
        raise ValueError("the header does not begin as JSON does")
    header = strict_json(text.decode("utf-8"))
    metadata = _check_texts(header.pop("__metadata__", {}))
    places = {name: _check_line(line) for name, line in header.items()}
    _check_cover(places, len(content) - 8 - length)
    if sealed:
        _check_seal(content, length, metadata.pop(SEAL, ""))
    tensors = {}
    for name, (dtype, shape, start, _) in places.items():
        count = math.prod(shape)
        array = np.frombuffer(content, dtype, count, 8 + length + start)
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        tensors[name] = native.reshape(shape)
    return tensors, metadata


def strict_json(text: str) -> Any:
    """Read JSON, without duplicate names, NaN or infinity.

    Raises
    ------
    ValueError
        If it is not such JSON, or lies deeper in itself than Python can follow.
    """

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"JSON has no {constant}")

    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = dict(pairs)
        if len(keys) != len(pairs):
            raise ValueError("something is named twice")
        return keys

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=no_duplicates)
    except RecursionError:
        raise ValueError("it lies too deep in itself") from None


def _check_texts(metadata: Any) -> Metadata:
    if not isinstance(metadata, dict) or not all(
        isinstance(value, str) for value in metadata.values()
    ):
        raise ValueError("the metadata must be a map of texts")
    return metadata


def _check_line(line: Any) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """Return dtype, shape, start and end of an array, whose sizes agree."""
    if not isinstance(line, dict) or set(line) != {"dtype", "shape", "data_offsets"}:
        raise ValueError("an array is described by something else than three entries")
    if not isinstance(line["dtype"], str) or line["dtype"] not in DTYPES:
        raise ValueError("an array has an unknown dtype")
    dtype = np.dtype(DTYPES[line["dtype"]])
    shape, place = line["shape"], line["data_offsets"]
    if not _are_counts(shape) or not _are_counts(place) or len(place) != 2:
        raise ValueError("a shape or a place is not made of whole numbers")
    if len(shape) > 32:  # NumPy has no more than 64 axes, and old ones 32
        raise ValueError("an array has too many axes")
    start, end = place
    if end - start != dtype.itemsize * math.prod(shape):
        raise ValueError("an array's shape and its place do not agree")
    return dtype, tuple(shape), start, end


def _are_counts(values: Any) -> bool:
    return isinstance(values, list) and all(
        type(value) is int and 0 <= value < 1 << 62 for value in values
    )


def _check_cover(places: Mapping[str, tuple[Any, Any, int, int]], size: int) -> None:
    """Refuse bytes that belong to no array or to two."""
    position = 0
    for _, _, start, end in sorted(places.values(), key=lambda place: place[2:]):
        if start != position:
            raise ValueError("arrays overlap, or leave bytes between them")
        position = end
    if position != size:
        raise ValueError("the file is cut off, or longer than its header says")


def _sealed(content: bytes, length: int) -> bytes:
    """Write the digest where `UNSEALED` stands in the header."""
    place = content.index(UNSEALED.encode(), 8, 8 + length)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content[:place] + digest + content[place + len(digest) :]


def _check_seal(content: bytes | bytearray, length: int, digest: str) -> None:
    place = content.find(digest.encode(), 8, 8 + length) if len(digest) == 64 else -1
    if place < 0:
        raise ValueError("there is no digest")
    view = memoryview(content)
    found = hashlib.sha256(view[:place])
    found.update(UNSEALED.encode())
    found.update(view[place + 64 :])
    if found.hexdigest() != digest:
        raise ValueError("the digest does not fit the content")
