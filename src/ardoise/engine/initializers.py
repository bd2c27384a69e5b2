"""How the first values of the weights are drawn.

An initializer fills an array that it is given, with numbers from a generator that it
is given. Its settings are plain values, so that a network can be written down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ardoise.engine.arrays import Array, Shape
from ardoise.engine.tables import build


def fans(shape: Shape) -> tuple[int, int]:
    """Return (fan_in, fan_out): how many numbers feed, and are fed by, one weight.

    Dense weights are (n_in, n_out), convolution weights (kh, kw, c_in, c_out).
    """
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


class Initializer:
    """Base class: ``initializer(view, rng)`` fills ``view`` in place."""

    name: ClassVar[str]

    def __call__(self, view: Array, rng: np.random.Generator) -> None:
        raise NotImplementedError

    def config(self) -> dict[str, Any]:
        """Return the settings as JSON values; `get` rebuilds the initializer."""
        return {"name": self.name, **vars(self)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Initializer) and self.config() == other.config()

    def __hash__(self) -> int:
        return hash(tuple(self.config().items()))

    def __repr__(self) -> str:
        values = ", ".join(f"{k}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({values})"


class _Scaled(Initializer):
    """Zero mean, and a variance of ``gain / fan``."""

    gain: ClassVar[float]

    def __init__(self, distribution: str = "normal") -> None:
        if distribution not in ("normal", "uniform"):
            raise ValueError(
                f"distribution must be 'normal' or 'uniform'; got {distribution!r}"
            )
        self.distribution = distribution

    def fan(self, shape: Shape) -> float:
        return fans(shape)[0]

    def __call__(self, view: Array, rng: np.random.Generator) -> None:
        std = math.sqrt(self.gain / max(1.0, self.fan(view.shape)))
        # Drawn in float64, so that both dtypes start from the same numbers.
        if self.distribution == "normal":
            view[...] = rng.standard_normal(view.shape) * std
        else:
            bound = math.sqrt(3.0) * std
            view[...] = rng.uniform(-bound, bound, view.shape)


class He(_Scaled):
    """Variance 2 / fan_in, for layers followed by ReLU.

    Normal, or with ``distribution="uniform"`` uniform around 0, of the same variance.
    He et al., "Delving Deep into Rectifiers", 2015, section 2.2.
    """

    name = "he"
    gain = 2.0


class LeCun(_Scaled):
    """Variance 1 / fan_in, normal or uniform as for `He`.

    LeCun et al., "Efficient BackProp", 1998, section 4.6.
    """

    name = "lecun"
    gain = 1.0


class Glorot(_Scaled):
    """Variance 2 / (fan_in + fan_out), for tanh, sigmoid and outputs.

    Uniform around 0, or with ``distribution="normal"`` normal.
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", 2010, section 4.2.1.
    """

    name = "glorot"
    gain = 1.0

    def __init__(self, distribution: str = "uniform") -> None:
        super().__init__(distribution)

    def fan(self, shape: Shape) -> float:
        return sum(fans(shape)) / 2


class Uniform(Initializer):
    """Uniform on [low, high)."""

    name = "uniform"

    def __init__(self, low: float, high: float) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            raise ValueError(
                f"uniform needs two numbers, low <= high; got {low} and {high}"
            )
        self.low = float(low)
        self.high = float(high)

    def __call__(self, view: Array, rng: np.random.Generator) -> None:
        view[...] = rng.uniform(self.low, self.high, view.shape)


class Constant(Initializer):
    """The same value everywhere."""

    name = "constant"

    def __init__(self, value: float) -> None:
        if not math.isfinite(value):
            raise ValueError(f"constant needs a finite number; got {value}")
        self.value = float(value)

    def __call__(self, view: Array, rng: np.random.Generator) -> None:
        view[...] = self.value


class Zeros(Initializer):
    """Zeros: the usual start of a bias."""

    name = "zeros"

    def __call__(self, view: Array, rng: np.random.Generator) -> None:
        view[...] = 0.0


INITIALIZERS: dict[str, type[Initializer]] = {
    cls.name: cls for cls in (He, LeCun, Glorot, Uniform, Constant, Zeros)
}


def get(spec: str | Mapping[str, Any] | Initializer) -> Initializer:
    """Return the initializer that ``spec`` names.

    Parameters
    ----------
    spec : str, mapping or Initializer
        ``"he"``, or ``{"name": "uniform", "low": -0.5, "high": 0.5}`` (what
        `Initializer.config` returns), or an initializer, which is returned as it is.

    Raises
    ------
    ValueError
        If the name is unknown or a setting is missing.
    """
    if isinstance(spec, Initializer):
        return spec
    return build("initializer", INITIALIZERS, spec)
