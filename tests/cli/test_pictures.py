"""``ardoise predict``, ``read`` and ``teach``: people's own pictures."""

import csv
import io
import json
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest
from PIL import Image

from ardoise.cli.app import run
from ardoise.digits import load_mnist
from ardoise.files import load_model, save_model

N, B = "\u202f", "\u00a0"


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


@pytest.fixture(scope="module")
def reader(mnist, tmp_path_factory):
    """A folder with a network that learned 6,000 digits."""
    folder = tmp_path_factory.mktemp("reader")
    np.savez(folder / "some.npz", x=mnist.images[:6000, ..., 0], y=mnist.labels[:6000])
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        options = ["--recipe", "fastest", "--epochs", "4", "--threads", "1"]
        options += ["--data", str(folder / "some.npz"), "--output", str(folder / "run")]
        assert run(["train", *options]) == 0
    return folder / "run"


def digit(mnist, label, number=0):
    """Return one digit that it did not learn."""
    rows = np.flatnonzero(mnist.labels == label)
    return mnist.images[rows[rows >= 60000][number], ..., 0]


def sheet(mnist, numbers):
    """Return dark numbers on light paper, a line each."""
    ink = np.zeros((60 + 110 * len(numbers), 60 + 80 * max(map(len, numbers))))
    for i, number in enumerate(numbers):
        for j, label in enumerate(number):
            large = np.kron(digit(mnist, int(label), i), np.ones((3, 3))) / 255
            top, left = 30 + 110 * i, 30 + 80 * j
            place = ink[top : top + 84, left : left + 84]
            np.maximum(place, large[: len(place), : place.shape[1]], out=place)
    return (255 * (0.9 - 0.7 * ink)).astype(np.uint8)


def test_what_is_remembered(reader):
    model = load_model(reader / "model.safetensors")
    assert model.details["prepare"]["name"] == "mnist"
    assert model.doubt is not None and len(model.doubt.novelty) == 1


def test_a_recipe_that_learns_from_what_is_no_digit(ardoise, reader, mnist, somewhere):
    paper = 255 - mnist.images[:600, ..., 0]
    for name, images in (("bytes", paper), ("shares", (paper / 255).astype("f4"))):
        np.savez(f"{name}.npz", x=images, y=mnist.labels[:600])
        options = (
            f"--recipe cnn --epochs 1 --threads 1 --data {name}.npz --output {name}"
        )
        said = ardoise("train", *options.split())
        assert said.code == 0, said.err
        assert "learns from 48 random strokes and blots" in said.out
        model = load_model(f"{name}/model.safetensors")
        assert model.details["outliers"] == 48 and model.details["dark_on_light"]
    # What is taught to it later does not make it forget that.
    hand(mnist, somewhere / "mine", 1)
    said = ardoise("teach", "mine", "--model", "bytes")
    assert said.code in (0, 1) and "Traceback" not in said.err
    # Data that are no pictures of digits have no use for strokes.
    rng = np.random.default_rng(0)
    np.savez("noise.npz", x=rng.random((200, 28, 28)), y=np.arange(200) % 2)
    options = "--recipe cnn --epochs 1 --threads 1 --data noise.npz --output noise"
    said = ardoise("train", *options.split())
    assert said.code == 0 and "strokes" not in said.out


def test_predict_says_what_it_did(ardoise, reader, mnist, somewhere):
    large = 255 - np.kron(digit(mnist, 7), np.ones((6, 6), np.uint8))
    Image.fromarray(large).save("seven.png")
    said = ardoise("predict", "seven.png", "--model", reader)
    first, second = said.out.splitlines()
    assert said.code == 0 and first.startswith("seven.png: I read 7 (")
    assert second == "  (prepared: light ground: colours inverted, size changed 0.17 ×)"
    said = ardoise("predict", "seven.png", "--model", reader, "--lang", "fr")
    assert f"préparation{B}: fond clair{B}: couleurs inversées" in said.out
    assert "taille changée 0,17 ×" in said.out


def test_predict_does_not_know(ardoise, reader, somewhere):
    rng = np.random.default_rng(0)
    Image.fromarray(np.full((90, 70), 200, np.uint8)).save("board.png")
    noise = rng.integers(0, 2, (14, 14)).astype(np.uint8) * 255
    Image.fromarray(np.kron(noise, np.ones((8, 8), np.uint8))).save("noise.png")
    said = ardoise("predict", "board.png", "noise.png", "--model", reader)
    board, noise = said.out.splitlines()[:2]
    assert board == "board.png: there is nothing on this picture."
    assert noise.startswith("noise.png: I don’t know; perhaps ")
    said = ardoise("predict", "noise.png", "--model", reader, "--reject", "0")
    assert said.out.startswith("noise.png: I read ")


@pytest.mark.parametrize("share", ["11%", "much", "nan", "1"])
def test_shares_that_are_none(ardoise, reader, somewhere, share):
    said = ardoise("predict", "a.png", "--model", reader, "--reject", share)
    assert said.code == 2 and said.sentence.startswith("--reject: expected a share")


def test_a_model_that_refuses_nothing(ardoise, reader, mnist, somewhere):
    model = load_model(reader / "model.safetensors")
    save_model("old.safetensors", type(model)(
        model.network, model.classes, model.loss, model.details))  # fmt: skip
    Image.fromarray(digit(mnist, 3)).save("three.png")
    said = ardoise("predict", "three.png", "--model", "old.safetensors")
    assert said.code == 0 and "I read 3" in said.out
    options = ("--model", "old.safetensors", "--reject", "1%")
    said = ardoise("predict", "three.png", *options)
    assert said.code == 2 and "does not know what to refuse" in said.sentence


NUMBERS = ["4071", "86", "352"]


@pytest.fixture
def page(mnist, somewhere):
    Image.fromarray(sheet(mnist, NUMBERS)).save("page.png")
    return "page.png"


def plain(line):
    """Return a line without second guesses."""
    while "(" in line:
        line = line[: line.index("(")] + line[line.index(")") + 1 :]
    return line


def test_read(ardoise, reader, page):
    said = ardoise("read", page, "--model", reader, "--reject", "0")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert [plain(line) for line in lines[:3]] == NUMBERS
    assert lines[-1].startswith("  (prepared: light ground: colours inverted")
    said = ardoise("read", page, "--model", reader, "--lang", "fr")
    assert "fond clair" in said.out


def test_read_as_json_csv_and_picture(ardoise, reader, page, somewhere):
    options = ("--model", reader, "--reject", "0", "--json")
    said = ardoise("read", page, *options, "--csv", "a.csv", "--annotate", "b.png")
    found = json.loads(said.out)
    assert found["text"] == "\n".join(NUMBERS) and found["file"] == page
    with Image.open(page) as image:
        original = np.asarray(image.convert("RGB"))
    size = original.shape[1::-1]
    assert (found["width"], found["height"]) == size
    first = found["lines"][0][0][0]
    assert first["label"] == "4" and 0 < first["probability"] <= 1
    assert 20 < first["box"]["left"] < first["box"]["right"] < 120
    with open("a.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["number"]) for row in rows] == [
        ("1", "4071"),
        ("2", "86"),
        ("3", "352"),
    ]
    with Image.open("b.png") as drawn:
        assert drawn.size == size and drawn.mode == "RGB"
        changed = np.asarray(drawn) != original
    assert 0.001 < changed.mean() < 0.2


def test_read_many(ardoise, reader, page, somewhere):
    Image.fromarray(np.zeros((40, 40), np.uint8)).save("board.png")
    (somewhere / "text.png").write_text("hello")
    files = ("board.png", "text.png", page)
    options = ("--model", reader, "--csv", "a.csv", "--annotate", "drawn")
    said = ardoise("read", *files, *options)
    assert said.code == 1 and said.err.startswith("text.png is not an image")
    lines = said.out.splitlines()
    assert lines[:2] == ["board.png:", "No digit found."]
    assert "page.png:" in lines and lines[-1] == "All numbers are in a.csv."
    assert sorted(p.name for p in (somewhere / "drawn").iterdir()) == [
        "board-read.png",
        "page-read.png",
    ]


def test_ctrl_c_keeps_what_was_read(ardoise, reader, page, somewhere, monkeypatch):
    from ardoise.cli import pictures

    files, read_picture = [page, "never.png"], pictures.read_picture

    def read_or_stop(file):
        if file.name == "never.png":
            raise KeyboardInterrupt
        return read_picture(file)

    monkeypatch.setattr(pictures, "read_picture", read_or_stop)
    said = ardoise("read", *files, "--model", reader, "--csv", "a.csv")
    assert said.code == 130 and (somewhere / "a.csv").read_text().count("\n") == 4


def test_read_needs_a_model_of_digits(ardoise, trained, page):
    said = ardoise("read", page, "--model", trained["en"][0])
    assert said.code == 1 and said.sentence.startswith("This model was not trained on")


def test_a_preparation_of_another_version(ardoise, reader, page):
    model = load_model(reader / "model.safetensors")
    model.details["prepare"] = {"name": "other"}
    save_model("other.safetensors", model)
    said = ardoise("read", page, "--model", "other.safetensors")
    assert said.code == 1 and "this version does not know" in said.sentence


# -- teach ----------------------------------------------------------------------------


def hand(mnist, folder, n, turn=1):
    """Write n digits of each class, leaning over, a class a folder."""
    for label in range(10):
        (folder / str(label)).mkdir(parents=True)
        for i in range(n):
            image = Image.fromarray(digit(mnist, (label * turn) % 10, i))
            image.rotate(-35).save(folder / str(label) / f"{i}.png")


def test_teach(ardoise, reader, mnist, somewhere, monkeypatch):
    # Of 600 validation images, 0.2 points are one: this network is young.
    monkeypatch.setattr("ardoise.digits.teaching.MOST_LOST", 0.05)
    hand(mnist, somewhere / "mine", 4)
    Image.fromarray(np.zeros((28, 28), np.uint8)).save("mine/3/nothing.png")
    (somewhere / "mine/3/text.png").write_text("hello")
    said = ardoise("teach", "mine", "--model", reader, "--output", "new.safetensors")
    assert said.code == 0, said.err
    assert "mine/3/nothing.png: there is nothing on this picture." in said.out
    assert "mine/3/text.png is not an image" in said.err
    line = next(x for x in said.out.splitlines() if x.startswith("Your pictures: "))
    before, after = (float(word[:-1]) for word in line.split() if word.endswith("%"))
    assert after > before
    new, old = load_model("new.safetensors"), load_model(reader / "model.safetensors")
    assert new.details["taught"] == 40 and new.doubt is not None
    assert (new.network.theta != old.network.theta).any()
    # Beside the old one, and of few pictures that are read by whom they were taught to.
    hand(mnist, somewhere / "few", 1)
    for label in "23456789":
        (somewhere / "few" / label / "0.png").unlink()
    said = ardoise("teach", "few", "--model", "new.safetensors", "--lang", "fr")
    assert said.code == 0 and "ces images mêmes" in said.out
    assert load_model("new-taught.safetensors").details["taught"] == 42


def test_what_would_be_forgotten_is_not_learned(ardoise, reader, mnist, somewhere):
    hand(mnist, somewhere / "wrong", 4, turn=3)
    for path in (somewhere / "wrong").glob("*/*.png"):
        with Image.open(path) as image:
            upright = image.rotate(35)
        upright.save(path)
    said = ardoise("teach", "wrong", "--model", reader, "--output", "new.safetensors")
    assert said.code == 1 and said.sentence.startswith("Not saved: ")
    assert not (somewhere / "new.safetensors").exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, "is no folder"),
        (lambda folder: folder.mkdir(), "no picture to learn"),
        (lambda folder: (folder / "x").mkdir(parents=True), "knows no class x"),
        (lambda folder: (folder / "1").mkdir(parents=True), "no picture to learn"),
    ],
)
def test_nothing_to_learn(ardoise, reader, somewhere, make, words):
    make(somewhere / "mine")
    said = ardoise("teach", "mine", "--model", reader)
    assert said.code == 1 and words in said.sentence
