"""The steps of a plan in Python alone.

An export that needs the standard library only is made of copies of these functions, so
each stands on its own: it uses ``math`` and nothing else.

x is one image, a list of numbers in the order (h, w, c), row by row; W is a list of
rows, each with a weight for every output; b and the like are lists. Inputs that are 0
(most of a drawing, and what a ReLU cuts off) cost nothing.
"""

from __future__ import annotations

import math

Numbers = list[float]


def dense(x: Numbers, W: list[Numbers], b: Numbers) -> Numbers:
    """Return x W + b."""
    y = list(b)
    for value, row in zip(x, W, strict=True):
        if value:
            y = [total + value * weight for total, weight in zip(y, row, strict=True)]
    return y


def conv(
    x: Numbers,
    W: list[Numbers],
    b: Numbers,
    *,
    shape: tuple[int, int, int],
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Numbers:
    """Return, for each window of the image, the sum of W times what it sees, plus b."""
    h, w, c = shape
    channels, filters = c // groups, len(b) // groups
    y = []
    for i in range(output[0]):
        for j in range(output[1]):
            sums = [b[g * filters : (g + 1) * filters] for g in range(groups)]
            for row in range(kernel[0]):
                up = i * stride[0] - before[0] + row * dilation[0]
                if not 0 <= up < h:
                    continue
                for column in range(kernel[1]):
                    across = j * stride[1] - before[1] + column * dilation[1]
                    if not 0 <= across < w:
                        continue
                    pixel = (up * w + across) * c
                    first = (row * kernel[1] + column) * channels
                    for k in range(c):
                        value = x[pixel + k]
                        if not value:
                            continue
                        g = k // channels
                        weights = W[first + k % channels]
                        if groups > 1:
                            weights = weights[g * filters : (g + 1) * filters]
                        sums[g] = [
                            total + value * weight
                            for total, weight in zip(sums[g], weights, strict=True)
                        ]
            for part in sums:
                y += part
    return y


def windows(
    x: Numbers,
    shape: tuple[int, int, int],
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
) -> list[list[Numbers]]:
    """Return, for each window, its pixels: lists with a number for each channel."""
    h, w, c = shape
    found = []
    for i in range(output[0]):
        for j in range(output[1]):
            up, across = i * stride[0] - before[0], j * stride[1] - before[1]
            found.append(
                [
                    x[(row * w + column) * c : (row * w + column + 1) * c]
                    for row in range(max(up, 0), min(up + kernel[0], h))
                    for column in range(max(across, 0), min(across + kernel[1], w))
                ]
            )
    return found


def max_pool(
    x: Numbers,
    *,
    shape: tuple[int, int, int],
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
) -> Numbers:
    """Return the maximum of each window."""
    y: Numbers = []
    for pixels in windows(x, shape, output, kernel, stride, before):
        y += map(max, zip(*pixels, strict=True))
    return y


def average_pool(
    x: Numbers,
    *,
    shape: tuple[int, int, int],
    output: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    before: tuple[int, int],
) -> Numbers:
    """Return the mean of each window, padding not counted."""
    y: Numbers = []
    for pixels in windows(x, shape, output, kernel, stride, before):
        y += [sum(channel) / len(pixels) for channel in zip(*pixels, strict=True)]
    return y


def global_average(x: Numbers, *, shape: tuple[int, int, int]) -> Numbers:
    """Return the mean of each map."""
    h, w, c = shape
    return [sum(x[channel::c]) / (h * w) for channel in range(c)]


def flatten(x: Numbers) -> Numbers:
    """Return the numbers of the image in one row, as they are already."""
    return x


def add(x: Numbers, other: Numbers) -> Numbers:
    """Return x + other."""
    return [a + b for a, b in zip(x, other, strict=True)]


def relu(x: Numbers) -> Numbers:
    """Return x where it is positive, else 0."""
    return [v if v > 0 else 0.0 for v in x]


def leaky_relu(x: Numbers, *, negative_slope: float) -> Numbers:
    """Return x where it is positive, else a part of it."""
    return [v if v > 0 else negative_slope * v for v in x]


def elu(x: Numbers, *, alpha: float) -> Numbers:
    """Return x where it is positive, else alpha (e^x - 1)."""
    return [v if v > 0 else alpha * math.expm1(v) for v in x]


def gelu(x: Numbers) -> Numbers:
    """Return x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))."""
    return [
        0.5 * v * (1 + math.tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)))
        for v in x
    ]


def tanh(x: Numbers) -> Numbers:
    """Return tanh x."""
    return [math.tanh(v) for v in x]


def sigmoid(x: Numbers) -> Numbers:
    """Return 1 / (1 + e^-x), by a formula that cannot overflow."""
    return [0.5 + 0.5 * math.tanh(0.5 * v) for v in x]


def softplus(x: Numbers) -> Numbers:
    """Return log(1 + e^x), by a formula that cannot overflow."""
    return [max(v, 0.0) + math.log1p(math.exp(-abs(v))) for v in x]


def affine(x: Numbers, factor: Numbers, shift: Numbers) -> Numbers:
    """Return x times factor plus shift, by channel."""
    c = len(factor)
    return [v * factor[i % c] + shift[i % c] for i, v in enumerate(x)]


def layer_norm(x: Numbers, gamma: Numbers, beta: Numbers, *, epsilon: float) -> Numbers:
    """Return x with mean 0 and variance 1 by pixel, times gamma plus beta."""
    c = len(gamma)
    y = []
    for i in range(0, len(x), c):
        pixel = x[i : i + c]
        mean = sum(pixel) / c
        variance = sum((v - mean) ** 2 for v in pixel) / c
        factor = 1 / math.sqrt(variance + epsilon)
        y += [
            (v - mean) * factor * g + b
            for v, g, b in zip(pixel, gamma, beta, strict=True)
        ]
    return y


def softmax(x: Numbers) -> Numbers:
    """Return e^x over its sum."""
    top = max(x)
    p = [math.exp(v - top) for v in x]
    total = sum(p)
    return [v / total for v in p]


# What each function needs besides itself.
NEEDS = {"max_pool": ("windows",), "average_pool": ("windows",)}
