"""Convolutions and poolings against the plainest loops, errors, and other orders."""

import itertools

import numpy as np
import pytest
from check_layer import same

from ardoise.engine.arrays import to_layers
from ardoise.engine.errors import ShapeError
from ardoise.engine.layers import (
    AveragePool2D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePool2D,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Residual,
    SpatialDropout2D,
    Tanh,
)
from ardoise.engine.layers.windows import Windows
from ardoise.engine.network import Network


def naive(layer, x, W=None, b=None):
    """Return y (n, h', w', filters), pixel by pixel; windows cut at the border."""
    windows = Windows(
        x.shape[1:],
        layer.kernel_size if W is not None else layer.pool_size,
        layer.stride,
        layer.padding,
        layer.dilation if W is not None else (1, 1),
    )
    (up, across), (down, right) = windows.stride, windows.dilation
    y = np.zeros((len(x), *windows.output, x.shape[3] if W is None else W.shape[3]))
    for n, i, j, f in itertools.product(*map(range, y.shape)):
        seen = []
        for r, s in itertools.product(*map(range, windows.kernel)):
            row = i * up + r * down - windows.before[0]
            column = j * across + s * right - windows.before[1]
            if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
                seen.append((x[n, row, column], r, s))
        if W is None:
            values = [pixel[f] for pixel, _, _ in seen]
            y[n, i, j, f] = (max if isinstance(layer, MaxPool2D) else np.mean)(values)
        else:
            size, share = W.shape[2], W.shape[3] // layer.groups
            first = f // share * size
            y[n, i, j, f] = (0 if b is None else b[f]) + sum(
                pixel[first : first + size] @ W[r, s, :, f] for pixel, r, s in seen
            )
    return y


CONVOLUTIONS = [
    (Conv2D(3, 3), (5, 6, 1)),
    (Conv2D(3, (2, 3), stride=(2, 1)), (5, 6, 2)),
    (Conv2D(3, 3, padding="same"), (5, 6, 3)),
    (Conv2D(3, 2, padding="same", stride=2), (5, 6, 5)),
    (Conv2D(3, 4, padding="same", stride=3), (7, 6, 1)),
    (Conv2D(2, 3, padding=(2, 1), dilation=(1, 2)), (5, 6, 6)),
    (Conv2D(4, 3, stride=(1, 2), groups=2, use_bias=False), (5, 6, 4)),
    (Conv2D(5, 3, groups=5, padding=1), (4, 4, 5)),
    (Conv2D(10, 2, groups=5), (4, 4, 5)),
    (Conv2D(4, 1), (3, 4, 5)),
    (Conv2D(4, 1, stride=2), (3, 4, 5)),
    (Conv2D(4, (3, 1)), (4, 4, 6)),
    (Conv2D(2, (4, 5)), (4, 5, 2)),
    (Conv2D(2, (4, 5), use_bias=False), (4, 5, 7)),
]
POOLS = [
    (pool(**settings), shape)
    for pool in (MaxPool2D, AveragePool2D)
    for settings, shape in (
        ({}, (4, 6, 2)),
        ({}, (5, 7, 3)),
        ({"pool_size": 3}, (7, 7, 2)),
        ({"pool_size": (3, 2), "stride": 1}, (5, 4, 2)),
        ({"pool_size": 3, "stride": 2, "padding": 1}, (6, 5, 2)),
        ({"padding": "same"}, (5, 5, 2)),
        ({"pool_size": 4, "stride": 3, "padding": "same"}, (5, 8, 1)),
    )
]


@pytest.mark.parametrize(("layer", "shape"), CONVOLUTIONS + POOLS, ids=str)
def test_every_path_gives_what_loops_give(layer, shape):
    network = Network([layer.clone()], shape, dtype="float64", seed=0)
    rng = np.random.default_rng(0)
    network.theta[...] = rng.standard_normal(network.n_params)
    own = {k.partition(".")[2]: v for k, v in network.parameters().items()}
    # A smaller batch leaves nothing of a larger one behind, in padding say.
    for n in (3, 1, 3, 2):
        x = rng.standard_normal((n, *shape))
        expected = naive(layer, x, **own)
        for training in (True, False):
            y = network.forward(x, training=training)
            np.testing.assert_allclose(y, expected, atol=1e-12)
        ordered = to_layers(x)
        for _ in range(3):  # by prepared calls, too
            y = network.propagate(ordered)
            np.testing.assert_allclose(y, expected, atol=1e-12)
        network.forward(x, training=True)
        network.backward(np.ones_like(expected), need_dx=True)


def test_training_and_inference_in_turn_keep_the_padding_clean():
    layers = [
        Conv2D(2, 3, padding=1),
        Conv2D(2, 3, padding="same"),
        Flatten(),
        Dense(2),
    ]
    shape = (4, 4, 5)
    network = Network(layers, shape, dtype="float64", seed=0)
    rng = np.random.default_rng(0)
    many, few = rng.random((6, *shape)), rng.random((2, *shape))
    expected = [
        Network([k.clone() for k in layers], shape, dtype="float64", seed=0).forward(x)
        for x in (many, few)
    ]
    for _ in range(3):
        for x, z in zip((many, few), expected, strict=True):
            same(network.predict_logits(x), z)
            same(network.forward(x, training=True).copy(), z)


# -- other orders ---------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 7, 3), (7, 8, 5), (8, 8, 1)], ids=str)
@pytest.mark.parametrize("activation", [ReLU, LeakyReLU])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(
    "pool", [{}, {"pool_size": 3, "stride": 2, "padding": 1}], ids=str
)
def test_pooling_early_and_bias_late_change_nothing(shape, activation, use_bias, pool):
    layers = [Conv2D(4, 3, use_bias=use_bias), activation(), MaxPool2D(**pool)]
    fused = Network([*layers, Flatten(), Dense(2)], shape, dtype="float64", seed=0)
    steps = [type(step).__name__ for step in fused.steps]
    bias = ["Bias"] if use_bias else []
    name = activation.__name__
    assert steps == ["Conv2D", "MaxPool2D", *bias, name, "Flatten", "Dense"]
    assert [type(layer).__name__ for layer in fused.layers][:2] == ["Conv2D", name]
    # One layer a network: in the order asked for.
    alone, at = [], shape
    for layer in fused.layers:
        one = Network([layer.clone()], at, dtype="float64", seed=0)
        alone.append(one)
        at = one.output_shape
    rng = np.random.default_rng(1)
    fused.theta[...] = rng.standard_normal(fused.n_params)
    for key, value in fused.parameters().items():
        i, name = key.split(".")
        alone[int(i)].parameters()[f"0.{name}"][...] = value
    x = np.round(rng.standard_normal((5, *shape)))  # ties, and zeros
    z, y = fused.forward(x, training=True), x
    for one in alone:
        y = one.forward(y, training=True).copy()
    np.testing.assert_allclose(z, y, atol=1e-12)
    dy = rng.standard_normal(y.shape)
    dx = fused.backward(dy.copy(), need_dx=True)
    for one in reversed(alone):
        dy = one.backward(dy.copy(), need_dx=True).copy()
    np.testing.assert_allclose(dx, dy, atol=1e-12)
    for key, gradient in fused.gradients().items():
        i, name = key.split(".")
        expected = alone[int(i)].gradients()[f"0.{name}"]
        np.testing.assert_allclose(gradient, expected, atol=1e-12)


@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
@pytest.mark.parametrize("kernel", [1, (3, 1), (1, 3), 2], ids=str)
@pytest.mark.parametrize("size", [(8, 9), (9, 8)], ids=str)
def test_a_pool_that_leaves_pixels_out_reads_the_right_ones(pool, kernel, size):
    # Of whatever kernel: one pixel wide, it reads the image where it lies.
    shape = (*size, 6)
    layers = [Conv2D(3, kernel), pool(), Flatten(), Dense(2)]
    fused = Network(layers, shape, dtype="float64", seed=0)
    first = Network([layers[0].clone()], shape, dtype="float64", seed=0)
    rest = [layer.clone() for layer in layers[1:]]
    second = Network(rest, first.output_shape, dtype="float64", seed=0)
    split = first.n_params
    for network, at in ((first, "0"), (second, "3")):
        for name, view in network.parameters().items():
            key = "0." + name[2:] if at == "0" else "3." + name[2:]
            view[...] = fused.parameters()[key]
    assert split + second.n_params == fused.n_params
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, *shape))
    z = fused.forward(x, training=True).copy()
    middle = first.forward(x, training=True).copy()
    np.testing.assert_allclose(z, second.forward(middle, training=True), atol=1e-12)
    dz = rng.standard_normal(z.shape)
    dx = fused.backward(dz.copy(), need_dx=True)
    expected = first.backward(second.backward(dz, need_dx=True).copy(), need_dx=True)
    np.testing.assert_allclose(dx, expected, atol=1e-12)
    np.testing.assert_allclose(
        fused.gradients()["0.W"], first.gradients()["0.W"], atol=1e-12
    )


def test_what_no_maximum_reads_is_not_computed():
    network = Network([Conv2D(2, 3), ReLU(), MaxPool2D()], (9, 8, 5), seed=0)
    assert network.steps[0].output_shape == (6, 6, 2)  # of 7 × 6
    padded = Network([Conv2D(2, 3), MaxPool2D(3, padding=1)], (9, 8, 5), seed=0)
    assert padded.steps[0].output_shape == (7, 5, 2)
    apart = Network([Conv2D(2, 3), Tanh(), MaxPool2D()], (9, 8, 5), seed=0)
    assert apart.steps[0].output_shape == (7, 6, 2)


def test_what_does_not_keep_order_stays_where_it_is():
    network = Network([Conv2D(2, 1), Tanh(), MaxPool2D()], (4, 4, 1))
    assert [type(s).__name__ for s in network.steps] == [
        *("Conv2D", "Tanh", "MaxPool2D")
    ]


def test_the_summary_shows_what_was_asked_for():
    network = Network([Conv2D(2, 1), ReLU(), MaxPool2D()], (4, 4, 1))
    assert network.summary() == [
        ("Conv2D", "4 × 4 × 2", 4),
        ("ReLU", "4 × 4 × 2", 0),
        ("MaxPool2D", "2 × 2 × 2", 0),
    ]


def test_maps_are_dropped_whole():
    network = Network([SpatialDropout2D(0.5)], (4, 3, 50), dtype="float64", seed=0)
    y = network.forward(np.ones((20, 4, 3, 50)), training=True)
    assert set(np.unique(y)) == {0.0, 2.0}
    assert (y == y[:, :1, :1]).all()
    assert abs((y == 0).mean() - 0.5) < 0.05


# -- what is refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "shape", "sentence"),
    [
        (
            [Conv2D(4, 5)],
            (4, 6, 1),
            r"layer 0, Conv2D\(.*kernel \(5, 5\) is larger than the image \(4, 6, 1\)",
        ),
        (
            [ReLU(), Conv2D(4, 3, dilation=2, padding=1)],
            (2, 9, 1),
            r"layer 1, Conv2D\(.*\(3, 3\) with dilation \(2, 2\) .* \(2, 9, 1\) with",
        ),
        (
            [Conv2D(4, 3, groups=2)],
            (6, 6, 3),
            r"layer 0, .*images \(6, 6, 3\) with 3 channels in 2 groups",
        ),
        ([Conv2D(4, 3)], (36,), r"reads images, shape \(h, w, c\); got \(36,\)"),
        ([MaxPool2D(5)], (4, 4, 1), r"layer 0, MaxPool2D.*\(5, 5\) .*\(4, 4, 1\)"),
        ([AveragePool2D()], (4, 4), r"AveragePool2D reads images, .* got \(4, 4\)"),
        ([GlobalAveragePool2D()], (4,), "GlobalAveragePool2D reads images"),
        ([SpatialDropout2D(0.5)], (4,), "SpatialDropout2D drops maps of images"),
        (
            [Dense(4), Residual([Dense(3)])],
            (4,),
            r"layer 1, Residual.*give \(3,\), and its shortcut \(4,\)",
        ),
        ([Residual([Conv2D(3, 9)])], (4, 4, 3), r"layer 0, Residual.*layer 0, Conv2D"),
    ],
)
def test_unreasonable_shapes_are_refused_when_the_network_is_built(
    layers, shape, sentence
):
    with pytest.raises(ShapeError, match=sentence) as error:
        Network(layers, shape)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Conv2D(0, 3), "filters must be a positive whole number; got 0"),
        (lambda: Conv2D(2.5, 3), "filters must be a positive whole number; got 2.5"),
        (lambda: Conv2D(4, 3, groups=0), "groups must be a positive whole number"),
        (lambda: Conv2D(4, 3, groups=3), "divide the filters; got 4 filters in 3"),
        (lambda: Conv2D(4, 0), "kernel_size must be .* at least 1.*; got 0"),
        (lambda: Conv2D(4, (3, 3, 3)), r"kernel_size must be .*; got \(3, 3, 3\)"),
        (lambda: Conv2D(4, 3.0), "kernel_size must be .*; got 3.0"),
        (lambda: Conv2D(4, True), "kernel_size must be .*; got True"),
        (lambda: Conv2D(4, 3, stride=0), "stride must be .* at least 1.*; got 0"),
        (lambda: Conv2D(4, 3, dilation=(1, 0)), r"dilation must be .*; got \(1, 0\)"),
        (lambda: Conv2D(4, 3, padding="full"), "padding must be .*; got 'full'"),
        (lambda: Conv2D(4, 3, padding=-1), "padding must be .* at least 0.*; got -1"),
        (
            lambda: Conv2D(4, 3, padding=3),
            "must be smaller than what the kernel covers",
        ),
        (lambda: MaxPool2D(0), "pool_size must be .* at least 1.*; got 0"),
        (lambda: MaxPool2D(2, padding=2), "must be smaller than the windows"),
        (lambda: AveragePool2D(2, stride=-1), "stride must be .*; got -1"),
        (lambda: SpatialDropout2D(1), r"rate must lie in \[0, 1\); got 1"),
    ],
)
def test_wrong_arguments_are_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


@pytest.mark.parametrize("layers", [[], [3], [ReLU(), None]])
def test_residual_needs_layers(layers):
    with pytest.raises(TypeError, match="Residual needs at least one layer"):
        Residual(layers)


def test_a_layer_object_stands_in_a_residual_once():
    relu = ReLU()
    with pytest.raises(ValueError, match="can be used once"):
        Residual([relu], [relu])
    inner = Residual([ReLU()])
    Network([inner], 3)
    with pytest.raises(ValueError, match="already belongs to a network"):
        Network([inner], 3)
    with pytest.raises(ValueError, match="already belongs to a network"):
        Network([Residual(inner.layers)], 3)
