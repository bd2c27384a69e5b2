"""Marks on a sheet, each of them a digit or a few that touch: specks, the lines of the
paper and frames left out, broken strokes put together.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ardoise.pictures.components import Components, connected_components
from ardoise.pictures.framing import Box
from ardoise.pictures.strokes import thickness
from ardoise.pictures.windows import Grey

HALF = 0.5  # ink of less than this is the edge of something
# A line of the paper: runs of so many strokes' widths, over such a share of the sheet,
# no wider than so many strokes; one of its ends lies so near to the sheet's edge.
RUN, SPAN, WIDE, EDGE = 10, 0.6, 1.8, 0.05
# Smaller than this share of the usual height, a mark is a speck, or a part of another.
SMALL, SPECK = 0.45, 0.18
DUST = 0.12  # and smaller than this, not even a part
# Parts of one digit lie above each other by such a share of the narrower one, and no
# farther apart than such a share of the usual height.
ABOVE, GAP = 0.5, 0.3
TALLEST = 1.7  # of the usual height: what is put together is no taller
# A faint stroke is ink of so much; of it, such a share is ink to all.
FAINT, SEEN = 0.25, 0.1


@dataclass(frozen=True)
class Mark:
    """What may be a digit.

    Attributes
    ----------
    box : Box
        In the picture's pixels.
    ink : ndarray of float32, shape (height, width)
        Its own ink, without that of others in its box.
    """

    box: Box
    ink: Grey


class Sheet(NamedTuple):
    """What is on a sheet.

    Attributes
    ----------
    marks : list of Mark
    height : float
        The usual height of a mark, in pixels; 0 without marks.
    n_lines : int
        Lines of the paper that were taken away.
    """

    marks: list[Mark]
    height: float
    n_lines: int


def find_marks(ink: Grey) -> Sheet:
    """Return the marks on a sheet.

    Parameters
    ----------
    ink : ndarray of float32, shape (h, w)
        0 to 1.
    """
    mask = ink >= HALF
    stroke = thickness(ink)
    mask, n_lines = without_lines(mask, stroke)
    found = connected_components(mask)
    kept = np.flatnonzero(~_is_frame(found, mask.shape) & (found.areas >= 4))
    if not len(kept):
        return Sheet([], 0.0, n_lines)
    height = _usual_height(found, kept)
    sides = (found.boxes[kept, 2:] - found.boxes[kept, :2]).max(axis=1)
    kept = kept[sides >= DUST * height]
    groups = _together(found.boxes, kept, found.areas, height)
    marks = [_cut_out(ink, found, group) for group in groups]
    numbers = np.array([i + 1 for group in groups for i in group], np.int64)
    marks += _faint(ink, mask, np.isin(found.labels, numbers), stroke, height)
    return Sheet(marks, height, n_lines)


def _faint(
    ink: Grey,
    mask: NDArray[np.bool_],
    taken: NDArray[np.bool_],
    stroke: float,
    height: float,
) -> list[Mark]:
    """Return the marks of a light hand: of their ink, only crumbs are ink to all.

    Parameters
    ----------
    ink : ndarray of float32, shape (h, w)
    mask : ndarray of bool, shape (h, w)
        What is ink to all.
    taken : ndarray of bool, shape (h, w)
        What belongs to other marks.
    stroke, height : float
        The usual width of a stroke, and the usual height of a mark.
    """
    if np.count_nonzero(mask & ~taken) < SEEN * height:
        return []
    soft, _ = without_lines(ink >= FAINT, stroke)
    found = connected_components(soft)
    n = len(found.areas) + 1
    seen = np.bincount(found.labels[mask], minlength=n)[1:]
    others = np.bincount(found.labels[taken], minlength=n)[1:]
    top, left, bottom, right = found.boxes.T
    tall, wide = bottom - top, right - left
    may = (others == 0) & (seen >= SEEN * found.areas) & ~_is_frame(found, ink.shape)
    may &= (np.maximum(tall, wide) <= TALLEST * height) & (tall >= DUST * height)
    groups = _together(found.boxes, np.flatnonzero(may), found.areas, height)
    # A smudge is as likely as a flat digit here; what is tall enough was written.
    return [
        _cut_out(ink, found, group)
        for group in groups
        if np.ptp(found.boxes[group][:, [0, 2]]) >= SMALL * height
    ]


def without_lines(
    mask: NDArray[np.bool_], stroke: float
) -> tuple[NDArray[np.bool_], int]:
    """Return a mask without the lines of ruled or squared paper, and their number.

    A line is made of long runs and is thin; where strokes cross it they stay, for there
    it is thick.
    """
    kept, n = mask, 0
    for turned in (False, True):
        view = mask.T if turned else mask
        lines, count = _long_and_thin(view, stroke)
        if count:
            kept = kept & ~(lines.T if turned else lines)
            n += count
    return kept, n


def _long_and_thin(
    mask: NDArray[np.bool_], stroke: float
) -> tuple[NDArray[np.bool_], int]:
    """Return the pixels of the horizontal lines of a mask, and how many lines."""
    w = mask.shape[1]
    least = max(RUN * stroke, 16.0)
    long_runs = mask & (run_lengths(mask) >= least)
    found = connected_components(long_runs)
    heights = found.boxes[:, 2] - found.boxes[:, 0]
    widths = found.boxes[:, 3] - found.boxes[:, 1]
    left, right = found.boxes[:, 1], found.boxes[:, 3]
    at_edge = np.minimum(left, w - right) <= EDGE * w
    is_line = (widths >= SPAN * w) & (heights <= 0.2 * widths) & at_edge
    if not is_line.any():
        return long_runs, 0
    chosen = np.concatenate([[False], is_line])[found.labels]
    thin = run_lengths(mask.T).T <= max(WIDE * stroke, 3.0)
    return chosen & thin, int(is_line.sum())


def run_lengths(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the length of the run of its row in which each set pixel lies."""
    h, w = mask.shape
    padded = np.zeros((h, w + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1).reshape(-1)
    lengths = np.flatnonzero(change == -1) - np.flatnonzero(change == 1)
    result = np.zeros(h * w, np.int64)
    result[mask.reshape(-1)] = np.repeat(lengths, lengths)
    return result.reshape(h, w)


def _is_frame(found: Components, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which components lie along the edge: a frame, the table, a shadow."""
    h, w = shape
    top, left, bottom, right = found.boxes.T
    tall, wide = bottom - top >= 0.6 * h, right - left >= 0.6 * w
    on_side = (left == 0) | (right == w)
    on_end = (top == 0) | (bottom == h)
    frame: NDArray[np.bool_] = (tall & on_side) | (wide & on_end)
    return frame


def _usual_height(found: Components, kept: NDArray[np.int64]) -> float:
    """Return the height of a digit: the median, in which a mark counts by its ink."""
    boxes, areas = found.boxes[kept], found.areas[kept]
    heights = np.maximum(boxes[:, 2] - boxes[:, 0], (boxes[:, 3] - boxes[:, 1]) // 2)
    order = np.argsort(heights, kind="stable")
    total = np.cumsum(areas[order])
    return float(heights[order][np.searchsorted(total, total[-1] / 2)])


def _together(
    boxes: NDArray[np.int64],
    kept: NDArray[np.int64],
    areas: NDArray[np.int64],
    height: float,
) -> list[list[int]]:
    """Return groups of components, each of them a mark; specks are left out."""
    groups = [[int(i)] for i in kept[np.argsort(boxes[kept, 1], kind="stable")]]
    shapes = [boxes[group[0]].astype(float) for group in groups]
    while True:
        pair = _nearest_parts(np.array(shapes), height)
        if pair is None:
            break
        i, j = pair
        groups[i] += groups.pop(j)
        other = shapes.pop(j)
        shapes[i][:2] = np.minimum(shapes[i][:2], other[:2])
        shapes[i][2:] = np.maximum(shapes[i][2:], other[2:])
    return [
        group
        for group, (top, left, bottom, right) in zip(groups, shapes, strict=True)
        if max(bottom - top, right - left) >= SMALL * height
        and areas[group].sum() >= SPECK * SPECK * height * height
    ]


def _nearest_parts(
    shapes: NDArray[np.float64], height: float
) -> tuple[int, int] | None:
    """Return the two that most likely are parts of one digit, or None."""
    if len(shapes) < 2:
        return None
    top, left, bottom, right = shapes.T
    overlap = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    narrower = np.minimum.outer(right - left, right - left)
    gap = np.maximum.outer(top, top) - np.minimum.outer(bottom, bottom)
    whole = np.maximum.outer(bottom, bottom) - np.minimum.outer(top, top)
    small = bottom - top < SMALL * height
    one_is_small = np.logical_or.outer(small, small)
    # Parts of a broken stroke, or a small mark that touches a box.
    fits = (overlap >= ABOVE * narrower) & (gap <= GAP * height)
    beside = one_is_small & (overlap >= -0.1 * height) & (gap <= 0.0)
    may = (fits | beside) & (whole <= TALLEST * height)
    np.fill_diagonal(may, False)
    if not may.any():
        return None
    cost = np.where(may, np.maximum(gap, 0) - overlap / np.maximum(narrower, 1), np.inf)
    i, j = divmod(int(cost.argmin()), len(shapes))
    return min(i, j), max(i, j)


def _cut_out(ink: Grey, found: Components, group: list[int]) -> Mark:
    """Return the ink of some components and their grey edges."""
    boxes = found.boxes[group]
    h, w = ink.shape
    box = Box(
        max(0, int(boxes[:, 0].min()) - 1),
        max(0, int(boxes[:, 1].min()) - 1),
        min(h, int(boxes[:, 2].max()) + 1),
        min(w, int(boxes[:, 3].max()) + 1),
    )
    part = (slice(box.top, box.bottom), slice(box.left, box.right))
    labels = found.labels[part]
    own = np.isin(labels, np.array(group) + 1)
    # Edges: what is no other's ink and lies beside its own.
    padded = np.pad(own, 1)
    near = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    near |= padded[:-2, :-2] | padded[2:, 2:] | padded[:-2, 2:] | padded[2:, :-2]
    shown = own | (near & (labels == 0))
    return Mark(box, np.where(shown, ink[part], 0).astype(np.float32))
