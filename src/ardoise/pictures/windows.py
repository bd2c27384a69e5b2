"""Sums, means and extremes over windows; pictures made smaller and larger."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Grey = NDArray[np.float32]


def box_sums(values: NDArray[np.generic], radius: int) -> Floats:
    """Return the sum over the square of side 2 · radius + 1 around each pixel.

    What lies outside of the picture counts as 0.

    Parameters
    ----------
    values : array of shape (h, w)
    radius : int

    References
    ----------
    Crow, "Summed-area tables for texture mapping", 1984.
    """
    h, w = values.shape
    table = np.zeros((h + 1, w + 1))
    np.cumsum(values, axis=0, out=table[1:, 1:], dtype=np.float64)
    np.cumsum(table[1:, 1:], axis=1, out=table[1:, 1:])
    top, bottom = _limits(h, radius)
    left, right = _limits(w, radius)
    rows = table[bottom] - table[top]
    sums: Floats = rows[:, right] - rows[:, left]
    return sums


def box_means(values: NDArray[np.generic], radius: int) -> Floats:
    """Return the mean over that square, of what lies inside the picture."""
    h, w = values.shape
    top, bottom = _limits(h, radius)
    left, right = _limits(w, radius)
    area = np.multiply.outer(bottom - top, right - left)
    means: Floats = box_sums(values, radius) / area
    return means


def _limits(n: int, radius: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    places = np.arange(n)
    return np.maximum(places - radius, 0), np.minimum(places + radius + 1, n)


def sliding(values: Grey, size: int, extreme: np.ufunc) -> Grey:
    """Return the least (or greatest) over the window of a size around each pixel.

    What lies outside of the picture does not count.

    Parameters
    ----------
    values : ndarray of float32, shape (h, w)
    size : int
        Side of the window, in pixels; an even one reaches farther up and to the left.
    extreme : numpy.minimum or numpy.maximum
    """
    for axis in (0, 1):
        turned = np.moveaxis(values, axis, 0)
        far = np.float32(np.inf if extreme is np.minimum else -np.inf)
        edge = ((size // 2, (size - 1) // 2), (0, 0))
        window, width = np.pad(turned, edge, constant_values=far), 1
        # Of two windows of a width, one of up to twice that.
        while width < size:
            step = min(width, size - width)
            window, width = extreme(window[:-step], window[step:]), width + step
        values = np.moveaxis(window, 0, axis)
    return values


def reduced(values: NDArray[Any], times: int) -> Grey:
    """Return means of squares of so many pixels a side; what is left over is cut.

    Parameters
    ----------
    values : array of shape (h, w) or (h, w, c)
    times : int
    """
    h, w = (side // times for side in values.shape[:2])
    total = np.zeros((h, w, *values.shape[2:]), np.float32)
    for i in range(times):
        for j in range(times):
            total += values[i : h * times : times, j : w * times : times]
    total /= times * times
    return total


def enlarged(values: Grey, times: int, shape: tuple[int, ...]) -> Grey:
    """Return a picture of a size of which `reduced` made this one, interpolated."""
    for axis in (0, 1):
        n = values.shape[axis]
        places = np.clip((np.arange(shape[axis]) + 0.5) / times - 0.5, 0, n - 1)
        low = np.minimum(places.astype(np.int64), max(n - 2, 0))
        part = (places - low).astype(np.float32)
        part = part[:, np.newaxis] if axis == 0 else part
        first = values.take(low, axis)
        values = first + part * (values.take(np.minimum(low + 1, n - 1), axis) - first)
    return values
