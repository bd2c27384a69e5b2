"""ONNX in float32 and int8: proved by onnxruntime, and the same wherever it is run."""

import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from export_models import images_for, model_of, random_model
from int8_in_numpy import simulate
from onnx import TensorProto, numpy_helper

from ardoise import AveragePool2D, Conv2D, Dense, Flatten, MaxPool2D, ReLU, Residual
from ardoise import onnx as own
from ardoise.engine.losses import sigmoid, softmax
from ardoise.export import TARGETS, ExportError, export
from ardoise.export.exporting import Job
from ardoise.export.plan import make_plan
from ardoise.export.quantize import dequantized, lower, ranges, with_int8_weights
from tests.onnx import elsewhere

SEEDS = range(50)


def in_int8(model, x):
    """Return a model's file, and its plan in whole numbers."""
    plan = with_int8_weights(make_plan(model))
    (content,) = TARGETS["onnx"].write(Job(model, plan, "m.onnx", x)).values()
    return content, lower(plan, ranges(dequantized(plan), x))


def by_the_letter(content, feeds):
    """Return what onnxruntime says if it takes every node as it is."""
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(content, options)
    return session.run(None, feeds)


EVERYBODY = own.run, elsewhere.by_reference, elsewhere.by_onnxruntime, by_the_letter


# -- whole numbers --------------------------------------------------------------------


def test_random_networks_agree():
    """As our own arithmetic in whole numbers: but for numbers that fall on a half."""
    apart, far = [], []
    for seed in SEEDS:
        model = random_model(seed)
        x = images_for(model, 5, seed, floats=True)
        content, lowered = in_int8(model, x)
        elsewhere.check(content)
        expected = simulate(lowered, x)
        for answers in EVERYBODY:
            p = answers(content, {"input": x})[1]
            assert p.dtype == np.float32 and p.shape == expected.shape
            apart.append(np.abs(p - expected).max(axis=1))
        z = model.network.predict_logits(x)
        p = softmax(z) if model.loss.name.startswith("softmax") else sigmoid(z)
        far.append(np.abs(p - expected).max())
    apart = np.concatenate(apart)
    assert np.mean(apart > 2e-5) < 0.02 and apart.max() < 0.05
    assert np.median(far) < 0.01  # and near to what the network says


@pytest.fixture
def cnn():
    layers = [
        *(Conv2D(8, 3, padding="same"), ReLU(), MaxPool2D(), Conv2D(12, 3), ReLU()),
        *(Residual([Conv2D(12, 3, padding="same"), ReLU()], [Conv2D(12, 1)]),),
        *(AveragePool2D(), Flatten(), Dense(32), ReLU(), Dense(3)),
    ]
    return model_of(layers, (12, 12, 1), classes=("zéro", "un", "deux"))


def test_what_stands_in_the_file(cnn):
    x = images_for(cnn, 20, floats=True)
    model = onnx.load_from_string(in_int8(cnn, x)[0])
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    assert all(i.HasField("raw_data") for i in model.graph.initializer)
    producer = {name: node for node in model.graph.node for name in node.output}
    kinds = []
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        read, weights, bias = (producer[name] for name in node.input)
        assert producer[read.input[0]].op_type == "QuantizeLinear"
        axis = {"Conv": 0, "Gemm": 1}[node.op_type]
        assert {weights.op_type, bias.op_type} == {"DequantizeLinear"}
        assert [(a.name, a.i) for a in weights.attribute] == [("axis", axis)]
        W, scale, zero = (arrays[name] for name in weights.input)
        assert W.dtype == zero.dtype == np.int8 and not zero.any()
        assert scale.shape == zero.shape == (W.shape[axis],)
        assert arrays[bias.input[0]].dtype == np.int32
        kinds.append(node.op_type)
    assert kinds == ["Conv"] * 4 + ["Gemm"] * 2
    # What two layers read is rounded once, and nothing that is rounded is so again.
    rounded = [n for n in model.graph.node if n.op_type == "QuantizeLinear"]
    assert len({n.input[0] for n in rounded}) == len(rounded) == 6


def test_onnxruntime_computes_with_whole_numbers(tmp_path, small):
    content, _ = in_int8(small, images_for(small, 20, floats=True))
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "m.onnx")
    # No further: the rest depends on the processor.
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.graph_optimization_level = level
    onnxruntime.InferenceSession(content, options)
    made = [node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node]
    assert sorted(kind for kind in made if kind not in ("Transpose", "Flatten")) == [
        *("MaxPool", "QGemm", "QGemm", "QLinearConv", "QuantizeLinear", "Softmax"),
    ]


def test_batches_of_any_length(cnn):
    x = images_for(cnn, 9, floats=True)
    content, _ = in_int8(cnn, x)
    whole = elsewhere.by_onnxruntime(content, {"input": x})[1]
    for n in (1, 2, 7):
        (_, p) = elsewhere.by_onnxruntime(content, {"input": x[:n]})
        np.testing.assert_allclose(p, whole[:n], rtol=0, atol=1e-6)


@pytest.mark.parametrize("factor", [1e-14, 1e-30, 1e-43])
def test_a_bias_that_is_too_large_for_32_bits_stays_as_it_is(factor):
    model = model_of([Dense(4), ReLU(), Dense(3)], (5,))
    first = model.network.layers[0]
    first.W[...] *= factor
    first.b[...] = [1, -1, 2, 3]
    x = np.random.default_rng(0).random((6, 5), dtype=np.float32)
    content, lowered = in_int8(model, x)
    elements = {
        i.name: i.data_type for i in onnx.load_from_string(content).graph.initializer
    }
    assert elements["0.b"] == TensorProto.FLOAT
    assert elements["2.b"] == TensorProto.INT32
    for answers in EVERYBODY:
        p = answers(content, {"input": x})[1]
        # The other bias is rounded too, by half a step of the sums at most.
        np.testing.assert_allclose(p, simulate(lowered, x), rtol=0, atol=5e-5)


# -- the whole of an export -----------------------------------------------------------


@pytest.mark.parametrize("floats", [False, True], ids=["bytes", "floats"])
@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_export(tmp_path, small, int8, floats):
    images = images_for(small, 40, floats=floats)
    right = small.network.predict(images)
    path = tmp_path / "net.onnx"
    path.write_text("an older one")
    given = {"labels": right, "int8": int8, "calibration": images[:20], "max_loss": 0.1}
    done = export(small, path, "onnx", images=images, **given)
    assert done.proved and done.paths == (path,) and done.size == path.stat().st_size
    assert 0 < done.seconds < 1
    elsewhere.check(path.read_bytes())
    if int8:
        assert done.worst < 0.1 and done.lost == 1 - done.accuracy
    else:
        assert done.worst <= 1e-5 and done.accuracy == 1 and done.lost is None
    said = onnx.load(path).metadata_props
    assert [entry.key for entry in said] == ["ardoise.classes"]


def test_int8_is_a_quarter_of_the_size(tmp_path):
    model = model_of([Dense(256), ReLU(), Dense(128), ReLU(), Dense(10)], (256,))
    images = np.random.default_rng(0).random((20, 256), dtype=np.float32)
    sizes = [
        export(
            *(model, tmp_path / "m.onnx", "onnx"),
            images=images,
            int8=int8,
            calibration=images,
            max_loss=1,
        ).size
        for int8 in (False, True)
    ]
    assert 0.25 < sizes[1] / sizes[0] < 0.28


def test_a_model_of_float64(tmp_path, small):
    wide = replace(small, network=small.network.astype("float64"))
    images = images_for(small, 10)
    for int8 in (False, True):
        given = {"int8": int8, "calibration": images, "max_loss": 1}
        done = export(wide, tmp_path / "n.onnx", "onnx", images=images, **given)
        assert done.proved


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_a_changed_weight_is_noticed(tmp_path, small, monkeypatch, int8):
    path = tmp_path / "net.onnx"
    path.write_text("an older one")
    target = TARGETS["onnx"]

    def run(file, images):
        model = onnx.load(file)
        for tensor in model.graph.initializer:
            if tensor.name == "6.b":  # of the last layer
                b = numpy_helper.to_array(tensor).copy()
                b[0] = 2**30 if b.dtype == np.int32 else b[0] + 10
                tensor.CopyFrom(numpy_helper.from_array(b, "6.b"))
        onnx.save(model, file)
        return target.run(file, images)

    monkeypatch.setitem(TARGETS, "onnx", replace(target, run=run))
    images = images_for(small, 30)
    with pytest.raises(ExportError) as caught:
        export(small, path, "onnx", images=images, int8=int8, calibration=images)
    assert caught.value.key == ("export.lost" if int8 else "export.differs")
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]
    assert path.read_text() == "an older one"


def test_without_onnxruntime_it_is_written_and_not_proved(tmp_path, small, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    images, path = images_for(small, 5), tmp_path / "n.onnx"
    done = export(small, path, "onnx", images=images, int8=True, calibration=images)
    assert not done.proved and done.reason.key == "export.no_onnxruntime"
    assert path.stat().st_size == done.size
