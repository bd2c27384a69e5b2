"""Dense layers on MNIST: 28 × 28 pixels in, one of ten digits out.

The test images are looked at once, at the end: what is chosen by looking at them fits
them, and says little about images that nobody has seen.
"""

import argparse
import sys

import ardoise
from ardoise.digits import load_mnist, official_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--samples", type=int, default=60_000, help="training images")
parser.add_argument("--target", type=float, default=0.97, help="accuracy to reach")
options = parser.parse_args()

data, split = load_mnist(), official_split()
train = data.subset(split.train[: options.samples])
test = data.subset(split.test)

network = ardoise.Network(
    [
        ardoise.Flatten(),  # (28, 28, 1) → (784,)
        ardoise.Dense(128),
        ardoise.ReLU(),
        ardoise.Dropout(0.2),  # in training alone, a fifth of the numbers is left out
        ardoise.Dense(10),  # softmax is in the loss
    ],
    input_shape=(28, 28, 1),
    seed=0,
)
for name, shape, n_params in network.summary():
    print(f"{name:<20}{shape!s:<14}{n_params:>8,} parameters")

# Adam on batches of 128; the rate climbs, then falls to zero.
history = ardoise.fit(
    network,
    train.images,  # bytes: read as x / 255
    train.labels,
    epochs=options.epochs,
    batch_size=128,
    learning_rate={"name": "one_cycle", "learning_rate": 0.005},
    seed=0,
)
for epoch, (loss, share) in enumerate(
    zip(history["loss"], history["accuracy"], strict=True), start=1
):
    print(f"epoch {epoch}: loss {loss:.3f}, accuracy {share:.4f} in training")

accuracy = ardoise.evaluate(network, test.images, test.labels).accuracy
print(f"test accuracy {accuracy:.4f}")
if accuracy < options.target:
    sys.exit(f"The accuracy, {accuracy:.4f}, is below the target, {options.target}.")
