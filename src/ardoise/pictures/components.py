"""Connected components of a mask, by its runs: what hangs together in a picture.

Each row is cut into runs of ink; runs of neighbouring rows that touch belong together.
There are far fewer runs than pixels, and no step loops over either.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Components(NamedTuple):
    """The components of a mask, in the order of their topmost, then leftmost pixels.

    Attributes
    ----------
    labels : ndarray of int64, shape (h, w)
        0 where there is nothing, else the number of the component, from 1.
    boxes : ndarray of int64, shape (n, 4)
        top, left, bottom, right of each; the last two are past the end.
    areas : ndarray of int64, shape (n,)
        Pixels of each.
    """

    labels: Ints
    boxes: Ints
    areas: Ints


def connected_components(mask: Mask) -> Components:
    """Return what hangs together; pixels that touch at a corner do.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)

    References
    ----------
    He, Chao and Suzuki, "A run-based two-scan labeling algorithm", 2008, section 3: the
    runs. Their equivalences are resolved by pointer jumping: Shiloach and Vishkin, "An
    O(log n) parallel connectivity algorithm", 1982.
    """
    h, w = mask.shape
    rows, starts, ends = _runs(mask)
    if not len(rows):
        return Components(
            np.zeros((h, w), np.int64),
            np.zeros((0, 4), np.int64),
            np.zeros(0, np.int64),
        )
    roots = _roots(len(rows), *_touching(rows, starts, ends, w))
    # The first run of a component has the smallest number: it is the root.
    _, numbers = np.unique(roots, return_inverse=True)
    numbers = numbers.reshape(-1).astype(np.int64)
    n = int(numbers.max()) + 1
    boxes = np.empty((n, 4), np.int64)
    boxes[:, :2], boxes[:, 2:] = (h, w), 0
    np.minimum.at(boxes[:, 0], numbers, rows)
    np.minimum.at(boxes[:, 1], numbers, starts)
    np.maximum.at(boxes[:, 2], numbers, rows + 1)
    np.maximum.at(boxes[:, 3], numbers, ends)
    lengths = ends - starts
    areas = np.bincount(numbers, weights=lengths, minlength=n).astype(np.int64)
    labels = np.zeros(h * w, np.int64)
    labels[mask.reshape(-1)] = np.repeat(numbers + 1, lengths)
    return Components(labels.reshape(h, w), boxes, areas)


def _runs(mask: Mask) -> tuple[Ints, Ints, Ints]:
    """Return row, first column, column past the end of each run, in reading order."""
    h, w = mask.shape
    padded = np.zeros((h, w + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    return rows.astype(np.int64), starts.astype(np.int64), ends.astype(np.int64)


def _touching(rows: Ints, starts: Ints, ends: Ints, w: int) -> tuple[Ints, Ints]:
    """Return pairs of runs of neighbouring rows that touch, corners included.

    The runs below one are in a row of their list: from the first that ends at its start
    or later to the last that starts at its end or before. Rows are told apart by adding
    a multiple of more than the width, so that one search serves all.
    """
    wide = w + 2
    below = (rows + 1) * wide
    first = np.searchsorted(rows * wide + ends, below + starts, side="left")
    last = np.searchsorted(rows * wide + starts, below + ends, side="right")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    offsets = np.arange(len(upper)) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(first, counts) + offsets


def _roots(n: int, a: Ints, b: Ints) -> Ints:
    """Return the smallest number that each of n things is joined with, by pairs."""
    parents = np.arange(n)
    while True:
        # Each tree hangs itself under the smallest root that it touches…
        low = np.minimum(parents[a], parents[b])
        before = parents.copy()
        np.minimum.at(parents, parents[a], low)
        np.minimum.at(parents, parents[b], low)
        # … and all point to the roots again.
        while True:
            jumped = parents[parents]
            if (jumped == parents).all():
                break
            parents = jumped
        if (parents == before).all():
            return parents
