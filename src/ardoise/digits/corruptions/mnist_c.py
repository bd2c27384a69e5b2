"""The corruptions of MNIST-C, from their definitions, with its severities.

Source: N. Mu, J. Gilmer, "MNIST-C: a robustness benchmark for computer vision", 2019
(arXiv 1906.02337), and the ``corruptions.py`` of the repository google-research/mnist-c
for the numbers. Each gives the same distribution of images as there, from another
stream of random numbers: the published files hold one draw of each. Two of its quirks
are kept: its shear also stretches, by the cosine of its angle, and its glass blurs
along columns only.
"""

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.corruptions import lines
from ardoise.digits.corruptions.resampling import (
    Change,
    Images,
    about_the_centre,
    either_sign,
    resample,
)

ROTATION = SHEAR = 0.4  # radians: severity 2
SCALE = 1 / 0.7  # severity 3
TRANSLATION = 3  # pixels: severity 3
BRIGHTNESS = 0.5  # severity 5
PHOTONS = 3  # of white: severity 5
IMPULSES = 0.17  # share of the pixels: severity 4
STRIPE = 7  # columns on each side
GLASS_SIGMA, GLASS_TIMES = 0.7, 2  # severity 1
FOG, FOG_DECAY, FOG_SIZE = 3.0, 1.4, 256  # severity 5
# Mean, deviation, width, threshold, width of the edges: severity 4.
SPATTER = (0.65, 0.3, 1.0, 0.65, 1.5)
MUD = 63 / 255


def identity(images: Images, rng: np.random.Generator) -> Images:
    """Nothing: the images as they are."""
    return images


def shot_noise(images: Images, rng: np.random.Generator) -> Images:
    """As few photons: Poisson(3 x) / 3."""
    return rng.poisson(PHOTONS * images) / PHOTONS


def impulse_noise(images: Images, rng: np.random.Generator) -> Images:
    """Salt and pepper: 17 % of the pixels become black or white."""
    hit = rng.random(images.shape) <= IMPULSES
    white = rng.random(images.shape) <= 0.5
    return np.where(hit, white, images)


def rotate(images: Images, rng: np.random.Generator) -> Images:
    """Turned by ±0.4 radians about the centre."""
    angles = ROTATION * either_sign(len(images), rng)
    cos, sin = np.cos(angles), np.sin(angles)
    return _warped(images, [[cos, -sin], [sin, cos]])


def shear(images: Images, rng: np.random.Generator) -> Images:
    """Sheared by ±0.4 radians: (x, y) is read at (x − y sin a, y cos a)."""
    angles = SHEAR * either_sign(len(images), rng)
    one = np.ones(len(images))
    return _warped(images, [[one, -np.sin(angles)], [0 * one, np.cos(angles)]])


def scale(images: Images, rng: np.random.Generator) -> Images:
    """Shrunk to 70 %."""
    factor = np.full(len(images), SCALE)
    return _warped(images, [[factor, 0 * factor], [0 * factor, factor]])


def translate(images: Images, rng: np.random.Generator) -> Images:
    """Moved by ±3 pixels along each axis."""
    maps = np.tile(np.eye(2, 3), (len(images), 1, 1))
    for axis in range(2):
        maps[:, axis, 2] = TRANSLATION * either_sign(len(images), rng)
    return resample(images, maps)


def brightness(images: Images, rng: np.random.Generator) -> Images:
    """Half of white added: of grey, that is what adding to HSV's value does."""
    return images + BRIGHTNESS


def stripe(images: Images, rng: np.random.Generator) -> Images:
    """The outer quarters inverted: columns 0 to 6 and 21 to 27."""
    striped = images.copy()
    striped[..., :STRIPE] = 1 - images[..., :STRIPE]
    striped[..., -STRIPE:] = 1 - images[..., -STRIPE:]
    return striped


def fog(images: Images, rng: np.random.Generator) -> Images:
    """Behind a plasma fractal, three times as bright as the image."""
    _, height, width = images.shape
    result = np.empty_like(images)
    for start in range(0, len(images), 32):  # 17 MB of fractals
        rows = slice(start, start + 32)
        chunk = images[rows]
        white = chunk.max(axis=(1, 2), keepdims=True)
        haze = plasma(len(chunk), rng)[:, :height, :width]
        result[rows] = (chunk + FOG * haze) * white / (white + FOG)
    return result


def plasma(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return n fractals in [0, 1] by diamonds and squares, (n, 256, 256).

    Points midway between four others become their mean and a random number, in turn in
    squares and in diamonds of half the size; borders wrap around. The random numbers
    are uniform in ±r² with r = 100 / 1.4ᵏ at the k-th size.

    References
    ----------
    Fournier, Fussell, Carpenter, "Computer rendering of stochastic models", 1982.
    """
    maps = np.zeros((n, FOG_SIZE, FOG_SIZE))
    step, wild = FOG_SIZE, 100.0

    def midway(total: NDArray[np.float64]) -> NDArray[np.float64]:
        return total / 4 + wild * rng.uniform(-wild, wild, total.shape)

    while step >= 2:
        half = step // 2
        corners = maps[:, ::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=1)
        maps[:, half::step, half::step] = midway(pairs + np.roll(pairs, -1, axis=2))
        centres = maps[:, half::step, half::step]
        upright = centres + np.roll(centres, 1, axis=1)
        level = corners + np.roll(corners, -1, axis=2)
        maps[:, ::step, half::step] = midway(upright + level)
        level = centres + np.roll(centres, 1, axis=2)
        upright = corners + np.roll(corners, -1, axis=1)
        maps[:, half::step, ::step] = midway(upright + level)
        step, wild = half, wild / FOG_DECAY
    maps -= maps.min(axis=(1, 2), keepdims=True)
    maps /= maps.max(axis=(1, 2), keepdims=True)
    return maps


def spatter(images: Images, rng: np.random.Generator) -> Images:
    """Splashed with mud."""
    mean, deviation, width, threshold, edge = SPATTER
    liquid = mean + deviation * rng.standard_normal(images.shape)
    wet = blurred(blurred(liquid, width, 1), width, 2) > threshold
    mud = blurred(blurred(wet.astype(np.float64), edge, 1), edge, 2)
    mud[mud < 0.8] = 0
    return images * (1 - mud) + MUD * mud


def glass_blur(images: Images, rng: np.random.Generator) -> Images:
    """Seen through frosted glass: neighbouring pixels swapped, between two blurs."""
    n, height, width = images.shape
    grey = np.floor(255 * blurred(images, GLASS_SIGMA, 1))
    everyone = np.arange(n)
    for _ in range(GLASS_TIMES):
        for row in range(height - 1, 1, -1):
            for column in range(width - 1, 1, -1):
                swaps = rng.integers(0, 2, n)
                right, down = rng.integers(-1, 1, (2, n)) * swaps
                there = (everyone, row + down, column + right)
                here = grey[:, row, column].copy()
                grey[:, row, column] = grey[there]
                grey[there] = here
    return blurred(grey / 255, GLASS_SIGMA, 1)


def blurred(images: Images, sigma: float, axis: int) -> Images:
    """Return images smoothed along an axis by a Gaussian, cut off at 4 sigma.

    What lies outside is as the nearest pixel.
    """
    radius = int(4 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    margins = [(0, 0), (0, 0), (0, 0)]
    margins[axis] = (radius, radius)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(images, margins, mode="edge"), len(kernel), axis
    )
    smoothed: Images = windows @ kernel
    return smoothed


def _warped(images: Images, rows: list[list[NDArray[np.float64]]]) -> Images:
    """Return the images read at M (p − c) + c, with M's entries of shape (n,)."""
    matrices = np.moveaxis(np.array(rows), 2, 0)  # (n, 2, 2)
    return resample(images, about_the_centre(matrices, images.shape[1:]))


# Name → words, and the change.
CORRUPTIONS: dict[str, tuple[str, Change]] = {
    "identity": ("as they are", identity),
    "shot_noise": ("as few photons: Poisson(3 x) / 3", shot_noise),
    "impulse_noise": ("17 % of the pixels black or white", impulse_noise),
    "glass_blur": ("through frosted glass", glass_blur),
    "shear": (f"sheared by ±{SHEAR} rad", shear),
    "scale": ("shrunk to 70 %", scale),
    "rotate": (f"turned by ±{ROTATION} rad", rotate),
    "brightness": ("half of white added", brightness),
    "translate": (f"moved by ±{TRANSLATION} pixels on both axes", translate),
    "stripe": ("the outer quarters inverted", stripe),
    "fog": ("behind a plasma fractal", fog),
    "spatter": ("splashed with mud", spatter),
    "dotted_line": ("crossed by a dotted line", lines.dotted_line),
    "zigzag": ("crossed by a zigzag", lines.zigzag),
}
