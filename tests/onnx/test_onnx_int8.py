"""Models in eight bits: as they are written, run, and read where they can be."""

import elsewhere
import numpy as np
import onnx
import pytest

from ardoise import Conv2D, Dense, Flatten, Network, ReLU, Residual
from ardoise.onnx import Int8Product, OnnxError, read, run, write


def network(**settings):
    layers = [Conv2D(4, 2), ReLU(), Flatten(), Dense(5), Residual([Dense(5)]), Dense(3)]
    return Network(layers, (5, 5, 2), seed=0, **settings)


def products(net, output=None):
    """Return int8 numbers for the layers that have W, in order."""
    found = []
    for layer in net.all_layers():
        if hasattr(layer, "W"):
            scale = np.abs(layer.W).reshape(-1, layer.W.shape[-1]).max(axis=0) / 127
            q = np.rint(layer.W / scale).astype(np.int8)
            found.append(Int8Product(q, scale.astype(np.float32), (0.02, -3), output))
    return found


def dequantized(net):
    """Return a network of what these numbers stand for."""
    copy = net.astype("float32")
    layers = [layer for layer in copy.all_layers() if hasattr(layer, "W")]
    for layer, product in zip(layers, products(net), strict=True):
        layer.W[...] = product.W * product.scale
    return copy


def x_for(net, n=4):
    return np.random.default_rng(1).random((n, *net.input_shape), dtype=np.float32)


@pytest.mark.parametrize("output", [None, (0.05, 7)])
def test_everybody_computes_the_same(output):
    net = network()
    content = write(net, int8=products(net, output))
    elsewhere.check(content)
    x = x_for(net)
    logits = run(content, {"input": x})[0]
    for answers in (elsewhere.by_reference, elsewhere.by_onnxruntime):
        # Half a step may go either way.
        apart = np.abs(answers(content, {"input": x})[0] - logits)
        assert apart.max() < 0.05 and np.median(apart) < 1e-5
    assert np.abs(logits - net.predict_logits(x)).max() < 0.2
    assert write(net, int8=products(net, output)) == content


def without_rounding(content):
    """Return a model in which only the constants are in eight bits."""
    model = onnx.load_from_string(content)
    constants = {tensor.name for tensor in model.graph.initializer}
    kept, names = [], {}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        kind = node.op_type
        if kind == "QuantizeLinear" or (
            kind == "DequantizeLinear" and node.input[0] not in constants
        ):
            names[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model.SerializeToString()


def test_weights_alone_are_read_as_what_they_stand_for():
    net = network()
    content = without_rounding(write(net, int8=products(net)))
    elsewhere.check(content)
    reading, x = read(content), x_for(net)
    kinds = [type(layer) for layer in reading.network.layers]
    assert kinds == [type(layer) for layer in net.layers]
    z = dequantized(net).predict_logits(x)
    for answer in (reading.network.predict_logits(x), run(content, {"input": x})[0]):
        np.testing.assert_allclose(answer, z, rtol=0, atol=1e-5)


def test_numbers_that_are_rounded_on_the_way_are_for_run_alone():
    net = network()
    with pytest.raises(OnnxError, match=r"\(QuantizeLinear\) does what no layer of"):
        read(write(net, int8=products(net)))


def test_what_does_not_fit_the_network():
    net = network()
    with pytest.raises(ValueError, match=r"more layers than int8 products: 4\.layers"):
        write(net, int8=products(net)[:2])
    with pytest.raises(ValueError, match="5 int8 products for 4 layers"):
        write(net, int8=[*products(net), products(net)[0]])
    with pytest.raises(
        ValueError, match=r"layer 0 has W \(2, 2, 2, 4\); got int8 \(5,"
    ):
        write(net, int8=products(net)[::-1])
    with pytest.raises(ValueError, match="int8 is for float32 networks; this one is"):
        write(network(dtype="float64"), int8=products(net))
