"""Write ``golden/mlp.npz``: how PyTorch trains a small network for fifty steps.

The file lets the tests compare with PyTorch where it is not installed. Run this script
from the repository's root to write it anew: ``python tests/parity/make_golden.py``.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch

GOLDEN = Path(__file__).with_name("golden") / "mlp.npz"
ROWS, BATCH, EPOCHS = 40, 20, 25  # two batches an epoch: 50 steps
SIZES = (6, 12, 3)
KEPT = (1, 10, 50)  # the steps after which the parameters are kept

# What `ardoise.fit` is told, to do the same.
RUNS = {
    "sgd": {
        "optimizer": {
            "name": "sgd",
            "momentum": 0.9,
            "nesterov": True,
            "weight_decay": 0.01,
        },
        "learning_rate": 0.05,
    },
    "adam": {"optimizer": {"name": "adam"}, "learning_rate": 0.01},
    "adamw": {
        "optimizer": {"name": "adamw", "weight_decay": 0.1},
        "learning_rate": {"name": "cosine", "learning_rate": 0.02},
    },
}


def data() -> dict[str, np.ndarray]:
    """Return x, y and the start: W1, W2, b1, b2, one after the other, row by row."""
    rng = np.random.default_rng(2026)
    n_in, hidden, n_out = SIZES
    return {
        "x": rng.standard_normal((ROWS, n_in)),
        "y": rng.integers(0, n_out, ROWS),
        "theta": 0.5
        * rng.standard_normal(n_in * hidden + hidden * n_out + hidden + n_out),
    }


def split(theta: np.ndarray) -> list[torch.Tensor]:
    """Return W1, W2, b1, b2 as tensors that want a gradient."""
    n_in, hidden, n_out = SIZES
    shapes = [(n_in, hidden), (hidden, n_out), (hidden,), (n_out,)]
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(theta, ends[:-1])
    return [
        torch.tensor(part.reshape(shape), requires_grad=True)
        for part, shape in zip(parts, shapes, strict=True)
    ]


def optimizer(name: str, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
    """Return PyTorch's optimiser: weight decay on the weights, not on the biases."""
    decay = RUNS[name]["optimizer"].get("weight_decay", 0.0)
    groups = [
        {"params": parameters[:2], "weight_decay": decay},
        {"params": parameters[2:], "weight_decay": 0.0},
    ]
    if name == "sgd":
        return torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True)
    if name == "adam":
        return torch.optim.Adam(groups, lr=0.01)
    return torch.optim.AdamW(groups, lr=0.02)


def trajectory(name: str, start: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the loss before each step, and the parameters after the kept ones."""
    x, y = torch.tensor(start["x"]), torch.tensor(start["y"])
    w1, w2, b1, b2 = parameters = split(start["theta"])
    steps = optimizer(name, parameters)
    schedule = None
    if name == "adamw":
        total = EPOCHS * ROWS // BATCH
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, total)
    losses, kept = [], []
    for _ in range(EPOCHS):
        for rows in (slice(0, BATCH), slice(BATCH, ROWS)):
            logits = torch.relu(x[rows] @ w1 + b1) @ w2 + b2
            loss = torch.nn.functional.cross_entropy(logits, y[rows])
            steps.zero_grad()
            loss.backward()
            steps.step()
            if schedule is not None:
                schedule.step()
            losses.append(loss.item())
            if len(losses) in KEPT:
                kept.append(torch.cat([p.detach().flatten() for p in parameters]))
    return {
        f"{name}.losses": np.array(losses),
        f"{name}.thetas": torch.stack(kept).numpy(),
    }


def golden() -> dict[str, np.ndarray]:
    """Return everything that the file holds."""
    start = data()
    arrays = {
        **start,
        "kept": np.array(KEPT),
        "settings": np.array(
            json.dumps({"hidden": SIZES[1], "batch": BATCH, "runs": RUNS})
        ),
    }
    for name in RUNS:
        arrays |= trajectory(name, start)
    return arrays


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    np.savez_compressed(GOLDEN, **golden())
    print(f"{GOLDEN.name}: {GOLDEN.stat().st_size} bytes")
