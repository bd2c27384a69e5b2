"""A picture of any kind as grey levels: 0 is black, 1 is white."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ardoise.messages import UserError
from ardoise.pictures.windows import Grey, reduced

MAX_SIDE = 20_000
CHANNELS = ("red", "green", "blue")
# Red, green and blue in luminance: ITU-R BT.601.
LUMINANCE = (0.299, 0.587, 0.114)
# Quantiles between which lie a picture's levels, and pixels that are looked at.
DARK, LIGHT, LOOKED_AT = 0.002, 0.998, 200_000
# A channel is taken instead of luminance if its contrast is so many times larger.
CLEARLY = 1.1


class PictureError(UserError):
    """What was given is no picture."""


class Levels(NamedTuple):
    """A picture in grey.

    Attributes
    ----------
    grey : ndarray of float32, shape (h, w)
    channel : str
        What it was taken from: ``"grey"``, ``"luminance"``, or a colour's name.
    times : int
        Pixels of the picture, on a side, of which each of these is the mean.
    """

    grey: Grey
    channel: str
    times: int = 1


def grey_levels(picture: ArrayLike, most_side: int = MAX_SIDE) -> Levels:
    """Return grey levels from 0 to 1: of colours, the channel that shows most.

    Parameters
    ----------
    picture : array-like of shape (h, w) or (h, w, c)
        With c 1 (grey), 2 (grey, opacity), 3 (red, green, blue) or 4 (and opacity).
        bool, or whole numbers from 0 to 255 (to 65535, if one is larger), or floating
        point from 0 to 1 (to 255, if one is larger). What is transparent shows white,
        or black behind what is light.
    most_side : int
        A larger picture is made smaller: means of squares of whole pixels.

    Raises
    ------
    PictureError
        If it has another shape, no pixel, more than 20,000 of them on a side, or
        numbers that are negative, infinite, NaN, or larger than 65535.
    """
    array, top = _checked(picture)
    # As many as leave one pixel a side, of a picture that is long and narrow.
    times = min(-(-max(array.shape[:2]) // most_side), *array.shape[:2])
    values = _unit(array, top, times)
    if values.ndim == 2:
        return Levels(values, "grey", times)
    colours, n = values, values.shape[2]
    if n in (2, 4):
        colours = _on_ground(values[:, :, :-1], values[:, :, -1:])
    if colours.shape[2] == 1:
        return Levels(np.ascontiguousarray(colours[:, :, 0]), "grey", times)
    luminance = colours @ np.array(LUMINANCE, np.float32)
    contrasts = [_contrast(colours[:, :, i]) for i in range(3)]
    best = int(np.argmax(contrasts))
    if contrasts[best] <= CLEARLY * _contrast(luminance):
        return Levels(luminance, "luminance", times)
    return Levels(np.ascontiguousarray(colours[:, :, best]), CHANNELS[best], times)


def _checked(picture: ArrayLike) -> tuple[NDArray[Any], float]:
    """Return a picture as an array, and the number that stands for white."""
    try:
        values = np.asarray(picture)
    except ValueError as error:
        raise PictureError("picture.ragged") from error
    kind = values.dtype.kind
    if kind not in "biuf":
        raise PictureError("picture.numbers", dtype=values.dtype)
    if values.ndim not in (2, 3) or (
        values.ndim == 3 and values.shape[2] not in _DEPTHS
    ):
        raise PictureError("picture.shape", shape=str(values.shape))
    h, w = values.shape[:2]
    if not (h and w) or max(h, w) > MAX_SIDE:
        raise PictureError("picture.size", limit=MAX_SIDE, height=h, width=w)
    if values.dtype == np.uint8:
        return values, 255.0
    low, high = float(values.min()), float(values.max())
    if not (0 <= low and high <= 65535):  # NaN is refused too
        raise PictureError("picture.range", low=f"{low:g}", high=f"{high:g}")
    if kind == "b" or (kind == "f" and high <= 1):
        return values, 1.0
    return values, 65535.0 if high > 255 or values.dtype == np.uint16 else 255.0


def _unit(values: NDArray[Any], top: float, times: int) -> Grey:
    """Return the numbers from 0 to 1, as means of so many pixels a side."""
    scaled = reduced(values, times)
    scaled /= np.float32(top)
    return scaled


def _on_ground(colours: Grey, opacity: Grey) -> Grey:
    """Lay what is in part transparent on white; on black, if it is light itself."""
    weight = float(opacity.sum(dtype=np.float64))
    seen = float((colours * opacity).mean(axis=2).sum(dtype=np.float64))
    ground = np.float32(0.0 if seen > 0.5 * weight > 0 else 1.0)
    result: Grey = colours * opacity + ground * (1 - opacity)
    return result


_DEPTHS = (1, 2, 3, 4)


def _contrast(grey: Grey) -> float:
    """Return how far the lightest and darkest levels are apart, but for odd pixels."""
    low, high = quantiles(grey, DARK, LIGHT)
    return high - low


def quantiles(grey: Grey, *shares: float) -> list[float]:
    """Return quantiles of the levels, of a sample of them if there are many."""
    return [float(q) for q in np.quantile(sample(grey), shares)]


def sample(grey: Grey) -> Grey:
    """Return levels from all over the picture, in one row: all, if they are few."""
    flat = grey.reshape(-1)
    step = max(1, flat.size // LOOKED_AT)
    if step > 1:  # no divisor of the width, or a column is all that is seen
        step += step % 2 == 0
        while grey.shape[-1] % step == 0:
            step += 2
    return flat[::step]
