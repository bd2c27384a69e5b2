"""When to say "I don't know": samples unlike all that a network was taught.

A network answers whatever it is shown, and is often sure. What its layers make of a
sample, its features, lies close to a class's mean for samples like those that it
learned from, and far from all means for others; and the largest output hardly stands
out among all. Each of these alone misses much; together they miss little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.ensemble import members
from ardoise.engine.layers import Dense, Flatten
from ardoise.engine.layers.base import Elementwise, Layer
from ardoise.engine.network import Network

# Of the largest variance: smaller ones are noise of the few samples that there are.
SMALLEST = 1e-4
# Shares of known samples that may be refused, for which the limits are kept.
SHARES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
# Shares of known samples for which is kept which score they reach.
TAILS = (
    *(1.0, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02),
    *(0.01, 0.005, 0.003, 0.002, 0.001, 0.0005, 0.0002, 0.0001),
)
# Fewer known samples than this say nothing about such shares.
FEWEST = 200
# Of the largest output, beside one of each distance: a network that was shown outliers
# (see `ardoise.fit`) says most by it.
WEIGHT = 2
Pool = Callable[[Array], Array]  # what a layer gives (n, …) → features (n, n_features)
MOST_FEATURES = 1024  # the map of more takes much memory, and more samples


@dataclass(frozen=True)
class Novelty:
    """Means of the classes' features, and a map after which their spread is one.

    Attributes
    ----------
    means : array of shape (K, d)
        After the map.
    whitening : array of shape (n_features, d)
    """

    means: Array
    whitening: Array

    def distances(self, features: Array) -> Array:
        """Return the squared distance of each sample from the nearest class, over d.

        About 1 for samples of a class.

        Parameters
        ----------
        features : array of shape (n, n_features)

        References
        ----------
        Lee et al., "A simple unified framework for detecting out-of-distribution
        samples and adversarial attacks", 2018, section 2.1.
        """
        z = features @ self.whitening
        squares = (
            (z * z).sum(axis=1)[:, np.newaxis]
            - 2 * z @ self.means.T
            + (self.means * self.means).sum(axis=1)
        )
        nearest: Array = squares.min(axis=1) / self.means.shape[1]
        return nearest


@dataclass(frozen=True)
class Doubt:
    """What a network, or a mean of several, refuses to answer.

    Attributes
    ----------
    novelty : tuple of tuples of Novelty
        Of each member, for each place where its features are looked at.
    levels : array of shape (n places + 1, n levels)
        The score that a share `TAILS` of known samples reach: the distance at each
        place, and how little the largest output stands out.
    shares : array of shape (n,)
        Shares of known samples that may be refused, ascending.
    limits : array of shape (n,)
        So much strangeness each share exceeds.
    """

    novelty: tuple[tuple[Novelty, ...], ...]
    levels: Array
    shares: Array
    limits: Array

    def strangeness(self, network: Network, x: Array) -> Array:
        """Return how strange samples are, shape (n,), float64.

        For each score, how rare it is that a known sample has one as high; the
        logarithms are added up, that of the largest output counted twice.

        Parameters
        ----------
        network : Network
            That which this was fitted on.
        x : array of shape (n, …)

        References
        ----------
        Fisher, "Statistical methods for research workers", 1932, section 21.1: the
        combination of tests.
        """
        if not len(x):
            return np.zeros(0)
        features = (features_of(member, x) for member in members(network))
        return self.of_features(features, network.predict_logits(x))

    def of_features(self, features: Iterable[Sequence[Array]], outputs: Array) -> Array:
        """Return how strange samples are that have been through the network already.

        Parameters
        ----------
        features : iterable of sequences of arrays
            Of each member, as `features_of` returns them.
        outputs : array of shape (n, K)
            What the network gives for them: logits.
        """
        distances = _distances(self.novelty, features, len(outputs))
        return self.rarity([*distances, _flatness(outputs)])

    def rarity(self, scores: Sequence[Array]) -> Array:
        """Return the sum of the logarithms of how rare scores are, each (n,).

        What no known sample reached is the rarer, the farther it lies: the tail goes on
        as it fell from one sample in a hundred to the last.
        """
        total = np.zeros(len(scores[0]))
        weights = [1] * (len(scores) - 1) + [WEIGHT]
        rarities = -np.log(TAILS)
        hundredth = TAILS.index(0.01)
        for score, levels, weight in zip(scores, self.levels, weights, strict=True):
            last = levels[-1]
            width = max(last - levels[hundredth], np.finfo(np.float32).tiny)
            beyond = np.maximum(score - last, 0) / width
            total += weight * np.interp(score, levels, rarities)
            total += weight * beyond * (rarities[-1] - rarities[hundredth])
        return total

    def limit(self, share: float) -> float:
        """Return the strangeness that a share of known samples exceeds.

        Raises
        ------
        ValueError
            If ``share`` is none from 0 to the largest for which a limit is kept.
        """
        if not 0 < share <= self.shares[-1]:
            raise ValueError(
                f"share must lie in (0, {self.shares[-1]:g}]; got {share!r}"
            )
        return float(np.interp(share, self.shares, self.limits))


def fit_doubt(
    network: Network, x: Array, labels: Array, known: Array, outputs: Array
) -> tuple[Doubt, Array]:
    """Return what a trained network refuses, and how strange the known samples are.

    Parameters
    ----------
    network : Network
        That ends in `Dense`; or a mean of such networks.
    x : array of shape (n, …)
        Samples of all classes that it learned from.
    labels : array of int, shape (n,)
    known : array of shape (m, …)
        Samples like these that it did not learn from: they set the limits.
    outputs : array of shape (m, K)
        What the network gives for these: logits.

    Raises
    ------
    ValueError
        If a class has no sample, ``known`` has fewer than 200, the network ends in
        another layer, or has more than 1024 features at one place.
    """
    if len(known) < FEWEST:
        raise ValueError(f"expected at least {FEWEST} known samples; got {len(known)}")
    n_classes = network.output_shape[0]
    novelty = tuple(
        tuple(fit_novelty(found, labels, n_classes) for found in features_of(member, x))
        for member in members(network)
    )
    if len({len(places) for places in novelty}) > 1:
        raise ValueError("members have features at another number of places each")
    seen = (features_of(member, known) for member in members(network))
    scores = [*_distances(novelty, seen, len(known)), _flatness(outputs)]
    levels = np.stack([np.quantile(score, 1 - np.array(TAILS)) for score in scores])
    shares = np.array(SHARES)
    found = Doubt(novelty, levels, shares, np.zeros(len(shares))).rarity(scores)
    return Doubt(novelty, levels, shares, np.quantile(found, 1 - shares)), found


def is_finite(doubt: Doubt) -> bool:
    """Tell whether all its numbers are."""
    arrays = [doubt.levels, doubt.shares, doubt.limits]
    for places in doubt.novelty:
        for novelty in places:
            arrays += [novelty.means, novelty.whitening]
    return all(np.isfinite(array).all() for array in arrays)


def _distances(
    novelty: Sequence[Sequence[Novelty]], features: Iterable[Sequence[Array]], n: int
) -> list[Array]:
    """Return the distance of n samples at each place, the mean over the members."""
    found = [np.zeros(n) for _ in novelty[0]]
    for places, mine in zip(novelty, features, strict=True):
        for total, place, own in zip(found, places, mine, strict=True):
            total += place.distances(own) / len(novelty)
    return found


def _flatness(outputs: Array) -> Array:
    """Return minus how far the largest output stands above the mean of all.

    Unlike a probability it has no tail that rounding cuts off.
    """
    flatness: Array = (outputs.mean(axis=1) - outputs.max(axis=1)).astype(np.float64)
    return flatness


def fit_novelty(features: Array, labels: Array, n_classes: int) -> Novelty:
    """Return the means of the classes and their shared covariance's inverse root.

    Parameters
    ----------
    features : array of shape (n, n_features)
        Of samples like those that the network learned from.
    labels : array of int, shape (n,)
    n_classes : int

    Raises
    ------
    ValueError
        If a class has no sample.
    """
    counts = np.bincount(labels, minlength=n_classes)
    if len(counts) > n_classes or not counts.all():
        raise ValueError(f"expected samples of all {n_classes} classes; got {counts}")
    wide = features.astype(np.float64)
    means = np.stack([wide[labels == k].mean(axis=0) for k in range(n_classes)])
    left = wide - means[labels]
    values, vectors = np.linalg.eigh(left.T @ left / len(left))
    kept = values > SMALLEST * values.max()
    whitening = vectors[:, kept] / np.sqrt(values[kept])
    kind = features.dtype
    return Novelty((means @ whitening).astype(kind), whitening.astype(kind))


def features_of(network: Network, x: Array) -> list[Array]:
    """Return what a network makes of samples, at its beginning and before its end.

    Behind its first activation, and before images are flattened, or before its last
    layer; of images the means of each channel in four quarters, and the mean and the
    maximum of each.

    Parameters
    ----------
    network : Network
    x : array of shape (n, …)

    Returns
    -------
    list of arrays of shape (n, n_features)
        Two; one, if both places are the same.

    Raises
    ------
    ValueError
        If the network does not end in `Dense`, after other layers, or has more than
        1024 features at a place.
    """
    places = feature_places(network.layers)
    return [_features(network, x, n, pool) for n, pool in places]


def feature_places(layers: Sequence[Layer]) -> list[tuple[int, Pool]]:
    """Return where `features_of` looks: after how many layers, and at what of it.

    Raises
    ------
    ValueError
        If the layers do not end in `Dense`, after others.
    """
    if len(layers) < 2 or not isinstance(layers[-1], Dense):
        raise ValueError("expected a network that ends in Dense, after other layers")
    flat = [i for i, layer in enumerate(layers) if i and isinstance(layer, Flatten)]
    last = flat[-1] if flat else len(layers) - 1
    places: list[tuple[int, Pool]] = [(last, _of_whole)]
    active = [i for i in range(last) if isinstance(layers[i], Elementwise)]
    if active and active[0] + 1 < last:
        places.insert(0, (active[0] + 1, _of_quarters))
    return places


def _features(network: Network, x: Array, n: int, pool: Pool) -> Array:
    """Return what the first n layers give, a row of numbers each."""
    short = network.with_layers(network.config()["layers"][:n], network.arrays())
    parts = [pool(z) for _, z in short.predict_batches(x)]
    if parts[0].shape[1] > MOST_FEATURES:
        raise ValueError(
            f"expected at most {MOST_FEATURES} features; got {parts[0].shape[1]}"
        )
    return np.concatenate(parts)


def _of_quarters(z: Array) -> Array:
    """Return the mean of each channel in each quarter; of no images, what is there."""
    if z.ndim < 4:
        return z.reshape(len(z), -1).copy()
    # Of an odd side, the middle belongs to both halves.
    h, w = (z.shape[1] + 1) // 2, (z.shape[2] + 1) // 2
    quarters = (z[:, :h, :w], z[:, :h, -w:], z[:, -h:, :w], z[:, -h:, -w:])
    return np.concatenate([quarter.mean(axis=(1, 2)) for quarter in quarters], axis=1)


def _of_whole(z: Array) -> Array:
    """Return mean and maximum of each channel; of no images, what is there."""
    if z.ndim < 4:
        return z.reshape(len(z), -1).copy()
    return np.concatenate([z.mean(axis=(1, 2)), z.max(axis=(1, 2))], axis=1)
