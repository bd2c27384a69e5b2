"""Images made harder to read: how a network bears what it was not trained for.

`corrupt` changes images as one of `CORRUPTIONS` says: small movements, noise, thicker
strokes and inversion, and what of MNIST-C can be defined exactly. The same seed gives
the same images, each corruption drawing from a stream of its own.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.corruptions import changes, mnist_c
from ardoise.digits.corruptions.resampling import Change

__all__ = ["CORRUPTIONS", "MNIST_C_LEFT_OUT", "Corruption", "changed", "corrupt"]

CHUNK = 250  # images at a time, so that memory stays small
# They are what one version of a program makes of an image, and no formula says it all.
MNIST_C_LEFT_OUT = {
    "motion_blur": "ImageMagick’s",
    "canny_edges": "scikit-image’s",
}


@dataclass(frozen=True)
class Corruption:
    """A way to make images harder to read.

    Attributes
    ----------
    name : str
        As `corrupt` takes it: ``"rotation/20"``, ``"mnist-c/fog"``.
    about : str
        What it does, in a few words.
    change : callable
        From images (n, h, w), floats in [0, 1], and a Generator, to new images.
    """

    name: str
    about: str
    change: Change


def _table() -> dict[str, Corruption]:
    found = {}
    for kind, amounts, words, make in changes.KINDS:
        for amount in amounts:
            name = f"{kind}/{amount:g}" if amount else kind
            about = words.format(amount=f"{amount:g}".replace("-", "−"))
            found[name] = Corruption(name, about, make(amount))
    for kind, (words, change) in mnist_c.CORRUPTIONS.items():
        found[f"mnist-c/{kind}"] = Corruption(f"mnist-c/{kind}", words, change)
    return found


CORRUPTIONS = _table()


def corrupt(images: NDArray[Any], name: str, seed: int = 0) -> NDArray[np.uint8]:
    """Return images, corrupted.

    Parameters
    ----------
    images : array of uint8, shape (n, h, w, 1)
        White ink on black; MNIST-C's numbers are for 28 × 28 pixels.
    name : str
        One of `CORRUPTIONS`.
    seed : int

    Returns
    -------
    ndarray of uint8, shape (n, h, w, 1)
        Rounded to whole grey levels.

    Raises
    ------
    ValueError
        If there is no such corruption, or these are no grey images of bytes.
    """
    if name not in CORRUPTIONS:
        raise ValueError(f"expected one of {', '.join(CORRUPTIONS)}; got {name!r}")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 1:
        raise ValueError(
            "expected grey images, uint8 of shape (n, h, w, 1); got "
            f"{images.dtype} of shape {images.shape}"
        )
    rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
    return changed(images, CORRUPTIONS[name].change, rng)


def changed(
    images: NDArray[np.uint8], change: Change, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return images after any change, such as `changes.rotation` of 7 degrees.

    Parameters
    ----------
    images : array of uint8, shape (n, h, w, 1)
        White ink on black.
    change : callable
        As of a `Corruption`.
    rng : numpy.random.Generator
        What the change draws from.

    Returns
    -------
    ndarray of uint8, shape (n, h, w, 1)
        Rounded to whole grey levels.
    """
    result = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        rows = slice(start, start + CHUNK)
        levels = change(images[rows, :, :, 0] / 255.0, rng)
        result[rows, :, :, 0] = np.rint(255 * np.clip(levels, 0, 1))
    return result
