"""The functions between two weighted sums, without which layers would collapse.

Each works number by number, and most find their derivative from their own output, so
that they may write it over their input and need no memory of their own.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.layers.base import Elementwise, Prepared, Step


class ReLU(Elementwise):
    """y = max(x, 0); dx = dy where y > 0, else 0 (and 0 at the kink).

    Shapes: x, y (B, ...). Nair and Hinton, "Rectified linear units improve restricted
    Boltzmann machines", 2010.
    """

    keeps_order = True

    def prepare(self, x: Array, *, training: bool) -> Prepared:
        y = x if self._in_place else self.work("y", x.shape)
        zeros = self.work("zeros", x.shape)
        zeros.fill(0)
        self._kept = y
        # Against an array of zeros: a third of the time of np.maximum(x, 0).
        return [partial(np.maximum, x, zeros, out=y)], y

    def prepare_backward(
        self, dy: Array, *, need_dx: bool
    ) -> tuple[list[Step], Array | None]:
        if not need_dx:
            return [], None
        # Five times as fast as the assignment dy[y == 0] = 0.
        positive = self.work("positive", dy.shape, bool)
        return [
            partial(np.greater, self._kept, 0, out=positive),
            partial(np.multiply, dy, positive, out=dy),
        ], dy


class LeakyReLU(Elementwise):
    """y = x where x > 0, else slope · x; dx = dy or slope · dy (the latter at 0).

    Shapes: x, y (B, ...). Maas, Hannun and Ng, "Rectifier nonlinearities improve neural
    network acoustic models", 2013, equation 2.

    Parameters
    ----------
    negative_slope : float
        In [0, 1].

    Raises
    ------
    ValueError
        If it lies outside.
    """

    keeps_order = True

    def __init__(self, negative_slope: float = 0.01) -> None:
        if not 0 <= negative_slope <= 1:
            raise ValueError(
                f"negative_slope must lie between 0 and 1; got {negative_slope}"
            )
        self.negative_slope = float(negative_slope)

    def compute(self, x: Array, y: Array, *scratch: Array) -> None:
        (lower,) = scratch
        np.multiply(x, self.negative_slope, out=lower)
        np.maximum(x, lower, out=y)  # the slope is at most 1

    def multiply_by_slope(self, dy: Array, kept: Array, *scratch: Array) -> None:
        (slope,) = scratch
        np.greater(kept, 0, out=slope)
        np.maximum(slope, self.negative_slope, out=slope)
        np.multiply(dy, slope, out=dy)


class ELU(Elementwise):
    """y = x where x > 0, else alpha (eˣ − 1); the slope is 1, or y + alpha.

    Shapes: x, y (B, ...). Clevert, Unterthiner and Hochreiter, "Fast and accurate deep
    network learning by exponential linear units", 2016, equation 15.

    Parameters
    ----------
    alpha : float
        Positive.

    Raises
    ------
    ValueError
        If it is not.
    """

    scratch = (float, bool)

    def __init__(self, alpha: float = 1.0) -> None:
        if not 0 < alpha < math.inf:
            raise ValueError(f"alpha must be a positive number; got {alpha}")
        self.alpha = float(alpha)

    def compute(self, x: Array, y: Array, *scratch: Array) -> None:
        negative = scratch[0]
        np.minimum(x, 0, out=negative)
        np.expm1(negative, out=negative)
        np.multiply(negative, self.alpha, out=negative)
        np.maximum(x, 0, out=y)
        np.add(y, negative, out=y)

    def multiply_by_slope(self, dy: Array, kept: Array, *scratch: Array) -> None:
        slope, positive = scratch
        np.add(kept, self.alpha, out=slope)
        np.greater(kept, 0, out=positive)
        np.copyto(slope, 1, where=positive)
        np.multiply(dy, slope, out=dy)


class Tanh(Elementwise):
    """y = tanh x; dx = dy (1 − y²).

    Shapes: x, y (B, ...). LeCun et al., "Efficient BackProp", 1998, section 4.4.
    """

    def compute(self, x: Array, y: Array, *scratch: Array) -> None:
        np.tanh(x, out=y)

    def multiply_by_slope(self, dy: Array, kept: Array, *scratch: Array) -> None:
        (slope,) = scratch
        np.multiply(kept, kept, out=slope)
        np.subtract(1, slope, out=slope)
        np.multiply(dy, slope, out=dy)


class Sigmoid(Elementwise):
    """y = 1 / (1 + e⁻ˣ); dx = dy y (1 − y).

    Computed as (1 + tanh(x / 2)) / 2, which cannot overflow. Shapes: x, y (B, ...).
    Rumelhart, Hinton and Williams, 1986, equation 2.
    """

    def compute(self, x: Array, y: Array, *scratch: Array) -> None:
        np.multiply(x, 0.5, out=y)
        np.tanh(y, out=y)
        np.multiply(y, 0.5, out=y)
        np.add(y, 0.5, out=y)

    def multiply_by_slope(self, dy: Array, kept: Array, *scratch: Array) -> None:
        (slope,) = scratch
        np.subtract(1, kept, out=slope)
        np.multiply(slope, kept, out=slope)
        np.multiply(dy, slope, out=dy)


class Softplus(Elementwise):
    """y = log(1 + eˣ); dx = dy (1 − e⁻ʸ), which is dy · sigmoid(x).

    Shapes: x, y (B, ...). Dugas et al., "Incorporating second-order functional
    knowledge for better option pricing", 2001, section 3.
    """

    def compute(self, x: Array, y: Array, *scratch: Array) -> None:
        np.logaddexp(x, 0, out=y)

    def multiply_by_slope(self, dy: Array, kept: Array, *scratch: Array) -> None:
        (slope,) = scratch
        np.negative(kept, out=slope)
        np.expm1(slope, out=slope)  # minus the slope
        np.multiply(dy, slope, out=dy)
        np.negative(dy, out=dy)


class GELU(Elementwise):
    """y = x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))): the tanh form of x · Φ(x).

    Its derivative needs x, so it keeps x and writes y elsewhere. Shapes: x, y (B, ...).
    Hendrycks and Gimpel, "Gaussian error linear units", 2016, section 2.
    """

    needs_input = True
    needs_output = False
    may_write_input = False
    scratch = (float, float, float)

    def compute(self, x: Array, y: Array, *scratch: Array) -> None:
        _gelu_tanh(x, y)
        np.add(y, 1, out=y)
        np.multiply(y, x, out=y)
        np.multiply(y, 0.5, out=y)

    def multiply_by_slope(self, dy: Array, kept: Array, *scratch: Array) -> None:
        # With u the argument of tanh and t = tanh u, twice the slope is
        # 1 + t + (1 − t²) x u', and x u' = √(2/π) (x + 3 · 0.044715 x³).
        x = kept
        t, term, slope = scratch
        np.multiply(x, x, out=term)
        np.multiply(term, 3 * GELU_CUBE, out=term)
        np.add(term, 1, out=term)
        np.multiply(term, x, out=term)
        np.multiply(term, GELU_SCALE, out=term)
        _gelu_tanh(x, t)
        # 1 + t + (1 − t²) x u' = (1 + t) (1 + (1 − t) x u').
        np.subtract(1, t, out=slope)
        np.multiply(term, slope, out=term)
        np.add(term, 1, out=term)
        np.add(t, 1, out=t)
        np.multiply(term, t, out=term)
        np.multiply(term, 0.5, out=term)
        np.multiply(dy, term, out=dy)


GELU_SCALE = math.sqrt(2 / math.pi)
GELU_CUBE = 0.044715


def _gelu_tanh(x: Array, out: Array) -> None:
    """Write tanh(√(2/π) (x + 0.044715 x³)) into ``out``."""
    np.multiply(x, x, out=out)
    np.multiply(out, GELU_CUBE, out=out)
    np.add(out, 1, out=out)
    np.multiply(out, x, out=out)
    np.multiply(out, GELU_SCALE, out=out)
    np.tanh(out, out=out)
