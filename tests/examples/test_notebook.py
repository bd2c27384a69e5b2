"""The plain notebook network and the engine find the same weights."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import ardoise
from ardoise.digits import load_mnist, notebook_split

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def digits():
    data, split = load_mnist(), notebook_split()
    return data.subset(split.train[:2000])


def plain_network(layer_format, seed):
    module = runpy.run_path(str(EXAMPLES / "notebook.py"))
    return module["MyNeuralNetwork"](layer_format, rng=seed)


@pytest.mark.parametrize("hidden", [(16,), (20, 12)])
def test_engine_and_plain_version_agree(digits, hidden, capsys):
    plain = plain_network([784, *hidden, 10, 1], seed=3)
    layers = [ardoise.Flatten()]
    for units in hidden:
        layers += [ardoise.Dense(units), ardoise.ReLU()]
    network = ardoise.Network(
        [*layers, ardoise.Dense(10)], input_shape=(28, 28, 1), dtype="float64"
    )
    dense = [layer for layer in network.layers if isinstance(layer, ardoise.Dense)]
    for layer, W, b in zip(dense, plain.weights, plain.biases, strict=True):
        layer.W[...] = W.T
        layer.b[...] = b[:, 0]

    X = digits.images.reshape(len(digits), -1).T / 255
    plain.train(X, digits.labels, alpha=0.1, epochs=100)
    history = ardoise.fit(
        network,
        digits.images,
        digits.labels,
        optimizer="sgd",
        learning_rate=0.1,
        epochs=101,
        batch_size=None,
        shuffle=False,
        threads=1,
    )

    for layer, W, b in zip(dense, plain.weights, plain.biases, strict=True):
        np.testing.assert_allclose(layer.W, W.T, rtol=0, atol=1e-6)
        np.testing.assert_allclose(layer.b, b[:, 0], rtol=0, atol=1e-6)
    recorded = [round(100 * accuracy, 2) for accuracy in history["accuracy"]]
    assert recorded == plain.accuracies
    assert (network.predict(digits.images) == plain.predict(X)).all()
    printed = capsys.readouterr().out
    assert f"Epoch #100. Accuracy : {recorded[100]}%." in printed
    assert printed.endswith("----- Training Finished -----\n")
