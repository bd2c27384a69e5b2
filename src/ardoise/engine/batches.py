"""From a whole data set to one batch in the buffers that the network reads.

Images stay bytes until the batch: a quarter of the memory, and the gather of random
rows moves a quarter of the bytes. The buffers are allocated once and reused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from ardoise.engine.arrays import (
    Array,
    Memory,
    as_samples,
    check_finite,
    check_samples,
    fill_batch,
)
from ardoise.engine.augmentation import Augment, Augmentation
from ardoise.engine.losses import NO_CLASS, Loss
from ardoise.engine.mapped import Pages
from ardoise.engine.network import Network
from ardoise.engine.sparse import SparseRows
from ardoise.engine.threads import Team

Rows = slice | Array  # consecutive rows, or their indices


class BatchLoader:
    """Copies rows of the data into reused buffers, as floating-point numbers.

    Parameters
    ----------
    network : Network
        It says in which order it takes samples.
    x : array of shape (n, ...) or SparseRows
        Bytes or floating-point numbers; may be memory-mapped; never written.
    t : array of shape (n,) or (n, K)
        Targets.
    weights : array of shape (n,) or None
        Weight of each sample.
    batch : int
        The most rows that `load` will be asked for.
    augment : Augmentation or callable, optional
        ``augment(rows, rng)`` returns what is to be read instead of these rows. An
        `Augmentation` writes it straight into the buffer that the network reads.
    mixers : sequence of numpy.random.Generator
        What ``augment`` draws from. An `Augmentation` cuts batches into as many parts.
    team : Team, optional
        It augments the parts side by side.
    """

    def __init__(
        self,
        network: Network,
        x: Array | SparseRows,
        t: Array,
        weights: Array | None,
        batch: int,
        augment: Augment | None = None,
        mixers: Sequence[np.random.Generator] = (),
        team: Team | None = None,
    ) -> None:
        self._augment, self._mixers, self._team = augment, mixers, team
        self._augmenters = []
        if isinstance(augment, Augmentation):
            most = -(-batch // len(mixers))
            self._augmenters = [
                augment.prepare(x.shape[1:], most, network.dtype) for _ in mixers
            ]
        self._x, self._t, self._weights = x, t, weights
        self._rows = x.reshape(len(x), -1)
        self._pages, self._n_read = Pages(x), 0
        self._network = network
        size = batch * self._rows.shape[1]
        self._batch = Memory(size, network.dtype)
        # take() needs a buffer of the data's own dtype; conversion comes after.
        self._raw = Memory(size, x.dtype)
        self._views: dict[int, tuple[Array, Array]] = {}
        self._targets = Memory(batch * math.prod(t.shape[1:]), t.dtype)
        # Samples that the network can read where they lie.
        ordered = len(network.entry_shape(1)) != 4
        self._is_ready = ordered and x.dtype == network.dtype

    def load(self, rows: Rows) -> tuple[Array, Array, Array | None]:
        """Return (x, t, weights) of these rows; the buffers hold until the next call.

        x is in the order that `Network.propagate` takes. Indices are not checked (out
        of range, they are cut to the range).
        """
        # Those of the call before: what it returned may have been where they lie.
        self._pages.read(self._n_read)
        self._n_read = count_rows(rows)
        if isinstance(rows, slice):
            raw, t = self._x[rows], self._t[rows]
            weights = None if self._weights is None else self._weights[rows]
        else:
            n = len(rows)
            raw = self._raw((n, *self._x.shape[1:]))
            flat = self._raw((n, self._rows.shape[1]))
            # mode="clip" lets take() write into ``out`` without a copy in between.
            self._rows.take(rows, axis=0, out=flat, mode="clip")
            t = self._targets((n, *self._t.shape[1:]))
            self._t.take(rows, axis=0, out=t, mode="clip")
            weights = None if self._weights is None else self._weights.take(rows)
        n = len(raw)
        if n not in self._views:
            x = self._batch(self._network.entry_shape(n))
            self._views[n] = x, as_samples(x, raw.shape[1:])
        x, view = self._views[n]
        if self._augmenters:
            self._augment_into(view, raw)
            return x, t, weights
        if self._augment is not None:
            raw = check_augmented(self._augment(raw, self._mixers[0]), raw)
        if self._is_ready and raw.flags.c_contiguous:
            if raw.shape != x.shape:  # else the same array, which the network knows
                raw = raw.reshape(x.shape)
            return raw, t, weights
        return fill_batch(raw, x, view), t, weights

    def _augment_into(self, view: Array, raw: Array) -> None:
        """Write augmented rows into ``view``, part by part.

        The cuts do not depend on how many threads are at work, nor do the draws.
        """
        size = -(-len(raw) // len(self._augmenters))
        tasks = [
            partial(
                augmenter, raw[start : start + size], mixer, view[start : start + size]
            )
            for start, augmenter, mixer in zip(
                range(0, len(raw), size), self._augmenters, self._mixers, strict=False
            )
        ]
        if self._team is not None:
            self._team.run(tasks)
            return
        for task in tasks:
            task()


def check_augmented(x: Array, raw: Array) -> Array:
    """Refuse an augmentation that changes shapes or dtypes."""
    if x.shape != raw.shape or x.dtype != raw.dtype:
        raise ValueError(
            f"augmentation must return an array like the one it was given, {raw.dtype} "
            f"of shape {raw.shape}; got {x.dtype} of shape {x.shape}"
        )
    return x


def split_rows(rows: Rows, size: int) -> list[Rows]:
    """Cut rows into consecutive parts of at most ``size``."""
    if isinstance(rows, slice):
        return [
            slice(start, min(start + size, rows.stop))
            for start in range(rows.start, rows.stop, size)
        ]
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def count_rows(rows: Rows) -> int:
    """Return how many rows there are."""
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def check_data(
    network: Network,
    loss: Loss,
    x: Array,
    y: Array,
    sample_weight: Array | None,
) -> tuple[Array, Array, Array | None]:
    """Return (x, targets, weights) in the forms that training reads, or refuse them.

    Parameters
    ----------
    network : Network
        Its shapes and dtype decide.
    loss : Loss
        It knows which targets it can take.
    x : array of shape (n, *input_shape)
    y : array of shape (n,) or (n, K)
    sample_weight : array of shape (n,) or None

    Raises
    ------
    TypeError, ValueError
        With one sentence: shapes, lengths, dtypes, NaN, range of the targets, weights
        that are negative or all zero.
    """
    x, y = np.asanyarray(x), np.asarray(y)
    check_samples(x, network.input_shape)
    if y.ndim == 0 or len(x) != len(y):
        raise ValueError(
            f"x and y must have the same length; got {len(x)} samples and targets of "
            f"shape {y.shape}"
        )
    t = loss.check_targets(y, network.output_shape)
    if t.dtype.kind == "f":
        t = t.astype(network.dtype, copy=False)
    if sample_weight is None:
        return x, t, None
    weights = np.asarray(sample_weight, network.dtype)
    if weights.shape != (len(x),):
        raise ValueError(
            f"sample_weight must have the shape ({len(x)},); got {weights.shape}"
        )
    check_finite(weights, "sample_weight")
    if weights.min() < 0 or weights.max() == 0:
        raise ValueError(
            "sample_weight must not be negative, and not all zero; got values from "
            f"{weights.min():g} to {weights.max():g}"
        )
    return x, t, weights


def with_outliers(
    network: Network,
    loss: Loss,
    data: tuple[Array, Array, Array | None],
    outliers: Array,
) -> tuple[Array, Array, Array | None]:
    """Return checked data followed by samples of no class, or refuse these.

    Parameters
    ----------
    network : Network
    loss : Loss
    data : tuple
        (x, targets, weights), as `check_data` returns them.
    outliers : array of shape (m, *input_shape)

    Raises
    ------
    TypeError, ValueError
        With one sentence: the loss does not know outliers, or they have another shape
        or dtype than x.
    """
    x, t, weights = data
    if not loss.takes_outliers:
        raise ValueError(
            f"outliers need the loss 'softmax_cross_entropy'; got {loss.name!r}"
        )
    outliers = np.asanyarray(outliers)
    if outliers.dtype != x.dtype:
        raise TypeError(
            f"outliers must be an array of the dtype of x, {x.dtype}; got "
            f"{outliers.dtype}"
        )
    check_samples(outliers, network.input_shape)
    more = len(outliers)
    if weights is not None:
        weights = np.concatenate([weights, np.ones(more, weights.dtype)])
    targets = np.concatenate([t, np.full(more, NO_CLASS, t.dtype)])
    return np.concatenate([x, outliers]), targets, weights


def check_whole(name: str, value: float) -> None:
    """Refuse what is not a positive whole number."""
    # is_integer() is False for NaN and infinity too.
    number = isinstance(value, int | float | np.integer | np.floating)
    if not number or value < 1 or not float(value).is_integer():
        raise ValueError(f"{name} must be a positive whole number; got {value!r}")
