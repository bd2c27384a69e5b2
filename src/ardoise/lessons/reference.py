"""The checks' own computations: what a learner's functions should return.

Dense layers with ReLU between them and softmax at the end, in float64; the weights are
a dictionary ``W1, b1, W2, …`` as in the learner's files. Gradients are not derived
here but measured, by central differences: (L(θ + h) − L(θ − h)) / 2h.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Params = dict[str, Array]
CLASSES = 10
_STEP = 1e-5
# Closer to the kink of a ReLU than this, a difference would straddle it.
_CLEAR = 1e-2


def softmax(z: Array) -> Array:
    """Return the probabilities of scores (n, K)."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def cross_entropy(z: Array, t: Array) -> float:
    """Return the mean of −log of the probability of the right class."""
    shifted = z - z.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(t)), t].mean())


def depth(params: Params) -> int:
    """Return the number of dense layers."""
    return sum(name.startswith("W") for name in params)


def hidden_layers(params: Params, x: Array) -> list[Array]:
    """Return z of each layer, before its ReLU; the last are the scores."""
    zs: list[Array] = []
    for i in range(1, depth(params) + 1):
        below = np.maximum(zs[-1], 0) if zs else x
        zs.append(below @ params[f"W{i}"] + params[f"b{i}"])
    return zs


def scores(params: Params, x: Array) -> Array:
    """Return the scores of each class, (n, K)."""
    return hidden_layers(params, x)[-1]


def loss(params: Params, x: Array, t: Array) -> float:
    """Return the mean loss of a batch."""
    return cross_entropy(scores(params, x), t)


def accuracy(params: Params, x: Array, t: Array) -> float:
    """Return the share of right answers."""
    return float((scores(params, x).argmax(axis=1) == t).mean())


def differences(
    measure: Callable[[Params], float], params: Params, names: Sequence[str]
) -> Params:
    """Return the gradient of ``measure`` by these parameters, as it is measured."""
    found = {}
    for name in names:
        slopes = np.empty(params[name].shape)
        for place in np.ndindex(slopes.shape):
            sides = []
            for side in (_STEP, -_STEP):
                moved = params[name].copy()
                moved[place] += side
                sides.append(measure({**params, name: moved}))
            slopes[place] = (sides[0] - sides[1]) / (2 * _STEP)
        found[name] = slopes
    return found


def network(widths: Sequence[int], rng: np.random.Generator) -> Params:
    """Return random weights of a network of these widths, from inputs to classes."""
    params: Params = {}
    for i, n_out in enumerate(widths[1:], start=1):
        n_in = widths[i - 1]
        params[f"W{i}"] = rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out))
        params[f"b{i}"] = rng.normal(0, 0.3, n_out)
    return params


def batch(params: Params, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return random samples, none of them near the kink of a ReLU, and labels."""
    n_in = params["W1"].shape[0]
    rows: list[Array] = []
    while len(rows) < n:
        x = rng.normal(0, 1, (1, n_in))
        if all(np.abs(z).min() > _CLEAR for z in hidden_layers(params, x)[:-1]):
            rows.append(x)
    return np.concatenate(rows), rng.integers(0, CLASSES, n)
