"""Running exports where they are meant to run, on images.

Each function takes the file and images (n, …) of bytes or float32, and returns the
probabilities that the export gives, with the time of one image.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.threads import available_threads
from ardoise.export.chromium import Chromium
from ardoise.export.errors import ExportError, NotProvedError

LIMIT = 1800.0  # seconds that a proof may take
COMPILERS = ("cc", "gcc", "clang")
C_OPTIONS = ("-std=c99", "-O2")
NODES = ("node", "nodejs")
PAGE_AT_ONCE = 200  # images that are sent to a page together
FEWEST_IN_A_PROCESS = 20
# Small products on several threads are slow where other programs are busy.
ONE_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)
TIMED = 50  # images that are timed one by one where all are computed together


@dataclass(frozen=True)
class Run:
    """What came of it.

    Attributes
    ----------
    probabilities : array (n, K)
    seconds : float
        The median time of one image in a process that stays open.
    """

    probabilities: Array
    seconds: float


# -- Python ---------------------------------------------------------------------------

_LOAD = """
import importlib.machinery, json, sys, time, types
module = types.ModuleType("exported")
importlib.machinery.SourceFileLoader("exported", sys.argv[1]).exec_module(module)
data = open(sys.argv[2], "rb").read()
kind, size = sys.argv[3], int(sys.argv[4])
"""
# NumPy may lie where an isolated interpreter does not look for it.
_WITH_NUMPY = f"""import sys
sys.path.append(sys.argv[5])
{_LOAD}
import numpy as np
images = np.frombuffer(data, kind).reshape(-1, *module.INPUT_SHAPE)
answers = module.predict_proba(images).tolist()
seconds = []
for i in range(min(len(images), {TIMED})):
    start = time.perf_counter()
    module.predict_proba(images[i : i + 1])
    seconds.append(time.perf_counter() - start)
print(json.dumps([answers, seconds]))
"""
_WITH_STDLIB = f"""{_LOAD}
import array
size *= 1 if kind == "|u1" else 4
images = [data[i : i + size] for i in range(0, len(data), size)]
if kind != "|u1":
    images = [array.array("f", image) for image in images]
answers, seconds = [], []
for image in images:
    start = time.perf_counter()
    answers += module.predict_proba([image])
    seconds.append(time.perf_counter() - start)
print(json.dumps([answers, seconds]))
"""


def run_numpy(file: Path, images: Array) -> Run:
    """Run an export that needs NumPy, in an interpreter of its own."""
    return _run_python(file, [images], _WITH_NUMPY, ["-I", "-B"])


def run_stdlib(file: Path, images: Array) -> Run:
    """Run an export that needs nothing, in interpreters that find no packages."""
    share = -(-len(images) // available_threads())
    share = max(share, FEWEST_IN_A_PROCESS)
    parts = [images[i : i + share] for i in range(0, len(images), share)]
    return _run_python(file, parts, _WITH_STDLIB, ["-I", "-S", "-B"])


def _run_python(
    file: Path, parts: Sequence[Array], code: str, options: list[str]
) -> Run:
    """Run Python once for each part of the images, at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        commands = []
        for i, part in enumerate(parts):
            data = Path(folder, str(i))
            data.write_bytes(part.tobytes())
            given = [str(file), str(data), part.dtype.str, str(part[0].size)]
            given.append(str(Path(np.__file__).parents[1]))
            commands.append([sys.executable, *options, "-c", code, *given])
        answers = [json.loads(text) for text in _all(commands)]
    probabilities = [np.array(answer[0], np.float64) for answer in answers]
    seconds = float(np.median([time for answer in answers for time in answer[1]]))
    return Run(np.concatenate(probabilities), seconds)


def _all(commands: Sequence[list[str]]) -> list[bytes]:
    """Run commands at the same time; return what each printed."""
    processes = []
    try:
        for command in commands:
            processes.append(
                subprocess.Popen(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**os.environ, **ONE_THREAD},
                )
            )
        end = time.monotonic() + LIMIT
        printed = []
        for process in processes:
            out, error = process.communicate(timeout=max(0.0, end - time.monotonic()))
            _check(process.returncode, error, "Python")
            printed.append(out)
        return printed
    except subprocess.TimeoutExpired:
        raise NotProvedError("export.slow", tool="Python", limit=round(LIMIT)) from None
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


# -- C --------------------------------------------------------------------------------


def run_c(file: Path, images: Array) -> Run:
    """Compile the example beside a header, and run it.

    The time includes that of reading the images and printing the answers, and not that
    of starting the program (unless there are so few images that this hides the rest).
    """
    compiler = find_compiler()
    sources = list(file.parent.glob("*_main.c"))
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder, "program"))
        command = [*compiler, *C_OPTIONS, *map(str, sources), "-o", program, "-lm"]
        _run(command, b"", compiler[0])
        options = ["--probabilities"] + ["--floats"] * (images.dtype != np.uint8)
        times = []
        for some in images[:1], images:
            start = time.perf_counter()
            printed = _run([program, *options], some.tobytes(), file.name)
            times.append(time.perf_counter() - start)
        one, all_of_them = times
        seconds = (all_of_them - one) / max(1, len(images) - 1)
        if seconds <= 0:
            seconds = all_of_them / len(images)
    numbers = np.array(printed.split(), np.float64)
    return Run(_rows(numbers, len(images), file), seconds)


def find_compiler() -> list[str]:
    """Return the command of a C compiler: $CC, or one of the usual.

    Raises
    ------
    NotProvedError
        If there is none.
    """
    chosen = shlex.split(os.environ.get("CC", ""))
    if chosen and shutil.which(chosen[0]):
        return chosen
    found = [path for path in map(shutil.which, COMPILERS) if path]
    if not found:
        raise NotProvedError("export.no_compiler")
    return found[:1]


# -- JavaScript -----------------------------------------------------------------------

_WITH_NODE = """
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const [, , module, data, kind, size] = process.argv;
const { predictProba } = await import(pathToFileURL(module));
const bytes = new Uint8Array(readFileSync(data)); // a copy, so that it begins at 0
const x = kind === "|u1" ? bytes : new Float32Array(bytes.buffer);
const answers = [];
const milliseconds = [];
for (let i = 0; i < x.length; i += Number(size)) {
  const start = performance.now();
  answers.push(predictProba(x.subarray(i, i + Number(size))));
  milliseconds.push(performance.now() - start);
}
process.stdout.write(JSON.stringify([answers, milliseconds]));
"""


def run_node(file: Path, images: Array) -> Run:
    """Import a module in Node."""
    found = [path for path in map(shutil.which, NODES) if path]
    if not found:
        raise NotProvedError("export.no_node")
    with tempfile.TemporaryDirectory() as folder:
        # Node takes .mjs for a module wherever it lies.
        module, driver, data = (Path(folder, n) for n in ("net.mjs", "run.mjs", "x"))
        shutil.copyfile(file, module)
        driver.write_text(_WITH_NODE, encoding="utf-8")
        data.write_bytes(images.tobytes())
        given = [str(module), str(data), images.dtype.str, str(images[0].size)]
        printed = _run([found[0], str(driver), *given], b"", "Node")
    answers, milliseconds = json.loads(printed)
    probabilities = _rows(np.array(answers, np.float64), len(images), file)
    return Run(probabilities, float(np.median(milliseconds)) / 1000)


_IN_PAGE = """(() => {
  const characters = atob("%s");
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  const x = %s;
  const answers = [];
  const start = performance.now();
  for (let i = 0; i < x.length; i += %d) {
    answers.push(ardoise.predictProba(x.subarray(i, i + %d)));
  }
  return [answers, (performance.now() - start) / 1000];
})()"""


def run_page(file: Path, images: Array) -> Run:
    """Open a page in a headless Chromium.

    Its clock is a coarse one: the time is the median of some hundred images' means.

    Raises
    ------
    ExportError
        If it reports an error, or asks for anything of a network.
    """
    size = images[0].size
    view = "bytes" if images.dtype == np.uint8 else "new Float32Array(bytes.buffer)"
    answers: list[Any] = []
    means: list[float] = []
    with Chromium(LIMIT) as browser:
        browser.open(file)
        for start in range(0, len(images), PAGE_AT_ONCE):
            data = images[start : start + PAGE_AT_ONCE].tobytes()
            text = base64.b64encode(data).decode()
            answer = browser.evaluate(_IN_PAGE % (text, view, size, size))
            if browser.problems:
                words = _last_line(browser.problems[0])
                raise ExportError("export.failed", tool="Chromium", words=words)
            answers += answer[0]
            means.append(answer[1] / len(answer[0]))
    probabilities = _rows(np.array(answers, np.float64), len(images), file)
    return Run(probabilities, float(np.median(means)))


# -- all ------------------------------------------------------------------------------


def _run(command: list[str], given: bytes, tool: str) -> bytes:
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        raise NotProvedError("export.slow", tool=tool, limit=round(LIMIT)) from None
    _check(done.returncode, done.stderr, tool)
    return done.stdout


def _check(code: int, error: bytes, tool: str) -> None:
    if code:
        words = _last_line(error.decode(errors="replace")) or f"exit code {code}"
        raise ExportError("export.failed", tool=tool, words=words)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""


def _rows(numbers: Array, n: int, file: Path) -> Array:
    """Return probabilities as rows, if they are as many as there should be."""
    if not len(numbers) or numbers.size % n:
        words = f"{numbers.size} numbers for {n} images"
        raise ExportError("export.failed", tool=file.name, words=words)
    return numbers.reshape(n, -1)


# -- ONNX -----------------------------------------------------------------------------


def run_onnxruntime(file: Path, images: Array) -> Run:
    """Run an ONNX model by onnxruntime.

    Raises
    ------
    NotProvedError
        If it is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise NotProvedError("export.no_onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(file), options, providers=["CPUExecutionProvider"]
    )

    def ask(x: Array) -> Array:
        answer: Array = session.run(["probabilities"], {"input": x})[0]
        return answer

    x = images.astype(np.float32)
    if images.dtype == np.uint8:
        x /= 255
    probabilities = ask(x)
    times = []
    for i in range(min(len(x), TIMED)):
        start = time.perf_counter()
        ask(x[i : i + 1])
        times.append(time.perf_counter() - start)
    return Run(probabilities, float(np.median(times)))
