"""Models that Ardoise writes say the same everywhere."""

import json

import elsewhere
import numpy as np
import onnx
import pytest
from random_networks import fill, inputs, random_network

import ardoise
from ardoise import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPool2D,
    Network,
    ReLU,
)
from ardoise.engine.layers import LAYERS
from ardoise.engine.losses import sigmoid
from ardoise.onnx import OnnxError, read, run, write
from ardoise.onnx.drawers import DRAWERS

NETWORKS = 200
CLOSE = 1e-5


def small(**settings):
    layers = [Conv2D(2, 3), BatchNorm(), ReLU(), Flatten(), Dense(3)]
    network = Network(layers, (5, 5, 1), seed=0, **settings)
    fill(network, np.random.default_rng(0))
    return network


def close(got, expected):
    assert got.shape == expected.shape and got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=0, atol=CLOSE)


def agree(network, x):
    """Let everybody compute what a network computes, and compare."""
    content = write(network)
    elsewhere.check(content)
    logits = network.predict_logits(x)
    feeds = {"input": x}
    answers = [elsewhere.by_reference(content, feeds), run(content, feeds)]
    if network.dtype == np.float32:  # onnxruntime has few operators for float64
        answers.append(elsewhere.by_onnxruntime(content, feeds))
    reading = read(content)
    again = reading.network.predict_logits(reading.arrange(x))
    for answer in [*answers, [again]]:
        close(answer[0], logits)
    if logits.ndim == 2 and logits.shape[1] > 1:
        for answer in answers:
            close(answer[1], network.predict_proba(x))
    else:
        assert {len(answer) for answer in answers} == {1}


@pytest.mark.parametrize("tens", range(NETWORKS // 10))
def test_random_networks_agree(tens):
    for seed in range(10 * tens, 10 * tens + 10):
        network = random_network(seed)
        agree(network, inputs(network, seed))


def test_the_random_networks_are_of_all_layers():
    kinds = set()
    for seed in range(NETWORKS):
        kinds |= {type(layer).__name__ for layer in random_network(seed).all_layers()}
    assert kinds == LAYERS.keys() == {kind.__name__ for kind in DRAWERS}


@pytest.mark.parametrize("seed", range(1000, 1010))
def test_in_float64(seed):
    network = random_network(seed, "float64")
    x = inputs(network, seed)
    agree(network, x)
    content = write(network)
    elements = {i.data_type for i in onnx.load_from_string(content).graph.initializer}
    assert elements <= {onnx.TensorProto.DOUBLE}
    close(run(content, {"input": x})[0], network.predict_logits(x))
    # Constants such as epsilon are float32 in ONNX, all else is not.
    assert read(content).network.dtype == np.float64


def test_batches_of_any_length():
    network = small()
    content = write(network)
    for n in (1, 2, 7):
        x = inputs(network, 0, n)
        for answers in (
            elsewhere.by_onnxruntime(content, {"input": x}),
            run(content, {"input": x}),
        ):
            close(answers[0], network.predict_logits(x))


def test_what_stands_in_a_model():
    network = small()
    names = ["un", "deux", "ardoise « é »"]
    content = write(network, class_names=names, metadata={"b": "2", "a": "1"})
    elsewhere.check(content)
    model = onnx.load_from_string(content)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
    assert model.producer_name == "ardoise"
    assert model.producer_version == ardoise.__version__
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert list(said) == ["a", "ardoise.classes", "b"]
    assert json.loads(said["ardoise.classes"]) == names
    (entry,) = model.graph.input
    shape = entry.type.tensor_type.shape
    assert entry.name == "input"
    assert [d.dim_param or d.dim_value for d in shape.dim] == ["N", 5, 5, 1]
    assert [o.name for o in model.graph.output] == ["logits", "probabilities"]
    assert all(i.HasField("raw_data") for i in model.graph.initializer)
    assert {i.name for i in model.graph.initializer} == {
        *("0.W", "0.b", "1.gamma", "1.beta", "1.running_mean", "1.running_variance"),
        *("4.W", "4.b"),
    }
    reading = read(content)
    assert reading.classes == tuple(names)
    assert reading.metadata == {"a": "1", "b": "2"}


def test_the_same_network_gives_the_same_bytes(tmp_path):
    content = write(small(), tmp_path / "model.onnx", metadata={"x": "1"})
    assert (tmp_path / "model.onnx").read_bytes() == content
    assert write(small(), metadata={"x": "1"}) == content
    twin = Network.from_config(small().config(), seed=5)
    assert write(twin, metadata={"x": "1"}) != content


def test_bytes_as_input():
    network = small()
    content = write(network, uint8=True)
    elsewhere.check(content)
    x = np.random.default_rng(0).integers(0, 256, (4, 5, 5, 1), dtype=np.uint8)
    expected = network.predict_logits(x)
    reading = read(content)
    assert [type(k) for k in reading.network.layers] == [
        type(k) for k in network.layers
    ]
    for answer in (
        elsewhere.by_onnxruntime(content, {"input": x})[0],
        elsewhere.by_reference(content, {"input": x})[0],
        run(content, {"input": x})[0],
        reading.network.predict_logits(reading.arrange(x)),
    ):
        close(answer, expected)


def test_probabilities():
    network = Network([Dense(3)], 4, seed=0)
    x = inputs(network, 0)

    def outputs(**settings):
        return run(write(network, **settings), {"input": x})

    close(outputs()[1], network.predict_proba(x))
    close(outputs(loss="softmax_cross_entropy")[1], network.predict_proba(x))
    yes = outputs(loss="sigmoid_binary_cross_entropy")[1]
    close(yes, sigmoid(network.predict_logits(x)))
    assert len(outputs(probabilities=False)) == 1
    assert len(outputs(loss="squared_error")) == 1
    # The softmax of a single number is 1, and tells nothing.
    network = Network([Dense(1)], 4, seed=0)
    assert len(outputs()) == 1
    yes = outputs(loss="sigmoid_binary_cross_entropy")[1]
    close(yes, sigmoid(network.predict_logits(x)))
    # Nor are there classes in an image.
    network = Network([Conv2D(2, 1)], (3, 3, 1), seed=0)
    x = inputs(network, 0)
    assert len(outputs()) == 1


def test_dropout_alone_is_nothing():
    network = Network([Dropout(0.5)], 4, seed=0)
    content = write(network, probabilities=False)
    elsewhere.check(content)
    x = inputs(network, 0)
    for answers in (
        elsewhere.by_onnxruntime(content, {"input": x}),
        run(content, {"input": x}),
    ):
        np.testing.assert_array_equal(answers[0], x)


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([Dense(256), ReLU(), Dropout(0.2), Dense(10)], (784,)),
        (
            [
                *(Conv2D(32, 3), ReLU(), MaxPool2D(2), Conv2D(64, 3), ReLU()),
                *(MaxPool2D(2), Flatten(), Dense(128), ReLU(), Dense(10)),
            ],
            (28, 28, 1),
        ),
    ],
    ids=["mlp", "cnn"],
)
def test_networks_of_the_size_of_the_recipes(layers, shape):
    network = Network([layer.clone() for layer in layers], shape, seed=0)
    x = np.random.default_rng(0).random((4, *shape), dtype=np.float32)
    content = write(network)
    for answers in (
        elsewhere.by_onnxruntime(content, {"input": x}),
        run(content, {"input": x}),
    ):
        close(answers[0], network.predict_logits(x))
        close(answers[1], network.predict_proba(x))


def test_a_network_may_go_on_learning():
    """A layer may have been told to compute less than it could."""
    layers = [Conv2D(2, 2), MaxPool2D(3), LeakyReLU(0.1), Flatten(), Dense(2)]
    network = Network(layers, (9, 9, 1), seed=0)
    x = inputs(network, 0)
    agree(network, x)
    before = write(network)
    network.predict_logits(x)
    assert write(network) == before


def test_a_layer_of_ones_own_is_refused():
    class Mine(ReLU):
        pass

    network = Network([Dense(2), Mine()], 3, seed=0)
    with pytest.raises(OnnxError, match="The layer Mine has no counterpart in ONNX"):
        write(network)


def test_class_names_are_as_many_as_the_outputs():
    with pytest.raises(ValueError, match=r"got 2 names for outputs of shape \(3,\)"):
        write(small(), class_names=["a", "b"])


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(OSError):
        write(small(), tmp_path / "missing" / "model.onnx")
