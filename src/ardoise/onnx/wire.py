"""The wire format of protocol buffers: messages to bytes, and bytes to messages.

Nothing here is generated: a table (`schema`) says which fields a message has, one
function reads any of them and one writes them. The reader is strict: every length is
compared with what is there before anything is sliced, and nothing is allocated on the
file's word.

References
----------
"Protocol Buffers, Encoding", protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.errors import Damage
from ardoise.onnx.schema import BYTES, EIGHT, FOUR, MESSAGES, NUMBERS, VARINT, Field

# A message takes a few hundred bytes once it is a Python object, and two in a file:
# this many fields are read in a second, into some 30 MiB.
MOST_FIELDS = 100_000
MOST_BYTES = 2**31 - 1  # of a message, by the rules of protocol buffers

Message = dict[str, Any]
_NUMBERED = {
    kind: [f for f in fields.values() if f.many and f.kind in NUMBERS]
    for kind, fields in MESSAGES.items()
}


def decode(kind: str, content: bytes | memoryview) -> Message:
    """Return the fields of a message, by name.

    Numbers that may come more than once are one array, other such fields a list;
    ``bytes`` are views of ``content``. What the file does not mention is not there.

    Raises
    ------
    Damage
        If it is no such message, or one of more than `MOST_FIELDS` fields in all.
    """
    if len(content) > MOST_BYTES:
        raise Damage(f"a message has at most {MOST_BYTES} bytes")
    return _Reader(memoryview(content).cast("B")).message(kind, 0, len(content))


def encode(kind: str, message: Mapping[str, Any]) -> bytes:
    """Return the bytes of a message, its fields in the order of their numbers."""
    parts: list[bytes] = []
    for number, field in sorted(MESSAGES[kind].items()):
        if field.name not in message:
            continue
        value = message[field.name]
        for one in value if field.many else (value,):
            parts += _encoded(number, field.kind, one)
    return b"".join(parts)


# -- reading --------------------------------------------------------------------------


class _Reader:
    """Reads messages from bytes, and counts their fields."""

    def __init__(self, view: memoryview) -> None:
        self.view = view
        self.fields_left = MOST_FIELDS

    def message(self, kind: str, start: int, stop: int) -> Message:
        """Return the fields of the message between two places."""
        fields = MESSAGES[kind]
        found: Message = {}
        at = start
        while at < stop:
            self.fields_left -= 1
            if self.fields_left < 0:
                raise Damage(f"more than {MOST_FIELDS} fields")
            tag, at = self._varint(at, stop)
            number, wire = tag >> 3, tag & 7
            if not 0 < number < 1 << 29:
                raise Damage(f"field number {number}")
            field = fields.get(number)
            if wire == VARINT:
                value, at = self._varint(at, stop)
                if field is not None:
                    _add_number(found, field, wire, value)
                continue
            begin, at = self._extent(wire, at, stop)
            if field is not None:
                self._add(found, field, wire, begin, at)
        for field in _NUMBERED[kind]:
            if field.name in found:
                found[field.name] = _joined(found[field.name], field.kind)
        return found

    def _varint(self, at: int, stop: int) -> tuple[int, int]:
        """Return a number of at most 64 bits, and where it ends."""
        value = shift = 0
        while at < stop:
            byte = self.view[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if value >> 64:
                    break
                return value, at
            shift += 7
            if shift == 70:
                break
        raise Damage(f"no number at byte {at}")

    def _extent(self, wire: int, at: int, stop: int) -> tuple[int, int]:
        """Return where a field's bytes begin and end."""
        if wire == BYTES:
            length, at = self._varint(at, stop)
        elif wire in (EIGHT, FOUR):
            length = 8 if wire == EIGHT else 4
        else:
            raise Damage(f"wire type {wire}: ONNX has no groups")
        if length > stop - at:
            raise Damage(f"{length} bytes announced at byte {at}, of {stop - at}")
        return at, at + length

    def _add(
        self, found: Message, field: Field, wire: int, begin: int, end: int
    ) -> None:
        """Keep a field that lies between two places."""
        if field.kind in NUMBERS:
            _add_numbers(found, field, wire, self.view[begin:end])
            return
        if wire != BYTES:
            raise Damage(f"wire type {wire} for {field.name}")
        value: Any
        if field.kind == "seen":
            value = True
        elif field.kind == "bytes":
            value = self.view[begin:end]
        elif field.kind == "string":
            try:
                value = str(self.view[begin:end], "utf-8")
            except UnicodeDecodeError as error:
                raise Damage(f"{field.name} is no text") from error
        else:
            value = self.message(field.kind, begin, end)
        _keep(found, field, value)


def _keep(found: Message, field: Field, value: Any) -> None:
    if field.many:
        found.setdefault(field.name, []).append(value)
    elif field.name in found:
        # The last would count; whoever writes two hopes for readers that differ.
        raise Damage(f"{field.name} twice")
    else:
        found[field.name] = value


def _add_number(found: Message, field: Field, wire: int, value: int) -> None:
    """Keep one number that was a varint."""
    if field.kind not in NUMBERS or NUMBERS[field.kind][0] != wire:
        raise Damage(f"a number for {field.name}")
    if field.kind != "uint64" and value >> 63:
        value -= 1 << 64
    if field.kind == "int32" and not -(1 << 31) <= value < 1 << 31:
        raise Damage(f"{field.name} of more than 32 bits")
    _keep(found, field, value)


def _add_numbers(found: Message, field: Field, wire: int, view: memoryview) -> None:
    """Keep one number of fixed length, or many in a row ("packed")."""
    expected, dtype = NUMBERS[field.kind]
    if wire == expected:
        _keep(found, field, np.frombuffer(view, dtype)[0].item())
    elif wire != BYTES or not field.many:
        raise Damage(f"wire type {wire} for {field.name}")
    elif expected == VARINT:
        _keep(found, field, _varints(view, field.kind))
    elif len(view) % dtype.itemsize:
        raise Damage(f"{len(view)} bytes for {field.name}")
    else:
        _keep(found, field, np.frombuffer(view, dtype))


def _joined(pieces: list[Any], kind: str) -> Array:
    """Return numbers, and arrays of numbers, as one array."""
    dtype = NUMBERS[kind][1]
    whole: Array
    if len(pieces) == 1 and isinstance(whole := pieces[0], np.ndarray):
        return whole
    if not any(isinstance(piece, np.ndarray) for piece in pieces):
        return np.array(pieces, dtype)
    return np.concatenate([np.atleast_1d(np.asarray(p, dtype)) for p in pieces])


# The numbers of so many bytes are unpacked at a time: the work space stays small.
UNPACKED_BYTES = 1 << 16


def _varints(view: memoryview, kind: str) -> Array:
    """Return the numbers of a packed field, at most 64 bits each."""
    content = np.frombuffer(view, np.uint8)
    last = np.uint8(0x80)
    if len(content) and content[-1] >= last:
        raise Damage("a number is cut off")
    parts = []
    start = 0
    while start < len(content):
        stop = min(start + UNPACKED_BYTES, len(content))
        while content[stop - 1] >= last:  # not in the middle of a number
            stop -= 1
            if stop == start:
                raise Damage("a number of more than 64 bits")
        parts.append(_unpack(content[start:stop]))
        start = stop
    numbers = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    if kind == "uint64":
        return numbers
    signed = numbers.view(np.int64)
    if kind == "int32" and np.any((signed < -(1 << 31)) | (signed >= 1 << 31)):
        raise Damage("a number of more than 32 bits")
    return signed


def _unpack(content: Array) -> Array:
    """Return the numbers of whole varints; shapes (bytes,) and (numbers,)."""
    ends = np.flatnonzero(content < 0x80)
    starts = np.concatenate([ends[:1] * 0, ends[:-1] + 1])
    lengths = ends - starts + 1
    longest = int(lengths.max())
    if longest > 10 or np.any(content[starts[lengths == 10] + 9] > 1):
        raise Damage("a number of more than 64 bits")
    numbers = np.zeros(len(ends), np.uint64)
    for place in range(longest):
        some = np.flatnonzero(lengths > place)
        bits = (content[starts[some] + place] & 0x7F).astype(np.uint64)
        numbers[some] |= bits << np.uint64(7 * place)
    return numbers


# -- writing --------------------------------------------------------------------------


def _encoded(number: int, kind: str, value: Any) -> list[bytes]:
    """Return the parts of one field."""
    if kind in NUMBERS:
        wire, _ = NUMBERS[kind]
        tag = _varint_bytes(number << 3 | wire)
        if wire == VARINT:
            return [tag, _varint_bytes(int(value) & (1 << 64) - 1)]
        return [tag, struct.pack("<f" if wire == FOUR else "<d", value)]
    if kind == "string":
        content = value.encode()
    elif kind == "bytes":
        content = value
    else:
        content = encode(kind, value)
    tag = _varint_bytes(number << 3 | BYTES)
    return [tag, _varint_bytes(len(content)), content]


def _varint_bytes(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
