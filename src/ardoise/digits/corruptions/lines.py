"""Lines drawn across digits, as MNIST-C draws them: white, soft at their edges."""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.corruptions.resampling import Images

SOFT = 2.3  # pixels from the middle of a line to where it is black
DOT = 2  # columns
ZIGZAG = 2.0  # pixels: half of a tooth's length, and its height
MARGIN = 2  # columns on both sides of a zigzag
RISE = 5  # pixels: a zigzag's end is higher or lower than its beginning by up to this


def dotted_line(images: Images, rng: np.random.Generator) -> Images:
    """A line from the left edge to the right, at random heights, every other dot."""
    n, height, width = images.shape
    ends = rng.integers(0, height - 1, (n, 2))
    shown = np.arange(width) // DOT % 2 == 1
    drawn = [
        shown * line((height, width), 0, start, width - 1, end)
        for start, end in ends.tolist()
    ]
    result: Images = images + np.array(drawn)
    return result


def zigzag(images: Images, rng: np.random.Generator) -> Images:
    """A zigzag from left to right, rising or falling a little."""
    n, height, width = images.shape
    starts = rng.integers(0, height - 1, (n,))
    rises = rng.integers(-RISE, RISE, (n,))
    drawn = [
        _zigzag((height, width), int(start), int(rise))
        for start, rise in zip(starts, rises, strict=True)
    ]
    result: Images = images + np.array(drawn)
    return result


def line(
    shape: tuple[int, int], x0: float, y0: float, x1: float, y1: float
) -> NDArray[np.float64]:
    """Return an image of a line, (h, w), from column ⌊x0⌋ to before column ⌈x1⌉.

    At the vertical distance d it has the brightness 1 + log(1 − d / 2.3), or 0.
    """
    height, width = shape
    if x0 == x1:
        return np.zeros(shape)
    y, x = np.mgrid[:height, :width]
    middle = y0 + (y1 - y0) / (x1 - x0) * (x - x0)
    distance = np.clip(np.abs(y - middle), 0, SOFT - 1e-10)
    drawn: NDArray[np.float64] = np.clip(1 + np.log(1 - distance / SOFT), 0, 1)
    drawn[:, : math.floor(x0)] = 0
    drawn[:, math.ceil(x1) :] = 0
    return drawn


@cache
def _zigzag(shape: tuple[int, int], start: int, rise: int) -> NDArray[np.float64]:
    """Return the image of one: there are few, so that each is drawn once."""
    first, last = MARGIN, shape[1] - 1 - MARGIN
    angle = math.atan(rise / (last - first))
    length = (last - first) / math.cos(angle)
    points = [(0.0, 0.0)]
    for i in range(int((length - ZIGZAG) // (2 * ZIGZAG)) + 1):
        points.append(((2 * i + 1) * ZIGZAG, (-1) ** i * ZIGZAG))
    whole = 2 * ZIGZAG * (length // (2 * ZIGZAG))
    if length != whole:
        points.append((length, points[-1][1] / (2 * (length - whole))))
    turn = np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    turned = (turn @ np.array(points).T).T + np.array([first, start])
    drawn = [
        line(shape, *a, *b)
        for a, b in zip(turned[:-1].tolist(), turned[1:].tolist(), strict=True)
    ]
    total: NDArray[np.float64] = np.sum(drawn, axis=0)
    return total.clip(0, 1)
