"""One digit on a picture: each way in which people's pictures differ from MNIST's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.pictures.ink import crop, enlarge, paste, photograph, skeleton, turned

Bytes = NDArray[np.uint8]
Make = Callable[[Bytes, np.random.Generator], NDArray[Any]]


@dataclass(frozen=True)
class Case:
    """A way to make a picture of a digit.

    Attributes
    ----------
    name, about : str
    wanted, goal : float
        Accuracy in %.
    make : callable
        (28, 28) bytes, generator → the picture.
    """

    name: str
    about: str
    wanted: float
    goal: float | None
    make: Make


def as_it_is(image: Bytes, rng: np.random.Generator) -> Bytes:
    return image


def inverted(image: Bytes, rng: np.random.Generator) -> Bytes:
    return 255 - image


def moved(image: Bytes, rng: np.random.Generator) -> Bytes:
    """Move by up to 6 pixels both ways; what leaves the picture is cut off."""
    down, right = rng.integers(-6, 7, 2)
    wide = np.pad(image, 6)
    moved_ = wide[6 - down : 34 - down, 6 - right : 34 - right]
    return np.ascontiguousarray(moved_)


def centred_on_box(image: Bytes, rng: np.random.Generator) -> Bytes:
    cut = crop(image)
    blank = np.zeros_like(image)
    top, left = (28 - cut.shape[0]) // 2, (28 - cut.shape[1]) // 2
    blank[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    return blank


def resized(image: Bytes, rng: np.random.Generator) -> Bytes:
    """Half to double size, on a board of 64 × 64."""
    side = round(28 * 2 ** rng.uniform(-1, 1))
    small = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    board = np.zeros((64, 64), np.uint8)
    top = left = (64 - side) // 2
    board[top : top + side, left : left + side] = np.asarray(small)
    return board


def stretched(image: Bytes, rng: np.random.Generator) -> Bytes:
    """The tight box of the digit, stretched to 28 × 28."""
    found = Image.fromarray(crop(image)).resize((28, 28), Image.Resampling.BILINEAR)
    return np.asarray(found)


def thinned(image: Bytes, rng: np.random.Generator) -> Bytes:
    """Strokes thinner by 0.7 of their mean width: Morpho-MNIST's ``Thinning``.

    Castro, Tan, Kainz, Konukoglu and Glocker, "Morpho-MNIST", 2019, section 2.3.
    """
    large, width = _enlarged(image)
    disc = _disc(int(0.7 * width / 2))
    return _reduced(ndimage.binary_erosion(large, disc))


def thickened(image: Bytes, rng: np.random.Generator) -> Bytes:
    """Strokes twice as wide: Morpho-MNIST's ``Thickening``, of the same section."""
    large, width = _enlarged(image)
    return _reduced(ndimage.binary_dilation(large, _disc(int(width / 2))))


TIMES = 4  # pixels of an enlarged digit, for one


def _enlarged(image: Bytes) -> tuple[NDArray[np.bool_], float]:
    """Return a sharp digit, four times as large, and the mean width of its strokes."""
    side = TIMES * len(image)
    large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    mask = np.asarray(large) > 127
    distance = ndimage.distance_transform_edt(mask)
    return mask, 2 * float(distance[skeleton(mask)].mean())


def _disc(radius: int) -> NDArray[np.bool_]:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc: NDArray[np.bool_] = x * x + y * y <= radius * radius
    return disc


def _reduced(mask: NDArray[np.bool_]) -> Bytes:
    side = len(mask) // TIMES
    means = mask.reshape(side, TIMES, side, TIMES).mean(axis=(1, 3))
    levels: Bytes = np.rint(255 * means).astype(np.uint8)
    return levels


def rotated(image: Bytes, rng: np.random.Generator) -> Bytes:
    angle = rng.uniform(-20, 20)
    found = Image.fromarray(image).rotate(angle, Image.Resampling.BICUBIC)
    return np.asarray(found)


def photo(image: Bytes, rng: np.random.Generator) -> Bytes:
    """A digit of 60 to 120 pixels anywhere on a photo of 160 to 240."""
    ink = enlarge(image, int(rng.integers(60, 121)))
    ink = turned(ink, rng.uniform(-5, 5))
    side = int(max(*ink.shape, rng.integers(160, 241)))
    board = np.zeros((side, side), np.float32)
    top = int(rng.integers(side - ink.shape[0] + 1))
    left = int(rng.integers(side - ink.shape[1] + 1))
    paste(board, ink, top, left)
    return photograph(np.pad(board, 12), rng)


CASES = (
    Case("as it is", "MNIST's own frame", 99.0, None, as_it_is),
    Case("inverted", "black on white", 98, 99, inverted),
    Case("moved", "by up to 6 pixels both ways", 98, 99, moved),
    Case("centred", "on its box instead of its mass", 98, 99, centred_on_box),
    Case("resized", "half to double size, on 64 × 64", 98, 99, resized),
    Case("stretched", "its tight box as 28 × 28", 97, None, stretched),
    Case("thin", "strokes 0.7 of their mean width thinner", 97, None, thinned),
    Case("thick", "strokes as much wider as they are wide", 97, None, thickened),
    Case("rotated", "by up to 20° either way", 97, None, rotated),
    Case("photo", "paper, shadow, noise, blur, JPEG", 97, None, photo),
)
