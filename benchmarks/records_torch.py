"""A recipe in PyTorch, as a whole process: read MNIST, train, read the test images.

Written from the recipe's own layers, so that it is the same network, trained by the
same rule: optimiser, rate of each step, smoothed labels, averaged weights. PyTorch gets
what makes it fast on a processor: all images in one tensor, fused optimisers, channels
last. It starts from its own random numbers, and Ardoise is not imported.

Usage: ``python -m benchmarks.records_torch SETTINGS``; `benchmarks.records.race` writes
the settings, JSON. Prints one line of JSON.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from benchmarks.contestants.data import read_mnist

ACTIVATIONS = {
    "ReLU": lambda: nn.ReLU(inplace=True),
    "GELU": nn.GELU,
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "Softplus": nn.Softplus,
}


class UnsupportedError(ValueError):
    """A recipe asks for what has no counterpart here."""


class Residual(nn.Module):
    """Layers beside a shortcut, added."""

    def __init__(self, layers: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        return self.layers(x) + self.shortcut(x)


def build(layers: Iterable[Mapping[str, Any]]) -> nn.Sequential:
    """Return the network, with its first weights; it reads (B, 1, 28, 28)."""
    model = _chain(layers, flat=False)
    with torch.no_grad():
        model(torch.zeros(2, 1, 28, 28))  # every layer learns what it reads
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.reset_running_stats()
    return model.to(memory_format=torch.channels_last)


def _chain(layers: Iterable[Mapping[str, Any]], flat: bool) -> nn.Sequential:
    modules: list[nn.Module] = []
    for layer in layers:
        modules.append(_module(layer, flat))
        flat |= layer["type"] in ("Flatten", "GlobalAveragePool2D")
    return nn.Sequential(*modules)


def _module(layer: Mapping[str, Any], flat: bool) -> nn.Module:
    """Return the counterpart of a layer.

    Raises
    ------
    UnsupportedError
        If there is none.
    """
    match layer["type"]:
        case "Dense":
            return nn.LazyLinear(layer["units"], bias=layer["use_bias"])
        case "Conv2D":
            return _convolution(layer)
        case "MaxPool2D" | "AveragePool2D" as kind:
            pool = nn.MaxPool2d if kind == "MaxPool2D" else nn.AvgPool2d
            padding, stride = layer["padding"], layer["stride"]
            if padding not in ("valid", "same"):
                raise UnsupportedError(f"pooling with the padding {padding}")
            return pool(layer["pool_size"], stride, ceil_mode=padding == "same")
        case "GlobalAveragePool2D":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        case "BatchNorm":
            norm = nn.LazyBatchNorm1d if flat else nn.LazyBatchNorm2d
            return norm(eps=layer["epsilon"], momentum=layer["momentum"])
        case "Dropout":
            return nn.Dropout(layer["rate"])
        case "SpatialDropout2D":
            return nn.Dropout2d(layer["rate"])
        case "Flatten":
            return nn.Flatten()
        case "Residual":
            return Residual(
                _chain(layer["layers"], flat), _chain(layer["shortcut"], flat)
            )
        case kind if kind in ACTIVATIONS:
            return ACTIVATIONS[kind]()
        case kind:
            raise UnsupportedError(f"layers of the type {kind}")


def _convolution(layer: Mapping[str, Any]) -> nn.Module:
    padding = layer["padding"]
    return nn.LazyConv2d(
        layer["filters"],
        layer["kernel_size"],
        stride=layer["stride"],
        padding=0 if padding == "valid" else padding,
        dilation=layer["dilation"],
        groups=layer["groups"],
        bias=layer["use_bias"],
    )


def make_optimizer(
    config: Mapping[str, Any], model: nn.Module
) -> torch.optim.Optimizer:
    """Return the optimiser; weight decay is for matrices and filters alone.

    Raises
    ------
    UnsupportedError
        If PyTorch's differs from what is asked.
    """
    decay = config.get("weight_decay", 0.0)
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0},
    ]
    match config["name"]:
        case "adam" | "adamw" as name:
            kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
            betas = config["beta1"], config["beta2"]
            return kind(
                groups,
                betas=betas,
                eps=config["epsilon"],
                weight_decay=decay,
                fused=True,
            )
        case "sgd":
            return torch.optim.SGD(
                groups,
                lr=1.0,
                momentum=config["momentum"],
                nesterov=config["nesterov"],
                weight_decay=decay,
                fused=True,
            )
        case name:
            raise UnsupportedError(f"the optimiser {name}")


def train(
    model: nn.Module,
    x: torch.Tensor,
    y: torch.Tensor,
    *,
    optimizer: Mapping[str, Any],
    rates: Sequence[float],
    batch_size: int | None,
    label_smoothing: float,
    weight_average: float | None,
) -> None:
    """Make one step for each rate, through all images again and again."""
    made = make_optimizer(optimizer, model)
    criterion = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
    parameters = list(model.parameters())
    average = [p.detach().clone() for p in parameters]
    step = 0
    while step < len(rates):
        for rows in torch.randperm(len(x)).split(batch_size or len(x)):
            for group in made.param_groups:
                group["lr"] = rates[step]
            step += 1
            images = x.index_select(0, rows).float().div_(255)
            loss = criterion(model(images), y.index_select(0, rows))
            made.zero_grad(set_to_none=True)
            loss.backward()
            made.step()
            if weight_average is not None:
                keep = min(weight_average, (1 + step) / (10 + step))
                with torch.no_grad():
                    torch._foreach_lerp_(average, parameters, 1 - keep)
    if weight_average is not None:
        with torch.no_grad():
            torch._foreach_copy_(parameters, average)


def run(
    *,
    layers: Sequence[Mapping[str, Any]],
    n_train: int,
    n_test: int,
    seed: int,
    **rule: Any,
) -> dict[str, int]:
    """Train on so many images of the training part; count right answers of the test."""
    (images, labels), (images_test, labels_test) = read_mnist(60_000, n_test)
    torch.manual_seed(seed)
    rows = torch.randperm(len(images))[:n_train]
    x = torch.from_numpy(images).view(-1, 1, 28, 28)[rows]
    y = torch.from_numpy(labels)[rows]
    model = build(layers)
    train(model, x, y, **rule)
    model.eval()
    test = torch.from_numpy(images_test).view(-1, 1, 28, 28)
    with torch.inference_mode():
        parts = [
            model(part.float().div_(255)).argmax(dim=1) for part in test.split(512)
        ]
    correct = int((torch.cat(parts) == torch.from_numpy(labels_test)).sum())
    return {"correct": correct, "total": n_test}


if __name__ == "__main__":
    print(json.dumps(run(**json.loads(sys.argv[1]))))
