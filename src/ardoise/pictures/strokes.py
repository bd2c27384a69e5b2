"""How thick strokes are, and strokes made thicker or thinner."""

import math

import numpy as np
from numpy.typing import NDArray

from ardoise.pictures.windows import Grey


def thickness(ink: Grey) -> float:
    """Return the mean width of the strokes, in pixels; 0 without ink.

    A stroke of width t and length l has area t l and an edge of 2 (l + t). Grey pixels
    count in part: the area is the sum of the ink, the edge the sum of its slopes.

    Parameters
    ----------
    ink : ndarray of float32, shape (h, w)
        0 to 1.
    """
    padded = np.pad(ink, 1)
    area = float(ink.sum(dtype=np.float64))
    # The slope of each square of four pixels: exact along the grid and at 45°.
    down, right = np.diff(padded, axis=0), np.diff(padded, axis=1)
    slope = np.hypot(down[:, 1:] + down[:, :-1], right[1:] + right[:-1]) / 2
    half = float(slope.sum(dtype=np.float64)) / 2  # l + t
    # The root of t (half − t) = area that is the smaller: strokes are longer than wide.
    inside = half * half - 4 * area
    return (half - math.sqrt(inside)) / 2 if inside > 0 else half / 2


def thicken(ink: Grey, pixels: float) -> Grey:
    """Return strokes that are wider by so many pixels on each side, or narrower.

    Whole pixels by the maximum (the minimum, if ``pixels`` is negative) over a disc,
    put together from steps over a cross and over a square; what is left over by a mean
    of the last two steps. The picture grows by as much on each side.

    Parameters
    ----------
    ink : ndarray of float32, shape (h, w)
    pixels : float
    """
    whole, part = divmod(abs(pixels), 1.0)
    ink = np.pad(ink, math.ceil(max(pixels, 0)))
    extreme = np.maximum if pixels > 0 else np.minimum
    for number in range(int(whole)):
        ink = _step(ink, extreme, number)
    if part:
        further = _step(ink, extreme, int(whole))
        ink = (1 - np.float32(part)) * ink + np.float32(part) * further
    return ink


def _step(ink: Grey, extreme: np.ufunc, number: int) -> Grey:
    """Widen by one pixel: over a cross; every third time a square: nearly a disc."""
    padded = np.pad(ink, 1)
    out = extreme(padded[1:-1, :-2], padded[1:-1, 2:])
    extreme(out, padded[1:-1, 1:-1], out=out)
    if number % 3 == 2:
        rows = extreme(extreme(padded[:, :-2], padded[:, 2:]), padded[:, 1:-1])
        out = extreme(extreme(rows[:-2], rows[2:]), rows[1:-1])
    else:
        extreme(out, padded[:-2, 1:-1], out=out)
        extreme(out, padded[2:, 1:-1], out=out)
    widened: NDArray[np.float32] = out
    return widened
