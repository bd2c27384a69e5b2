"""Regression: a network that answers with a number, not with a class.

It learns a curve from noisy points. The last layer has one output, without a function
behind it, and the loss is the squared error.
"""

import argparse
import sys

import numpy as np

import ardoise

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=200)
parser.add_argument("--samples", type=int, default=600, help="training points")
parser.add_argument("--target", type=float, default=0.98, help="R² to reach")
options = parser.parse_args()


def curve(x):
    """Return the truth, which the network never sees without noise."""
    return np.sin(2 * x) * np.exp(-(x**2) / 8)


rng = np.random.default_rng(0)
x = rng.uniform(-3, 3, (options.samples, 1))  # (B, 1)
y = curve(x) + 0.1 * rng.standard_normal(x.shape)  # (B, 1)
x_test = np.linspace(-3, 3, 301)[:, None]
y_test = curve(x_test)

hidden = [ardoise.Dense(32), ardoise.Tanh(), ardoise.Dense(32), ardoise.Tanh()]
network = ardoise.Network([*hidden, ardoise.Dense(1)], input_shape=(1,), seed=0)
ardoise.fit(
    network,
    x,
    y,
    loss="squared_error",
    epochs=options.epochs,
    batch_size=32,
    learning_rate={"name": "cosine", "learning_rate": 0.01},
    seed=0,
)
found = network.predict_logits(x_test)  # (301, 1): the outputs as they are
for place, answer, truth in np.column_stack([x_test, found, y_test])[::60]:
    print(f"x {place:+.1f}: answer {answer:+.3f}, truth {truth:+.3f}")

# R²: 1 without error, 0 for answering the mean each time.
score = 1 - ((found - y_test) ** 2).mean() / y_test.var()
print(f"R² {score:.4f}")
if score < options.target:
    sys.exit(f"R², {score:.4f}, is below the target, {options.target}.")
