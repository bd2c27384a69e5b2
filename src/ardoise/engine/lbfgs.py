"""L-BFGS: the minimum of a smooth function of many numbers, from values and gradients.

It looks at all samples at each step, remembers the last few steps to know how the
slope bends, and chooses the length of a step itself: there is no learning rate. It
makes the choices of SciPy's L-BFGS-B without bounds, and so takes the same path.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.engine.line_search import LONGEST, LineSearch, divide

Function = Callable[[Array], tuple[float, Array]]
Callback = Callable[[Array, float, int], object]

CONVERGED, LIMIT, ABNORMAL = 0, 1, 2  # values of `Result.status`

# SciPy's words, which people search for, where it has some.
SMALL_GRADIENT = "CONVERGENCE: NORM OF PROJECTED GRADIENT <= PGTOL"
SMALL_DECREASE = "CONVERGENCE: RELATIVE REDUCTION OF F <= FACTR*EPSMCH"
MANY_ITERATIONS = "STOP: TOTAL NO. OF ITERATIONS REACHED LIMIT"
MANY_EVALUATIONS = "STOP: TOTAL NO. OF F,G EVALUATIONS EXCEEDS LIMIT"
NO_STEP = "ABNORMAL: NO ACCEPTABLE STEP ALONG THE DIRECTION OF DESCENT"
NO_START = "ABNORMAL: VALUE OR GRADIENT NOT FINITE AT THE START"

EPSILON = float(np.finfo(np.float64).eps)


class Result(NamedTuple):
    """What `minimize` found.

    Attributes
    ----------
    x : array of shape (n,)
        Where the last iteration ended, float64. No iteration ends higher than it
        began, so it is the best of them; what a failed search tried is forgotten.
    value, grad : float, array of shape (n,)
        The function there, and its gradient.
    n_iter, n_fun : int
        Iterations made, and evaluations of the function.
    status : int
        0: converged. 1: a limit was reached. 2: no step was good enough.
    message : str
        Why it stopped.
    """

    x: Array
    value: float
    grad: Array
    n_iter: int
    n_fun: int
    status: int
    message: str

    @property
    def converged(self) -> bool:
        """Whether a minimum was found, to the tolerances."""
        return self.status == CONVERGED


def minimize(
    function: Function,
    x0: Any,
    *,
    max_iter: int = 200,
    max_fun: int = 15000,
    gtol: float = 1e-5,
    ftol: float = 2.220446049250313e-09,
    memory: int = 10,
    max_line_search: int = 20,
    callback: Callback | None = None,
) -> Result:
    """Look for a minimum of ``function``, from x0 downwards.

    Each step goes along d = −H g, where H, of which only pairs s (a step) and y (how it
    changed the gradient) are kept, stands for the inverse of the second derivatives.

    All vectors are float64, those of a float32 network too: near a minimum, y is the
    small difference of two gradients, and y · s a sum of such. The caller casts x, and
    may return float32. The pairs take 16 · memory · n bytes.

    Parameters
    ----------
    function : callable
        ``function(x) -> (value, gradient)``. x is a float64 vector that cannot be
        written and changes after the call; the gradient has its shape, any real dtype,
        and may be a buffer that the next call overwrites. Values that are not finite
        are steps that went too far: a shorter one is tried.
    x0 : array of shape (n,)
        Where to start; not written.
    max_iter, max_fun : int
        Stop after so many iterations, or after the iteration in which there were more
        than so many evaluations.
    gtol : float
        Converged when no number in the gradient is larger: max |g| ≤ gtol.
    ftol : float
        Converged when an iteration went from value a to b with
        a − b ≤ ftol · max(|a|, |b|, 1).
    memory : int
        How many pairs to keep.
    max_line_search : int
        How many lengths to try along one direction.
    callback : callable, optional
        ``callback(x, value, n_iter)`` after each iteration; x is a copy, to keep. What
        it or the function raises, `minimize` raises: whoever is to have the best x
        after Ctrl-C keeps it here.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If a setting is out of range, if x0 is not a vector of finite numbers, or if
        the gradient has another shape.

    References
    ----------
    Nocedal, "Updating quasi-Newton matrices with limited storage", 1980, section 4;
    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization",
    1989, algorithm 2.1; Byrd, Lu, Nocedal and Zhu, "A limited memory algorithm for
    bound constrained optimization", 1995, sections 3 and 6.

    Examples
    --------
    >>> from ardoise.engine.lbfgs import minimize
    >>> found = minimize(lambda x: (float(x @ x), 2 * x), [3.0, -4.0])
    >>> found.converged, found.value < 1e-9
    (True, True)
    """
    max_iter = _at_least_one("max_iter", max_iter)
    max_fun = _at_least_one("max_fun", max_fun)
    memory = _at_least_one("memory", memory)
    max_line_search = _at_least_one("max_line_search", max_line_search)
    gtol, ftol = _not_negative("gtol", gtol), _not_negative("ftol", ftol)
    descent = _Descent(function, _as_start(x0), memory, max_line_search)
    status, message = _run(descent, max_iter, max_fun, gtol, ftol, callback)
    return Result(
        descent.x,
        descent.value,
        descent.grad,
        descent.n_iter,
        descent.objective.n_fun,
        status,
        message,
    )


def _run(
    descent: _Descent,
    max_iter: int,
    max_fun: int,
    gtol: float,
    ftol: float,
    callback: Callback | None,
) -> tuple[int, str]:
    """Iterate until there is a reason to stop; return status and message."""
    steepest = _largest(descent.grad)
    if not (math.isfinite(descent.value) and math.isfinite(steepest)):
        return ABNORMAL, NO_START
    if steepest <= gtol:
        return CONVERGED, SMALL_GRADIENT
    while True:
        before = descent.value
        if not descent.advance():
            # As SciPy reports it: it would have stopped after this iteration anyway.
            over = descent.objective.n_fun > max_fun
            return LIMIT if over else ABNORMAL, NO_STEP
        if callback is not None:
            callback(descent.x.copy(), descent.value, descent.n_iter)
        # The limits come first, as in SciPy: who meets one has not converged.
        if descent.n_iter >= max_iter:
            return LIMIT, MANY_ITERATIONS
        if descent.objective.n_fun > max_fun:
            return LIMIT, MANY_EVALUATIONS
        if _largest(descent.grad) <= gtol:
            return CONVERGED, SMALL_GRADIENT
        size = max(abs(before), abs(descent.value), 1.0)
        if before - descent.value <= ftol * size:
            return CONVERGED, SMALL_DECREASE


class _Objective:
    """The function: where it was asked last, its gradient there, how often it was."""

    def __init__(self, function: Function, n: int) -> None:
        self._function = function
        self.x, self.grad = np.empty(n), np.empty(n)
        self._shown = self.x.view()
        self._shown.flags.writeable = False
        self.value = math.nan
        self.n_fun = 0

    def __call__(self, x: Array) -> float:
        """Return the value at x; x and the gradient are kept."""
        # Where rounding leaves x as it was, nothing is computed, nor counted: so SciPy.
        if self.n_fun and np.array_equal(x, self.x):
            return self.value
        np.copyto(self.x, x)
        value, grad = self._function(self._shown)
        if np.shape(grad) != self.x.shape:
            raise ValueError(
                f"function must return a value and a gradient of shape {self.x.shape}; "
                f"got a gradient of shape {np.shape(grad)}"
            )
        self.grad[...] = grad
        self.value = float(value)
        self.n_fun += 1
        return self.value


class _Descent:
    """The point that was reached, and how to go on from there."""

    def __init__(
        self, function: Function, x: Array, memory: int, max_line_search: int
    ) -> None:
        self.x = x
        self.objective = _Objective(function, len(x))
        self.value = self.objective(x)
        self.grad = self.objective.grad.copy()
        self.n_iter = 0
        self._history = _History(len(x), memory)
        self._max_line_search = max_line_search
        self._direction, self._trial = np.empty_like(x), np.empty_like(x)

    def advance(self) -> bool:
        """Make one iteration; return False if no step is good enough."""
        while True:
            self._history.turn(self.grad, out=self._direction)
            if self._search():
                self.n_iter += 1
                return True
            if not self._history.rows:
                return False
            # What it remembers misleads: straight down then, as at the start.
            self._history.rows.clear()

    def _search(self) -> bool:
        """Look for a step along the direction, and make it."""
        slope = self._slope(self.grad)
        if not -math.inf < slope < 0:
            return False
        # The first direction is −g, and its length √−slope, says nothing of how far.
        length = 1.0 if self.n_iter else min(1 / math.sqrt(-slope), LONGEST)
        search = LineSearch(self.value, slope, length)
        for _ in range(self._max_line_search):
            self._move(search.step)
            value = self.objective(self._trial)
            new_slope = self._slope(self.objective.grad)
            if search.accepts(value, new_slope):
                self._arrive(search.step, slope, new_slope)
                return True
        return False

    @np.errstate(all="ignore")
    def _slope(self, grad: Array) -> float:
        return float(np.dot(grad, self._direction))

    @np.errstate(all="ignore")
    def _move(self, step: float) -> None:
        """Set the trial to x + step · d."""
        np.multiply(self._direction, step, out=self._trial)
        np.add(self._trial, self.x, out=self._trial)

    @np.errstate(all="ignore")
    def _arrive(self, step: float, slope: float, new_slope: float) -> None:
        """Go to the trial, and remember the pair of it."""
        np.multiply(self._direction, step, out=self._direction)  # s
        np.subtract(self.objective.grad, self.grad, out=self._trial)  # y
        sy = (new_slope - slope) * step
        if sy > EPSILON * -slope * step:  # else the slope did not bend upwards
            self._history.add(self._direction, self._trial, sy)
        np.copyto(self.x, self.objective.x)
        np.copyto(self.grad, self.objective.grad)
        self.value = self.objective.value


class _History:
    """The last pairs (s, y), and the direction that they give."""

    def __init__(self, n: int, memory: int) -> None:
        self._s, self._y = np.empty((memory, n)), np.empty((memory, n))
        self._sy = [0.0] * memory
        self._scale = 1.0
        self._scratch = np.empty(n)
        self.rows: list[int] = []  # where the pairs are, the oldest first

    def add(self, s: Array, y: Array, sy: float) -> None:
        """Remember a pair, in the place of the oldest if there is no other."""
        scale = divide(sy, float(np.dot(y, y)))
        if not 0 < scale < math.inf:
            return
        full = len(self.rows) == len(self._sy)
        row = self.rows.pop(0) if full else len(self.rows)
        self.rows.append(row)
        self._s[row], self._y[row], self._sy[row] = s, y, sy
        self._scale = scale

    @np.errstate(all="ignore")
    def turn(self, grad: Array, out: Array) -> None:
        """Write −H g into out: Nocedal's two loops, from H₀ = (s · y / y · y) I."""
        np.negative(grad, out=out)
        if not self.rows:
            return
        parts = []
        for row in reversed(self.rows):
            part = float(np.dot(self._s[row], out)) / self._sy[row]
            parts.append(part)
            np.multiply(self._y[row], part, out=self._scratch)
            np.subtract(out, self._scratch, out=out)
        np.multiply(out, self._scale, out=out)
        for row in self.rows:
            part = parts.pop() - float(np.dot(self._y[row], out)) / self._sy[row]
            np.multiply(self._s[row], part, out=self._scratch)
            np.add(out, self._scratch, out=out)


def _largest(vector: Array) -> float:
    return float(np.abs(vector).max())


def _as_start(x0: Any) -> Array:
    """Return a copy of x0 in float64."""
    x = np.array(x0, dtype=np.float64)
    if x.ndim != 1 or not x.size:
        raise ValueError(
            f"x0 must be a vector of at least one number; got shape {x.shape}"
        )
    if not np.isfinite(x).all():
        raise ValueError(
            f"x0 must hold finite numbers; got {x[~np.isfinite(x)][0]} among them"
        )
    return x


def _at_least_one(name: str, value: int) -> int:
    if not isinstance(value, int | np.integer) or value < 1:
        raise ValueError(f"{name} must be a whole number, at least 1; got {value!r}")
    return int(value)


def _not_negative(name: str, value: float) -> float:
    if not value >= 0:
        raise ValueError(f"{name} must be a number, not negative; got {value!r}")
    return float(value)
