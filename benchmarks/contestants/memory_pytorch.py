"""What a whole training run on MNIST with PyTorch takes in memory.

The thrifty form: images stay bytes in one tensor that shares NumPy's memory, and only
a batch at a time becomes float32, in training and in validation.
"""

import torch

from benchmarks.contestants.data import read_mnist
from benchmarks.contestants.memory import peak_bytes
from benchmarks.contestants.train_pytorch import build, train


def run(
    *,
    network: str,
    batch: int,
    n_train: int,
    n_test: int,
    seed: int,
    channels_last: bool = False,
) -> dict[str, float]:
    """Load MNIST, train for one epoch, validate, return the peak."""
    (images, labels), (images_test, labels_test) = read_mnist()
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    x_test, y_test = torch.from_numpy(images_test), torch.from_numpy(labels_test)
    torch.manual_seed(seed)
    model = build(network, channels_last)
    train(model, x[:n_train], y[:n_train], batch, 1)
    correct = 0
    with torch.inference_mode():
        for rows in torch.arange(n_test).split(batch):
            z = model(x_test[rows].float().div_(255))
            correct += int((z.argmax(dim=1) == y_test[rows]).sum())
    return {"peak_bytes": peak_bytes(), "accuracy": correct / n_test}
