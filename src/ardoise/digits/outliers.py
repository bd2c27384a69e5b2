"""Pictures that are no digit, to learn from: random strokes, scribbles and blots.

A network that only ever saw digits finds one in everything. One that also saw what is
none, and learned to give every class the same probability there, does not: see
`ardoise.fit`, ``outliers``.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import Dataset

Points = NDArray[np.float64]
Bytes = NDArray[np.uint8]
SIDE, BOX = 28, 20  # as MNIST's images: the ink fits in a box in the middle
NARROW = 8  # pixels: what is less wide or high may be a 1
SPACING = 0.5  # pixels between two points of a stroke
PLACES = np.arange(SIDE) + 0.5


def outliers(n: int, rng: np.random.Generator) -> Bytes:
    """Return pictures of what is no digit, framed as MNIST's are.

    Three in five are made of lines and arcs, as letters are; the others are scribbles,
    and blots.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of uint8, shape (n, 28, 28, 1)
        Light ink on black.

    References
    ----------
    Hendrycks, Mazeika and Dietterich, "Deep anomaly detection with outlier exposure",
    2019, section 3: strange samples of any kind teach what strange is.
    """
    kinds: list[Callable[[np.random.Generator], Bytes]] = [
        *(lambda rng: _drawn(_glyph(rng), rng),) * 3,
        lambda rng: _drawn([_scribble(rng)], rng),
        _blot,
    ]
    images = np.zeros((n, SIDE, SIDE, 1), np.uint8)
    done = 0
    while done < n:
        image = kinds[rng.integers(len(kinds))](rng)
        if not _is_narrow(image):
            images[done, ..., 0] = image
            done += 1
    return images


def outliers_like(data: Dataset, dark: bool, n: int, seed: int) -> NDArray[Any]:
    """Return pictures that are no digit, with the ink and the dtype of the data.

    Parameters
    ----------
    data : Dataset
        Framed as MNIST's digits are.
    dark : bool
        Whether its ink is dark.
    n : int
    seed : int
        Of the training: one that goes on sees the same.
    """
    images = outliers(n, np.random.default_rng([seed, n]))
    if dark:
        images = 255 - images
    if data.images.dtype == np.uint8:
        return images
    scaled: NDArray[Any] = (images / 255).astype(data.images.dtype)
    return scaled


def _is_narrow(image: Bytes) -> bool:
    """Tell whether this may be a 1: a line, or nothing."""
    ink = image > 127
    sides = [np.flatnonzero(ink.any(axis=axis)) for axis in (0, 1)]
    return any(not len(side) or np.ptp(side) < NARROW for side in sides)


def _glyph(rng: np.random.Generator) -> list[Points]:
    """Return three to six lines and arcs between points of a grid of 4 × 4.

    Fewer are too often a digit.
    """
    n = int(rng.integers(3, 7))
    cells = rng.choice(16, n + 1, replace=False)
    jitter = rng.uniform(-0.2, 0.2, (n + 1, 2))
    ends = np.stack([cells // 4, cells % 4], axis=1) + jitter
    strokes = []
    for i in range(n):
        # From where the last one ended, or from any end before.
        first = ends[i if rng.random() < 0.6 else rng.integers(i + 1)]
        second = ends[i + 1]
        if rng.random() < 0.6:
            strokes.append(np.stack([first, second]))
        else:
            radii = np.maximum(np.abs(second - first) / 2, 0.4)
            start, turn = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.9) * math.pi
            angles = start + np.linspace(0, turn, 16)[:, np.newaxis]
            around = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
            strokes.append((first + second) / 2 + radii * around)
    return strokes


def _scribble(rng: np.random.Generator) -> Points:
    """Return a curve that goes to and fro."""
    corners = rng.uniform(0, 3, (int(rng.integers(8, 17)), 2))
    line = np.repeat(corners, 8, axis=0)
    # The mean of the neighbours, twice: round corners.
    kernel = np.ones(8) / 8
    for _ in range(2):
        line = np.stack([np.convolve(line[:, k], kernel, "valid") for k in (0, 1)], 1)
    return line


def _drawn(strokes: list[Points], rng: np.random.Generator) -> Bytes:
    """Return strokes as a pen draws them, in MNIST's frame."""
    thickness = rng.uniform(0.6, 1.1)
    points = np.concatenate(strokes)
    side = max(np.ptp(points, axis=0).max(), 1e-3)
    scale = (BOX - 2 * thickness) / side
    points = np.concatenate([_dense(stroke * scale) for stroke in strokes])
    low, high = points.min(axis=0), points.max(axis=0)
    # The centre of mass in the middle, unless ink would leave the picture.
    edge = 1 + thickness
    middle = np.clip(SIDE / 2 - points.mean(axis=0), edge - low, SIDE - edge - high)
    points, box = points + middle, (low + high) / 2 + middle
    # A pen whose ink fades out as a normal distribution does: a product of rows and
    # columns, so a matrix product adds up all points.
    away = (PLACES[:, np.newaxis] - points.T[:, np.newaxis]) / thickness
    near = np.exp(-0.5 * away**2)
    near[np.abs(PLACES - box[:, np.newaxis]) >= BOX / 2] = 0  # no ink beyond the box
    ink = near[0] @ near[1].T * (1.6 * SPACING / (thickness * math.sqrt(2 * math.pi)))
    image: Bytes = np.rint(255 * np.minimum(ink, 1)).astype(np.uint8)
    return image


def _dense(stroke: Points) -> Points:
    """Return points along a line through these, `SPACING` apart."""
    steps = np.hypot(*np.diff(stroke, axis=0).T)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.arange(0, way[-1] + SPACING, SPACING)
    return np.stack([np.interp(at, way, stroke[:, k]) for k in (0, 1)], axis=1)


def _blot(rng: np.random.Generator) -> Bytes:
    """Return cells, black and white: noise from coarse to fine."""
    n = int(rng.choice([3, 4, 5, 7, 10, 20]))
    cells = 255 * (rng.random((n, n)) > rng.uniform(0.3, 0.8)).astype(np.uint8)
    at = np.arange(BOX) * n // BOX
    blot = cells[at][:, at]
    mass = blot / max(blot.sum(), 1)
    places = np.arange(BOX) + 0.5
    first = [round(SIDE / 2 - float(mass.sum(axis=axis) @ places)) for axis in (1, 0)]
    top, left = (min(max(x, 0), SIDE - BOX) for x in first)
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + BOX, left : left + BOX] = blot
    return image
