"""Corruptions of our own, each by an amount: movements, noise, strokes, inversion.

Where a direction is to be chosen (left or right), it is drawn for each image.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.corruptions.resampling import (
    Change,
    Images,
    about_the_centre,
    either_sign,
    resample,
)


def rotation(degrees: float) -> Change:
    """Turn about the centre, to the left or to the right."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        angles = math.radians(degrees) * either_sign(len(images), rng)
        cos, sin = np.cos(angles), np.sin(angles)
        return _mapped(images, cos, -sin, sin, cos)

    return change


def translation(pixels: float) -> Change:
    """Move along both axes, each way at random."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        maps = np.tile(np.eye(2, 3), (len(images), 1, 1))
        for axis in range(2):
            maps[:, axis, 2] = pixels * either_sign(len(images), rng)
        return resample(images, maps)

    return change


def scale(factor: float) -> Change:
    """Make larger or smaller, about the centre."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        ones = np.ones(len(images))
        return _mapped(images, ones / factor, 0 * ones, 0 * ones, ones / factor)

    return change


def shear(degrees: float) -> Change:
    """Have upright strokes lean, to the left or to the right."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        slopes = math.tan(math.radians(degrees)) * either_sign(len(images), rng)
        ones = np.ones(len(images))
        return _mapped(images, ones, slopes, 0 * ones, ones)

    return change


def noise(deviation: float) -> Change:
    """Add normal noise of this standard deviation, where white is 1."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        return images + deviation * rng.standard_normal(images.shape)

    return change


def thickness(pixels: float) -> Change:
    """Move both sides of each stroke outwards by so many pixels, or inwards if < 0.

    Grey-scale dilation or erosion, a pixel at a time, by a pixel and its four
    neighbours (Serra, "Image analysis and mathematical morphology", 1982, chapter XII).
    """

    def change(images: Images, rng: np.random.Generator) -> Images:
        choose = np.maximum if pixels > 0 else np.minimum
        for _ in range(round(abs(pixels))):
            around = np.pad(images, ((0, 0), (1, 1), (1, 1)))
            vertical = choose(around[:, :-2, 1:-1], around[:, 2:, 1:-1])
            horizontal = choose(around[:, 1:-1, :-2], around[:, 1:-1, 2:])
            images = choose(images, choose(vertical, horizontal))
        return images

    return change


def inversion(_: float) -> Change:
    """Black on white."""

    def change(images: Images, rng: np.random.Generator) -> Images:
        return 1 - images

    return change


def _mapped(images: Images, *entries: NDArray[np.float64]) -> Images:
    """Return the images read at M (p − c) + c, M given row by row: (n,) each."""
    matrices = np.stack(entries, axis=1).reshape(-1, 2, 2)
    return resample(images, about_the_centre(matrices, images.shape[1:]))


# Kind, amounts, words, and what makes the change of an amount.
KINDS: tuple[tuple[str, tuple[float, ...], str, Callable[[float], Change]], ...] = (
    ("rotation", (10, 20, 30, 45), "turned by ±{amount}°", rotation),
    ("translation", (1, 2, 4), "moved by ±{amount} pixels on both axes", translation),
    ("scale", (0.7, 0.85, 1.15, 1.3), "{amount} times as large", scale),
    ("shear", (10, 20, 30), "leaning by ±{amount}°", shear),
    ("noise", (0.1, 0.2, 0.4), "normal noise, deviation {amount}", noise),
    ("thickness", (-1, 1), "strokes {amount} pixel on each side", thickness),
    ("inversion", (0,), "black on white", inversion),
)
