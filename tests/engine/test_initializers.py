"""Initializers draw what they promise, from the generator they are given."""

import json
import math

import numpy as np
import pytest

from ardoise.engine import initializers
from ardoise.engine.initializers import (
    INITIALIZERS,
    Constant,
    Glorot,
    He,
    Initializer,
    LeCun,
    Uniform,
    Zeros,
    fans,
)

ALL = [
    He(),
    He("uniform"),
    LeCun(),
    LeCun("uniform"),
    Glorot(),
    Glorot("normal"),
    Uniform(-0.5, 0.5),
    Constant(0.25),
    Zeros(),
]


def drawn(initializer, shape, dtype="float64", seed=0):
    view = np.full(shape, np.nan, dtype)
    initializer(view, np.random.default_rng(seed))
    return view


def test_no_initializer_is_forgotten():
    assert {each.name for each in ALL} == set(INITIALIZERS)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((784, 16), (784, 16)),  # Dense: (n_in, n_out)
        ((3, 3, 8, 32), (72, 288)),  # convolution: (kh, kw, c_in, c_out)
        ((10,), (10, 10)),
        ((), (1, 1)),
    ],
)
def test_fans(shape, expected):
    assert fans(shape) == expected


@pytest.mark.parametrize(
    ("make", "variance"),
    [(He, 2 / 300), (LeCun, 1 / 300), (Glorot, 2 / (300 + 200))],
)
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_scaled_initializers_have_their_moments(make, variance, distribution):
    values = drawn(make(distribution), (300, 200))
    std = math.sqrt(variance)
    # 60,000 draws: the mean is known to 0.4 % of the deviation, the variance to 0.6 %.
    assert abs(values.mean()) < 0.02 * std
    assert values.var() == pytest.approx(variance, rel=0.03)
    bound = math.sqrt(3) * std
    if distribution == "uniform":
        assert 0.99 * bound < np.abs(values).max() <= bound
    else:
        assert np.abs(values).max() > 3 * std


def test_convolution_weights_count_their_window():
    values = drawn(He(), (3, 3, 32, 64))
    assert values.var() == pytest.approx(2 / (9 * 32), rel=0.05)


def test_uniform_constant_and_zeros():
    values = drawn(Uniform(-1, 3), (1000,))
    assert -1 <= values.min() < -0.9
    assert 2.9 < values.max() < 3
    assert (drawn(Constant(0.25), (3,)) == 0.25).all()
    assert (drawn(Zeros(), (2, 2)) == 0).all()


@pytest.mark.parametrize("initializer", ALL, ids=repr)
def test_both_dtypes_start_from_the_same_numbers(initializer):
    single, double = (drawn(initializer, (7, 5), dtype) for dtype in ("f4", "f8"))
    np.testing.assert_array_equal(single, double.astype("f4"))


@pytest.mark.parametrize("initializer", ALL, ids=repr)
def test_an_initializer_is_its_config(initializer):
    config = json.loads(json.dumps(initializer.config()))
    twin = initializers.get(config)
    assert twin == initializer
    assert hash(twin) == hash(initializer)
    assert repr(twin) == repr(initializer)
    np.testing.assert_array_equal(drawn(twin, (4, 3)), drawn(initializer, (4, 3)))
    assert all(twin != other for other in ALL if other is not initializer)


def test_get_takes_a_name_a_mapping_or_the_object():
    he = He()
    assert initializers.get(he) is he
    assert initializers.get("he") == he
    assert initializers.get({"name": "uniform", "low": -1, "high": 1}) == Uniform(-1, 1)


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("hee", "initializer must be one of he, lecun, .* got 'hee'"),
        ({"low": 1}, "initializer must be one of .* got None"),
        ({"name": "uniform", "low": 1}, "initializer 'uniform': .* 'high'"),
        ({"name": "zeros", "value": 1}, "initializer 'zeros': "),
        ({"name": "he", "distribution": "round"}, "'normal' or 'uniform'; got 'round'"),
        ({"name": "uniform", "low": 1, "high": 0}, "low <= high; got 1 and 0"),
        ({"name": "uniform", "low": 0, "high": math.inf}, "low <= high; got 0 and inf"),
        ({"name": "constant", "value": math.nan}, "a finite number; got nan"),
    ],
)
def test_get_refuses_what_it_does_not_know_in_one_sentence(spec, sentence):
    with pytest.raises(ValueError, match=sentence):
        initializers.get(spec)


@pytest.mark.parametrize(
    "initializer", [Constant(np.float32(0.5)), Uniform(np.int64(0), np.float64(1))]
)
def test_settings_become_python_numbers(initializer):
    json.dumps(initializer.config())


def test_get_leaves_the_mapping_as_it_was():
    spec = {"name": "constant", "value": 1.0}
    initializers.get(spec)
    assert spec == {"name": "constant", "value": 1.0}


def test_the_base_class_fills_nothing():
    with pytest.raises(NotImplementedError):
        Initializer()(np.zeros(1), np.random.default_rng(0))
