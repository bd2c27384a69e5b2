"""Gradients of dense weights, computed where they are used.

A dense layer has as many gradients as weights, and the optimiser reads them once. When
several threads make its step, each for a section of the vectors, each computes the rows
of dW that it is going to use just before, and they never leave its processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ardoise.engine.arrays import Array
from ardoise.engine.layers import Dense, Step
from ardoise.engine.network import Network

# Fewer weights are not worth a call of their own.
LEAST_WEIGHTS = 4096
# Sections of the vectors end between rows of W, so many rows at a time.
ROW_STEP = 16


class JointGradients:
    """What backward leaves to those who make the optimiser's step.

    Parameters
    ----------
    network : Network
        Its large dense layers leave dW and db, from `begin` to `release`.
    sections : int
        Into how many parts to cut the vectors.

    Attributes
    ----------
    sections : list of slice
        The parts, one after the other; each can be done alone.
    """

    def __init__(self, network: Network, sections: int) -> None:
        places: dict[str, slice] = {e.key: e.place for e in network.layout.entries}
        self._layers = [
            (layer, places[f"{i}.W"], places.get(f"{i}.b"))
            for i, layer in enumerate(network.layers)
            if isinstance(layer, Dense) and layer.W.size >= LEAST_WEIGHTS
        ]
        cuts = [self._cut(network.n_params * i // sections) for i in range(1, sections)]
        self.sections = [
            slice(*ends) for ends in pairwise([0, *cuts, network.n_params])
        ]
        self._calls: list[list[Step]] = [[] for _ in self.sections]
        # The x and dy for which the calls were prepared.
        self._known: list[list[tuple[Array, Array]]] = [[] for _ in self.sections]

    def _cut(self, place: int) -> int:
        """Return a place near this one that cuts through no row of W and no b."""
        for layer, W, b in self._layers:
            if W.start < place < W.stop:
                step = ROW_STEP * layer.units
                cut: int = W.start + round((place - W.start) / step) * step
                place = min(cut, W.stop)
            if b is not None and b.start < place < b.stop:
                place = b.stop
        return place

    def compute(self, section: int) -> None:
        """Write the gradients of a section that the last backward has left."""
        left = [layer.left for layer, *_ in self._layers]
        known = self._known[section]
        same = len(known) == len(left)
        if not (same and all(a is b for a, b in zip(left, known, strict=True))):
            self._known[section] = left
            self._calls[section] = list(self._prepare(self.sections[section]))
        for call in self._calls[section]:
            call()

    def _prepare(self, section: slice) -> Iterator[Step]:
        for layer, W, b in self._layers:
            start, stop = max(W.start, section.start), min(W.stop, section.stop)
            if start < stop:
                first, last = (start - W.start) // layer.units, stop - W.start
                yield layer.weight_gradient(slice(first, last // layer.units))
            if b is not None and section.start <= b.start < section.stop:
                yield layer.bias_gradient()

    def begin(self) -> None:
        """Make backward leave the gradients, from the next preparation on."""
        for layer, *_ in self._layers:
            layer.leaves_gradients = True

    def release(self) -> None:
        """Let backward compute all gradients again, from the next preparation on."""
        for layer, *_ in self._layers:
            layer.leaves_gradients = False
        self._layers = []
