"""What a classifier's answers are worth, and how sure we can be of it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of the calibration error, as in Guo's tables
Z95 = 1.959963984540054  # the normal quantile that leaves 2.5 % on each side


def wilson_interval(correct: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, both ends in [0, 1].

    Parameters
    ----------
    correct, total : int
        0 ≤ correct ≤ total, total ≥ 1.

    Raises
    ------
    ValueError
        If they are out of range.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference",
    1927. It stays within [0, 1] and is right for shares near 1, where the usual
    plus-or-minus is not.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(
            f"expected 0 ≤ correct ≤ total, total ≥ 1; got {correct} of {total}"
        )
    share = correct / total
    z2 = Z95**2 / total
    centre = share + z2 / 2
    spread = math.sqrt(z2 * (share * (1 - share) + z2 / 4))
    low, high = (centre - spread) / (1 + z2), (centre + spread) / (1 + z2)
    # At 0 and 1 rounding would leave the end a hair off.
    return (0.0 if correct == 0 else low, 1.0 if correct == total else high)


def confusion_matrix(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], n_classes: int
) -> NDArray[np.int64]:
    """Return counts, shape (n_classes, n_classes): row = actual, column = read as."""
    pairs = labels.astype(np.int64) * n_classes + predicted
    counts = np.bincount(pairs, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


@dataclass(frozen=True)
class ClassScore:
    """How well one class is read.

    Attributes
    ----------
    name : str
    count : int
        Samples that are of this class.
    recall : float
        Share of them read as it; NaN if there is none.
    precision : float
        Share that are of it among those read as it; NaN if none was.
    """

    name: str
    count: int
    recall: float
    precision: float


def per_class(matrix: NDArray[np.int64], classes: tuple[str, ...]) -> list[ClassScore]:
    """Return the score of each class of a confusion matrix."""
    scores = []
    for i, name in enumerate(classes):
        hits, count, read = matrix[i, i], matrix[i].sum(), matrix[:, i].sum()
        scores.append(
            ClassScore(
                name,
                int(count),
                float(hits / count) if count else math.nan,
                float(hits / read) if read else math.nan,
            )
        )
    return scores


@dataclass(frozen=True)
class Confidence:
    """Whether a classifier is right as often as its probabilities say.

    Attributes
    ----------
    ece : float
        Expected calibration error, a share: `calibration_error`.
    nll : float
        Mean negative log-likelihood, in nats: `negative_log_likelihood`.
    brier : float
        Brier score, 0 to 2: `brier_score`.
    """

    ece: float
    nll: float
    brier: float


def confidence(
    probabilities: NDArray[Any], labels: NDArray[np.integer[Any]]
) -> Confidence:
    """Return calibration error, log-likelihood and Brier score.

    Parameters
    ----------
    probabilities : array of shape (n, K)
        Of each class; the rows sum to 1.
    labels : array of int, shape (n,)
    """
    return Confidence(
        calibration_error(probabilities, labels),
        negative_log_likelihood(probabilities, labels),
        brier_score(probabilities, labels),
    )


@dataclass(frozen=True)
class Bins:
    """Samples by how sure a classifier was of them: M bins of equal width.

    Attributes
    ----------
    counts : ndarray of int64, shape (M,)
    accuracy, confidence : ndarray of float64, shape (M,)
        Share of right answers, and mean of the highest probabilities; 0 where there is
        no sample.
    """

    counts: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    confidence: NDArray[np.float64]


def calibration_bins(
    probabilities: NDArray[Any], labels: NDArray[np.integer[Any]], bins: int = BINS
) -> Bins:
    """Return what a reliability diagram is drawn from; `calibration_error` has terms.

    Parameters
    ----------
    probabilities : array of shape (n, K)
    labels : array of int, shape (n,)
    bins : int
        M.

    Raises
    ------
    ValueError
        If there is no sample, no bin, or not one label a row.
    """
    if bins < 1:
        raise ValueError(f"expected at least one bin; got {bins}")
    p = _checked(probabilities, labels)
    sure = p.max(axis=1)
    right = p.argmax(axis=1) == labels
    place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    some = np.maximum(counts, 1)
    return Bins(
        counts.astype(np.int64),
        np.bincount(place, weights=right, minlength=bins) / some,
        np.bincount(place, weights=sure, minlength=bins) / some,
    )


def calibration_error(
    probabilities: NDArray[Any], labels: NDArray[np.integer[Any]], bins: int = BINS
) -> float:
    """Return the expected calibration error.

    A sample's confidence is its highest probability. Samples are put into the bins
    (0, 1/M], (1/M, 2/M] … ((M − 1)/M, 1] by their confidence, and
    ECE = Σₘ |Bₘ|/n · |acc(Bₘ) − conf(Bₘ)|, where acc is the share of right answers in
    a bin and conf the mean confidence.

    Parameters
    ----------
    probabilities : array of shape (n, K)
    labels : array of int, shape (n,)
    bins : int
        M.

    Raises
    ------
    ValueError
        If there is no sample, no bin, or not one label a row.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", 2017, equation 3.
    """
    found = calibration_bins(probabilities, labels, bins)
    gap = found.counts * np.abs(found.accuracy - found.confidence)
    return float(gap.sum() / found.counts.sum())


def negative_log_likelihood(
    probabilities: NDArray[Any], labels: NDArray[np.integer[Any]]
) -> float:
    """Return the mean of −log p(right class), in nats.

    A probability below the smallest normal number of its type counts as that number
    (2.2e-308, or 1.2e-38 in float32): one answer cannot make the mean infinite.

    Parameters
    ----------
    probabilities : array of shape (n, K)
    labels : array of int, shape (n,)

    Raises
    ------
    ValueError
        If there is no sample, or not one label a row.
    """
    p = _checked(probabilities, labels)
    kind = np.asarray(probabilities).dtype
    least = float(np.finfo(kind if kind.kind == "f" else np.float64).tiny)
    return float(-np.log(np.maximum(_of_labels(p, labels), least)).mean())


def brier_score(probabilities: NDArray[Any], labels: NDArray[np.integer[Any]]) -> float:
    """Return the mean of Σₖ (pₖ − tₖ)², with t 1 at the right class and 0 elsewhere.

    Parameters
    ----------
    probabilities : array of shape (n, K)
    labels : array of int, shape (n,)

    Raises
    ------
    ValueError
        If there is no sample, or not one label a row.

    References
    ----------
    Brier, "Verification of forecasts expressed in terms of probability", 1950: the
    sum over all classes, from 0 to 2.
    """
    p = _checked(probabilities, labels)
    return float(((p**2).sum(axis=1) - 2 * _of_labels(p, labels) + 1).mean())


def mcnemar(only_first: int, only_second: int) -> float:
    """Return how likely so uneven a disagreement is if two classifiers are as good.

    Images that both read, or both misread, say nothing. Of those that only one read,
    each falls to either with probability 1/2 if they are as good: the two-sided p
    value of that binomial, min(1, 2 P(X ≤ min(b, c))) with X ~ B(b + c, 1/2), exact
    for any numbers.

    Parameters
    ----------
    only_first, only_second : int
        b and c: images that only the first, only the second read correctly.

    Raises
    ------
    ValueError
        If one is negative.

    References
    ----------
    McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", 1947; in this form, Dietterich, "Approximate
    statistical tests for comparing supervised classification learning algorithms",
    1998, whose section 3.1 has the approximation by χ².
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"expected counts; got {only_first} and {only_second}")
    n, few = only_first + only_second, min(only_first, only_second)
    if 2 * few >= n - 1:  # half of them or more
        return 1.0
    base = math.lgamma(n + 1) - n * math.log(2)
    tail = math.fsum(
        math.exp(base - math.lgamma(k + 1) - math.lgamma(n - k + 1))
        for k in range(few + 1)
    )
    return min(1.0, 2 * tail)


def _checked(
    probabilities: NDArray[Any], labels: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    p = np.asarray(probabilities, dtype=np.float64)
    if p.ndim != 2 or not len(p) or np.shape(labels) != (len(p),):
        raise ValueError(
            "expected probabilities of shape (n, K) and n labels, n at least 1; got "
            f"{p.shape} and {np.shape(labels)}"
        )
    return p


def _of_labels(
    p: NDArray[np.float64], labels: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    chosen: NDArray[np.float64] = np.take_along_axis(
        p, np.asarray(labels, np.int64)[:, np.newaxis], axis=1
    )[:, 0]
    return chosen
