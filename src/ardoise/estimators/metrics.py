"""What a user wants to know about each epoch besides the loss and the score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ardoise.engine.arrays import Array

Metric = Callable[[Array, Array], float]


def named_metrics(metrics: Any) -> Mapping[str, Metric]:
    """Return name → metric for what the user gave: one, several, or with names.

    Raises
    ------
    ValueError
        If one is no function, or two have the same name.
    """
    if metrics is None:
        return {}
    if isinstance(metrics, Mapping):
        pairs = list(metrics.items())
    else:
        several = [metrics] if callable(metrics) else list(metrics)
        pairs = [(getattr(one, "__name__", repr(one)), one) for one in several]
    for _, metric in pairs:
        if not callable(metric):
            raise ValueError(
                f"metrics must be functions, metric(y_true, y_predicted); got "
                f"{metric!r}"
            )
    repeated = [name for name, k in Counter(name for name, _ in pairs).items() if k > 1]
    if repeated:
        raise ValueError(
            f"metrics has several functions of the name {repeated[0]!r}: give a "
            "mapping of names to functions"
        )
    return dict(pairs)


def measure(name: str, metric: Metric, truth: Array, predicted: Array) -> float:
    """Return what a metric says about predictions.

    Raises
    ------
    ValueError
        If it is no number.
    """
    value = metric(truth, predicted)
    try:
        if np.ndim(value) == 0:
            return float(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(f"the metric {name!r} must return a number; got {value!r}")
