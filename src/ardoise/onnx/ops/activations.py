"""The functions between the layers of networks, number by number.

References
----------
ONNX operator specification (onnx.ai/onnx/operators), opsets 6 to 28.
"""

from __future__ import annotations

import math

import numpy as np

from ardoise.engine.arrays import Array
from ardoise.onnx.ops.elementwise import like
from ardoise.onnx.ops.erf import erf
from ardoise.onnx.ops.registry import Call, operator


@operator("Relu", 1)
def relu(call: Call, x: Array) -> Array:
    """y = max(x, 0)."""
    return np.maximum(x, like(0, x))


@operator("LeakyRelu", 1, alpha=0.01)
def leaky_relu(call: Call, x: Array) -> Array:
    """y = x where x ≥ 0, else alpha x."""
    return np.where(x < 0, x * like(call["alpha"], x), x)


@operator("PRelu", 2)
def p_relu(call: Call, x: Array, slope: Array) -> Array:
    """y = x where x ≥ 0, else slope x; before opset 7 one slope a channel."""
    if call.opset < 7 and slope.ndim == 1 and len(slope) > 1:
        slope = slope.reshape(-1, *[1] * (x.ndim - 2))
    return np.where(x < 0, x * slope, x)


@operator("Elu", 1, alpha=1.0)
def elu(call: Call, x: Array) -> Array:
    """y = x where x ≥ 0, else alpha (eˣ − 1)."""
    return np.where(x < 0, like(call["alpha"], x) * np.expm1(x), x)


@operator("Selu", 1, alpha=1.67326319217681884765625, gamma=1.05070102214813232421875)
def selu(call: Call, x: Array) -> Array:
    """y = gamma x where x > 0, else gamma alpha (eˣ − 1)."""
    alpha, gamma = (like(call[name], x) for name in ("alpha", "gamma"))
    y: Array = np.where(x > 0, x, alpha * np.expm1(x)) * gamma
    return y


@operator("Celu", 1, alpha=1.0)
def celu(call: Call, x: Array) -> Array:
    """y = max(x, 0) + min(0, alpha (e^(x / alpha) − 1))."""
    alpha = like(call["alpha"], x)
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


@operator("ThresholdedRelu", 1, alpha=1.0)
def thresholded_relu(call: Call, x: Array) -> Array:
    """y = x where x > alpha, else 0."""
    return np.where(x > like(call["alpha"], x), x, like(0, x))


@operator("Gelu", 1, approximate="none")
def gelu(call: Call, x: Array) -> Array:
    """y = x Φ(x), by erf; or x/2 (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    if call["approximate"] not in ("none", "tanh"):
        raise call.refusal("approximate")
    if call["approximate"] == "tanh":
        inner = x * (1 + like(0.044715, x) * x * x) * like(math.sqrt(2 / math.pi), x)
        share = 1 + np.tanh(inner)
    else:
        share = 1 + erf(x * like(math.sqrt(0.5), x))
    y: Array = x * like(0.5, x) * share
    return y


@operator("Erf", 1)
def error_function(call: Call, x: Array) -> Array:
    """y = erf x."""
    return erf(x)


@operator("Sigmoid", 1)
def sigmoid(call: Call, x: Array) -> Array:
    """y = 1 / (1 + e⁻ˣ), computed as (1 + tanh(x / 2)) / 2, which cannot overflow."""
    wide = x.astype(np.result_type(x.dtype, np.float32), copy=False)
    half = like(0.5, wide)
    y: Array = np.tanh(wide * half) * half + half
    return y.astype(x.dtype, copy=False)


@operator("HardSigmoid", 1, alpha=0.2, beta=0.5)
def hard_sigmoid(call: Call, x: Array) -> Array:
    """y = max(0, min(1, alpha x + beta))."""
    y: Array = x * like(call["alpha"], x) + like(call["beta"], x)
    return np.clip(y, like(0, x), like(1, x))


@operator("HardSwish", 1)
def hard_swish(call: Call, x: Array) -> Array:
    """y = x max(0, min(1, x / 6 + 1/2))."""
    y: Array = x * np.clip(x * like(1 / 6, x) + like(0.5, x), like(0, x), like(1, x))
    return y


@operator("Swish", 1, alpha=1.0)
def swish(call: Call, x: Array) -> Array:
    """y = x sigmoid(alpha x)."""
    y: Array = x * sigmoid(call, x * like(call["alpha"], x))
    return y


@operator("Softplus", 1)
def softplus(call: Call, x: Array) -> Array:
    """y = log(1 + eˣ)."""
    y: Array = np.logaddexp(x, like(0, x))
    return y


@operator("Mish", 1)
def mish(call: Call, x: Array) -> Array:
    """y = x tanh(softplus(x))."""
    y: Array = x * np.tanh(softplus(call, x))
    return y


@operator("Softsign", 1)
def softsign(call: Call, x: Array) -> Array:
    """y = x / (1 + |x|)."""
    y: Array = x / (1 + np.abs(x))
    return y
