"""Where arrays lie in one piece of memory, so that it is no larger than it must be.

An array needs its place from the step that gives it to the last that reads it; arrays
that are never needed at the same time may share one. Steps that work number by number
write over what they read, if nobody reads it afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ardoise.export.plan import ELEMENTWISE, Plan


@dataclass(frozen=True)
class Memory:
    """Places in units (numbers, or bytes): what the sizes were given in.

    Attributes
    ----------
    places : dict
        Array → where it begins. The image is not there: it belongs to the caller.
    size : int
        Of the whole.
    """

    places: dict[int, int]
    size: int


@dataclass
class _Block:
    """What one or several arrays lie in, one after the other."""

    size: int
    first: int  # the step that first writes it
    last: int  # the step that last reads it
    place: int = -1

    def meets(self, other: _Block) -> bool:
        return self.first <= other.last and other.first <= self.last


IMAGE = 0


def arrange(
    plan: Plan, size_of: Callable[[int], int], in_place: tuple[str, ...] = ELEMENTWISE
) -> Memory:
    """Return a place for every array but the image.

    Parameters
    ----------
    plan : Plan
    size_of : callable
        Array → units that it takes.
    in_place : tuple of str
        Kinds of steps that may write over what they read.
    """
    end = len(plan.steps)
    last_read = {step.target: i for i, step in enumerate(plan.steps)}
    for i, step in enumerate(plan.steps):
        for source in step.sources:
            last_read[source] = i
    last_read[plan.result] = end  # read by what makes probabilities of it

    blocks: dict[int, _Block] = {IMAGE: _Block(0, -1, last_read.get(IMAGE, end))}
    for i, step in enumerate(plan.steps):
        block, size = blocks[step.source], size_of(step.target)
        is_image = block is blocks[IMAGE]
        is_view = step.kind == "flatten"
        is_last_reader = block.last <= i and not is_image
        if step.other is not None:  # both summands in one block would not be two
            is_last_reader = is_last_reader and blocks[step.other] is not block
        writes_over = step.kind in (*in_place, "add") and is_last_reader
        if is_view or (writes_over and size <= block.size):
            block.last = max(block.last, last_read[step.target])
        else:
            block = _Block(size, i, last_read[step.target])
        blocks[step.target] = block

    total = _place([b for b in _distinct(blocks) if b is not blocks[IMAGE]])
    inside = {v: b.place for v, b in blocks.items() if b is not blocks[IMAGE]}
    return Memory(inside, total)


def _distinct(blocks: dict[int, _Block]) -> list[_Block]:
    """Return the blocks, each once, in order."""
    return list({id(block): block for block in blocks.values()}.values())


def _place(blocks: list[_Block]) -> int:
    """Give each block the lowest place that is free while it is needed, large first."""
    placed: list[_Block] = []
    for block in sorted(blocks, key=lambda b: -b.size):
        place = 0
        for other in sorted(placed, key=lambda b: b.place):
            if block.meets(other) and place < other.place + other.size:
                if place + block.size <= other.place:
                    break
                place = max(place, other.place + other.size)
        block.place = place
        placed.append(block)
    return max((b.place + b.size for b in placed), default=0)
