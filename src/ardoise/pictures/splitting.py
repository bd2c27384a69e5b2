"""Digits that touch, cut apart where the network agrees most.

Cuts are vertical, where there is least ink. All pieces between two cuts are read, and
the way through them whose pieces are surest wins (as in the reading of cheques: LeCun,
Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition",
1998, section V).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ardoise.pictures.framing import Box, box_of
from ardoise.pictures.marks import HALF, Mark
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
