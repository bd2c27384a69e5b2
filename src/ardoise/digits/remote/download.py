"""One file, from the first mirror that gives it whole.

It grows under another name, ``….part``, and gets its own when its SHA-256 is the right
one. What a broken connection, Ctrl-C or a killed process leaves is gone on from, with
an HTTP range, at whatever mirror answers next: the SHA-256 tells if the parts fit.
"""

import json
import os
import time
from pathlib import Path

from ardoise.digits.remote.cache import cache_errors, is_whole
from ardoise.digits.remote.table import Progress, RemoteFile
from ardoise.digits.remote.web import (
    BrokenError,
    BusyError,
    MirrorError,
    RestartError,
    ask,
)
from ardoise.files.atomic import sync_folder

TIMEOUT = 20.0
"""Seconds of silence before a mirror is given up."""

ATTEMPTS = 6
"""How often a mirror is asked, as long as each time brings something."""

PAUSE = 1.0
"""Seconds before the second attempt; before the third, twice that, and so on."""


class DownloadError(Exception):
    """No mirror gave a file.

    Attributes
    ----------
    reasons : tuple of MirrorError
        What was wrong with each.
    """

    def __init__(self, reasons: tuple[MirrorError, ...]) -> None:
        super().__init__("; ".join(map(str, reasons)))
        self.reasons = reasons


def download(
    file: RemoteFile,
    folder: Path,
    progress: Progress,
    *,
    private: bool = False,
    timeout: float | None = None,
) -> None:
    """Bring a file into a folder: whole, or not at all.

    Parameters
    ----------
    file : RemoteFile
    folder : Path
        Which exists.
    progress : callable
        See `Progress`.
    private : bool
        Whether to share the part that has come with no other process.
    timeout : float, optional
        Seconds of silence before a mirror is given up; by default `TIMEOUT`.

    Raises
    ------
    DownloadError
        If no mirror gives it.
    DataError
        If the folder cannot be written to.
    """
    suffix = f".{os.getpid()}.part" if private else ".part"
    part = _Part(file, folder, suffix, progress)
    reasons: list[MirrorError] = []
    for url in file.urls:
        try:
            _from_mirror(url, part, TIMEOUT if timeout is None else timeout)
        except MirrorError as error:
            reasons.append(error)
        else:
            part.finish()
            return
    raise DownloadError(tuple(reasons))


def _from_mirror(url: str, part: "_Part", timeout: float) -> None:
    """Complete the part from one mirror, and prove it."""
    for attempt in range(1, ATTEMPTS + 1):
        had, is_last = part.length(), attempt == ATTEMPTS
        try:
            part.receive(url, timeout)
            part.prove(url)
            return
        except RestartError:
            part.clear()
            if is_last:
                raise
        except BrokenError:
            if part.length() <= had or is_last:
                raise
        except BusyError:
            if attempt > 1:
                raise
        time.sleep(PAUSE * attempt)


class _Part:
    """The bytes of a file that have come, and a note beside them: where from."""

    def __init__(
        self, file: RemoteFile, folder: Path, suffix: str, progress: Progress
    ) -> None:
        self._file, self._folder, self._progress = file, folder, progress
        self._path = folder / f"{file.name}{suffix}"
        self._note = folder / f"{file.name}{suffix}.json"
        self._is_pieced = self.length() > 0  # of several answers

    def length(self) -> int:
        """Return how many bytes there are."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def clear(self) -> None:
        """Forget what has come."""
        with cache_errors(self._folder):
            self._path.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)
        self._is_pieced = False

    def receive(self, url: str, timeout: float) -> None:
        """Ask a mirror for what is missing, and write it down as it comes."""
        size, had = self._file.size, self.length()
        if had > size:
            self.clear()
            had = 0
        if had == size:
            return  # stopped between its last byte and its name
        with ask(url, size, had, self._validator(url), timeout) as answer:
            self._is_pieced = answer.start > 0
            self._write_note(url, answer.validator)
            with cache_errors(self._folder):
                mode = "r+b" if answer.start else "wb"
                out = open(self._path, mode, buffering=0)
            with out:
                out.seek(answer.start)
                came = answer.start
                self._progress(self._file.name, came, size)
                for piece in answer.pieces(size - came):
                    with cache_errors(self._folder):
                        left = memoryview(piece)
                        while left:
                            left = left[out.write(left) :]
                    came += len(piece)
                    self._progress(self._file.name, came, size)
        if came < size:
            raise BrokenError("download.broken", host=_host(url), got=came, size=size)

    def prove(self, url: str) -> None:
        """Compare the SHA-256.

        Raises
        ------
        MirrorError
            If it is not the right one: the part is then gone. RestartError, if it was
            put together from several answers, which may not have fitted.
        """
        if is_whole(self._path, self._file.size, self._file.sha256):
            return
        kind = RestartError if self._is_pieced else MirrorError
        self.clear()
        raise kind("download.checksum", host=_host(url))

    def finish(self) -> None:
        """Bring the file to the disk, and give it its name."""
        with cache_errors(self._folder):
            with open(self._path, "r+b") as file:
                os.fsync(file.fileno())
            os.replace(self._path, self._folder / self._file.name)
            self._note.unlink(missing_ok=True)
            sync_folder(self._folder)

    def _validator(self, url: str) -> str:
        """Return what the mirror said of the part's state, if it is from there."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            known = note["validator"] if note["url"] == url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        return known if isinstance(known, str) and known.isprintable() else ""

    def _write_note(self, url: str, validator: str) -> None:
        note = json.dumps({"url": url, "validator": validator})
        with cache_errors(self._folder):
            self._note.write_text(note, encoding="utf-8")


def _host(url: str) -> str:
    return url.split("/")[2]
