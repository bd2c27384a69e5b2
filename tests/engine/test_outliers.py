"""Samples of no class: their loss, and what a network learns from them."""

import math

import numpy as np
import pytest
from check_layer import same
from short_training import NEW_X, NEW_Y, N, X, Y, network, trained

from ardoise.engine.doctor import Doctor
from ardoise.engine.losses import NO_CLASS, SoftmaxCrossEntropy, softmax
from ardoise.engine.training import Callback, fit

FAR = 6 * np.random.default_rng(7).standard_normal((30, 2))
FAR = FAR[np.hypot(*FAR.T) > 4]  # the clouds are nearer


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_by_hand(smoothing, weighted):
    z = np.array([[1.0, -2, 0.5], [0, 3, 1], [2, 2, 2]])
    weights = np.array([2.0, 0.5, 1.5]) if weighted else np.ones(3)
    loss = SoftmaxCrossEntropy(smoothing)
    given = weights if weighted else None
    t = np.array([2, NO_CLASS, NO_CLASS])
    value, dz = loss(z, t, scale=0.7, weights=given)
    p = softmax(z)
    target = np.full((3, 3), 1 / 3)
    target[0] = smoothing / 3
    target[0, 2] += 1 - smoothing
    each = -(target * np.log(p)).sum(axis=1) - [0, math.log(3), math.log(3)]
    assert value == pytest.approx(0.7 * float(each @ weights))
    np.testing.assert_allclose(dz, 0.7 * weights[:, None] * (p - target), atol=1e-15)
    assert each[2] == pytest.approx(0)  # all classes are as probable: as it should be
    assert t.tolist() == [2, NO_CLASS, NO_CLASS]  # it is only read


def test_no_class_is_no_label_of_a_user():
    with pytest.raises(ValueError, match="class indices from 0 to 2"):
        fit(network(), X, np.where(Y == 1, NO_CLASS, Y))


def test_a_network_learns_not_to_answer():
    settings = {"epochs": 60, "learning_rate": 0.02, "data": (X, Y)}
    plain, _ = trained(**settings)
    wise, _ = trained(**settings, outliers=FAR)
    far = softmax(plain.predict_logits(-FAR)).max(axis=1).mean()
    unsure = softmax(wise.predict_logits(-FAR)).max(axis=1).mean()
    assert unsure < 0.6 < 0.85 < far
    assert (wise.predict_logits(NEW_X).argmax(axis=1) == NEW_Y).mean() > 0.9


def test_accuracy_counts_those_that_have_a_class():
    net = network()
    right = float((net.predict_logits(X).argmax(axis=1) == Y).mean())
    _, history = trained(net, outliers=FAR, epochs=1, learning_rate=1e-12, batch_size=7)
    assert history["accuracy"] == [pytest.approx(right)]
    value, _ = SoftmaxCrossEntropy()(net.predict_logits(X), Y, scale=1.0)
    more, _ = SoftmaxCrossEntropy()(
        net.predict_logits(FAR), np.full(len(FAR), NO_CLASS), scale=1.0
    )
    assert history["loss"] == [pytest.approx((value + more) / (N + len(FAR)))]


class Pausing(Callback):
    def __init__(self, step):
        self.at = step

    def on_batch_end(self, training):
        if training.step == self.at:
            self.snapshot = training.snapshot()


@pytest.mark.parametrize("step", [2, 6, 8])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.filterwarnings("ignore:The samples come")
def test_a_training_goes_on_to_the_bit(step, shuffle):
    settings = {"outliers": FAR, "shuffle": shuffle, "batch_size": 16}
    pausing = Pausing(step)
    whole, history = trained(callbacks=[pausing], **settings)
    resumed, again = trained(
        callbacks=[Pausing(-1)], snapshot=pausing.snapshot, **settings
    )
    same(resumed.theta, whole.theta)
    assert again["accuracy"] == history["accuracy"]
    assert again["loss"] == history["loss"]


def test_weights_of_samples_leave_outliers_theirs():
    ones, _ = trained(outliers=FAR, sample_weight=np.ones(N))
    plain, _ = trained(outliers=FAR)
    np.testing.assert_allclose(ones.theta, plain.theta, rtol=1e-12)


def test_the_doctor_looks_at_what_has_a_class():
    doctor = Doctor()
    trained(outliers=FAR, callbacks=[doctor])
    alone = Doctor()
    trained(callbacks=[alone])
    assert {f.code for f in doctor.findings} <= {f.code for f in alone.findings}


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        (
            {"loss": "squared_error", "data": (X, np.eye(3)[Y])},
            ValueError,
            "outliers need the loss 'softmax_cross_entropy'; got 'squared_error'",
        ),
        ({"outliers": FAR.astype("f4")}, TypeError, "dtype of x, float64; got float32"),
        ({"outliers": FAR[:, :1]}, ValueError, "shape"),
        ({"outliers": np.full((2, 2), np.nan)}, ValueError, "NaN|finite"),
    ],
)
def test_what_is_refused(settings, error, sentence):
    net = network()
    before = net.theta.copy()
    with pytest.raises(error, match=sentence):
        trained(net, **{"outliers": FAR, **settings})
    same(net.theta, before)
