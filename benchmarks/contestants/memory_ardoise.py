"""What a whole training run on MNIST with Ardoise takes in memory."""

from collections.abc import Sequence

from ardoise import fit
from ardoise.digits.mnist import N_TRAIN, load_mnist
from benchmarks.contestants.memory import peak_bytes
from benchmarks.contestants.train_ardoise import build


def run(
    *, layers: Sequence[int], batch: int, n_train: int, n_test: int, seed: int
) -> dict[str, float]:
    """Load MNIST, train for one epoch with validation, return the peak."""
    data = load_mnist()
    x, y = data.images.reshape(len(data), -1), data.labels
    network = build(layers, seed)
    test = slice(N_TRAIN, N_TRAIN + n_test)
    history = fit(
        network,
        x[:n_train],
        y[:n_train],
        epochs=1,
        batch_size=batch,
        validation_data=(x[test], y[test]),
        seed=seed,
    )
    return {
        "peak_bytes": peak_bytes(),
        "accuracy": history["validation_accuracy"][-1],
    }
