"""Schedules: exact values, both ends, the warm-up, and what is refused."""

import json
import math

import pytest

from ardoise.engine import schedules
from ardoise.engine.schedules import (
    SCHEDULES,
    ConstantRate,
    Cosine,
    ExponentialDecay,
    LinearDecay,
    OneCycle,
    Schedule,
    StepDecay,
)

ALL = [
    ConstantRate(0.1),
    StepDecay(0.1, step_size=3, gamma=0.5),
    ExponentialDecay(0.1, gamma=0.9),
    LinearDecay(0.1, final=0.25),
    Cosine(0.1, final=0.25),
    OneCycle(0.1),
]
FALLING = ALL[:-1]


def rates(schedule, total):
    return [schedule(step, total) for step in range(total)]


def test_no_schedule_is_forgotten():
    assert {each.name for each in ALL} == set(SCHEDULES)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (ConstantRate(2.0), [2, 2, 2, 2]),
        (StepDecay(8.0, step_size=2, gamma=0.5), [8, 8, 4, 4]),
        (ExponentialDecay(8.0, gamma=0.5), [8, 4, 2, 1]),
        (LinearDecay(8.0), [8, 6, 4, 2]),
        (LinearDecay(8.0, final=0.5), [8, 7, 6, 5]),
        (Cosine(2.0), [2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5)]),
        (
            Cosine(2.0, final=0.5),
            [2, 1.5 + math.sqrt(1 / 8), 1.5, 1.5 - math.sqrt(1 / 8)],
        ),
    ],
    ids=repr,
)
def test_exact_values(schedule, expected):
    assert rates(schedule, 4) == pytest.approx(expected, rel=1e-14)


def test_one_cycle_rises_to_its_peak_and_falls_to_its_end():
    schedule = OneCycle(1.0, peak=0.5, start_divisor=10, final_divisor=100)
    found = rates(schedule, 10)
    assert found[0] == pytest.approx(0.1)
    assert found[4] == 1  # peak · steps − 1
    assert found[9] == pytest.approx(0.001)
    assert found[:5] == sorted(found[:5])
    assert found[4:] == sorted(found[4:], reverse=True)
    assert found[2] == pytest.approx((0.1 + 1) / 2)  # half-way along the cosine


@pytest.mark.parametrize("schedule", FALLING, ids=repr)
def test_schedules_start_at_the_rate_and_never_rise(schedule):
    found = rates(schedule, 50)
    assert found[0] == schedule.learning_rate
    assert found == sorted(found, reverse=True)
    assert min(found) > 0


@pytest.mark.parametrize(
    "schedule", [LinearDecay(1.0, final=0.1), Cosine(1.0, final=0.1)]
)
def test_the_end_is_reached_after_the_last_step_and_kept(schedule):
    assert schedule(10, 10) == pytest.approx(0.1)
    assert schedule(25, 10) == pytest.approx(0.1)


@pytest.mark.parametrize("schedule", ALL, ids=repr)
@pytest.mark.parametrize("total", [1, 2, 3])
def test_few_steps_are_enough(schedule, total):
    found = rates(schedule, total)
    assert all(0 < rate <= schedule.learning_rate for rate in found)
    assert max(found) == schedule.learning_rate


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_rates_are_python_floats(schedule):
    """A NumPy float64 would turn float32 updates into float64."""
    assert {type(rate) for rate in rates(schedule, 5)} == {float}


@pytest.mark.parametrize("warmup", [4, 4.0, 0.2])
def test_warm_up_is_a_line_before_the_schedule_proper(warmup):
    found = rates(LinearDecay(1.0, warmup=warmup), 20)
    assert found[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert found[4:] == pytest.approx(rates(LinearDecay(1.0), 16))


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_every_schedule_can_warm_up(schedule):
    config = {**schedule.config(), "warmup": 3}
    found = rates(schedules.get(config), 13)
    assert found[:3] == pytest.approx([0.1 * k / 4 for k in (1, 2, 3)])
    assert found[3:] == pytest.approx(rates(schedule, 10))


@pytest.mark.parametrize("warmup", [1, 1.0])
def test_a_warm_up_of_one_is_one_step_not_all(warmup):
    assert rates(ConstantRate(1.0, warmup=warmup), 3) == [0.5, 1, 1]


def test_a_cycle_may_start_and_end_at_its_peak():
    flat = OneCycle(1.0, start_divisor=1, final_divisor=1)
    assert rates(flat, 5) == [1] * 5


def test_a_warm_up_as_long_as_the_training():
    assert rates(Cosine(1.0, warmup=3), 3) == pytest.approx([0.25, 0.5, 0.75])


@pytest.mark.parametrize("schedule", ALL, ids=repr)
def test_a_schedule_is_its_config(schedule):
    twin = schedules.get(json.loads(json.dumps(schedule.config())))
    assert repr(twin) == repr(schedule)
    assert rates(twin, 7) == rates(schedule, 7)


def test_get_takes_a_number_a_mapping_or_the_object():
    schedule = Cosine(0.1)
    assert schedules.get(schedule) is schedule
    assert repr(schedules.get(0.5)) == repr(ConstantRate(0.5))
    spec = {"name": "cosine", "learning_rate": 0.1}
    assert repr(schedules.get(spec)) == repr(schedule)
    assert spec == {"name": "cosine", "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (0, "learning_rate must be a positive number; got 0"),
        (-1.0, "learning_rate must be a positive number; got -1.0"),
        (math.nan, "learning_rate must be a positive number; got nan"),
        ({"name": "sine", "learning_rate": 1}, "schedule must be one of .* got 'sine'"),
        ({"learning_rate": 1}, "schedule must be one of .* got None"),
        ({"name": "cosine"}, "schedule 'cosine': .*learning_rate"),
        ({"name": "step", "learning_rate": 1}, "schedule 'step': .*step_size"),
    ],
)
def test_get_refuses_what_is_no_schedule_in_one_sentence(spec, sentence):
    with pytest.raises(ValueError, match=sentence):
        schedules.get(spec)


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        ("constant", {"warmup": -1}, "warmup must not be negative; got -1"),
        ("constant", {"warmup": 2.5}, "whole number of steps, or a .* got 2.5"),
        ("step", {"step_size": 0}, "step_size must be a positive .* got 0"),
        ("step", {"step_size": 1.5}, "step_size must be a positive .* got 1.5"),
        ("step", {"step_size": 1, "gamma": 0}, r"gamma must lie in \(0, 1\]; got 0"),
        ("exponential", {"gamma": 1.1}, r"gamma must lie in \(0, 1\]; got 1.1"),
        ("linear", {"final": 2}, r"final must lie in \[0, 1\]; got 2"),
        ("cosine", {"final": -1}, r"final must lie in \[0, 1\]; got -1"),
        ("one_cycle", {"peak": 0}, "peak must lie between 0 and 1; got 0"),
        ("one_cycle", {"peak": 1}, "peak must lie between 0 and 1; got 1"),
        ("one_cycle", {"start_divisor": 0}, "at least 1; got 0 and 10000"),
        ("one_cycle", {"final_divisor": 0.5}, "at least 1; got 25.0 and 0.5"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence(name, settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        schedules.get({"name": name, "learning_rate": 1, **settings})


def test_the_base_class_has_no_course():
    with pytest.raises(NotImplementedError):
        Schedule(0.1)(0, 1)
