"""The arithmetic of the C exports in whole numbers, once more, in NumPy."""

import numpy as np

from ardoise.engine.losses import sigmoid, softmax
from ardoise.export import with_numpy


def simulate(lowered, x):
    """Return probabilities for images (n, …) of float32."""
    plan, ranges = lowered.plan, lowered.ranges
    values = {0: x}
    for step in plan.steps:
        source, made = values[step.source], ranges.get(step.target)
        if step.kind == "quantize":
            y = to_int8(source, made)
        elif step.kind in ("dense_int8", "conv_int8"):
            y = product(step, source, ranges[step.source])
            y = y if made is None else to_int8(y, made)
        elif step.kind == "relu_int8":
            y = np.maximum(source, made.zero)
        elif step.kind == "max_pool_int8":
            y = with_numpy.max_pool(source.astype(np.float32), **step.settings)
        else:
            function = getattr(with_numpy, step.kind)
            sources = [values[i] for i in step.sources]
            y = function(*sources, *step.weights.values(), **step.settings)
        values[step.target] = y
    z = values[plan.result]
    return softmax(z) if plan.output == "softmax" else sigmoid(z)


def to_int8(x, kept):
    q = np.floor(x / np.float32(kept.scale) + np.float32(0.5)) + kept.zero
    return q.clip(-128, 127)


def product(step, q, kept):
    """Return scale times sums of products, which float32 holds exactly, plus b."""
    function = getattr(with_numpy, step.kind.removesuffix("_int8"))
    W, b, scale = (step.weights[name] for name in ("W", "b", "scale"))
    x = (q - kept.zero).astype(np.float32)
    sums = function(x, W.astype(np.float32), np.zeros_like(b), **step.settings)
    return sums * (np.float32(kept.scale) * scale) + b
