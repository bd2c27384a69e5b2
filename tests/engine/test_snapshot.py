"""Snapshots that are damaged, or of another training: one error, nothing changed."""

import copy

import numpy as np
import pytest

from ardoise import Dense, EarlyStopping, Network, SnapshotError, fit
from ardoise.engine.snapshot import Snapshot, check
from ardoise.engine.training import Callback

X = np.random.default_rng(0).random((12, 4), "f4")
Y = np.arange(12) % 3
SETTINGS = {"epochs": 3, "batch_size": 4, "threads": 1, "weight_average": 0.9}


class Cut(Callback):
    def on_batch_end(self, training):
        if training.step == 5:
            self.snapshot = training.snapshot()
            training.stop()


def network(units=3):
    return Network([Dense(units)], 4, seed=0)


def train(*, net=None, x=X, y=Y, snapshot=None, callbacks=()):
    net = net or network()
    stopping = EarlyStopping(monitor="loss")
    fit(
        *(net, x, y),
        **SETTINGS,
        seed=1,
        callbacks=[stopping, *callbacks],
        snapshot=snapshot,
    )
    return net


@pytest.fixture(scope="module")
def snapshot():
    cut = Cut()
    train(callbacks=[cut])
    return cut.snapshot


def changed(snapshot, values=(), arrays=()):
    return Snapshot(
        snapshot.values | dict(values), copy.deepcopy(snapshot.arrays) | dict(arrays)
    )


def test_it_is_one(snapshot):
    check(snapshot)
    train(snapshot=snapshot)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"step": -1}, "step must be a whole number"),
        ({"hits": True}, "hits must be"),
        ({"epoch": 2**53}, "epoch must be"),
        ({"in_epoch": 1}, "in_epoch"),
        ({"loss_sum": float("nan")}, "must be numbers"),
        ({"seconds": None}, "must be numbers"),
        ({"learning_rate": "1"}, "must be numbers"),
        ({"history": []}, "other columns"),
        ({"history": {"epoch": []}}, "other columns"),
        ({"callbacks": {}}, "list of maps"),
        ({"callbacks": [1]}, "list of maps"),
        ({"epoch_samples": 13}, "more samples"),
    ],
)
def test_values_that_cannot_be(snapshot, values, words):
    with pytest.raises(SnapshotError, match=words):
        check(changed(snapshot, values))


@pytest.mark.parametrize(("column", "words"), [(1, "equally"), (["x"], "no number")])
def test_histories_that_cannot_be(snapshot, column, words):
    history = snapshot.values["history"] | {"loss": column}
    with pytest.raises(SnapshotError, match=words):
        check(changed(snapshot, {"history": history}))


@pytest.mark.parametrize(
    "rows", [np.zeros((2, 6), int), np.zeros(12), np.arange(-1, 11)]
)
def test_rows_that_cannot_be(snapshot, rows):
    with pytest.raises(SnapshotError, match="list of rows"):
        check(changed(snapshot, arrays={"rows": rows}))


def test_what_is_missing(snapshot):
    for name in snapshot.values:
        values = {k: v for k, v in snapshot.values.items() if k != name}
        with pytest.raises(SnapshotError, match="lacks something"):
            train(snapshot=Snapshot(values, snapshot.arrays))
    with pytest.raises(SnapshotError, match="lacks something"):
        check(None)


@pytest.mark.parametrize("name", ["average", "optimizer.m", "state", "theta"])
def test_arrays_of_another_network(snapshot, name):
    net = network()
    theta = net.theta.copy()
    with pytest.raises(SnapshotError, match="must have shape"):
        train(net=net, snapshot=changed(snapshot, arrays={name: np.zeros(7, "f4")}))
    assert net.theta.tobytes() == theta.tobytes()
    with pytest.raises(SnapshotError, match="must have shape"):
        train(net=network(5), snapshot=snapshot)


def test_other_data(snapshot):
    for rows in (np.arange(11), np.arange(1, 13)):
        with pytest.raises(SnapshotError, match="other data"):
            train(snapshot=changed(snapshot, arrays={"rows": rows}))


@pytest.mark.parametrize("generator", [None, {}, {"bit_generator": "PCG64"}, [1]])
def test_generators_that_are_none(snapshot, generator):
    with pytest.raises(SnapshotError):
        train(snapshot=changed(snapshot, {"order": generator}))


@pytest.mark.parametrize("memory", [{"best": 1}, {"best": "x"}, {"best": None}])
def test_callbacks_that_remember_something_else(snapshot, memory):
    remembered = [memory, *snapshot.values["callbacks"][1:]]
    with pytest.raises(SnapshotError, match="lacks something"):
        train(snapshot=changed(snapshot, {"callbacks": remembered}))
