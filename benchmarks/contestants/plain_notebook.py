"""The plain network that Ardoise grew from: whole matrices, float64, NumPy.

It computes what its author's notebook computes, product by product and array by array,
as anybody would write it down from the formulas. Samples are columns. ``layer_format``
ends with a number that nothing reads, as in the notebook: ``[784, 16, 10, 1]``.
"""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Labels = NDArray[np.integer]


class MyNeuralNetwork:
    """A dense network: ReLU between its layers, softmax at the end.

    Parameters
    ----------
    layer_format : list of int
        Inputs, units of each layer, and a last number without meaning.
    rng : numpy.random.Generator
        Draws weights and biases, uniform on [−0.5, 0.5).
    """

    def __init__(self, layer_format: list[int], rng: np.random.Generator) -> None:
        pairs = list(zip(layer_format[1:-1], layer_format[:-2], strict=True))
        self.weights: list[Matrix] = [rng.random((m, n)) - 0.5 for m, n in pairs]
        self.biases: list[Matrix] = [rng.random((m, 1)) - 0.5 for m, _ in pairs]
        self.accuracies: list[float] = []

    def train(
        self, x: Matrix, y: Labels, alpha: float, updates: int, record_every: int
    ) -> None:
        """Make so many updates on all samples, noting the accuracy now and then."""
        for i in range(updates):
            outputs, sums = self.forward_prop(x)
            d_weights, d_biases = self.backward_prop(outputs, sums, x, y)
            for j in range(len(self.weights)):
                self.weights[j] = self.weights[j] - alpha * d_weights[j]
                self.biases[j] = self.biases[j] - alpha * d_biases[j]
            if i % record_every == 0:
                self.accuracies.append(np.sum(np.argmax(outputs[-1], 0) == y) / y.size)

    def forward_prop(self, x: Matrix) -> tuple[list[Matrix], list[Matrix]]:
        """Return each layer's output, after and before its activation."""
        outputs: list[Matrix] = []
        sums: list[Matrix] = []
        for j in range(len(self.weights)):
            below = x if j == 0 else outputs[-1]
            z = np.dot(self.weights[j], below) + self.biases[j]
            last = j == len(self.weights) - 1
            sums.append(z)
            outputs.append(softmax(z) if last else np.maximum(z, 0))
        return outputs, sums

    def backward_prop(
        self, outputs: list[Matrix], sums: list[Matrix], x: Matrix, y: Labels
    ) -> tuple[list[Matrix], list[Matrix]]:
        """Return the gradients of all weights and all biases."""
        m = y.size
        d_weights: list[Matrix] = []
        d_biases: list[Matrix] = []
        dz = outputs[-1] - one_hot(y)
        for j in range(len(self.weights) - 1, -1, -1):
            below = x if j == 0 else outputs[j - 1]
            d_weights.insert(0, 1 / m * dz.dot(below.T))
            d_biases.insert(0, 1 / m * np.sum(dz, 1).reshape(-1, 1))
            if j > 0:
                dz = self.weights[j].T.dot(dz) * (sums[j - 1] > 0)
        return d_weights, d_biases

    def predict(self, x: Matrix) -> Labels:
        """Return the class of each sample."""
        classes: Labels = np.argmax(self.forward_prop(x)[0][-1], 0)
        return classes


def softmax(z: Matrix) -> Matrix:
    """Return probabilities, column by column."""
    z = z - z.max(axis=0)
    a: Matrix = np.exp(z) / np.sum(np.exp(z), axis=0)
    return a


def one_hot(y: Labels) -> Matrix:
    """Return (classes, n): 1 at each sample's class, 0 elsewhere."""
    encoded = np.zeros((y.size, y.max() + 1))
    encoded[np.arange(y.size), y] = 1
    return encoded.T
