"""All layers against all checks of `check_layer`, and the few exact values by hand."""

import math

import numpy as np
import pytest
from check_layer import CHECKS, SEED, Bench, Case, close, same

from ardoise.engine.errors import ShapeError
from ardoise.engine.layers import (
    ELU,
    GELU,
    LAYERS,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from ardoise.engine.network import Network

VECTOR, IMAGE = (5,), (1, 3, 4)  # an image is (h, w, c)
REAL_VECTOR, REAL_IMAGE = (100,), (6, 6, 4)


def on_both(name: str, *settings: dict) -> list[Case]:
    """Return cases on vectors and on images."""
    return [
        Case(name, each, shape, real)
        for each in settings or ({},)
        for shape, real in ((VECTOR, REAL_VECTOR), (IMAGE, REAL_IMAGE))
    ]


CASES = [
    Case("Dense", {"units": 3}, (4,), (784,)),
    Case("Dense", {"units": 3, "use_bias": False}, (4,), (784,)),
    Case("Dense", {"units": 1}, (1,), (64,)),
    Case("Dense", {"units": 40, "kernel_initializer": "glorot"}, (2,), (200,)),
    *on_both("ReLU"),
    *on_both("LeakyReLU", {}, {"negative_slope": 0.3}, {"negative_slope": 0.0}),
    *on_both("ELU", {}, {"alpha": 0.5}),
    *on_both("GELU"),
    *on_both("Tanh"),
    *on_both("Sigmoid"),
    *on_both("Softplus"),
    *on_both("Dropout", {"rate": 0.0}, {"rate": 0.5}, {"rate": 0.9}),
    *on_both("BatchNorm", {}, {"momentum": 0.3, "epsilon": 1e-3}),
    *on_both("LayerNorm", {}, {"epsilon": 1e-3}),
    *on_both("Flatten"),
    *(
        Case("Conv2D", {"filters": filters, "kernel_size": kernel, **more}, *shapes)
        for filters, kernel, shapes, more in (
            (2, 2, ((3, 4, 1), (8, 9, 1)), {}),
            (3, 2, ((4, 3, 2), (8, 9, 2)), {"padding": 1}),
            (2, (1, 3), ((2, 4, 5), (8, 9, 16)), {"use_bias": False}),
            (3, 1, ((2, 3, 5), (8, 9, 16)), {}),
            (2, (2, 1), ((3, 2, 6), (8, 9, 6)), {"stride": (2, 1)}),
            (2, 1, ((3, 3, 5), (8, 9, 16)), {"stride": 2}),
            (2, 3, ((4, 3, 5), (8, 9, 16)), {"padding": "same", "stride": (2, 1)}),
            (4, 2, ((4, 4, 6), (8, 9, 6)), {"dilation": (2, 1), "groups": 2}),
            (6, 2, ((3, 3, 3), (8, 9, 3)), {"groups": 3}),
            (5, 2, ((2, 3, 5), (8, 9, 5)), {"groups": 5, "padding": "same"}),
        )
    ),
    *(
        Case(name, settings, *shapes)
        for name in ("MaxPool2D", "AveragePool2D")
        for settings, shapes in (
            ({}, ((3, 5, 2), (6, 7, 4))),
            ({"pool_size": (2, 1)}, ((4, 3, 2), (6, 7, 4))),
            ({"pool_size": 3, "stride": (1, 2), "padding": 1}, ((4, 3, 2), (6, 7, 4))),
            ({"padding": "same"}, ((3, 3, 2), (7, 7, 4))),
        )
    ),
    Case("GlobalAveragePool2D", {}, (3, 2, 4), (6, 7, 4)),
    Case("SpatialDropout2D", {"rate": 0.4}, (3, 2, 4), (6, 7, 4)),
    Case(
        "Residual",
        {"layers": [Dense(4), Tanh(), Dense(3)], "shortcut": [Dense(3), Dropout(0.2)]},
        (3,),
        (30,),
    ),
    Case(
        "Residual",
        {
            "layers": [
                *(Conv2D(2, 3, padding="same"), LayerNorm(), Sigmoid()),
                *(MaxPool2D(2, stride=1, padding="same"), Conv2D(5, 1)),
            ]
        },
        (2, 3, 5),
        (5, 5, 5),
    ),
    Case("Residual", {"layers": [BatchNorm(), Conv2D(5, 1)]}, (2, 3, 5), (5, 5, 5)),
    Case("Flatten", {}, (), (3,)),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_layer_passes_every_check(case, check):
    check(case)


def test_no_layer_is_forgotten():
    assert {case.name for case in CASES} == set(LAYERS)
    assert all(name == cls.__name__ for name, cls in LAYERS.items())


def test_the_base_class_computes_nothing():
    layer = Layer()
    assert layer.infer((2, 3)).output_shape == (2, 3)
    for call in (lambda: layer.forward(None, training=True), lambda: layer.backward(0)):
        with pytest.raises(NotImplementedError):
            call()


# -- exact values ---------------------------------------------------------------------


def values(layer, x, *, dtype="float64", training=True):
    """Return (y, slope) of an elementwise layer at the numbers x."""
    network = Network([layer], (1,), dtype=dtype, seed=0)
    x = np.array(x, dtype).reshape(-1, 1)
    y = network.forward(x, training=training).copy()
    slope = network.backward(np.ones_like(y), need_dx=True)
    return y[:, 0], slope[:, 0]


@pytest.mark.parametrize(
    ("layer", "at_zero", "slope_at_zero"),
    [
        (ReLU(), 0, 0),
        (LeakyReLU(0.25), 0, 0.25),
        (ELU(0.5), 0, 0.5),
        (GELU(), 0, 0.5),
        (Tanh(), 0, 1),
        (Sigmoid(), 0.5, 0.25),
        (Softplus(), math.log(2), 0.5),
    ],
    ids=repr,
)
def test_values_at_zero_are_exact(layer, at_zero, slope_at_zero):
    y, slope = values(layer, [0.0, -0.0])
    assert y.tolist() == pytest.approx([at_zero] * 2, rel=1e-15, abs=0)
    assert slope.tolist() == pytest.approx([slope_at_zero] * 2, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("layer", "left", "right"),
    [(ReLU(), 0, 1), (LeakyReLU(0.3), 0.3, 1), (ELU(0.5), 0.5, 1)],
    ids=repr,
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_slopes_beside_the_kink_are_exact(layer, left, right, dtype):
    fresh = type(layer)(**layer.config())
    tiny = float(np.finfo(dtype).tiny)
    _, slope = values(fresh, [-tiny, tiny], dtype=dtype)
    assert slope.tolist() == [np.dtype(dtype).type(left), right]


def test_relu_and_leaky_relu_by_hand():
    y, slope = values(ReLU(), [-2.0, 3.0])
    assert (y.tolist(), slope.tolist()) == ([0, 3], [0, 1])
    y, slope = values(LeakyReLU(0.5), [-2.0, 3.0])
    assert (y.tolist(), slope.tolist()) == ([-1, 3], [0.5, 1])
    y, slope = values(LeakyReLU(1.0), [-2.0, 3.0])
    assert (y.tolist(), slope.tolist()) == ([-2, 3], [1, 1])


@pytest.mark.parametrize(
    ("make", "far_left", "far_right"),
    [
        (ReLU, 0.0, 1e4),
        (LeakyReLU, -100.0, 1e4),
        (ELU, -1.0, 1e4),
        (GELU, 0.0, 1e4),
        (Tanh, -1.0, 1.0),
        (Sigmoid, 0.0, 1.0),
        (Softplus, 0.0, 1e4),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_from_zero_nothing_overflows(make, far_left, far_right, dtype):
    y, slope = values(make(), [-1e4, 1e4], dtype=dtype)
    np.testing.assert_allclose(y, [far_left, far_right], rtol=1e-6)
    assert np.isfinite(slope).all()


def test_gelu_is_close_to_its_definition():
    x = np.linspace(-4, 4, 81)
    y, _ = values(GELU(), x)
    exact = [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x]
    np.testing.assert_allclose(y, exact, atol=5e-4)


# -- dense ----------------------------------------------------------------------------


def test_dense_by_hand():
    network = Network([Dense(2)], (3,), dtype="float64")
    network.theta[...] = [1, 2, 3, 4, 5, 6, 10, 20]  # W row by row, then b
    x = np.array([[1.0, 0, -1], [2, 1, 0]])
    z = network.forward(x, training=True)
    assert z.tolist() == [[1 - 5 + 10, 2 - 6 + 20], [2 + 3 + 10, 4 + 4 + 20]]
    dx = network.backward(np.array([[1.0, 0], [0, 2]]), need_dx=True)
    assert dx.tolist() == [[1, 3, 5], [4, 8, 12]]
    assert network.grad.tolist() == [1, 4, 0, 2, -1, 0, 1, 2]


@pytest.mark.parametrize(
    ("n", "n_in", "n_out"),
    [
        *((16, 1600, 128), (8, 1600, 128), (64, 784, 256), (128, 784, 100)),
        *((1024, 784, 16), (1000, 784, 16), (53, 700, 90), (600, 2, 1), (3, 900, 512)),
        *((101, 997, 128), (1200, 400, 64)),
    ],
)
def test_products_in_tiles_are_the_plain_ones(n, n_in, n_out):
    bench = Bench(Case("Dense", {"units": n_out}, (n_in,), (n_in,)))
    x, dy = bench.x(n), bench.dy(n)
    y, dx, grad = bench.run(x, dy)
    W, b = bench.theta[:-n_out].reshape(n_in, n_out), bench.theta[-n_out:]
    expected = np.concatenate([(x.T @ dy).reshape(-1), dy.sum(axis=0)])
    for found, right in ((y, x @ W + b), (dx, dy @ W.T), (grad, expected)):
        np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-10)


def test_dense_refuses_images():
    with pytest.raises(ShapeError, match=r"Dense reads vectors.*Flatten\(\)"):
        Dense(3).infer((28, 28, 1))


# -- dropout --------------------------------------------------------------------------


def test_dropout_drops_its_share_and_keeps_the_mean():
    network = Network([Dropout(0.25)], (1000,), dtype="float64", seed=3)
    x = np.ones((100, 1000))
    y = network.forward(x, training=True)
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert abs((y == 0).mean() - 0.25) < 0.01
    same(network.backward(np.ones_like(y), need_dx=True), y)  # for x = 1, dx is y


def test_dropout_does_nothing_outside_training():
    network = Network([Dropout(0.9)], (7,), seed=3)
    x = np.random.default_rng(0).random((4, 7), dtype=np.float32)
    same(network.forward(x), x)


def test_dropout_drops_the_same_in_both_dtypes_and_anew_each_time():
    masks = []
    for dtype in ("float32", "float64"):
        network = Network([Dropout(0.5)], (64,), dtype=dtype, seed=3)
        x = np.ones((8, 64), dtype)
        masks.append([network.forward(x, training=True) == 0 for _ in range(2)])
    same(np.array(masks[0]), np.array(masks[1]))
    assert (masks[0][0] != masks[0][1]).any()


def test_the_share_that_dropout_drops_may_change_between_two_steps():
    network = Network([Dropout(0.25)], (1000,), dtype="float64", seed=3)
    x = np.ones((100, 1000))
    for rate in (0.25, 0.25, 0.75, 0.0):  # the same x again: by prepared calls
        network.layers[0].rate = rate
        y = network.forward(x, training=True)
        assert abs((y == 0).mean() - rate) < 0.01
        assert set(np.unique(y)) - {0.0} == {1 / (1 - rate)}
        same(network.backward(np.ones_like(y), need_dx=True), y)
    assert network.config()["layers"][0]["rate"] == 0.0


# -- normalisation --------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4,), (3, 5, 4)])
def test_batch_norm_output_has_mean_beta_and_deviation_gamma(shape):
    network = Network([BatchNorm(epsilon=1e-12)], shape, dtype="float64")
    gamma, beta = np.array([1.0, 2, 3, 4]), np.array([-1.0, 0, 1, 2])
    network.theta[...] = np.concatenate([gamma, beta])
    x = 5 + 3 * np.random.default_rng(0).standard_normal((50, *shape))
    y = network.forward(x, training=True).reshape(-1, 4)
    close(y.mean(axis=0), beta)
    np.testing.assert_allclose(y.std(axis=0), gamma, rtol=1e-9)


def test_batch_norm_running_statistics_by_hand():
    network = Network([BatchNorm(momentum=0.5)], (1,), dtype="float64")
    assert network.state.tolist() == [0, 1]
    network.forward(np.array([[1.0], [3.0]]), training=True)
    assert network.state.tolist() == [0.5 * 2, 0.5 + 0.5 * 2]  # variance: 2 / (2 − 1)
    network.forward(np.array([[0.0], [4.0]]), training=True)
    mean, variance = 0.5 * 1 + 0.5 * 2, 0.5 * 1.5 + 0.5 * 8
    assert network.state.tolist() == [mean, variance]
    network.forward(np.array([[100.0]]))  # outside training nothing is learned
    assert network.state.tolist() == [mean, variance]
    y = network.forward(np.array([[mean], [mean + math.sqrt(variance + 1e-5)]]))
    np.testing.assert_allclose(y, [[0], [1]], atol=1e-15)


def test_batch_norm_on_one_sample_learns_no_statistics():
    network = Network([BatchNorm()], (2,), dtype="float64")
    before = network.state.copy()
    y = network.forward(np.array([[5.0, -3.0]]), training=True)
    assert y.tolist() == [[0, 0]]
    same(network.state, before)


def test_layer_norm_looks_at_one_sample_only():
    network = Network([LayerNorm(epsilon=1e-12)], (3, 6), dtype="float64")
    x = 5 + 3 * np.random.default_rng(0).standard_normal((4, 3, 6))
    y = network.forward(x, training=True).copy()
    close(y.mean(axis=-1), np.zeros((4, 3)))
    np.testing.assert_allclose(y.std(axis=-1), np.ones((4, 3)), rtol=1e-9)
    same(network.forward(x), y)
    close(network.forward(x[2:3]), y[2:3])


@pytest.mark.parametrize("make", [BatchNorm, LayerNorm])
def test_norms_refuse_single_numbers(make):
    with pytest.raises(ShapeError, match=f"{make.__name__} needs .* got .* shape "):
        make().infer(())


# -- settings -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Dense(0), "units must be a positive whole number; got 0"),
        (lambda: Dense(2.5), "units must be a positive whole number; got 2.5"),
        (lambda: Dense(True), "units must be a positive whole number; got True"),
        (lambda: Dense("3"), "units must be a positive whole number; got '3'"),
        (lambda: LeakyReLU(1.5), "negative_slope must lie between 0 and 1; got 1.5"),
        (lambda: ELU(0), "alpha must be a positive number; got 0"),
        (lambda: ELU(math.nan), "alpha must be a positive number; got nan"),
        (lambda: Dropout(1), r"rate must lie in \[0, 1\); got 1"),
        (lambda: BatchNorm(momentum=0), r"momentum must lie in \(0, 1\]; got 0"),
        (lambda: BatchNorm(momentum=1.5), r"momentum must lie in \(0, 1\]; got 1.5"),
        (lambda: LayerNorm(epsilon=0), "epsilon must be a positive number; got 0"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        make()


def test_flatten_copies_nothing():
    network = Network([Flatten()], (2, 3), dtype="float64")
    x = np.random.default_rng(SEED).random((4, 2, 3))
    assert np.shares_memory(network.forward(x), x)
