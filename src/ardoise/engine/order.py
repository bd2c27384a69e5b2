"""Which rows train next, and the state of what decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ardoise.engine.batches import Rows

# A block is what a disk reads in one go; a window of so many is mixed, and fits into
# memory beside what else a training needs.
BLOCK_BYTES = 2**21
WINDOW_BLOCKS = 32


class Order:
    """Which rows train, and in which order: asked before each epoch.

    Attributes
    ----------
    n : int
        How many rows an epoch has.
    """

    n: int

    def next(self) -> Rows:
        """Return the rows of the next epoch."""
        raise NotImplementedError

    def state(self) -> Any:
        """Return, as JSON values, what `restore` needs to go on in another process."""
        return None

    def restore(self, state: Any) -> None:
        """Go on where another order was when it gave this state."""


class InOrder(Order):
    """All rows as they lie."""

    def __init__(self, n: int) -> None:
        self.n = n

    def next(self) -> Rows:
        return slice(0, self.n)


class RandomOrder(Order):
    """All rows in a new random order each time."""

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self.n, self._rng = n, rng

    def next(self) -> Rows:
        return self._rng.permutation(self.n)

    def state(self) -> Any:
        return generator_state(self._rng)

    def restore(self, state: Any) -> None:
        self._rng.bit_generator.state = state


class BlockOrder(RandomOrder):
    """All rows, mixed in windows of blocks that lie anywhere: for data in a file.

    The blocks are taken in a new random order each time; so many together are read at
    once, and their rows mixed. A disk is read in long pieces, and no more than a window
    has to be in memory. Rows that lie side by side should not be alike.

    Parameters
    ----------
    n : int
    block : int
        How many rows a block has.
    rng : numpy.random.Generator
    """

    def __init__(self, n: int, block: int, rng: np.random.Generator) -> None:
        super().__init__(n, rng)
        self._block = block

    def next(self) -> Rows:
        starts = self._rng.permutation(-(-self.n // self._block)) * self._block
        rows = (starts[:, None] + np.arange(self._block)).ravel()
        rows = rows[rows < self.n]  # of the last block, which may be shorter
        window = WINDOW_BLOCKS * self._block
        for start in range(0, self.n, window):
            self._rng.shuffle(rows[start : start + window])
        return rows


def generator_state(generator: np.random.Generator) -> Any:
    """Return the state of a generator as JSON values."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(item) for key, item in value.items()}
        return value.tolist() if isinstance(value, np.ndarray | np.generic) else value

    return plain(generator.bit_generator.state)
