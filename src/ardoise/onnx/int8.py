"""Dense layers and convolutions in eight bits, drawn as runtimes look for them.

What a layer reads goes through QuantizeLinear and DequantizeLinear; its weights are
int8 numbers behind a DequantizeLinear, with a scale for each output channel, and its
bias is int32 behind another. By the letter of ONNX the products are those of numbers
with a point; runtimes that see the pattern compute them with whole numbers.

(onnxruntime sums pairs of them in 16 bits on x86 processors without VNNI instructions,
where they may not fit: there its session option ``session.x64quantprecision`` helps.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.drawing import Drawing, Place

LARGEST_SUM = 2**31 - 1
LARGEST_PRODUCT = 255 * 127  # of one summand: (q − zero) times a weight

Grid = tuple[float, int]  # (scale, zero): int8 numbers q stand for scale · (q − zero)


@dataclass(frozen=True)
class Int8Product:
    """What a `Dense` or `Conv2D` computes with, in eight bits.

    Attributes
    ----------
    W : int8 array, of the shape of the layer's W
    scale : float32 array (K,)
        The layer's W is ``scale * W``, one scale for each of its K outputs.
    input : (float, int)
        Scale and zero of what it reads: x = scale · (q − zero) with q an int8 number.
    output : (float, int) or None
        The same of what it gives, or of what the `ReLU` behind it makes of that; None
        if that is not rounded.
    """

    W: Array
    scale: Array
    input: Grid
    output: Grid | None = None


class Int8Drawing(Drawing):
    """A graph whose dense layers and convolutions are in eight bits.

    Parameters
    ----------
    products : sequence of Int8Product
        One for each of these layers, in the order in which they are drawn; in residual
        blocks ``layers`` come before ``shortcut``.

    Raises
    ------
    ValueError
        By `product` and `finish`, if they are not those of the layers.
    """

    def __init__(self, products: Sequence[Int8Product]) -> None:
        super().__init__(np.dtype(np.float32))
        self._products, self._drawn = products, 0
        self._due: Grid | None = None  # what the last product gave is not rounded yet
        self._rounded: dict[tuple[str, Grid], str] = {}  # for all that read it

    def product(
        self,
        x: Place,
        label: str,
        W: Array,
        b: Array | None,
        order: tuple[int, ...],
    ) -> list[str]:
        if self._drawn == len(self._products):
            raise ValueError(f"there are more layers than int8 products: {label}")
        int8 = self._products[self._drawn]
        self._drawn += 1
        if int8.W.shape != W.shape:
            raise ValueError(f"layer {label} has W {W.shape}; got int8 {int8.W.shape}")
        self._due = int8.output
        weights, axis = int8.W.transpose(order), order.index(W.ndim - 1)
        w = self._dequantized(f"{label}.W", weights, int8.scale, axis)
        steps = None if b is None else _steps(b, int8)
        if b is not None and steps is None:
            # x is not rounded: else onnxruntime 1.32 makes b int32, fit or not.
            return [x.name, w, self.constant(f"{label}.b", b)]
        inputs = [self._round(x.name, f"{label}.input", int8.input), w]
        if steps is not None:
            inputs.append(self._dequantized(f"{label}.b", *steps, 0))
        return inputs

    def rounded(self, x: Place, label: str, *, relu_follows: bool) -> Place:
        if self._due is None or relu_follows:
            return x
        grid, self._due = self._due, None
        return replace(x, name=self._round(x.name, f"{label}.output", grid))

    def finish(self) -> None:
        if self._drawn < len(self._products):
            n = len(self._products)
            raise ValueError(f"{n} int8 products for {self._drawn} layers")

    def _round(self, x: str, name: str, grid: Grid) -> str:
        """Return x as int8 numbers can say it."""
        if (x, grid) not in self._rounded:
            numbers = [
                self.tensor(f"{name}.scale", np.array(grid[0], np.float32)),
                self.tensor(f"{name}.zero", np.array(grid[1], np.int8)),
            ]
            q = self.add("QuantizeLinear", [x, *numbers], f"{name}.int8")
            self.add("DequantizeLinear", [q, *numbers], name)
            self._rounded[x, grid] = name
            self._rounded[name, grid] = name  # to round again changes nothing
        return self._rounded[x, grid]

    def _dequantized(self, name: str, q: Array, scale: Array, axis: int) -> str:
        """Return what constants q stand for.

        The zeros are said, though ONNX would do without: onnxruntime 1.32 computes
        dense layers with whole numbers only then.
        """
        inputs = [
            self.tensor(name, q),
            self.tensor(f"{name}.scale", scale),
            self.tensor(f"{name}.zero", np.zeros(scale.shape, q.dtype)),
        ]
        return self.add("DequantizeLinear", inputs, f"{name}.numbers", axis=axis)


def _steps(b: Array, int8: Int8Product) -> tuple[Array, Array] | None:
    """Return b as int32 in steps of the sums of products, and their size.

    None if it does not fit: where a channel's weights are as good as nothing.
    """
    scale = np.float32(int8.input[0]) * int8.scale
    with np.errstate(all="ignore"):
        q = np.rint(b.astype(np.float64) / scale)
    summands = int8.W.size // len(b)
    # Not so if the scale is 0, as far as float32 can tell.
    if not np.abs(q).max() <= LARGEST_SUM - summands * LARGEST_PRODUCT:
        return None
    return q.astype(np.int32), scale
