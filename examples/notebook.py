"""The seed notebook's network, on its own: back-propagation in NumPy and nothing else.

This is the plain version to read beside the engine: whole float64 matrices, one method
a formula, X as (features, samples). A test shows that both find the same weights.
"""

from itertools import pairwise

import numpy as np


class MyNeuralNetwork:
    """Dense layers with ReLU between them and softmax at the end.

    ``layer_format`` is (inputs, neurons of each layer…, 1): the last 1, which stands
    for the answer, has no weights.
    """

    def __init__(self, layer_format, rng=None):
        rng = np.random.default_rng(rng)
        self.layer_format = layer_format
        self.accuracies = []  # in %, recorded at each hundredth of the training
        self.weights, self.biases = [], []
        for n_in, n_out in pairwise(layer_format[:-1]):
            self.weights.append(rng.random((n_out, n_in)) - 0.5)
            self.biases.append(rng.random((n_out, 1)) - 0.5)

    def train(self, X, Y, alpha, epochs):
        for i in range(epochs + 1):
            As, Zs = self.forward_prop(X)
            dWeights, dBiases = self.backward_prop(As, Zs, X, Y)
            self.update_params(dWeights, dBiases, alpha)
            if i % (epochs / 100) == 0:
                accuracy = self.accuracy(self.proba_to_predict(As[-1]), Y)
                self.accuracies.append(round(accuracy * 100, 2))
                if i % (epochs / 10) == 0:
                    print(f"Epoch #{i}. Accuracy : {self.accuracies[-1]}%.")
        print("----- Training Finished -----")

    def forward_prop(self, X):
        As, Zs, A = [], [], X
        for j, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            Z = W @ A + b
            A = self.softmax(Z) if j == len(self.weights) - 1 else self.ReLU(Z)
            Zs.append(Z)
            As.append(A)
        return As, Zs

    def backward_prop(self, As, Zs, X, Y):
        m = Y.size
        dWeights, dBiases = [], []
        dZ = As[-1] - self.encode(Y)  # of softmax and cross-entropy together
        for j in reversed(range(len(self.weights))):
            below = X if j == 0 else As[j - 1]
            dWeights.insert(0, dZ @ below.T / m)
            dBiases.insert(0, dZ.sum(axis=1, keepdims=True) / m)
            if j > 0:
                dZ = self.weights[j].T @ dZ * self.d_ReLU(Zs[j - 1])
        return dWeights, dBiases

    def update_params(self, dWeights, dBiases, alpha):
        for j in range(len(self.weights)):
            self.weights[j] = self.weights[j] - alpha * dWeights[j]
            self.biases[j] = self.biases[j] - alpha * dBiases[j]

    def predict(self, samples):
        return self.proba_to_predict(self.forward_prop(samples)[0][-1])

    def proba_to_predict(self, A):
        return np.argmax(A, axis=0)

    def accuracy(self, predictions, Y):
        return np.sum(predictions == Y) / Y.size

    def encode(self, Y):
        encoded = np.zeros((self.layer_format[-2], Y.size))
        encoded[Y, np.arange(Y.size)] = 1
        return encoded

    def ReLU(self, Z):
        return np.maximum(Z, 0)

    def d_ReLU(self, Z):
        return Z > 0

    def softmax(self, Z):
        A = np.exp(Z - Z.max(axis=0))  # the maximum keeps exp() from overflowing
        return A / A.sum(axis=0)


if __name__ == "__main__":
    from ardoise.digits import load_mnist, notebook_split

    data, split = load_mnist(), notebook_split()
    X = data.images.reshape(len(data), -1).T / 255
    model = MyNeuralNetwork([784, 16, 10, 1], rng=0)
    model.train(X[:, split.train], data.labels[split.train], alpha=0.1, epochs=700)
    found = model.accuracy(model.predict(X[:, split.test]), data.labels[split.test])
    print(f"Test Accuracy: {found * 100:.2f}%")
