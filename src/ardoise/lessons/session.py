"""A learner's file in a process of its own, and what can go wrong with it.

Whatever the file does, an endless loop, an error, an exit, ends as one sentence.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ardoise.lessons import runner
from ardoise.lessons.handout import DIGITS, packed_digits
from ardoise.lessons.runner import Other
from ardoise.messages import UserError

SECONDS = 60.0  # the programs take two at most
# One thread is enough, and no window opens.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SURROUNDINGS = {**dict.fromkeys(_THREADS, "1"), "MPLBACKEND": "agg"}

Params = dict[str, NDArray[Any]]


class Unfit(UserError):
    """The file does not do what can be judged; one sentence says what and where."""


class Session:
    """A learner's file, running in a folder of its own with the digits in it.

    Parameters
    ----------
    path : Path
        The file.
    seconds : float
        How long all of it may take.

    Raises
    ------
    Unfit
        If the file cannot be loaded.
    """

    def __init__(self, path: Path, seconds: float | None = None) -> None:
        self._path = path.resolve()
        self._seconds = SECONDS if seconds is None else seconds
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        (folder / DIGITS).write_bytes(packed_digits())
        self._trace = folder / "trace"
        command = [sys.executable, "-P", "-X", "utf8", runner.__file__]
        command += [str(self._path), str(self._seconds), str(self._trace)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=os.environ | _SURROUNDINGS,
        )
        # The process ends itself and says where it stood; this is for when it cannot.
        self._timer = threading.Timer(self._seconds + 5, self._process.kill)
        self._timer.start()
        try:
            self._judge("", self._answer())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._timer.cancel()
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what was not read by the process is lost
                    pass
        self._process.wait()
        self._folder.cleanup()

    def call(
        self, name: str, *args: Any, optional: int = 0
    ) -> tuple[Any, dict[str, Any]]:
        """Return what a function of the file returns, and its first argument after it.

        Parameters
        ----------
        name : str
        *args
        optional : int
            So many arguments, at the end, may have been given up in the file.

        Raises
        ------
        Unfit
            If it raises an error, or does not end, or is not there.
        """
        call = {"name": name, "args": list(args), "optional": optional}
        answer = self._ask(name, {"do": "call", **call})
        return answer["value"], answer["first"]

    def main(self, **watch: Mapping[str, Any]) -> tuple[str, dict[str, list[Any]]]:
        """Run ``main()``; return what it printed, and what the watched functions saw.

        Raises
        ------
        Unfit
            If it fails, prints nothing, or prints ``nan``, or a watched function is
            never called.
        """
        answer = self._ask("main", {"do": "main", "watch": watch})
        printed: str = answer["printed"]
        if not printed.strip():
            raise Unfit("lesson.wrong.silent")
        if re.search(r"\bnan\b", printed):
            raise Unfit("lesson.wrong.prints_nan")
        records: dict[str, list[Any]] = answer["records"]
        for name, record in records.items():
            if not record:
                raise Unfit("lesson.wrong.unused", name=name)
        return printed, records

    def _ask(self, name: str, call: dict[str, Any]) -> dict[str, Any]:
        stdin = self._process.stdin
        if stdin is not None:
            try:
                runner.send(call, stdin)  # type: ignore[arg-type]
            except OSError:  # the process is no more; why, its answer says
                pass
        return self._judge(name, self._answer())

    def _answer(self) -> dict[str, Any]:
        stdout = self._process.stdout
        try:
            if stdout is None:
                raise EOFError
            answer: dict[str, Any] = runner.receive(stdout)  # type: ignore[arg-type]
            return answer
        except EOFError:
            self._process.wait()
            text = self._trace.read_text("utf-8") if self._trace.exists() else ""
            if not text:
                raise Unfit("lesson.wrong.ended") from None
            own = re.search(f'File "{re.escape(str(self._path))}", line (\\d+)', text)
            raise Unfit(
                "lesson.wrong.slow",
                seconds=round(self._seconds),
                line=own[1] if own else "?",
            ) from None

    def _judge(self, name: str, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer that is one; raise what else it is."""
        line = answer.get("line") or "?"
        if "missing" in answer:
            raise Unfit("lesson.wrong.missing", name=answer["missing"])
        if "syntax" in answer:
            raise Unfit("lesson.wrong.syntax", line=line, error=answer["syntax"])
        if "exit" in answer:
            raise Unfit("lesson.wrong.exit", line=line)
        if "error" in answer:
            key = "lesson.wrong.error" if name else "lesson.wrong.load"
            raise Unfit(key, name=name, line=line, error=answer["error"])
        return answer


def array_of(value: Any, shape: tuple[int, ...], name: str) -> NDArray[np.float64]:
    """Return what a function returned as numbers of this shape.

    Raises
    ------
    Unfit
        If it is something else, or not finite.
    """
    if isinstance(value, bool | int | float):
        value = np.array(value)
    if not isinstance(value, np.ndarray):
        raise Unfit("lesson.wrong.type", name=name, got=type_name(value))
    if value.shape != shape:
        raise Unfit("lesson.wrong.shape", name=name, wanted=shape, got=value.shape)
    if not np.isfinite(value).all():
        raise Unfit("lesson.wrong.nan", name=name)
    return value.astype(np.float64)


def type_name(value: Any) -> str:
    """Return the name of the type of what a function returned."""
    if isinstance(value, Other):
        return value.name
    return "None" if value is None else type(value).__name__


def params_of(value: Any, shapes: Mapping[str, tuple[int, ...]], name: str) -> Params:
    """Return a dictionary of arrays of these shapes that a function returned.

    Raises
    ------
    Unfit
        If it is something else, or not finite.
    """
    if not isinstance(value, dict):
        raise Unfit("lesson.wrong.type", name=name, got=type_name(value))
    absent = [each for each in shapes if each not in value]
    if absent:
        raise Unfit("lesson.wrong.no_key", name=name, key=absent[0])
    return {
        key: array_of(value[key], shape, f"{name}, {key}")
        for key, shape in shapes.items()
    }
