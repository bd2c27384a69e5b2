"""``--augment`` and ``ardoise augment``."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest

from ardoise.cli import checkpoints
from ardoise.cli.augmenting import VARIATIONS, read_augmentation, variations
from ardoise.digits import Dataset
from ardoise.digits.recipes import AUGMENTATIONS
from ardoise.engine.augmentation import Augmentation
from ardoise.files import load_model
from ardoise.files.checkpoint import load_checkpoint, save_checkpoint
from ardoise.messages import OptionError

SHORT = ("--epochs", 2, "--batch-size", 40, "--threads", 1, "--recipe", "mlp")
WORDS = "rotation=10, translation=1.5,elastic=8/2,shift=1"
SETTINGS = {"rotation": 10, "translation": 1.5, "elastic": [8, 2], "shift": 1}


def test_words_are_settings():
    assert read_augmentation("none") is None
    assert read_augmentation("elastic") == AUGMENTATIONS["elastic"]
    assert read_augmentation(WORDS) == SETTINGS
    assert read_augmentation("rotation=0") == {}


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ["none, affine, elastic", "probability"]),
        ("strong", ["none, affine, elastic", "strong"]),
        ("rotate=3", ["rotation, translation", "rotate=3"]),
        ("rotation", ["rotation=10"]),
        ("rotation=3,rotation=4", ["rotation=3,rotation=4"]),
        ("image_shape=8/8/1", ["image_shape=8/8/1"]),
        ("rotation=much", ["rotation", "much"]),
        ("rotation=", ["rotation"]),
        ("rotation=200", ["rotation", "200"]),
        ("rotation=1/2", ["rotation", "1/2"]),
        ("elastic=34", ["elastic", "34"]),
        ("shift=1.5", ["shift", "1.5"]),
        ("shift=8", ["8 × 8 × 1"]),
    ],
)
def test_what_makes_no_sense(ardoise, data, somewhere, lang, words, expected):
    for command in (("augment", words), ("train", "--augment", words)):
        said = ardoise(*command, "--data", data, "--lang", lang)
        assert (said.code, said.out) == (2, "")
        assert all(word in said.sentence for word in ["--augment", *expected])
    assert not list(somewhere.iterdir())


def test_rows_that_are_no_images(ardoise, somewhere):
    np.savez("rows.npz", x=np.zeros((40, 7), np.uint8), y=np.arange(40) % 2)
    said = ardoise("train", "--data", "rows.npz", "--augment", "affine")
    assert said.code == 2 and "(7)" in said.sentence


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_training_says_it_and_keeps_it(ardoise, data, somewhere, lang):
    options = ("--augment", WORDS, "--output", "run", "--lang", lang)
    said = ardoise("train", "--data", data, *SHORT, *options)
    assert (said.code, said.err) == (0, "")
    line = "rotation 10, translation 1.5, elastic 8/2, shift 1."
    assert sum(line in each for each in said.out.splitlines()) == 1
    model = load_model(somewhere / "run" / "model.safetensors")
    assert model.details["augmentation"] == SETTINGS
    (page,) = (somewhere / "run").glob("*.html")
    assert line[:-1] in page.read_text("utf-8")
    plain = ardoise("train", "--data", data, *SHORT, "--output", "plain")
    assert "rotation" not in plain.out
    other = load_model(somewhere / "plain" / "model.safetensors")
    assert "augmentation" not in other.details
    assert not np.array_equal(other.network.theta, model.network.theta)


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("recipe", ["mlp", "cnn"])
def test_cut_and_resumed_is_the_same_model(
    ardoise, data, somewhere, monkeypatch, recipe
):
    options = ("--data", data, *SHORT[:-1], recipe, "--augment", "elastic")
    assert ardoise("train", *options, "--output", "whole").code == 0
    before = checkpoints.Checkpointing.on_batch_end

    def press(self, training):
        if training.step == 8:
            training.stop("interrupted")
        before(self, training)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints.Checkpointing, "on_batch_end", press)
        cut = ardoise("train", *options, "--output", "cut", "--checkpoint", "point")
    assert cut.code == 130
    assert ardoise("train", "--resume", "point", "--output", "resumed").code == 0
    whole, resumed = (
        (somewhere / name / "model.safetensors").read_bytes()
        for name in ("whole", "resumed")
    )
    assert resumed == whole


@pytest.mark.usefixtures("no_pictures")
def test_checkpoints_from_before_there_was_augmentation(ardoise, data, somewhere):
    options = ("--data", data, *SHORT, "--output", "run", "--checkpoint", "point")
    assert ardoise("train", *options).code == 0
    checkpoint = load_checkpoint(somewhere / "point")
    plan = {k: v for k, v in checkpoint.plan.items() if k != "augment"}
    save_checkpoint(somewhere / "old", replace(checkpoint, plan=plan))
    assert ardoise("train", "--resume", "old", "--output", "resumed").code == 0
    assert json.dumps(plan) != json.dumps(checkpoint.plan)


# -- the preview ----------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_preview_is_a_picture(ardoise, data, somewhere, lang):
    said = ardoise("augment", "--data", data, "--lang", lang)
    assert (said.code, said.err) == (0, "")
    assert "elastic 34/4" in said.out and "augment.png" in said.out
    picture = (somewhere / "augment.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    ardoise("augment", "none", "--data", data, "--output", "other.png", "--lang", lang)
    assert (somewhere / "other.png").read_bytes() != picture
    assert sorted(os.listdir()) == ["augment.png", "other.png"]


def test_previews_that_cannot_be_drawn(ardoise, data, somewhere):
    said = ardoise("augment", "--data", data, "--output", "none/sheet.png")
    assert said.code == 1 and "does not exist" in said.sentence
    said = ardoise("augment", "--data", data, "--seed", -1)
    assert said.code == 2 and "--seed" in said.sentence
    assert not list(somewhere.iterdir())


def test_variations_are_rows_of_one_image_each():
    images = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
    labels = np.array([0, 2, 2, 0, 2, 0])
    data = Dataset(images, labels, ("a", "b", "c"), "colours")
    rows = variations(data, Augmentation(shift=1), 0)
    assert rows.shape == (3, 1 + VARIATIONS, 5, 4)
    np.testing.assert_allclose(rows[0, 0], images[0].mean(axis=-1))
    np.testing.assert_allclose(rows[2, 0], images[1].mean(axis=-1))
    assert np.isnan(rows[1]).all()
    assert not np.array_equal(rows[0, 1], rows[0, 2])
    np.testing.assert_array_equal(rows, variations(data, Augmentation(shift=1), 0))
    with pytest.raises(OptionError):
        read_augmentation("shift=-1")
