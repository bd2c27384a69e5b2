"""Every optimiser follows PyTorch's for a thousand steps of a real training.

Both libraries train the same network on the same data, each with its own gradients;
only the start is shared. The settings make calm trainings: a restless one multiplies
the last bits of any difference.
"""

import numpy as np
import pytest
from with_torch import OPTIMIZER, OPTIMIZER_STEPS, agree, tensor, torch

from ardoise.engine import optimizers
from ardoise.engine.layers import Dense, Tanh
from ardoise.engine.losses import SoftmaxCrossEntropy
from ardoise.engine.network import Network
from ardoise.engine.optimizers import OPTIMIZERS, clip_by_global_norm

O = torch.optim  # noqa: E741
RATE = 0.01
RNG = np.random.default_rng(0)
X = RNG.standard_normal((32, 6))
Y = RNG.integers(0, 3, 32)

# Our settings, PyTorch's class, its own names for those that differ.
CASES = [
    ({"name": "sgd"}, O.SGD, {}),
    ({"name": "sgd", "weight_decay": 0.01}, O.SGD, {}),
    ({"name": "sgd", "momentum": 0.9}, O.SGD, {}),
    ({"name": "sgd", "momentum": 0.9, "weight_decay": 0.01}, O.SGD, {}),
    ({"name": "sgd", "momentum": 0.9, "nesterov": True}, O.SGD, {}),
    (
        {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        O.SGD,
        {},
    ),
    ({"name": "adam"}, O.Adam, {}),
    ({"name": "adam", "weight_decay": 0.01}, O.Adam, {}),
    (
        {"name": "adam", "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-4},
        O.Adam,
        {"betas": (0.8, 0.99)},
    ),
    ({"name": "adamw"}, O.AdamW, {}),
    ({"name": "adamw", "weight_decay": 0.1}, O.AdamW, {}),
    ({"name": "rmsprop"}, O.RMSprop, {}),
    ({"name": "rmsprop", "momentum": 0.9}, O.RMSprop, {}),
    (
        {"name": "rmsprop", "momentum": 0.5, "weight_decay": 0.01, "epsilon": 0.1},
        O.RMSprop,
        {},
    ),
    ({"name": "rmsprop", "alpha": 0.9, "epsilon": 1e-4}, O.RMSprop, {}),
]


def network():
    return Network([Dense(8), Tanh(), Dense(3)], 6, dtype="float64", seed=0)


def in_torch(net):
    """Return the loss as a function without arguments, and name → parameter."""
    p = {key: tensor(view, grad=True) for key, view in net.parameters().items()}
    x, y = tensor(X), tensor(Y)

    def loss():
        hidden = torch.tanh(x @ p["0.W"] + p["0.b"])
        return torch.nn.functional.cross_entropy(hidden @ p["2.W"] + p["2.b"], y)

    return loss, p


def theirs(cls, spec, renamed, parameters):
    """Build PyTorch's optimiser: weight decay on the weights, not on the biases."""
    settings = {k: v for k, v in spec.items() if k not in ("name", "beta1", "beta2")}
    if "epsilon" in settings:
        settings["eps"] = settings.pop("epsilon")
    weights = [p for key, p in parameters.items() if key.endswith("W")]
    biases = [p for key, p in parameters.items() if key.endswith("b")]
    groups = [{"params": weights}, {"params": biases, "weight_decay": 0.0}]
    return cls(groups, lr=RATE, **settings, **renamed)


def test_no_optimizer_is_forgotten():
    assert {spec["name"] for spec, *_ in CASES} == set(OPTIMIZERS)


@pytest.mark.parametrize(("spec", "cls", "renamed"), CASES, ids=str)
def test_a_thousand_steps(spec, cls, renamed):
    net, criterion = network(), SoftmaxCrossEntropy()
    loss_in_torch, parameters = in_torch(net)
    optimizer = optimizers.get(spec)
    optimizer.bind(net.theta, net.grad, net.layout.n_decay)
    other = theirs(cls, spec, renamed, parameters)
    start = net.theta.copy()
    for step in range(OPTIMIZER_STEPS):
        z = net.forward(X, training=True)
        _, dz = criterion(z, Y, scale=1 / len(X))
        net.backward(dz)
        optimizer.step(RATE)
        other.zero_grad()
        loss_in_torch().backward()
        other.step()
        if step in (0, 9, 99, 999):
            for key, view in net.parameters().items():
                agree(view, parameters[key], OPTIMIZER)
    assert np.abs(net.theta - start).max() > 0.1  # it went somewhere


def test_clipping():
    """PyTorch adds 1e-6 to the length that it divides by; the rest is the same."""
    grad = np.random.default_rng(0).standard_normal(50)
    for max_norm in (0.5, 100.0):
        ours = grad.copy()
        parameter = torch.nn.Parameter(tensor(grad))
        parameter.grad = tensor(grad)
        norm = clip_by_global_norm(ours, max_norm)
        assert abs(norm - torch.nn.utils.clip_grad_norm_(parameter, max_norm)) <= 1e-12
        exact = parameter.grad * ((norm + 1e-6) / norm if norm > max_norm else 1)
        agree(ours, exact, 1e-12)
