"""Muon for the kernels of convolutions, Adam for everything else."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.network import Network
from ardoise.engine.optimizers import AdamW
from ardoise.engine.params import Layout

# a, b, c of x ← a x + b (x xᵀ) x + c (x xᵀ)² x, which takes singular values to between
# 0.7 and 1.2 in 5 steps: near enough to 1.
QUINTIC = (3.4445, -4.7750, 2.0315)
STEPS = 5


class _Kernel(NamedTuple):
    """Views of a kernel and its gradient, (kh · kw · c_in, filters), and its past."""

    W: Array
    dW: Array
    v: Array
    length: float


class Muon(AdamW):
    """W ← W − rate · orthogonalise(g + momentum · v), with v ← momentum · v + g.

    W then gets back the length that it had at the start: batch normalisation follows,
    so that its length means nothing but how fast it turns. What is no kernel is left to
    AdamW, which with a weight decay of 0 is Adam.

    Parameters
    ----------
    layout : Layout
        Of the network that is to be trained.
    kernels : sequence of str
        Their names in the layout.
    ratio : float
        Their rate is so many times that of the schedule; at 0, and without weight
        decay, they stay as they are.
    momentum : float
    settings : float
        Those of `AdamW`.

    References
    ----------
    Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024, as
    in Jordan's airbench.
    """

    name = "muon"

    def __init__(
        self,
        layout: Layout,
        kernels: Sequence[str],
        *,
        ratio: float,
        momentum: float = 0.6,
        **settings: float,
    ) -> None:
        super().__init__(**settings)
        self.ratio, self.momentum = ratio, momentum
        self._entries = [entry for entry in layout.entries if entry.key in kernels]

    def bind(self, theta: Array, grad: Array, n_decay: int = 0, **more: Any) -> None:
        super().bind(theta, grad, n_decay, **more)
        self._kernels: list[list[_Kernel]] = [[] for _ in self.sections]
        for _, spec, place in self._entries:
            W = theta[place].reshape(-1, spec.shape[-1])
            dW = grad[place].reshape(W.shape)
            (i,) = (  # of the section that holds it; none if it was cut through
                i
                for i, section in enumerate(self.sections)
                if section.start <= place.start and place.stop <= section.stop
            )
            length = float(np.linalg.norm(W))
            self._kernels[i].append(_Kernel(W, dW, np.zeros_like(W), length))

    def update_section(self, i: int) -> None:
        for kernel in self._kernels[i]:
            if self.ratio:
                self._turn(*kernel)
            kernel.dW[...] = 0.0  # by which Adam, but for its decay, moves nothing
        super().update_section(i)

    def _turn(self, W: Array, dW: Array, v: Array, length: float) -> None:
        v *= self.momentum
        v += dW
        W -= self._rate * self.ratio * orthogonalise(dW + self.momentum * v)
        W *= length / float(np.linalg.norm(W))


def orthogonalise(matrix: Array, steps: int = STEPS) -> Array:
    """Return U Vᵀ of the singular value decomposition U S Vᵀ, nearly.

    By Newton-Schulz iterations on the side that makes the smaller squares.
    """
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (float(np.linalg.norm(x)) + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if tall else x


def kernels_of(network: Network) -> list[str]:
    """Return the names of the kernels of convolutions, in layer order."""
    return [e.key for e in network.layout.entries if len(e.spec.shape) == 4]
