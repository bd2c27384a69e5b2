"""The smallest task that one layer cannot do: exclusive or.

No straight line parts (0, 1) and (1, 0) from (0, 0) and (1, 1). A hidden layer bends
the plane until one does.
"""

import argparse
import sys

import numpy as np

import ardoise

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=300)
parser.add_argument("--target", type=float, default=1.0, help="accuracy to reach")
options = parser.parse_args()

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
y = np.array([0, 1, 1, 0])


def train(layers):
    """Return a network of these layers, trained on the four points."""
    network = ardoise.Network(layers, input_shape=(2,), seed=0)
    ardoise.fit(
        network, x, y, epochs=options.epochs, batch_size=4, learning_rate=0.05, seed=0
    )
    return network


line = train([ardoise.Dense(2)])
print(f"without a hidden layer: {ardoise.evaluate(line, x, y).correct} of 4 right")

network = train([ardoise.Dense(8), ardoise.Tanh(), ardoise.Dense(2)])
for point, shares in zip(x, network.predict_proba(x), strict=True):
    print(f"{point[0]:.0f} xor {point[1]:.0f}: 1 with probability {shares[1]:.3f}")
accuracy = ardoise.evaluate(network, x, y).accuracy
print(f"with one: accuracy {accuracy:.2f}")
if accuracy < options.target:
    sys.exit(f"The accuracy, {accuracy:.2f}, is below the target, {options.target}.")
