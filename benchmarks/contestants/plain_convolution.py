"""A convolutional network in NumPy as a good NumPy programmer writes it: im2col.

Images are (B, h, w, channels), float32; a convolution copies its windows into the rows
of a matrix and is one product with the whole batch; no loop over images or pixels.
"""

from typing import Any, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.contestants import architecture

Array = NDArray[Any]


class Layer(Protocol):
    """What a layer does; those with ``parameters`` leave as many ``gradients``."""

    parameters: list[Array]
    gradients: list[Array]
    needs_dx: bool

    def forward(self, x: Array) -> Array:
        """Return y, keeping what `backward` needs."""

    def backward(self, dy: Array) -> Array:
        """Return ∂loss/∂x, or anything if nobody needs it; may overwrite dy."""


class Dense:
    """y = x W + b, for anything that can be seen as rows (B, n_in)."""

    def __init__(self, w: Array, b: Array) -> None:
        self.parameters = [w, b]
        self.gradients: list[Array] = []
        self.needs_dx = True

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        self.rows = x.reshape(len(x), -1)
        w, b = self.parameters
        y = self.rows @ w
        y += b
        return y

    def backward(self, dy: Array) -> Array:
        self.gradients = [self.rows.T @ dy, dy.sum(axis=0)]
        return (dy @ self.parameters[0].T).reshape(self.shape)


class Convolution:
    """Valid cross-correlation: the windows as rows, times W (k · k · c, filters)."""

    def __init__(self, w: Array, b: Array) -> None:
        self.size, _, self.channels, self.filters = w.shape
        self.parameters = [w.reshape(-1, self.filters), b]
        self.gradients: list[Array] = []
        self.needs_dx = True

    def forward(self, x: Array) -> Array:
        k, self.shape = self.size, x.shape
        windows = sliding_window_view(x, (k, k), axis=(1, 2))  # (B, h, w, c, k, k)
        # Channels last: what is copied then are runs of k · c neighbours.
        n, height, width = windows.shape[:3]
        self.columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(
            n * height * width, k * k * self.channels
        )
        w, b = self.parameters
        y = self.columns @ w
        y += b
        return y.reshape(n, height, width, self.filters)

    def backward(self, dy: Array) -> Array:
        n, height, width, _ = dy.shape
        rows = dy.reshape(-1, self.filters)
        self.gradients = [self.columns.T @ rows, rows.sum(axis=0)]
        if not self.needs_dx:
            return dy
        k = self.size
        d_columns = (rows @ self.parameters[0].T).reshape(
            n, height, width, k, k, self.channels
        )
        dx = np.zeros(self.shape, dy.dtype)
        for i in range(k):
            for j in range(k):
                dx[:, i : i + height, j : j + width] += d_columns[:, :, :, i, j]
        return dx


class ReLU:
    """y = max(x, 0)."""

    def __init__(self) -> None:
        self.parameters: list[Array] = []
        self.gradients: list[Array] = []

    def forward(self, x: Array) -> Array:
        self.y = np.maximum(x, 0)
        return self.y

    def backward(self, dy: Array) -> Array:
        dy *= self.y > 0
        return dy


class MaxPool:
    """The maximum of size × size pixels, through a reshape; the rest is dropped.

    Equal maxima all get the gradient: behind ReLU they are zeros, where it ends anyway.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.parameters: list[Array] = []
        self.gradients: list[Array] = []

    def forward(self, x: Array) -> Array:
        self.x = x
        self.blocks = self._blocks(x)
        self.y: Array = self.blocks.max(axis=(2, 4), keepdims=True)
        return self.y[:, :, 0, :, 0]

    def backward(self, dy: Array) -> Array:
        dx = np.zeros_like(self.x)
        won = self.blocks == self.y
        np.multiply(won, dy[:, :, None, :, None], out=self._blocks(dx))
        return dx

    def _blocks(self, x: Array) -> Array:
        """Return a view (B, h, size, w, size, c)."""
        n, height, width, channels = x.shape
        k, h, w = self.size, height // self.size, width // self.size
        return x[:, : h * k, : w * k].reshape(n, h, k, w, k, channels)


class Adam:
    """Adam on a list of arrays, in place."""

    def __init__(self, parameters: list[Array], learning_rate: float = 1e-3) -> None:
        self.parameters = parameters
        self.learning_rate = learning_rate
        self.m = [np.zeros_like(p) for p in parameters]
        self.v = [np.zeros_like(p) for p in parameters]
        self.t = 0

    def step(self, gradients: list[Array]) -> None:
        """Update every array."""
        self.t += 1
        c1, c2 = 1 - 0.9**self.t, 1 - 0.999**self.t
        for p, g, m, v in zip(self.parameters, gradients, self.m, self.v, strict=True):
            m *= 0.9
            m += 0.1 * g
            v *= 0.999
            v += 0.001 * g * g
            p -= self.learning_rate / c1 * m / (np.sqrt(v / c2) + 1e-8)


class PlainNetwork:
    """The layers of a network's name, with He's weights."""

    def __init__(self, network: str, seed: int) -> None:
        weights = iter(architecture.he_weights(network, seed))
        self.layers: list[Layer] = []
        for step in architecture.parse(network):
            match step:
                case architecture.Convolution():
                    w, b = next(weights)
                    self.layers += [Convolution(w, np.zeros_like(b)), ReLU()]
                case architecture.Pool():
                    self.layers.append(MaxPool(step.size))
                case architecture.Dense():
                    w, b = next(weights)
                    self.layers += [Dense(w, np.zeros_like(b)), ReLU()]
        self.layers.pop()
        self.layers[0].needs_dx = False
        self.parameters = [p for layer in self.layers for p in layer.parameters]

    def logits(self, x: Array) -> Array:
        """Return the outputs (B, 10) for images (B, 28, 28, 1)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def gradients(self, x: Array, y: Array) -> list[Array]:
        """Return ∂(mean cross-entropy)/∂p for all parameters p."""
        z = self.logits(x)
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        rows = np.arange(len(y))
        p[rows, y] -= 1
        d = p / len(y)
        for layer in reversed(self.layers):
            d = layer.backward(d)
        return [g for layer in self.layers for g in layer.gradients]
