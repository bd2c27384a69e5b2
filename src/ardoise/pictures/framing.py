"""MNIST's own frame: the longest side 20 pixels, the centre of mass in the middle.

References
----------
LeCun, Cortes and Burges, "The MNIST database of handwritten digits": the original
pictures were fitted into a 20 × 20 box, grey levels by anti-aliasing, and centred in a
28 × 28 field by their centre of mass.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ardoise.pictures.windows import Grey

SIDE, BOX = 28, 20
# The centre of mass of MNIST's digits: the middle of row (column) 14, counted from 0.
MIDDLE = 14.5
FRAMED = 0.9  # of the images, so many must be framed so
# A size that need not be changed: MNIST's own digits are moved by whole pixels alone.
SAME = 0.03


class Box(NamedTuple):
    """Where something lies: the last two are past its end."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    def times(self, n: int) -> "Box":
        """Return the box in a picture that is so many times as large."""
        return Box(*(n * side for side in self))


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """Return the smallest box around what is set; None if nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def is_framed(images: NDArray[np.generic], dark_on_light: bool = False) -> bool:
    """Tell whether images are framed as MNIST's are, nearly all of them.

    Parameters
    ----------
    images : array of shape (n, h, w, c)
        Of any dtype; the first 1,000 are looked at.
    dark_on_light : bool
        Whether ink has the low levels.
    """
    if images.ndim != 4 or images.shape[1:] != (SIDE, SIDE, 1):
        return False
    levels = images[:1000, ..., 0].astype(np.float64)
    ink = levels.max() - levels if dark_on_light else levels
    total = ink.sum(axis=(1, 2))
    places = np.arange(SIDE) + 0.5
    near = np.ones(len(ink), bool)
    for axis in (1, 2):
        across = ink.sum(axis=axis)
        middle = across @ places / np.maximum(total, 1e-9)
        near &= np.abs(middle - MIDDLE) <= 1
        near &= np.count_nonzero(across > 0, axis=1) <= BOX
    return bool(np.mean(near) >= FRAMED)


def resample(
    ink: Grey, shape: tuple[int, int], scale: float, shift: tuple[float, float]
) -> Grey:
    """Return a picture of another size: each pixel the mean of what it covers.

    Parameters
    ----------
    ink : ndarray of float32, shape (h, w)
    shape : (int, int)
        Of the result.
    scale : float
        Pixels of the result for one of ``ink``.
    shift : (float, float)
        Where the upper left corner of ``ink`` comes to lie in it, in its pixels.
    """
    rows = _cover(ink.shape[0], shape[0], scale, shift[0])
    columns = _cover(ink.shape[1], shape[1], scale, shift[1])
    result: Grey = np.asarray(rows @ ink @ columns.T, np.float32)
    return result


def _cover(n: int, m: int, scale: float, shift: float) -> Grey:
    """Return which share of each of m new pixels each of n old ones covers, (m, n)."""
    edges = shift + scale * np.arange(n + 1)
    places = np.arange(m)[:, np.newaxis]
    low = np.maximum(edges[np.newaxis, :-1], places)
    high = np.minimum(edges[np.newaxis, 1:], places + 1)
    covered: Grey = np.maximum(high - low, 0).astype(np.float32)
    return covered


def frame(ink: Grey) -> Grey:
    """Return ink as MNIST frames it: (28, 28), 0 to 1; all 0 without ink.

    Parameters
    ----------
    ink : ndarray of float32, shape (h, w)
        Cut out around the digit.
    """
    h, w = ink.shape
    total = float(ink.sum(dtype=np.float64))
    if total == 0:
        return np.zeros((SIDE, SIDE), np.float32)
    scale = BOX / max(h, w)
    middle = (
        scale * (float(ink.sum(axis=1, dtype=np.float64) @ np.arange(h)) / total + 0.5),
        scale * (float(ink.sum(axis=0, dtype=np.float64) @ np.arange(w)) / total + 0.5),
    )
    shift = (MIDDLE - middle[0], MIDDLE - middle[1])
    if abs(scale - 1) < SAME:
        scale, shift = 1.0, (float(round(shift[0])), float(round(shift[1])))
    return np.clip(resample(ink, (SIDE, SIDE), scale, shift), 0, 1)
