"""L-BFGS against SciPy's, iterate for iterate, and where SciPy is no guide."""

import math

import numpy as np
import pytest
from scipy import optimize
from short_training import X, Y, network

from ardoise.engine import lbfgs
from ardoise.engine.lbfgs import Result, minimize
from ardoise.engine.losses import SoftmaxCrossEntropy

SCIPY_NAMES = {
    "max_iter": "maxiter",
    "max_fun": "maxfun",
    "memory": "maxcor",
    "max_line_search": "maxls",
}


def rosenbrock(x):
    return float(optimize.rosen(x)), optimize.rosen_der(x)


def quadratic(n=50, condition=1e4):
    """Return ½ xᵀA x − b x; A's eigenvalues lie between 1 and the condition."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    a = (basis * np.geomspace(1, condition, n)) @ basis.T
    b = rng.standard_normal(n)
    return lambda x: (float(x @ a @ x / 2 - b @ x), a @ x - b)


def logistic(n=200, width=20):
    """Return the loss of a logistic regression, with a penalty."""
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((n, width))
    t = np.sign(rows @ rng.standard_normal(width) + rng.standard_normal(n))

    def function(x):
        z = t * (rows @ x)
        grad = x - rows.T @ (t / (1 + np.exp(z)))
        return float(np.logaddexp(0, -z).sum() + x @ x / 2), grad

    return function


def training(dtype="float64"):
    """Return the mean loss of a small network on the blobs, and its first weights."""
    net, criterion = network(dtype=dtype), SoftmaxCrossEntropy()
    samples = X.astype(dtype)

    def function(x):
        net.theta[...] = x
        value, dz = criterion(
            net.forward(samples, training=True), Y, scale=1 / len(samples)
        )
        net.backward(dz)
        return value, net.grad  # a buffer, overwritten by the next call

    return function, net.theta.astype("float64")


PROBLEMS = {
    "Rosenbrock, 2": (rosenbrock, np.array([-1.2, 1.0]), {}),
    "Rosenbrock, 20": (rosenbrock, np.tile([-1.2, 1.0], 10), {"max_iter": 45}),
    "quadratic": (quadratic(), np.zeros(50), {"max_iter": 40}),
    "round quadratic": (quadratic(condition=10), np.zeros(50), {"gtol": 1e-8}),
    "logistic": (logistic(), np.zeros(20), {"gtol": 1e-3}),
    "network": (*training(), {}),
    "network, long": (*training(), {"gtol": 0, "ftol": 0, "max_iter": 40}),
    "two pairs": (rosenbrock, np.array([-1.2, 1.0]), {"memory": 2}),
    "no end": (lambda x: (-float(x.sum()), -np.ones(3)), np.zeros(3), {"max_iter": 3}),
    "few evaluations": (rosenbrock, np.tile([-1.2, 1.0], 10), {"max_fun": 10}),
    "one evaluation": (rosenbrock, np.array([-1.2, 1.0]), {"max_fun": 1}),
    "short searches": (rosenbrock, np.tile([-1.2, 1.0], 10), {"max_line_search": 2}),
    "no searches": (rosenbrock, np.tile([-1.2, 1.0], 10), {"max_line_search": 1}),
    "no search, late": (
        rosenbrock,
        np.tile([-1.2, 1.0], 10),
        {"max_line_search": 1, "max_fun": 15},
    ),
    "uphill": (lambda x: (float(x @ x), -2 * x), np.ones(3), {}),
    "kinks": (
        lambda x: (float(np.abs(x).sum()), np.sign(x)),
        np.array([1, 2, 3.3]),
        {},
    ),
}
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


def ours(function, x0, **settings):
    """Return (result, iterates)."""
    path = []
    result = minimize(
        function, x0, callback=lambda x, value, n: path.append(x), **settings
    )
    return result, np.array(path)


def scipys(function, x0, **settings):
    path = []

    def copied(x):  # SciPy keeps the gradient that it is given
        value, grad = function(x)
        return value, grad.copy()

    result = optimize.minimize(
        copied,
        x0,
        jac=True,
        method="L-BFGS-B",
        callback=lambda x: path.append(x.copy()),
        options={
            "maxiter": 200,
            **{SCIPY_NAMES.get(k, k): v for k, v in settings.items()},
        },
    )
    return result, np.array(path)


# -- the same as SciPy ----------------------------------------------------------------


@every_problem
def test_the_path_is_scipys(problem):
    function, x0, settings = problem
    found, path = ours(function, x0, **settings)
    expected, expected_path = scipys(function, x0, **settings)
    assert (found.n_iter, found.n_fun) == (expected.nit, expected.nfev)
    assert found.status == expected.status
    if expected.message != "ABNORMAL: ":
        assert found.message == expected.message
    scale = np.abs(expected_path).max(initial=1e-9)
    np.testing.assert_allclose(path, expected_path, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(found.x, expected.x, rtol=0, atol=1e-6 * scale)


def test_the_problems_end_in_every_way():
    statuses = {minimize(f, x0, **s).status for f, x0, s in PROBLEMS.values()}
    messages = {minimize(f, x0, **s).message for f, x0, s in PROBLEMS.values()}
    assert statuses == {lbfgs.CONVERGED, lbfgs.LIMIT, lbfgs.ABNORMAL}
    assert messages == {
        lbfgs.SMALL_GRADIENT,
        lbfgs.SMALL_DECREASE,
        lbfgs.MANY_ITERATIONS,
        lbfgs.MANY_EVALUATIONS,
        lbfgs.NO_STEP,
    }


@pytest.mark.parametrize("gtol", [1e-2, 1e-5])
def test_long_paths_part_but_end_alike(gtol):
    # After a hundred steps rounding has grown to the size of the steps.
    function, x0, _ = PROBLEMS["Rosenbrock, 20"]
    found, _ = ours(function, x0, gtol=gtol, ftol=1e-15)
    expected, _ = scipys(function, x0, gtol=gtol, ftol=1e-15)
    assert found.converged
    assert found.message == expected.message
    assert abs(found.n_iter - expected.nit) <= 5
    np.testing.assert_allclose(found.x, 1.0, atol=1e-2 if gtol == 1e-2 else 1e-4)


def test_float32_functions_take_the_same_path():
    function, x0 = training("float32")
    seen = []

    def watched(x):
        seen.append(x.dtype)
        value, grad = function(x)
        assert grad.dtype == np.float32
        return value, grad

    found, path = ours(watched, x0, max_iter=20)
    expected, expected_path = scipys(function, x0, max_iter=20)
    assert set(seen) == {np.dtype("float64")}
    assert (found.n_iter, found.n_fun) == (expected.nit, expected.nfev)
    assert found.x.dtype == found.grad.dtype == np.float64
    # One float32 rounding more or less in x changes what the network answers.
    np.testing.assert_allclose(path[:10], expected_path[:10], rtol=0, atol=1e-4)


def test_a_float32_network_gets_as_low_as_float32_can():
    function, x0 = training("float32")
    exact, _ = training("float64")
    found = minimize(function, x0, gtol=1e-4)
    assert found.converged
    assert np.abs(exact(found.x)[1]).max() < 2e-4


# -- results --------------------------------------------------------------------------


@every_problem
def test_the_result_fits_together(problem):
    function, x0, settings = problem
    before = x0.copy()
    found = minimize(function, x0, **settings)
    np.testing.assert_array_equal(x0, before)
    value, grad = function(found.x)
    assert found.value == value
    np.testing.assert_array_equal(found.grad, grad)
    assert found.converged == (found.status == 0)
    assert isinstance(found, Result)


def test_at_the_minimum_there_is_nothing_to_do():
    found = minimize(rosenbrock, np.ones(4))
    assert (found.n_iter, found.n_fun, found.converged) == (0, 1, True)
    assert found.message == lbfgs.SMALL_GRADIENT
    assert found.x.tolist() == [1.0] * 4


@pytest.mark.parametrize("gtol", [0, 1e-5])
def test_a_gradient_of_0_is_converged(gtol):
    found = minimize(lambda x: (3.0, np.zeros(2)), [1, 2], gtol=gtol)
    assert (found.value, found.n_iter, found.status) == (3.0, 0, 0)


def test_the_callback_sees_every_iteration_and_may_keep_x():
    seen = []
    found = minimize(
        rosenbrock, [-1.2, 1.0], callback=lambda *iterate: seen.append(iterate)
    )
    xs, values, counts = zip(*seen, strict=True)
    assert counts == tuple(range(1, found.n_iter + 1))
    assert list(values) == sorted(values, reverse=True)
    assert values == tuple(rosenbrock(x)[0] for x in xs)
    np.testing.assert_array_equal(xs[-1], found.x)


def test_an_interruption_passes_and_the_best_x_is_kept():
    calls, kept = [], []

    def function(x):
        calls.append(x)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return rosenbrock(x)

    with pytest.raises(KeyboardInterrupt):
        minimize(function, [-1.2, 1.0], callback=lambda x, *_: kept.append(x))
    assert rosenbrock(kept[-1])[0] < rosenbrock(kept[0])[0]


def test_the_function_cannot_write_x():
    def function(x):
        x[0] = 0
        return 0.0, x

    with pytest.raises(ValueError, match="read-only"):
        minimize(function, [1.0])


def test_where_x_does_not_move_nothing_is_computed():
    # The step is chosen among numbers so large that adding it changes nothing.
    found = minimize(lambda x: (float(x[0] * 1e-3), np.full(1, 1e-3)), [1e30])
    assert (found.n_iter, found.n_fun, found.converged) == (1, 1, True)


# -- what the history forgets ---------------------------------------------------------


def lying(first, last):
    """Return Rosenbrock's function, too high from one evaluation to another."""
    asked = []

    def function(x):
        asked.append(x.copy())
        value, grad = rosenbrock(x)
        return value + 3 * (first <= len(asked) <= last), grad

    return function, asked


def test_after_a_failed_search_it_goes_straight_down_without_history():
    x0, settings = np.array([-1.2, 1.0]), {"max_line_search": 4}
    function, asked = lying(15, 18)
    found, path = ours(function, x0, **settings)
    expected, expected_path = scipys(lying(15, 18)[0], x0, **settings)
    assert found.converged
    assert (found.n_iter, found.n_fun) == (expected.nit, expected.nfev)
    np.testing.assert_allclose(path, expected_path, rtol=0, atol=1e-6)
    before = next(x for x in path if (x == asked[13]).all())
    np.testing.assert_allclose(asked[18], before - rosenbrock(before)[1], rtol=1e-15)


def test_after_a_second_failed_search_it_gives_up():
    x0, settings = np.array([-1.2, 1.0]), {"max_line_search": 4}
    found, path = ours(lying(15, 99)[0], x0, **settings)
    expected, _ = scipys(lying(15, 99)[0], x0, **settings)
    assert (found.status, found.n_fun) == (lbfgs.ABNORMAL, 14 + 2 * 4)
    assert (expected.status, expected.nfev) == (2, 14 + 2 * 4)
    np.testing.assert_array_equal(found.x, path[-1])
    np.testing.assert_allclose(found.x, expected.x, rtol=1e-9)


def test_pairs_without_a_scale_are_not_remembered():
    history = lbfgs._History(2, memory=3)
    history.add(np.ones(2), np.full(2, 1e-200), 1e-200)
    assert history.rows == []
    out = np.empty(2)
    history.turn(np.array([1.0, -2.0]), out)
    assert out.tolist() == [-1.0, 2.0]


def test_the_direction_is_that_of_the_matrix():
    """The two loops multiply by H, which the BFGS formula updates pair by pair."""
    rng = np.random.default_rng(3)
    n, memory = 6, 3
    a = quadratic(n, 10)
    history = lbfgs._History(n, memory)
    pairs = [(s, a(s)[1] - a(np.zeros(n))[1]) for s in rng.standard_normal((5, n))]
    for s, y in pairs:
        history.add(s, y, float(s @ y))
    s, y = pairs[-1]
    h = np.eye(n) * (s @ y) / (y @ y)
    for s, y in pairs[-memory:]:
        v = np.eye(n) - np.outer(y, s) / (s @ y)
        h = v.T @ h @ v + np.outer(s, s) / (s @ y)
    grad, out = rng.standard_normal(n), np.empty(n)
    history.turn(grad, out)
    np.testing.assert_allclose(out, -h @ grad, rtol=1e-12)


# -- numbers that are none ------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_start_that_is_not_finite_is_left_alone(bad):
    for function in (
        lambda x: (bad, np.ones(2)),
        lambda x: (1.0, np.array([1.0, bad])),
    ):
        found = minimize(function, [1, 2])
        assert (found.status, found.n_iter, found.n_fun) == (2, 0, 1)
        assert found.message == lbfgs.NO_START
        assert found.x.tolist() == [1, 2]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["value", "gradient", "both"])
def test_a_step_into_a_wall_is_shortened(bad, where):
    # −log x + x²/2 has its minimum at 1 and does not exist below 0.
    def function(x):
        if (x > 0).all():
            return float((x * x / 2 - np.log(x)).sum()), x - 1 / x
        value = 1.0 if where == "gradient" else bad
        return value, np.ones(3) if where == "value" else np.array([bad, -bad, 0])

    found = minimize(function, [10.0, 0.5, 0.01])
    assert found.converged
    np.testing.assert_allclose(found.x, 1.0, atol=1e-4)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_stay_bad_end_it_where_the_last_iteration_did(bad):
    calls, kept = [], []

    def function(x):
        calls.append(x)
        value, grad = rosenbrock(x)
        return (value, grad) if len(calls) < 20 else (bad, grad * bad)

    found = minimize(
        function, [-1.2, 1.0], callback=lambda x, value, n: kept.append((x, value, n))
    )
    x, value, n_iter = kept[-1]
    assert found.status == lbfgs.ABNORMAL
    assert found.message == lbfgs.NO_STEP
    np.testing.assert_array_equal(found.x, x)
    assert (found.value, found.n_iter) == (value, n_iter)
    np.testing.assert_array_equal(found.grad, rosenbrock(x)[1])
    # Two searches at most: along the direction, then straight down.
    assert found.n_fun == len(calls) < 20 + 2 * 20


@pytest.mark.parametrize("size", [1e-200, 1e-160, 1e160, 1e200])
def test_numbers_at_the_end_of_the_range_do_no_harm(size):
    found = minimize(
        lambda x: (float(size * x @ x), 2 * size * x), [1.0, 2.0], gtol=0, ftol=0
    )
    assert found.status in (lbfgs.CONVERGED, lbfgs.ABNORMAL)
    assert np.isfinite(found.x).all()
    assert found.value <= 5 * size


# -- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"max_iter": 0}, "max_iter must be a whole number, at least 1; got 0"),
        ({"max_iter": 2.5}, "max_iter must be a whole number, at least 1; got 2.5"),
        ({"max_fun": -1}, "max_fun must be a whole number, at least 1; got -1"),
        ({"memory": 0}, "memory must be a whole number, at least 1; got 0"),
        ({"max_line_search": 0}, "max_line_search must be a whole number.* got 0"),
        ({"gtol": -1}, "gtol must be a number, not negative; got -1"),
        ({"ftol": math.nan}, "ftol must be a number, not negative; got nan"),
    ],
)
def test_settings_out_of_range(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        minimize(rosenbrock, [-1.2, 1.0], **settings)


@pytest.mark.parametrize(
    ("x0", "sentence"),
    [
        ([], r"x0 must be a vector of at least one number; got shape \(0,\)"),
        (3.0, r"x0 must be a vector .* got shape \(\)"),
        (np.ones((2, 2)), r"x0 must be a vector .* got shape \(2, 2\)"),
        ([1, math.nan], "x0 must hold finite numbers; got nan among them"),
        ([math.inf, 1], "x0 must hold finite numbers; got inf among them"),
    ],
)
def test_starts_that_are_no_vectors(x0, sentence):
    with pytest.raises(ValueError, match=sentence):
        minimize(rosenbrock, x0)


@pytest.mark.parametrize("grad", [np.ones(3), np.ones(1), np.ones((2, 1)), 1.0])
def test_gradients_of_another_shape(grad):
    sentence = r"gradient of shape \(2,\); got a gradient of shape \("
    with pytest.raises(ValueError, match=sentence):
        minimize(lambda x: (0.0, grad), [1.0, 2.0])


def test_whole_numbers_of_numpy_are_whole_numbers():
    found = minimize(rosenbrock, np.array([2, 2]), max_iter=np.int64(3))
    assert found.n_iter == 3
