"""Optimisers: their formulas, written plainly, and what surrounds them.

Each formula stands here a second time as its source has it, one NumPy expression after
the other; the library's in-place version must give the same numbers.
"""

import itertools
import json
import math

import numpy as np
import pytest

from ardoise.engine import optimizers
from ardoise.engine.optimizers import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Optimizer,
    RMSprop,
    WeightAverage,
    clip_by_global_norm,
)

RATE = 0.05
SIZE, N_DECAY = 12, 7

ALL = [
    SGD(),
    SGD(weight_decay=0.1),
    SGD(0.9),
    SGD(0.9, weight_decay=0.1),
    SGD(0.9, nesterov=True, weight_decay=0.1),
    Adam(),
    Adam(0.8, 0.95, epsilon=1e-3, weight_decay=0.1),
    AdamW(),
    AdamW(weight_decay=0.3),
    RMSprop(),
    RMSprop(0.9, momentum=0.5, epsilon=1e-3, weight_decay=0.1),
]
every_optimizer = pytest.mark.parametrize("optimizer", ALL, ids=repr)


def gradients(steps, size=SIZE, seed=1):
    return np.random.default_rng(seed).standard_normal((steps, size))


def start(size=SIZE):
    return np.random.default_rng(0).standard_normal(size)


def follow(optimizer, grads, *, dtype="float64", rate=RATE, n_decay=N_DECAY):
    """Return theta after each of the steps along these gradients."""
    theta = start(grads.shape[1]).astype(dtype)
    grad = np.empty_like(theta)
    optimizer.bind(theta, grad, n_decay)
    path = []
    for g in grads:
        grad[...] = g
        optimizer.step(rate)
        path.append(theta.copy())
    return np.array(path)


def as_the_papers_write_it(optimizer, grads, rate=RATE):
    """The same path, from the formulas of the docstrings."""
    o, path = optimizer, []
    theta = start()
    decay = np.where(np.arange(SIZE) < N_DECAY, o.weight_decay, 0.0)
    velocity, m, v = np.zeros((3, SIZE))
    for t, g in enumerate(grads, start=1):
        if isinstance(o, AdamW):
            theta = (1 - rate * decay) * theta
        else:
            g = g + decay * theta
        if isinstance(o, SGD):
            velocity = o.momentum * velocity + g
            theta = theta - rate * (
                g + o.momentum * velocity if o.nesterov else velocity
            )
        elif isinstance(o, Adam):
            m = o.beta1 * m + (1 - o.beta1) * g
            v = o.beta2 * v + (1 - o.beta2) * g**2
            m_hat, v_hat = m / (1 - o.beta1**t), v / (1 - o.beta2**t)
            theta = theta - rate * m_hat / (np.sqrt(v_hat) + o.epsilon)
        else:
            v = o.alpha * v + (1 - o.alpha) * g**2
            velocity = o.momentum * velocity + g / (np.sqrt(v) + o.epsilon)
            theta = theta - rate * velocity
        path.append(theta)
    return np.array(path)


def test_no_optimizer_is_forgotten():
    assert {each.name for each in ALL} == set(OPTIMIZERS)


# -- formulas -------------------------------------------------------------------------


@every_optimizer
def test_the_steps_are_those_of_the_formula(optimizer):
    grads = gradients(6)
    found = follow(optimizer, grads)
    expected = as_the_papers_write_it(optimizer, grads)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)


def test_first_steps_by_hand():
    assert follow(SGD(), np.ones((1, 1)))[0, 0] == start(1)[0] - RATE
    # Adam's first step has the length of the rate, whatever the gradient.
    for size in (1e-3, 1.0, 1e3):
        moved = follow(Adam(epsilon=1e-20), np.full((1, 1), size))[0, 0] - start(1)[0]
        assert moved == pytest.approx(-RATE, rel=1e-12)


def test_tiny_gradients_meet_epsilon_where_pytorch_has_it():
    moved = follow(Adam(), np.full((1, 1), 1e-8))[0, 0] - start(1)[0]
    assert moved == pytest.approx(-RATE / 2, rel=1e-6)  # 1e-8 / (1e-8 + 1e-8)


@pytest.mark.parametrize(
    "optimizer",
    [o for o in ALL if o.weight_decay],
    ids=repr,
)
def test_decay_acts_on_the_first_part_alone(optimizer):
    still = np.zeros((3, SIZE))
    theta = follow(optimizer, still)[-1]
    assert (np.abs(theta[:N_DECAY]) < np.abs(start()[:N_DECAY])).all()
    np.testing.assert_array_equal(theta[N_DECAY:], start()[N_DECAY:])


@every_optimizer
def test_a_rate_of_zero_moves_nothing(optimizer):
    found = follow(optimizer, gradients(3), rate=0.0)
    np.testing.assert_array_equal(found[-1], start())


# -- vectors --------------------------------------------------------------------------


@every_optimizer
@pytest.mark.parametrize("n_decay", [0, 7, 8, SIZE])
def test_parts_and_whole_give_the_same_bits(optimizer, n_decay, monkeypatch):
    whole = follow(optimizer, gradients(5), n_decay=n_decay)
    monkeypatch.setattr(optimizers, "WHOLE", 4)
    monkeypatch.setattr(optimizers, "PART", 4)
    parts = follow(optimizer, gradients(5), n_decay=n_decay)
    lengths = [len(theta) for _, theta, *_ in optimizer._parts[0]]
    assert max(lengths) == 4
    np.testing.assert_array_equal(parts, whole)


@every_optimizer
@pytest.mark.parametrize("n_decay", [0, 7, 8, SIZE])
@pytest.mark.parametrize("sections", [2, 3])
def test_sections_can_be_updated_in_any_order(optimizer, n_decay, sections):
    whole = follow(optimizer, gradients(3), n_decay=n_decay)[-1]
    theta, grad = start(), np.empty(SIZE)
    cuts = [SIZE * i // sections for i in range(sections + 1)]
    slices = [slice(*ends) for ends in itertools.pairwise(cuts)]
    optimizer.bind(theta, grad, n_decay, sections=slices)
    for g in gradients(3):
        grad[...] = g
        optimizer.begin_step(RATE)
        for i in reversed(range(sections)):
            optimizer.update_section(i)
    np.testing.assert_array_equal(theta, whole)
    assert "sections" not in optimizer.config()


@every_optimizer
def test_float32_stays_float32(optimizer):
    found = follow(optimizer, gradients(5), dtype="float32")
    for vector in optimizer.state().values():
        assert vector.dtype == np.float32
    assert all(part[3].dtype == np.float32 for part in optimizer._parts[0])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, follow(optimizer, gradients(5)), atol=1e-5)


@every_optimizer
def test_the_vectors_are_never_replaced(optimizer):
    theta, grad = start(), gradients(1)[0]
    optimizer.bind(theta, grad)
    state = dict(optimizer.state())
    optimizer.step(RATE)
    assert (theta != start()).all()
    assert all(optimizer.state()[name] is state[name] for name in state)


@every_optimizer
def test_binding_again_starts_anew(optimizer):
    first = follow(optimizer, gradients(4))
    assert optimizer.t == 4
    np.testing.assert_array_equal(follow(optimizer, gradients(4)), first)


@every_optimizer
def test_the_state_is_what_it_remembers(optimizer):
    follow(optimizer, gradients(3))
    assert set(optimizer.state()) == set(optimizer.slots())
    assert all(vector.any() for vector in optimizer.state().values())


def test_slots():
    assert SGD().slots() == ()
    assert SGD(0.9).slots() == ("velocity",)
    assert Adam().slots() == AdamW().slots() == ("m", "v")
    assert RMSprop().slots() == ("v",)
    assert RMSprop(momentum=0.5).slots() == ("v", "velocity")


@every_optimizer
def test_a_network_without_parameters_is_no_obstacle(optimizer):
    optimizer.bind(np.zeros(0), np.zeros(0))
    optimizer.step(RATE)


# -- names ----------------------------------------------------------------------------


@every_optimizer
def test_an_optimizer_is_its_config(optimizer):
    before = optimizer.config()
    follow(optimizer, gradients(2))
    assert optimizer.config() == before
    twin = optimizers.get(json.loads(json.dumps(before)))
    assert repr(twin) == repr(optimizer)
    np.testing.assert_array_equal(
        follow(twin, gradients(2)), follow(optimizer, gradients(2))
    )


def test_get_takes_a_name_a_mapping_or_the_object():
    sgd = SGD(0.5)
    assert optimizers.get(sgd) is sgd
    assert repr(optimizers.get("adamw")) == repr(AdamW())
    spec = {"name": "sgd", "momentum": 0.5}
    assert repr(optimizers.get(spec)) == repr(sgd)
    assert spec == {"name": "sgd", "momentum": 0.5}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("adagrad", "optimizer must be one of sgd, adam, .* got 'adagrad'"),
        ({"momentum": 1}, "optimizer must be one of .* got None"),
        ({"name": "sgd", "speed": 1}, "optimizer 'sgd': .*speed"),
        ({"name": "sgd", "momentum": 1}, r"momentum must lie in \[0, 1\); got 1"),
        ({"name": "sgd", "nesterov": True}, "nesterov needs a momentum above 0"),
        ({"name": "adam", "beta1": -0.1}, r"beta1 must lie in \[0, 1\); got -0.1"),
        ({"name": "adam", "beta2": 1}, r"beta2 must lie in \[0, 1\); got 1"),
        ({"name": "adam", "epsilon": -1}, "epsilon must be a positive number; got -1"),
        ({"name": "adamw", "weight_decay": math.inf}, "not negative; got inf"),
        ({"name": "rmsprop", "alpha": 1}, r"alpha must lie in \[0, 1\); got 1"),
    ],
)
def test_get_refuses_what_it_does_not_know_in_one_sentence(spec, sentence):
    with pytest.raises(ValueError, match=sentence):
        optimizers.get(spec)


def test_the_base_class_makes_no_step():
    optimizer = Optimizer()
    optimizer.bind(np.zeros(1), np.zeros(1))
    with pytest.raises(NotImplementedError):
        optimizer.step(RATE)


# -- beside the optimisers ------------------------------------------------------------


def test_clipping_keeps_the_direction_and_leaves_short_gradients_alone():
    grad = np.array([3.0, 4.0])
    assert clip_by_global_norm(grad, 2.5) == 5
    np.testing.assert_allclose(grad, [1.5, 2.0], rtol=1e-15)
    assert clip_by_global_norm(grad, 10.0) == 2.5
    np.testing.assert_allclose(grad, [1.5, 2.0], rtol=1e-15)
    single = np.full(4, 3.0, np.float32)
    assert clip_by_global_norm(single, 3.0) == 6
    assert single.dtype == np.float32


def test_weight_average_is_young_first():
    theta = np.array([1.0])
    average = WeightAverage(theta, 0.5)
    expected = 1.0
    for t in range(1, 40):
        theta[...] = t
        average.update()
        keep = min(0.5, (1 + t) / (10 + t))
        expected = keep * expected + (1 - keep) * t
        assert average.average[0] == pytest.approx(expected, rel=1e-14)
    assert average.t == 39


def test_weight_average_is_swapped_in_and_out():
    theta = np.array([1.0, 2.0])
    average = WeightAverage(theta, 0.9)
    theta[...] = [5.0, 6.0]
    average.swap()
    assert (theta.tolist(), average.average.tolist()) == ([1, 2], [5, 6])
    average.swap()
    assert (theta.tolist(), average.average.tolist()) == ([5, 6], [1, 2])


def test_weight_average_refuses_a_decay_of_one():
    with pytest.raises(ValueError, match=r"decay must lie in \[0, 1\); got 1"):
        WeightAverage(np.zeros(1), 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "optimizer", [Adam(), SGD(0.9), RMSprop(momentum=0.9)], ids=lambda o: o.name
)
def test_what_has_nearly_become_0_becomes_0(optimizer, dtype):
    theta, grad = np.zeros(2, dtype), np.ones(2, dtype)
    optimizer.bind(theta, grad)
    tiny = np.finfo(dtype).tiny
    for _ in range(int(-np.log(tiny) / 0.105)):
        optimizer.step(RATE)
        grad[...] = 0, 1  # the first one fades: × 0.9 a step
        for slot in optimizer.fading:
            faded, alive = optimizer.state()[slot]
            assert faded == 0 or abs(faded) > tiny
            assert alive != 0
    assert faded == 0
