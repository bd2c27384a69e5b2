import fractions
import pickle
import re
import sys
from numbers import Integral, Real

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import _param_validation as theirs

from ardoise.estimators import parameters
from ardoise.estimators.parameters import (
    ARRAY_LIKE,
    BOOLEAN,
    CALLABLE,
    NONE,
    RANDOM_STATE,
    VERBOSE,
    Choice,
    Constraint,
    Instance,
    Interval,
    InvalidParameterError,
    OneOf,
    validate_parameters,
)

WORDS = {"adam", "sgd", "lbfgs"}
# Ours, and the same thing in scikit-learn's vocabulary.
PAIRS = {
    "alpha": ([Interval("float", 0)], [theirs.Interval(Real, 0, None, closed="left")]),
    "epsilon": (
        [Interval("float", 0, closed="neither")],
        [theirs.Interval(Real, 0, None, closed="neither")],
    ),
    "momentum": (
        [Interval("float", 0, 1, closed="both")],
        [theirs.Interval(Real, 0, 1, closed="both")],
    ),
    "rate": (
        [Interval("float", None, 2.5, closed="right")],
        [theirs.Interval(Real, None, 2.5, closed="right")],
    ),
    "max_iter": (
        [Interval("int", 1)],
        [theirs.Interval(Integral, 1, None, closed="left")],
    ),
    "batch_size": (
        [Choice(["auto"]), Interval("int", 1)],
        [
            theirs.StrOptions({"auto"}),
            theirs.Interval(Integral, 1, None, closed="left"),
        ],
    ),
    "solver": ([Choice(WORDS)], [theirs.StrOptions(WORDS)]),
    "n_iter_no_change": (
        [Interval("int", 1), Choice([np.inf], Real)],
        [
            theirs.Interval(Integral, 1, None, closed="left"),
            theirs.Options(Real, {np.inf}),
        ],
    ),
    "hidden_layer_sizes": (
        [ARRAY_LIKE, Interval("int", 1)],
        ["array-like", theirs.Interval(Integral, 1, None, closed="left")],
    ),
    "shuffle": ([BOOLEAN], ["boolean"]),
    "verbose": ([VERBOSE], ["verbose"]),
    "class_weight": (
        [Instance(dict), Choice(["balanced"]), NONE],
        [dict, theirs.StrOptions({"balanced"}), None],
    ),
    "count": ([Instance(Integral), Instance(Real)], [Integral, Real]),
    "generator": ([Instance(np.random.Generator)], [np.random.Generator]),
    "augmentation": ([CALLABLE, NONE], [callable, None]),
}
VALUES = [
    *(None, True, False, np.True_, np.bool_(0), 0, 1, -1, 2, 10**30, "auto", "adam"),
    *("", "balanced", 0.0, 0.5, 1.0, -1e-9, 2.5, 2.6, np.inf, -np.inf, np.nan, -0.0),
    *(np.float32(0.5), np.float32(np.nan), np.int8(-1), np.uint8(3), np.float16(2)),
    *(1j, np.array([1, 2]), np.array(3), [3], (3, 4), []),
    *({"a": 1}, object(), len, str, np.array, sp.csr_array([[1.0]]), np.str_("adam")),
    *(np.random.RandomState(0), np.random.default_rng(0), b"adam", "not a word"),
]


class MLPClassifier:
    def __init__(self, **params):
        self.params = params

    def get_params(self, deep=True):
        assert deep is False
        return self.params


def error_of(function, *args):
    try:
        function(*args)
    except theirs.InvalidParameterError as error:
        return str(error)
    return None


def name_of(value):
    """Return the same name in every process: pytest-xdist compares them."""
    return re.sub(r" at 0x[0-9A-Fa-f]+", "", repr(value))


@pytest.mark.parametrize("value", VALUES, ids=name_of)
@pytest.mark.parametrize("name", PAIRS)
def test_values_are_refused_in_scikit_learn_s_words(name, value):
    ours, given_theirs = PAIRS[name]
    expected = error_of(
        theirs.validate_parameter_constraints,
        {name: given_theirs},
        {name: value},
        "MLPClassifier",
    )
    estimator = MLPClassifier(**{name: value})
    assert error_of(validate_parameters, estimator, {name: ours}) == expected


bounds = st.one_of(st.none(), st.integers(-5, 5))


@given(
    kind=st.sampled_from(["int", "float"]),
    low=bounds,
    high=bounds,
    closed=st.sampled_from(["left", "right", "both", "neither"]),
    value=st.one_of(st.integers(-7, 7), st.floats(-7, 7)),
)
def test_intervals_are_scikit_learn_s(kind, low, high, closed, value):
    try:
        expected = theirs.Interval(
            Integral if kind == "int" else Real, low, high, closed=closed
        )
    except ValueError:
        return  # an empty or a half infinite interval
    ours = Interval(kind, low, high, closed)
    assert str(ours) == str(expected)
    assert ours.accepts(value) == expected.is_satisfied_by(value)


def test_fractions_are_numbers():  # scikit-learn ends with an error of NumPy's
    assert Interval("float", 0).accepts(fractions.Fraction(1, 2))


@pytest.mark.parametrize("value", VALUES, ids=name_of)
def test_random_states_are_scikit_learn_s_and_generators(value):
    expected = theirs._RandomStates().is_satisfied_by(value)
    accepted = RANDOM_STATE.accepts(value)
    assert accepted == (expected or isinstance(value, np.random.Generator))
    assert str(RANDOM_STATE) == (
        "an int in the range [0, 4294967295], an instance of "
        "'numpy.random.mtrand.RandomState', an instance of "
        "'numpy.random._generator.Generator' or None"
    )


def test_words_of_our_own():
    estimator = MLPClassifier(loss=3)
    constraints = {"loss": [Choice(["a", "b"]), Instance(dict, "a mapping"), CALLABLE]}
    with pytest.raises(ValueError) as caught:
        validate_parameters(estimator, constraints)
    assert str(caught.value) == (
        "The 'loss' parameter of MLPClassifier must be a str among {'a', 'b'}, a "
        "mapping or a callable. Got 3 instead."
    )
    validate_parameters(MLPClassifier(loss={}), constraints)
    assert str(OneOf(NONE)) == "None" and OneOf(NONE).accepts(None)


def test_parameters_without_constraint_may_be_anything():
    validate_parameters(
        MLPClassifier(alpha=object(), beta="x"), {"beta": [Choice("x")]}
    )


def test_a_constraint_says_what_it_accepts():
    with pytest.raises(NotImplementedError):
        Constraint().accepts(1)


def test_the_error_is_a_value_error_a_type_error_and_scikit_learn_s(monkeypatch):
    def error():
        with pytest.raises(InvalidParameterError) as caught:
            validate_parameters(MLPClassifier(a=1), {"a": [NONE]})
        return caught.value

    joined = error()
    assert isinstance(joined, ValueError) and isinstance(joined, TypeError)
    assert isinstance(joined, theirs.InvalidParameterError)
    assert type(pickle.loads(pickle.dumps(joined))) is type(joined)
    monkeypatch.delitem(sys.modules, "sklearn.utils._param_validation")
    assert type(error()) is parameters.InvalidParameterError
