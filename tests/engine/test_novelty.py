"""What a network refuses to answer."""

from dataclasses import replace

import numpy as np
import pytest

from ardoise import Network, average, fit
from ardoise.engine.layers import Conv2D, Dense, Flatten, ReLU
from ardoise.engine.novelty import (
    SHARES,
    features_of,
    fit_doubt,
    fit_novelty,
    is_finite,
)


@pytest.fixture(scope="module")
def clouds():
    """Three clouds of points in the plane, and labels."""
    rng = np.random.default_rng(0)
    middles = np.array([[0, 0], [6, 0], [0, 6]])
    labels = rng.integers(0, 3, 3000)
    x = (middles[labels] + rng.normal(0, 1, (3000, 2))).astype(np.float32)
    return x, labels


@pytest.fixture(scope="module")
def network(clouds):
    x, labels = clouds
    network = Network([Dense(16), ReLU(), Dense(3)], (2,), seed=0)
    fit(network, x[:2000], labels[:2000], optimizer="adam", learning_rate=0.01,
        loss="softmax_cross_entropy", epochs=5, batch_size=32, seed=0)  # fmt: skip
    return network


def fitted(network, clouds):
    """Return what is refused after learning from 2,000 of the points."""
    x, labels = clouds
    outputs = network.predict_logits(x[2000:])
    return fit_doubt(network, x[:2000], labels[:2000], x[2000:], outputs)


def test_distances_are_mahalanobis_over_the_dimension(clouds):
    x, labels = clouds
    wide = x.astype(np.float64)
    novelty = fit_novelty(wide, labels, 3)
    means = np.stack([wide[labels == k].mean(axis=0) for k in range(3)])
    left = wide - means[labels]
    inverse = np.linalg.inv(left.T @ left / len(left))
    off = wide[:, np.newaxis] - means
    expected = np.einsum("nki,ij,nkj->nk", off, inverse, off).min(axis=1) / 2
    np.testing.assert_allclose(novelty.distances(wide), expected, rtol=1e-9)


def test_what_is_far_or_between_is_refused(clouds, network):
    x = clouds[0]
    doubt, known = fitted(network, clouds)
    np.testing.assert_array_equal(known, doubt.strangeness(network, x[2000:]))
    for share in (0.005, 0.02, 0.1):
        refused = np.mean(known > doubt.limit(share))
        assert 0.5 * share <= refused <= share + 0.001
    strange = np.array([[60, 60], [-40, 30], [3, 3]], np.float32)
    assert (doubt.strangeness(network, strange) > doubt.limit(0.05)).all()
    usual = np.array([[0, 0], [6, 0]], np.float32)
    assert (doubt.strangeness(network, usual) < doubt.limit(0.1)).all()
    assert doubt.strangeness(network, usual[:0]).shape == (0,)


def test_of_a_mean(clouds, network):
    x, labels = clouds
    other = Network([Dense(8), ReLU(), Dense(3)], (2,), seed=1)
    fit(other, x[:2000], labels[:2000], optimizer="adam", learning_rate=0.01,
        loss="softmax_cross_entropy", epochs=5, batch_size=32, seed=0)  # fmt: skip
    both = average([network, other])
    doubt, _ = fitted(both, clouds)
    assert [n.whitening.shape[0] for (n,) in doubt.novelty] == [16, 8]
    single, _ = fitted(network, clouds)
    (features,) = features_of(network, x[:5])
    mine, theirs = (d.novelty[0][0].distances(features) for d in (single, doubt))
    np.testing.assert_allclose(mine, theirs, rtol=1e-3)
    # Each of the scores is the mean over the members.
    far = np.array([[60.0, 60.0]], np.float32)
    assert doubt.strangeness(both, far) > doubt.limit(0.01)


def test_members_with_other_places(clouds, network):
    deep = Network([Dense(8), ReLU(), Dense(8), ReLU(), Dense(3)], (2,), seed=1)
    with pytest.raises(ValueError, match="another number of places"):
        fitted(average([network, deep]), clouds)


def test_where_features_are_looked_at():
    x = np.random.default_rng(0).random((1203, 8, 8, 1), np.float32)
    layers = [Conv2D(4, 3), ReLU(), Conv2D(6, 2), ReLU(), Flatten(), Dense(9), ReLU()]
    network = Network([*layers, Dense(2)], (8, 8, 1), seed=0)
    first, last = features_of(network, x)

    def outputs(n):
        config = network.config()["layers"][:n]
        return network.with_layers(config, network.arrays()).predict_logits(x)

    z = outputs(2)  # 6 × 6: quarters of 3 × 3
    expected = z.reshape(-1, 2, 3, 2, 3, 4).mean(axis=(2, 4)).reshape(-1, 16)
    np.testing.assert_allclose(first, expected, rtol=1e-4, atol=1e-6)
    z = outputs(4)
    expected = np.concatenate([z.mean(axis=(1, 2)), z.max(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(last, expected, rtol=1e-4, atol=1e-6)
    dense = Network(
        [Flatten(), Dense(5), ReLU(), Dense(4), Dense(2)], (8, 8, 1), seed=0
    )
    assert [found.shape for found in features_of(dense, x)] == [(1203, 5), (1203, 4)]
    plain = Network([Flatten(), Dense(2)], (8, 8, 1), seed=0)
    assert [found.shape for found in features_of(plain, x)] == [(1203, 64)]


def test_limits(clouds, network):
    doubt, _ = fitted(network, clouds)
    assert doubt.limit(SHARES[3]) == doubt.limits[3]
    for share in (0, -1, 0.2, float("nan")):
        with pytest.raises(ValueError, match="share must lie"):
            doubt.limit(share)
    assert is_finite(doubt)
    assert not is_finite(replace(doubt, limits=doubt.limits * np.nan))


def test_what_cannot_be_known(clouds, network):
    x, labels = clouds
    with pytest.raises(ValueError, match="at least 200"):
        fit_doubt(network, x, labels, x[:100], np.zeros((100, 3)))
    with pytest.raises(ValueError, match="all 3 classes"):
        fit_doubt(network, x, np.zeros_like(labels), x, np.zeros((len(x), 3)))
    with pytest.raises(ValueError, match="ends in Dense"):
        features_of(Network([Dense(3), ReLU()], (2,), seed=0), x)
    with pytest.raises(ValueError, match="at most 1024"):
        features_of(Network([Dense(1025), ReLU(), Dense(3)], (2,), seed=0), x)
