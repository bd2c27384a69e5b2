"""Copies of the engine's objects that users give as parameters.

A parameter stays as it was given: training binds an optimiser to a network, and a loss
writes into its buffers, so each training has its own.
"""

from __future__ import annotations

from typing import TypeVar

from ardoise.engine.losses import Loss
from ardoise.engine.optimizers import Optimizer
from ardoise.engine.schedules import Schedule

T = TypeVar("T", Loss, Optimizer, Schedule)


def own_copy(thing: T) -> T:
    """Return a shallow copy with all attributes, private ones too.

    (`copy.copy` leaves out those of a loss, among which a user's loss may have more
    than buffers.)
    """
    twin = object.__new__(type(thing))
    vars(twin).update(vars(thing))
    vars(twin).pop("_held", None)  # the engine's buffers
    return twin
