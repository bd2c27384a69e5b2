"""A network as it was at some of its steps, so that a drawing can be judged by each."""

import math
import threading
from bisect import bisect_right
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ardoise.engine.arrays import Array, computing
from ardoise.engine.losses import softmax
from ardoise.engine.network import Network
from ardoise.slate.requests import SlateError

MOST = 48
MOST_BYTES = 200_000_000  # of all moments together
RATIO = 1.1  # the next moment comes no sooner than so many times the last step
FEWEST = 8  # however large the network


class Moments:
    """A network at some of its steps: all of the first ones, later ones ever rarer.

    Parameters
    ----------
    network : Network
        Its architecture is copied; its weights are what `add` is given.
    """

    def __init__(self, network: Network) -> None:
        self._twin = network.astype(network.dtype)  # what the weights are put into
        # Of the twin, and of the lists: a training that adds a moment does not wait
        # until a drawing was judged by all of them.
        self._filling, self._lock = threading.RLock(), threading.Lock()
        self._steps: list[int] = []
        self._vectors: list[tuple[Array, Array]] = []  # theta, state
        size = network.theta.nbytes + network.state.nbytes
        fitting = MOST_BYTES // max(size, 1)
        self._most = min(MOST, max(FEWEST, fitting))
        self._next = 0

    @property
    def steps(self) -> list[int]:
        """The steps that are kept, ascending."""
        with self._lock:
            return list(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def wants(self, step: int) -> bool:
        """Tell whether the network of this step should be kept."""
        return step >= self._next

    def add(self, step: int, network: Network) -> None:
        """Keep the weights that a network of this architecture has after a step.

        They replace those of the last step, if it is the same one; a step before it is
        not kept any more.
        """
        vectors = network.theta.copy(), network.state.copy()
        with self._lock:
            if self._steps and step <= self._steps[-1]:
                if step == self._steps[-1]:
                    self._vectors[-1] = vectors
                return
            self._steps.append(step)
            self._vectors.append(vectors)
            self._next = max(step + 1, math.ceil((step + 1) * RATIO) - 1)
            if len(self._steps) > self._most:
                self._thin()

    def cut(self, step: int) -> None:
        """Forget what came after a step: the network goes back there."""
        with self._lock:
            n = bisect_right(self._steps, step)
            del self._steps[n:], self._vectors[n:]

    def _thin(self) -> None:
        """Forget the moment that is missed least: its neighbours are the closest."""
        places = np.log1p(np.array(self._steps, np.float64))
        gaps = places[2:] - places[:-2]
        least = 1 + int(gaps.argmin())  # never the first, nor the last
        del self._steps[least], self._vectors[least]

    def networks(self) -> Iterator[tuple[int, Network]]:
        """Yield (step, network), ascending: one network, with other weights each time.

        Nobody else judges anything meanwhile, so make it short.
        """
        with self._lock:
            kept = list(zip(self._steps, self._vectors, strict=True))
        with self._filling:
            for step, vectors in kept:
                self._fill(vectors)
                yield step, self._twin

    def probabilities(
        self, image: NDArray[np.uint8]
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Return all steps, and what the network of each says of one image: (m, K).

        Parameters
        ----------
        image : ndarray of uint8, shape (h, w)
        """
        rows, steps = [], []
        x = image[np.newaxis, ..., np.newaxis]
        with computing():
            for step, network in self.networks():
                steps.append(step)
                rows.append(softmax(network.predict_logits(x))[0])
        k = self._twin.output_shape[0]
        table = np.array(rows, np.float32).reshape(len(rows), k)
        return steps, np.nan_to_num(table)

    def network(self, step: int) -> Network:
        """Return a network of its own, as it was after a step.

        Raises
        ------
        SlateError
            If that step is not kept.
        """
        with self._lock:
            if step not in self._steps:
                shown = ", ".join(map(str, self._steps)) or "–"
                raise SlateError("slate.moment.unknown", step=step, steps=shown)
            vectors = self._vectors[self._steps.index(step)]
        with self._filling:
            self._fill(vectors)
            return self._twin.astype(self._twin.dtype)

    def _fill(self, vectors: tuple[Array, Array]) -> None:
        self._twin.theta[...], self._twin.state[...] = vectors
