"""Models of others become networks that give the same answers."""

import io
import warnings
from itertools import pairwise
from pathlib import Path

import elsewhere
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from ardoise.onnx import OnnxError, load, read, run

MODELS = sorted((Path(__file__).parent / "models").glob("*.onnx"))
CLOSE = 1e-5
FLOAT, UINT8, INT64 = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT64


def graph(nodes, shape, constants=(), *, opset=17, code=FLOAT, outputs=("y",)):
    """Return the bytes of a model with input x; nodes are tuples or made."""
    made = [n if isinstance(n, onnx.NodeProto) else node(*n) for n in nodes]
    arrays = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants]
    return helper.make_model(
        helper.make_graph(
            made,
            "g",
            [helper.make_tensor_value_info("x", code, shape)],
            [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
            arrays,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=8,
    ).SerializeToString()


def node(operator, inputs, output, **attributes):
    domain, _, name = operator.rpartition(".")
    return helper.make_node(
        name, inputs.split(), [output], domain=domain, name=output, **attributes
    )


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def layers_of(reading):
    return [type(layer).__name__ for layer in reading.network.layers]


def agree(content, x, output=None):
    """Return the reading of a model, whose network says what onnxruntime says."""
    reading = read(content, output=output)
    (name,) = (entry.name for entry in load(content).inputs)
    expected = elsewhere.by_onnxruntime(content, {name: x}, [reading.output])[0]
    if isinstance(expected, list):  # of dictionaries, for each sample one
        expected = np.array([list(one.values()) for one in expected])
    arranged = reading.arrange(x)
    network = reading.network
    answer = network.predict_logits(arranged)
    if reading.ending is not None:
        answer = network.predict_proba(arranged)
    if reading.ending == "log_softmax":
        answer = np.log(answer)
    np.testing.assert_allclose(reading.restore(answer), expected, rtol=0, atol=CLOSE)
    return reading


# -- what exporters wrote -------------------------------------------------------------

FOUND = {
    "keras_tf_flat": "Conv2D ReLU BatchNorm MaxPool2D Conv2D LeakyReLU Conv2D Flatten "
    "Dense ELU LayerNorm Dense",
    "keras_tf_mean": "Conv2D ReLU AveragePool2D GlobalAveragePool2D Dense Tanh "
    "BatchNorm Dense",
    "keras_torch_flat": "Conv2D ReLU BatchNorm MaxPool2D Conv2D LeakyReLU Conv2D "
    "Flatten Dense ELU Dense",
    "keras_torch_mean": "Conv2D ReLU AveragePool2D GlobalAveragePool2D Dense Tanh "
    "BatchNorm Dense",
    "sklearn_multilabel": "Dense ReLU Dense Sigmoid",
    "sklearn_regression": "Dense ReLU Dense",
    "sklearn_scaled": "BatchNorm Dense ReLU Dense",
    "sklearn_three_classes": "Dense Tanh Dense",
    "sklearn_two_classes": "Dense Sigmoid Dense",
    "torch_dynamo": "Conv2D ReLU Residual ReLU AveragePool2D GlobalAveragePool2D Dense "
    "GELU LayerNorm Dense",
    "torch_dynamo_18": "Conv2D ReLU Residual ReLU AveragePool2D GlobalAveragePool2D "
    "Dense GELU LayerNorm Dense",
    "torch_dynamo_view": "Conv2D Tanh Flatten Dense",
}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_models_of_exporters(path):
    content = path.read_bytes()
    (entry,) = load(content).inputs
    shape = [n if isinstance(n, int) else 3 for n in entry.shape]
    x = numbers(*shape)
    if path.stem == "sklearn_two_values":
        # skl2onnx 1.20 lays both values under each other, (2 n, 1).
        with pytest.raises(OnnxError, match=r"Node Reshape \(Reshape\) does what no"):
            read(content)
        return
    reading = agree(content, x)
    assert layers_of(reading) == FOUND[path.stem].split()
    expected = elsewhere.by_onnxruntime(content, {entry.name: x})
    if not isinstance(expected[-1], list):
        answers = run(content, {entry.name: x}, [reading.output])
        np.testing.assert_allclose(answers[0], expected[-1], rtol=0, atol=CLOSE)


def test_names_of_classes():
    folder = MODELS[0].parent
    assert read(folder / "sklearn_scaled.onnx").classes == ("deux", "trois", "un")
    assert read(folder / "sklearn_three_classes.onnx").classes == ("0", "1", "2")
    assert read(folder / "sklearn_two_classes.onnx").classes == ()


def exported(module, shape, opset=17, *, dynamic=True):
    """Return the bytes that PyTorch's exporter without onnxscript writes."""
    file = io.BytesIO()
    axes = {"x": {0: "N"}} if dynamic else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is a newer one
        torch.onnx.export(
            module.eval(),
            (torch.zeros(shape),),
            file,
            dynamo=False,
            opset_version=opset,
            input_names=["x"],
            dynamic_axes=axes,
        )
    return file.getvalue()


class Shaped(nn.Module):
    """Convolution, and a flattening by computed shapes."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.dense = nn.Linear(64, 5)

    def forward(self, x):
        y = torch.tanh(self.conv(x))
        return torch.log_softmax(self.dense(y.view(y.size(0), -1)), 1)


class Unflattened(nn.Module):
    """Pixels in a row, made an image."""

    def __init__(self):
        super().__init__()
        self.rest = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(48, 2))

    def forward(self, x):
        return self.rest(x.view(-1, 2, 6, 6))


class Block(nn.Module):
    def __init__(self, inner, side=None):
        super().__init__()
        self.inner, self.side = inner, side

    def forward(self, x):
        return self.inner(x) + (x if self.side is None else self.side(x))


def torch_modules():
    conv = nn.Conv2d
    yield "mlp", nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)), (2, 4)
    yield (
        "pictures without convolution",
        nn.Sequential(nn.Flatten(), nn.Linear(32, 3), nn.Softmax(1)),
        (2, 2, 4, 4),
    )
    yield (
        "norms",
        nn.Sequential(
            *(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ELU(0.7), nn.Linear(6, 5)),
            *(nn.LayerNorm(5), nn.GELU(approximate="tanh"), nn.Softplus()),
        ),
        (2, 4),
    )
    yield (
        "flattened and normalised",
        nn.Sequential(
            *(conv(1, 3, 3), nn.Sigmoid(), nn.Flatten(), nn.BatchNorm1d(48)),
            *(nn.LeakyReLU(0.3), nn.LayerNorm(48), nn.Linear(48, 2)),
        ),
        (2, 1, 6, 6),
    )
    yield (
        "pools",
        nn.Sequential(
            *(conv(2, 4, 3, groups=2, dilation=2), nn.BatchNorm2d(4)),
            *(nn.MaxPool2d(3, 2, padding=1), nn.AvgPool2d(2, ceil_mode=True)),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(4, 2)),
        ),
        (2, 2, 11, 11),
    )
    inner = nn.Sequential(conv(2, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3))
    yield (
        "residual",
        nn.Sequential(
            Block(inner, conv(2, 3, 1)),
            *(nn.ReLU(), Block(conv(3, 3, 1)), nn.PReLU(), nn.Flatten()),
            nn.Linear(48, 2),
        ),
        (2, 2, 4, 4),
    )
    yield "shapes", Shaped(), (2, 3, 8, 8)
    yield "unflattened", Unflattened(), (2, 72)


TORCH_MODULES = list(torch_modules())


@pytest.mark.parametrize("dynamic", [True, False])
@pytest.mark.parametrize("opset", [11, 17, 20])
@pytest.mark.parametrize("name", [name for name, *_ in TORCH_MODULES])
def test_modules_of_torch(name, opset, dynamic):
    torch.manual_seed(0)
    module, shape = next((m, s) for n, m, s in torch_modules() if n == name)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            for array in (part.weight, part.bias, part.running_mean, part.running_var):
                nn.init.uniform_(array, 0.5, 1.5)
    x = numbers(*shape)
    content = exported(module, shape, opset, dynamic=dynamic)
    reading = agree(content, x)
    if len(shape) == 4 and name != "pictures without convolution":
        assert reading.network.input_shape == (*shape[2:], shape[1])
    (answer,) = run(content, {"x": x})
    with torch.no_grad():
        expected = module.eval()(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(answer, expected, rtol=0, atol=CLOSE)


# -- what could come from anywhere ----------------------------------------------------


def image_to_two(*nodes, **constants):
    """Return nodes between an image x (N, 2, 6, 6) and a dense layer after its mean."""
    end = nodes[-1]
    last = end[2] if isinstance(end, tuple) else end.output[0]
    rest = (
        ("GlobalAveragePool", last, "mean"),
        ("Flatten", "mean", "flat"),
        ("MatMul", "flat W", "y"),
    )
    return graph(
        [*nodes, *rest], ["N", 2, 6, 6], [("W", numbers(2, 2)), *constants.items()]
    )


W = numbers(2, 2, 3, 3, seed=1)
ZERO = np.float32(0)
PADS = np.array([0, 0, 1, 0, 0, 0, 1, 1])


@pytest.mark.parametrize(
    ("content", "layers"),
    [
        (  # zeros that stand on their own
            image_to_two(
                node("Pad", "x pads", "p"),
                ("Conv", "p W2", "c"),
                pads=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
                W2=W,
            ),
            "Conv2D",
        ),
        (
            image_to_two(("Conv", "x W2 b", "c"), W2=W, b=numbers(2)),
            "Conv2D",
        ),
        (  # "same", in TensorFlow's words
            image_to_two(
                node("Conv", "x W2", "c", auto_pad="SAME_UPPER", strides=[2, 2]), W2=W
            ),
            "Conv2D",
        ),
        (  # a maximum beside −infinity
            image_to_two(
                node("Pad", "x pads least", "p"),
                node("MaxPool", "p", "c", kernel_shape=[2, 2], strides=[2, 2]),
                pads=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
                least=np.float32(-np.inf),
            ),
            "MaxPool2D",
        ),
        (  # more windows than fit
            image_to_two(
                node("AveragePool", "x", "c", kernel_shape=[4, 4], ceil_mode=1,
                     strides=[3, 3])
            ),
            "AveragePool2D",
        ),
        (image_to_two(node("Clip", "x zero", "c"), zero=ZERO), "ReLU"),
        (
            image_to_two(("PRelu", "x slope", "c"), slope=numbers(1) * 0 + 0.25),
            "LeakyReLU",
        ),
        (image_to_two(node("Dropout", "x", "c")), ""),
        (  # scale and shift of each channel
            image_to_two(
                ("Mul", "x s", "m"), ("Add", "b m", "c"),
                s=numbers(2, 1, 1), b=numbers(1, 2, 1, 1),
            ),
            "BatchNorm",
        ),
        (  # by the channel, in ways that come to nothing
            image_to_two(
                ("Sub", "x s", "m"), ("Neg", "m", "n"), ("Sub", "s n", "c"),
                s=np.float32(0),
            ),
            "",
        ),
        (  # twice itself
            image_to_two(("Relu", "x", "r"), ("Add", "r r", "c")),
            "ReLU BatchNorm",
        ),
        (  # a residual block whose shortcut comes first
            image_to_two(
                ("Relu", "x", "a"), ("Tanh", "a", "t"), ("Add", "a t", "c"),
            ),
            "ReLU Residual",
        ),
        (  # GELU by its formula, with a power and a division
            image_to_two(
                ("Pow", "x three", "p"), ("Mul", "p k", "q"), ("Add", "q x", "r"),
                ("Mul", "r s", "u"), ("Tanh", "u", "t"), ("Add", "one t", "v"),
                ("Mul", "x v", "w"), ("Div", "w two", "c"),
                three=np.float32(3), k=np.float32(0.044715), s=np.float32(0.7978846),
                one=np.float32(1), two=np.float32(2),
            ),
            "GELU",
        ),
    ],
)  # fmt: skip
def test_what_is_recognised(content, layers):
    reading = agree(content, numbers(3, 2, 6, 6))
    assert layers_of(reading) == [*layers.split(), "GlobalAveragePool2D", "Dense"]
    assert reading.network.input_shape == (6, 6, 2)


def dense(*nodes, shape=("N", 4), opset=17, code=FLOAT, **constants):
    return graph(nodes, list(shape), list(constants.items()), opset=opset, code=code)


@pytest.mark.parametrize(
    ("content", "layers"),
    [
        (
            dense(
                node("Gemm", "x W b", "y", alpha=2.0, beta=0.5, transB=1),
                W=numbers(3, 4),
                b=numbers(1, 3),
            ),
            "Dense",
        ),
        (dense(("Gemm", "x W", "y"), W=numbers(4, 3)), "Dense"),
        (  # a weight that is computed when the model starts
            dense(
                node("Transpose", "W", "T"),
                ("Identity", "T", "U"),
                ("MatMul", "x U", "m"),
                ("Add", "b m", "y"),
                W=numbers(3, 4),
                b=numbers(3),
            ),
            "Dense",
        ),
        (  # ranges of the data, before anything else
            dense(
                ("Sub", "x low", "a"),
                ("Div", "a wide", "b"),
                ("MatMul", "b W", "y"),
                low=numbers(4),
                wide=np.full(4, 2, "f4"),
                W=numbers(4, 2),
            ),
            "BatchNorm Dense",
        ),
        (  # one more column of ones, in effect
            dense(
                ("MatMul", "x W", "m"),
                ("Mul", "m s", "n"),
                ("Add", "n b", "o"),
                ("Relu", "o", "y"),
                W=numbers(4, 2),
                s=numbers(2),
                b=numbers(2, seed=3),
            ),
            "Dense ReLU",
        ),
        (
            dense(
                node("LayerNormalization", "x g", "y", epsilon=0.001),
                g=numbers(4),
            ),
            "LayerNorm",
        ),
        (dense(node("Softmax", "x", "s"), ("Log", "s", "y")), None),
        (
            dense(
                node("BatchNormalization", "x g b m v", "y", epsilon=0.01),
                **{name: np.abs(numbers(4, seed=i)) for i, name in enumerate("gbmv")},
            ),
            "BatchNorm",
        ),
        (
            dense(
                node("Cast", "x", "n", to=FLOAT),
                ("Div", "n most", "d"),
                ("MatMul", "d W", "y"),
                code=UINT8,
                most=np.float32(255),
                W=numbers(4, 2),
            ),
            "Dense",
        ),
        (  # bytes as they are
            dense(
                node("Cast", "x", "n", to=FLOAT),
                ("MatMul", "n W", "y"),
                code=UINT8,
                W=numbers(4, 2) / 100,
            ),
            "BatchNorm Dense",
        ),
        (  # samples of several rows
            dense(
                node("Flatten", "x", "f"),
                ("MatMul", "f W", "y"),
                shape=("N", 3, 4),
                W=numbers(12, 2),
            ),
            "Flatten Dense",
        ),
        (  # a grey picture without its axis
            dense(
                node("Unsqueeze", "x one", "u"),
                ("Conv", "u W", "c"),
                node("Reshape", "c rows", "r"),
                ("MatMul", "r V", "y"),
                shape=("N", 4, 4),
                one=np.array([1]),
                W=numbers(2, 1, 3, 3),
                rows=np.array([-1, 8]),
                V=numbers(8, 2),
            ),
            "Conv2D Flatten Dense",
        ),
        (  # channels last, as in Keras
            dense(
                node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
                ("Conv", "t W", "c"),
                node("Transpose", "c", "u", perm=[0, 2, 3, 1]),
                ("Add", "u b", "v"),
                node("ReduceMean", "v", "m", axes=[1, 2], keepdims=0),
                ("MatMul", "m V", "y"),
                shape=("N", 5, 5, 3),
                W=numbers(2, 3, 3, 3),
                b=numbers(1, 1, 1, 2),
                V=numbers(2, 2),
            ),
            "Conv2D GlobalAveragePool2D Dense",
        ),
        (  # the mean of maps whose channels come first, its axes kept
            dense(
                node("ReduceMean", "x", "m", axes=[-1, 2]),
                node("Squeeze", "m axes", "s"),
                ("MatMul", "s V", "y"),
                shape=("N", 3, 5, 5),
                axes=np.array([2, 3]),
                V=numbers(3, 2),
            ),
            "GlobalAveragePool2D Dense",
        ),
    ],
)
def test_what_else_is_recognised(content, layers):
    (entry,) = load(content).inputs
    x = numbers(*[n if isinstance(n, int) else 3 for n in entry.shape])
    if entry.code == UINT8:
        x = np.random.default_rng(0).integers(0, 256, x.shape, dtype=np.uint8)
    if layers is None:
        with pytest.raises(OnnxError):
            read(content)
        return
    assert layers_of(agree(content, x)) == layers.split()


def test_images_as_outputs():
    """They come as the model has them, if they are restored."""
    content = dense(
        node("Conv", "x W", "c", pads=[1, 1, 1, 1]),
        ("Relu", "c", "y"),
        shape=("N", 3, 5, 4),
        W=numbers(2, 3, 3, 3),
    )
    x = numbers(2, 3, 5, 4)
    reading = agree(content, x)
    assert reading.network.output_shape == (5, 4, 2)
    assert reading.restore(numbers(2, 5, 4, 2)).shape == (2, 2, 5, 4)
    content = dense(
        node("Conv", "x W", "c"),
        ("GlobalAveragePool", "c", "y"),
        shape=("N", 3, 5, 4),
        W=numbers(2, 3, 3, 3),
    )
    reading = agree(content, x)
    assert reading.network.output_shape == (2,)
    assert reading.restore(numbers(3, 2)).shape == (3, 2, 1, 1)


def formula(*nodes, **constants):
    """Return a model of nodes from x (N, 4) to y with eps, two and g at hand."""
    given = {"eps": np.float32(0.01), "two": np.float32(2), "g": numbers(4)}
    return dense(*nodes, **given, **constants)


MEAN = node("ReduceMean", "x", "m", axes=[-1])
CENTRED = ("Sub", "x m", "d")
VARIANCE = node("ReduceMean", "q", "v", axes=[1])


@pytest.mark.parametrize(
    "nodes",
    [
        (
            ("Mul", "d d", "q"), VARIANCE, ("Add", "eps v", "e"), ("Sqrt", "e", "s"),
            ("Div", "d s", "n"), ("Mul", "g n", "o"), ("Add", "o g", "y"),
        ),
        (
            ("Pow", "d two", "q"), VARIANCE, ("Add", "v eps", "e"),
            ("Pow", "e half", "s"), ("Reciprocal", "s", "r"), ("Mul", "d r", "y"),
        ),
        (
            ("Pow", "d two", "q"), VARIANCE, ("Add", "v eps", "e"),
            ("Pow", "e inverse", "r"), ("Mul", "r g", "k"), ("Mul", "k d", "y"),
        ),
        (  # as TensorFlow spreads it
            ("Mul", "d d", "q"), VARIANCE, ("Add", "v eps", "e"), ("Sqrt", "e", "s"),
            ("Pow", "s minus", "r"), ("Mul", "r g", "k"), ("Mul", "x k", "a"),
            ("Neg", "m", "l"), ("Mul", "l k", "b"), ("Sum", "a b", "c"),
            ("Sub", "c g", "y"),
        ),
    ],
)  # fmt: skip
def test_layer_normalisations_that_are_spelled_out(nodes):
    halves = {"half": 0.5, "inverse": -0.5, "minus": -1}
    constants = {name: np.float32(v) for name, v in halves.items()}
    content = formula(MEAN, CENTRED, *nodes, **constants)
    reading = agree(content, numbers(3, 4))
    assert layers_of(reading) == ["LayerNorm"]
    assert reading.network.layers[0].epsilon == 0.01


@pytest.mark.parametrize(
    "nodes",
    [
        # The square, not the centred square; another mean; two of them.
        (("Mul", "x x", "q"), VARIANCE, ("Add", "v eps", "e"), ("Sqrt", "e", "s"),
         ("Div", "x s", "y")),
        (MEAN, CENTRED, ("Mul", "d d", "q"), VARIANCE, ("Sqrt", "v", "s"),
         ("Div", "d s", "y")),
        (MEAN, CENTRED, ("Mul", "d d", "q"), VARIANCE, ("Add", "v eps", "e"),
         ("Sqrt", "e", "s"), ("Div", "x s", "y")),
        (node("ReduceMean", "x", "m", axes=[0]), CENTRED, ("Mul", "d g", "y")),
        (node("ReduceMean", "x", "m", axes=[-1], keepdims=0), ("Mul", "x g", "a"),
         ("Sub", "a m", "y")),
        (MEAN, CENTRED, ("Tanh", "d", "t"), ("Mul", "t x", "y")),
        (("Tanh", "x", "t"), ("Tanh", "t", "u"), ("Mul", "u x", "v"),
         ("Mul", "v t", "y")),
        (("Pow", "x g", "a"), ("Mul", "a x", "y")),
        (("Pow", "x seven", "y"),),
        (("Div", "g x", "y"),),
        (("Div", "x none", "y"),),
        (("Mul", "x x", "a"), ("Add", "a x", "y")),
        (("Add", "x words", "y"),),
        (("Sqrt", "x", "y"),),
        (("Neg", "x", "a"), ("Mul", "a five", "y")),
        (("Mul", "x g", "a"), ("Sub", "a long", "b"), ("Mul", "b x", "y")),
        (("Add", "x batch", "a"), ("Mul", "a x", "y")),
    ],
)  # fmt: skip
def test_formulas_that_are_no_layer(nodes):
    constants = {
        "seven": np.float32(7),
        "none": np.zeros(4, "f4"),
        "words": np.array([True, False, True, False]),
        "five": np.ones((1, 1, 1, 1, 1), "f4"),
        "long": numbers(7, 1),
        "batch": numbers(3, 4),
    }
    used = {name for one in nodes for name in inputs_of(one)}
    content = formula(*nodes, **{k: v for k, v in constants.items() if k in used})
    with pytest.raises(OnnxError, match="no layer of Ardoise"):
        read(content)


def inputs_of(one):
    return one[1].split() if isinstance(one, tuple) else one.input


def test_opset_6_is_for_run_alone():
    content = dense(("MatMul", "x W", "y"), opset=6, W=numbers(4, 2))
    with pytest.raises(OnnxError, match="opset 6, and Ardoise knows opsets 7 to 28"):
        read(content)
    assert run(content, {"x": numbers(1, 4)})[0].shape == (1, 2)


def test_two_classes():
    """Probabilities 1 − p and p are the softmax of (0, z)."""
    nodes = [
        ("MatMul", "x W", "z"),
        ("Sigmoid", "z", "p"),
        ("Sub", "one p", "q"),
        node("Concat", "q p", "y", axis=-1),
    ]
    constants = [("W", numbers(4, 1)), ("one", np.float32(1))]
    reading = agree(graph(nodes, ["N", 4], constants), numbers(3, 4))
    assert reading.ending == "softmax"
    assert reading.network.output_shape == (2,)
    with pytest.raises(OnnxError, match="no layer of Ardoise"):  # 2 − p and p
        read(graph(nodes, ["N", 4], [constants[0], ("one", np.float32(2))]))


def test_outputs_are_chosen():
    nodes = [
        ("MatMul", "x W", "a"),
        ("Relu", "a", "b"),
        ("MatMul", "b V", "logits"),
        ("Erf", "b", "c"),
    ]
    constants = [("W", numbers(4, 3)), ("V", numbers(3, 2))]
    content = graph(nodes, ["N", 4], constants, outputs=("c", "b", "logits"))
    x = numbers(3, 4)
    assert agree(content, x).output == "logits"
    assert layers_of(agree(content, x, "b")) == ["Dense", "ReLU"]
    with pytest.raises(OnnxError, match=r"Node c \(Erf\) does what no layer"):
        read(content, output="c")
    with pytest.raises(OnnxError, match="Nothing in the model is called d"):
        read(content, output="d")
    content = graph(nodes, ["N", 4], constants, outputs=("c", "b"))
    assert agree(content, x).output == "b"


def test_two_classes_of_something_else_than_a_dense_layer():
    nodes = [
        ("Relu", "x", "z"),
        ("Sigmoid", "z", "p"),
        ("Sub", "one p", "q"),
        node("Concat", "q p", "y", axis=1),
    ]
    with pytest.raises(OnnxError, match=r"Node z \(Relu\) does what no layer"):
        read(graph(nodes, ["N", 1], [("one", np.float32(1))]))


def test_a_text_is_no_weight():
    model = onnx.load_from_string(dense(("MatMul", "x W", "y"), W=numbers(4, 2)))
    model.graph.initializer[0].CopyFrom(
        helper.make_tensor("W", TensorProto.STRING, [1], [b"a"])
    )
    with pytest.raises(OnnxError, match="W does not hold numbers of a type"):
        read(model.SerializeToString())


def test_an_image_that_is_scaled_before_it_is_one():
    """All pixels alike: the image is scaled; each its own way: that is no layer."""
    constants = {"W": numbers(2, 1, 2, 2), "V": numbers(18, 2)}

    def model(s):
        return dense(
            ("Mul", "x s", "a"),
            node("Reshape", "a n", "b"),
            ("Conv", "b W", "c"),
            ("Flatten", "c", "f"),
            ("MatMul", "f V", "y"),
            shape=("N", 16),
            s=s,
            n=np.array([-1, 1, 4, 4]),
            **constants,
        )

    reading = agree(model(np.float32(0.5)), numbers(2, 16))
    assert layers_of(reading) == "BatchNorm Conv2D Flatten Dense".split()
    assert reading.network.input_shape == (4, 4, 1)
    with pytest.raises(OnnxError, match=r"Node b \(Reshape\) does what no layer"):
        read(model(numbers(16)))


def test_half_precision():
    """Half-precision weights are read exactly, into float32."""
    w = numbers(4, 3).astype(np.float16)
    nodes = [node("Cast", "W", "V", to=FLOAT), ("MatMul", "x V", "y")]
    reading = agree(graph(nodes, ["N", 4], [("W", w)]), numbers(2, 4))
    np.testing.assert_array_equal(reading.network.layers[0].W, w.astype(np.float32))


# -- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (dense(("Sin", "x", "y")), "Node y (Sin) does what no layer of Ardoise does"),
        (
            dense(("Softmax", "x", "s"), ("Relu", "s", "y")),
            "Node s (Softmax) does what no layer",
        ),
        (dense(node("Gelu", "x", "y"), opset=20), "because of its setting approximate"),
        (
            dense(  # the form with erf
                ("Mul", "x r", "a"), ("Erf", "a", "e"), ("Add", "e one", "b"),
                ("Mul", "x b", "y"),
                r=np.float32(0.7071), one=np.float32(1),
            ),
            "Node e (Erf) does what no layer",
        ),
        (
            dense(node("Clip", "x zero six", "y"), zero=ZERO, six=ZERO + 6),
            "Node y (Clip) cannot become a layer of Ardoise because of its setting max",
        ),
        (dense(node("LeakyRelu", "x", "y", alpha=-1.0)), "(LeakyRelu) does what no"),
        (dense(("MatMul", "W x", "y"), W=numbers(2, 3)), "(MatMul) does what no layer"),
        (
            dense(("MatMul", "x W", "y"), shape=("N", 3, 4), W=numbers(4, 2)),
            "Node y (MatMul) reads the axes of its input in an order",
        ),
        (
            dense(node("Conv", "x W", "y"), shape=("N", 3, 9), W=numbers(2, 3, 3)),
            "(Conv)",
        ),
        (
            dense(
                node("Conv", "x W", "y", pads=[2, 0, 0, 0]),
                shape=("N", 1, 9, 9), W=numbers(2, 1, 3, 3),
            ),
            "because of its setting pads",
        ),
        (
            dense(
                node("AveragePool", "x", "y", kernel_shape=[2, 2], pads=[1, 1, 1, 1],
                     count_include_pad=1),
                shape=("N", 1, 9, 9),
            ),
            "because of its setting count_include_pad",
        ),
        (
            dense(
                node("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[2, 2]),
                shape=("N", 1, 9, 9),
            ),
            "because of its setting dilations",
        ),
        (  # zeros are no padding of a maximum
            dense(
                node("Pad", "x pads", "p"),
                node("MaxPool", "p", "y", kernel_shape=[2, 2]),
                shape=("N", 1, 9, 9), pads=PADS,
            ),
            "Node y (MaxPool) does what no layer",
        ),
        (
            dense(("Add", "x b", "y"), shape=("N", 1, 3, 3), b=numbers(3, 3)),
            "Node y (Add) does what no layer",
        ),
        (dense(("Add", "x b", "y"), b=numbers(2, 4)), "(Add) does what no layer"),
        (dense(("Relu", "x", "y"), shape=("N", "M")), "samples of one known shape"),
        (dense(("Identity", "x", "y")), "No output of the model is computed"),
        (dense(("Identity", "W", "y"), W=numbers(2)), "No output of the model"),
        (
            dense(("MatMul", "x W", "y"), W=np.full((4, 2), np.nan, "f4")),
            "weights that are NaN or infinite",
        ),
        (  # a residual block whose branches differ in the order of their axes
            dense(
                node("Transpose", "x", "t", perm=[0, 2, 1, 3]), ("Relu", "x", "r"),
                ("Add", "t r", "y"), shape=("N", 3, 3, 3),
            ),
            "Node y (Add) does what no layer",
        ),
        (
            dense(  # a flattened image, whose numbers stand in another order
                node("Conv", "x W", "c"), node("Flatten", "c", "y"),
                shape=("N", 1, 5, 5), W=numbers(2, 1, 3, 3),
            ),
            "Node y (Flatten) does what no layer",
        ),
        (
            dense(
                node("BatchNormalization", "x a a a v", "y"),
                a=numbers(4), v=np.full(4, -1, "f4"),
            ),
            "Node y (BatchNormalization) does what no layer",
        ),
        (
            dense(("MatMul", "x W", "y"), W=np.ones((4, 2), np.int64)),
            "Node y (MatMul) does what no layer",
        ),
        (
            dense(("ai.onnx.ml.Normalizer", "x", "y")),
            "Node y (ai.onnx.ml.Normalizer) does what no layer",
        ),
        (
            dense(("Gemm", "x W C", "y"), W=numbers(4, 2), C=numbers(2, 1)),
            "Node y (Gemm) does what no layer",
        ),
        (
            dense(node("Gemm", "x W", "y", transA=1), W=numbers(4, 2)),
            "because of its setting transA",
        ),
        (
            dense(node("Conv", "x W", "y", kernel_shape=[2, 2]),
                  shape=("N", 1, 5, 5), W=numbers(2, 1, 3, 3)),
            "Node y (Conv) does what no layer",
        ),
        (
            dense(node("Conv", "x W", "y", strides=[0, 1]),
                  shape=("N", 1, 5, 5), W=numbers(2, 1, 3, 3)),
            "Node y (Conv) does what no layer",
        ),
        (
            dense(
                node("Dropout", "x r t", "y"), r=np.float32(0.5), t=np.array(True),
            ),
            "because of its setting training_mode",
        ),
        (
            dense(
                node("BatchNormalization", "x a a a a", "y", training_mode=1),
                a=numbers(4),
            ),
            "because of its setting training_mode",
        ),
        (
            dense(
                node("BatchNormalization", "x a a a a", "y", spatial=0), a=numbers(4),
                opset=7,
            ),
            "because of its setting spatial",
        ),
        (
            dense(node("LayerNormalization", "x g", "y", axis=0), g=numbers(4)),
            "because of its setting axis",
        ),
        (dense(node("Cast", "x", "y", to=INT64)), "because of its setting to"),
        (dense(("PRelu", "x s", "y"), s=numbers(4)), "(PRelu) does what no layer"),
        (dense(node("Flatten", "x", "y", axis=0)), "because of its setting axis"),
        (dense(node("Reshape", "x n", "y"), n=np.array([-1, -1])), "(Reshape) does"),
        (dense(node("Reshape", "x n", "y"), n=np.array([-1, 3])), "(Reshape) does"),
        (dense(node("Reshape", "x n", "y"), n=np.array([2, -1])), "(Reshape) does"),
        (
            dense(("Relu", "x", "r"), node("Reshape", "r n", "y"),
                  n=np.array([-1, 2, 2])),
            "Node y (Reshape) does what no layer",
        ),
        (dense(node("Reshape", "x n", "y"), n=numbers(2)), "(Reshape) does what no"),
        (dense(node("Squeeze", "x n", "y"), n=np.array([5])), "(Squeeze) does what no"),
        (dense(node("Unsqueeze", "x n", "y"), n=np.array([5])), "(Unsqueeze) does"),
        (dense(node("Transpose", "x", "y", perm=[0, 0])), "(Transpose) does what no"),
        (
            dense(("Relu", "x", "r"), node("Transpose", "r", "t", perm=[1, 0]),
                  node("Flatten", "t", "y", axis=1)),
            "does what no layer",
        ),
        (
            dense(node("ReduceMean", "x", "y", axes=[1]), shape=("N", 3, 5, 5)),
            "because of its setting axes",
        ),
        (
            dense(node("ReduceMean", "x", "y", axes=[7]), shape=("N", 3, 5, 5)),
            "Node y (ReduceMean) does what no layer",
        ),
        (
            dense(
                node("Pad", "x p", "y", mode="reflect"), shape=("N", 1, 5, 5),
                p=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
            ),
            "because of its setting mode",
        ),
        (
            dense(node("Pad", "x p", "y"), shape=("N", 1, 5, 5), p=np.array([1, 1])),
            "Node y (Pad) does what no layer",
        ),
        (
            dense(
                node("Pad", "x p", "q"), ("Relu", "q", "y"), shape=("N", 1, 5, 5),
                p=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
            ),
            "Node y (Relu) does what no layer",
        ),
        (
            dense(
                node("Pad", "x p", "q"), ("Mul", "q q2", "y"), shape=("N", 1, 5, 5),
                p=np.array([0, 0, 1, 1, 0, 0, 1, 1]), q2=np.float32(2),
            ),
            "Node y (Mul) does what no layer",
        ),
        (  # the index of the maximum, not the maximum
            graph(
                [
                    helper.make_node("MaxPool", ["x"], ["m", "i"], kernel_shape=[2, 2]),
                    node("Cast", "i", "f", to=FLOAT), ("Relu", "f", "y"),
                ],
                ["N", 1, 5, 5],
            ),
            "(MaxPool) does what no layer",
        ),
        (  # a weight that takes a product
            dense(("MatMul", "V V", "W"), ("MatMul", "x W", "y"), V=numbers(4, 4)),
            "Node W (MatMul) does what no layer",
        ),
        (dense(("Clip", "x g", "y"), g=numbers(4)), "(Clip) does what no layer"),
        (
            dense(("Mul", "x a", "v"), ("Mul", "v b", "y"), a=numbers(4), b=numbers(3)),
            "Node y (Mul) does what no layer",
        ),
        (
            dense(("Add", "x a", "v"), ("Mul", "v b", "w"), ("Mul", "w v", "y"),
                  a=numbers(4), b=numbers(3)),
            "Node y (Mul) does what no layer",
        ),
        (dense(("Shape", "", "s"), ("Reshape", "x s", "y")), "cannot compute what it"),
        (  # a shape that depends on the data
            dense(
                node("Cast", "x", "n", to=INT64), ("Reshape", "x n", "r"),
                ("Relu", "r", "y"),
            ),
            "does what no layer",
        ),
        (  # two that are joined
            dense(node("Concat", "x x", "y", axis=1)), "Node y (Concat) does what no",
        ),
        (
            dense(("Sigmoid", "x", "p"), ("Sub", "one p", "q"),
                  node("Concat", "q p", "y", axis=0), one=np.float32(1)),
            "Node y (Concat) does what no",
        ),
        (  # blocks within blocks
            dense(("Relu", "x", "v0"), *(n for i in range(12) for n in (
                ("Relu", f"v{i}", f"r{i}"),
                ("Add", f"x r{i}", f"v{i + 1}" if i < 11 else "y"))),
            ),
            "larger than a network can be",
        ),
        (  # twice the same weights, but only once in the file
            dense(*(("MatMul", f"{'x' if i == 0 else f'v{i}'} W",
                     "y" if i == 19 else f"v{i + 1}") for i in range(20)),
                  shape=("N", 250), W=numbers(250, 250)),
            "asks for more than",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(content, sentence):
    with pytest.raises(OnnxError) as caught:
        read(content)
    assert sentence in str(caught.value)
    assert caught.value.sentence("fr") != str(caught.value)


def test_two_inputs():
    model = onnx.load_from_string(dense(("Add", "x z", "y")))
    model.graph.input.append(helper.make_tensor_value_info("z", FLOAT, ["N", 4]))
    with pytest.raises(OnnxError, match="depends on several inputs"):
        read(model.SerializeToString())


@pytest.mark.parametrize("count", [400, 600])
def test_many_layers(count):
    names = ["x", *(f"v{i}" for i in range(count - 1)), "y"]
    nodes = [("Tanh", a, b) for a, b in pairwise(names)]
    if count < 500:
        assert len(read(dense(*nodes)).network.layers) == count
    else:
        with pytest.raises(OnnxError, match="at most 500"):
            read(dense(*nodes))
