"""The interval of an accuracy, and the scores of each class."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, log_loss, precision_recall_fscore_support
from sklearn.metrics import confusion_matrix as sklearn_matrix

from ardoise.digits.scores import (
    brier_score,
    calibration_bins,
    calibration_error,
    confidence,
    confusion_matrix,
    mcnemar,
    negative_log_likelihood,
    per_class,
    wilson_interval,
)


@st.composite
def answers(draw):
    k = draw(st.integers(2, 6))
    n = draw(st.integers(1, 60))
    classes = st.integers(0, k - 1)
    labels, predicted = (
        np.array(draw(st.lists(classes, min_size=n, max_size=n)), np.int64)
        for _ in range(2)
    )
    return labels, predicted, k


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_the_interval_is_scipy_s(total, share):
    correct = round(share * total)
    low, high = wilson_interval(correct, total)
    expected = binomtest(correct, total).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= low <= correct / total <= high <= 1


@pytest.mark.parametrize("total", [1, 10, 10_000])
def test_the_ends(total):
    assert wilson_interval(0, total)[0] == 0
    assert wilson_interval(total, total)[1] == 1
    # It is symmetric: mistakes instead of right answers.
    low, high = wilson_interval(0, total)
    assert wilson_interval(total, total) == pytest.approx((1 - high, 1 - low))


def test_a_figure_from_the_literature():
    """98.42 % of MNIST's 10,000 test images: 98.16 to 98.65 %."""
    low, high = wilson_interval(9842, 10_000)
    assert (round(low, 4), round(high, 4)) == (0.9816, 0.9865)


@pytest.mark.parametrize(("correct", "total"), [(-1, 5), (6, 5), (0, 0), (1, 0)])
def test_what_is_no_share(correct, total):
    with pytest.raises(ValueError, match=f"got {correct} of {total}"):
        wilson_interval(correct, total)


@given(answers())
def test_the_matrix_is_scikit_learn_s(drawn):
    labels, predicted, k = drawn
    matrix = confusion_matrix(labels, predicted, k)
    assert matrix.dtype == np.int64
    expected = sklearn_matrix(labels, predicted, labels=range(k))
    np.testing.assert_array_equal(matrix, expected)


def test_the_matrix_of_small_integers():
    """An index of 60,000 does not fit into labels kept as bytes."""
    labels = np.array([254, 3], np.uint8)
    matrix = confusion_matrix(labels, labels, 255)
    assert matrix[254, 254] == matrix[3, 3] == 1 and matrix.sum() == 2


@given(answers())
def test_the_scores_are_scikit_learn_s(drawn):
    labels, predicted, k = drawn
    scores = per_class(confusion_matrix(labels, predicted, k), tuple("abcdef"[:k]))
    precision, recall, _, count = precision_recall_fscore_support(
        labels, predicted, labels=range(k), zero_division=np.nan
    )
    assert [score.name for score in scores] == list("abcdef"[:k])
    np.testing.assert_array_equal([score.count for score in scores], count)
    np.testing.assert_allclose([score.recall for score in scores], recall)
    np.testing.assert_allclose([score.precision for score in scores], precision)


def test_a_class_that_is_not_there():
    absent, never_read = per_class(np.array([[0, 0], [3, 0]]), ("a", "b"))
    assert absent.count == 0 and math.isnan(absent.recall)
    assert absent.precision == 0
    assert never_read.recall == 0 and math.isnan(never_read.precision)


# -- probabilities ---------------------------------------------------------------------


def guesses(n, k, seed, dtype=np.float64):
    """Return probabilities, and labels that follow them more or less."""
    rng = np.random.default_rng(seed)
    z = 3 * rng.standard_normal((n, k))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(k, p=row) for row in p])
    return p.astype(dtype), labels


def guo(probabilities, labels, bins):
    """Equations 1 to 3 of Guo et al., word for word."""
    n, total = len(labels), 0.0
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    for m in range(1, bins + 1):
        inside = ((m - 1) / bins < sure) & (sure <= m / bins)
        if inside.any():
            gap = abs(right[inside].mean() - sure[inside].mean())
            total += inside.sum() / n * gap
    return total


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bins", [1, 10, 15])
def test_the_calibration_error_is_guo_s(seed, bins):
    p, labels = guesses(500, 7, seed)
    assert calibration_error(p, labels, bins) == pytest.approx(guo(p, labels, bins))
    assert calibration_error(p, labels) == confidence(p, labels).ece


def test_the_bins_of_calibration():
    p = np.array([[0.7, 0.3], [0.7, 0.3], [0.1, 0.9], [0.5, 0.5], [0.0, 1.0]])
    bins = calibration_bins(p, np.array([0, 1, 1, 1, 0]), 10)
    assert bins.counts.tolist() == [0, 0, 0, 0, 1, 0, 2, 0, 1, 1]
    assert bins.accuracy.tolist() == [0, 0, 0, 0, 0, 0, 0.5, 0, 1, 0]
    expected = [0, 0, 0, 0, 0.5, 0, 0.7, 0, 0.9, 1]
    assert bins.confidence.tolist() == pytest.approx(expected)


def test_calibration_of_the_sure():
    p, labels = np.eye(4), np.array([0, 1, 2, 2])
    assert calibration_error(p, labels) == 0.25
    assert calibration_error(np.full((8, 2), 0.5), np.arange(8) % 2) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_likelihood_and_brier_are_scikit_learn_s(dtype):
    p, labels = guesses(300, 5, 1, dtype)
    p64 = p.astype(np.float64)
    p64 /= p64.sum(axis=1, keepdims=True)
    expected = log_loss(labels, p64)
    assert negative_log_likelihood(p, labels) == pytest.approx(expected, rel=1e-6)
    expected = brier_score_loss(labels, p64, scale_by_half=False)
    assert brier_score(p, labels) == pytest.approx(expected, rel=1e-6)


def test_an_answer_that_is_sure_and_wrong():
    wrong = np.array([[0.0, 1.0]], np.float32)
    assert negative_log_likelihood(wrong, np.array([0])) == pytest.approx(87.3365, 1e-5)
    assert brier_score(wrong, np.array([0])) == 2


@pytest.mark.parametrize("score", [confidence, calibration_error, brier_score])
def test_what_is_no_probability(score):
    for p, labels in (
        (np.empty((0, 3)), np.empty(0, int)),
        (np.ones((2, 1)), np.zeros(3, int)),
        (np.ones(2), np.zeros(2, int)),
    ):
        with pytest.raises(ValueError, match="n labels"):
            score(p, labels)
    with pytest.raises(ValueError, match="at least one bin; got 0"):
        calibration_error(np.ones((1, 1)), np.zeros(1, int), 0)


# -- two models -----------------------------------------------------------------------


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test(b, c):
    expected = binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == mcnemar(c, b) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (5, 5), (5, 6), (20_000, 20_500)])
def test_mcnemar_of_any_numbers(b, c):
    expected = binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected, rel=1e-8)


def test_mcnemar_counts():
    with pytest.raises(ValueError, match="expected counts; got -1 and 2"):
        mcnemar(-1, 2)
