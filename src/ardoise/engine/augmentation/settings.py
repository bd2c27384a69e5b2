"""What an augmentation may do to images: ranges, checked once, and written as JSON."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from ardoise.engine.arrays import Shape
from ardoise.engine.errors import ShapeError

# Name → the least value, the largest, whether that one is allowed, and the unit.
_RANGES: dict[str, tuple[float, float, bool, str]] = {
    "rotation": (0, 180, True, "degrees"),
    "translation": (0, math.inf, False, "pixels"),
    "scale": (0, 1, False, ""),
    "stretch": (0, 1, False, ""),
    "shear": (0, 90, False, "degrees"),
    "thickness": (0, math.inf, False, "pixels"),
    "noise": (0, math.inf, False, ""),
    "erasing": (0, 1, True, ""),
    "probability": (0, 1, True, ""),
}
_WHOLE = ("shift", "cutout")
# Pixels. Below the first, neighbours move independently of each other.
LEAST_SIGMA, MOST_SIGMA = 0.1, 100.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The values of an `Augmentation`, which describes them."""

    rotation: float = 0.0
    translation: float = 0.0
    scale: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    elastic: tuple[float, float] | None = None
    shift: int = 0
    thickness: float = 0.0
    noise: float = 0.0
    erasing: float = 0.0
    cutout: int = 0
    probability: float = 1.0
    image_shape: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        for name, limits in _RANGES.items():
            self._put(name, _number(name, getattr(self, name), *limits))
        for name in _WHOLE:
            self._put(name, _whole(name, getattr(self, name)))
        if self.elastic is not None:
            self._put("elastic", _pair(self.elastic))
        if self.image_shape is not None:
            self._put("image_shape", _shape(self.image_shape))

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # which a frozen dataclass allows here

    def config(self) -> dict[str, Any]:
        """Return what is set, as JSON values: ``Augmentation(**config)`` is equal."""
        values = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def __repr__(self) -> str:
        values = ", ".join(f"{k}={v!r}" for k, v in self.config().items())
        return f"{type(self).__name__}({values})"

    @property
    def is_warp(self) -> bool:
        """Whether pixels are read between pixels."""
        moves = (self.rotation, self.translation, self.scale, self.stretch, self.shear)
        return any(moves) or self.elastic is not None

    def shape_of(self, sample_shape: Shape) -> tuple[int, int, int]:
        """Return the shape (h, w, c) of the images that samples of this shape are.

        Raises
        ------
        ShapeError
            If they are none.
        """
        if self.image_shape is not None:
            is_image = len(sample_shape) == 3 and self.image_shape != tuple(
                sample_shape
            )
            if is_image or math.prod(self.image_shape) != math.prod(sample_shape):
                raise ShapeError(
                    f"samples of shape {tuple(sample_shape)} cannot be read as images "
                    f"of the augmentation's image_shape, {self.image_shape}"
                )
            shape = self.image_shape
        elif len(sample_shape) == 3:
            shape = (sample_shape[0], sample_shape[1], sample_shape[2])
        elif len(sample_shape) == 2:
            shape = (sample_shape[0], sample_shape[1], 1)
        else:
            raise ShapeError(
                "augmentation needs images, (B, h, w, c) or (B, h, w); got samples of "
                f"shape {tuple(sample_shape)}: image_shape=(h, w, c) says how to read "
                "rows of numbers as images"
            )
        if self.shift >= min(shape[:2]):
            raise ShapeError(
                f"shift must be less than the height and the width of the images, "
                f"{shape[0]} and {shape[1]} pixels; got {self.shift}"
            )
        return shape


def _number(
    name: str, value: Any, low: float, high: float, included: bool, unit: str
) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    # NaN fails every comparison.
    if low <= number < high or (included and number == high):
        return number
    unit = f" {unit}" if unit else ""
    if high == math.inf:
        wanted = f"a finite number of at least {low:g}"
        wanted += f" ({unit.strip()})" if unit else ""
    else:
        wanted = f"a number in [{low:g}, {high:g}{']' if included else ')'}{unit}"
    raise ValueError(f"{name} must be {wanted}; got {value!r}")


def _whole(name: str, value: Any) -> int:
    number = _number(name, value, 0, math.inf, False, "pixels")
    if number != int(number):
        raise ValueError(f"{name} must be a whole number of pixels; got {value!r}")
    return int(number)


def _pair(value: Any) -> tuple[float, float]:
    try:
        alpha, sigma = (float(number) for number in value)
    except (TypeError, ValueError):
        alpha = sigma = math.nan
    if 0 <= alpha < math.inf and LEAST_SIGMA <= sigma <= MOST_SIGMA:
        return alpha, sigma
    raise ValueError(
        "elastic must be a pair (alpha, sigma) in pixels, alpha not negative and sigma "
        f"in [{LEAST_SIGMA:g}, {MOST_SIGMA:g}]; got {value!r}"
    )


def _shape(value: Any) -> tuple[int, int, int]:
    try:
        h, w, c = (int(number) for number in value)
    except (TypeError, ValueError):
        h = w = c = 0
    if min(h, w, c) < 1:
        raise ValueError(
            f"image_shape must be three positive whole numbers (h, w, c); got {value!r}"
        )
    return h, w, c
