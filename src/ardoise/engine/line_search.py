"""How far to go along a direction of descent.

A search asks for the function and its slope at a few steps, and stops at the first that
goes down far enough and leaves the steep part behind.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# What a step must achieve, as in L-BFGS-B: this part of the decrease that the slope
# promises; a slope of at most this part of the first one; and the search ends where
# the interval that holds the step is narrower than this part of its upper end.
DECREASE, CURVATURE, NARROW = 1e-3, 0.9, 0.1
LONGEST = 1e10


class _Trial(NamedTuple):
    """The function along a direction: how far, its value there, its slope there."""

    step: float
    value: float
    slope: float

    def minus(self, slope: float) -> _Trial:
        """Return the same for the function minus slope · step."""
        return _Trial(self.step, self.value - self.step * slope, self.slope - slope)


class LineSearch:
    """How far to go along a direction: Moré and Thuente's search.

    Ask the function at `step`, give the answer to `accepts`, and again until it is
    True. φ being the function along the direction, it looks for a step t with
    φ(t) ≤ φ(0) + 0.001 t φ′(0) and |φ′(t)| ≤ 0.9 |φ′(0)|.

    Parameters
    ----------
    value, slope : float
        φ(0) and φ′(0), which must be negative.
    step : float
        The first to try, positive.

    Attributes
    ----------
    step : float
        The one to try next.

    References
    ----------
    Moré and Thuente, "Line search algorithms with guaranteed sufficient decrease",
    1994, sections 2 to 4, with the constants of their program in MINPACK-2.
    """

    def __init__(self, value: float, slope: float, step: float) -> None:
        self.step = step
        self._start = _Trial(0.0, value, slope)
        # The best step so far, and the other end of the interval that holds a minimum,
        # once there is one (it is bracketed).
        self._best = self._other = self._start
        self._is_bracketed = False
        self._low, self._high = 0.0, 5 * step
        self._width, self._width_before = LONGEST, 2 * LONGEST
        self._tilt = DECREASE * slope
        self._is_tilted = True  # until a step is low enough and its slope rises
        self._is_last = False
        self._is_careful = False

    def accepts(self, value: float, slope: float) -> bool:
        """Take φ and φ′ at `step`: return True to stay there, else choose another."""
        if not (math.isfinite(value) and math.isfinite(slope)):
            # Nothing to interpolate. Halfway back, and any decrease will do from now
            # on: a search for the perfect step would only lead here again.
            self._is_careful = True
            self.step = 0.5 * (self._best.step + self.step)
            return False
        is_low = value <= self._start.value + self.step * self._tilt
        is_flat = abs(slope) <= -CURVATURE * self._start.slope
        is_longest = self.step == LONGEST and slope <= self._tilt
        if self._is_last or (is_low and (is_flat or is_longest or self._is_careful)):
            return True
        if is_low and slope >= 0:
            self._is_tilted = False
        # Lower than the best, but not by enough: minimise φ(t) − 0.001 t φ′(0).
        tilted = self._is_tilted and not is_low and value <= self._best.value
        self._choose(_Trial(self.step, value, slope), self._tilt if tilted else 0.0)
        return False

    def _choose(self, trial: _Trial, tilt: float) -> None:
        """Narrow the interval by one more trial, and choose the next step in it."""
        best, new = self._best.minus(tilt), trial.minus(tilt)
        other = self._other.minus(tilt)
        is_between = self._is_bracketed
        step = _propose(best, other, new, is_between, self._low, self._high)
        if not math.isfinite(step):
            step = 0.5 * (best.step + new.step)
        if new.value > best.value:
            self._other, self._is_bracketed = trial, True
        else:
            if _turns(best, new):
                self._other, self._is_bracketed = self._best, True
            self._best = trial
        near, far = self._best.step, self._other.step
        if self._is_bracketed:
            width = abs(far - near)
            if width >= 0.66 * self._width_before:  # too slow: halve it
                step = near + 0.5 * (far - near)
            self._width_before, self._width = self._width, width
            self._low, self._high = min(near, far), max(near, far)
        else:
            self._low = step + 1.1 * (step - near)
            self._high = step + 4 * (step - near)
        step = min(max(step, 0.0), LONGEST)
        is_narrow = self._high - self._low <= NARROW * self._high
        is_inside = self._low < step < self._high
        self._is_last = self._is_bracketed and (is_narrow or not is_inside)
        self.step = near if self._is_last else step


def _propose(
    best: _Trial,
    other: _Trial,
    new: _Trial,
    is_bracketed: bool,
    low: float,
    high: float,
) -> float:
    """Return the step that interpolation suggests: Moré and Thuente, section 4."""
    back = best.step - new.step
    if new.value > best.value:  # case 1: between the two
        cubic = best.step - _cubic(best, new) * back
        chord = divide(new.value - best.value, back)
        square = best.step - 0.5 * divide(best.slope, chord + best.slope) * back
        if abs(cubic - best.step) <= abs(square - best.step):
            return cubic
        return cubic + 0.5 * (square - cubic)
    secant = new.step + divide(new.slope, new.slope - best.slope) * back
    ratio = _cubic(new, best)
    cubic = new.step + ratio * back
    if _turns(best, new):  # case 2: between the two, the farther from the new one
        return max(secant, cubic, key=lambda step: abs(step - new.step))
    if abs(new.slope) < abs(best.slope):  # case 3: beyond the new one, but how far?
        if not ratio < 0:  # the cubic has no minimum there
            cubic = high if back < 0 else low
        if not is_bracketed:
            step = max(secant, cubic, key=lambda step: abs(step - new.step))
            return min(max(step, low), high)
        step = min(secant, cubic, key=lambda step: abs(step - new.step))
        limit = new.step + 0.66 * (other.step - new.step)
        return min(limit, step) if back < 0 else max(limit, step)
    if is_bracketed:  # case 4: beyond the new one, and far
        return new.step + _cubic(new, other) * (other.step - new.step)
    return high if back < 0 else low


def _turns(best: _Trial, new: _Trial) -> bool:
    """Return whether the slope has changed its sign from one to the other."""
    return new.slope * math.copysign(1.0, best.slope) < 0


def _cubic(a: _Trial, b: _Trial) -> float:
    """Return where the cubic through a and b is least: 0 is a, 1 is b; or NaN."""
    chord = divide(a.value - b.value, b.step - a.step)
    theta = 3 * chord + a.slope + b.slope
    scale = max(abs(theta), abs(a.slope), abs(b.slope)) or 1.0
    square = (theta / scale) ** 2 - (a.slope / scale) * (b.slope / scale)
    if not square > 0:
        return math.nan
    gamma = math.copysign(scale * math.sqrt(square), b.step - a.step)
    p, q = gamma - a.slope + theta, gamma - a.slope + gamma + b.slope
    return divide(p, q)


def divide(a: float, b: float) -> float:
    """Return a / b, or NaN where b is 0."""
    return a / b if b else math.nan
