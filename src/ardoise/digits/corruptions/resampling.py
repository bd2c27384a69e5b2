"""Moving pixels: where each pixel of the new image lies in the old one, read there.

This is the clear way to do it, between the four nearest pixels and with black outside;
training has a faster one.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Images: TypeAlias = NDArray[np.float64]  # (n, h, w), in [0, 1]
Change: TypeAlias = Callable[[Images, np.random.Generator], Images]


def about_the_centre(
    matrices: NDArray[Any], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the maps p ↦ M (p − c) + c, with c the centre of the image.

    Parameters
    ----------
    matrices : array of shape (n, 2, 2)
        M, for points (x, y): column, row.
    shape : (h, w)

    Returns
    -------
    array of shape (n, 2, 3)
        As `resample` takes them.
    """
    height, width = shape
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shifts = centre - matrices @ centre  # (n, 2)
    return np.concatenate([matrices, shifts[..., np.newaxis]], axis=2)


def resample(images: Images, maps: NDArray[np.float64]) -> Images:
    """Return images whose pixel (x, y) is the old image's at ``map · (x, y, 1)``.

    Bilinear; what lies outside is 0.

    Parameters
    ----------
    images : array of shape (n, h, w)
    maps : array of shape (n, 2, 3)
        For points (x, y): column, row.
    """
    n, height, width = images.shape
    y, x = np.mgrid[:height, :width].reshape(2, -1)
    points = maps @ np.stack([x, y, np.ones_like(x)])  # (n, 2, h·w)
    # Two columns and rows of black on each side stand for all that lies outside.
    padded = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    columns = np.clip(points[:, 0], -2, width) + 2
    rows = np.clip(points[:, 1], -2, height) + 2
    left, top = np.floor(columns).astype(int), np.floor(rows).astype(int)
    right_share, low_share = columns - left, rows - top
    i = np.arange(n)[:, np.newaxis]
    upper = (1 - right_share) * padded[i, top, left]
    upper += right_share * padded[i, top, left + 1]
    lower = (1 - right_share) * padded[i, top + 1, left]
    lower += right_share * padded[i, top + 1, left + 1]
    result: Images = (1 - low_share) * upper + low_share * lower
    return result.reshape(images.shape)


def either_sign(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return −1 and 1 at random, shape (n,)."""
    return 2 * rng.integers(0, 2, n).astype(np.float64) - 1
