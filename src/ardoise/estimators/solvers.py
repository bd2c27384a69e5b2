"""The engine's optimisers as scikit-learn defines its solvers.

scikit-learn's Adam and SGD differ from the usual forms in small ways. With these two,
the same data, parameters and ``random_state`` give its weights, to rounding.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from ardoise.engine import optimizers, schedules
from ardoise.engine.arrays import Array
from ardoise.engine.optimizers import SGD, Adam, Optimizer
from ardoise.engine.schedules import Schedule
from ardoise.estimators.copies import own_copy

# A rate below this is not divided any more: training stops.
LEAST_RATE = 1e-6


class PlainEpsilonAdam(Adam):
    """Adam with ε beside √v, not √v̂.

    θ ← θ − rate √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).

    References
    ----------
    Kingma and Ba, "Adam: a method for stochastic optimization", 2015, end of section 2
    (the more efficient order of computation).
    """

    def prepare(self, learning_rate: float) -> None:
        super().prepare(learning_rate)
        # √v = √(1 − β₂) √V, and the factor is in the step already.
        self._epsilon = self.epsilon / math.sqrt(1 - self.beta2)


class RateInVelocitySGD(SGD):
    """v ← momentum · v − rate · g, then θ ← θ + v.

    Nesterov's form: θ ← θ + momentum · v − rate · g. Usually the rate is a factor of
    the whole step instead, which differs when it changes. momentum may be 1.
    """

    def __init__(self, momentum: float, *, nesterov: bool) -> None:
        super().__init__(0.0)
        self.momentum = float(momentum)
        self.nesterov = bool(nesterov)

    def slots(self) -> tuple[str, ...]:
        return ("velocity",)

    def update(self, theta: Array, grad: Array, scratch: Array, *kept: Array) -> None:
        (velocity,) = kept
        np.multiply(grad, self._rate, out=grad)
        np.multiply(velocity, self.momentum, out=velocity)
        np.subtract(velocity, grad, out=velocity)
        if not self.nesterov:
            np.add(theta, velocity, out=theta)
            return
        np.multiply(velocity, self.momentum, out=scratch)
        np.subtract(scratch, grad, out=scratch)
        np.add(theta, scratch, out=theta)


class Solver(Schedule):
    """An optimiser and its learning rate, which reacts to how training goes.

    Parameters
    ----------
    solver : str, mapping or Optimizer
        ``"adam"`` and ``"sgd"`` are scikit-learn's; others are the engine's.
    learning_rate : str, mapping or Schedule
        ``"constant"``, ``"invscaling"`` and ``"adaptive"`` as in scikit-learn (the
        last two for ``"sgd"`` alone), or one of the engine's schedules.
    learning_rate_init : float
        The rate, and that of a mapping that gives none.
    settings : mapping
        ``momentum``, ``nesterovs_momentum``, ``beta_1``, ``beta_2``, ``epsilon``,
        ``power_t``.

    Attributes
    ----------
    optimizer : Optimizer
        Bound to no network: each training takes a copy, whose vectors end with it.
    learning_rate : float
        Of the next step; with a schedule, the highest.
    place : (int, int) or None
        Where a schedule stands, and its end, if that is not counted in steps: data
        that come in pieces are as many as they are, but passes are known.
    """

    def __init__(
        self,
        solver: str | Mapping[str, Any] | Optimizer,
        learning_rate: str | Mapping[str, Any] | Schedule,
        learning_rate_init: float,
        settings: Mapping[str, Any],
    ) -> None:
        super().__init__(learning_rate_init)
        self.optimizer = _optimizer(solver, settings)
        self._initial = self.learning_rate
        self._power_t = settings["power_t"]
        self._kind = learning_rate if solver == "sgd" else "constant"
        self.place: tuple[int, int] | None = None
        self._schedule: Schedule | None = None
        if not isinstance(learning_rate, str):
            self._kind = "constant"
            if isinstance(learning_rate, Mapping):
                learning_rate = {"learning_rate": self._initial, **learning_rate}
            self._schedule = own_copy(schedules.get(learning_rate))

    def __call__(self, step: int, total_steps: int) -> float:
        if self._schedule is not None:
            step, total_steps = self.place or (step, total_steps)
            return self._schedule(min(step, total_steps - 1), total_steps)
        return self.learning_rate

    def copy(self) -> Self:
        """Return a solver that goes on where this one is, which stays there."""
        return copy.copy(self)

    def epoch_ends(self, t: int) -> None:
        """Note the end of an epoch, and that t samples have been seen in all."""
        if self._kind == "invscaling":
            self.learning_rate = self._initial / (t + 1) ** self._power_t
        if self.place is not None:
            self.place = (self.place[0] + 1, self.place[1])

    def stops(self, message: str, verbose: bool) -> bool:
        """Say whether training stops when nothing improves; else the rate falls."""
        end = " Stopping."
        stopping = self._kind != "adaptive"
        if not stopping:
            stopping = self.learning_rate <= LEAST_RATE
            end = " Learning rate too small. Stopping."
        if not stopping:
            self.learning_rate /= 5.0
            end = f" Setting learning rate to {self.learning_rate:f}"
        if verbose:
            print(message + end)
        return stopping


def _optimizer(
    solver: str | Mapping[str, Any] | Optimizer, settings: Mapping[str, Any]
) -> Optimizer:
    betas = {
        "beta1": float(settings["beta_1"]),
        "beta2": float(settings["beta_2"]),
        "epsilon": settings["epsilon"],
    }
    if solver == "adam":
        return PlainEpsilonAdam(**betas)
    if solver == "sgd":
        return RateInVelocitySGD(
            settings["momentum"], nesterov=settings["nesterovs_momentum"]
        )
    if solver == "adamw":
        # alpha is the decay, and the loss has no penalty then.
        return optimizers.AdamW(**betas, weight_decay=settings["alpha"])
    if solver == "rmsprop":
        return optimizers.RMSprop(epsilon=settings["epsilon"])
    return own_copy(optimizers.get(solver))
