"""Members trained side by side have the weights that they have one after another."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from ardoise.digits import load_mnist, members
from ardoise.digits.members import learn_members
from ardoise.digits.planning import learn, plan_of
from ardoise.digits.recipes import RECIPES
from ardoise.engine.errors import DivergenceError
from ardoise.files import ModelFileError
from ardoise.messages import UserError


def small_plan(**changes):
    """Return a plan of three members, of two shapes, on few images."""
    settings = {"members": 3, "epochs": 1, "batch_size": 50, "validation": 40}
    recipe = replace(RECIPES["best"], **{**settings, **changes})
    data = load_mnist().subset(np.arange(0, 10000, 40))
    return plan_of(recipe, data, "mnist", "70/15/15", 0, threads=1)


def numbers(plan):
    return [np.concatenate([n.theta, n.state]) for n in plan.networks]


@pytest.fixture(scope="module")
def in_turn():
    plan = small_plan()
    return [learn(plan, member=i) for i in range(3)], numbers(plan)


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential", None])
def test_side_by_side_and_in_turn(in_turn, backend):
    import joblib

    plan, (histories, trained) = small_plan(), in_turn
    if backend is None:
        found = learn_members(plan)
    else:
        with joblib.parallel_config(backend):
            found = learn_members(plan, n_jobs=2)
    for got, expected in zip(numbers(plan), trained, strict=True):
        np.testing.assert_array_equal(got, expected)
    for got, expected in zip(found, histories, strict=True):
        assert got.stopped == "finished"
        for name in ("loss", "accuracy", "validation_loss", "validation_accuracy"):
            assert got[name] == expected[name]


def test_what_comes_back_is_a_model_file(monkeypatch):
    write = members.write_model
    monkeypatch.setattr(members, "write_model", lambda model: _flip(write(model)))
    with pytest.raises(ModelFileError, match="network 1 is not a model of ardoise"):
        learn_members(small_plan())


def _flip(content):
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


def test_a_member_that_diverges_ends_all():
    with pytest.raises(DivergenceError):
        learn_members(small_plan(learning_rate=1e30), n_jobs=2)


def test_ctrl_c_ends_all(monkeypatch):
    begun = []

    def press(plan):
        history = learn(plan)
        history.stopped = "interrupted"
        begun.append(history)
        return history

    monkeypatch.setattr(members, "learn", press)
    with pytest.raises(KeyboardInterrupt):
        learn_members(small_plan(epochs=1))
    assert len(begun) == 1


def test_without_joblib(monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(UserError, match=r'pip install "ardoise\[dask\]"'):
        learn_members(small_plan(epochs=1))
