"""What a whole training run on MNIST with Ardoise takes in memory."""

from ardoise import fit
from ardoise.digits.mnist import N_TRAIN, load_mnist
from benchmarks.contestants.architecture import input_shape
from benchmarks.contestants.memory import peak_bytes
from benchmarks.contestants.train_ardoise import build


def run(
    *, network: str, batch: int, n_train: int, n_test: int, seed: int
) -> dict[str, float]:
    """Load MNIST, train for one epoch with validation, return the peak."""
    data = load_mnist()
    x, y = data.images.reshape(len(data), *input_shape(network)), data.labels
    model = build(network, seed)
    test = slice(N_TRAIN, N_TRAIN + n_test)
    history = fit(
        model,
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
