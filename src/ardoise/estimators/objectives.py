"""The losses of regressors, as scikit-learn defines and reports them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ardoise.engine import losses
from ardoise.engine.arrays import Array
from ardoise.engine.losses import Loss
from ardoise.estimators.copies import own_copy


class MeanSquaredError(losses.SquaredError):
    """(z − t)² / 2, reported as the mean over the outputs, as scikit-learn does.

    The gradient is that of the sum.
    """

    def __call__(
        self, z: Array, t: Array, *, scale: float, weights: Array | None = None
    ) -> tuple[float, Array]:
        value, dz = super().__call__(z, t, scale=scale, weights=weights)
        return value / z.shape[1], dz


def regression_loss(loss: str | Mapping[str, Any] | Loss) -> Loss:
    """Return the loss that a parameter names, or a copy of the one that it is."""
    if isinstance(loss, str) and loss == "squared_error":
        return MeanSquaredError()
    return own_copy(losses.get(loss))
