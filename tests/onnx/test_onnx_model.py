"""What a model may hold, and what is refused before anything else looks at it."""

import pickle

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ardoise import Dense, Network, ReLU
from ardoise.onnx import OnnxError, load, read, run, write
from ardoise.onnx.errors import Damage
from ardoise.onnx.model import _length, _value
from ardoise.onnx.tensors import Text, tensor_array, tensor_message
from ardoise.onnx.wire import decode, encode

DTYPES = (
    "float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool"
)


def parsed(tensor):
    return tensor_array(decode("Tensor", tensor.SerializeToString()))


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
@pytest.mark.parametrize("name", DTYPES.split())
def test_tensors_of_all_types(name, shape, raw):
    rng = np.random.default_rng(0)
    array = (100 * rng.normal(size=shape)).astype(name)
    code = helper.np_dtype_to_tensor_dtype(array.dtype)
    tensor = helper.make_tensor(
        "t", code, shape, array.tobytes() if raw else array.reshape(-1), raw=raw
    )
    found = parsed(tensor)
    assert found.dtype == array.dtype and found.dtype.isnative
    np.testing.assert_array_equal(found, array)
    again = onnx.TensorProto.FromString(encode("Tensor", tensor_message("t", array)))
    np.testing.assert_array_equal(numpy_helper.to_array(again), array)


@pytest.mark.parametrize("raw", [True, False])
def test_bfloat16_becomes_float32(raw):
    numbers = np.array([1, -2.5, 3e38, np.inf, 0], np.float32)
    upper = (numbers.view(np.uint32) >> 16).astype(np.uint16)
    tensor = onnx.TensorProto(name="t", data_type=TensorProto.BFLOAT16, dims=[5])
    if raw:
        tensor.raw_data = upper.tobytes()
    else:
        tensor.int32_data.extend(upper.tolist())
    found = parsed(tensor)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, (upper.astype("u4") << 16).view("f4"))


def test_truth_values_are_0_and_1():
    tensor = onnx.TensorProto(
        data_type=TensorProto.BOOL, dims=[3], raw_data=b"\x00\x02\xff"
    )
    assert parsed(tensor).tolist() == [False, True, True]
    assert parsed(tensor).view(np.uint8).max() == 1


def test_numbers_are_views_of_the_file():
    content = write(Network([Dense(4)], 3, seed=0))
    arrays = [a for a in load(content).constants.values() if a.size > 1]
    owners = {id(array.base if array.base is not None else array) for array in arrays}
    assert arrays and all(not array.flags.writeable for array in arrays)
    assert all(not array.flags.owndata for array in arrays) and owners


FLOAT = TensorProto.FLOAT


@pytest.mark.parametrize(
    "settings",
    [
        {"dims": [2]},  # no type
        {"data_type": FLOAT, "dims": [2]},  # no numbers
        {"data_type": FLOAT, "dims": [2], "raw_data": bytes(4)},  # one of two
        {"data_type": FLOAT, "dims": [1], "raw_data": bytes(8)},
        {"data_type": FLOAT, "dims": [1], "raw_data": bytes(3)},
        {"data_type": FLOAT, "dims": [-1], "raw_data": bytes(4)},
        {"data_type": FLOAT, "dims": [2**40, 2**40]},
        {"data_type": FLOAT, "dims": [0, 2**60]},
        {"data_type": FLOAT, "dims": [1] * 17, "raw_data": bytes(4)},
        {"data_type": FLOAT, "dims": [1], "double_data": [1.0]},
        {"data_type": FLOAT, "dims": [1], "raw_data": bytes(4), "float_data": [1.0]},
        {"data_type": TensorProto.INT64, "dims": [1], "int32_data": [1]},
        {"data_type": TensorProto.UINT8, "dims": [1], "int32_data": [256]},
        {"data_type": TensorProto.UINT8, "dims": [1], "int32_data": [-1]},
        {"data_type": TensorProto.FLOAT16, "dims": [1], "int32_data": [65536]},
        {"data_type": TensorProto.UINT32, "dims": [1], "uint64_data": [2**32]},
        {"data_type": TensorProto.STRING, "dims": [1], "raw_data": b"a"},
        {
            "data_type": FLOAT,
            "dims": [1],
            "raw_data": bytes(4),
            "segment": {"begin": 0},
        },
    ],
)
def test_tensors_that_are_damaged(settings):
    with pytest.raises(Damage):
        parsed(onnx.TensorProto(name="t", **settings))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"data_type": 14}, r"t does not hold numbers of a type .* \(ONNX type 14\)"),
        ({"data_type": 17}, r"ONNX type 17"),
        ({"data_type": FLOAT, "data_location": 1}, "lie in another file"),
        (
            {"data_type": FLOAT, "external_data": [{"key": "location", "value": "/x"}]},
            "The numbers of t lie in another file, and Ardoise opens no file",
        ),
    ],
)
def test_tensors_that_are_refused(settings, sentence):
    with pytest.raises(OnnxError, match=sentence):
        parsed(onnx.TensorProto(name="t", **settings))


def test_texts_are_carried_along():
    tensor = helper.make_tensor("t", TensorProto.STRING, [2], [b"un", b"deux"])
    assert isinstance(parsed(tensor), Text)
    model = small()
    model.graph.initializer.append(tensor)
    assert load(content_of(model)).opset == 17
    model.graph.node.append(helper.make_node("Identity", ["t"], ["u"]))
    model.graph.output.append(helper.make_tensor_value_info("u", 8, [2]))
    with pytest.raises(OnnxError, match=r"Node u \(Identity\) cannot compute what"):
        run(content_of(model), {"x": np.zeros((1, 2), "f4")})
    model.graph.node.pop()
    model.graph.output[-1].name = "t"
    with pytest.raises(OnnxError, match="t does not hold numbers"):
        run(content_of(model), {"x": np.zeros((1, 2), "f4")})


# -- models ---------------------------------------------------------------------------


def small():
    """Return a model of ONNX: y = relu(x) + b."""
    return helper.make_model(
        helper.make_graph(
            [
                helper.make_node("Relu", ["x"], ["r"]),
                helper.make_node("Add", ["r", "b"], ["y"]),
            ],
            "g",
            [helper.make_tensor_value_info("x", FLOAT, ["N", 2])],
            [helper.make_tensor_value_info("y", FLOAT, ["N", 2])],
            [numpy_helper.from_array(np.ones(2, "f4"), "b")],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


def content_of(model):
    return model.SerializeToString()


def attribute(**settings):
    def change(model):
        model.graph.node[0].attribute.append(onnx.AttributeProto(**settings))

    return change


def no_graph(model):
    model.ClearField("graph")


def old_ir(model):
    model.ir_version = 2


def no_opset(model):
    model.ClearField("opset_import")


def two_opsets(model):
    model.opset_import.append(helper.make_opsetid("ai.onnx", 16))


def no_output(model):
    model.graph.ClearField("output")


def unknown_output(model):
    model.graph.output[0].name = "z"


def unknown_input(model):
    model.graph.node[0].input[0] = "z"


def later_input(model):
    model.graph.node[0].input[0] = "y"


def two_of_a_name(model):
    model.graph.node[0].output[0] = "b"


def twice_the_same_output(model):
    model.graph.node[1].output.append("y")


def two_initializers(model):
    model.graph.initializer.append(model.graph.initializer[0])


def nameless_initializer(model):
    model.graph.initializer[0].name = ""


def two_inputs(model):
    model.graph.input.append(model.graph.input[0])


def nameless_input(model):
    model.graph.input[0].name = ""


def no_operator(model):
    model.graph.node[0].op_type = ""


EDITS = {
    function.__name__: function
    for function in (
        *(no_graph, old_ir, no_opset, two_opsets, no_output, unknown_output),
        *(unknown_input, later_input, two_of_a_name, twice_the_same_output),
        *(two_initializers, nameless_initializer, two_inputs, nameless_input),
        no_operator,
    )
} | {
    "attribute without name": attribute(type=2, i=1),
    "attribute without type": attribute(name="a", i=1),
    "attribute of tensors": attribute(name="a", type=9),
    "attribute of a type": attribute(name="a", type=13),
    "attribute of two types": attribute(name="a", type=2, i=1, f=1.0),
    "attribute of a function": attribute(name="a", type=2, ref_attr_name="b"),
    "attribute without tensor": attribute(name="a", type=4),
    "attribute that is no text": attribute(name="a", type=3, s=b"\xff"),
}


@pytest.mark.parametrize("name", EDITS)
def test_models_that_are_damaged(name, tmp_path):
    model = small()
    EDITS[name](model)
    with pytest.raises(OnnxError, match="These bytes are not an ONNX model, or they"):
        load(content_of(model))
    path = tmp_path / "model.onnx"
    path.write_bytes(content_of(model))
    with pytest.raises(OnnxError, match=r"model.onnx is not an ONNX model, or it is"):
        load(path)


def test_one_of_several():
    """Of fields that exclude each other the last would count."""
    with pytest.raises(Damage):
        _value({"name": "x", "type": {"tensor_type": {}, "sequence_type": True}})
    with pytest.raises(Damage):
        _length({"dim_value": 1, "dim_param": "N"})


def test_twice_the_same_attribute():
    model = small()
    for _ in range(2):
        attribute(name="a", type=2, i=1)(model)
    with pytest.raises(OnnxError, match="are not an ONNX model"):
        load(content_of(model))


def graph_attribute(model):
    model.graph.node[0].attribute.append(helper.make_attribute("body", model.graph))


def graphs_attribute(model):
    model.graph.node[0].attribute.append(helper.make_attribute("g", [model.graph]))


def function(model):
    model.functions.append(onnx.FunctionProto(name="f", domain="d"))


def sparse(model):
    model.graph.sparse_initializer.append(onnx.SparseTensorProto())


def sparse_attribute(model):
    value = onnx.SparseTensorProto()
    model.graph.node[0].attribute.append(helper.make_attribute("s", value))


def old(model):
    model.opset_import[0].version = 5


def new(model):
    model.opset_import[0].version = 99


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (graph_attribute, r"Node r \(Relu\) holds a graph of its own"),
        (graphs_attribute, "no branches and no loops"),
        (function, "The model defines functions of its own"),
        (sparse, "The model holds sparse tensors"),
        (sparse_attribute, "The model holds sparse tensors"),
        (old, "written for opset 5, and Ardoise knows opsets 6 to 28"),
        (new, "written for opset 99"),
    ],
)
def test_models_that_are_refused(change, sentence):
    model = small()
    change(model)
    with pytest.raises(OnnxError, match=sentence):
        load(content_of(model))


def test_what_is_said_about_a_model():
    model = small()
    model.producer_name = "somebody"
    helper.set_model_props(model, {"a": "b"})
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    model.graph.input.append(model.graph.input[0])
    model.graph.input[1].name = "b"  # an initializer may stand among the inputs
    found = load(content_of(model))
    assert (found.opset, found.producer, found.metadata) == (17, "somebody", {"a": "b"})
    assert [entry.name for entry in found.inputs] == ["x"]
    assert found.inputs[0].shape == ("N", 2)
    assert [node.operator for node in found.nodes] == ["Relu", "Add"]
    assert load(bytearray(content_of(model))).nodes == found.nodes
    assert load(memoryview(content_of(model))).nodes == found.nodes


def test_files(tmp_path):
    network = Network([Dense(2), ReLU()], 3, seed=0)
    path = tmp_path / "model.onnx"
    content = write(network, path)
    x = np.zeros((1, 3), "f4")
    for source in (path, str(path), content):
        assert len(run(source, {"input": x})) == 2
        assert read(source).network.n_params == network.n_params
    with pytest.raises(OnnxError, match="cannot be read \\(there is no such file"):
        load(tmp_path / "none.onnx")
    with pytest.raises(OnnxError, match="cannot be read \\(it is a folder"):
        load(tmp_path)
    with pytest.raises(OnnxError, match="/dev/zero is not an ONNX model"):
        load("/dev/zero")


def test_a_file_of_more_than_two_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "large.onnx"
    with open(path, "wb") as file:
        file.truncate(2**31)  # of holes
    with pytest.raises(OnnxError, match="is not an ONNX model"):
        load(path)


def test_an_error_speaks_both_languages_and_is_short():
    model = small()
    model.graph.node[0].op_type = "é\n\x00" * 100
    with pytest.raises(OnnxError) as caught:
        run(content_of(model), {"x": np.zeros((1, 2), "f4")})
    error = caught.value
    assert len(str(error)) < 150 and str(error).isprintable()
    assert error.sentence("fr").startswith("Nœud r")
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is OnnxError and str(twin) == str(error)
