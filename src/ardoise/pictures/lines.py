"""Reading order: marks that stand beside each other are a line, from left to right."""

import itertools
from collections.abc import Sequence

import numpy as np

from ardoise.pictures.framing import Box

# Two marks stand in one line if they overlap by such a share of the lower one's height,
# and are no farther apart than so many heights.
BESIDE, FAR = 0.4, 8.0
# A gap of so many heights separates two numbers; or a smaller one, so many times
# as wide as the usual gap of the line.
SPACE, LITTLE, TIMES = 1.5, 0.75, 2.0


def lines_of(boxes: Sequence[Box]) -> list[list[int]]:
    """Return the places of boxes, line by line from the top, from left to right.

    Each mark follows the nearest one to its left that it overlaps in height: a line may
    slope.
    """
    if not boxes:
        return []
    array = np.array(boxes, float)
    top, left, bottom, right = array.T
    middle = (left + right) / 2
    heights = bottom - top
    order = np.argsort(middle, kind="stable")
    lines: list[list[int]] = []
    last: list[int] = []  # of each line, its rightmost mark so far
    for i in order.tolist():
        best, nearest = None, np.inf
        for number, j in enumerate(last):
            shared = min(bottom[i], bottom[j]) - max(top[i], top[j])
            low = min(heights[i], heights[j])
            gap = left[i] - right[j]
            if shared >= BESIDE * low and gap <= FAR * max(heights[i], heights[j]):
                cost = max(gap, 0) + abs((top[i] + bottom[i]) - (top[j] + bottom[j]))
                if cost < nearest:
                    best, nearest = number, cost
        if best is None:
            lines.append([i])
            last.append(i)
        else:
            lines[best].append(i)
            last[best] = i
    starts = [float(np.mean(top[line] + bottom[line])) for line in lines]
    return [lines[i] for i in np.argsort(starts, kind="stable")]


def spaces(boxes: Sequence[Box], height: float) -> list[bool]:
    """Tell, for each neighbours of a line, whether they belong to two numbers.

    Parameters
    ----------
    boxes : sequence of Box
        From left to right.
    height : float
        The usual height of a mark.
    """
    gaps = np.array([b.left - a.right for a, b in itertools.pairwise(boxes)], float)
    if not len(gaps):
        return []
    # Not the median: of two short numbers, every other gap is between them.
    usual = max(float(np.quantile(gaps, 0.25)), 0.0)
    wide = (gaps > LITTLE * height) & (gaps > TIMES * usual)
    found: list[bool] = (wide | (gaps > SPACE * height)).tolist()
    return found
