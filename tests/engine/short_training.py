"""Small data, small networks and small trainings, for the tests of `fit`."""

import numpy as np
import threadpoolctl

from ardoise.engine.layers import Dense, Layer, Tanh
from ardoise.engine.network import Network
from ardoise.engine.optimizers import WeightAverage
from ardoise.engine.training import Callback, fit

N, CLASSES = 60, 3


def blobs(n=N, seed=0):
    """Return three clouds of points in the plane, and which cloud each is from."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % CLASSES
    centres = np.array([[0.0, 1], [1, -1], [-1, -1]])
    return (centres[y] + 0.3 * rng.standard_normal((n, 2))), y


X, Y = blobs()
NEW_X, NEW_Y = blobs(200, seed=1)


def network(*extra: Layer, seed=0, dtype="float64") -> Network:
    return Network(
        [Dense(8), *extra, Tanh(), Dense(CLASSES)], 2, seed=seed, dtype=dtype
    )


def line(seed=0) -> Network:
    """Return the smallest network: y = w x + b."""
    return Network([Dense(1)], 1, seed=seed, dtype="float64")


def trained(net=None, **settings):
    """Return (network, history) after a short training with a fixed seed."""
    net = net or network()
    settings = {"epochs": 3, "batch_size": 16, "seed": 5, "threads": 1, **settings}
    x, y = settings.pop("data", (X, Y))
    return net, fit(net, x, y, **settings)


class Watch(Callback):
    """Writes down each call, and the weights after each step and epoch."""

    def __init__(self):
        self.calls, self.steps, self.seen = [], [], []
        self.epochs, self.states = [], []

    def on_train_begin(self, training):
        self.calls.append("begin")
        self.start = training.network.theta.copy()
        self.states.append(training.network.state.copy())

    def on_batch_end(self, training):
        self.calls.append("batch")
        self.steps.append(training.network.theta.copy())
        self.seen.append(training.epoch_samples)

    def on_epoch_end(self, training):
        self.calls.append("epoch")
        self.epochs.append(training.network.theta.copy())
        self.states.append(training.network.state.copy())

    def on_train_end(self, training):
        self.calls.append("end")
        self.last = training.network.theta.copy()


class At(Callback):
    """Calls a function at a given moment, the k-th time that it comes."""

    def __init__(self, moment, do, k=1):
        self.left, self.do = k, do
        setattr(self, moment, self._count)

    def _count(self, training):
        self.left -= 1
        if self.left == 0:
            self.do(training)

    def on_batch_end(self, training):
        """Overridden in the class: `fit` skips callbacks that have none."""


def averaged(watch, decay):
    """Return the average of the weights of all steps, by `WeightAverage`."""
    theta = watch.start.copy()
    average = WeightAverage(theta, decay)
    for step in watch.steps:
        theta[...] = step
        average.update()
    return average.average


def blas_limits() -> list[int]:
    """Return how many threads each BLAS library may use now."""
    info = threadpoolctl.threadpool_info()
    return [each["num_threads"] for each in info if each["user_api"] == "blas"]
