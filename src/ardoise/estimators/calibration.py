"""A temperature that makes probabilities honest.

Networks trained long are too sure of themselves. Dividing their outputs by one number,
fitted on samples that did not train, mends most of it and changes no answer.
"""

from __future__ import annotations

import math

from ardoise.engine.arrays import Array
from ardoise.engine.losses import Loss

# The temperature is looked for between these.
COLDEST, HOTTEST = 1 / 64, 64.0
GOLDEN = (math.sqrt(5) - 1) / 2


def fit_temperature(
    loss: Loss, z: Array, targets: Array, weights: Array | None
) -> float:
    """Return the T > 0 that makes the loss of z / T least.

    Parameters
    ----------
    loss : Loss
        A cross-entropy; in log T it has one minimum.
    z : array of shape (n, K)
        Outputs for samples that did not train.
    targets : array
    weights : array of shape (n,) or None

    References
    ----------
    Guo et al., "On calibration of modern neural networks", 2017, section 4.2.
    """
    total = len(z) if weights is None else float(weights.sum())

    def value(log_t: float) -> float:
        scaled = z * math.exp(-log_t)
        return loss(scaled, targets, scale=1 / total, weights=weights)[0]

    low, high = math.log(COLDEST), math.log(HOTTEST)
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    f_left, f_right = value(left), value(right)
    while high - low > 1e-4:
        if f_left <= f_right:
            high, right, f_right = right, left, f_left
            left = high - GOLDEN * (high - low)
            f_left = value(left)
        else:
            low, left, f_left = left, right, f_right
            right = low + GOLDEN * (high - low)
            f_right = value(right)
    return math.exp((low + high) / 2)
