"""What the doctor reads from the curve of a training."""

import math

import numpy as np
import pytest

from ardoise.engine.doctor import chance_loss, examine_history

CHANCE = math.log(10)


def history(loss, accuracy=None, checked=None, validation=None, rate=0.1):
    n = len(loss)
    return {
        "loss": loss,
        "accuracy": accuracy or [None] * n,
        "validation_accuracy": checked or [None] * n,
        "validation_loss": validation or [None] * n,
        "learning_rate": [rate] * n,
    }


def codes(*columns, chance=CHANCE, rate=0.1, **settings):
    found = examine_history(history(*columns, rate=rate), chance=chance, **settings)
    return {finding.code: finding for finding in found}


HEALTHY = [
    [2.3],
    [0.7, 0.2, 0.12, 0.08],
    [3.5, 3.0],  # the notebook, in its first epochs
    [3.508, 3.1, 2.8, 2.6, 2.455],
    [4.66, 3.4, 2.9],
    [2.3, 1.86, 1.23, 0.89],  # four sigmoid layers
    [0.04, 0.035, 0.03, 0.028],  # trained before
    [0.004, 0.002, 0.006, 0.001, 0.003],  # noise near 0
    [2.31, 2.30, 2.2, 1.5],  # slow, then not
    [1.8, 1.75, 1.74, 1.739],  # arrived
]


@pytest.mark.parametrize("loss", HEALTHY)
def test_no_alarm(loss):
    assert not codes(loss)
    assert not codes(loss, chance=None)


def test_no_alarm_on_mlp():
    """The recipe's own figures, with seed 0."""
    loss = [0.862, 0.174, 0.095, 0.060, 0.034, 0.017, 0.008]
    validation = [0.232, 0.0905, 0.0720, 0.0689, 0.0647, 0.0605, 0.0622]
    checked = [0.9348, 0.974, 0.9783, 0.9793, 0.9852, 0.9865, 0.9877]
    accuracy = [0.7381, 0.9478, 0.9703, 0.981, 0.9887, 0.9944, 0.9977]
    assert not codes(loss, accuracy, checked, validation, n_validation=6000)


def test_a_loss_that_rises():
    found = codes([1.0, 0.5, 0.4, 2.0])
    assert found["rate_too_high_rising"].values == {
        "lowest": 0.4,
        "loss": 2.0,
        "rate": 0.1,
        "lower": 0.01,
    }
    assert "from 0.4 to 2: the learning rate 0.1 is too high; try 0.01." in str(
        found["rate_too_high_rising"]
    )


def test_a_first_epoch_that_rises():
    assert "rate_too_high_rising" in codes([1232.0], initial=2.4)
    assert not codes([0.04], initial=0.01)  # trained before, and now with dropout
    assert not codes([1232.0])


def test_a_loss_that_oscillates():
    found = codes([2.0, 1.0, 1.5, 0.9, 1.3, 1.0, 1.4, 1.0, 1.3])
    assert found["rate_too_high_oscillating"].values["rises"] == 2
    assert not codes([2.0, 1.0, 0.9, 0.8, 0.82, 0.8, 0.79, 0.805, 0.8])


def test_a_validation_that_jumps():
    checked = [0.7, 0.938, 0.795, 0.91]
    found = codes([1, 0.5, 0.3, 0.2], [0.7, 0.9, 0.95, 0.97], checked)
    assert list(found) == ["rate_too_high_jumping"]  # and not by heart
    assert "from 93.8% to 79.5%" in str(found["rate_too_high_jumping"])
    assert not codes([1, 0.5, 0.3, 0.2], [0.7] * 4, checked, n_validation=20)


@pytest.mark.parametrize(
    "loss",
    [
        [2.437, 2.319, 2.212, 2.118],  # mlp, Adam at 1e-6: measured
        [2.50, 2.48, 2.46, 2.44],
    ],
)
def test_a_loss_that_hardly_moves(loss):
    found = codes(loss, rate=1e-6)
    assert list(found) == ["rate_too_low"]
    assert "the learning rate 1e-06 is too low; try 1e-05." in str(
        found["rate_too_low"]
    )


@pytest.mark.parametrize(
    "loss",
    [
        [2.269, 2.349, 2.329, 2.306],  # mlp, Adam at 1.0: measured
        [671.0, 4.0, 2.3153, 2.3152, 2.315, 2.3149],
        [2.38, 2.304, 2.296, 2.292],  # labels drawn at random: measured
        [2.31, 2.305, 2.304],
        [2.32, 2.31, 2.29, 2.27],
    ],
)
def test_a_loss_that_does_not_move(loss):
    found = codes(loss)
    assert list(found) == ["stuck"]
    assert found["stuck"].values["chance"] == CHANCE
    assert f"{loss[-1]:.3g} after {len(loss)} epochs, and 2.3 without" in str(
        found["stuck"]
    )


def test_a_loss_that_dropout_keeps_up():
    loss = [2.4, 2.35, 2.33]
    assert "stuck" in codes(loss)
    assert not codes(loss, None, None, [2.2, 2.0, 1.9])
    assert not codes([2.31, 2.305])  # two epochs are too few to say so


def test_learned_by_heart():
    loss, accuracy = [1.9, 0.3, 0.02, 0.001], [0.39, 0.95, 1.0, 1.0]
    checked = [0.64, 0.85, 0.862, 0.86]
    found = codes(loss, accuracy, checked, n_validation=2000)
    values = {"training": 1.0, "validation": 0.862, "epoch": 4}
    assert found["over_fitting"].values == values
    assert "accuracy 100.0% in training and 86.2% in validation" in str(
        found["over_fitting"]
    )
    assert not codes(loss, accuracy, checked, n_validation=20)
    assert not codes(loss, accuracy, checked, best_epoch=2)


def test_trained_too_long():
    loss = [1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03]
    validation = [1.0, 0.6, 0.5, 0.6, 0.62, 0.7, 0.75]
    found = codes(loss, None, None, validation)
    values = {"lowest": 0.5, "loss": 0.75, "epoch": 3}
    assert found["over_trained"].values == values
    assert not codes(loss, None, None, [*validation[:-1], 0.52])
    assert not codes(loss, None, None, [1.0, 0.6, 0.5, 0.45, 0.44, 0.43, 0.7])
    assert not codes(loss, None, None, validation, best_epoch=3)


@pytest.mark.parametrize("loss", [[], [math.nan], [1.0, math.inf]])
def test_nothing_to_read(loss):
    assert not codes(loss)


def test_columns_that_are_missing():
    assert not examine_history({"loss": [1.0, 0.5], "learning_rate": [0.1, 0.1]})


def test_the_loss_of_chance():
    assert chance_loss(np.arange(1000) % 10) == pytest.approx(CHANCE)
    assert chance_loss(np.array([0, 0, 0, 2])) == pytest.approx(
        -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    )
    assert chance_loss(np.zeros(5, int)) == 0
