"""Numbers of 8 and 16 bits: as ONNX's reference and onnxruntime make and read them."""

import elsewhere
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from ardoise.onnx import OnnxError, run

AXES = [None, 0, 1, -1]


def node(operator, x, *constants, opset=13, **attributes):
    """Return a model of one node, whose first input is no constant."""
    names = [f"c{i}" for i in range(len(constants))]
    made = helper.make_node(operator, ["x", *names], ["y"], **attributes)
    code = helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        [made],
        "g",
        [helper.make_tensor_value_info("x", code, x.shape)],
        [helper.make_tensor_value_info("y", 0, None)],
        [numpy_helper.from_array(a, n) for n, a in zip(names, constants, strict=True)],
    )
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    kind = (constants[-1] if operator.startswith("Q") else constants[0]).dtype
    kind = np.dtype(np.uint8) if kind.kind == "f" and operator[0] == "Q" else kind
    model.graph.output[0].type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(
        kind
    )
    return model.SerializeToString()


def parts(rng, axis, kind, shape=(4, 5, 6)):
    """Return scales and zeros for an axis, or (None) for all of an array."""
    n = () if axis is None else shape[axis]
    limits = np.iinfo(kind)
    scale = rng.uniform(0.01, 0.2, n).astype(np.float32)
    return np.asarray(scale), np.asarray(
        rng.integers(limits.min, limits.max, n, endpoint=True), kind
    )


def on(axis):
    return {} if axis is None else {"axis": axis}


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_to_whole_numbers(kind, axis):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 10, (4, 5, 6)).astype(np.float32)
    scale, zero = parts(rng, axis, kind)
    # Halves, and what lies beyond the ends.
    x[0, 0] = scale.flat[0] * np.array([0.5, 1.5, -0.5, -2.5, 1e6, -1e6])
    content = node("QuantizeLinear", x, scale, zero, **on(axis))
    (q,) = run(content, {"x": x})
    assert q.dtype == kind and q.min() == np.iinfo(kind).min
    for answers in (elsewhere.by_reference, elsewhere.by_onnxruntime):
        np.testing.assert_array_equal(q, answers(content, {"x": x})[0])


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("kind", ["int8", "uint8", "int32"])
def test_back(kind, axis):
    rng = np.random.default_rng(0)
    limits = np.iinfo(kind)
    q = rng.integers(limits.min, limits.max, (4, 5, 6), endpoint=True).astype(kind)
    scale, zero = parts(rng, axis, kind)
    given = [scale, 0 * zero if kind == "int32" else zero]
    for constants in (given, given[:1]):
        content = node("DequantizeLinear", q, *constants, **on(axis))
        (x,) = run(content, {"x": q})
        assert x.dtype == np.float32
        for answers in (elsewhere.by_reference, elsewhere.by_onnxruntime):
            np.testing.assert_allclose(x, answers(content, {"x": q})[0], rtol=1e-6)


def test_halves_go_to_even_and_ends_are_kept():
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 300, -300, np.inf, -np.inf, np.nan], "f4")
    content = node("QuantizeLinear", x, np.float32(1), np.int8(0))
    expected = [0, 2, 2, 0, -2, 127, -128, 127, -128, -128]
    assert run(content, {"x": x})[0].tolist() == expected
    content = node("QuantizeLinear", x, np.float32(1))  # then it is uint8
    (q,) = run(content, {"x": x})
    assert q.dtype == np.uint8
    assert q.tolist() == [0, 2, 2, 0, 0, 255, 0, 255, 0, 0]


def test_whole_numbers_become_smaller_ones():
    x = np.array([-1000, 3, 5, 2**24 + 1], np.int32)
    content = node("QuantizeLinear", x, np.float32(2), np.int8(1))
    assert run(content, {"x": x})[0].tolist() == [-128, 3, 3, 127]


def test_what_later_opsets_add():
    x = np.array([[3.0, -3, 70, 1]], "f4")
    scale = np.array([[1, 2]], "f4")
    for how, expected in (
        ({"output_dtype": TensorProto.INT16}, [[3, -3, 35, 0]]),
        ({"output_dtype": TensorProto.INT8, "precision": 11}, [[3, -3, 35, 0]]),
    ):
        how = {"axis": 1, "block_size": 2, "opset": 23, **how}
        (q,) = run(node("QuantizeLinear", x, scale, **how), {"x": x})
        assert q.tolist() == expected
    # The last block may be shorter, and the result of another type.
    q = np.array([[1, 2, 3]], np.int8)
    how = {"axis": 1, "block_size": 2, "opset": 23, "output_dtype": 10}
    (x,) = run(node("DequantizeLinear", q, scale, **how), {"x": q})
    assert x.tolist() == [[1, 2, 6]] and x.dtype == np.float16


F4, TWO, Q = np.ones((2, 3), "f4"), np.ones(2, "f4"), np.ones((2, 3), "i1")


@pytest.mark.parametrize(
    ("operator", "x", "constants", "attributes"),
    [
        ("QuantizeLinear", F4, (TWO,), {}),  # as many as there are rows
        ("QuantizeLinear", F4[:, :1], (TWO,), {}),  # would make x larger
        ("QuantizeLinear", F4, (TWO,), {"axis": 2}),
        ("QuantizeLinear", F4, (np.float32(1), np.zeros(2, "i1")), {}),
        ("QuantizeLinear", F4, (np.float32(1), np.int64(0)), {}),
        ("QuantizeLinear", F4, (np.float32(1), np.int8(0)), {"output_dtype": 2}),
        ("QuantizeLinear", F4, (np.float32(1),), {"output_dtype": 99}),
        ("QuantizeLinear", F4, (np.float32(1),), {"precision": 7}),
        ("QuantizeLinear", F4, (F4,), {}),
        ("QuantizeLinear", F4, (F4,), {"block_size": 2}),
        ("QuantizeLinear", F4, (F4[:, :2],), {"block_size": 3}),
        ("QuantizeLinear", F4, (F4[:, :1],), {"block_size": -1}),
        ("DequantizeLinear", F4, (np.float32(1),), {}),
        ("DequantizeLinear", Q, (np.float32(1), np.uint8(0)), {}),
        ("DequantizeLinear", Q, (TWO,), {}),
        ("DequantizeLinear", Q, (np.float32(1),), {"output_dtype": 3}),
    ],
)
def test_what_cannot_be_computed(operator, x, constants, attributes):
    with pytest.raises(OnnxError) as caught:
        run(node(operator, x, *constants, **attributes), {"x": x})
    assert caught.value.key in ("onnx.inputs", "onnx.attribute")
    assert operator in str(caught.value)


def test_a_block_may_say_to_be_of_any_length():
    scale = np.ones((2, 1), "f4")
    content = node("QuantizeLinear", F4, scale, axis=1, block_size=2**62, opset=21)
    assert run(content, {"x": F4})[0].tolist() == [[1, 1, 1]] * 2
