"""The same calls for everybody: batches of test images in, class probabilities out.

All contestants have the weights of `architecture.he_weights`, so that their answers
must agree; `FINGERPRINT` is a number that says whether they do.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants.architecture import input_shape
from benchmarks.contestants.data import read_mnist

WEIGHTS_SEED = 0
MOST_BATCHES = 64
FINGERPRINT = "fingerprint"


def batches(network: str, batch: int, n_test: int) -> list[NDArray[np.float32]]:
    """Return test images as whole batches (batch, *input_shape), float32 in [0, 1]."""
    _, (images, _) = read_mnist(0, n_test)
    count = min(MOST_BATCHES, n_test // batch)
    x = images[: count * batch].astype(np.float32) / np.float32(255)
    return list(x.reshape(count, batch, *input_shape(network)))


def time_calls(
    probabilities: Callable[[Any], Any], inputs: Sequence[Any], seconds: float
) -> dict[str, float]:
    """Call again and again for about so many seconds, after as many to warm up.

    Parameters
    ----------
    probabilities : callable
        Turns one of the inputs into class probabilities (batch, classes).
    inputs : sequence
        Batches in the form that the library likes; taken in turn.
    seconds : float

    Returns
    -------
    dict
        The median call in microseconds, images per second at that pace, and the
        fingerprint of the first answer.
    """
    first = np.asarray(probabilities(inputs[0]))
    _calls(probabilities, inputs, seconds)
    typical = median(_calls(probabilities, inputs, seconds))
    return {
        "microseconds": 1e6 * typical,
        "images_per_second": len(first) / typical,
        FINGERPRINT: float((first * (1 + np.arange(first.shape[1]))).mean()),
    }


def _calls(
    probabilities: Callable[[Any], Any], inputs: Sequence[Any], seconds: float
) -> list[float]:
    """Return how long each call took."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end or not times:
        probabilities(inputs[len(times) % len(inputs)])
        times.append(time.perf_counter() - started)
    return times
