"""The steps of a plan in NumPy.

An export to NumPy is made of copies of these functions, so each stands on its own: it
uses NumPy and the functions of this module that it names, and nothing else. Here they
run a plan, to see which numbers go through it.

x is a batch of images (n, h, w, c) or of rows (n, k), float32; W, b and the like are a
step's weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ardoise.export.plan import Plan

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


def dense(x: Array, W: Array, b: Array) -> Array:
    """Return x W + b."""
    y: Array = x @ W + b
    return y


def conv(
    x: Array,
    W: Array,
    b: Array,
    *,
    shape: tuple[int, ...],
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Array:
    """Return, for each window of the image, the sum of W times what it sees, plus b."""
    seen = taps(x, 0.0, shape, output, kernel, stride, before, dilation)
    filters = W.shape[3] // groups
    y = np.zeros((len(x), *output, W.shape[3]), np.float32) + b
    for (row, column), pixels in seen.items():
        rows = pixels.reshape(-1, groups, W.shape[2]).swapaxes(0, 1)  # (G, N, C)
        w = W[row, column].reshape(-1, groups, filters).swapaxes(0, 1)  # (G, C, F)
        y += (rows @ w).swapaxes(0, 1).reshape(y.shape)
    return y


def max_pool(
    x: Array,
    *,
    shape: tuple[int, ...],
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
) -> Array:
    """Return the maximum of each window."""
    seen = taps(x, -np.inf, shape, output, kernel, stride, before, (1, 1))
    y: Array = np.maximum.reduce(list(seen.values()))
    return y


def average_pool(
    x: Array,
    *,
    shape: tuple[int, ...],
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
) -> Array:
    """Return the mean of each window, padding not counted."""
    total = taps(x, 0.0, shape, output, kernel, stride, before, (1, 1))
    ones = np.ones_like(x[:1])
    count = taps(ones, 0.0, shape, output, kernel, stride, before, (1, 1))
    y: Array = np.add.reduce(list(total.values())) / np.add.reduce(list(count.values()))
    return y


def taps(
    x: Array,
    padding: float,
    shape: tuple[int, ...],
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
    dilation: tuple[int, int],
) -> dict[tuple[int, int], Array]:
    """Return, for each place of a kernel, the pixels that it meets in all windows."""
    (h, w, c), (top, left) = shape, before
    last = [(output[i] - 1) * stride[i] for i in (0, 1)]
    reach = [last[i] + dilation[i] * (kernel[i] - 1) + 1 for i in (0, 1)]
    padded = np.full((len(x), *reach, c), padding, np.float32)
    inside = x[:, : reach[0] - top, : reach[1] - left]
    padded[:, top : top + h, left : left + w] = inside
    seen = {}
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            i, j = row * dilation[0], column * dilation[1]
            rows = slice(i, i + last[0] + 1, stride[0])
            columns = slice(j, j + last[1] + 1, stride[1])
            seen[row, column] = padded[:, rows, columns]
    return seen


def global_average(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Return the mean of each map."""
    y: Array = x.mean(axis=(1, 2))
    return y


def flatten(x: Array) -> Array:
    """Return the numbers of each image in one row."""
    return x.reshape(len(x), -1)


def add(x: Array, other: Array) -> Array:
    """Return x + other."""
    y: Array = x + other
    return y


def relu(x: Array) -> Array:
    """Return x where it is positive, else 0."""
    y: Array = np.maximum(x, 0)
    return y


def leaky_relu(x: Array, *, negative_slope: float) -> Array:
    """Return x where it is positive, else a part of it."""
    y: Array = np.maximum(x, x * negative_slope)
    return y


def elu(x: Array, *, alpha: float) -> Array:
    """Return x where it is positive, else alpha (e^x - 1)."""
    y: Array = np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))
    return y


def gelu(x: Array) -> Array:
    """Return x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))."""
    inner = 0.7978845608028654 * (x + 0.044715 * x * x * x)
    y: Array = 0.5 * x * (1 + np.tanh(inner))
    return y


def tanh(x: Array) -> Array:
    """Return tanh x."""
    y: Array = np.tanh(x)
    return y


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + e^-x), by a formula that cannot overflow."""
    y: Array = 0.5 + 0.5 * np.tanh(0.5 * x)
    return y


def softplus(x: Array) -> Array:
    """Return log(1 + e^x)."""
    y: Array = np.logaddexp(x, np.float32(0))
    return y


def affine(x: Array, factor: Array, shift: Array) -> Array:
    """Return x times factor plus shift, by channel."""
    y: Array = x * factor + shift
    return y


def layer_norm(x: Array, gamma: Array, beta: Array, *, epsilon: float) -> Array:
    """Return x with mean 0 and variance 1 over the last axis, times gamma plus beta."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    y: Array = centred / np.sqrt(variance + epsilon) * gamma + beta
    return y


def softmax(x: Array) -> Array:
    """Return e^x over its sum, by row."""
    p = np.exp(x - x.max(axis=1, keepdims=True))
    y: Array = p / p.sum(axis=1, keepdims=True)
    return y


# What each function needs besides itself.
NEEDS = {"conv": ("taps",), "max_pool": ("taps",), "average_pool": ("taps",)}


def run(plan: Plan, x: Array) -> list[Array]:
    """Return all arrays of a plan for a batch of images."""
    values: dict[int, Array] = {0: x}
    for step in plan.steps:
        function: Callable[..., Array] = globals()[step.kind]
        sources = [values[source] for source in step.sources]
        values[step.target] = function(
            *sources, *step.weights.values(), **step.settings
        )
    return [values[i] for i in range(len(plan.shapes))]
