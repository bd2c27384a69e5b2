"""Using a trained network: many samples on several threads, or one as fast as can be.

`Predictor` is made for that: a frozen copy in which batch normalisation has become part
of the weights before it, and dropout is gone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ardoise.engine.arrays import (
    MOST_SHAPES,
    Array,
    as_samples,
    check_samples,
    computing,
    fill_batch,
)
from ardoise.engine.losses import softmax
from ardoise.engine.network import Network
from ardoise.engine.params import below
from ardoise.engine.sparse import SparseRows
from ardoise.engine.threads import Team, available_threads, blas_threads

Values = dict[str, Array]

MOST_THREADS = 256  # of a predictor, which cannot know how many samples there will be


class Predictor:
    """A frozen copy of a network, for inference.

    It gives what the network's own methods give, to rounding, and several threads may
    use it at the same time (they take turns).

    Parameters
    ----------
    network : Network
        Copied: what happens to it later changes nothing here.
    threads : int, optional
        The most to use; by default, all the processors that the process may use.

    Raises
    ------
    ValueError
        If ``threads`` is below 1.

    Examples
    --------
    >>> from ardoise import Dense, Network, Predictor
    >>> predictor = Predictor(Network([Dense(3)], input_shape=2, seed=0))
    >>> predictor.predict_proba([[0.0, 0.0]])
    array([[0.33333334, 0.33333334, 0.33333334]], dtype=float32)
    """

    def __init__(self, network: Network, *, threads: int | None = None) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be at least 1; got {threads}")
        threads = min(threads or available_threads(), MOST_THREADS)
        self._networks = sharing(fold(network), threads)
        self._lock = threading.Lock()
        self._most = self._networks[0].micro_batch()  # samples that are done at once
        self._reads_images = len(network.input_shape) == 3
        self._views: dict[int, tuple[Array, Array]] = {}
        self.input_shape = network.input_shape
        self.output_shape = network.output_shape

    def predict_logits(self, x: Array) -> Array:
        """Return the outputs in a new array (n, *output_shape).

        Parameters
        ----------
        x : array of shape (n, *input_shape)
            Bytes (read as x / 255) or floating-point numbers.

        Raises
        ------
        TypeError, ValueError
            If x cannot be read; see `ardoise.engine.arrays.check_samples`.
        """
        x = np.asarray(x)
        check_samples(x, self.input_shape)
        if len(x) <= self._most:
            with self._lock:
                return self._predict_few(x)
        out = np.empty((len(x), *self.output_shape), self._networks[0].dtype)

        def keep(_: int, place: slice, z: Array) -> None:
            out[place] = z

        with self._lock:
            each_batch(self._networks, x, keep)
        return out

    def _predict_few(self, x: Array) -> Array:
        """Do a batch on this thread; everything is prepared for its length once."""
        network, n = self._networks[0], len(x)
        if n not in self._views:
            if len(self._views) >= MOST_SHAPES:
                self._views.clear()
            entry = np.empty(network.entry_shape(n), network.dtype)
            self._views[n] = entry, as_samples(entry, self.input_shape)
        entry, view = self._views[n]
        if not self._reads_images:  # 2 µs more would be a tenth
            return network.propagate(fill_batch(x, entry, view)).copy()
        with computing():
            return network.propagate(fill_batch(x, entry, view)).copy()

    def predict_proba(self, x: Array) -> Array:
        """Return class probabilities (n, K): the softmax of `predict_logits`."""
        return softmax(self.predict_logits(x))

    def predict(self, x: Array) -> Array:
        """Return the most probable class of each sample, shape (n,)."""
        classes: Array = self.predict_logits(x).argmax(axis=1)
        return classes


def sharing(
    network: Network, threads: int, samples: int | None = None
) -> list[Network]:
    """Return networks on the same weights and statistics, one a thread.

    No more than there are batches among so many samples, if that is known.
    """
    if samples is not None:
        threads = min(threads, max(1, -(-samples // network.micro_batch())))
    return [network] + [
        network.replica(np.zeros_like(network.grad), network.state)
        for _ in range(threads - 1)
    ]


def each_batch(
    networks: Sequence[Network],
    x: Array | SparseRows,
    consume: Callable[[int, slice, Array], None],
) -> None:
    """Call ``consume(i, place, outputs)`` for all batches of x, on several threads.

    Network i does the i-th share of x, batch by batch and in order; the outputs' buffer
    is reused. The shares depend on the lengths alone.
    """
    batch = networks[0].micro_batch()
    n_shares = min(len(networks), -(-len(x) // batch))
    # Whole batches for all but the last: no buffers of another size.
    size = -(-len(x) // (n_shares * batch)) * batch

    def do(i: int) -> None:
        start = i * size
        share = slice(start, min(start + size, len(x)))
        part = x.rows(share) if isinstance(x, SparseRows) else x[share]
        for place, z in networks[i].predict_batches(part):
            consume(i, slice(start + place.start, start + place.stop), z)

    with blas_threads(1), computing():
        if n_shares == 1:
            do(0)
            return
        with Team(n_shares) as team:
            team.run([partial(do, i) for i in range(n_shares)])


def fold(network: Network) -> Network:
    """Return a copy without what inference does not need.

    Batch normalisation behind a `Dense` or `Conv2D` becomes part of its weights:
    gamma (x W + b − mean) / σ + beta = x (W gamma/σ) + (b − mean) gamma/σ + beta.
    Dropout is left out.

    References
    ----------
    Jacob et al., "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference", 2018, section 3.2.
    """
    return network.with_layers(*_fold(network.config()["layers"], network.arrays()))


def _fold(
    layers: Sequence[Mapping[str, Any]], values: Mapping[str, Array]
) -> tuple[list[dict[str, Any]], Values]:
    """Fold a row of layers, given as descriptions and named arrays; return the same."""
    kept: list[tuple[dict[str, Any], Values]] = []
    for i, layer in enumerate(layers):
        own, config = below(str(i), values), dict(layer)
        if config["type"] == "BatchNorm" and kept and "W" in kept[-1][1]:
            kept[-1] = _into_weights(*kept[-1], own, config["epsilon"])
            continue
        if config["type"] in ("Dropout", "SpatialDropout2D"):
            continue
        if config["type"] == "Residual":
            config, own = _fold_branches(config, own)
        kept.append((config, own))
    if not kept:  # nothing but dropout: let it stand
        return [dict(layer) for layer in layers], dict(values)
    return (
        [config for config, _ in kept],
        {f"{i}.{k}": v for i, (_, own) in enumerate(kept) for k, v in own.items()},
    )


def _fold_branches(
    config: dict[str, Any], own: Values
) -> tuple[dict[str, Any], Values]:
    values: Values = {}
    for name in ("layers", "shortcut"):
        config[name], folded = _fold(config[name], below(name, own))
        values |= {f"{name}.{key}": value for key, value in folded.items()}
    return config, values


def _into_weights(
    config: dict[str, Any], own: Values, norm: Values, epsilon: float
) -> tuple[dict[str, Any], Values]:
    """Return a Dense or Conv2D that does the BatchNorm behind it as well."""
    wide = {name: value.astype(np.float64) for name, value in {**own, **norm}.items()}
    scale = wide["gamma"] / np.sqrt(wide["running_variance"] + epsilon)
    shift = wide.get("b", 0.0) - wide["running_mean"]
    weights = {"W": wide["W"] * scale, "b": shift * scale + wide["beta"]}
    return {**config, "use_bias": True}, weights
