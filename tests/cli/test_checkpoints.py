"""``--checkpoint``, ``--every`` and ``--resume``: cut short, and gone on from."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ardoise.cli import checkpoints
from ardoise.cli import training as cli_training
from ardoise.cli.checkpoints import seconds_of
from ardoise.digits import load_mnist
from ardoise.files import load_model
from ardoise.files.checkpoint import load_checkpoint, save_checkpoint
from ardoise.messages import OptionError

pytestmark = pytest.mark.usefixtures("no_pictures")

SHORT = ("--epochs", 3, "--batch-size", 40, "--threads", 1, "--recipe", "mlp")


@pytest.fixture
def whole(ardoise, data, somewhere):
    """The model file of a training that was never stopped."""
    said = ardoise("train", "--data", data, *SHORT, "--output", "whole")
    assert said.code == 0
    return (somewhere / "whole" / "model.safetensors").read_bytes()


@pytest.fixture
def cut(ardoise, data, somewhere, monkeypatch):
    """Train with a checkpoint, and press Ctrl-C at a step."""

    def train(step, *options):
        before = checkpoints.Checkpointing.on_batch_end

        def press(self, training):
            if training.step == step:
                training.stop("interrupted")
            before(self, training)

        with monkeypatch.context() as patch:
            patch.setattr(checkpoints.Checkpointing, "on_batch_end", press)
            return ardoise(
                *("train", "--data", data, *SHORT, "--output", "cut"),
                *("--checkpoint", "point", *options),
            )

    return train


@pytest.mark.parametrize("step", [1, 5, 6, 7, 17, 18])
def test_cut_anywhere_and_resumed_is_the_same_model(cut, whole, ardoise, step):
    assert cut(step).code == 130
    said = ardoise("train", "--resume", "point", "--output", "resumed")
    assert (said.code, said.err) == (0, "")
    with open("resumed/model.safetensors", "rb") as file:
        assert file.read() == whole
    with open("resumed/history.csv") as one, open("whole/history.csv") as other:
        assert [line.split(",")[:4] for line in one] == [
            line.split(",")[:4] for line in other
        ]
    # It was finished, and says so; resumed again, there is nothing left to do.
    said = ardoise("train", "--resume", "point", "--output", "again")
    assert said.code == 0


def test_images_of_no_digit_are_part_of_what_goes_on(ardoise, somewhere):
    mnist = load_mnist()
    np.savez("few.npz", x=mnist.images[:200], y=mnist.labels[:200])
    options = ("train", "--data", "few.npz", "--recipe", "cnn", "--threads", 1)
    short = (*options, "--epochs", 2, "--batch-size", 40)
    assert ardoise(*short, "--output", "whole").code == 0

    class Cut(checkpoints.Checkpointing):
        def on_batch_end(self, training):
            if training.step == 2:
                training.stop("interrupted")
            super().on_batch_end(training)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli_training, "Checkpointing", Cut)
        said = ardoise(*short, "--output", "cut", "--checkpoint", "point")
    assert said.code == 130
    plan = load_model("whole/model.safetensors").details
    n = plan["outliers"]
    assert n and len(load_checkpoint("point").snapshot.arrays["rows"]) > n
    assert ardoise("train", "--resume", "point", "--output", "on").code == 0
    whole, on = (somewhere / name / "model.safetensors" for name in ("whole", "on"))
    assert on.read_bytes() == whole.read_bytes()


def test_the_last_two_are_kept(cut, somewhere):
    cut(9, "--every", "0s")
    names = sorted(p.name for p in somewhere.iterdir() if p.name.startswith("point"))
    assert names == ["point", "point.previous"]
    steps = [load_checkpoint(name).snapshot.values["step"] for name in names]
    assert steps == [9, 8]


def test_the_one_before_is_there_when_the_last_is_damaged(cut, whole, ardoise):
    cut(9, "--every", "0s")
    with open("point", "r+b") as file:
        file.truncate(1000)
    good = Path("point.previous").read_bytes()
    read = Path("point").read_bytes
    kept = []
    with pytest.MonkeyPatch.context() as patch:
        write = checkpoints.save_checkpoint
        patch.setattr(
            checkpoints, "save_checkpoint", lambda *a: (kept.append(read()), write(*a))
        )
        said = ardoise("train", "--resume", "point", "--output", "resumed")
    assert said.code == 0 and "before it (step 8)" in said.err
    assert kept[0] == good  # nothing but a whole one is ever put aside
    with open("resumed/model.safetensors", "rb") as file:
        assert file.read() == whole


def test_strays_are_removed(cut, somewhere):
    stray = somewhere / ".point.a1b2c3d4"
    other = somewhere / ".pointer"
    stray.write_bytes(b"half")
    other.write_bytes(b"somebody's")
    cut(3)
    assert not stray.exists() and other.exists()


def test_a_disk_that_is_full_does_not_end_the_training(cut, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_checkpoint", full)
    said = cut(17, "--every", "0s")
    assert said.code == 130
    assert "the disk is full" in said.sentence
    assert "training goes on" in said.sentence


def test_weights_that_are_not_finite_are_not_kept(cut, monkeypatch):
    seen = []
    monkeypatch.setattr(checkpoints, "save_checkpoint", lambda *_: seen.append(1))
    snapshot = cli_training.Checkpointing._write

    def broken(self, given):
        given.arrays["theta"][0] = np.nan
        snapshot(self, given)

    monkeypatch.setattr(checkpoints.Checkpointing, "_write", broken)
    cut(3, "--every", "0s")
    assert not seen


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written(ardoise, data, somewhere):
    (somewhere / "closed").mkdir(mode=0o500)
    said = ardoise("train", "--data", data, "--checkpoint", "closed/point")
    assert said.code == 1 and "closed/point" in said.sentence


def test_a_folder_that_is_not_there(ardoise, data):
    said = ardoise("train", "--data", data, "--checkpoint", "none/point")
    assert said.code == 1 and "none/point" in said.sentence


def test_what_cannot_be_resumed(ardoise, data, cut, somewhere):
    said = ardoise("train", "--resume", "none")
    assert said.code == 1 and "there is no such file" in said.sentence
    (somewhere / "wrong").write_bytes(b"not a checkpoint")
    assert "damaged" in ardoise("train", "--resume", "wrong").sentence
    cut(3)
    for options in (("--epochs", 5), ("--data", data), ("--seed", 3)):
        said = ardoise("train", "--resume", "point", *options)
        assert said.code == 2 and "leave out every option" in said.sentence
    good = load_checkpoint("point")
    for changed, words in (
        ({"digest": "0" * 64}, "on other images"),
        ({"seed": "zero"}, "damaged"),
        ({"recipe": "cnn"}, "damaged"),
    ):
        save_checkpoint("point", replace(good, plan=good.plan | changed))
        said = ardoise("train", "--resume", "point", "--output", "x")
        assert said.code == 1 and words in said.sentence
    # Whole, and in contradiction with itself: nothing is left behind.
    snapshot = good.snapshot._replace(
        values=good.snapshot.values | {"generators": ["?"]}
    )
    save_checkpoint("point", replace(good, snapshot=snapshot))
    said = ardoise("train", "--resume", "point", "--output", "x")
    assert said.code == 1 and "damaged" in said.sentence
    assert not (somewhere / "x").exists()


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("5m", 300), ("1h", 3600), ("45", 45), ("0", 0)]
)
def test_times(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1", "1d", "1 m", "9" * 9, "nan"])
def test_times_that_are_none(ardoise, text):
    with pytest.raises(OptionError):
        seconds_of(text)
    said = ardoise("train", f"--every={text}")
    assert said.code == 2
