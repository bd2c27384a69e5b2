"""Packets: what the page and the server send each other, a JSON header and arrays.

A packet is ``uint32 n | header: n bytes of JSON in UTF-8 | arrays``, all little-endian.
The header's ``arrays`` lists ``{"name", "dtype", "shape"}`` of what follows it, in
order; each array is padded with zeros to a multiple of 4 bytes. What this module writes
has a header padded with spaces, so that every array begins at a multiple of 4 bytes of
the packet and JavaScript can look at it in place. A packet without arrays may also come
as text: the header alone.
"""

import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.files.safetensors import strict_json
from ardoise.messages import UserError

Array = NDArray[Any]
Arrays = dict[str, Array]
Header = dict[str, Any]

# Little-endian on the way, whatever the machine.
DTYPES = {"uint8": "u1", "float32": "<f4", "int32": "<i4"}
MAX_ARRAYS = 64
MAX_DIMENSIONS = 4
_LENGTH = struct.Struct("<I")


class PacketError(UserError):
    """What came is no packet."""


def pack(
    header: Mapping[str, Any],
    arrays: Mapping[str, Array] | None = None,
    lang: str = "en",
) -> bytes:
    """Return a packet.

    Parameters
    ----------
    header : mapping
        What JSON can hold, and: NumPy scalars, tuples, and `UserError`, which becomes
        its sentence in ``lang``. Infinity and NaN become null: JSON has none.
    arrays : mapping of str to array, optional
        uint8, float32 or int32; bool becomes uint8, other integers int32 and other
        floats float32.

    Raises
    ------
    TypeError
        If the header holds something else, or an array is of another kind.
    """
    described, parts = [], []
    for name, array in (arrays or {}).items():
        kind = _wire_dtype(array)
        content = np.ascontiguousarray(array, DTYPES[kind]).tobytes()
        described.append({"name": name, "dtype": kind, "shape": list(array.shape)})
        parts += [content, bytes(-len(content) % 4)]
    whole = _plain({**header, "arrays": described} if described else header, lang)
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    encoded = text.encode()
    encoded += b" " * (-len(encoded) % 4)
    return b"".join([_LENGTH.pack(len(encoded)), encoded, *parts])


def unpack(packet: bytes | str) -> tuple[Header, Arrays]:
    """Return a packet's header, without its ``arrays``, and its arrays.

    The arrays are copies in the machine's own order of bytes. Nothing is allocated on
    the packet's word: sizes are compared with what is there first.

    Raises
    ------
    PacketError
        If it is no packet.
    """
    if isinstance(packet, str):
        encoded, rest = packet.encode(errors="surrogatepass"), memoryview(b"")
    else:
        content = memoryview(packet)
        if len(content) < _LENGTH.size:
            raise PacketError("slate.packet.short", size=len(content))
        (length,) = _LENGTH.unpack_from(content)
        if length > len(content) - _LENGTH.size:
            raise PacketError("slate.packet.short", size=len(content))
        start = _LENGTH.size + length
        encoded, rest = bytes(content[_LENGTH.size : start]), content[start:]
    header = _header(encoded)
    return header, _arrays(header.pop("arrays", []), rest)


def _header(encoded: bytes) -> Header:
    try:
        header = strict_json(encoded.decode())
        if isinstance(header, dict) and _is_finite(header):
            return header
    except (ValueError, RecursionError):  # among them, what is not UTF-8
        pass
    raise PacketError("slate.packet.json")


def _arrays(described: Any, rest: memoryview) -> Arrays:
    if not isinstance(described, list) or len(described) > MAX_ARRAYS:
        raise PacketError("slate.packet.arrays")
    arrays: Arrays = {}
    for entry in described:
        name, dtype, shape = _described(entry)
        if name in arrays:
            raise PacketError("slate.packet.arrays")
        size = math.prod(shape) * dtype.itemsize
        padded = size + -size % 4
        if padded > len(rest):
            raise PacketError("slate.packet.size")
        array = np.frombuffer(rest[:size], dtype).reshape(shape)
        arrays[name] = array.astype(dtype.newbyteorder("="))
        rest = rest[padded:]
    if len(rest):
        raise PacketError("slate.packet.size")
    return arrays


def _described(entry: Any) -> tuple[str, np.dtype[Any], tuple[int, ...]]:
    """Return name, dtype and shape of an entry of the header's ``arrays``."""
    if not isinstance(entry, dict) or entry.keys() != {"name", "dtype", "shape"}:
        raise PacketError("slate.packet.arrays")
    name, kind, shape = entry["name"], entry["dtype"], entry["shape"]
    if not isinstance(name, str) or not isinstance(kind, str) or kind not in DTYPES:
        raise PacketError("slate.packet.arrays")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS:
        raise PacketError("slate.packet.arrays")
    # bool is an int in Python, and no length.
    if not all(type(length) is int and 0 <= length < 1 << 31 for length in shape):
        raise PacketError("slate.packet.arrays")
    return name, np.dtype(DTYPES[kind]), tuple(shape)


def _wire_dtype(array: Array) -> str:
    kind = array.dtype.kind
    if array.dtype == np.uint8 or kind == "b":
        return "uint8"
    if kind == "f":
        return "float32"
    if kind in "iu":
        return "int32"
    raise TypeError(f"a packet holds numbers, not {array.dtype}")


def _plain(value: Any, lang: str) -> Any:
    """Return ``value`` as JSON can hold it."""
    if isinstance(value, UserError):
        return value.sentence(lang)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _plain(each, lang) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, lang) for each in value]
    return value


def _is_finite(value: Any) -> bool:
    """Tell whether all numbers are finite: Python reads 1e999 as infinity."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(_is_finite(each) for each in value.values())
    if isinstance(value, list):
        return all(_is_finite(each) for each in value)
    return True
