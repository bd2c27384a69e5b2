"""Ink out of paper: which of the two is light, and what light falls on them.

What leaves this module is ink alone: 0 where there is none, 1 where it is strongest.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ardoise.pictures.components import connected_components
from ardoise.pictures.levels import quantiles, sample
from ardoise.pictures.windows import (
    Grey,
    box_means,
    box_sums,
    enlarged,
    reduced,
    sliding,
)

# Sides of windows, as a share of the picture's shorter side: wider than any stroke.
WINDOW = 0.25
# Of a window, so much must be ground for its mean to count.
ENOUGH = 0.3
# A ground is even if so much of the picture, and of its border, has the same level: on
# photos there is noise. On fewer pixels a side no light can be told from strokes.
EVEN, FEW = 0.2, 40
# Tiles a side in which ink is told from its ground.
TILES, DARK, LIGHT = 5, 0.02, 0.98
# Pixels of the shorter side at which windows are slid over it.
COARSE = 200
# Ink stands out of the paper by so many times the paper's own roughness, and by so much
# of the strongest ink.
ROUGHNESS, SHARE = 4.0, 0.25
# Less contrast than this is none: an empty board has dust and noise.
LEAST = 0.06
# Unevenness of the light that is worth a word, as a share of the ink's contrast.
UNEVEN = 0.15
DARKEST = 0.1  # paper, in the deepest shade that is made up for
# A border with more of the rarer level than this does not tell what ground is.
MIXED = 0.2


class Ink(NamedTuple):
    """Ink, and what was found out about the picture.

    Attributes
    ----------
    ink : ndarray of float32, shape (h, w)
        0 to 1; all 0 if there is none.
    inverted : bool
        Whether ink was darker than its ground.
    uneven : float
        By how much the ground's levels differ, as a share of the ink's contrast.
    """

    ink: Grey
    inverted: bool
    uneven: float


def find_ink(grey: Grey) -> Ink:
    """Separate ink from its ground.

    The ground is what the border shows; ink is what differs from it most. Where the
    ground has one level, that is taken away; else the light on it: the mean, over a
    wide window, of what is no ink. What is as weak as the ground's own roughness goes
    too.

    Parameters
    ----------
    grey : ndarray of float32, shape (h, w)
        0 is black, 1 is white.

    References
    ----------
    Otsu, "A threshold selection method from gray-level histograms", 1979. Local means
    by summed areas: Bradley and Roth, "Adaptive thresholding using the integral image",
    2007. Means of the ground alone: Gatos, Pratikakis and Perantonis, "Adaptive
    degraded document image binarization", 2006, section 2.3.
    """
    inverted = is_light(grey)
    bright = 1 - grey if inverted else grey
    level = _even_ground(bright)
    ground = _ground(bright) if level is None else np.full_like(bright, level)
    raised = bright - ground
    if level is None and inverted:
        # Paper and ink reflect a share of the light: in the shade, ink stands out less.
        raised *= float(np.mean(1 - ground)) / np.maximum(1 - ground, DARKEST)
    roughness = _roughness(raised)
    least = max(ROUGHNESS * roughness, LEAST / 2)
    above = raised[raised > least]
    strongest = quantiles(above, 0.9)[0] if above.size else 0.0
    if strongest < max(LEAST, 2 * ROUGHNESS * roughness):
        return Ink(np.zeros_like(grey), inverted, 0.0)
    uneven, weakest = 0.0, min(ROUGHNESS * roughness, SHARE * strongest)
    if level is None:
        low, high = quantiles(ground, 0.02, 0.98)
        uneven = (high - low) / strongest
        weakest = SHARE * strongest  # a shadow's edge leaves a halo
    ink = (raised - np.float32(weakest)) / np.float32(strongest - weakest)
    return Ink(np.clip(ink, 0, 1), inverted, uneven)


def is_light(grey: Grey) -> bool:
    """Tell whether ink is darker than its ground.

    Ground is more than half of a tile, wherever on the picture: of the darkest and the
    lightest levels of each, those are ink that are farther from its median. Where a
    digit was cut out so tightly that it makes up much of the border, ink is what hangs
    together best: it cuts its ground to pieces.
    """
    if max(grey.shape) > FEW and not any(map(_has_one_level, (grey, 1 - grey))):
        return _is_light_by_tiles(reduced(grey, max(1, min(grey.shape) // COARSE)))
    border, level = _border(grey), threshold(grey)
    share = float(np.mean(border > level))
    if min(share, 1 - share) < MIXED:
        middle = float(np.median(border))
        low, high = quantiles(grey, 0.01, 0.99)
        return middle - low > high - middle
    together = [_largest_share(grey > level), _largest_share(grey <= level)]
    return together[1] > together[0]


def _is_light_by_tiles(grey: Grey) -> bool:
    darker = 0.0
    for rows in np.array_split(grey, TILES, axis=0):
        for tile in np.array_split(rows, TILES, axis=1):
            if tile.size:
                low, middle, high = np.quantile(tile, (DARK, 0.5, LIGHT))
                darker += (middle - low) ** 2 - (high - middle) ** 2
    return bool(darker > 0)


def _largest_share(mask: NDArray[np.bool_]) -> float:
    """Return how much of a mask its largest component is."""
    areas = connected_components(mask).areas
    return float(areas.max() / areas.sum()) if len(areas) else 0.0


def threshold(grey: Grey) -> float:
    """Return the level that separates the dark from the light best.

    References
    ----------
    Otsu, 1979, equation 18, over 256 levels.
    """
    some, levels = sample(grey), 256
    low, high = float(some.min()), float(some.max())
    if high <= low:
        return low
    places = np.clip((some - low) * (levels / (high - low)), 0, levels - 1)
    counts = np.bincount(places.astype(np.int64), minlength=levels)
    below = np.cumsum(counts)[:-1].astype(float)
    total = np.cumsum(counts * np.arange(levels)).astype(float)
    above = some.size - below
    means = (
        total[:-1] / np.maximum(below, 1),
        (total[-1] - total[:-1]) / np.maximum(above, 1),
    )
    apart = below * above * (means[0] - means[1]) ** 2
    best = np.flatnonzero(apart == apart.max())  # in a gap between levels, its middle
    return low + (float(best.mean()) + 1) * (high - low) / levels


def _even_ground(bright: Grey) -> float | None:
    """Return the one level of the ground, or None if it has many."""
    if max(bright.shape) <= FEW or _has_one_level(bright):
        return _ground_level(bright)
    return None


def _ground_level(bright: Grey) -> float:
    """Return the median of the darker of two classes."""
    some = sample(bright)
    return float(np.median(some[some <= threshold(bright)]))


def _has_one_level(bright: Grey) -> bool:
    """Tell whether what is dark has one level, on much of all and of the border."""
    level = _ground_level(bright)
    parts = (sample(bright), _border(bright))
    return all(float(np.mean(np.abs(part - level) < 1e-3)) >= EVEN for part in parts)


def _ground(bright: Grey) -> Grey:
    """Return the level of the ground at each pixel, ink left out.

    An opening (the lowest, then the highest, over a window) takes away what is narrower
    than the window: strokes, but no shadow, whose edge stays where it is. Then, where
    enough of the ground lies within a window, its mean there.

    References
    ----------
    Serra, "Image analysis and mathematical morphology", 1982, section XII.C: the
    top-hat transform, of which ink is the result.
    """
    times = max(1, min(bright.shape) // COARSE)
    small = box_means(reduced(bright, times), 1).astype(np.float32)
    size = max(3, int(WINDOW * min(small.shape)))
    opened = sliding(sliding(small, size, np.minimum), size, np.maximum)
    level = enlarged(opened, times, bright.shape)
    left = bright - level
    left -= np.float32(quantiles(left, 0.5)[0])
    is_ground = np.abs(left) < max(3 * _roughness(left), 2 / 255)
    radius = size * times // 2
    there = box_sums(is_ground, radius)
    enough = there >= ENOUGH * box_sums(np.ones(bright.shape, bool), radius)
    means = box_sums(np.where(is_ground, bright - level, 0), radius)
    means /= np.maximum(there, 1)
    typical = quantiles((bright - level)[is_ground], 0.5)[0]
    ground: Grey = level + np.where(enough, means, typical).astype(np.float32)
    return ground


def _border(grey: Grey) -> Grey:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _roughness(difference: NDArray[np.floating]) -> float:
    """Return the standard deviation of the ground, of which ink is no part.

    From the median of what lies below the mean: ink lies above.
    """
    below = -difference[difference <= 0]
    return float(np.median(below)) / 0.6745 if below.size else 0.0
