"""How data become the numbers that a network reads.

One rule, used by training and by prediction alike: bytes (uint8) are grey levels and
are divided by 255; floating-point numbers are taken as they are.

Between layers a batch of images has the memory order (h, w, B, c), the batch third:
whatever a convolution or a pooling moves is then a run of B · c neighbouring numbers.
One core trains 32c3-pool-64c3-pool-128-10 at 4,300 images/s in this order and at 2,500
in (B, h, w, c). Outside the network the batch comes first, as everywhere.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ardoise.engine.mapped import Pages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray  # numpy.typing takes half a millisecond to import
Shape = tuple[int, ...]

FLOAT_DTYPES = ("float32", "float64")

# Views are kept for so many shapes; training has two, that of the last batch being one.
MOST_SHAPES = 8


# NumPy copies operands whose runs of neighbours are shorter than its buffer (counted in
# numbers), to compute longer runs. Where every other run of B · c numbers of an image
# is read, the copies take longer than they gain: with 8192, as usual, `maximum` of left
# and right columns of (26, 26, 32, 32) takes 0.50 ns a number, with 1024 0.15. And with
# fewer, operations that convert (float × bool) take twice as long.
UFUNC_BUFFER = 1024


class computing:
    """Within, NumPy computes without floating-point warnings, in short buffers.

    A context manager, for the thread that enters, until it leaves.
    """

    def __enter__(self) -> None:
        self._before = np.errstate(all="ignore")
        self._before.__enter__()
        np.setbufsize(UFUNC_BUFFER)

    def __exit__(self, *error: Any) -> None:
        self._before.__exit__(*error)  # which puts the size of buffers back, too


def as_float_dtype(dtype: Any) -> np.dtype[Any]:
    """Return ``dtype`` as a NumPy dtype, or refuse all but float32 and float64."""
    result: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
    if result.name not in FLOAT_DTYPES:
        raise ValueError(f"dtype must be float32 or float64; got {result.name}")
    return result


def to_float(x: Array, out: Array) -> Array:
    """Write ``x`` into the float array ``out`` of the same shape, bytes as x / 255."""
    return fill_batch(x, out, out)


def fill_batch(x: Array, out: Array, view: Array) -> Array:
    """Write ``x`` into ``view``, which is ``out`` in the order of x, bytes as x / 255.

    Returns ``out``, which is contiguous.
    """
    # Copy, then scale in place: 20 % faster than one multiplication that converts.
    np.copyto(view, x, casting="same_kind" if x.dtype.kind == "f" else "unsafe")
    if x.dtype == np.uint8:
        np.multiply(out, 1 / 255, out=out)
    return out


def batch_shape(sample_shape: Shape, n: int) -> Shape:
    """Return the shape of n samples in layer order: (h, w, n, c) for images."""
    if len(sample_shape) == 3:
        return (*sample_shape[:2], n, sample_shape[2])
    return (n, *sample_shape)


def batch_count(x: Array) -> int:
    """Return how many samples an array in layer order holds."""
    return int(x.shape[2] if x.ndim == 4 else x.shape[0])


def to_layers(x: Array) -> Array:
    """Return samples (n, ...) in layer order: a copy for images, else x itself."""
    return np.ascontiguousarray(x.transpose(1, 2, 0, 3)) if x.ndim == 4 else x


def from_layers(x: Array) -> Array:
    """Return an array in layer order as samples (n, ...): the way back."""
    return np.ascontiguousarray(x.transpose(2, 0, 1, 3)) if x.ndim == 4 else x


def as_samples(x: Array, sample_shape: Shape) -> Array:
    """Return a view of an array in layer order, or of rows, as samples (n, ...)."""
    if x.ndim == 4:
        return x.transpose(2, 0, 1, 3)
    return x.reshape(len(x), *sample_shape)


class Memory:
    """A work array, handed out in whatever shape its user needs next.

    The same shape gets the same array object, so that what was prepared for an array
    can be recognised by ``is``.

    Parameters
    ----------
    size : int
        The most numbers that a shape may hold.
    dtype : numpy dtype
    """

    def __init__(self, size: int, dtype: Any) -> None:
        self.size = size
        self._numbers = np.empty(size, dtype)
        self._views: dict[Shape, Array] = {}

    def __call__(self, shape: Shape) -> Array:
        """Return the start of the memory as a contiguous array of this shape."""
        view = self._views.get(shape)
        if view is None:
            if len(self._views) >= MOST_SHAPES:
                self._views.clear()
            view = self._numbers[: math.prod(shape)].reshape(shape)
            self._views[shape] = view
        return view


def check_samples(x: Array, input_shape: Shape) -> None:
    """Refuse data that a network with this input shape cannot read.

    Raises
    ------
    TypeError
        If ``x`` is neither uint8 nor floating point.
    ValueError
        If it is empty, has another shape than ``(n, *input_shape)``, holds NaN or
        infinity.
    """
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise TypeError(
            "x must hold bytes (uint8, read as x / 255) or floating-point numbers; "
            f"got {x.dtype}"
        )
    if x.shape[1:] != tuple(input_shape) or x.ndim == 0:
        raise ValueError(
            f"x must have the shape (n, {', '.join(map(str, input_shape))}); "
            f"got {x.shape}"
        )
    if len(x) == 0:
        raise ValueError("x holds no sample; at least one is needed")
    if x.dtype.kind == "f":
        check_finite(x, "x")


def check_finite(values: Array, name: str) -> None:
    """Refuse NaN and infinity, naming the first row that holds one."""
    # Row blocks: a sum of squares is finite almost always, and takes no temporary array
    # (for one image 1 µs, where `numpy.isfinite` and `all` take 4).
    rows = max(1, 2**20 // max(1, values[:1].size))
    pages = Pages(values)
    for start in range(0, len(values), rows):
        block = values[start : start + rows]
        pages.read(len(block))
        flat = block.reshape(-1)
        with np.errstate(over="ignore", invalid="ignore"):
            total = np.dot(flat, flat)
        if math.isfinite(total):
            continue
        good = np.isfinite(block).reshape(len(block), -1).all(axis=1)
        if not good.all():
            row = start + int(np.argmin(good))
            raise ValueError(
                f"{name} must hold finite numbers; row {row} holds NaN or infinity"
            )
