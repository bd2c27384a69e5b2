"""Pictures without a digit: what a reader should refuse."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Bytes = NDArray[np.uint8]
Make = Callable[[np.random.Generator], Bytes]
SIDE = 112
# Letters that are no digit in anybody's hand: no O, I, l, S, Z, B, b, g, q, T, Y …
LETTERS = "AEFHKMNPRWXaefhkmnrwx"


def empty(rng: np.random.Generator) -> Bytes:
    """Return a board or a sheet with nothing on it but its own noise."""
    level, noise = rng.choice([0.0, 0.05, 0.8, 1.0]), rng.uniform(0, 0.03)
    grey = level + rng.normal(0, noise, (SIDE, SIDE))
    return (255 * np.clip(grey, 0, 1)).astype(np.uint8)


def noise(rng: np.random.Generator) -> Bytes:
    """Return noise, fine or coarse."""
    cell = int(rng.choice([1, 2, 4, 8, 14]))
    small = rng.random((-(-SIDE // cell), -(-SIDE // cell)))
    if rng.random() < 0.5:
        small = (small > rng.uniform(0.3, 0.8)).astype(float)
    grey = np.kron(small, np.ones((cell, cell)))[:SIDE, :SIDE]
    return (255 * grey).astype(np.uint8)


def scribble(rng: np.random.Generator) -> Bytes:
    """Return a curve that goes to and fro."""
    image = Image.new("L", (SIDE, SIDE))
    draw = ImageDraw.Draw(image)
    n = int(rng.integers(8, 25))
    points = rng.uniform(12, SIDE - 12, (n, 2))
    # A smooth way through the points: Chaikin's corners, cut twice.
    for _ in range(2):
        first, second = points[:-1], points[1:]
        cut = np.stack([0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second], 1)
        points = cut.reshape(-1, 2)
    draw.line([tuple(p) for p in points], fill=255, width=int(rng.integers(5, 11)))
    return np.asarray(image).copy()


def letter(rng: np.random.Generator) -> Bytes:
    """Return a letter of one of DejaVu's fonts."""
    known = fonts()
    font = ImageFont.truetype(
        known[rng.integers(len(known))], int(rng.integers(50, 85))
    )
    image = Image.new("L", (SIDE, SIDE))
    text = LETTERS[rng.integers(len(LETTERS))]
    middle = (SIDE / 2, SIDE / 2)
    ImageDraw.Draw(image).text(middle, text, fill=255, font=font, anchor="mm")
    return np.asarray(image).copy()


@cache
def fonts() -> list[Path]:
    """Return DejaVu's upright and slanted fonts, which matplotlib carries.

    They are those of Debian's package fonts-dejavu.
    """
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return [p for p in sorted(folder.glob("DejaVu*.ttf")) if "Display" not in p.name]


STRANGE: dict[str, Make] = {
    "empty board": empty,
    "noise": noise,
    "scribbles": scribble,
    "letters": letter,
}
