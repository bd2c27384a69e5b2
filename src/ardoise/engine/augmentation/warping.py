"""Moving the pixels of images: a map and a field of displacements, one resampling.

Whatever moves an image (rotation, scale, shear, translation, elastic deformation) says
where each pixel of the result lies in the source, and the source is read there once,
between its four nearest pixels. Nothing is blurred twice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array, Memory
from ardoise.engine.errors import ShapeError

# Share of the variance of a random field that its basis keeps.
KEPT_VARIANCE = 0.999
# Indices of pixels are computed in float32, which counts to 2**24.
MOST_PIXELS = 2**24


class Margins:
    """Images with zeros around them, so that what lies outside can be read, as 0.

    Parameters
    ----------
    image_shape : (h, w, c)
    batch : int
        The most images.
    width : int
        Of the margin on each side, in pixels.
    dtype : numpy dtype

    Attributes
    ----------
    padded : array of shape (batch, h + 2 width, w + 2 width, c)
        Only the images themselves may be written.
    """

    def __init__(
        self, image_shape: tuple[int, int, int], batch: int, width: int, dtype: Any
    ) -> None:
        h, w, c = image_shape
        self.image_shape, self.width = image_shape, width
        self.padded = np.zeros((batch, h + 2 * width, w + 2 * width, c), dtype)

    def images(self, n: int, down: int = 0, right: int = 0) -> Array:
        """Return the first n images, (n, h, w, c), seen from so many pixels away."""
        h, w, _ = self.image_shape
        top, left = self.width + down, self.width + right
        return self.padded[:n, top : top + h, left : left + w]

    def windows(self) -> Array:
        """Return (batch, 2 width + 1, 2 width + 1, h, w, c): all shifted images."""
        h, w, c = self.image_shape
        batch, places = len(self.padded), 2 * self.width + 1
        image, row, column, channel = self.padded.strides
        return np.lib.stride_tricks.as_strided(
            self.padded,
            (batch, places, places, h, w, c),
            (image, row, column, row, column, channel),
            writeable=False,
        )


def inverse_maps(
    shape: tuple[int, int],
    *,
    angle: Array,
    factors: Array,
    slope: Array,
    translation: Array,
) -> Array:
    """Return where the pixels of transformed images lie in the images they come from.

    With c the centre, ((h − 1) / 2, (w − 1) / 2), an image is scaled, sheared and
    rotated about c, then translated by t: p ↦ c + t + R S F (p − c). The result maps
    back.

    Parameters
    ----------
    shape : (h, w)
    angle : array of shape (n,)
        Radians, counter-clockwise as one looks at the picture.
    factors : array of shape (2, n)
        Height and width are multiplied by these.
    slope : array of shape (n,)
        A row that lies one pixel higher is moved so many pixels to the right.
    translation : array of shape (2, n)
        Pixels down and to the right.

    Returns
    -------
    array of shape (2, n, 3)
        Row = maps[0] · (row, column, 1), column = maps[1] · (row, column, 1).
    """
    cos, sin = np.cos(angle), np.sin(angle)
    maps = np.empty((2, len(angle), 3))
    maps[0, :, 0], maps[0, :, 1] = cos, sin
    maps[1, :, 0], maps[1, :, 1] = slope * cos - sin, slope * sin + cos
    maps[:, :, :2] /= factors[:, :, np.newaxis]
    centre = (np.array(shape) - 1) / 2
    from_centre = centre[:, np.newaxis] + translation  # (2, n)
    for axis in range(2):
        moved = np.einsum("ni,in->n", maps[axis, :, :2], from_centre)
        maps[axis, :, 2] = centre[axis] - moved
    return maps


class Resampler:
    """Reads images between their pixels, bilinearly; outside they are 0.

    A batch of 128 images of 28 × 28 takes 0.4 ms: coordinates by one matrix product,
    then about twenty passes over them in the cache, and four gathers.

    Parameters
    ----------
    margins : Margins
        Two pixels wide, or more.

    Raises
    ------
    ShapeError
        If an image has more than 16 million pixels.
    """

    def __init__(self, margins: Margins) -> None:
        batch, height, width, c = margins.padded.shape
        if batch * height * width > MOST_PIXELS:
            raise ShapeError(
                "augmentation can move images of up to 16 million pixels; got "
                f"{margins.image_shape[0]} × {margins.image_shape[1]}"
            )
        h, w, _ = margins.image_shape
        self._margin, self._row = margins.width, width
        self._shape = margins.image_shape
        dtype = margins.padded.dtype
        flat = margins.padded.reshape((-1, c) if c > 1 else -1)
        # The same indices, taken from arrays that begin later, read the neighbours.
        self._corners = [flat[start:] for start in (0, 1, width, width + 1)]
        rows, columns = np.indices((h, w)).reshape(2, -1)
        self._grid = np.stack([rows, columns, np.ones(h * w)]).astype(dtype)
        images = np.arange(batch, dtype=dtype) * (height * width)
        self._images = images[:, np.newaxis]  # where each begins
        self._points = Memory(2 * batch * h * w, dtype)
        self._wholes = Memory(2 * batch * h * w, dtype)
        self._index = Memory(batch * h * w, np.intp)
        self._read = [Memory(batch * h * w * c, dtype) for _ in self._corners]

    def __call__(self, maps: Array, displacements: Array | None = None) -> Array:
        """Return the images, read at other places.

        Parameters
        ----------
        maps : array of shape (2, n, 3)
            See `inverse_maps`.
        displacements : array of shape (2, n, h · w), optional
            Pixels, added to the places.

        Returns
        -------
        array of shape (n, h, w, c)
            A buffer that holds until the next call.
        """
        n, (h, w, c) = maps.shape[1], self._shape
        weights = self._locate(maps, displacements)
        index = self._index((n * h * w,))
        shape = (n * h * w, c) if c > 1 else (n * h * w,)
        read = [memory(shape) for memory in self._read]
        for corner, out in zip(self._corners, read, strict=True):
            # Indices are in range; of all modes, "wrap" finds that out fastest.
            corner.take(index, axis=0, out=out, mode="wrap")
        down, right = (weight.reshape((-1, 1) if c > 1 else -1) for weight in weights)
        above = _mix(read[0], read[1], right)
        below = _mix(read[2], read[3], right)
        return _mix(above, below, down).reshape(n, h, w, c)

    def _locate(self, maps: Array, displacements: Array | None) -> Array:
        """Compute indices of the upper left neighbours; return weights (2, n, h · w).

        A weight is the distance from that neighbour, in pixels, down and to the right.
        """
        n, (h, w, _) = maps.shape[1], self._shape
        points = self._points((2, n, h * w))
        inner = maps.copy()
        inner[:, :, 2] += self._margin
        np.matmul(inner.astype(points.dtype), self._grid, out=points)
        if displacements is not None:
            np.add(points, displacements, out=points)
        for axis, size in enumerate((h, w)):
            # One pixel outside, all is 0 already.
            low, high = self._margin - 1, self._margin + size
            np.clip(points[axis], low, high, out=points[axis])
        wholes = self._wholes((2, n, h * w))
        np.trunc(points, out=wholes)
        np.subtract(points, wholes, out=points)
        places = wholes[0]
        np.multiply(places, self._row, out=places)
        np.add(places, wholes[1], out=places)
        np.add(places, self._images[:n], out=places)
        index = self._index((n * h * w,))
        np.copyto(index, places.reshape(-1), casting="unsafe")
        return points


def _mix(a: Array, b: Array, weight: Array) -> Array:
    """Return a + weight · (b − a), computed in place: a where the weight is 0."""
    np.subtract(b, a, out=b)
    np.multiply(b, weight, out=b)
    return np.add(a, b, out=a)


class ElasticFields:
    """Random fields of displacements, as smooth as noise under a Gaussian.

    Simard's field is alpha times white noise, uniform in [−1, 1], smoothed by a
    Gaussian of width sigma. Its covariance is that of A Z Bᵀ, where Z holds independent
    normal numbers and the columns of A (h, k) and B (w, m) are the first principal
    components, 99.9 % of the variance: 7 × 7 numbers instead of 784 for sigma 4. The
    noise is taken to go on outside the image, so displacements are as large at its
    border as in its middle.

    Parameters
    ----------
    shape : (h, w)
    batch : int
        The most images.
    alpha, sigma : float
        Pixels. A displacement has the standard deviation alpha / (2 sigma √(3π)).
    dtype : numpy dtype

    References
    ----------
    Simard, Steinkraus, Platt, "Best practices for convolutional neural networks applied
    to visual document analysis", 2003, section 2.
    """

    def __init__(
        self, shape: tuple[int, int], batch: int, alpha: float, sigma: float, dtype: Any
    ) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._down = field_basis(shape[0], sigma).astype(dtype)  # (h, k)
        self._right = field_basis(shape[1], sigma).T.astype(dtype)  # (m, w)
        self._alpha = alpha / math.sqrt(3)  # times the deviation of a uniform number
        k, m = self._down.shape[1], self._right.shape[0]
        self._draws = Memory(k * 2 * batch * m, np.float32)
        self._numbers = Memory(k * 2 * batch * m, dtype)
        self._half = Memory(k * 2 * batch * shape[1], dtype)
        self._fields = Memory(2 * batch * shape[0] * shape[1], dtype)

    def __call__(self, amounts: Array, rng: np.random.Generator) -> Array:
        """Return fields (2, n, h · w), in pixels: down and to the right.

        They lie in a buffer that holds until the next call.

        Parameters
        ----------
        amounts : array of shape (n,)
            Each image's field is multiplied by its own.
        rng : numpy.random.Generator
        """
        n, (h, w) = len(amounts), self._shape
        k, m = self._down.shape[1], self._right.shape[0]
        # float32 whatever the dtype: both dtypes draw the same numbers.
        draws = self._draws((k, 2, n, m))
        rng.standard_normal(dtype=np.float32, out=draws)
        numbers = self._numbers((k, 2, n, m))
        size = (amounts * self._alpha).astype(self._dtype)
        np.multiply(draws, size[:, np.newaxis], out=numbers)
        half = self._half((k * 2 * n, w))
        np.matmul(numbers.reshape(-1, m), self._right, out=half)
        fields = self._fields((2 * n, h, w))
        columns = half.reshape(k, 2 * n, w).transpose(1, 0, 2)  # (2 n, k, w)
        np.matmul(self._down, columns, out=fields)
        return fields.reshape(2, n, h * w)


def field_basis(n: int, sigma: float) -> Array:
    """Return (n, k): times k normal numbers, it is smoothed white noise on a line.

    That is noise of variance 1, convolved with a Gaussian whose sum is 1.
    """
    steps = np.arange(-math.ceil(5 * sigma) - n, math.ceil(5 * sigma) + n + 1)
    gaussian = np.exp(-0.5 * (steps / sigma) ** 2)
    gaussian /= gaussian.sum()
    # Covariance at distance d: Σ gaussian(i) gaussian(i + d).
    covariance = np.correlate(gaussian, gaussian, "full")[len(gaussian) - 1 :][:n]
    rows, columns = np.indices((n, n))
    values, vectors = np.linalg.eigh(covariance[abs(rows - columns)])
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    kept = np.cumsum(values) / values.sum()
    k = min(n, 1 + int(np.searchsorted(kept, KEPT_VARIANCE)))
    basis: Array = vectors[:, :k] * np.sqrt(values[:k])
    return basis
