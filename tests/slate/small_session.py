"""A session whose data are few, so that trainings of the page take a moment."""

import threading
import time
from dataclasses import replace

import numpy as np

from ardoise import Dense, Flatten, Network, ReLU, fit
from ardoise.digits import load_mnist
from ardoise.engine import losses
from ardoise.files import Model
from ardoise.pictures import Settings
from ardoise.slate.session import Session

CLASSES = tuple("0123456789")
N_TRAIN, N = 2000, 2200
PATIENCE = 60.0  # seconds, on a busy machine


def small_data():
    """Return 2,200 digits; the last 200 are for the test."""
    return replace(load_mnist().subset(np.arange(N)), n_train=N_TRAIN)


def young_network(data, seed=0):
    """Return a network that reads about nine digits in ten."""
    layers = [Flatten(), Dense(32), ReLU(), Dense(10)]
    network = Network(layers, (28, 28, 1), seed=seed)
    rows = slice(0, 1600)
    fit(network, data.images[rows], data.labels[rows], epochs=8, seed=0, threads=1)
    return network


def model_of(network, **details):
    known = {"data": "mnist", "split": "official", "seed": 0, "validation": 0.1}
    known |= {"recipe": "mlp", "prepare": Settings().config(), **details}
    loss = losses.get("softmax_cross_entropy")
    return Model(network, CLASSES, loss, known)


def session_of(model, data, folder):
    """Return a session for which "mnist" is this data."""
    session = Session(model, folder=folder)
    session._sources["mnist"] = data
    return session


class Heard:
    """What a page is pushed."""

    def __init__(self, session):
        self.packets = []
        self._news = threading.Condition()
        session.push = self.push

    def push(self, header, arrays):
        with self._news:
            self.packets.append((time.perf_counter(), header, arrays))
            self._news.notify_all()

    def of(self, kind):
        return [(h, a) for _, h, a in list(self.packets) if h["type"] == kind]

    def wait(self, condition):
        """Wait until a condition of this holds."""
        with self._news:
            assert self._news.wait_for(lambda: condition(self), PATIENCE)

    def wait_state(self, learning):
        def told(heard):
            states = heard.of("state")
            return bool(states) and states[-1][0]["learning"] == learning

        self.wait(told)
