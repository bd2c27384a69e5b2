"""The name of a network, such as "32c3-p2-64c3-p2-128-10", and what it says.

"32c3" is a convolution with 32 filters of 3×3 (valid padding, with bias), "p2" a
maximum over 2×2, "128" a dense layer; ReLU follows every convolution and every dense
layer but the last. A name that begins with a number, as "784-16-10", begins with the
inputs; the others read images of 28×28×1.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IMAGE = (28, 28, 1)

Shape = tuple[int, ...]
Weights = list[tuple[NDArray[np.float32], NDArray[np.float32]]]


@dataclass(frozen=True)
class Convolution:
    """Filters of size × size over an image (h, w, channels)."""

    input_shape: Shape
    filters: int
    size: int

    @property
    def output_shape(self) -> Shape:
        """(h − size + 1, w − size + 1, filters)."""
        height, width, _ = self.input_shape
        return (height - self.size + 1, width - self.size + 1, self.filters)

    @property
    def weight_shape(self) -> Shape:
        """(size, size, channels, filters)."""
        return (self.size, self.size, self.input_shape[2], self.filters)

    @property
    def multiply_adds(self) -> int:
        """Of one image, forward."""
        return math.prod(self.output_shape[:2]) * math.prod(self.weight_shape)


@dataclass(frozen=True)
class Pool:
    """The maximum of size × size pixels; what is left over at the edge is dropped."""

    input_shape: Shape
    size: int

    @property
    def output_shape(self) -> Shape:
        """(h // size, w // size, channels)."""
        height, width, channels = self.input_shape
        return (height // self.size, width // self.size, channels)


@dataclass(frozen=True)
class Dense:
    """A matrix product; images are flattened for it, (h, w, channels) row by row."""

    input_shape: Shape
    n_out: int

    @property
    def output_shape(self) -> Shape:
        """(n_out,)."""
        return (self.n_out,)

    @property
    def weight_shape(self) -> Shape:
        """(n_in, n_out)."""
        return (math.prod(self.input_shape), self.n_out)

    @property
    def multiply_adds(self) -> int:
        """Of one sample, forward."""
        return math.prod(self.weight_shape)


Step = Convolution | Pool | Dense


def parse(network: str) -> list[Step]:
    """Return the steps that a network's name describes, ReLU left out.

    Raises
    ------
    ValueError
        If a part of the name is none of "32c3", "p2" and "128".
    """
    words = network.split("-")
    shape: Shape = IMAGE
    if words[0].isdecimal():
        shape = (int(words.pop(0)),)
    steps: list[Step] = []
    for word in words:
        filters, c, size = word.partition("c")
        if word.isdecimal():
            step: Step = Dense(shape, int(word))
        elif c and filters.isdecimal() and size.isdecimal():
            step = Convolution(shape, int(filters), int(size))
        elif word[0] == "p" and word[1:].isdecimal():
            step = Pool(shape, int(word[1:]))
        else:
            raise ValueError(f"a part of a network must be 32c3, p2 or 128; got {word}")
        steps.append(step)
        shape = step.output_shape
    return steps


def input_shape(network: str) -> Shape:
    """Return the shape of one sample: (28, 28, 1) or (n,)."""
    return parse(network)[0].input_shape


def training_flops(network: str) -> int:
    """Return the multiplications and additions of one sample's share of a step.

    Forward, ∂loss/∂W and, but for the first layer, ∂loss/∂x: as many each.
    """
    first, *others = (
        step.multiply_adds for step in parse(network) if not isinstance(step, Pool)
    )
    return 2 * (2 * first + 3 * sum(others))


def widest(network: str) -> int:
    """Return how many numbers the largest output of a layer has, for one sample."""
    return max(math.prod(step.output_shape) for step in parse(network))


def he_weights(network: str, seed: int) -> Weights:
    """Return (W, b) of each convolution and dense layer, in order.

    W has the layer's ``weight_shape`` and the variance 2 / n_in; b is small and random,
    so that a bias that somebody forgets shows.
    """
    rng = np.random.default_rng(seed)

    def normal(shape: Shape, deviation: float) -> NDArray[np.float32]:
        return rng.standard_normal(shape, np.float32) * np.float32(deviation)

    result: Weights = []
    for step in parse(network):
        if not isinstance(step, Pool):
            shape = step.weight_shape
            deviation = math.sqrt(2 / math.prod(shape[:-1]))
            result.append((normal(shape, deviation), normal(shape[-1:], 0.1)))
    return result


def he_weights_channels_first(network: str, seed: int) -> Weights:
    """Return the same network for a library whose images are (channels, h, w).

    Convolutions' W are (filters, channels, size, size), those of dense layers
    (n_out, n_in); the first of them reads (channels, h, w) row by row.
    """
    steps = [step for step in parse(network) if not isinstance(step, Pool)]
    result: Weights = []
    for step, (w, b) in zip(steps, he_weights(network, seed), strict=True):
        if isinstance(step, Convolution):
            w = w.transpose(3, 2, 0, 1)
        elif len(step.input_shape) == 3:
            images = w.reshape(*step.input_shape, step.n_out)
            w = images.transpose(3, 2, 0, 1).reshape(step.n_out, -1)
        else:
            w = w.T
        result.append((np.ascontiguousarray(w), b))
    return result
