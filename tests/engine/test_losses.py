"""Losses: their gradient against differences, exact values, extremes, and refusals."""

import copy
import json
import math
import pickle

import numpy as np
import pytest
from check_layer import peak_memory

from ardoise.engine import losses
from ardoise.engine.losses import (
    LOSSES,
    AbsoluteError,
    Huber,
    Loss,
    PoissonDeviance,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
    SquaredError,
    softmax,
)

EPSILON = 1e-5
PER_ELEMENT = 1e-7

CASES = [
    SoftmaxCrossEntropy(),
    SoftmaxCrossEntropy(0.1),
    SigmoidBinaryCrossEntropy(),
    SquaredError(),
    PoissonDeviance(),
    AbsoluteError(),
    Huber(),
    Huber(0.5),
]
every_loss = pytest.mark.parametrize("loss", CASES, ids=repr)


def batch(loss, n=6, k=4, dtype="float64", seed=0):
    """Return outputs and targets; no output within 0.01 of a kink."""
    rng = np.random.default_rng(seed)
    z = 2 * rng.standard_normal((n, k))
    if isinstance(loss, SoftmaxCrossEntropy):
        return z.astype(dtype), rng.integers(0, k, n)
    if isinstance(loss, SigmoidBinaryCrossEntropy):
        return z.astype(dtype), rng.random((n, k)).astype(dtype)
    if isinstance(loss, PoissonDeviance):
        return z.astype(dtype), rng.integers(0, 4, (n, k)).astype(dtype)
    distance = rng.choice([-2.3, -0.8, -0.3, 0.2, 0.7, 1.9], (n, k))
    return z.astype(dtype), (z + distance).astype(dtype)


def test_no_loss_is_forgotten():
    assert {loss.name for loss in CASES} == set(LOSSES)


# -- the gradient ---------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(1, 2), (6, 4)])
def test_the_gradient_is_the_slope_of_the_value(loss, weighted, shape):
    z, t = batch(loss, *shape)
    weights = np.linspace(0, 2, len(z)) if weighted else None

    def value():
        return loss(z, t, scale=0.7, weights=weights)[0]

    dz = loss(z, t, scale=0.7, weights=weights)[1].copy()
    assert dz.flags.c_contiguous
    for place in np.ndindex(z.shape):
        kept = z[place]
        z[place] = kept + EPSILON
        above = value()
        z[place] = kept - EPSILON
        below = value()
        z[place] = kept
        assert abs((above - below) / (2 * EPSILON) - dz[place]) <= PER_ELEMENT


@every_loss
def test_weights_of_one_change_nothing_and_parts_of_a_batch_add(loss):
    z, t = batch(loss)
    value, dz = loss(z, t, scale=1 / 6)
    dz = dz.copy()
    weighted, dz_weighted = loss(z, t, scale=1 / 6, weights=np.ones(6))
    assert weighted == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(dz_weighted, dz, atol=1e-16)
    parts = []
    for rows in (slice(0, 2), slice(2, 6)):
        part, dz_part = loss(z[rows], t[rows], scale=1 / 6)
        parts.append((part, dz_part.copy()))
    assert parts[0][0] + parts[1][0] == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(np.concatenate([p[1] for p in parts]), dz, atol=1e-16)


@every_loss
def test_a_weight_of_two_is_a_sample_taken_twice(loss):
    z, t = batch(loss, n=3)
    value, dz = loss(z, t, scale=0.25, weights=np.array([1.0, 2, 0]))
    dz = dz.copy()
    twice = [0, 1, 1]
    repeated, dz_repeated = loss(z[twice], t[twice], scale=0.25)
    assert value == pytest.approx(repeated, rel=1e-14)
    np.testing.assert_allclose(dz[0], dz_repeated[0], atol=1e-16)
    np.testing.assert_allclose(dz[1], 2 * dz_repeated[1], atol=1e-16)
    assert (dz[2] == 0).all()


@every_loss
def test_outputs_are_only_read_and_the_gradient_keeps_their_dtype(loss):
    for dtype in ("float32", "float64"):
        z, t = batch(loss, dtype=dtype)
        z.flags.writeable = False
        for weights in (None, np.ones(len(z), dtype)):
            value, dz = loss(z, t, scale=1 / 6, weights=weights)
            assert type(value) is float
            assert (dz.dtype, dz.shape) == (z.dtype, z.shape)
            assert not np.shares_memory(dz, z)


@every_loss
def test_float32_agrees_with_float64(loss):
    z, t = batch(loss)
    value, dz = loss(z, t, scale=1 / 6)
    single = [a.astype("f4") if a.dtype.kind == "f" else a for a in (z, t)]
    value32, dz32 = copy.copy(loss)(*single, scale=1 / 6)
    assert value32 == pytest.approx(value, rel=1e-6)
    np.testing.assert_allclose(dz32, dz, atol=1e-6)


@every_loss
def test_the_buffers_follow_the_batch_and_are_reused(loss):
    large, small = batch(loss, n=6), batch(loss, n=2)
    first = loss(*large, scale=1.0)[1]
    assert loss(*large, scale=1.0)[1] is first
    assert loss(*small, scale=1.0)[1].shape == (2, 4)
    z, t = batch(loss, n=512, k=40)
    loss(z, t, scale=1.0)
    assert peak_memory(lambda: loss(z, t, scale=1.0)) < z.nbytes / 4


# -- values ---------------------------------------------------------------------------


def one(loss, z, t, **settings):
    """Return value and gradient of one sample."""
    t = np.array([t]) if np.ndim(t) == 0 else np.array([t], float)
    value, dz = loss(np.array([z], float), t, scale=1.0, **settings)
    return value, dz[0].tolist()


def test_softmax_cross_entropy_by_hand():
    loss = SoftmaxCrossEntropy()
    value, dz = one(loss, [0, math.log(3)], 0)
    assert value == pytest.approx(math.log(4))
    assert dz == pytest.approx([-0.75, 0.75])
    value, dz = one(loss, [5, 5, 5, 5], 2)  # a tie: every class is as probable
    assert value == pytest.approx(math.log(4))
    assert dz == pytest.approx([0.25, 0.25, -0.75, 0.25])


def test_label_smoothing_by_hand():
    smoothing, z = 0.3, np.array([0.5, -1.0, 2.0])
    value, dz = one(SoftmaxCrossEntropy(smoothing), z, 1)
    p = np.exp(z) / np.exp(z).sum()
    target = np.array([0.1, 0.8, 0.1])
    assert value == pytest.approx(-(target * np.log(p)).sum())
    assert dz == pytest.approx((p - target).tolist())


def test_binary_cross_entropy_by_hand():
    value, dz = one(SigmoidBinaryCrossEntropy(), [0, math.log(3)], [1, 0.5])
    p = 0.75
    assert value == pytest.approx(
        math.log(2) - 0.5 * math.log(p) - 0.5 * math.log(1 - p)
    )
    assert dz == pytest.approx([-0.5, 0.25])


def test_errors_by_hand_and_at_their_kinks():
    assert one(SquaredError(), [1, 5], [1, 2]) == (4.5, [0, 3])
    assert one(AbsoluteError(), [1, 5, -2], [1, 2, 0]) == (5, [0, 1, -1])
    assert one(Huber(2.0), [1, 0.5, 3], [1, 0, 1]) == (0.125 + 2, [0, 0.5, 2])
    assert one(Huber(2.0), [5], [0]) == (2 * (5 - 1), [2])
    assert one(Huber(2.0), [-5], [0]) == (2 * (5 - 1), [-2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_extreme_logits_stay_finite(dtype, smoothing):
    z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]], dtype)
    loss = SoftmaxCrossEntropy(smoothing)
    value, dz = loss(z, np.array([0, 0]), scale=0.5)
    distance = (1e4 + 2e4) * smoothing / 3  # of the first, to the two others
    second = 2e4 * (1 - smoothing) + (2e4 + 1e4) * smoothing / 3
    assert value == pytest.approx((distance + second) / 2, rel=1e-5)
    target = np.array([1 - smoothing + smoothing / 3, smoothing / 3, smoothing / 3])
    expected = (np.array([[1, 0, 0], [0, 1, 0]]) - target) / 2
    np.testing.assert_allclose(dz, expected, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_extreme_binary_logits_stay_finite(dtype):
    z = np.array([[1e4, -1e4, 1e4, -1e4]], dtype)
    t = np.array([[1, 0, 0, 1]], dtype)
    value, dz = SigmoidBinaryCrossEntropy()(z, t, scale=1.0)
    assert value == 2e4
    assert dz.tolist() == [[0, 0, 1, -1]]


def test_softmax_rows_sum_to_one_even_at_the_extremes():
    z = np.array([[1e4, -1e4], [0, 0], [1e-9, 0]], "float32")
    before = z.copy()
    p = softmax(z)
    np.testing.assert_array_equal(z, before)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert p[0].tolist() == [1, 0]
    assert p[1].tolist() == [0.5, 0.5]
    assert p.dtype == np.float32


def test_predictions():
    z = np.array([[1.0, 3, 2], [5, 0, 5]])
    assert SoftmaxCrossEntropy().predict(z).tolist() == [1, 0]  # a tie: the first
    binary = SigmoidBinaryCrossEntropy().predict(np.array([[-1.0], [0.0], [1.0]]))
    assert binary.tolist() == [[0], [0], [1]]
    values = SquaredError().predict(z)
    assert values.tolist() == z.tolist()
    assert not np.shares_memory(values, z)


# -- targets --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y", [[0, 2, 1], [0.0, 2.0, 1.0], np.array([0, 2, 1], np.uint8)], ids=repr
)
def test_classes_become_indices(y):
    assert SoftmaxCrossEntropy().check_targets(np.array([1, 0]), (2,)).tolist() == [
        1,
        0,
    ]
    t = SoftmaxCrossEntropy().check_targets(y, (3,))
    assert t.tolist() == [0, 2, 1]
    assert t.dtype == np.intp


@pytest.mark.parametrize(
    ("y", "output", "sentence"),
    [
        ([0], (1,), r"at least two outputs .* one has the output shape \(1,\)"),
        ([0], (2, 2), r"at least two outputs .* output shape \(2, 2\)"),
        ([[0, 1]], (3,), r"y must have the shape \(n,\); got \(1, 2\)"),
        ([0.5], (3,), r"whole numbers from 0; got float64 values such as \[0.5\]"),
        ([math.nan], (3,), r"whole numbers from 0; got .* \[nan\]"),
        ([math.inf], (3,), "from 0 to 2, .*; got values from inf to inf"),
        (["a"], (3,), r"whole numbers from 0; got <U1 values such as \['a'\]"),
        ([True], (3,), "whole numbers from 0; got bool"),
        ([-1, 2], (3,), "class indices from 0 to 2, .* got values from -1 to 2"),
        ([1, 3], (3,), "class indices from 0 to 2, .* got values from 1 to 3"),
    ],
)
def test_what_is_no_class_is_refused_in_one_sentence(y, output, sentence):
    with pytest.raises(ValueError, match=sentence):
        SoftmaxCrossEntropy().check_targets(np.array(y), output)


def test_values_become_floats_of_the_output_shape():
    loss = SquaredError()
    assert loss.check_targets(np.array([1, 2]), (1,)).tolist() == [[1], [2]]
    assert loss.check_targets(np.array([[1, 2]]), (2,)).dtype == np.float64
    assert loss.check_targets(np.zeros((1, 2), "f4"), (2,)).dtype == np.float32
    answers = SigmoidBinaryCrossEntropy().check_targets(np.array([True, False]), (1,))
    assert answers.tolist() == [[1], [0]]


@pytest.mark.parametrize(
    ("loss", "y", "output", "sentence"),
    [
        (Huber(), [1.0], (2,), r"y must have the shape \(n, 2\), .* got \(1,\)"),
        (Huber(), [[1.0]], (2, 2), r"shape \(n, 2, 2\), .* got \(1, 1\)"),
        (Huber(), [["a"]], (1,), "y must hold numbers; got <U1"),
        (Huber(), [[math.nan]], (1,), "y must hold finite numbers; row 0"),
        (SigmoidBinaryCrossEntropy(), [[1.5]], (1,), "between.; got .* 1.5 to 1.5"),
        (SigmoidBinaryCrossEntropy(), [[-1]], (1,), "between.; got .* -1 to -1"),
    ],
)
def test_what_is_no_value_is_refused_in_one_sentence(loss, y, output, sentence):
    with pytest.raises(ValueError, match=sentence):
        loss.check_targets(np.array(y), output)


# -- names ----------------------------------------------------------------------------


@every_loss
def test_a_loss_is_its_config_and_copies_take_no_buffers(loss):
    z, t = batch(loss)
    value, dz = loss(z, t, scale=1.0)
    twins = [
        losses.get(json.loads(json.dumps(loss.config()))),
        pickle.loads(pickle.dumps(loss)),
        copy.copy(loss),
        copy.deepcopy(loss),
    ]
    for twin in twins:
        assert repr(twin) == repr(loss)
        other, dz_other = twin(z, t, scale=1.0)
        assert other == value
        assert not np.shares_memory(dz_other, dz)


def test_get_takes_a_name_a_mapping_or_the_object():
    huber = Huber(2.0)
    assert losses.get(huber) is huber
    assert repr(losses.get("huber")) == "Huber(delta=1.0)"
    spec = {"name": "huber", "delta": 2.0}
    assert repr(losses.get(spec)) == repr(huber)
    assert spec == {"name": "huber", "delta": 2.0}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("mse", "loss must be one of softmax_cross_entropy, .* got 'mse'"),
        ({"delta": 1}, "loss must be one of .* got None"),
        ({"name": "huber", "size": 1}, "loss 'huber': .*size"),
        ({"name": "huber", "delta": 0}, "delta must be a positive number; got 0"),
        (
            {"name": "softmax_cross_entropy", "label_smoothing": 1},
            r"label_smoothing must lie in \[0, 1\); got 1",
        ),
    ],
)
def test_get_refuses_what_it_does_not_know_in_one_sentence(spec, sentence):
    with pytest.raises(ValueError, match=sentence):
        losses.get(spec)


def test_the_base_classes_compute_nothing():
    z = np.zeros((1, 1))
    for call in (
        lambda: Loss()(z, z, scale=1.0),
        lambda: Loss().check_targets(z, (1,)),
        lambda: Loss().predict(z),
        lambda: losses._ElementwiseLoss()(z, z, scale=1.0),
    ):
        with pytest.raises(NotImplementedError):
            call()


# -- probabilities --------------------------------------------------------------------


def test_log_softmax_is_finite_where_softmax_is_0():
    z = np.array([[0.0, 1000, -1000], [1, 2, 3]])
    found = losses.log_softmax(z)
    np.testing.assert_allclose(found[1], np.log(softmax(z[1:]))[0])
    assert found[0].tolist() == [-1000, 0, -2000]


def test_sigmoid_keeps_its_digits_far_below_0():
    z = np.array([-700.0, -40, 0, 40, 1000])
    expected = [np.exp(-700.0), np.exp(-40.0), 0.5, 1, 1]
    np.testing.assert_allclose(losses.sigmoid(z), expected, rtol=1e-13)


def test_counts_must_not_be_negative():
    loss = PoissonDeviance()
    with pytest.raises(ValueError, match=r"must not be negative.*from -1"):
        loss.check_targets(np.array([[1.0], [-1]]), (1,))
    assert loss.check_targets(np.array([2.0, 0]), (1,)).shape == (2, 1)
    np.testing.assert_allclose(loss.predict(np.array([[0.0, 1]])), [[1, np.e]])
