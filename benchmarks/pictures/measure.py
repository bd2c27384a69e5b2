"""How a model reads the pictures of this package."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ardoise.cli.pictures import share_of
from ardoise.digits import fit_image
from ardoise.digits.asking import Reader
from ardoise.files import Model
from ardoise.pictures import prepare
from benchmarks.pictures.cases import CASES, Case
from benchmarks.pictures.sheets import SHEETS, Plan, photo_of_forty, sheet
from benchmarks.pictures.strange import STRANGE

Bytes = NDArray[np.uint8]
SHARES = ("0.5%", "0.8%", "1%", "2%")  # of real digits that may be refused


def read_all(
    model: Model,
    images: Bytes,
    labels: NDArray[np.int64],
    n_sheets: int,
    n_strange: int,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Return the figures of one model on all pictures.

    Parameters
    ----------
    model : Model
    images : ndarray of uint8, shape (n, 28, 28)
        Digits that it did not learn from.
    labels : ndarray of int, shape (n,)
    n_sheets, n_strange : int
        Sheets of each kind, pictures of each strange kind.
    say : callable
        Told of each table row.
    """
    found: dict[str, Any] = {"cases": {}, "sheets": {}, "strange": {}}
    for case in CASES:
        found["cases"][case.name] = case_read(case, model, images, labels)
        say(f"{case.name}: {found['cases'][case.name]}")
    found["cases"]["uci"] = uci_read(model)
    say(f"uci: {found['cases']['uci']}")
    for name, plan in SHEETS.items():
        found["sheets"][name] = sheets_read(plan, n_sheets, model, images, labels)
        say(f"{name}: {found['sheets'][name]}")
    found["known"] = known_refused(model, images)
    say(f"refused of real digits: {found['known']}")
    for name, make in STRANGE.items():
        found["strange"][name] = strange_refused(model, make, n_strange)
        say(f"{name}: {found['strange'][name]}")
    return found


def case_read(
    case: Case, model: Model, images: Bytes, labels: NDArray[np.int64]
) -> dict[str, int]:
    """Return how many pictures of a case are read, and how many without `prepare`."""
    pictures = [
        case.make(image, np.random.default_rng([7, i]))
        for i, image in enumerate(images)
    ]
    return _both(model, pictures, labels)


def uci_read(model: Model) -> dict[str, int]:
    """Return that of scikit-learn's digits: 8 × 8, of other writers, enlarged."""
    from sklearn.datasets import load_digits

    data = load_digits()
    pictures = []
    for image in data.images:
        levels = np.rint(np.pad(image, 1) * (255 / 16)).astype(np.uint8)
        large = Image.fromarray(levels).resize((80, 80), Image.Resampling.BICUBIC)
        pictures.append(np.asarray(large))
    return _both(model, pictures, data.target)


def _both(
    model: Model, pictures: list[NDArray[Any]], labels: NDArray[np.int64]
) -> dict[str, int]:
    reader = Reader(model)
    prepared = np.stack([prepare(p, reader.settings)[0] for p in pictures])
    plain = np.stack([fit_image(_grey(p), 28, 28) for p in pictures])
    with_, without = (
        int(np.count_nonzero(reader.classify(x).argmax(axis=1) == labels))
        for x in (prepared, plain)
    )
    return {"right": with_, "without": without, "of": len(labels)}


def _grey(picture: NDArray[Any]) -> Bytes:
    if picture.ndim == 2:
        return picture.astype(np.uint8)
    return np.asarray(Image.fromarray(picture).convert("L"))


def sheets_read(
    plan: Plan, n: int, model: Model, images: Bytes, labels: NDArray[np.int64]
) -> dict[str, int]:
    """Return digits, and numbers that are wholly right, of how many, over n sheets.

    A digit counts if its line has been found, and as many digits on it as there are.
    """
    reader = Reader(model, None)
    found = {"digits": 0, "of_digits": 0, "numbers": 0, "of_numbers": 0}
    for i in range(n):
        picture, texts = sheet(images, labels, plan, np.random.default_rng([8, i]))
        reading = reader.read(picture)
        lines = reading.text().replace(" ", "").split("\n")
        for j, text in enumerate(texts):
            line = lines[j] if len(lines) == len(texts) else ""
            found["of_numbers"] += 1
            found["numbers"] += line == text
            found["of_digits"] += len(text)
            if len(line) == len(text):
                found["digits"] += sum(a == b for a, b in zip(line, text, strict=True))
    return found


def known_refused(model: Model, images: Bytes) -> dict[str, int]:
    """Return how many digits are refused, by the share that may be."""
    found = {
        share: int(Reader(model, share_of(share, model)).refuse(images).sum())
        for share in SHARES
    }
    return {**found, "of": len(images)}


def strange_refused(
    model: Model, make: Callable[[np.random.Generator], Bytes], n: int
) -> dict[str, int]:
    """Return how many pictures without a digit are refused, by that share."""
    settings = Reader(model).settings
    pictures = [make(np.random.default_rng([9, i])) for i in range(n)]
    prepared = [prepare(picture, settings) for picture in pictures]
    empty = np.array([report.is_empty for _, report in prepared])
    images = np.stack([image for image, _ in prepared])
    found = {
        share: int((Reader(model, share_of(share, model)).refuse(images) | empty).sum())
        for share in SHARES
    }
    return {**found, "of": n}


# The command, and at its end the most memory that it held (Linux), in KiB.
_WITH_MEMORY = """
import re, sys
from pathlib import Path
from ardoise.cli.app import run
code = run(sys.argv[1:])
status = Path("/proc/self/status").read_text()
print(re.search(r"VmHWM:\\s+(\\d+)", status)[1], file=sys.stderr)
sys.exit(code)
"""


def large_photo_read(
    model_file: Path, images: Bytes, labels: NDArray[np.int64]
) -> Mapping[str, float]:
    """Return time and memory of ``ardoise read`` on a photo of 12 megapixels.

    The whole command, in its own process: the median of three, and the most memory.
    """
    picture, text = photo_of_forty(images, labels, np.random.default_rng(10))
    seconds, memory = [], 0.0
    with tempfile.TemporaryDirectory(prefix="ardoise-photo-") as name:
        file = Path(name) / "photo.jpg"
        Image.fromarray(picture).save(file, quality=90)
        command = [sys.executable, "-c", _WITH_MEMORY, "read", str(file)]
        command += ["--model", str(model_file), "--json"]
        for _ in range(3):
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds.append(time.perf_counter() - started)
            memory = max(memory, int(done.stderr) / 1024)
            printed = done.stdout
    lines = json.loads(printed)["text"].replace(" ", "").split("\n")
    right = sum(
        a == b
        for line, wanted in zip(lines, text, strict=False)
        if len(line) == len(wanted)
        for a, b in zip(line, wanted, strict=True)
    )
    return {
        "seconds": round(float(np.median(seconds)), 3),
        "megabytes": round(memory, 1),
        "megapixels": round(picture.shape[0] * picture.shape[1] / 1e6, 2),
        "right": right,
        "of": sum(map(len, text)),
    }
