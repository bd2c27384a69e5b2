"""How the learning rate changes during training.

A schedule is a function of the step number: ``schedule(step, total_steps)``, both
counted in batches, step 0 first. It returns a Python float, so that float32 arithmetic
stays float32. Each can begin with a linear warm-up of ``warmup`` steps; the schedule
proper is then spread over the steps that remain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ardoise.engine.tables import build


class Schedule:
    """Base class; also the place where every schedule's warm-up is.

    Parameters
    ----------
    learning_rate : float
        The highest rate, reached at the end of the warm-up.
    warmup : int or float
        Steps of linear warm-up (int), or the fraction of all steps (float below 1).
        Step k of the warm-up has the rate ``learning_rate * (k + 1) / (steps + 1)``.
    """

    name: ClassVar[str]

    def __init__(self, learning_rate: float, *, warmup: float = 0) -> None:
        if not (math.isfinite(learning_rate) and learning_rate > 0):
            raise ValueError(
                f"learning_rate must be a positive number; got {learning_rate}"
            )
        if not 0 <= warmup < math.inf:
            raise ValueError(f"warmup must not be negative; got {warmup}")
        if warmup >= 1 and warmup != int(warmup):
            raise ValueError(
                "warmup must be a whole number of steps, or a fraction below 1; "
                f"got {warmup}"
            )
        # Python numbers: a NumPy scalar would turn float32 updates into float64.
        self.learning_rate = float(learning_rate)
        self.warmup = warmup if isinstance(warmup, int) else float(warmup)

    def __call__(self, step: int, total_steps: int) -> float:
        """Return the learning rate of ``step`` (0 ≤ step < total_steps)."""
        share = self.warmup < 1
        warmup = round(self.warmup * total_steps) if share else int(self.warmup)
        if step < warmup:
            return self.learning_rate * (step + 1) / (warmup + 1)
        rest = max(1, total_steps - warmup)
        return self.learning_rate * self.factor(step - warmup, rest)

    def factor(self, step: int, steps: int) -> float:
        """Return the share of ``learning_rate`` at ``step`` of ``steps``."""
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Return the settings as JSON values; `get` rebuilds the schedule."""
        return {"name": self.name, **vars(self)}

    def __repr__(self) -> str:
        values = ", ".join(f"{k}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({values})"


class ConstantRate(Schedule):
    """The same rate at every step."""

    name = "constant"

    def factor(self, step: int, steps: int) -> float:
        return 1.0


class StepDecay(Schedule):
    """Multiply the rate by ``gamma`` every ``step_size`` steps."""

    name = "step"

    def __init__(
        self,
        learning_rate: float,
        *,
        step_size: int,
        gamma: float = 0.1,
        warmup: float = 0,
    ) -> None:
        super().__init__(learning_rate, warmup=warmup)
        if step_size < 1 or step_size != int(step_size):
            raise ValueError(
                f"step_size must be a positive whole number of steps; got {step_size}"
            )
        self.step_size = int(step_size)
        self.gamma = _check_gamma(gamma)

    def factor(self, step: int, steps: int) -> float:
        return float(self.gamma ** (step // self.step_size))


class ExponentialDecay(Schedule):
    """Multiply the rate by ``gamma`` at every step."""

    name = "exponential"

    def __init__(
        self, learning_rate: float, *, gamma: float, warmup: float = 0
    ) -> None:
        super().__init__(learning_rate, warmup=warmup)
        self.gamma = _check_gamma(gamma)

    def factor(self, step: int, steps: int) -> float:
        return float(self.gamma**step)


class LinearDecay(Schedule):
    """Fall in a straight line to ``final`` × the rate after the last step."""

    name = "linear"

    def __init__(
        self, learning_rate: float, *, final: float = 0.0, warmup: float = 0
    ) -> None:
        super().__init__(learning_rate, warmup=warmup)
        self.final = _check_share(final)

    def factor(self, step: int, steps: int) -> float:
        return 1 + (self.final - 1) * min(step / steps, 1.0)


class Cosine(Schedule):
    """Fall along half a cosine to ``final`` × the rate after the last step.

    Loshchilov and Hutter, "SGDR", 2017, equation 5 (without restarts).
    """

    name = "cosine"

    def __init__(
        self, learning_rate: float, *, final: float = 0.0, warmup: float = 0
    ) -> None:
        super().__init__(learning_rate, warmup=warmup)
        self.final = _check_share(final)

    def factor(self, step: int, steps: int) -> float:
        return _cosine_between(1.0, self.final, min(step / steps, 1.0))


class OneCycle(Schedule):
    """Rise along a cosine to the rate, then fall far below the start.

    Smith and Topin, "Super-Convergence", 2018, section 3, with cosine annealing.
    ``peak`` is the share of the steps that rises; the first rate is
    ``learning_rate / start_divisor``, the last that divided by ``final_divisor``.
    """

    name = "one_cycle"

    def __init__(
        self,
        learning_rate: float,
        *,
        peak: float = 0.3,
        start_divisor: float = 25.0,
        final_divisor: float = 1e4,
        warmup: float = 0,
    ) -> None:
        super().__init__(learning_rate, warmup=warmup)
        if not 0 < peak < 1:
            raise ValueError(f"peak must lie between 0 and 1; got {peak}")
        if start_divisor < 1 or final_divisor < 1:
            raise ValueError(
                "start_divisor and final_divisor must be at least 1; "
                f"got {start_divisor} and {final_divisor}"
            )
        self.peak = float(peak)
        self.start_divisor = float(start_divisor)
        self.final_divisor = float(final_divisor)

    def factor(self, step: int, steps: int) -> float:
        top = self.peak * steps - 1
        last = max(steps - 1, 1)
        start = 1 / self.start_divisor
        if top > 0 and step <= top:
            return _cosine_between(start, 1.0, step / top)
        share = (step - max(top, 0)) / max(last - max(top, 0), 1e-9)
        return _cosine_between(1.0, start / self.final_divisor, min(share, 1.0))


def _cosine_between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def _check_gamma(gamma: float) -> float:
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma must lie in (0, 1]; got {gamma}")
    return float(gamma)


def _check_share(final: float) -> float:
    if not 0 <= final <= 1:
        raise ValueError(f"final must lie in [0, 1]; got {final}")
    return float(final)


SCHEDULES: dict[str, type[Schedule]] = {
    cls.name: cls
    for cls in (
        ConstantRate,
        StepDecay,
        ExponentialDecay,
        LinearDecay,
        Cosine,
        OneCycle,
    )
}


def get(spec: float | Mapping[str, Any] | Schedule) -> Schedule:
    """Return the schedule that ``spec`` describes; a number is a constant rate.

    Raises
    ------
    ValueError
        If the name is unknown or a setting is missing or out of range.
    """
    if isinstance(spec, Schedule):
        return spec
    if isinstance(spec, int | float | np.integer | np.floating):
        return ConstantRate(float(spec))
    return build("schedule", SCHEDULES, spec)
