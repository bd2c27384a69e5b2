"""Small pictures for the doctor's tests: what the classes look like, and some noise."""

import numpy as np

from ardoise.engine.doctor import Doctor
from ardoise.engine.layers import Dense, Flatten, ReLU
from ardoise.engine.network import Network
from ardoise.engine.training import fit

SIDE, CLASSES = 12, 5


def pictures(n=1000, seed=0, noise=60):
    """Return pictures (n, 12, 12, 1) of bytes, light on dark, and their classes."""
    shapes = np.random.default_rng(99).random((CLASSES, SIDE, SIDE, 1)) < 0.25
    shapes[:, 0] = shapes[:, -1] = shapes[:, :, 0] = shapes[:, :, -1] = False
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n)
    ink = 180 * shapes[y] + rng.normal(0, noise, (n, SIDE, SIDE, 1))
    ink[:, [0, -1]] = ink[:, :, [0, -1]] = 0
    return np.clip(ink, 0, 255).astype(np.uint8), y


def dense(*layers, seed=0, shape=(SIDE, SIDE, 1), outputs=CLASSES, **last):
    """Return a network of these layers, between a Flatten and the outputs."""
    return Network([Flatten(), *layers, Dense(outputs, **last)], shape, seed=seed)


def deep(kind, n, width=24, **settings):
    """Return n dense layers, each followed by an activation of this kind."""
    return [k for _ in range(n) for k in (Dense(width, **settings), kind())]


def diagnose(network=None, data=None, **settings):
    """Train beside a doctor; return (its findings by code, the history)."""
    x, y = data or pictures()
    doctor = Doctor(test=settings.pop("test", None))
    others = settings.pop("callbacks", [])
    settings = {"epochs": 4, "batch_size": 32, "seed": 0, "threads": 1, **settings}
    network = network or dense(Dense(32), ReLU())
    history = fit(network, x, y, callbacks=[*others, doctor], **settings)
    return {finding.code: finding for finding in doctor.findings}, history
