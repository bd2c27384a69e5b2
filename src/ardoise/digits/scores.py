"""What a classifier's answers are worth, and how sure we can be of it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
