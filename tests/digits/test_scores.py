"""The interval of an accuracy, and the scores of each class."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix as sklearn_matrix
from sklearn.metrics import precision_recall_fscore_support

from ardoise.digits.scores import confusion_matrix, per_class, wilson_interval


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
