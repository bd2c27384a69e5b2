"""PyTorch training a dense network: fused Adam, all images in one float32 tensor.

A `DataLoader` would only slow it down: batches are rows picked out of the tensor.
"""

import time
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from benchmarks.contestants.data import accuracy, read_mnist, warm_up_size


def build(layers: Sequence[int]) -> nn.Sequential:
    """Return a dense network with ReLU between its layers."""
    modules: list[nn.Module] = []
    for n_in, n_out in pairwise(layers):
        modules += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def train(
    model: nn.Sequential, x: torch.Tensor, y: torch.Tensor, batch: int, epochs: int
) -> None:
    """Make ``epochs`` passes; bytes are scaled batch by batch, floats taken as such."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch):
            images = x.index_select(0, rows)
            if images.dtype == torch.uint8:
                images = images.float().div_(255)
            loss = criterion(model(images), y.index_select(0, rows))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()


def run(
    *,
    layers: Sequence[int],
    batch: int,
    epochs: int,
    n_train: int,
    n_test: int,
    seed: int,
) -> dict[str, float]:
    """Train; the number of threads is what the environment says."""
    (images, labels), (images_test, y_test) = read_mnist(n_train, n_test)
    x, y = torch.from_numpy(images).float().div_(255), torch.from_numpy(labels)
    x_test = torch.from_numpy(images_test).float().div_(255)
    torch.manual_seed(seed)
    few = warm_up_size(len(x), batch)
    train(build(layers), x[:few], y[:few], batch, 1)
    model = build(layers)
    started = time.perf_counter()
    train(model, x, y, batch, epochs)
    seconds = time.perf_counter() - started
    with torch.no_grad():
        predicted = model(x_test).argmax(dim=1).numpy()
    return {
        "images_per_second": epochs * len(x) / seconds,
        "accuracy": accuracy(predicted, y_test),
    }
