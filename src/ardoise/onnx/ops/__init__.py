"""The operators of ONNX that Ardoise computes, on NumPy arrays."""

from ardoise.onnx.ops import (
    activations,
    elementwise,
    linear,
    quantizing,
    shaping,
    windows,
)
from ardoise.onnx.ops.registry import OPERATORS, compute

__all__ = [
    "OPERATORS",
    "activations",
    "compute",
    "elementwise",
    "linear",
    "quantizing",
    "shaping",
    "windows",
]
