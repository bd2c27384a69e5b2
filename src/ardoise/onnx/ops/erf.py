"""The error function, which NumPy does not have.

References
----------
W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
Computation 23, 1969; the coefficients are those of his program CALERF (SPECFUN). They
give erf to about 1e-16.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ardoise.engine.arrays import Array

# For |x| up to 0.46875: erf x = x p(x²) / q(x²).
SMALL = 0.46875
SMALL_TOP = (
    1.85777706184603153e-1,
    3.16112374387056560e00,
    1.13864154151050156e02,
    3.77485237685302021e02,
    3.20937758913846947e03,
)
SMALL_BOTTOM = (
    1.0,
    2.36012909523441209e01,
    2.44024637934444173e02,
    1.28261652607737228e03,
    2.84423683343917062e03,
)
# Up to 4: erfc x = e^(−x²) p(x) / q(x).
LARGE = 4.0
MIDDLE_TOP = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e00,
    6.61191906371416295e01,
    2.98635138197400131e02,
    8.81952221241769090e02,
    1.71204761263407058e03,
    2.05107837782607147e03,
    1.23033935479799725e03,
)
MIDDLE_BOTTOM = (
    1.0,
    1.57449261107098347e01,
    1.17693950891312499e02,
    5.37181101862009858e02,
    1.62138957456669019e03,
    3.29079923573345963e03,
    4.36261909014324716e03,
    3.43936767414372164e03,
    1.23033935480374942e03,
)
# Beyond: erfc x = e^(−x²) / x (1/√π − p(1/x²) / (x² q(1/x²))).
LARGE_TOP = (
    1.63153871373020978e-2,
    3.05326634961232344e-1,
    3.60344899949804439e-1,
    1.25781726111229246e-1,
    1.60837851487422766e-2,
    6.58749161529837803e-4,
)
LARGE_BOTTOM = (
    1.0,
    2.56852019228982242e00,
    1.87295284992346047e00,
    5.27905102951428412e-1,
    6.05183413124413191e-2,
    2.33520497626869185e-3,
)
ONE_BY_ROOT_PI = 5.6418958354775628695e-1


def erf(x: Array) -> Array:
    """Return erf x, computed in float64, in the type of x."""
    wide = np.abs(x).astype(np.float64)
    near = np.minimum(wide, SMALL)
    square = near * near
    small = near * _ratio(square, SMALL_TOP, SMALL_BOTTOM)
    middle = np.clip(wide, SMALL, LARGE)
    tail = _ratio(middle, MIDDLE_TOP, MIDDLE_BOTTOM)
    far = np.clip(wide, LARGE, 30.0)  # erf is 1 to the last bit from 6 on
    inverse = 1 / (far * far)
    far_tail = inverse * _ratio(inverse, LARGE_TOP, LARGE_BOTTOM)
    far_tail = (ONE_BY_ROOT_PI - far_tail) / far
    tail = np.where(wide > LARGE, far_tail, tail)
    complement = np.exp(-np.square(np.clip(wide, SMALL, 30.0))) * tail
    y = np.where(wide <= SMALL, small, 1 - complement)
    return np.copysign(np.where(np.isnan(wide), wide, y), x).astype(x.dtype)


def _ratio(x: Array, top: Sequence[float], bottom: Sequence[float]) -> Array:
    """Return the ratio of two polynomials, highest coefficients first."""
    ratio: Array = np.polyval(top, x) / np.polyval(bottom, x)
    return ratio
