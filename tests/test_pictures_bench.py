"""The bench of pictures, on few of them, with a network that learned little."""

import json

import numpy as np
import pytest

from ardoise import Dense, Flatten, Network, ReLU, fit
from ardoise.digits import load_mnist
from ardoise.digits.finishing import doubt_of
from ardoise.engine import losses
from ardoise.files import Model, save_model
from ardoise.pictures import Settings
from benchmarks.pictures import __main__ as program
from benchmarks.pictures.cases import CASES
from benchmarks.pictures.ink import skeleton
from benchmarks.pictures.sheets import SHEETS, photo_of_forty, sheet
from benchmarks.pictures.strange import STRANGE


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.fixture(scope="module")
def file(mnist, tmp_path_factory):
    """A model file as ``ardoise train --recipe mlp --seed 0`` leaves it."""
    network = Network([Flatten(), Dense(64), ReLU(), Dense(10)], (28, 28, 1), seed=0)
    learned, known = mnist.subset(np.arange(3000)), mnist.subset(np.arange(3000, 3500))
    fit(network, learned.images, learned.labels, epochs=4, seed=0, threads=1)
    found = doubt_of(network, learned, known, network.predict_logits(known.images))
    details = {"split": "official", "seed": 0, "validation": 0.1}
    details["prepare"] = Settings().config()
    loss = losses.get("softmax_cross_entropy")
    path = tmp_path_factory.mktemp("bench") / "model.safetensors"
    save_model(path, Model(network, mnist.classes, loss, details, found.doubt))
    return path


def test_it_runs_whole(file, capsys):
    options = "--images 60 --sheets 2 --strange 10 --model".split()
    assert program.main([*options, str(file)]) == 0
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    for case in (*(case.name for case in CASES), "uci"):
        found = json.loads(lines[case].replace("'", '"'))
        assert 0 <= found["right"] <= found["of"]
        assert case == "uci" or found["of"] == 60
    as_it_is = json.loads(lines["as it is"].replace("'", '"'))
    assert abs(as_it_is["right"] - as_it_is["without"]) <= 2
    assert {*SHEETS, *STRANGE} <= lines.keys()
    photo = json.loads(lines["12 megapixels"].replace("'", '"'))
    assert photo["megapixels"] == 12 and photo["of"] == 40


def test_pictures_are_the_same_every_time(mnist):
    digit = mnist.images[5, ..., 0]
    for case in CASES:
        one, other = (case.make(digit, np.random.default_rng(3)) for _ in range(2))
        assert one.dtype == np.uint8 and (one == other).all()
    digits, labels = mnist.images[:50, ..., 0], mnist.labels[:50]
    for plan in SHEETS.values():
        (one, text), (other, same) = (
            sheet(digits, labels, plan, np.random.default_rng(3)) for _ in range(2)
        )
        assert text == same and (one == other).all()
        assert plan.lines[0] <= len(text) <= plan.lines[1]
    for make in STRANGE.values():
        one, other = (make(np.random.default_rng(3)) for _ in range(2))
        assert one.dtype == np.uint8 and (one == other).all()
    photo, text = photo_of_forty(digits, labels, np.random.default_rng(0))
    assert photo.shape == (3000, 4000, 3) and list(map(len, text)) == [8] * 5


def test_the_middle_of_strokes():
    mask = np.zeros((20, 40), bool)
    mask[6:13, 3:37] = True
    middle = skeleton(mask)
    assert (middle.sum(axis=0) <= 1).all() and middle[9, 10:30].all()
