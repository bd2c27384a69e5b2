"""Each formula, computed again from its leaves, gives the network's own number."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from looked_at import computed, shaken

import ardoise
from ardoise import Network
from ardoise.engine.layers import LAYERS, layer_from_config
from ardoise.engine.losses import SoftmaxCrossEntropy, log_softmax, softmax
from ardoise.slate.excerpts import (
    BACKWARD,
    FORWARD,
    PAIRS,
    PAIRS_BACK,
    Excerpt,
    backward_code_of,
    code_of,
    find,
)
from ardoise.slate.formulas import (
    FORMULAS,
    MOST_TERMS,
    formula,
    loss_formula,
    softmax_formula,
)
from ardoise.slate.slopes import (
    GRADIENTS,
    gradient_formula,
    loss_slope,
    slope_formula,
)
from ardoise.slate.walk import Walk

ROOT = Path(ardoise.__file__).parents[1]
INNER = [{"type": "Conv2D", "filters": 2, "kernel_size": 3, "padding": "same"}]

# Layers in the ways that change their arithmetic, each with the shape that it reads.
CASES = {
    "Dense": ({"units": 5}, (40,)),
    "Dense, no bias": ({"units": 5, "use_bias": False}, (7,)),
    "Conv2D": ({"filters": 3, "kernel_size": 3}, (8, 9, 2)),
    "Conv2D, padded": (
        {"filters": 2, "kernel_size": [3, 5], "padding": "same", "use_bias": False},
        (7, 6, 1),
    ),
    "Conv2D, strides": (
        {"filters": 2, "kernel_size": 3, "stride": 2, "dilation": 2, "padding": 1},
        (11, 9, 1),
    ),
    "Conv2D, groups": ({"filters": 6, "kernel_size": 2, "groups": 3}, (5, 5, 6)),
    "MaxPool2D": ({}, (6, 7, 3)),
    "MaxPool2D, padded": (
        {"pool_size": 3, "stride": 2, "padding": 1},
        (7, 7, 2),
    ),
    "MaxPool2D, large": ({"pool_size": 4}, (8, 8, 2)),
    "AveragePool2D": ({"pool_size": 3, "stride": 2, "padding": 1}, (7, 8, 2)),
    "GlobalAveragePool2D": ({}, (5, 6, 3)),
    "Residual": ({"layers": INNER, "shortcut": []}, (6, 5, 2)),
    "Residual, shortcut": (
        {
            "layers": [{"type": "Dense", "units": 4}, {"type": "ReLU"}],
            "shortcut": [{"type": "Dense", "units": 4}],
        },
        (9,),
    ),
    "ReLU": ({}, (30,)),
    "LeakyReLU": ({"negative_slope": 0.2}, (4, 4, 2)),
    "ELU": ({"alpha": 1.5}, (30,)),
    "GELU": ({}, (30,)),
    "Tanh": ({}, (30,)),
    "Sigmoid": ({}, (30,)),
    "Softplus": ({}, (30,)),
    "Dropout": ({"rate": 0.5}, (4, 4, 2)),
    "SpatialDropout2D": ({"rate": 0.5}, (4, 4, 2)),
    "BatchNorm": ({}, (4, 4, 3)),
    "BatchNorm, rows": ({}, (12,)),
    "LayerNorm": ({}, (3, 3, 20)),
    "Flatten": ({}, (3, 4, 2)),
}
each_case = pytest.mark.parametrize("case", CASES)


def network_of(case):
    config, shape = CASES[case]
    layer = layer_from_config({"type": case.partition(",")[0], **config})
    return shaken([layer], shape)


def sample(network):
    """Return a sample with many zeros, as behind a ReLU, and both signs."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((1, *network.input_shape)).astype(network.dtype)
    return x * (rng.random(x.shape) < 0.7)


def places(shape, n=12):
    """Return some places of an array, the first and the last among them."""
    size = math.prod(shape)
    chosen = {0, size - 1, *np.random.default_rng(2).integers(size, size=n).tolist()}
    return [tuple(int(i) for i in np.unravel_index(k, shape)) for k in sorted(chosen)]


def leaves(node):
    if "of" not in node:
        yield node
    for child in node.get("of", []):
        yield from leaves(child)


def test_every_layer_has_a_formula_and_its_lines():
    assert {case.partition(",")[0] for case in CASES} == set(LAYERS)
    assert set(FORMULAS) == set(LAYERS)
    assert set(FORWARD) == {*LAYERS, "softmax", "loss"}


@each_case
def test_the_formula_gives_what_the_network_gives(case):
    network = network_of(case)
    x = sample(network)
    given = network.predict_logits(x)[0]  # as the engine does it, outside training
    walk = Walk.through(network)
    (piece,) = walk.pieces
    scale = float(np.abs(given).max())
    for index in places(network.output_shape):
        tree = formula(piece, x[0], index)
        assert computed(tree) == pytest.approx(given[index], rel=1e-4, abs=1e-5 * scale)
        assert json.loads(json.dumps(tree)) == tree


@each_case
def test_leaves_are_the_numbers_that_they_name(case):
    network = network_of(case)
    x = sample(network)
    (piece,) = Walk.through(network).pieces
    arrays = {"x": x[0], **piece.arrays()}
    seen = set()
    for index in places(network.output_shape):
        for leaf in leaves(formula(piece, x[0], index)):
            if leaf["is"] == "value" and leaf["name"] in arrays:
                found = arrays[leaf["name"]][tuple(leaf["index"])]
                assert leaf["value"] == found
                seen.add(leaf["name"])
    own = set(arrays) if "Residual" not in case else set()
    assert seen >= own


def test_of_a_long_sum_the_largest_terms_are_shown():
    network = shaken([layer_from_config({"type": "Dense", "units": 3})], (200,))
    x = sample(network)
    (piece,) = Walk.through(network).pieces
    *terms, rest, bias = formula(piece, x[0], (1,))["of"]
    products = np.sort(np.abs(x[0] * piece.layer.W[:, 1]))[::-1]
    shown = [abs(term["value"]) for term in terms]
    assert len(shown) == MOST_TERMS == 12
    assert shown == pytest.approx(products[:MOST_TERMS].tolist(), rel=1e-6)
    assert (rest["is"], rest["count"]) == ("rest", 200 - MOST_TERMS)
    assert bias["name"] == "b"


@pytest.mark.parametrize("k", range(4))
def test_softmax_and_the_loss(k):
    z = np.array([[2.0, -1.0, 30.0, 29.0]], np.float32)
    assert computed(softmax_formula(z[0], k)) == pytest.approx(
        float(softmax(z)[0, k]), rel=1e-4
    )
    loss, _ = SoftmaxCrossEntropy()(z, np.array([k]), scale=1.0)
    assert computed(loss_formula(z[0], k)) == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan, 3e38])
@each_case
def test_a_broken_network_has_formulas_too(case, wrong):
    network = network_of(case)
    network.theta[...] = wrong
    walk = Walk.through(network)
    x = np.full((1, *network.input_shape), 2, np.float32)
    index = tuple(n - 1 for n in network.output_shape)
    with np.errstate(all="ignore"):
        tree = formula(walk.pieces[0], x[0], index)
    assert isinstance(tree["value"], float)


@pytest.mark.parametrize("z", [[np.inf, 0], [np.nan, 0], [-np.inf, -np.inf]])
def test_broken_outputs_have_formulas_too(z):
    outputs = np.array(z, np.float32)
    for about in (softmax_formula, loss_formula):
        assert math.isnan(about(outputs, 0)["value"])


def passed_back(case):
    """Return a piece, what it read, ∂loss/∂ of what it gave, and of what it read."""
    network = network_of(case)
    x = sample(network)
    walk = Walk.through(network)
    y = walk.forward(x, keep=True)[-1]
    dy = np.random.default_rng(3).standard_normal(y.shape).astype(y.dtype)
    return walk.pieces[0], x[0], dy[0], walk.backward(dy)[0][0]


@pytest.mark.parametrize(
    "case", [c for c in CASES if any(c.split(",")[0] == k for k, _ in GRADIENTS)]
)
def test_the_formula_of_a_slope_gives_what_flows_to_a_weight(case):
    piece, x, dy, _ = passed_back(case)
    for name, gradient in piece.gradients().items():
        scale = float(np.abs(gradient).max())
        for index in places(gradient.shape):
            found = computed(gradient_formula(piece, x, dy, name, index))
            assert found == pytest.approx(gradient[index], rel=1e-4, abs=1e-5 * scale)


@each_case
def test_the_formula_of_a_slope_gives_what_flows_to_a_number(case):
    piece, x, dy, dx = passed_back(case)
    scale = float(np.abs(dx).max())
    for index in places(dx.shape):
        found = computed(slope_formula(piece, x, dy, index))
        assert found == pytest.approx(dx[index], rel=1e-4, abs=1e-5 * scale)


def test_the_slope_of_the_loss():
    z = np.array([[2.0, -1.0, 0.5]], np.float32)
    _, dz = SoftmaxCrossEntropy()(z, np.array([1]), scale=1.0)
    for k in range(3):
        found = computed(loss_slope(softmax(z)[0], 1, k))
        assert found == pytest.approx(float(dz[0, k]), rel=1e-4)


# -- lines of code ---------------------------------------------------------------------


def lines_run(act):
    """Return which lines of Ardoise an act runs, as (file, line)."""
    found = set()

    def trace(frame, event, _):
        file = frame.f_code.co_filename
        if not file.startswith(str(ROOT)):
            return None
        if event == "line":
            found.add((Path(file).relative_to(ROOT).as_posix(), frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return found


def assert_run(excerpt, ran):
    """Check that these very lines were run: the first, and those that hold a call."""
    lines = find(excerpt)
    here = {n for file, n in ran if file == lines.file}
    assert lines.first in here, lines
    shown = range(lines.first, lines.first + len(lines.lines))
    source = (ROOT / lines.file).read_text(encoding="utf-8").splitlines()
    for n, line in zip(shown, lines.lines, strict=True):
        assert source[n - 1].strip() == line.strip()
    assert len(here & set(shown)) > len(shown) / 3, lines


@each_case
def test_the_lines_that_are_shown_are_those_that_run(case):
    network = network_of(case)
    layer, x = network.layers[0], sample(network)
    ran = lines_run(lambda: network.predict_logits(x))
    shown = code_of(type(layer).__name__, layer)
    assert shown
    excerpts = FORWARD[type(layer).__name__]
    if case == "MaxPool2D":
        excerpts = (PAIRS,)
    if "no bias" in case or getattr(layer, "use_bias", True) is False:
        excerpts = excerpts[:1] if "Conv2D" in case else excerpts
    assert shown == [find(excerpt).config() for excerpt in excerpts]
    if (
        case == "Flatten"
    ):  # of a network that begins with it, rows are taken as they are
        return
    for excerpt in excerpts:
        assert_run(excerpt, ran)


def test_the_lines_of_flatten_run_behind_a_convolution():
    network = Network(
        [
            layer_from_config({"type": kind, **more})
            for kind, more in (
                ("Conv2D", {"filters": 2, "kernel_size": 3}),
                ("Flatten", {}),
            )
        ],
        (5, 5, 1),
        seed=0,
    )
    ran = lines_run(lambda: network.predict_logits(np.ones((1, 5, 5, 1), np.float32)))
    assert_run(FORWARD["Flatten"][0], ran)


def test_the_lines_of_softmax_and_of_the_loss_run():
    z = np.ones((1, 3), np.float32)
    assert_run(FORWARD["softmax"][0], lines_run(lambda: softmax(z)))
    loss = SoftmaxCrossEntropy()
    ran = lines_run(lambda: loss(z, np.array([1]), scale=1.0))
    assert_run(FORWARD["loss"][0], ran)
    assert_run(BACKWARD["loss", "z"], ran)


@each_case
def test_the_lines_of_slopes_are_those_that_run(case):
    network = network_of(case)
    walk = Walk.through(network)
    (piece,) = walk.pieces
    y = walk.forward(sample(network), keep=True)[-1]
    ran = lines_run(lambda: walk.backward(np.ones_like(y)))
    names = [] if "Residual" in case else list(piece.gradients())
    for name in ["x", *names]:
        excerpt = BACKWARD[piece.kind, name]
        if case == "MaxPool2D":
            excerpt = PAIRS_BACK
        found = backward_code_of(piece.kind, name, piece.layer)
        assert found == [find(excerpt).config()]
        assert_run(excerpt, ran)


def test_an_excerpt_whose_lines_are_gone_is_noticed():
    here = Excerpt(log_softmax, "log_p: Array = z - np.max", "return log_p")
    lines = find(here)
    assert lines.file == "ardoise/engine/losses.py"
    assert len(lines.lines) == 3 and lines.lines[2] == "return log_p"
    for lost in (
        here._replace(first="log_q"),
        here._replace(last="log_q"),
        here._replace(last="log_p"),  # three lines hold that
        here._replace(first="return log_p", last="log_p: Array"),  # it comes before
    ):
        with pytest.raises(LookupError):
            find(lost)


def test_an_excerpt_is_short():
    with pytest.raises(LookupError, match="lines"):
        find(Excerpt(Network.__init__, "def __init__", "entry.spec.initializer("))
    for excerpts in FORWARD.values():
        assert all(len(find(excerpt).lines) <= 12 for excerpt in excerpts)


def test_without_the_source_there_are_no_lines():
    code = compile("def nowhere():\n    return 1\n", "no such file", "exec")
    space = {}
    exec(code, space)
    assert find(Excerpt(space["nowhere"], "return", "return")) is None
