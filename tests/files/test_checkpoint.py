"""Checkpoints in files: to the bit, strict, and the last two of them."""

import hashlib
import json
import random
from dataclasses import replace

import numpy as np
import pytest

from ardoise import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    EarlyStopping,
    Flatten,
    MaxPool2D,
    Network,
    ReLU,
    SpatialDropout2D,
    fit,
)
from ardoise.engine.training import Callback
from ardoise.files.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    previous_of,
    save_checkpoint,
)
from ardoise.files.safetensors import UNSEALED
from ardoise.messages import LANGUAGES

X = np.random.default_rng(0).random((40, 4), "f4")
Y = np.arange(40) % 3


def network():
    return Network([Dense(5), ReLU(), Dropout(0.2), Dense(3)], 4, seed=0)


class Cut(Callback):
    def on_batch_end(self, training):
        if training.step == 7:
            self.snapshot = training.snapshot()
            training.stop("interrupted")


def settings(*callbacks):
    stopping = EarlyStopping(monitor="loss")
    return {
        "epochs": 3,
        "batch_size": 8,
        "seed": 1,
        "threads": 1,
        "weight_average": 0.9,
        "callbacks": (stopping, *callbacks),
    }


@pytest.fixture(scope="module")
def checkpoint():
    cut = Cut()
    fit(network(), X, Y, **settings(cut))
    return Checkpoint(cut.snapshot, network().config(), {"recipe": "é", "n": None})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "point"


def test_it_comes_back_and_goes_on_to_the_bit(path, checkpoint):
    save_checkpoint(path, checkpoint)
    found = load_checkpoint(path)
    assert found.snapshot.values == checkpoint.snapshot.values
    assert (found.network, found.plan) == (checkpoint.network, checkpoint.plan)
    for name, array in checkpoint.snapshot.arrays.items():
        assert found.snapshot.arrays[name].tobytes() == array.tobytes()
    whole, resumed = network(), network()
    fit(whole, X, Y, **settings())
    fit(resumed, X, Y, **settings(), snapshot=found.snapshot)
    assert resumed.theta.tobytes() == whole.theta.tobytes()


def test_networks_that_were_finished_before_come_back(path, checkpoint):
    size = network().n_params + network().state.size
    finished = tuple(np.full(size, i, "f4") for i in range(12))
    save_checkpoint(path, replace(checkpoint, finished=finished))
    found = load_checkpoint(path)
    assert len(found.finished) == 12
    for one, other in zip(found.finished, finished, strict=True):
        assert one.tobytes() == other.tobytes()
    assert not any(name.startswith("finished") for name in found.snapshot.arrays)


# -- a convolutional network, stopped at any batch ------------------------------------

IMAGES = np.random.default_rng(2).random((24, 8, 8, 1), "f4")


def moved(images, rng):
    """Return images that are shifted and noisy: an augmentation."""
    shift = tuple(rng.integers(-1, 2, 2))
    noise = rng.standard_normal(images.shape, "f4")
    return np.roll(images, shift, (1, 2)) + np.float32(0.1) * noise


def train_cnn(threads, *callbacks, snapshot=None, seed=1):
    layers = [
        *(Conv2D(4, 3), BatchNorm(), ReLU(), MaxPool2D(2), SpatialDropout2D(0.2)),
        *(Flatten(), Dropout(0.3), Dense(3)),
    ]
    network = Network(layers, (8, 8, 1), seed=seed)
    history = fit(
        *(network, IMAGES, Y[:24]),
        epochs=3,
        batch_size=5,
        learning_rate={"name": "one_cycle", "learning_rate": 0.01},
        validation_data=(IMAGES[:6], Y[:6]),
        weight_average=0.9,
        augment=moved,
        seed=seed,
        threads=threads,
        callbacks=[EarlyStopping(monitor="loss"), *callbacks],
        snapshot=snapshot,
    )
    return network, history


@pytest.mark.parametrize("threads", [1, 2])
def test_a_cnn_stopped_at_any_batch_is_as_if_never_stopped(path, threads):
    class Press(Callback):
        def __init__(self, step):
            self.step = step

        def on_batch_end(self, training):
            if training.step == self.step:
                about = training.network.config()
                save_checkpoint(path, Checkpoint(training.snapshot(), about, {}))
                training.stop("interrupted")

    whole, history = train_cnn(threads)
    for step in range(1, 3 * 5 + 1):
        train_cnn(threads, Press(step))
        snapshot = load_checkpoint(path).snapshot
        # Another start: all that counts comes from the file.
        resumed, again = train_cnn(threads, snapshot=snapshot, seed=2)
        assert resumed.theta.tobytes() == whole.theta.tobytes()
        assert resumed.state.tobytes() == whole.state.tobytes()
        for name in ("loss", "accuracy", "validation_loss", "learning_rate"):
            assert again[name] == history[name]
        assert again.best_epoch == history.best_epoch


# -- files that are not what they should be -------------------------------------------


def refused(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    for lang in LANGUAGES:
        assert str(path) in caught.value.sentence(lang)


def test_every_bit_and_every_length_is_noticed(path, checkpoint):
    save_checkpoint(path, checkpoint)
    content = path.read_bytes()
    bits = random.Random(0).sample(range(8 * len(content)), 4000)
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        refused(path, damaged)
    for size in range(0, len(content), 7):
        refused(path, content[:size])


def test_the_one_before_is_read_if_the_last_cannot_be(path, checkpoint):
    older = replace(checkpoint, plan={"older": True})
    save_checkpoint(path, older)
    save_checkpoint(path, checkpoint)
    assert load_checkpoint(path).plan == checkpoint.plan
    assert load_checkpoint(previous_of(path)).plan == {"older": True}
    for spoil in (lambda: path.write_bytes(b"x"), path.unlink):
        spoil()
        assert load_checkpoint(path).plan == {"older": True}
    previous_of(path).unlink()
    with pytest.raises(CheckpointError, match="no such file"):
        load_checkpoint(path)


def sealed(header, body):
    text = json.dumps(header).encode()
    content = len(text).to_bytes(8, "little") + text + body
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(UNSEALED.encode(), digest, 1)


def test_what_is_whole_and_makes_no_sense(path, checkpoint):
    def written(snapshot=checkpoint.snapshot, **changes):
        save_checkpoint(path, replace(checkpoint, snapshot=snapshot, **changes))
        content = path.read_bytes()
        previous_of(path).unlink(missing_ok=True)
        return content

    values, arrays = checkpoint.snapshot
    whole = np.zeros(network().n_params + network().state.size, "f4")
    for other in (whole.astype("f8"), whole + np.nan, whole[np.newaxis]):
        refused(path, written(finished=(whole, other)))
    for change in ({"epoch": -1}, {"step": 1.5}, {"hits": True}, {"epoch_samples": 99}):
        refused(path, written(checkpoint.snapshot._replace(values=values | change)))
    for change in (
        {"theta": arrays["theta"][:-1]},
        {"theta": arrays["theta"] * np.float32(np.nan)},
        {"average": arrays["average"].astype("f8")},
        {"optimizer.m": arrays["optimizer.m"][:3]},
        {"rows": arrays["rows"] - 1},
        {"rows": arrays["rows"].astype("f4")},
    ):
        refused(path, written(checkpoint.snapshot._replace(arrays=arrays | change)))
    refused(path, written(network=checkpoint.network | {"input_shape": [5]}))
    refused(path, written(plan=[]))
    content = written()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    about = json.loads(header["__metadata__"]["ardoise_checkpoint"])
    for text in ("{}", "[]", json.dumps(about | {"format": 2})):
        metadata = {"ardoise_checkpoint": text, "sha256": UNSEALED}
        lied = sealed(header | {"__metadata__": metadata}, content[8 + length :])
        refused(path, lied)
