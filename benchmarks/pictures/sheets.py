"""Sheets of numbers, and what stands on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.pictures.ink import enlarge, paste, photograph, turned

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Plan:
    """How sheets are made.

    Attributes
    ----------
    about : str
    lines, digits : (int, int)
        Fewest and most lines a sheet, digits a line.
    height : (int, int)
        Of a digit, in pixels.
    ruled : str or None
        Lines of the paper: ``"lines"``, ``"squares"``.
    tilt : float
        The sheet is turned by up to so many degrees.
    gap : (float, float)
        Between digits, as a share of their height.
    """

    about: str = ""
    lines: tuple[int, int] = (1, 4)
    digits: tuple[int, int] = (1, 12)
    height: tuple[int, int] = (15, 120)
    ruled: str | None = None
    tilt: float = 3.0
    gap: tuple[float, float] = (0.12, 0.4)


SHEETS = {
    "six digits": Plan(
        "a number of six digits, 40 to 100 pixels high", (1, 1), (6, 6), (40, 100)
    ),
    "any": Plan("1 to 4 numbers of 1 to 12 digits, 15 to 120 pixels high"),
    "ruled": Plan(
        "the same on ruled paper, 30 to 120", height=(30, 120), ruled="lines"
    ),
    "squared": Plan(
        "the same on squared paper, 30 to 120", height=(30, 120), ruled="squares"
    ),
}


def photo_of_forty(
    images: Bytes, labels: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Bytes, list[str]]:
    """Return a photo of 4,000 × 3,000 pixels with five lines of eight digits."""
    height, pitch = 280, 540
    board = np.zeros((3000, 4000), np.float32)
    texts = []
    for i in range(5):
        chosen = rng.integers(0, len(images), 8)
        row = _line(images[chosen], height, Plan(gap=(0.4, 0.6)), rng)
        paste(board, row, 180 + i * pitch, 150)
        texts.append("".join(map(str, labels[chosen].tolist())))
    return photograph(board, rng), texts


def sheet(
    images: Bytes, labels: NDArray[np.int64], plan: Plan, rng: np.random.Generator
) -> tuple[Bytes, list[str]]:
    """Return a photo (h, w, 3) of numbers, and the numbers line by line.

    Digits of a line differ in size by a tenth, and stand off the line by up to a
    twelfth of their height.
    """
    height = int(rng.integers(plan.height[0], plan.height[1] + 1))
    count = int(rng.integers(plan.lines[0], plan.lines[1] + 1))
    rows, texts = [], []
    for _ in range(count):
        n = int(rng.integers(plan.digits[0], plan.digits[1] + 1))
        chosen = rng.integers(0, len(images), n)
        rows.append(_line(images[chosen], height, plan, rng))
        texts.append("".join(map(str, labels[chosen].tolist())))
    margin = max(12, height // 2)
    pitch = round(1.7 * height)
    width = max(row.shape[1] for row in rows) + 2 * margin
    board = np.zeros((pitch * count + 2 * margin, width), np.float32)
    for i, row in enumerate(rows):
        left = margin + int(rng.integers(0, width - 2 * margin - row.shape[1] + 1))
        paste(board, row, margin + i * pitch, left)
    board = turned(board, rng.uniform(-plan.tilt, plan.tilt))
    return photograph(board, rng, ruled=plan.ruled, pitch=pitch), texts


def _line(
    images: Bytes, height: int, plan: Plan, rng: np.random.Generator
) -> NDArray[np.float32]:
    tall = round(1.3 * height)
    inks = [
        enlarge(image, max(8, round(height * rng.uniform(0.9, 1.1))))
        for image in images
    ]
    gaps = [round(height * rng.uniform(*plan.gap)) for _ in inks]
    row = np.zeros((tall, sum(k.shape[1] for k in inks) + sum(gaps)), np.float32)
    left = 0
    for ink, gap in zip(inks, gaps, strict=True):
        off = round(height * rng.uniform(-1 / 12, 1 / 12))
        top = min(max(0, (tall - ink.shape[0]) // 2 + off), tall - ink.shape[0])
        paste(row, ink, top, left)
        left += ink.shape[1] + gap
    return row
