"""Every loss gives PyTorch's value and PyTorch's gradient."""

import numpy as np
import pytest
from with_torch import FORWARD, GRADIENT, agree, tensor, torch

from ardoise.engine import losses
from ardoise.engine.losses import LOSSES, softmax

F = torch.nn.functional

# name: (loss, z, t) → the loss of each sample, which is a sum over its outputs
THEIRS = {
    "softmax_cross_entropy": lambda loss, z, t: F.cross_entropy(
        z, t, reduction="none", label_smoothing=loss.label_smoothing
    ),
    "sigmoid_binary_cross_entropy": lambda loss, z, t: (
        F.binary_cross_entropy_with_logits(z, t, reduction="none").sum(1)
    ),
    # PyTorch's squared error has no factor ½.
    "squared_error": lambda loss, z, t: F.mse_loss(z, t, reduction="none").sum(1) / 2,
    # PyTorch leaves out what does not depend on z.
    "poisson": lambda loss, z, t: (
        F.poisson_nll_loss(z, t, reduction="none") + torch.xlogy(t, t) - t
    ).sum(1),
    "absolute_error": lambda loss, z, t: F.l1_loss(z, t, reduction="none").sum(1),
    "huber": lambda loss, z, t: F.huber_loss(
        z, t, reduction="none", delta=loss.delta
    ).sum(1),
}
CASES = [
    *({"name": name} for name in LOSSES),
    {"name": "softmax_cross_entropy", "label_smoothing": 0.1},
    {"name": "huber", "delta": 0.3},
]


def test_no_loss_is_forgotten():
    assert set(THEIRS) == set(LOSSES)


@pytest.mark.parametrize("spec", CASES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1.0, 100.0], ids=["usual", "large"])
def test_value_and_gradient(spec, weighted, size):
    loss, rng = losses.get(spec), np.random.default_rng(0)
    z = size * rng.standard_normal((20, 7))
    if loss.name == "poisson":
        z = np.minimum(z, 5)  # e^100 has no digits near 1e-10
    t = rng.integers(0, 7, 20) if loss.is_classifier else rng.random((20, 7))
    weights = rng.random(20) if weighted else np.ones(20)
    scale = 1 / weights.sum()
    value, dz = loss(z, t, scale=scale, weights=weights if weighted else None)
    z_theirs = tensor(z, grad=True)
    theirs = (
        THEIRS[loss.name](loss, z_theirs, tensor(t)) * tensor(weights)
    ).sum() * scale
    theirs.backward()
    assert abs(value - theirs.item()) <= FORWARD
    agree(dz, z_theirs.grad, GRADIENT)


def test_softmax():
    z = 10 * np.random.default_rng(0).standard_normal((20, 7))
    agree(softmax(z), F.softmax(tensor(z), dim=1), FORWARD)
