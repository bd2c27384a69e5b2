"""PyTorch training a network: fused Adam, all images in one float32 tensor.

A `DataLoader` would only slow it down: batches are rows picked out of the tensor.
"""

import time

import torch
from torch import nn

from benchmarks.contestants import architecture
from benchmarks.contestants.busy import busy_processes
from benchmarks.contestants.data import accuracy, read_mnist, warm_up_size


def build(network: str, channels_last: bool = False) -> nn.Sequential:
    """Return the network of this name; it reads rows of 784 pixels."""
    modules: list[nn.Module] = []
    steps = architecture.parse(network)
    if len(steps[0].input_shape) == 3:
        modules.append(Images(channels_last))
    for step in steps:
        match step:
            case architecture.Convolution():
                channels = step.input_shape[2]
                modules += [
                    nn.Conv2d(channels, step.filters, step.size),
                    nn.ReLU(inplace=True),
                ]
            case architecture.Pool():
                modules.append(nn.MaxPool2d(step.size))
            case architecture.Dense():
                if len(step.input_shape) == 3:
                    modules.append(nn.Flatten())
                modules += [nn.Linear(*step.weight_shape), nn.ReLU(inplace=True)]
    model = nn.Sequential(*modules[:-1])
    return model.to(memory_format=torch.channels_last) if channels_last else model


class Images(nn.Module):
    """Rows (B, 784) seen as images (B, 1, 28, 28) in one of the two memory formats.

    The strides say which: with one channel, both have their pixels in the same place.
    """

    def __init__(self, channels_last: bool) -> None:
        super().__init__()
        self.channels_last = channels_last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the view."""
        height, width, channels = architecture.IMAGE
        if self.channels_last:
            return x.view(-1, height, width, channels).permute(0, 3, 1, 2)
        return x.view(-1, channels, height, width)


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
    network: str,
    batch: int,
    epochs: int,
    n_train: int,
    n_test: int,
    seed: int,
    channels_last: bool = False,
    busy: int = 0,
) -> dict[str, float]:
    """Train; the number of threads is what the environment says.

    ``busy`` other processes compute meanwhile.
    """
    (images, labels), (images_test, y_test) = read_mnist(n_train, n_test)
    x, y = torch.from_numpy(images).float().div_(255), torch.from_numpy(labels)
    x_test = torch.from_numpy(images_test).float().div_(255)
    torch.manual_seed(seed)
    few = warm_up_size(len(x), batch)
    train(build(network, channels_last), x[:few], y[:few], batch, 1)
    model = build(network, channels_last)
    with busy_processes(busy):
        started = time.perf_counter()
        train(model, x, y, batch, epochs)
        seconds = time.perf_counter() - started
    with torch.inference_mode():
        parts = [model(part).argmax(dim=1) for part in x_test.split(512)]
    return {
        "images_per_second": epochs * len(x) / seconds,
        "accuracy": accuracy(torch.cat(parts).numpy(), y_test),
    }
