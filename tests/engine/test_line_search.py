"""The line search: the tables of its paper, and functions that try to break it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ardoise.engine import line_search
from ardoise.engine.line_search import LONGEST, LineSearch

FIRST = (1e-3, 1e-1, 1e1, 1e3)


# The functions of Moré and Thuente's section 5, as (φ, φ′).


def one(beta):
    return lambda t: (-t / (t * t + beta), (t * t - beta) / (t * t + beta) ** 2)


def two(beta):
    def function(t):
        s = t + beta
        return s**5 - 2 * s**4, 5 * s**4 - 8 * s**3

    return function


def three(beta, waves):
    def function(t):
        if abs(t - 1) >= beta:
            value, slope = abs(t - 1), math.copysign(1.0, t - 1)
        else:
            value, slope = (t - 1) ** 2 / (2 * beta) + beta / 2, (t - 1) / beta
        angle, height = waves * math.pi / 2, (1 - beta)
        value += height / angle * math.sin(angle * t)
        return value, slope + height * math.cos(angle * t)

    return function


def four(beta1, beta2):
    def gamma(beta):
        return math.sqrt(1 + beta * beta) - beta

    def function(t):
        left, right = math.hypot(1 - t, beta2), math.hypot(t, beta1)
        value = gamma(beta1) * left + gamma(beta2) * right
        return value, gamma(beta2) * t / right - gamma(beta1) * (1 - t) / left

    return function


def search(function, step, most=100):
    """Return (step, evaluations), or (None, most) if the search did not end."""
    found = LineSearch(*function(0.0), step)
    for n in range(1, most + 1):
        if found.accepts(*function(found.step)):
            return found.step, n
    return None, most


# Function, μ, η; then, for each first step, evaluations and the step found: tables I
# to VI.
TABLES = [
    (one(2), 1e-3, 0.1, [(6, 1.4), (3, 1.4), (1, 10), (4, 37)]),
    (two(0.004), 0.1, 0.1, [(12, 1.6), (8, 1.6), (8, 1.6), (11, 1.6)]),
    (three(0.01, 39), 0.1, 0.1, [(12, 1.0), (12, 1.0), (10, 1.0), (13, 1.0)]),
    (four(1e-3, 1e-3), 1e-3, 1e-3, [(4, 0.085), (1, 0.1), (3, 0.35), (4, 0.83)]),
    (four(1e-2, 1e-3), 1e-3, 1e-3, [(6, 0.075), (3, 0.078), (7, 0.073), (8, 0.076)]),
    (four(1e-3, 1e-2), 1e-3, 1e-3, [(13, 0.93), (11, 0.93), (8, 0.92), (11, 0.92)]),
]


@pytest.mark.parametrize(("function", "mu", "eta", "rows"), TABLES)
def test_the_tables_of_the_paper(function, mu, eta, rows, monkeypatch):
    monkeypatch.setattr(line_search, "DECREASE", mu)
    monkeypatch.setattr(line_search, "CURVATURE", eta)
    monkeypatch.setattr(line_search, "NARROW", 1e-10)
    for first, (evaluations, step) in zip(FIRST, rows, strict=True):
        found, n = search(function, first)
        assert (n, float(f"{found:.2g}")) == (evaluations, step)


SMOOTH, ROUGH = [(TABLES[i][0]) for i in (0, 3, 4, 5)], [TABLES[i][0] for i in (1, 2)]


@pytest.mark.parametrize("function", SMOOTH)
@pytest.mark.parametrize("first", FIRST)
def test_the_step_is_low_enough_and_not_steep(function, first):
    value, slope = function(0.0)
    step, n = search(function, first)
    assert n <= 6
    assert function(step)[0] <= value + 1e-3 * step * slope
    assert abs(function(step)[1]) <= 0.9 * abs(slope)


@pytest.mark.parametrize("function", ROUGH)
@pytest.mark.parametrize("first", FIRST)
def test_between_steep_walls_it_ends_at_the_lowest_step(function, first):
    # The slope at 0 is so small that hardly any other is flat beside it.
    values = []

    def noted(t):
        values.append(function(t)[0])
        return function(t)

    step, n = search(noted, first)
    assert n <= 12
    assert function(step)[0] == min(values)
    assert abs(function(step)[1]) > 0.9 * abs(function(0.0)[1])


def test_where_there_is_no_end_the_longest_step_is_taken():
    assert search(lambda t: (-t, -1.0), 1.0) == (LONGEST, 18)


def test_where_the_slope_lies_no_step_is_accepted():
    # φ′(0) says down, and it is up: the interval shrinks towards 0.
    found = LineSearch(1.0, -1.0, 1.0)
    for _ in range(20):
        before = found.step
        assert not found.accepts(1.0 + found.step, 1.0)
        assert 0 < found.step < before


@pytest.mark.parametrize(
    "answers",
    [
        [(0.0, 0.0), (0.0, 0.0)],  # as the start, and level
        [(1e308, -1e308), (-1e308, 1e308)],  # the differences are infinite
    ],
)
def test_where_interpolation_fails_the_step_is_halved(answers):
    found = LineSearch(0.0, -1e-300, 1.0)
    for value, slope in answers:
        found.accepts(value, slope)
        assert 0 <= found.step <= LONGEST


def test_steps_that_go_too_far_are_halved_and_then_any_decrease_does():
    asked = []

    def function(t):
        asked.append(t)
        return (-t, -1.0) if t < 0.3 else (math.inf, math.nan)

    assert search(function, 1.0) == (0.25, 3)
    assert asked == [0.0, 1.0, 0.5, 0.25]


def test_a_search_among_nothing_but_nan_goes_on_until_it_is_stopped():
    found, n = search(lambda t: (math.nan if t else 0.0, -1.0), 1.0, most=20)
    assert (found, n) == (None, 20)


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-2, 2),
    st.sampled_from([0.0, 1.0, -1.0, 5e-324, -5e-324, 1e308, -1e308]),
)


@given(
    st.floats(-1e300, -5e-324) | st.floats(-2, -0.1),
    st.floats(1e-300, LONGEST),
    st.lists(st.tuples(numbers, numbers), max_size=20),
)
def test_whatever_the_answers_the_steps_are_numbers(slope, step, answers):
    found = LineSearch(0.0, slope, step)
    for value, new_slope in answers:
        assert 0 <= found.step <= LONGEST
        if found.accepts(value, new_slope):
            break
