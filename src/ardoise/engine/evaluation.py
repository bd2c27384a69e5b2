"""How good a network is on some data: its loss, and its share of right answers."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.batches import check_data, check_whole
from ardoise.engine.inference import each_batch, sharing
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.engine.threads import available_threads


class Evaluation(NamedTuple):
    """How good a network is on some data.

    Attributes
    ----------
    loss : float
    accuracy : float or None
        Share of correct answers, in [0, 1]; None if the loss has no classes.
    correct, total : int
        What the accuracy is the ratio of.
    """

    loss: float
    accuracy: float | None
    correct: int
    total: int


def evaluate(
    network: Network,
    x: Array,
    y: Array,
    *,
    loss: str | Mapping[str, Any] | Loss = "softmax_cross_entropy",
    sample_weight: Array | None = None,
    threads: int | None = None,
) -> Evaluation:
    """Return the loss and accuracy of a network on data.

    Parameters
    ----------
    network : Network
    x : array of shape (n, *input_shape)
        Bytes or floating-point numbers.
    y : array of shape (n,) or (n, K)
        Targets, as the loss takes them.
    loss : str, mapping or Loss
    sample_weight : array of shape (n,), optional
    threads : int, optional
        By default, all the processors that the process may use.

    Raises
    ------
    TypeError, ValueError
        If the data cannot be read, in one sentence.
    """
    criterion = losses.get(loss)
    data = check_data(network, criterion, x, y, sample_weight)
    if threads is not None:
        check_whole("threads", threads)
    networks = sharing(network, threads or available_threads(), len(data[0]))
    return evaluate_on(networks, criterion, *data)


def evaluate_on(
    networks: Sequence[Network],
    criterion: Loss,
    x: Array,
    t: Array,
    weights: Array | None,
) -> Evaluation:
    total = len(x) if weights is None else float(weights.sum())
    # Copies of a loss have buffers of their own.
    own = [criterion, *(copy.copy(criterion) for _ in networks[1:])]
    values, correct = [0.0] * len(own), [0] * len(own)

    def add(i: int, rows: slice, z: Array) -> None:
        part = None if weights is None else weights[rows]
        if criterion.is_classifier:
            correct[i] += int(np.count_nonzero(own[i].predict(z) == t[rows]))
        values[i] += own[i](z, t[rows], scale=1.0, weights=part)[0]

    each_batch(networks, x, add)
    hits = sum(correct)
    accuracy = hits / len(x) if criterion.is_classifier else None
    # A part of a data set may have no weight at all.
    return Evaluation(sum(values) / (total or 1.0), accuracy, hits, len(x))
