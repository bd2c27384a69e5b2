"""A hundred training steps of small convolutional networks follow PyTorch's."""

import numpy as np
import pytest
from test_layers_torch import THEIRS
from with_torch import tensor, torch

import ardoise
from ardoise.engine.layers import (
    BatchNorm,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePool2D,
    MaxPool2D,
    ReLU,
    Residual,
)
from ardoise.engine.network import Network

STEPS, BATCH = 100, 20
LOSS = 1e-8
RNG = np.random.default_rng(0)
X = RNG.random((STEPS * BATCH, 12, 12, 1)) * (
    RNG.random((STEPS * BATCH, 1, 1, 1)) > 0.1
)
Y = RNG.integers(0, 4, len(X))


def plain():
    return [
        *(Conv2D(8, 3), ReLU(), MaxPool2D(), Conv2D(12, 3, padding="same"), ReLU()),
        *(MaxPool2D(), Flatten(), Dense(16), ReLU(), Dense(4)),
    ]


def residual():
    block = [Conv2D(8, 3, padding="same", use_bias=False), BatchNorm(), ReLU()]
    return [
        *(Conv2D(8, 5, stride=2, padding=1, use_bias=False), BatchNorm(), ReLU()),
        Residual([*block, Conv2D(8, 3, padding=1)], [Conv2D(8, 1)]),
        *(ReLU(), GlobalAveragePool2D(), Dense(4)),
    ]


def theirs(network, make, x):
    z = x
    for i, layer in enumerate(network.layers):
        prefix = f"{i}."
        own = {k[len(prefix) :]: v for k, v in make.items() if k.startswith(prefix)}
        z = THEIRS[type(layer).__name__](layer, z, own, True)
    return z


@pytest.mark.parametrize(
    ("make", "optimizer", "their_optimizer"),
    [
        (plain, "adam", lambda p: torch.optim.Adam(p, lr=1e-3)),
        (
            residual,
            {"name": "sgd", "momentum": 0.9},
            lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9),
        ),
    ],
    ids=["Adam", "momentum, residual, batch norm"],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_losses_follow(make, optimizer, their_optimizer, threads):
    network = Network(make(), X.shape[1:], dtype="float64", seed=1)
    values = {k: tensor(v, grad=True) for k, v in network.parameters().items()}
    running = network.state_layout.views(network.state)
    tensors = values | {k: tensor(v) for k, v in running.items()}
    step = their_optimizer(list(values.values()))
    expected = []
    for start in range(0, len(X), BATCH):
        rows = slice(start, start + BATCH)
        z = theirs(network, tensors, tensor(X[rows]))
        loss = torch.nn.functional.cross_entropy(z, tensor(Y[rows]))
        step.zero_grad()
        loss.backward()
        step.step()
        expected.append(loss.item())

    class Watch(ardoise.Callback):
        losses = ()

        def on_batch_end(self, training):
            seen = training.running_loss * training.epoch_samples
            self.losses = (*self.losses, seen)

    watch = Watch()
    ardoise.fit(
        *(network, X, Y),
        optimizer=optimizer,
        learning_rate=1e-3,
        epochs=1,
        batch_size=BATCH,
        shuffle=False,
        threads=threads,
        callbacks=[watch],
    )
    found = np.diff([0, *watch.losses]) / BATCH
    assert len(found) == STEPS
    np.testing.assert_allclose(found, expected, rtol=0, atol=LOSS)
    assert np.ptp(expected) > 0.1  # it did learn something
