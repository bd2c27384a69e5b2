"""``ardoise doctor --classroom``: whether this machine is ready for a class.

Each check is a function of the language that returns the sentence of what is right, or
raises a `UserError` whose sentence says what to do. Each runs in a thread of its own,
so that one which hangs is given up. Nothing is asked of the internet.
"""

import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib import import_module, metadata, resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ardoise.cli.terminal import Terminal
from ardoise.cli.training import RUNS
from ardoise.digits import load_mnist
from ardoise.digits.asking import ask
from ardoise.digits.planning import learn, plan_of
from ardoise.digits.recipes import DEFAULT_RECIPE, RECIPES
from ardoise.engine.threads import available_threads
from ardoise.engine.training import Callback, Training
from ardoise.files import load_model
from ardoise.messages import UserError, text
from ardoise.plots.numbers import NO_BREAK_SPACE, decimal, duration, integer, percent

PYTHON, NUMPY = (3, 11), 2
# Extra → its packages, by the names that Python imports.
EXTRAS = {
    "cli": ("cyclopts", "rich"),
    "plots": ("matplotlib",),
    "images": ("PIL",),
    "slate": ("starlette", "uvicorn", "websockets"),
}
CALLED = {"PIL": "pillow"}  # where the registry has another name
# A product of two matrices of this side may take so long; a BLAS needs a tenth.
SIDE, SECONDS_OF_PRODUCT = 512, 0.5
# The small training: so many images, of which one in ten is kept to ask; the share of
# those that must be read, and the seconds that it may take.
IMAGES, SPLIT, LEAST, SECONDS_OF_TRAINING = 6000, "90/0/10", 0.9, 60.0
WHOLE_TRAINING = 54_000  # images of an epoch of `ardoise train`
SECONDS_OF_PAGE = 40.0
SECONDS = 60.0  # of any other check
# What a training leaves and needs, with room to spare.
DISK, MEMORY = 200 << 20, 1 << 30
USUAL_PORT = 8642
SECONDS_TO_END = 5.0
_PLACE = resources.files("ardoise")
SHADOWED = ("numpy", "random", "math", "ardoise", "matplotlib")

Run = Callable[[str], str]  # language → sentence


class Check(NamedTuple):
    """Something that must be right; ``classroom.what.<name>`` says what."""

    name: str
    run: Run
    seconds: float = SECONDS


class ClassroomError(UserError):
    """Something is not ready; the sentence says what to do."""


def examine_classroom(terminal: Terminal) -> int:
    """Print a line for each check and whether all is ready; return 0 if it is, else 1.

    Parameters
    ----------
    terminal : Terminal
    """
    wrong = 0
    for check in checks():
        right, sentence = _outcome(check, terminal.lang)
        wrong += not right
        key = "classroom.right" if right else "classroom.wrong"
        terminal.say(key, sentence=sentence)
    if wrong:
        terminal.say("classroom.not_ready", n=wrong)
    else:
        terminal.say("classroom.ready")
    return int(wrong > 0)


def checks() -> list[Check]:
    """Return what is checked, in the order of the lines."""
    return [
        Check("python", _python),
        Check("numpy", _numpy),
        *(Check(f"extra_{name}", partial(_extra, name)) for name in EXTRAS),
        Check("data", _data),
        Check("model", _model),
        Check("folder", _folder),
        Check("room", _room),
        Check("page", _page, SECONDS_OF_PAGE + 20),
        Check("browser", _browser),
        Check("training", _training, SECONDS_OF_TRAINING + 20),
    ]


def _outcome(check: Check, lang: str) -> tuple[bool, str]:
    """Return whether a check went well, and its sentence; raise nothing."""
    found: list[tuple[bool, str]] = []

    def run() -> None:
        try:
            found.append((True, check.run(lang)))
        except UserError as error:
            found.append((False, error.sentence(lang)))
        except Exception as error:  # of whatever is broken here: a line, no traceback
            reason = f"{type(error).__name__}: {_one_line(error)}"
            values = {"what": _what(check, lang), "reason": reason}
            found.append((False, text("classroom.failed", lang, **values)))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(check.seconds)
    if not found:
        values = {"what": _what(check, lang), "seconds": round(check.seconds)}
        return False, text("classroom.slow", lang, **values)
    return found[0]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _what(check: Check, lang: str) -> str:
    name, _, extra = check.name.partition("_")
    return text(f"classroom.what.{name}", lang, extra=extra)


# -- what is installed -----------------------------------------------------------------


def _python(lang: str) -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        raise ClassroomError("classroom.python.old", version=version)
    return text("classroom.python.right", lang, version=version)


def _numpy(lang: str) -> str:
    if int(np.__version__.split(".")[0]) < NUMPY:
        raise ClassroomError("classroom.numpy.old", version=np.__version__)
    rng = np.random.default_rng(0)
    a, b = rng.integers(-9, 10, (2, SIDE, SIDE))
    x, y = a.astype(np.float32), b.astype(np.float32)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        product = x @ y
        times.append(time.perf_counter() - start)
    # Small whole numbers: exact in float32, whatever the order of the sums.
    rows = slice(None, None, SIDE // 8)
    if (product[rows] != a[rows] @ b).any() or (product.sum(0) != a.sum(0) @ b).any():
        raise ClassroomError("classroom.numpy.wrong")
    values = {"n": SIDE, "ms": decimal(1000 * min(times), lang, 1)}
    if min(times) > SECONDS_OF_PRODUCT:
        most = integer(round(1000 * SECONDS_OF_PRODUCT), lang)
        raise ClassroomError("classroom.numpy.slow", **values, most=most)
    library, threads = _blas()
    values |= {"version": np.__version__, "library": library, "threads": threads}
    return text("classroom.numpy.right", lang, **values, processors=available_threads())


def _blas() -> tuple[str, int]:
    """Return the name of NumPy's BLAS, and how many threads it takes."""
    from threadpoolctl import threadpool_info

    for library in threadpool_info():
        if library["user_api"] == "blas":
            return str(library["internal_api"]), int(library["num_threads"])
    return "BLAS", 1  # one that is not known to threadpoolctl, such as Accelerate


def _extra(extra: str, lang: str) -> str:
    shown = []
    for module in EXTRAS[extra]:
        package = CALLED.get(module, module)
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            if error.name == module:
                values = {"extra": extra, "package": package}
                raise ClassroomError("classroom.extra.missing", **values) from None
            raise _broken(extra, package, error) from None
        except Exception as error:
            raise _broken(extra, package, error) from None
        version = ""
        with suppress(metadata.PackageNotFoundError):
            version = metadata.version(package)
        shown.append(f"{package} {version}".strip())
    return text("classroom.extra.right", lang, extra=extra, packages=", ".join(shown))


def _broken(extra: str, package: str, error: Exception) -> ClassroomError:
    values = {"extra": extra, "package": package, "reason": _one_line(error)}
    return ClassroomError("classroom.extra.broken", **values)


# -- what is in the package ------------------------------------------------------------


def _data(lang: str) -> str:
    try:
        data = load_mnist()
    except UserError as error:
        if error.key == "mnist.damaged":  # says itself what to do
            raise
        raise ClassroomError("classroom.data.wrong", reason=error) from None
    return text("classroom.data.right", lang, n=integer(len(data), lang))


def _model(lang: str) -> str:
    """Ask the network that reads first on the page for ten digits that it learned."""
    data = load_mnist()
    firsts = [int(np.argmax(data.labels == digit)) for digit in range(10)]
    with resources.as_file(_PLACE / "slate" / "model.safetensors") as file:
        try:
            model = load_model(file)
        except UserError as error:
            raise ClassroomError("classroom.model.wrong", reason=error) from None
    answers = ask(model.network, data.subset(np.array(firsts)))
    values = {"right": answers.correct, "n": len(firsts)}
    if answers.correct < len(firsts):
        raise ClassroomError("classroom.model.bad", **values)
    return text("classroom.model.right", lang, **values)


# -- the machine -----------------------------------------------------------------------


def _folder(lang: str) -> str:
    here = Path.cwd()
    for folder in (here, here / RUNS):
        if folder == here or os.path.lexists(folder):
            try:
                with tempfile.TemporaryFile(dir=folder) as file:
                    file.write(bytes(1 << 16))
            except OSError as error:
                values = {"folder": folder, "reason": error}
                raise ClassroomError("classroom.folder.denied", **values) from None
    # Python takes a file of the pupils' for the module of that name.
    for name in SHADOWED:
        if (here / f"{name}.py").exists():
            raise ClassroomError("classroom.folder.shadow", file=f"{name}.py")
    return text("classroom.folder.right", lang, folder=here)


def _room(lang: str) -> str:
    disk, memory = shutil.disk_usage(Path.cwd()).free, free_memory()
    values = {"disk": _megabytes(disk, lang)}
    if disk < DISK:
        least = _megabytes(DISK, lang)
        raise ClassroomError("classroom.room.disk", **values, least=least)
    if memory is None:
        return text("classroom.room.right_disk", lang, **values)
    values["memory"] = _megabytes(memory, lang)
    if memory < MEMORY:
        least = _megabytes(MEMORY, lang)
        raise ClassroomError("classroom.room.memory", **values, least=least)
    return text("classroom.room.right", lang, **values)


def _megabytes(size: int, lang: str) -> str:
    return integer(size // 10**6, lang)


def free_memory() -> int | None:
    """Return how many bytes of memory programs may still take; None if unknown."""
    if sys.platform == "win32":
        return _free_memory_of_windows()
    found = []
    with suppress(OSError, ValueError):
        known = Path("/proc/meminfo").read_text(encoding="ascii")
        if kilobytes := re.search(r"^MemAvailable:\s*(\d+)", known, re.MULTILINE):
            found.append(1024 * int(kilobytes[1]))
    with suppress(OSError, ValueError):  # a container's limit; "max" is none
        group = Path("/sys/fs/cgroup")
        limit, used = (
            int((group / name).read_text(encoding="ascii"))
            for name in ("memory.max", "memory.current")
        )
        found.append(max(0, limit - used))
    return min(found, default=None)


def _free_memory_of_windows() -> int | None:
    import ctypes

    class Status(ctypes.Structure):  # MEMORYSTATUSEX
        _fields_ = (
            ("length", ctypes.c_uint32),
            ("load", ctypes.c_uint32),
            ("total", ctypes.c_uint64),
            ("available", ctypes.c_uint64),
            ("others", 5 * ctypes.c_uint64),
        )

    status = Status(length=ctypes.sizeof(Status))
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009
    return (
        status.available if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
    )


# -- the page --------------------------------------------------------------------------


def _command(lang: str) -> list[str]:
    """Return the command that serves the page; -P: a file here stands for no module."""
    python = [sys.executable, "-P", "-m", "ardoise"]
    return [*python, "slate", "--no-browser", "--lang", lang]


def _page(lang: str) -> str:
    """Start the slate as pupils do, ask it for its page, and end it."""
    start = time.monotonic()
    process = subprocess.Popen(
        _command(lang),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    giving_up = threading.Timer(SECONDS_OF_PAGE, process.kill)
    giving_up.daemon = True  # Ctrl-C ends the command at once
    giving_up.start()
    try:
        port, path = _address_said(process)
        status, page = _answer(port, path)
    finally:
        giving_up.cancel()
        _end(process)
    if status != http.client.OK or "<html" not in page:
        raise ClassroomError("classroom.page.wrong", port=port, status=status)
    key = "classroom.page.right" if port == USUAL_PORT else "classroom.page.other_port"
    seconds = duration(time.monotonic() - start, lang)
    return text(key, lang, port=port, usual=USUAL_PORT, seconds=seconds)


def _address_said(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return port and path of the address that the slate prints.

    Raises
    ------
    ClassroomError
        If it ended before, with what it said last.
    """
    last = ""
    for line in process.stdout or ():
        if found := re.search(r"http://127\.0\.0\.1:(\d+)(/\S*)", line):
            return int(found[1]), found[2]
        last = line.strip() or last
    if not last:
        raise ClassroomError("classroom.page.silent")
    raise ClassroomError("classroom.page.refused", reason=last)


def _answer(port: int, path: str) -> tuple[int, str]:
    """Ask without any proxy, which a school may have: it is this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except OSError as error:
        raise ClassroomError("classroom.page.closed", port=port, reason=error) from None
    except http.client.HTTPException as error:
        reason = _one_line(error)
        raise ClassroomError(
            "classroom.page.closed", port=port, reason=reason
        ) from None
    finally:
        connection.close()


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _browser(lang: str) -> str:
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, screens)):
        raise ClassroomError("classroom.browser.screen")
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        raise ClassroomError("classroom.browser.none") from None
    name = Path(str(getattr(browser, "name", ""))).name or type(browser).__name__
    return text("classroom.browser.right", lang, name=name)


# -- a training ------------------------------------------------------------------------


class _InTime(Callback):
    """Stop when the time is over, so that no training goes on behind the checks."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds
        self.late = False

    def on_batch_end(self, training: Training) -> None:
        if time.monotonic() > self.end:
            self.late = True
            training.stop("interrupted")


def _training(lang: str) -> str:
    """Train the usual recipe, a hundredth of it, and ask about other images."""
    recipe = RECIPES[DEFAULT_RECIPE]
    data = load_mnist().subset(np.arange(IMAGES))
    short = replace(recipe, epochs=1, validation=0.0)
    plan = plan_of(short, replace(data, n_train=None), "mnist", SPLIT, 0)
    in_time = _InTime(SECONDS_OF_TRAINING)
    start = time.perf_counter()
    learn(plan, [in_time])
    seconds = time.perf_counter() - start
    if in_time.late:
        most = round(SECONDS_OF_TRAINING)
        raise ClassroomError("classroom.training.slow", seconds=most)
    answers = ask(plan.networks[0], plan.test)
    values = {
        "accuracy": percent(answers.accuracy, lang, 1),
        "n": integer(len(plan.test), lang),
        "seconds": duration(seconds, lang),
    }
    if answers.accuracy < LEAST:
        least = percent(LEAST, lang, 0)
        raise ClassroomError("classroom.training.bad", **values, least=least)
    whole = seconds * recipe.epochs * WHOLE_TRAINING / len(plan.train)
    return text("classroom.training.right", lang, **values, whole=_about(whole, lang))


def _about(seconds: float, lang: str) -> str:
    """Return a time as it can be foretold: to ten seconds, or to a minute."""
    if seconds < 120:
        return duration(max(10, round(seconds, -1)), lang)
    return f"{integer(round(seconds / 60), lang)}{NO_BREAK_SPACE}min"
