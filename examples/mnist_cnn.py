"""A convolutional network on MNIST: small kernels that slide over the image.

A kernel's weights serve at every place, so that a stroke is known wherever it lies:
fewer parameters than mnist_mlp.py, and fewer mistakes.
"""

import argparse
import sys

import ardoise
from ardoise.digits import load_mnist, official_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--samples", type=int, default=60_000, help="training images")
parser.add_argument("--target", type=float, default=0.985, help="accuracy to reach")
options = parser.parse_args()

data, split = load_mnist(), official_split()
train = data.subset(split.train[: options.samples])
test = data.subset(split.test)

network = ardoise.Network(
    [
        ardoise.Conv2D(16, 3),  # (28, 28, 1) → (26, 26, 16)
        ardoise.ReLU(),
        ardoise.MaxPool2D(2),  # → (13, 13, 16)
        ardoise.Conv2D(32, 3),  # → (11, 11, 32)
        ardoise.ReLU(),
        ardoise.MaxPool2D(2),  # → (5, 5, 32)
        ardoise.Flatten(),  # → (800,)
        ardoise.Dense(10),
    ],
    input_shape=(28, 28, 1),
    seed=0,
)
for name, shape, n_params in network.summary():
    print(f"{name:<20}{shape!s:<14}{n_params:>8,} parameters")

ardoise.fit(
    network,
    train.images,
    train.labels,
    epochs=options.epochs,
    learning_rate={"name": "one_cycle", "learning_rate": 0.01},
    seed=0,
)
found = network.predict(test.images)
wrong = (found != test.labels).nonzero()[0]
for index in wrong[:5]:
    print(f"test image {index}: a {test.labels[index]}, taken for a {found[index]}")

accuracy = 1 - len(wrong) / len(found)
print(f"test accuracy {accuracy:.4f}")
if accuracy < options.target:
    sys.exit(f"The accuracy, {accuracy:.4f}, is below the target, {options.target}.")
