"""What goes on inside a network: which units answer, and how large gradients are.

A `Probe` looks at a copy, on a few samples, so that the training itself is not touched:
not a bit of it depends on being watched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ardoise.engine.arrays import Array, computing, to_float
from ardoise.engine.layers import Layer, ReLU, Sigmoid, Tanh
from ardoise.engine.losses import Loss
from ardoise.engine.network import Network
from ardoise.engine.sparse import SparseRows
from ardoise.engine.threads import blas_threads

# A tanh or sigmoid unit is flat where its slope is below this share of its steepest
# one: |tanh| above 0.995.
FLAT = 0.01


class Activity(NamedTuple):
    """How the units of one activation layer answer to the samples.

    A unit is a neuron, or a channel of a map.

    Attributes
    ----------
    layer : str
        Its place and kind, such as ``"2 (ReLU)"``.
    kind : {"ReLU", "Tanh", "Sigmoid"}
    units : int
    dead : int
        Units that have no slope on any sample (for a ReLU: that are 0), so that
        nothing can reach the weights before them.
    flat : float
        Share of the answers, over units and samples, that have no slope.
    """

    layer: str
    kind: str
    units: int
    dead: int
    flat: float


class Push(NamedTuple):
    """How hard the loss pulls at the weights of one layer.

    Attributes
    ----------
    name : str
        Of the weights, such as ``"0.W"``.
    gradient, weights : float
        Root mean square of ∂loss/∂W, and of W.
    inputs, units : int
        How many numbers a unit adds up, and how many units there are.
    alike : bool
        Whether all of the units have the same weights and the same gradients.
    """

    name: str
    gradient: float
    weights: float
    inputs: int
    units: int
    alike: bool


class Probe:
    """A copy of a network, and the samples that it is looked at with.

    Parameters
    ----------
    network : Network
        Not changed. `refresh` copies its weights again.
    x : array of shape (n, *input_shape) or SparseRows
        Bytes or floating-point numbers.
    """

    def __init__(self, network: Network, x: Array | SparseRows) -> None:
        self._network, self._x = network, x
        self._twin = network.astype(network.dtype)
        self._heard: dict[str, list[tuple[int, Array]]] = {}
        self._kinds: dict[str, str] = {}
        self._listens = False
        for place, layer in _activations(self._twin.layers):
            kind = type(layer).__name__
            name = f"{place} ({kind})"
            self._kinds[name] = kind
            # Of the object, not of its class: this copy alone is listened to.
            listener = partial(self._listen, name, layer.forward)
            setattr(layer, "forward", listener)  # noqa: B010

    def refresh(self) -> None:
        """Copy the weights that the network has now."""
        np.copyto(self._twin.theta, self._network.theta)
        np.copyto(self._twin.state, self._network.state)

    def activity(self) -> list[Activity]:
        """Return how the units of each activation layer answer, first layer first."""
        self._heard = {name: [] for name in self._kinds}
        self._listens = True
        with computing(), blas_threads(1):
            for part in self._parts(len(self._x)):
                self._twin.forward(self._samples(part))
        self._listens = False
        return [self._summed(name, kind) for name, kind in self._kinds.items()]

    def _summed(self, name: str, kind: str) -> Activity:
        heard = self._heard[name]
        flat = np.sum([count for _, count in heard], axis=0)
        total = sum(rows for rows, _ in heard)
        dead = int(np.count_nonzero(flat == total))
        share = float(flat.sum()) / (total * len(flat))
        return Activity(name, kind, len(flat), dead, share)

    def pushes(self, loss: Loss, t: Array, rows: Array) -> list[Push]:
        """Return the size of the gradient of each layer's weights, first layer first.

        Parameters
        ----------
        loss : Loss
        t : array of shape (n, ...)
            The targets of all samples, as the loss reads them.
        rows : array of int
            The samples to take.
        """
        twin, total = self._twin, np.zeros_like(self._twin.grad)
        size = min(len(rows), twin.micro_batch())
        twin.reserve(size, training=True, rng=np.random.default_rng(0))
        with computing(), blas_threads(1):
            for part in self._parts(len(rows)):
                z = twin.forward(self._samples(rows[part]), training=True)
                _, dz = loss(z, t[rows[part]], scale=1 / len(rows))
                twin.backward(dz)
                total += twin.grad
        gradients, weights = twin.layout.views(total), twin.parameters()
        names = [e.key for e in twin.layout.entries if e.spec.decay]
        return [_push(name, gradients[name], weights[name]) for name in names]

    def loss(self, loss: Loss, t: Array) -> float:
        """Return the mean loss of all samples, with targets t."""
        value = 0.0
        with computing(), blas_threads(1):
            for part in self._parts(len(t)):
                z = self._twin.forward(self._samples(part))
                value += loss(z, t[part], scale=1 / len(t))[0]
        return value

    def _parts(self, n: int) -> Iterator[slice]:
        size = self._twin.micro_batch()
        for start in range(0, n, size):
            yield slice(start, min(start + size, n))

    def _samples(self, part: slice | Array) -> Array:
        x = self._x[part]
        return to_float(x, np.empty(x.shape, self._twin.dtype))

    def _listen(self, name: str, forward: Any, x: Array, *, training: bool) -> Array:
        y: Array = forward(x, training=training)
        if self._listens:
            rows = y.reshape(-1, y.shape[-1])
            flat = np.count_nonzero(_is_flat(self._kinds[name], rows), axis=0)
            self._heard[name].append((len(rows), flat))
        return y


def _activations(
    layers: Sequence[Layer], prefix: str = ""
) -> Iterator[tuple[str, Layer]]:
    """Yield (place, layer) of each ReLU, Tanh and Sigmoid, those within others too."""
    for i, layer in enumerate(layers):
        if isinstance(layer, ReLU | Sigmoid | Tanh):
            yield f"{prefix}{i}", layer
        yield from _activations(layer.inner_layers(), f"{prefix}{i}.")


def _is_flat(kind: str, rows: Array) -> Array:
    """Return which answers have no slope."""
    if kind == "ReLU":
        return rows <= 0
    centred = rows if kind == "Tanh" else 2 * rows - 1
    # 1 − y² for tanh, and four times y (1 − y) for a sigmoid.
    return np.abs(centred) > math.sqrt(1 - FLAT)


def _push(name: str, gradient: Array, weights: Array) -> Push:
    units = weights.shape[-1]
    columns = weights.reshape(-1, units), gradient.reshape(-1, units)
    alike = units > 1 and all(bool((c == c[:, :1]).all()) for c in columns)
    inputs = weights.size // units
    return Push(name, _rms(gradient), _rms(weights), inputs, units, alike)


def _rms(values: Array) -> float:
    flat = values.reshape(-1)
    return math.sqrt(float(np.dot(flat, flat)) / len(flat))
