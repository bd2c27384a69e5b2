"""Is back-propagation right? Compare it with what the loss really does.

The derivative of the loss with respect to one weight is the slope that is measured by
moving the weight a little to both sides. It is slow and needs no calculus, so it is the
judge of every formula in this library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ardoise.engine import losses
from ardoise.engine.arrays import Array, to_float
from ardoise.engine.batches import check_data
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network


class GradientCheck(NamedTuple):
    """The outcome of `check_gradients`.

    Attributes
    ----------
    error : float
        The largest |computed − measured| / max(1, |computed| + |measured|).
    worst : str
        The parameter where it was found, such as ``"0.W[3, 1]"``.
    computed, measured : float
        The two derivatives there.
    checked : int
        How many parameters were moved.
    """

    error: float
    worst: str
    computed: float
    measured: float
    checked: int

    def __str__(self) -> str:
        return (
            f"{self.checked} derivatives checked; the largest error is "
            f"{self.error:.1e}, at {self.worst}: back-propagation says "
            f"{self.computed:.10g}, the loss itself {self.measured:.10g}"
        )


def check_gradients(
    network: Network,
    x: Array,
    y: Array,
    *,
    loss: str | Mapping[str, Any] | Loss = "softmax_cross_entropy",
    sample_weight: Array | None = None,
    epsilon: float = 1e-5,
    max_params: int | None = 1000,
    seed: int = 0,
) -> GradientCheck:
    """Compare the gradients of a network with central differences of its loss.

    It works on a float64 copy: the network is left as it was. Dropout drops the same
    numbers in each evaluation. A correct network gives an error below about 1e-7; where
    a weighted sum lies within epsilon of a kink (ReLU at 0) a larger one can be right.

    Parameters
    ----------
    network : Network
    x : array of shape (n, *input_shape)
        A few samples are enough, and faster.
    y : array of shape (n,) or (n, K)
    loss, sample_weight
        As in `ardoise.fit`.
    epsilon : float
        How far each parameter is moved to both sides.
    max_params : int or None
        Check at most so many parameters, drawn at random; None for all.
    seed : int
        Draws them, and what dropout drops.

    Returns
    -------
    GradientCheck

    Raises
    ------
    TypeError, ValueError
        If the data cannot be read, in one sentence.

    References
    ----------
    Bishop, "Pattern Recognition and Machine Learning", 2006, section 5.3.3.
    """
    criterion = losses.get(loss)
    if network.n_params == 0 or (max_params is not None and max_params < 1):
        raise ValueError(
            "there is no derivative to check: the network must have parameters, and "
            f"max_params be at least 1; got {network.n_params} and {max_params}"
        )
    twin = network.astype("float64")
    x, t, weights = check_data(twin, criterion, x, y, sample_weight)
    samples = to_float(x, np.empty(x.shape))
    scale = 1 / (len(x) if weights is None else float(weights.sum()))
    state = twin.state.copy()

    def loss_now() -> tuple[float, Array]:
        twin.reserve(len(samples), training=True, rng=np.random.default_rng(seed))
        twin.state[...] = state
        z = twin.forward(samples, training=True)
        return criterion(z, t, scale=scale, weights=weights)

    twin.grad[...] = np.nan  # what backward forgets to write will show
    _, dz = loss_now()
    twin.backward(dz)
    computed = twin.grad.copy()
    chosen = np.arange(twin.n_params)
    if max_params is not None and max_params < len(chosen):
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(chosen, max_params, replace=False))
    measured = np.empty(len(chosen))
    for i, place in enumerate(chosen):
        kept = twin.theta[place]
        ends = []
        for moved in (kept + epsilon, kept - epsilon):
            twin.theta[place] = moved
            ends.append(loss_now()[0])
        twin.theta[place] = kept
        measured[i] = (ends[0] - ends[1]) / (2 * epsilon)
    found = computed[chosen]
    errors = np.abs(found - measured)
    errors /= np.maximum(1, np.abs(found) + np.abs(measured))
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    return GradientCheck(
        error=float(errors[worst]),
        worst=_name(twin, int(chosen[worst])),
        computed=float(found[worst]),
        measured=float(measured[worst]),
        checked=len(chosen),
    )


def _name(network: Network, place: int) -> str:
    """Return the name of one number of theta, such as ``"0.W[3, 1]"``."""
    entry = next(e for e in network.layout.entries if place < e.place.stop)
    index = np.unravel_index(place - entry.place.start, entry.spec.shape)
    return f"{entry.key}[{', '.join(str(int(i)) for i in index)}]"
