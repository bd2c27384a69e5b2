"""A layer of your own, PReLU: y = x where x > 0, else a · x, and each a is learned.

He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, section 2.1. The contract
is the text of src/ardoise/engine/layers/base.py; tests/examples runs every check of it.
"""

import argparse
import sys

import numpy as np

import ardoise
from ardoise.digits import load_mnist
from ardoise.engine.initializers import Constant
from ardoise.engine.params import ParamSpec


class PReLU(ardoise.Layer):
    def __init__(self, slope=0.25):  # stores plain values: here, where a begins
        self.slope = float(slope)

    def infer(self, input_shape):  # what comes out, and what is learned
        if len(input_shape) != 1:
            raise ardoise.ShapeError(f"PReLU reads shape (n,); got {input_shape}")
        a = ParamSpec("a", input_shape, Constant(self.slope))
        return ardoise.LayerSpec(input_shape, (a,))

    def reserve(self, batch, *, training, in_place, rng):  # all memory, once
        self._y, self._below = self.empty(2, batch, *self.input_shape)

    def forward(self, x, *, training):
        y, below = self._y[: len(x)], self._below[: len(x)]  # (B, n)
        np.minimum(x, 0, out=below)
        np.multiply(below, 1 - self.a, out=y)
        return np.subtract(x, y, out=y)  # x − (1 − a) min(x, 0)

    def backward(self, dy, *, need_dx=True):
        below = self._below[: len(dy)]
        np.einsum("bn,bn->n", dy, below, out=self.da)  # assigned, never added to
        np.sign(below, out=below)  # −1 where x < 0, else 0
        np.multiply(below, 1 - self.a, out=below)
        np.add(below, 1, out=below)  # the slope: a where x < 0, else 1
        return np.multiply(dy, below, out=dy) if need_dx else None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--target", type=float, default=0.96)
    options = parser.parse_args()
    data, n = load_mnist(), options.samples  # the last 10,000 images are for the test
    layers = [ardoise.Flatten(), ardoise.Dense(64), PReLU(), ardoise.Dense(10)]
    network = ardoise.Network(layers, (28, 28, 1), seed=0)
    print(ardoise.check_gradients(network, data.images[:5], data.labels[:5]))
    ardoise.fit(network, data.images[:n], data.labels[:n], epochs=3, learning_rate=3e-3)
    test = ardoise.evaluate(network, data.images[60_000:], data.labels[60_000:])
    print(f"test accuracy {test.accuracy:.4f}")
    if test.accuracy < options.target:
        sys.exit(f"The accuracy is below the target, {options.target}.")
