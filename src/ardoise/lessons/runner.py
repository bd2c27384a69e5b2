"""The process in which a learner's file runs: it answers calls and judges nothing.

``python runner.py FILE SECONDS TRACE`` loads the file, then reads calls from standard
input and writes what the file's functions return to standard output. Only NumPy and the
standard library are needed. If the file takes longer than SECONDS, the line at which it
stands is written into TRACE.

A message is its length in 8 bytes and an ``.npz`` of arrays with a JSON tree of what
they belong to: nothing is unpickled, and what is neither number, text, list nor
dictionary is replaced by its type's name.
"""

import faulthandler
import inspect
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, BinaryIO

import numpy as np

MOST_PRINTED = 100_000  # characters that are kept of what the file prints
LENGTH = 8


class Other:
    """Stands for a value of a type that cannot be sent.

    Parameters
    ----------
    name : str
        The type's name.
    """

    def __init__(self, name: str) -> None:
        self.name = name


class Seed:
    """Stands for a new random generator, which the process makes where it is sent.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed


def pack(value: Any) -> bytes:
    """Return a value as the bytes of a message."""
    arrays: dict[str, Any] = {}
    tree = _tree(value, arrays)
    content = io.BytesIO()
    text = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    np.savez(content, tree=text, **arrays)
    return content.getvalue()


def unpack(content: bytes) -> Any:
    """Return the value that `pack` was given."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        tree = json.loads(arrays["tree"].tobytes())
        return _value(tree, arrays)


def _tree(value: Any, arrays: dict[str, Any]) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value}
    if isinstance(value, list | tuple):
        return [_tree(each, arrays) for each in value]
    if isinstance(value, dict):
        return {"dict": [[str(k), _tree(v, arrays)] for k, v in value.items()]}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Seed):
        return {"seed": value.seed}
    return {"other": type(value).__name__}


def _value(tree: Any, arrays: Any) -> Any:
    if isinstance(tree, list):
        return [_value(each, arrays) for each in tree]
    ((kind, content),) = tree.items()
    if kind == "dict":
        return {key: _value(each, arrays) for key, each in content}
    if kind == "array":
        return arrays[content]
    if kind == "seed":
        return np.random.default_rng(content)
    return Other(content) if kind == "other" else content


def send(value: Any, to: BinaryIO) -> None:
    """Write one message."""
    content = pack(value)
    to.write(len(content).to_bytes(LENGTH, "little") + content)
    to.flush()


def receive(source: BinaryIO) -> Any:
    """Read one message.

    Raises
    ------
    EOFError
        If there is none.
    """
    length = int.from_bytes(_read(source, LENGTH), "little")
    return unpack(_read(source, length))


def _read(source: BinaryIO, count: int) -> bytes:
    content = source.read(count)
    if len(content) < count:
        raise EOFError
    return content


class Printed(io.StringIO):
    """What a file prints: its beginning, if there is no end of it."""

    def write(self, text: str) -> int:
        if self.tell() < MOST_PRINTED:
            super().write(text)
        return len(text)


class Lesson:
    """A learner's file, loaded.

    Parameters
    ----------
    path : str
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._names: dict[str, Any] = {"__name__": "lesson", "__file__": path}

    def load(self) -> dict[str, Any]:
        """Run the file's definitions; return how that went."""
        try:
            source = Path(self._path).read_bytes()
            code: CodeType = compile(source, self._path, "exec")
        except SyntaxError as error:
            return {"syntax": error.msg, "line": error.lineno or 0}
        except ValueError as error:  # null bytes, an unknown encoding
            return {"syntax": str(error), "line": 0}
        return self._attempt(lambda: exec(code, self._names))

    def call(self, name: str, args: list[Any], optional: int = 0) -> dict[str, Any]:
        """Call a function; its last ``optional`` arguments may have been given up."""
        function = self._names.get(name)
        if not callable(function):
            return {"missing": name}
        answer = self._attempt(lambda: function(*_accepted(function, args, optional)))
        # What the function made of the weights that it was given.
        return {**answer, "first": args[0] if args else None}

    def main(self, watch: dict[str, Any]) -> dict[str, Any]:
        """Run ``main()``, watching functions; return what it printed and they saw."""
        for name in ("main", *watch):
            if not callable(self._names.get(name)):
                return {"missing": name}
        records: dict[str, list[Any]] = {name: [] for name in watch}
        for name, wanted in watch.items():
            watched = _watched(self._names[name], records[name], **wanted)
            self._names[name] = watched
        printed = sys.stdout = Printed()
        answer = self._attempt(self._names["main"])
        return {**answer, "printed": printed.getvalue(), "records": records}

    def _attempt(self, action: Callable[[], Any]) -> dict[str, Any]:
        try:
            return {"value": action()}
        except SystemExit as error:
            return {"exit": True, "line": self._line(error)}
        except BaseException as error:
            words = " ".join(traceback.format_exception_only(error)[-1].split())
            return {"error": words, "line": self._line(error)}

    def _line(self, error: BaseException) -> int:
        """Return the line of the file at which an error came up; 0 for none."""
        frames = traceback.extract_tb(error.__traceback__)
        lines = [each.lineno for each in frames if each.filename == self._path]
        return (lines and lines[-1]) or 0


def _accepted(function: Any, args: list[Any], optional: int) -> list[Any]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return args
    kinds = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    places = sum(each.kind in kinds for each in parameters)
    return args[: max(places, len(args) - optional)]


def _watched(
    function: Any,
    record: list[Any],
    *,
    keep: list[int] | None = None,
    every: int = 0,
    pixels: int | None = None,
    most: int = 0,
    result: bool = False,
) -> Any:
    """Return a function that does the same and notes it.

    Parameters
    ----------
    function : callable
    record : list
        What is noted: a dictionary for each call.
    keep : list of int
        The arguments to note at each call, by their place.
    every : int
        Note the first argument, the weights, at each call of this many; 0 for never.
    pixels, most : int
        Note every third column of the argument at this place, at so many calls.
    result : bool
        Note what is returned.
    """

    def watched(*args: Any, **named: Any) -> Any:
        try:
            given = list(inspect.signature(function).bind(*args, **named).args)
        except (TypeError, ValueError):
            given = list(args)
        note: dict[str, Any] = {"kept": [_copied(given, i) for i in keep or ()]}
        if every and len(record) % every == 0:
            note["weights"] = _copied(given, 0)
        if pixels is not None and len(record) < most:
            note["pixels"] = _thinned(_copied(given, pixels))
        record.append(note)
        value = function(*args, **named)
        if result:
            note["result"] = value
        return value

    return watched


def _copied(given: list[Any], place: int) -> Any:
    value = given[place] if place < len(given) else None
    if isinstance(value, dict):
        return {name: np.array(each) for name, each in value.items()}
    return np.array(value)


def _thinned(x: Any) -> Any:
    return x[:, ::3].astype(np.float32) if x.ndim == 2 else x


def serve(path: str, seconds: float, trace: str) -> None:
    """Answer calls about a file until there are no more."""
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # what the file reads or prints must not mix with ours
        os.dup2(nothing, number)
    sys.stdout = sys.stderr = Printed()
    sys.path.insert(0, os.path.dirname(path))
    sys.argv = [path]
    with open(trace, "w", encoding="utf-8") as file:
        faulthandler.dump_traceback_later(seconds, file=file, exit=True)
        lesson = Lesson(path)
        send(lesson.load(), answers)
        while True:
            try:
                call = receive(calls)
            except EOFError:
                return
            send(getattr(lesson, call.pop("do"))(**call), answers)


if __name__ == "__main__":
    serve(sys.argv[1], float(sys.argv[2]), sys.argv[3])
