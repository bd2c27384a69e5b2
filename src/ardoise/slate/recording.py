"""Recordings: what a slate said, in a file, and said again.

The file is the line ``ardoise slate recording 1``, then for each packet
``uint32 milliseconds | uint32 bytes | uint32 CRC-32 of both and the packet | packet``,
all little-endian; the times count from the beginning and never go back. Whoever kills a
server cuts its last packet short: a reader leaves that out, and refuses what is damaged
otherwise.
"""

import asyncio
import struct
import threading
import time
import zlib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from ardoise.files.atomic import read_whole
from ardoise.messages import UserError
from ardoise.slate.connections import Connection
from ardoise.slate.packets import Array, Arrays, Header, PacketError, unpack

MAGIC = b"ardoise slate recording 1\n"
MAX_FILE = 256 << 20
_TIMES = struct.Struct("<II")
_CHECK = struct.Struct("<I")
_HEAD = _TIMES.size + _CHECK.size


class RecordingError(UserError):
    """A recording cannot be written, or is none."""


class Recorder:
    """Writes packets to a file, each at once, from any thread.

    A recording that cannot go on ends; the slate goes on.

    Parameters
    ----------
    path : path
        What is there is overwritten.
    complain : callable
        Takes the `RecordingError` that ended the recording.
    most : int
        Bytes of the whole file.

    Raises
    ------
    RecordingError
        If the file cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        complain: Callable[[RecordingError], None],
        most: int = MAX_FILE,
    ) -> None:
        self.path = path
        self._complain = complain
        self._left = most - len(MAGIC)
        self._start = time.monotonic()
        self._turn = threading.Lock()  # or a later packet could come first
        self._file: BinaryIO | None = None
        try:
            # Unbuffered: a packet is with the system when the next one comes.
            self._file = open(path, "wb", buffering=0)
            self._file.write(MAGIC)
        except OSError as error:
            self.close()
            raise self._unwritable(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, packet: bytes) -> None:
        """Add a packet."""
        with self._turn:
            self._write(packet)

    def _write(self, packet: bytes) -> None:
        if self._file is None:
            return
        self._left -= _HEAD + len(packet)
        if self._left < 0:
            self.close()
            self._complain(RecordingError("slate.record.full", path=self.path))
            return
        milliseconds = round(1000 * (time.monotonic() - self._start))
        times = _TIMES.pack(milliseconds, len(packet))
        check = _CHECK.pack(zlib.crc32(packet, zlib.crc32(times)))
        try:
            self._file.write(times + check + packet)
        except OSError as error:
            self.close()
            self._complain(self._unwritable(error))

    def close(self) -> None:
        """End the recording."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _unwritable(self, error: OSError) -> RecordingError:
        return RecordingError("slate.record.write", path=self.path, reason=error)


@dataclass(frozen=True)
class Entry:
    """A packet of a recording.

    Attributes
    ----------
    seconds : float
        Since the beginning.
    packet : bytes
    header : dict
        The packet's own; its arrays are read again when they are needed.
    """

    seconds: float
    packet: bytes
    header: Header

    @property
    def is_push(self) -> bool:
        """Whether it was said to all, without being asked."""
        return "id" not in self.header


def read_recording(path: str | Path) -> list[Entry]:
    """Return the packets of a recording.

    Raises
    ------
    RecordingError
        If the file cannot be read, is no recording, is damaged or too large.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_FILE:
            raise RecordingError("slate.replay.large", path=path, most=MAX_FILE >> 20)
        content = bytes(read_whole(path))
    except OSError as error:
        raise RecordingError("slate.replay.read", path=path, reason=error) from None
    except RecordingError:
        raise
    except ValueError:  # no ordinary file
        raise RecordingError("slate.replay.none", path=path) from None
    if not content.startswith(MAGIC):
        raise RecordingError("slate.replay.none", path=path)
    try:
        entries = _entries(memoryview(content)[len(MAGIC) :])
    except (PacketError, ValueError):
        raise RecordingError("slate.replay.damaged", path=path) from None
    if not any(entry.header["type"] == "hello" for entry in entries):
        raise RecordingError("slate.replay.empty", path=path)
    return entries


def _entries(rest: memoryview) -> list[Entry]:
    """Return the packets of what follows the file's beginning.

    Raises
    ------
    PacketError, ValueError
        If something is damaged.
    """
    entries: list[Entry] = []
    latest = 0
    while len(rest) >= _HEAD:
        milliseconds, size = _TIMES.unpack_from(rest)
        (check,) = _CHECK.unpack_from(rest, _TIMES.size)
        packet = bytes(rest[_HEAD : _HEAD + size])
        if len(packet) < size:
            break
        if zlib.crc32(packet, zlib.crc32(rest[: _TIMES.size])) != check:
            raise ValueError("another checksum")
        header, _ = unpack(packet)
        if milliseconds < latest or not isinstance(header.get("type"), str):
            raise ValueError("no recording of ours")
        latest = milliseconds
        entries.append(Entry(milliseconds / 1000, packet, header))
        rest = rest[_HEAD + size :]
    return entries


class Replay:
    """A recording that answers and pushes as the slate did.

    Each request is given the next recorded answer of its type, the last one again when
    there is none left; pushes come to each page at their times after its hello.

    Parameters
    ----------
    entries : list of Entry
    """

    def __init__(self, entries: list[Entry]) -> None:
        self._answers: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            if not entry.is_push and entry.header["type"] != "error":
                self._answers[entry.header["type"]].append(entry)
        hello = self._answers["hello"][0].seconds
        self._pushes = [entry for entry in entries if entry.is_push]
        self._pushes = self._pushes[self._first_after(hello) :]
        self._start = hello
        self._asked: dict[str, int] = defaultdict(int)
        self._tasks: set[asyncio.Task[None]] = set()

    def _first_after(self, seconds: float) -> int:
        return bisect_left(self._pushes, seconds, key=lambda entry: entry.seconds)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        if not self._pushes:
            return 0.0
        return round(self._pushes[-1].seconds - self._start, 3)

    def answer(
        self, kind: str, fields: Header, arrays: Arrays
    ) -> tuple[Mapping[str, Any], Mapping[str, Array]]:
        """Return what was answered to such a request.

        Raises
        ------
        RecordingError
            If nothing was.
        """
        found = self._answers.get(kind)
        if not found:
            raise RecordingError("slate.replay.silent")
        if kind == "hello":
            header, arrays = unpack(found[0].packet)
            now = {"replay": True, "seconds": self.seconds, "learning": "replay"}
            return {**header, **now}, arrays
        n = min(self._asked[kind], len(found) - 1)
        self._asked[kind] += 1
        return unpack(found[n].packet)

    def greet(self, connection: Connection) -> None:
        """Begin to push to a new page what was pushed, with answers from the first."""
        self._asked.clear()
        task = asyncio.get_running_loop().create_task(self._play(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, connection: Connection) -> None:
        clock = asyncio.get_running_loop().time
        start = clock() - self._start
        for entry in self._pushes:
            await asyncio.sleep(max(0.0, start + entry.seconds - clock()))
            if connection.is_closed:
                return
            connection.post(entry.header["type"], entry.packet)
