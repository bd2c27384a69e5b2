"""Is this data fit to be learned from? Asked before the first epoch.

Each check is one pass over the data at most, and says what it found in numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.batches import check_whole
from ardoise.engine.doctor.findings import Finding, note, warning

# MNIST in 784-64-10 with tanh, Adam, 4 epochs of 10,000: the accuracy is 92.5 % for
# values up to 4, 92.1 % up to 16 (root mean square of the largest feature 9), 89.4 % up
# to 64 (35) and 86.0 % up to 255 (140). Standardised data has 1.
LARGEST_RMS = 20.0
# Bytes that only go up to 25 of 255, or floats that were divided twice.
SMALLEST_PEAK = 0.1
# A shuffled batch has the expected number of classes to within a few per cent; labels
# in order have 1.0 of 10.
SORTED_SHARE = 0.5
SORTED_WINDOW = 32  # a batch of one sample has one class in any order
# Of an equal part: the rarest digit of MNIST has 90 %, that of EMNIST's classes 3 %.
RARE_SHARE = 0.1
# Real data has a pair of equal samples now and then; MNIST has none.
LEAK_SHARE = 0.01
# Two parts of one data set differ by a few per cent; one that was divided by 255 and
# one that was not, by 255, and pictures and their negatives by 2.6 (MNIST).
OTHER_SCALE = 2.0
# In pictures and their rows borders are constant (MNIST: 9 % of the pixels).
CONSTANT_SHARE = 0.5
INVERTED_SHARE = 0.75
BLOCK = 2**20  # numbers at a time


def examine_data(
    x: Array,
    y: Array,
    *,
    n_classes: int | None = None,
    classes: Sequence[str] | None = None,
    batch_size: int | None = None,
    shuffle: bool = True,
    normalised: bool = False,
    validation: Array | None = None,
    test: Array | None = None,
) -> list[Finding]:
    """Say what is wrong with data, before a network learns from it.

    Nothing is changed. Classes are looked at where ``y`` holds class indices.

    Parameters
    ----------
    x : array of shape (n, ...)
        Bytes, which are read as x / 255, or floating-point numbers.
    y : array of shape (n,) or (n, K)
        Class indices, or values.
    n_classes : int, optional
        K; by default, one more than the largest index.
    classes : sequence of str, optional
        Their names; by default, the indices.
    batch_size : int, optional
        None for all samples at once, in any order.
    shuffle : bool
        Whether the training shuffles.
    normalised : bool
        Whether the network normalises its input itself.
    validation, test : array of shape (m, ...), optional
        Samples that must not be in x.

    Returns
    -------
    list of Finding

    Raises
    ------
    TypeError, ValueError
        If x does not hold numbers or no sample, or the lengths differ.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype.kind not in "biuf" or x.ndim < 2:
        raise TypeError(f"x must hold samples of numbers; got {x.dtype} of {x.shape}")
    if len(x) == 0 or x.size == 0 or len(x) != len(y):
        raise ValueError(
            "x and y must have the same length, at least 1; got "
            f"{len(x)} samples and {len(y)} targets"
        )
    if batch_size is not None:
        check_whole("batch_size", batch_size)
    found = _not_finite(x)
    if found:
        return found  # nothing else can be said of such numbers
    found = [*_scale(x, normalised), *_constant(x)]
    if y.ndim == 1 and y.dtype.kind in "iu":
        found += _class_counts(y, n_classes, classes)
        if not shuffle and batch_size is not None:
            found += of_order(y, batch_size)
    for name, part in (("validation", validation), ("test", test)):
        if part is not None and len(part):
            found += _beside(x, np.asarray(part), name)
    return found


def _not_finite(x: Array) -> list[Finding]:
    if x.dtype.kind != "f":
        return []
    count, first = 0, 0
    for start, rows in _blocks(x):
        flat = rows.reshape(-1)
        with np.errstate(over="ignore", invalid="ignore"):
            if math.isfinite(float(np.dot(flat, flat))):
                continue
        wrong = ~np.isfinite(rows)
        lines = wrong.any(axis=1)
        if lines.any():
            first = first if count else start + int(np.argmax(lines))
            count += int(np.count_nonzero(wrong))
    return [warning("not_finite", count=count, sample=first)] if count else []


def _scale(x: Array, normalised: bool) -> list[Finding]:
    unit = 255.0 if x.dtype == np.uint8 else 1.0
    low, high = float(x.min()), float(x.max())
    peak = max(-low, high) / unit
    shown = {"low": low, "high": high}
    if unit == 1 and not normalised and peak > LARGEST_RMS:
        if math.sqrt(float(_mean_squares(x).max())) > LARGEST_RMS:
            return [warning("not_scaled", **shown)]
    if 0 < peak < SMALLEST_PEAK and not normalised:
        return [warning("squeezed", **shown)]
    return _inverted(x, unit) if x.ndim == 4 and low >= 0 else []


def _inverted(x: Array, unit: float) -> list[Finding]:
    first = x[:1000]
    edges = (first[:, 0], first[:, -1], first[:, :, 0], first[:, :, -1])
    border = np.concatenate(edges, axis=1)
    share = float((border > unit / 2).mean())
    return [note("inverted", share=share)] if share > INVERTED_SHARE else []


def _constant(x: Array) -> list[Finding]:
    if len(x) == 1:
        return []
    rows = x.reshape(len(x), -1)
    low = rows.min(axis=0)
    is_constant = low == rows.max(axis=0)
    count, total = int(np.count_nonzero(is_constant)), rows.shape[1]
    if count == total:
        return [warning("constant", count=count, total=total)]
    # In a table, a column that is always 0 does no harm, and rows of pixels have them.
    stray = int(np.count_nonzero(low[is_constant])) if x.ndim == 2 else 0
    if stray or count > CONSTANT_SHARE * total:
        return [note("constant", count=count, total=total)]
    return []


def _class_counts(
    y: Array, n_classes: int | None, classes: Sequence[str] | None
) -> list[Finding]:
    counts = np.bincount(y, minlength=n_classes or len(classes or ()))
    names = [str(name) for name in classes or range(len(counts))]
    missing = np.flatnonzero(counts == 0)
    found = []
    if len(missing):
        first = names[int(missing[0])]
        found.append(
            warning(
                "missing_class", name=first, missing=len(missing), classes=len(counts)
            )
        )
    seen = np.where(counts, counts, len(y) + 1)
    rarest = int(seen.argmin())
    count = int(counts[rarest])
    if count < RARE_SHARE * len(y) / np.count_nonzero(counts):
        shown = {"name": names[rarest], "count": count, "total": len(y)}
        found.append(warning("rare_class", **shown, share=count / len(y)))
    return found


def of_order(y: Array, batch_size: int) -> list[Finding]:
    """Compare the classes in a batch with those that a shuffled one would hold.

    Parameters
    ----------
    y : array of int of shape (n,)
        Class indices, in the order in which they are read.
    batch_size : int
    """
    size = max(int(batch_size), SORTED_WINDOW)
    full = len(y) // size
    if full < 2:
        return []
    k = int(y.max()) + 1
    batches = y[: full * size].reshape(full, size)
    found = sum(len(np.unique(batch)) for batch in batches) / full
    shares = np.bincount(y, minlength=k) / len(y)
    expected = float((1 - (1 - shares) ** size).sum())
    if found >= SORTED_SHARE * expected:
        return []
    return [warning("sorted", batch=size, found=found, expected=expected)]


def _beside(x: Array, part: Array, name: str) -> list[Finding]:
    """Compare samples that are kept apart with those that are learned from."""
    found = []
    if part.dtype == x.dtype and part.shape[1:] == x.shape[1:]:
        count = int(np.count_nonzero(np.isin(_hashes(part), _hashes(x))))
        shown = {"count": count, "total": len(part), "share": count / len(part)}
        if count:
            make = warning if count >= LEAK_SHARE * len(part) else note
            found.append(make(f"leak_{name}", **shown))
    units = [255.0 if a.dtype == np.uint8 else 1.0 for a in (part, x)]
    other, own = (
        math.sqrt(float(_mean_squares(a).mean())) / unit
        for a, unit in zip((part, x), units, strict=True)
    )
    ratio = max(other, own) / max(min(other, own), 1e-30)
    if ratio > OTHER_SCALE:
        found.append(warning(f"other_scale_{name}", found=other, expected=own))
    return found


def _hashes(x: Array) -> Array:
    """Return a 64-bit number for each sample; equal samples have equal numbers.

    The sum of the sample's 64-bit words, each times a fixed random odd number: two
    different samples agree with a probability of about 2⁻⁶³. (MNIST: 0.1 s.)
    """
    size = x[0].nbytes
    words = -(-size // 8)
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 2**63, words, dtype=np.uint64) * np.uint64(2)
    factors += np.uint64(1)
    result = np.empty(len(x), np.uint64)
    for start, rows in _blocks(x):
        if x.dtype.kind == "f":
            rows = rows + 0  # −0 and 0 are the same value
        padded = np.zeros((len(rows), words * 8), np.uint8)
        padded[:, :size] = np.ascontiguousarray(rows).view(np.uint8)
        numbers = padded.view(np.uint64)
        result[start : start + len(rows)] = (numbers * factors).sum(axis=1)
    return result


def _mean_squares(x: Array) -> Array:
    """Return the mean of the squares of each feature, in float64."""
    total = np.zeros(x[0].size)
    for _, rows in _blocks(x):
        values = rows.astype(np.float64)
        total += np.einsum("ij,ij->j", values, values)
    return total / len(x)


def _blocks(x: Array) -> list[tuple[int, Array]]:
    """Return (start, rows) of parts of the data as a table, a few MB each."""
    rows = x.reshape(len(x), -1)
    size = max(1, BLOCK // rows.shape[1])
    return [(start, rows[start : start + size]) for start in range(0, len(x), size)]
