"""What is done to a network when its training has ended: honest odds, and doubt."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ardoise.digits.datasets import Dataset
from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.calibration import (
    COLDEST,
    HOTTEST,
    fit_temperature,
    scale_outputs,
)
from ardoise.engine.network import Network
from ardoise.engine.novelty import Doubt, fit_doubt, is_finite

FEWEST = 50  # images that a temperature is fitted on
MEANS_OF = 5_000  # training images, of which classes have their means
# What a model file says of a network at the end of its training, and of no other.
OF_THE_END = ("validation_score", "test", "temperature", "members_alone")


def temper(
    network: Network, z: Array, labels: NDArray[np.int64]
) -> tuple[Array, float | None]:
    """Make a temperature, fitted on validation images, part of a network.

    Not where all of these are read correctly: no temperature would be cold enough. Nor
    where they are few, or so odd that none fits.

    Parameters
    ----------
    network : Network
    z : array of shape (n, K)
        Its outputs for the validation images.
    labels : array of int, shape (n,)

    Returns
    -------
    array of shape (n, K)
        Its outputs now.
    float or None
        The temperature; None where there is none.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", 2017, section 4.2.
    """
    if len(labels) < FEWEST:
        return z, None
    if not np.isfinite(z).all() or (z.argmax(axis=1) == labels).all():
        return z, None
    loss = losses.get("softmax_cross_entropy")
    temperature = fit_temperature(loss, z, labels, None)
    if not 1.01 * COLDEST < temperature < 0.99 * HOTTEST:
        return z, None
    scale_outputs(network, 1 / temperature)
    scaled: Array = z / z.dtype.type(temperature)
    return scaled, temperature


class KnownDoubt(NamedTuple):
    """What a model refuses, and how that turns out on its validation images.

    Attributes
    ----------
    doubt : Doubt
    strangeness : array of shape (n,)
        Of the validation images.
    """

    doubt: Doubt
    strangeness: Array

    def coverage(self, right: NDArray[np.bool_]) -> list[tuple[float, float, float]]:
        """Return (share that may be refused, share refused, accuracy on the rest).

        Parameters
        ----------
        right : ndarray of bool
            Which of the validation images are read correctly.
        """
        rows = [(0.0, 0.0, float(right.mean()))]
        for share in self.doubt.shares.tolist():
            kept = self.strangeness <= self.doubt.limit(share)
            if kept.any():
                refused = 1 - float(kept.mean())
                rows.append((share, refused, float(right[kept].mean())))
        return rows


def doubt_of(
    network: Network, learned: Dataset, known: Dataset, z: Array
) -> KnownDoubt | None:
    """Return what a trained network refuses to answer, or None if that is not known.

    For that it takes enough validation images, training images of all classes among
    those that are looked at, and features before a dense layer, finite and not many.

    Parameters
    ----------
    network : Network
    learned : Dataset
        What it learned from.
    known : Dataset
        Its validation images.
    z : array of shape (n, K)
        Its outputs for these.
    """
    some = np.linspace(0, len(learned) - 1, min(MEANS_OF, len(learned)))
    seen = learned.subset(some.astype(np.int64))
    try:
        with np.errstate(all="ignore"):
            found = fit_doubt(network, seen.images, seen.labels, known.images, z)
    except (ValueError, np.linalg.LinAlgError):
        return None
    return KnownDoubt(*found) if is_finite(found[0]) else None
