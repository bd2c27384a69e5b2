"""Digits that touch, cut apart where the network agrees most; and a low mark beside
another put to it, if the two are one digit to the network.

Cuts are vertical, where there is least ink. All pieces between two cuts are read, and
the way through them whose pieces are surest wins (as in the reading of cheques: LeCun,
Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
1998, section V).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ardoise.pictures.framing import Box, box_of
from ardoise.pictures.marks import GAP, HALF, SMALL, TALLEST, Mark
from ardoise.pictures.windows import Grey

# Images of ink, each cut out → probabilities (n, K).
Read = Callable[[list[Grey]], NDArray[np.floating]]

# A mark wider than this share of its height may be two digits.
WIDE = 0.95
# A digit is between so wide, of the height; whole, a flat one may be wider.
NARROWEST, WIDEST, FLAT = 0.12, 1.5, 2.2
MOST_CUTS = 12
# A mark of which the network is so sure stays whole; of every piece it must be.
SURE = 0.8
# A part of a mark (the bar of a 5) stands beside it by at most so many usual heights.
ASIDE = 0.2


def split(mark: Mark, read: Read) -> list[Mark]:
    """Return a mark, or the digits of which it is made."""
    h, w = mark.ink.shape
    if w <= WIDE * h:
        return [mark]
    cuts = _cuts(mark.ink)
    pieces: dict[tuple[int, int], Mark] = {}
    for i, start in enumerate(cuts):
        for end in cuts[i + 1 :]:
            if NARROWEST * h <= end - start <= WIDEST * h or (start, end) == (0, w):
                piece = _piece(mark, start, end)
                if piece is not None:
                    pieces[start, end] = piece
    keys = list(pieces)
    if not keys:  # too little ink in each
        return [mark]
    sure = read([pieces[key].ink for key in keys]).max(axis=1)
    found = dict(zip(keys, sure.tolist(), strict=True))
    path = _best_path(cuts, found)
    whole = found.get((0, w), 0.0)
    if path is None or len(path) < 2:
        return [mark]
    if whole >= SURE and w <= FLAT * h:
        return [mark]
    least = min(found[key] for key in path)
    if least >= SURE or (w > WIDEST * h and least > whole):
        return [pieces[key] for key in path]
    return [mark]


def _cuts(ink: Grey) -> list[int]:
    """Return columns to cut at, the edges among them: where there is least ink."""
    h, w = ink.shape
    columns = ink.sum(axis=0)
    smooth = np.convolve(columns, np.ones(3) / 3, mode="same")
    places = np.arange(1, w - 1)
    low = (smooth[1:-1] <= smooth[:-2]) & (smooth[1:-1] <= smooth[2:])
    places = places[low & (smooth[1:-1] < 0.6 * h)]
    apart = max(2, round(0.08 * h))
    chosen: list[int] = []
    for place in places[np.argsort(smooth[places], kind="stable")].tolist():
        far = all(abs(place - other) >= apart for other in chosen)
        if far and apart <= place <= w - apart:
            chosen.append(place)
        if len(chosen) == MOST_CUTS:
            break
    return [0, *sorted(chosen), w]


def _piece(mark: Mark, start: int, end: int) -> Mark | None:
    """Return what lies between two columns, without an empty edge."""
    part = mark.ink[:, start:end]
    inner = box_of(part >= HALF)
    if inner is None or inner.height < 0.4 * mark.box.height:
        return None
    cut = part[inner.top : inner.bottom, inner.left : inner.right]
    top, left = mark.box.top + inner.top, mark.box.left + start + inner.left
    return Mark(Box(top, left, top + inner.height, left + inner.width), cut)


def _best_path(
    cuts: list[int], sure: dict[tuple[int, int], float]
) -> list[tuple[int, int]] | None:
    """Return the pieces from edge to edge, at least two, with the largest product."""
    best: dict[int, tuple[float, list[tuple[int, int]]]] = {0: (0.0, [])}
    for end in cuts[1:]:
        for start in cuts:
            key = (start, end)
            if start >= end or start not in best or key not in sure:
                continue
            if key == (cuts[0], cuts[-1]):
                continue  # that is the whole
            score = best[start][0] + float(np.log(max(sure[key], 1e-6)))
            if end not in best or score > best[end][0]:
                best[end] = (score, [*best[start][1], key])
    found = best.get(cuts[-1])
    return None if found is None else found[1]


def join(marks: list[Mark], height: float, read: Read) -> list[Mark]:
    """Return marks, put together where the network says that two are one digit.

    A stroke that does not touch its digit and stands beside it, not above (the bar of a
    5), is known by what the two are together.

    Parameters
    ----------
    marks : list of Mark
    height : float
        The usual height of a mark.
    read : callable
    """
    marks = list(marks)
    low = [mark for mark in marks if mark.box.height < SMALL * height]
    for part in low:
        others = [mark for mark in marks if mark is not part]
        if len(others) == len(marks):  # it belongs to another already
            continue
        near = [mark for mark in others if _may_be_one(part.box, mark.box, height)]
        if not near:
            continue
        wholes = [_put_together(part, mark) for mark in near]
        sure = read([mark.ink for mark in [part, *near, *wholes]]).max(axis=1)
        alone, n = sure[0], len(near)
        best = int(sure[1 + n :].argmax())
        whole, other = sure[1 + n + best], sure[1 + best]
        if whole >= SURE and whole > min(alone, other):
            marks = [mark for mark in others if mark is not near[best]]
            marks.append(wholes[best])
    return marks


def _may_be_one(part: Box, other: Box, height: float) -> bool:
    aside = max(part.left, other.left) - min(part.right, other.right)
    above = max(part.top, other.top) - min(part.bottom, other.bottom)
    whole = _around(part, other)
    near = aside <= ASIDE * height and above <= GAP * height
    may = whole.height <= TALLEST * height and whole.width <= WIDEST * whole.height
    return near and may


def _around(a: Box, b: Box) -> Box:
    """Return the smallest box that holds both."""
    ends = max(a.bottom, b.bottom), max(a.right, b.right)
    return Box(min(a.top, b.top), min(a.left, b.left), *ends)


def _put_together(a: Mark, b: Mark) -> Mark:
    box = _around(a.box, b.box)
    ink = np.zeros((box.height, box.width), np.float32)
    for mark in (a, b):
        top, left = mark.box.top - box.top, mark.box.left - box.left
        part = ink[top : top + mark.box.height, left : left + mark.box.width]
        np.maximum(part, mark.ink, out=part)
    return Mark(box, ink)
