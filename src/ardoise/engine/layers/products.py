"""Matrix products that are prepared once and computed at every step.

OpenBLAS computes a product of up to 10⁶ multiplications without copying its operands
first, 10 to 15 % faster than a large one, and up to three times as fast where a matrix
meets few rows: a product is therefore done as a stack of products of such a size.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.layers.base import Step
from ardoise.engine.threads import Team

# One core, multiplications a product may have. (1936 × 288) (288 × 64): 99 GFLOP/s
# whole, 116 in stacks of 44 rows; (8 × 1600) (1600 × 128): 50 whole, 83 cut.
SMALL_PRODUCT = 1_000_000
# The same for a bᵀ, where OpenBLAS counts the numbers of the result:
# (8 × 128) (1600 × 128)ᵀ takes 158 µs whole and 50 cut.
SMALL_TRANSPOSED_RESULT = 1200
# Below so many rows, starting each product takes longer than it gains.
LEAST_ROWS = 8
# From so many rows on, a wide matrix is used often enough to be worth its copy:
# (64 × 784) (784 × 256) takes 198 µs whole and 222 in tiles; (32 × 1600) (1600 × 128)
# takes 131 and 120.
MANY_ROWS = 48
# Shorter products are done before another thread has woken.
SHARED_PRODUCT = 12_000_000
# a bᵀ gains nothing where the sums are short: (128 × 10) (128 × 10)ᵀ takes 12 µs whole
# and 21 cut.
LEAST_INNER = 64
# Long sums are no faster in tiles: (128 × 784)ᵀ (128 × 100) takes 156 µs whole and 141
# in tiles, (200 × 784)ᵀ (200 × 120) 277 and 394.
MOST_SUMMED = 128
# Columns of a tile fill the processor's vectors: (128 × 784) (784 × 100) takes 228 µs
# whole, and 270 in tiles of 50.
MOST_COLUMNS = 64
LANES = 16


def forward_product(x: Array, W: Array, y: Array, team: Team | None = None) -> Step:
    """Return what computes y = x W; shapes (n, k), (k, m), (n, m).

    A long one is shared out among a team's threads, a part of the columns each.
    """
    (n, k), m = x.shape, W.shape[1]
    if team is not None and n * k * m >= SHARED_PRODUCT and m >= LANES:
        strips = min(team.threads, m // LANES)
        # All but the last end at a multiple of the vectors' length.
        ends = [m // LANES * i // strips * LANES for i in range(strips)] + [m]
        places = [slice(*ends) for ends in pairwise(ends)]
        parts = [partial(np.matmul, x, W[:, some], out=y[:, some]) for some in places]
        return partial(team.run, parts)
    if n * k * m <= SMALL_PRODUCT or (n >= MANY_ROWS and m >= MOST_COLUMNS):
        return partial(np.dot, x, W, out=y)
    c = _divisor(m, MOST_COLUMNS)
    r = _divisor(n, SMALL_PRODUCT // (k * c)) if c % LANES == 0 else 0
    return _tiled_product(x, W, y, r, c)


def input_product(dy: Array, W: Array, dx: Array) -> Step:
    """Return what computes dx = dy Wᵀ; shapes (n, m), (k, m), (n, k)."""
    (n, m), k = dy.shape, len(W)
    if n * k <= SMALL_TRANSPOSED_RESULT or m < LEAST_INNER or m % LANES:
        return partial(np.dot, dy, W.T, out=dx)
    c = _divisor(k, MOST_COLUMNS)
    r = _divisor(n, min(SMALL_TRANSPOSED_RESULT // c, SMALL_PRODUCT // (m * c)))
    return _tiled_product(dy, W.T, dx, r, c)


def weight_product(x: Array, dy: Array, dW: Array) -> Step:
    """Return what computes dW = xᵀ dy; shapes (n, k), (n, m), (k, m)."""
    (n, k), m = x.shape, dy.shape[1]
    if n * k * m <= SMALL_PRODUCT:
        return partial(np.dot, x.T, dy, out=dW)
    size = _divisor(n, SMALL_PRODUCT // (k * m))
    if m <= LANES and size >= LEAST_ROWS:
        # (1000 × 784)ᵀ (1000 × 16) takes 343 µs whole, and 249 as a sum of 20.
        a, b = x.reshape(-1, size, k).transpose(0, 2, 1), dy.reshape(-1, size, m)
        parts = np.empty((n // size, k, m), dW.dtype)
        return summed_product(a, b, parts, parts, dW)
    if n > MOST_SUMMED and n * k * m > 4 * SMALL_PRODUCT:
        return partial(np.dot, x.T, dy, out=dW)
    c = _divisor(m, MOST_COLUMNS)
    c = c if c % LANES == 0 else m
    return _tiled_product(x.T, dy, dW, _divisor(k, SMALL_PRODUCT // (n * c)), c)


def shared_product(a: Array, b: Array, out: Array, team: Team | None) -> Step:
    """Return what computes out = a b for stacks, a long one shared among threads.

    Each thread does some stacks: how many threads there are changes no bit.
    """
    work = out.size * a.shape[-1]
    axis = int(np.argmax(out.shape[:-2])) if out.ndim > 2 else 0
    if team is None or work < SHARED_PRODUCT or out.ndim == 2:
        return partial(np.matmul, a, b, out=out)
    count = min(team.threads, out.shape[axis])
    ends = [out.shape[axis] * i // count for i in range(count + 1)]

    def part(stacks: Array, some: slice) -> Array:
        own = axis - (out.ndim - stacks.ndim)
        if own < 0 or stacks.shape[own] == 1:
            return stacks  # the same for all
        return stacks[(slice(None),) * own + (some,)]

    calls = [
        partial(np.matmul, part(a, some), part(b, some), out=part(out, some))
        for some in (slice(*ends) for ends in pairwise(ends))
    ]
    return partial(team.run, calls)


def summed_product(
    a: Array,
    b: Array,
    parts: Array,
    flat: Array,
    out: Array,
    team: Team | None = None,
) -> Step:
    """Return what computes out = Σ a b over the stacks.

    ``parts`` holds the products; ``flat`` is the same memory, with one axis of stacks,
    the first.
    """

    product = shared_product(a, b, parts, team)

    def compute() -> None:
        product()
        np.add.reduce(flat, axis=0, out=out)

    return compute


def rows_per_product(rows: int, per_row: int) -> int:
    """Return how many rows of a product to do at a time: a divisor of ``rows``.

    Parameters
    ----------
    rows : int
        Of the whole product.
    per_row : int
        Multiplications for each of them.
    """
    size = _divisor(rows, SMALL_PRODUCT // per_row)
    return size if size >= LEAST_ROWS else rows


def _tiled_product(a: Array, b: Array, out: Array, r: int, c: int) -> Step:
    """Return what computes out = a b in tiles of r rows and c columns."""
    (n, k), m = a.shape, b.shape[1]
    if r < LEAST_ROWS:
        return partial(np.dot, a, b, out=out)
    return partial(
        np.matmul,
        a.reshape(n // r, 1, r, k),
        b.reshape(k, m // c, c).transpose(1, 0, 2),
        out=out.reshape(n // r, r, m // c, c).transpose(0, 2, 1, 3),
    )


def _divisor(n: int, most: int) -> int:
    """Return the largest divisor of n that is at most ``most``, or 0."""
    return next((size for size in range(min(n, most), 0, -1) if n % size == 0), 0)
