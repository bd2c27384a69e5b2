"""A temperature that makes probabilities honest.

Networks trained long are too sure of themselves. Dividing their outputs by one number,
fitted on samples that did not train, mends most of it and changes no answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ardoise.engine.arrays import Array
from ardoise.engine.layers import Dense, Layer, Residual
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network

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


def scale_outputs(network: Network, factor: float) -> None:
    """Multiply a network's outputs by a number, in the weights of its last layer.

    With 1 / T it makes a temperature T part of the network: softmax(z / T) is then what
    `predict_proba` gives, and every export.

    Parameters
    ----------
    network : Network
        Its last layer is `Dense`, or a `Residual` whose branches both end in one.
    factor : float
        Above 0, or the answers change.

    Raises
    ------
    ValueError
        If the factor is not above 0 and finite, or the network ends in another layer.
        Nothing is changed then.
    """
    if not 0 < factor < math.inf:
        raise ValueError(f"expected a factor above 0; got {factor}")
    parameters = network.parameters()
    for name in list(_last_arrays(network.layers, "")):
        parameters[name] *= factor


def _last_arrays(layers: Sequence[Layer], prefix: str) -> Iterator[str]:
    """Yield the names of the arrays to which the outputs are proportional."""
    if not layers or not isinstance(layers[-1], Dense | Residual):
        raise ValueError(
            "only the outputs of Dense layers can be scaled; this network ends in "
            f"{layers[-1] if layers else 'its input'!r}"
        )
    place, last = f"{prefix}{len(layers) - 1}.", layers[-1]
    if isinstance(last, Dense):
        yield f"{place}W"
        if last.use_bias:
            yield f"{place}b"
    else:
        yield from _last_arrays(last.layers, f"{place}layers.")
        yield from _last_arrays(last.shortcut, f"{place}shortcut.")
