"""Eight bits a number: a quarter of the size, for a little accuracy.

Weights are symmetric, with a scale for each output channel: W = scale · q with q from
−127 to 127. Exports to Python, JavaScript and HTML compute with those numbers in
floating point. The exports to C and ONNX compute with whole numbers: each dense layer
and convolution reads int8 numbers x = scale · (q − zero), whose range calibration
images tell, and sums products of int8 numbers in int32. What follows in the network is
int8 as well, while it is read by such layers, a maximum, or a ReLU, and float32
elsewhere.

References
----------
Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", 2018, sections 2.1 and 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ardoise.engine.arrays import Array, Shape, computing
from ardoise.engine.threads import blas_threads
from ardoise.export import with_numpy
from ardoise.export.errors import ExportError
from ardoise.export.plan import Plan, Step
from ardoise.onnx import Int8Product

MOST = 127
# Products are at most 255 · 127: so many fit into an int32.
MOST_SUMMANDS = (2**31 - 1) // (255 * MOST)
PRODUCTS = ("dense", "conv")
INT8_PRODUCTS = tuple(f"{kind}_int8" for kind in PRODUCTS)
KEEP_INT8 = ("relu", "max_pool", "flatten")  # that give int8 numbers for int8 numbers
CALIBRATED_AT_ONCE = 16


def with_int8_weights(plan: Plan) -> Plan:
    """Return the plan with the W of dense layers and convolutions as int8."""
    return replace(plan, steps=tuple(map(_quantized, plan.steps)))


def _quantized(step: Step) -> Step:
    if step.kind not in PRODUCTS:
        return step
    q, scale = quantize_weights(step.weights["W"])
    return replace(step, weights={"W": q, "b": step.weights["b"], "scale": scale})


def quantize_weights(W: Array) -> tuple[Array, Array]:
    """Return int8 numbers q and a scale for each of the last axis: W ≈ scale · q."""
    most = np.abs(W).reshape(-1, W.shape[-1]).max(axis=0)
    scale = (np.where(most > 0, most, 1) / MOST).astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.rint(W / scale)
    # A scale so small that it is 0 as float32 belongs to weights that are as good as 0.
    q = np.where(np.isfinite(q), q, 0).clip(-MOST, MOST)
    return q.astype(np.int8), scale


def dequantized(plan: Plan) -> Plan:
    """Return the plan with what its int8 weights stand for, as float32."""

    def plain(step: Step) -> Step:
        if "scale" not in step.weights:
            return step
        W = step.weights["W"].astype(np.float32) * step.weights["scale"]
        return replace(step, weights={"W": W, "b": step.weights["b"]})

    return replace(plan, steps=tuple(map(plain, plan.steps)))


class Range(NamedTuple):
    """How int8 numbers q stand for x: x = scale · (q − zero)."""

    scale: float
    zero: int


def as_range(low: float, high: float) -> Range:
    """Return how int8 numbers cover what lies between two numbers, and 0 exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255
    if not math.isfinite(scale) or scale < np.finfo(np.float32).tiny:
        scale = 1.0
    return Range(float(np.float32(scale)), round(-128 - low / scale))


def ranges(plan: Plan, images: Array) -> list[Range]:
    """Return a range for each array of a plan, as images (float32) show it.

    Raises
    ------
    ExportError
        If a number is not finite.
    """
    low = np.full(len(plan.shapes), np.inf)
    high = -low
    for start in range(0, len(images), CALIBRATED_AT_ONCE):
        with blas_threads(1), computing():
            values = with_numpy.run(plan, images[start : start + CALIBRATED_AT_ONCE])
        for i, value in enumerate(values):
            low[i] = min(low[i], value.min())
            high[i] = max(high[i], value.max())
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ExportError("export.not_finite")
    return [as_range(float(a), float(b)) for a, b in zip(low, high, strict=True)]


@dataclass(frozen=True)
class Int8Plan:
    """A plan in which some arrays hold int8 numbers.

    Attributes
    ----------
    plan : Plan
        Its steps ``dense_int8``, ``conv_int8``, ``quantize``, ``relu_int8`` and
        ``max_pool_int8`` read or give them.
    ranges : dict
        Array → its range, for those that hold int8 numbers.
    """

    plan: Plan
    ranges: dict[int, Range]


def lower(plan: Plan, found: Sequence[Range]) -> Int8Plan:
    """Return a plan with int8 weights as one that computes with whole numbers.

    Raises
    ------
    ExportError
        If a layer sums too many products for 32 bits.
    """
    return _Lowering(plan, found).do()


def products(int8: Int8Plan) -> list[Int8Product]:
    """Return what the dense layers and convolutions compute with, for ONNX.

    There whatever stands between two of them computes in floating point. It is the
    same: nothing but a flattening, a maximum or a ReLU may stand between int8 numbers
    here, and for these it is all one whether numbers are rounded before or after.
    """
    return [
        Int8Product(
            step.weights["W"],
            step.weights["scale"],
            int8.ranges[step.source],
            int8.ranges.get(step.target),
        )
        for step in int8.plan.steps
        if step.kind in INT8_PRODUCTS
    ]


class _Lowering:
    def __init__(self, plan: Plan, found: Sequence[Range]) -> None:
        self.plan, self.found = plan, found
        self.shapes: list[Shape] = list(plan.shapes)
        self.steps: list[Step] = []
        self.ranges: dict[int, Range] = {}
        self.as_int8: dict[int, int] = {}  # array → its int8 copy
        self.fused: set[int] = set()  # arrays that only the ReLU behind them reads

    def do(self) -> Int8Plan:
        for step in self.plan.steps:
            if step.source not in self.fused:  # else the ReLU is done
                self.lower(step)
        plan = replace(self.plan, shapes=tuple(self.shapes), steps=tuple(self.steps))
        return Int8Plan(plan, self.ranges)

    def wanted(self, value: int) -> bool:
        """Return whether only steps that take int8 numbers read an array."""
        readers = self.plan.readers(value)
        return bool(readers) and all(
            step.kind in PRODUCTS
            or (step.kind in KEEP_INT8 and self.wanted(step.target))
            for step in readers
        )

    def lower(self, step: Step) -> None:
        if step.kind in PRODUCTS:
            self.lower_product(step)
        elif step.source in self.ranges and step.kind in KEEP_INT8:
            self.ranges[step.target] = self.ranges[step.source]
            kind = step.kind if step.kind == "flatten" else f"{step.kind}_int8"
            self.steps.append(replace(step, kind=kind))
        else:
            self.steps.append(step)

    def lower_product(self, step: Step) -> None:
        W = step.weights["W"]
        if W.size // W.shape[-1] > MOST_SUMMANDS:
            raise ExportError("export.too_wide", most=MOST_SUMMANDS)
        source, target = self.int8_of(step.source), step.target
        if self.wanted(target):
            readers = self.plan.readers(target)
            if [reader.kind for reader in readers] == ["relu"]:
                # Numbers below 0 end at the range's zero: that is the ReLU.
                self.fused.add(target)
                target = readers[0].target
            self.ranges[target] = self.found[target]
        kind = f"{step.kind}_int8"
        self.steps.append(replace(step, kind=kind, source=source, target=target))

    def int8_of(self, value: int) -> int:
        """Return the array that holds the same as int8 numbers."""
        if value in self.ranges:
            return value
        if value not in self.as_int8:
            self.shapes.append(self.shapes[value])
            copy = len(self.shapes) - 1
            self.as_int8[value] = copy
            self.ranges[copy] = self.found[value]
            self.steps.append(Step("quantize", value, copy))
        return self.as_int8[value]
