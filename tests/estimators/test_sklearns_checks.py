"""scikit-learn's estimator checks, on every estimator, and how many they are.

Tags can silently remove checks, so their number is asserted: at least those that
scikit-learn's own MLP classes get.
"""

import warnings

import pytest
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.utils.estimator_checks import estimator_checks_generator

from ardoise import (
    ConvClassifier,
    MLPClassifier,
    MLPRegressor,
    NetworkClassifier,
    NetworkRegressor,
)

pytestmark = pytest.mark.filterwarnings("default")

ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPRegressor(max_iter=100),
    ConvClassifier(),
    NetworkClassifier(),
    NetworkRegressor(),
]


def name_of(check):
    check = getattr(check, "func", check)
    return getattr(check, "func", check).__name__


def checks_of(estimator):
    with warnings.catch_warnings():
        # Ours do not derive from scikit-learn's BaseEstimator, and cannot.
        warnings.filterwarnings("ignore", ".*does not inherit from.*")
        return list(estimator_checks_generator(estimator))


CASES = [
    pytest.param(
        estimator, check, id=f"{type(estimator).__name__}-{name_of(check)}-{i}"
    )
    for given in ESTIMATORS
    for i, (estimator, check) in enumerate(checks_of(given))
]


@pytest.mark.parametrize(("estimator", "check"), CASES)
def test_check(estimator, check):
    check(estimator)


def names(estimator):
    return sorted(name_of(check) for _, check in checks_of(estimator))


@pytest.mark.parametrize(
    ("ours", "theirs", "least"),
    [
        (MLPClassifier(), TheirClassifier(), 67),
        (MLPRegressor(), TheirRegressor(), 60),
        (ConvClassifier(), TheirClassifier(), 59),
    ],
)
def test_no_check_is_left_out(ours, theirs, least):
    found = names(ours)
    assert len(found) >= least
    missing = set(names(theirs)) - set(found)
    assert not missing, missing
