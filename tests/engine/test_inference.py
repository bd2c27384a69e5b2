"""Predictors: the network's own answers, folded, on several threads, one at a time."""

import threading

import numpy as np
import pytest
from check_layer import close
from short_training import blas_limits

import ardoise
from ardoise.engine.arrays import MOST_SHAPES
from ardoise.engine.inference import Predictor, fold
from ardoise.engine.layers import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    LayerNorm,
    MaxPool2D,
    ReLU,
    Residual,
    SpatialDropout2D,
)
from ardoise.engine.network import Network

SHAPE = (9, 8, 3)
RNG = np.random.default_rng(0)
NETWORKS = {
    "batch norm behind everything": [
        *(Conv2D(6, 3, use_bias=False), BatchNorm(), ReLU(), MaxPool2D()),
        *(Conv2D(4, 2, groups=2), BatchNorm(epsilon=0.1), Flatten()),
        *(Dense(5), BatchNorm(), Dropout(0.3), Dense(3, use_bias=False), BatchNorm()),
    ],
    "batch norm that stays": [
        *(BatchNorm(), Conv2D(4, 1), ReLU(), BatchNorm(), AveragePool2D()),
        *(GlobalAveragePool2D(), LayerNorm(), BatchNorm(), Dense(3)),
    ],
    "residual": [
        Residual(
            [Conv2D(4, 3, padding="same"), BatchNorm(), SpatialDropout2D(0.5)],
            [Conv2D(4, 1, use_bias=False), BatchNorm()],
        ),
        *(Residual([Dropout(0.5)]), GlobalAveragePool2D(), Dense(3)),
    ],
    "nothing but dropout": [Dropout(0.5)],
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def network(name, dtype="float64"):
    layers = [layer.clone() for layer in NETWORKS[name]]
    net = Network(layers, SHAPE, dtype=dtype, seed=0)
    # As if trained: no statistic or scale has its first value.
    net.theta[...] += RNG.normal(0, 0.1, net.n_params)
    net.state[...] += RNG.random(len(net.state))
    return net


@every_network
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 37])
def test_it_says_what_the_network_says(name, threads, n, monkeypatch):
    monkeypatch.setattr(Network, "micro_batch", lambda self: 4)
    net = network(name)
    predictor = Predictor(net, threads=threads)
    for x in (RNG.random((n, *SHAPE)), RNG.integers(0, 256, (n, *SHAPE), np.uint8)):
        for _ in range(3):  # buffers come back, and prepared calls
            z = predictor.predict_logits(x)
            np.testing.assert_allclose(z, net.predict_logits(x), atol=1e-12)
        if net.output_shape == (3,):
            np.testing.assert_allclose(predictor.predict_proba(x), net.predict_proba(x))
            np.testing.assert_array_equal(predictor.predict(x), net.predict(x))


@every_network
def test_folding_leaves_fewer_layers(name):
    folded = fold(network(name))
    kinds = [type(layer).__name__ for layer in folded.layers]
    assert ("Dropout" in kinds) == (name == "nothing but dropout")
    expected = {"batch norm that stays": 3}
    assert kinds.count("BatchNorm") == expected.get(name, 0)
    if name == "residual":
        assert [type(layer) for layer in folded.layers[0].layers] == [Conv2D]


def test_the_copy_is_frozen():
    net = network("residual")
    predictor, x = Predictor(net), RNG.random((2, *SHAPE))
    before = predictor.predict_logits(x)
    net.theta[...] = 0
    net.state[...] = 0
    np.testing.assert_array_equal(predictor.predict_logits(x), before)
    before[...] = 0  # answers are the caller's own
    assert predictor.predict_logits(x).any()


def test_float32_stays_float32():
    net = network("residual", "float32")
    x = RNG.random((3, *SHAPE), np.float32)
    z = Predictor(net).predict_logits(x)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z, net.predict_logits(x), atol=1e-5)


def test_several_threads_may_ask_at_once():
    predictor = Predictor(network("residual"), threads=2)
    x = RNG.random((40, *SHAPE))
    expected = [predictor.predict_logits(x[i : i + 5]) for i in range(0, 40, 5)]
    wrong = []

    def ask(i):
        for _ in range(10):
            z = predictor.predict_logits(x[5 * i : 5 * i + 5])
            if not np.array_equal(z, expected[i]):
                wrong.append(i)

    limits = blas_limits()
    asking = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert not wrong
    assert blas_limits() == limits


@pytest.mark.parametrize(
    ("x", "error", "sentence"),
    [
        (np.zeros((2, 9, 8)), ValueError, r"shape \(n, 9, 8, 3\); got \(2, 9, 8\)"),
        (np.zeros((0, *SHAPE)), ValueError, "no sample"),
        (np.zeros((1, *SHAPE), int), TypeError, "got int64"),
        (np.full((1, *SHAPE), np.nan), ValueError, "row 0 holds NaN"),
    ],
)
def test_bad_data_are_refused_in_one_sentence(x, error, sentence):
    with pytest.raises(error, match=sentence):
        Predictor(network("residual")).predict(x)


def test_at_least_one_thread():
    with pytest.raises(ValueError, match="threads must be at least 1; got 0"):
        Predictor(network("residual"), threads=0)


def test_evaluate_gives_the_same_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(Network, "micro_batch", lambda self: 4)
    net = network("batch norm that stays")
    x, y = RNG.random((30, *SHAPE)), RNG.integers(0, 3, 30)
    one = ardoise.evaluate(net, x, y, threads=1)
    for threads in (2, 3, None):
        several = ardoise.evaluate(net, x, y, threads=threads)
        assert (several.correct, several.total) == (one.correct, 30)
        assert several.loss == pytest.approx(one.loss, rel=1e-12)
    with pytest.raises(ValueError, match="threads must be a positive whole number"):
        ardoise.evaluate(net, x, y, threads=0)


def test_buffers_are_kept_for_a_few_lengths():
    net = network("residual")
    predictor, x = Predictor(net, threads=1), RNG.random((20, *SHAPE))
    for n in (*range(1, 20), 1, 2):
        z = predictor.predict_logits(x[:n])
        np.testing.assert_allclose(z, net.predict_logits(x[:n]), atol=1e-12)
    assert len(predictor._views) <= MOST_SHAPES


def test_a_few_samples_of_a_dense_network():
    network = Network([Dense(5), ReLU(), Dense(3)], 4, seed=0)
    x = np.random.default_rng(0).random((7, 4), "f4")
    predictor = Predictor(network, threads=1)
    for n in (1, 7, 7, 3):
        close(predictor.predict_logits(x[:n]), network.predict_logits(x[:n]))
