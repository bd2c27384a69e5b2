"""The windows that a kernel sees as it moves over an image.

One class holds the arithmetic that convolutions and poolings share: how large the
output is, how much padding stands on which side, and which pixels meet which tap (one
place of the kernel).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ardoise.engine.arrays import Shape
from ardoise.engine.errors import ShapeError

Pair = tuple[int, int]


class Tap(NamedTuple):
    """One place of the kernel, and the pixels that it meets inside the image.

    Attributes
    ----------
    row, column : int
        Its place in the kernel.
    inputs, outputs : pair of slice
        Rows and columns of x, and those of y that meet them at this place.
    """

    row: int
    column: int
    inputs: tuple[slice, slice]
    outputs: tuple[slice, slice]


class Windows:
    """Windows of a kernel over images of one shape.

    Parameters
    ----------
    image : (h, w, c)
    kernel, stride, dilation : (vertical, horizontal)
    padding : "valid", "same" or (vertical, horizontal)

    Attributes
    ----------
    image, kernel, stride, dilation
        As given.
    before, after : (vertical, horizontal)
        Rows and columns of padding above and left, below and right.
    output : (vertical, horizontal)
        How many windows there are.

    Raises
    ------
    ShapeError
        If the kernel is larger than the image with its padding.
    """

    def __init__(
        self,
        image: Shape,
        kernel: Pair,
        stride: Pair,
        padding: str | Pair,
        dilation: Pair = (1, 1),
    ) -> None:
        self.image, self.kernel, self.stride = image, kernel, stride
        self.dilation = dilation
        before, after, output = [], [], []
        for axis in (0, 1):
            size, step = image[axis], stride[axis]
            reach = dilation[axis] * (kernel[axis] - 1) + 1
            if padding == "same":
                total = max((-(-size // step) - 1) * step + reach - size, 0)
                before.append(total // 2)  # what is odd goes below and right
                after.append(total - total // 2)
            else:
                given = 0 if isinstance(padding, str) else padding[axis]
                before.append(given)
                after.append(given)
            padded = size + before[axis] + after[axis]
            if reach > padded:
                raise ShapeError(self._too_large(image, before, after))
            output.append((padded - reach) // step + 1)
        self.before: Pair = (before[0], before[1])
        self.after: Pair = (after[0], after[1])
        self.output: Pair = (output[0], output[1])

    def _too_large(self, image: Shape, before: list[int], after: list[int]) -> str:
        spread = "" if self.dilation == (1, 1) else f" with dilation {self.dilation}"
        border = "" if not any(before + after) else " with its padding"
        return (
            f"the kernel {self.kernel}{spread} is larger than the image "
            f"{tuple(image)}{border}"
        )

    @property
    def is_padded(self) -> bool:
        """Whether there is any padding."""
        return any(self.before + self.after)

    def reach(self, axis: int) -> int:
        """Return how many rows (axis 0) or columns of the image the windows reach."""
        last = (self.output[axis] - 1) * self.stride[axis] - self.before[axis]
        last += self.dilation[axis] * (self.kernel[axis] - 1)
        return min(self.image[axis], last + 1)

    def taps(self) -> list[Tap]:
        """Return the taps, row by row, without those that meet padding alone."""
        found = []
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                vertical = self._meet(0, row)
                horizontal = self._meet(1, column)
                if vertical is not None and horizontal is not None:
                    inputs = vertical[0], horizontal[0]
                    outputs = vertical[1], horizontal[1]
                    found.append(Tap(row, column, inputs, outputs))
        return found

    def _meet(self, axis: int, place: int) -> tuple[slice, slice] | None:
        """Return the pixels and the outputs that meet at one place along one axis."""
        step, size = self.stride[axis], self.image[axis]
        # Output o meets pixel o · step + shift, which must lie in the image.
        shift = place * self.dilation[axis] - self.before[axis]
        first = max(0, -(shift // step))  # ⌈−shift / step⌉
        last = min(self.output[axis] - 1, (size - 1 - shift) // step)
        if first > last:
            return None
        start = first * step + shift
        return slice(start, last * step + shift + 1, step), slice(first, last + 1)


def image_shape(name: str, shape: Shape) -> Shape:
    """Return the shape of an image, or refuse what is none.

    Raises
    ------
    ShapeError
        If it has not three axes.
    """
    if len(shape) != 3:
        raise ShapeError(
            f"{name} reads images, shape (h, w, c); got {tuple(shape)}: a grey image "
            "has the shape (h, w, 1)"
        )
    return tuple(shape)


def as_pair(name: str, value: Any, least: int = 1) -> Pair:
    """Return a whole number, or two of them, as (vertical, horizontal).

    Raises
    ------
    ValueError
        If it is anything else, or below ``least``.
    """
    pair = value if isinstance(value, Sequence) else (value, value)
    whole = [
        int(v)
        for v in pair
        if not isinstance(v, bool | str) and hasattr(v, "__index__") and v >= least
    ]
    if len(pair) != 2 or len(whole) != 2:
        raise ValueError(
            f"{name} must be a whole number of at least {least}, or two of them "
            f"(vertical, horizontal); got {value!r}"
        )
    return whole[0], whole[1]


def as_padding(value: Any) -> str | Pair:
    """Return "valid", "same" or (vertical, horizontal).

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if isinstance(value, str):
        if value not in ("valid", "same"):
            raise ValueError(
                'padding must be "valid", "same", a whole number or two of them '
                f"(vertical, horizontal); got {value!r}"
            )
        return value
    return as_pair("padding", value, least=0)
