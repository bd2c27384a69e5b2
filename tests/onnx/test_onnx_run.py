"""Computing models: what is fed, what comes out, and what is refused.

The arithmetic of the operators is tested by ONNX's own suite in ``test_backend.py``.
"""

import math

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from ardoise.onnx import OnnxError, load, run
from ardoise.onnx.ops import OPERATORS
from ardoise.onnx.ops.elementwise import as_bfloat16
from ardoise.onnx.ops.erf import erf

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def model(nodes, inputs, outputs, constants=(), opset=17):
    """Return bytes; inputs and outputs are (name, shape) or (name, shape, code)."""
    made = [
        helper.make_node(op, ins.split(), outs.split(), **how)
        for op, ins, outs, how in nodes
    ]
    return helper.make_model(
        helper.make_graph(
            made,
            "g",
            [
                helper.make_tensor_value_info(name, *(code or (FLOAT,)), shape)
                for name, shape, *code in inputs
            ],
            [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
            [numpy_helper.from_array(np.asarray(a), name) for name, a in constants],
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    ).SerializeToString()


def one(operator, *arrays, opset=17, outputs=1, **attributes):
    """Return what one node makes of arrays, its first ones as inputs."""
    names = [f"x{i}" for i in range(len(arrays))]
    outs = [f"y{i}" for i in range(outputs)]
    given = [
        (n, np.asarray(a)) for n, a in zip(names, arrays, strict=True) if a is not None
    ]
    entries = [(n, a.shape, helper.np_dtype_to_tensor_dtype(a.dtype)) for n, a in given]
    ins = " ".join(
        n if a is not None else "" for n, a in zip(names, arrays, strict=True)
    )
    node = helper.make_node(operator, ins.split(" "), outs, **attributes)
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info(n, code, shape) for n, shape, code in entries],
        [helper.make_tensor_value_info(n, FLOAT, None) for n in outs],
    )
    content = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8
    ).SerializeToString()
    answers = run(content, dict(given))
    return answers[0] if outputs == 1 else answers


X = np.array([[-2.0, 0.5, 3.0]], np.float32)
CHAIN = model(
    [
        ("Relu", "x", "a", {}),
        ("Mul", "a k", "b", {}),
        ("Add", "b x", "c", {}),
        ("Nothing", "a", "d", {}),
    ],
    [("x", ["N", 3])],
    ["c"],
    [("k", np.float32(2))],
)


def test_outputs_and_what_they_need():
    (c,) = run(CHAIN, {"x": X})
    np.testing.assert_array_equal(c, 2 * np.maximum(X, 0) + X)
    a, again, k = run(CHAIN, {"x": X}, ["a", "a", "k"])
    np.testing.assert_array_equal(a, np.maximum(X, 0))
    assert k == 2
    again[...] = 5  # each is the caller's own
    np.testing.assert_array_equal(a, np.maximum(X, 0))
    assert np.array_equal(run(CHAIN, {}, ["k"])[0], k)
    (same,) = run(CHAIN, {"x": X}, ["x"])
    assert not np.shares_memory(same, X)
    with pytest.raises(OnnxError, match="Node d: Ardoise does not know the operator N"):
        run(CHAIN, {"x": X}, ["d"])


def test_constants_can_be_replaced():
    (c,) = run(CHAIN, {"x": X, "k": np.float32(0)})
    np.testing.assert_array_equal(c, X)


def test_a_parsed_model():
    parsed = load(CHAIN)
    for _ in range(2):
        np.testing.assert_array_equal(run(parsed, {"x": X})[0], run(CHAIN, {"x": X})[0])


@pytest.mark.parametrize(
    ("feeds", "outputs", "sentence"),
    [
        ({}, None, "The model needs the input x, which was not given"),
        ({"x": X, "z": X}, None, "The model has no input z"),
        ({"x": X}, ["z"], "Nothing in the model is called z"),
        ({"x": X}, [""], "Nothing in the model is called"),
        (
            {"x": X.astype("f8")},
            None,
            r"x must be float32 \(N, 3\); got float64 \(1, 3",
        ),
        ({"x": X[:, :2]}, None, r"x must be float32 \(N, 3\); got float32 \(1, 2\)"),
        ({"x": X[0]}, None, r"x must be float32 \(N, 3\); got float32 \(3\)"),
    ],
)
def test_what_is_fed(feeds, outputs, sentence):
    with pytest.raises(OnnxError, match=sentence):
        run(CHAIN, feeds, outputs)


def test_inputs_without_lengths():
    content = model([("Neg", "x", "y", {})], [("x", None)], ["y"])
    np.testing.assert_array_equal(run(content, {"x": X})[0], -X)
    content = model([("Neg", "x", "y", {})], [("x", [None, 3])], ["y"])
    np.testing.assert_array_equal(run(content, {"x": X})[0], -X)
    with pytest.raises(OnnxError, match=r"must be float32 \(\?, 3\)"):
        run(content, {"x": X.T})


# -- arithmetic that the suite does not reach -----------------------------------------


def test_erf():
    x = np.concatenate(
        [np.linspace(-7, 7, 10001), np.logspace(-300, 2, 500), [0.0, -0.0, math.inf]]
    )
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(erf(x), expected, rtol=1e-15, atol=0)
    np.testing.assert_allclose(erf(x.astype("f4")), expected, rtol=3e-7, atol=1e-45)
    assert np.isnan(erf(np.array([math.nan]))).all()
    assert np.signbit(erf(np.array([-0.0])))[0]
    assert erf(np.array([0.5], np.float16)).dtype == np.float16


def test_bfloat16_is_rounded_to_even():
    x = np.array([1, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-7, -3e38, np.inf, np.nan], "f4")
    rounded = as_bfloat16(x)
    expected = np.array([1, 1, 1 + 2**-6, 1 + 2**-7, -3e38, np.inf, np.nan], "f4")
    np.testing.assert_allclose(rounded, expected, rtol=2**-9)
    assert rounded[1] == 1 and rounded[2] == 1 + 2**-6
    assert np.array_equal(one("Cast", x, to=TensorProto.BFLOAT16), rounded, True)


def test_whole_numbers_are_divided_towards_zero():
    a, b = np.array([7, -7, 7, -7, 6]), np.array([2, 2, -2, -2, -3])
    assert one("Div", a, b).tolist() == [3, -3, -3, 3, -2]


@pytest.mark.parametrize("steps", [1, 2, -1, -2])
@pytest.mark.parametrize("ends", [-9, -6, -5, -1, 0, 3, 5, 9, 2**63 - 1, -(2**63)])
@pytest.mark.parametrize("starts", [-9, -5, -2, 0, 4, 5, 9])
def test_slices_as_the_specification_cuts_them(starts, ends, steps):
    def clamp(n, low, high):
        return min(max(n + 5 if n < 0 else n, low), high)

    if steps > 0:
        places = range(clamp(starts, 0, 5), clamp(ends, 0, 5), steps)
    else:
        places = range(clamp(starts, 0, 4), clamp(ends, -1, 4), steps)
    x = np.arange(5.0, dtype=np.float32)
    answer = one("Slice", x, *map(of_one, (starts, ends, 0, steps)))
    assert answer.tolist() == [x[i] for i in places]


def of_one(n):
    return np.array([n], np.int64)


def test_convolutions_of_every_rank_and_padding():
    """Against the definition, pixel by pixel."""
    rng = np.random.default_rng(0)
    for rank in (1, 2, 3):
        x = rng.normal(size=(2, 4, *[6, 5, 7][:rank])).astype("f4")
        w = rng.normal(size=(6, 2, *[3, 2, 2][:rank])).astype("f4")
        b = rng.normal(size=6).astype("f4")
        how = {
            "strides": [2, 1, 2][:rank],
            "dilations": [1, 2, 2][:rank],
            "pads": [1, 0, 2][:rank] + [2, 1, 0][:rank],
        }
        got = one("Conv", x, w, b, group=2, **how)
        np.testing.assert_allclose(got, slow_conv(x, w, b, 2, **how), rtol=0, atol=1e-5)


def slow_conv(x, w, b, group, strides, dilations, pads):
    rank = w.ndim - 2
    around = [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)]
    x = np.pad(x.astype("f8"), around)
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, w.shape[2:], strict=True)]
    out = [
        (n - r) // s + 1 for n, r, s in zip(x.shape[2:], reach, strides, strict=True)
    ]
    y = np.empty((len(x), len(w), *out))
    for place in np.ndindex(*out):
        window = tuple(
            slice(p * s, p * s + r, d)
            for p, s, r, d in zip(place, strides, reach, dilations, strict=True)
        )
        for f in range(len(w)):
            first = f // (len(w) // group) * w.shape[1]
            seen = x[(slice(None), slice(first, first + w.shape[1]), *window)]
            y[(slice(None), f, *place)] = (seen * w[f]).sum(
                axis=tuple(range(1, x.ndim))
            )
    return y + b.reshape(-1, *[1] * rank)


def test_softmax_of_old_and_new_opsets():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("f4")
    flat = np.exp(x.reshape(2, 12))
    flat /= flat.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(one("Softmax", x, opset=11), flat.reshape(x.shape), 1e-6)
    last = np.exp(x) / np.exp(x).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(one("Softmax", x), last, rtol=1e-6)
    np.testing.assert_allclose(np.exp(one("LogSoftmax", x)), last, rtol=1e-6)
    assert one("Softmax", np.empty((0, 3), "f4")).shape == (0, 3)


def test_reductions_of_other_types():
    whole = np.array([[3, -4], [0, 7]], np.int8)
    assert one("ReduceMax", whole, axes=[1], keepdims=0).tolist() == [3, 7]
    assert one("ReduceMin", whole, axes=[0], keepdims=0).tolist() == [0, -4]
    assert one("ReduceMean", whole, keepdims=0) == 1
    nothing = np.empty((2, 0), np.int8)
    assert one("ReduceMax", nothing, axes=[1], keepdims=0).tolist() == [-128] * 2
    assert one("ReduceMax", whole > 0, opset=20, keepdims=0)
    assert not one("ReduceMin", whole > 0, opset=20, keepdims=0)
    assert one("LogSoftmax", np.empty((0, 3), "f4")).shape == (0, 3)


def test_large_numbers_do_not_overflow():
    x = np.array([[1000.0, -1000.0, 0.0]], "f4")
    assert one("Softmax", x).tolist() == [[1, 0, 0]]
    assert one("Sigmoid", x).tolist() == [[1, 0, 0.5]]
    np.testing.assert_allclose(one("Softplus", x), [[1000, 0, np.log(2)]], rtol=1e-6)


def test_batches_in_training_are_refused():
    ones = np.ones(3, "f4")
    with pytest.raises(OnnxError, match="with the attribute training_mode"):
        one("BatchNormalization", X, ones, ones, ones, ones, training_mode=1)
    with pytest.raises(OnnxError, match="with the attribute is_test"):
        one("BatchNormalization", X, ones, ones, ones, ones, opset=6)
    with pytest.raises(OnnxError, match="with the attribute spatial"):
        one("BatchNormalization", X, ones, ones, ones, ones, opset=7, spatial=0)


@pytest.mark.parametrize(
    ("operator", "arrays", "attributes"),
    [
        ("Relu", (X, X), {}),
        ("Constant", (), {}),
        ("Constant", (), {"value_ints": [0.5]}),
        ("Tile", (X, np.array([2])), {}),
        ("Add", (X, X[0]), {"opset": 6}),
        ("BatchNormalization", (X, *[np.ones(2, "f4")] * 4), {}),
        ("Softmax", (X,), {"axis": 3, "opset": 11}),
        ("ReduceMean", (X,), {"axes": [2]}),
        ("Unsqueeze", (X,), {}),
        ("Slice", (X, np.array([0]), np.array([1]), np.array([0]), np.array([0])), {}),
        ("Add", (X,), {}),
        ("Add", (X, None), {}),
        ("Add", (X, np.ones((2, 2), "f4")), {}),
        ("Gemm", (X, X), {}),
        ("Gemm", (X, X.T, np.ones((7, 1), "f4")), {}),
        ("MatMul", (X, X), {}),
        ("Gather", (X, np.array([9])), {}),
        ("Gather", (X, np.array([0])), {"axis": 5}),
        ("Reshape", (X, np.array([4, 4])), {}),
        ("Flatten", (X,), {"axis": 7}),
        ("Softmax", (X,), {"axis": 7}),
        ("Transpose", (X,), {"perm": [0, 0]}),
        ("Squeeze", (X, np.array([1])), {}),
        ("Concat", (X, np.ones((1, 3), "f8")), {"axis": 0}),
        ("Conv", (X, X), {}),
        ("Conv", (np.ones((1, 2, 5), "f4"), np.ones((3, 2, 2), "f4")), {"group": 2}),
        ("Conv", (np.ones((1, 2, 5), "f4"), np.ones((2, 2, 9), "f4")), {}),
        ("MaxPool", (np.ones((1, 2, 5), "f4"),), {"kernel_shape": [0]}),
        ("MaxPool", (np.ones((1, 2, 5), "f4"),), {"kernel_shape": [2**20]}),
        ("LayerNormalization", (X, np.ones((2, 1, 3), "f4")), {}),
        ("Split", (X,), {"axis": 1, "outputs": 9}),
        ("Cast", (X,), {"to": 8}),
        ("Cast", (X,), {}),
        ("Gelu", (X,), {"approximate": "maybe", "opset": 20}),
        ("Relu", (X,), {"beta": 1.0}),
        ("Elu", (X,), {"alpha": 1}),
        ("Pad", (X, np.zeros(4, int)), {"mode": "inside out"}),
        ("Pad", (X, np.zeros(3, int)), {}),
        ("Conv", (np.ones((1, 1, 5), "f4"),) * 2, {"auto_pad": "SOME"}),
        (
            "ConstantOfShape",
            (of_one(2),),
            {"value": helper.make_tensor("v", 1, [0], [])},
        ),
    ],
)
def test_nodes_that_cannot_be_computed(operator, arrays, attributes):
    with pytest.raises(OnnxError) as caught:
        one(operator, *arrays, **attributes)
    assert caught.value.key in ("onnx.inputs", "onnx.attribute")
    assert operator in str(caught.value)


LARGE = np.array([2**20, 2**20])


@pytest.mark.parametrize(
    ("operator", "arrays", "attributes"),
    [
        ("ConstantOfShape", (LARGE,), {}),
        ("Expand", (np.ones((1, 1), "f4"), LARGE), {}),
        ("Tile", (np.ones((1, 1), "f4"), LARGE), {}),
        ("Range", (np.array(0), np.array(2**40), np.array(1)), {}),
        ("Pad", (np.ones(1, "f4"), np.array([0, 2**40])), {}),
        ("Add", (np.ones((2**15, 1), "f4"), np.ones((1, 2**15), "f4")), {}),
        ("MatMul", (np.ones((2**15, 1), "f4"), np.ones((1, 2**15), "f4")), {}),
        ("Gemm", (np.ones((2**15, 1), "f4"), np.ones((1, 2**15), "f4")), {}),
        ("Gather", (np.ones((1, 2**15), "f4"), np.zeros(2**15, int)), {}),
        (
            "Conv",
            (np.ones((1, 1, 2, 2), "f4"), np.ones((1, 1, 1, 1), "f4")),
            {"pads": [2**20] * 4},
        ),
        (
            "AveragePool",
            (np.ones((1, 1, 2, 2), "f4"),),
            {"kernel_shape": [1, 1], "pads": [2**20] * 4},
        ),
    ],
)
def test_results_that_are_too_large(operator, arrays, attributes):
    with pytest.raises(OnnxError, match="asks for more than 268435456 numbers"):
        one(operator, *arrays, **attributes)


def test_how_large_a_result_may_be_can_be_said():
    content = model(
        [("Expand", "x n", "y", {})], [("x", [1])], ["y"], [("n", np.array([100]))]
    )
    x = np.ones(1, "f4")
    assert run(content, {"x": x}, most_numbers=100)[0].size == 100
    with pytest.raises(OnnxError, match="asks for more than 99 numbers"):
        run(content, {"x": x}, most_numbers=99)


def test_there_are_operators_for_the_engine_and_its_exporters():
    needed = """
        Abs Add ArgMax AveragePool BatchNormalization Cast Clip Concat Constant Conv Div
        Dropout Elu Erf Exp Flatten Gather Gelu Gemm GlobalAveragePool GlobalMaxPool
        Identity LayerNormalization LeakyRelu Log LogSoftmax MatMul MaxPool Mul Neg Pad
        Pow ReduceMean Relu Reshape Shape Sigmoid Slice Softmax Softplus Sqrt Squeeze
        Sub Tanh Transpose Unsqueeze
    """
    assert set(needed.split()) <= OPERATORS.keys()
