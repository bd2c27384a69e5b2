"""``ardoise predict`` and ``data``, and which model is meant."""

import os
import re
import shlex

import numpy as np
import pytest
from PIL import Image
from small_data import stripes

from ardoise.files import load_model, save_model

MODEL = "model.safetensors"


# -- models ---------------------------------------------------------------------------


def test_the_latest_model(ardoise, data, somewhere, no_pictures):
    said = ardoise("evaluate", "--lang", "fr")
    assert said.code == 1
    assert said.sentence.startswith("Il n’y a pas encore de modèle dans runs")
    for epochs in (1, 2):
        ardoise("train", "--data", data, "--epochs", epochs, "--threads", 1)
    newest = max((somewhere / "runs").iterdir(), key=lambda run: len(run.name))
    os.utime(newest / MODEL, (2e9, 2e9))
    said = ardoise("evaluate")
    latest = newest.relative_to(somewhere) / MODEL
    assert said.out.startswith(f"Model: {latest} (the latest).\n")


@pytest.mark.parametrize("command", ["evaluate", "predict"])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_models_that_are_none(ardoise, somewhere, pictures, command, lang):
    (somewhere / "empty").write_bytes(b"")
    (somewhere / "text").write_text("This is not a model.")
    (somewhere / "folder").mkdir()
    system, damaged = {
        "en": ("there is no such file or folder", "is not a model of ardoise"),
        "fr": (
            "ce fichier ou ce dossier n’existe pas",
            "n’est pas un modèle d’ardoise",
        ),
    }[lang]
    for name, words in (
        *(("none", system), ("folder", system), ("empty/x", "")),
        *(("empty", damaged), ("text", damaged), ("/dev/zero", damaged)),
    ):
        files = pictures if command == "predict" else ()
        said = ardoise(command, *files, "--model", name, "--lang", lang)
        assert (said.code, said.out) == (1, "")
        assert words in said.sentence


# -- predict --------------------------------------------------------------------------


def test_it_reads_pictures(ardoise, trained, pictures):
    folder, _ = trained["en"]
    said = ardoise("predict", *pictures, "--model", folder)
    assert (said.code, said.err) == (0, "")
    network = load_model(folder / MODEL).network
    probabilities = network.predict_proba(stripes(3, seed=1)[0][..., np.newaxis])
    for line, file, p in zip(
        said.out.splitlines(), pictures, probabilities, strict=True
    ):
        second, first = np.argsort(p)[-2:]
        assert line == (
            f"{file}: I read {first} ({100 * p[first]:.1f}%), "
            f"perhaps {second} ({100 * p[second]:.1f}%)."
        )


def test_good_pictures_among_others(ardoise, trained, pictures, somewhere):
    (somewhere / "text.png").write_text("hello")
    (somewhere / "empty.png").write_bytes(b"")
    whole = pictures[0].read_bytes()
    (somewhere / "half.png").write_bytes(whole[: len(whole) // 2])
    (somewhere / "folder").mkdir()
    bad = ["text.png", "empty.png", "half.png", "folder", "none.png"]
    files = [pictures[0], *bad, pictures[1]]
    options = ("--model", trained["fr"][0], "--lang", "fr")
    said = ardoise("predict", *files, *options)
    assert said.code == 1
    good = [line.split("\u00a0: je lis ")[0] for line in said.out.splitlines()]
    assert good == [str(pictures[0]), str(pictures[1])]
    complaints = said.err.splitlines()
    assert len(complaints) == len(bad)
    for name, complaint in zip(bad, complaints, strict=True):
        assert complaint.startswith(name)
    assert not re.search(
        r"\b(is|the|file|folder)\b", said.err.replace("folder est", "")
    )


def test_any_picture_will_do(ardoise, trained, somewhere):
    """Colour, transparency, sixteen bits, another size: it is made to fit."""
    rng = np.random.default_rng(0)
    for name, shape, dtype in (
        ("colour.png", (40, 30, 3), np.uint8),
        ("alpha.png", (5, 90, 4), np.uint8),
        ("deep.png", (20, 20), np.uint16),
        ("one pixel é.png", (1, 1), np.uint8),
    ):
        top = np.iinfo(dtype).max
        picture = rng.integers(0, top, shape, dtype=dtype, endpoint=True)
        Image.fromarray(picture).save(name)
    files = sorted(somewhere.glob("*.png"))
    said = ardoise("predict", *files, "--model", trained["en"][0])
    assert (said.code, said.err) == (0, "")
    assert len(said.out.splitlines()) == 4


def test_ink_and_paper(ardoise, somewhere, no_pictures):
    """A model of dark stripes on white reads them, and bright ones on black too."""
    images, labels = stripes(150)
    images[:, [0, -1]] = images[:, :, [0, -1]] = 0  # a margin: which is the paper?
    np.savez("ink.npz", x=255 - images, y=labels)
    options = ("--epochs", 15, "--threads", 1, "--output", "run")
    assert ardoise("train", "--data", "ink.npz", *options).code == 0
    assert load_model("run/" + MODEL).details["dark_on_light"]
    for i, picture in enumerate((255 - images[1], images[1])):
        Image.fromarray(picture).save(f"{i}.png")
    said = ardoise("predict", "0.png", "1.png", "--model", "run")
    dark, bright = (line.split(": ", 1)[1] for line in said.out.splitlines())
    assert dark == bright and dark.startswith("I read 1 (")


@pytest.mark.parametrize(
    ("shape", "words"), [((40, 60, 1, 3), "1 × 60 × 3"), ((40, 63), "63")]
)
def test_a_model_of_something_else(
    ardoise, somewhere, pictures, no_pictures, shape, words
):
    shape = (40, 1, 60, 3) if len(shape) == 4 else shape
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, shape, dtype=np.uint8)
    np.savez("rows.npz", x=images, y=np.arange(40) % 2)
    options = ("--epochs", 1, "--threads", 1, "--output", "run")
    assert ardoise("train", "--data", "rows.npz", *options).code == 0
    said = ardoise("predict", *pictures, "--model", "run")
    assert said.code == 1 and words in said.sentence
    assert ardoise("evaluate", "run").code == 0


def test_answers_that_are_no_numbers(ardoise, trained, pictures, somewhere):
    model = load_model(trained["en"][0] / MODEL)
    model.network.theta[...] = 3e38
    save_model("huge", model)
    for command in (("evaluate",), ("predict", *pictures)):
        said = ardoise(*command, "--model", "huge")
        assert said.code == 1 and "values that are no numbers" in said.sentence


# -- data -----------------------------------------------------------------------------


def test_what_is_there(ardoise, data):
    said = ardoise("data", data)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "stripes: 300 images of 8 × 8 × 1 (uint8, values 0 to 219), 3 classes.",
        "class  images  share",
        "0         100  33.3%",
        "1         100  33.3%",
        "2         100  33.3%",
        f"To see them: ardoise data {data} --sheet sheet.png",
    ]


def test_floats_in_french(ardoise, somewhere):
    images, labels = stripes(30)
    np.savez("été.npz", x=images / 250, y=np.array(["chat", "chien", "élan"])[labels])
    said = ardoise("data", "été.npz", "--lang", "fr")
    assert "float32, valeurs de 0 à 0,876)" in said.out
    assert "élan        10  33,3\u00a0%" in said.out


def test_the_hint_can_be_typed(ardoise, somewhere):
    images, labels = stripes(30)
    np.savez("my data.npz", x=images, y=labels)
    hint = ardoise("data", "my data.npz").out.splitlines()[-1]
    command = shlex.split(hint.split(": ", 1)[1])
    assert command == ["ardoise", "data", "my data.npz", "--sheet", "sheet.png"]
    said = ardoise(*command[1:])
    assert said.out.endswith("Contact sheet: sheet.png\n")
    assert (somewhere / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_mnist(ardoise):
    said = ardoise("data", "--lang", "fr")
    assert said.out.startswith("MNIST\u00a0: 70\u202f000 images de 28 × 28 × 1")
    assert "licence CC BY-SA 3.0" in said.out
    assert said.out.endswith("ardoise data --sheet planche.png\n")
    assert ardoise("data", "MNIST", "--lang", "fr").out == said.out


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ("sheet", "picture format"),
        ("sheet.xyz", "picture format"),
        ("none/sheet.png", "does not exist"),
    ],
)
def test_a_sheet_that_cannot_be_drawn(ardoise, data, somewhere, sheet, words):
    said = ardoise("data", data, "--sheet", sheet)
    assert said.code == 1 and words in said.sentence
    assert not list(somewhere.iterdir())


def test_names_that_cannot_be_shown(ardoise, somewhere, no_pictures):
    """Bytes that are not UTF-8 in a folder's name, colour codes in a label."""
    images, labels = stripes(30)
    names = np.array(["\x1b[31mred", "a\nb", "fine é"])[labels]
    os.mkdir(b"\xe9")
    np.savez("\udce9/\udce9.npz", x=images, y=names)
    said = ardoise("data", "\udce9/\udce9.npz")
    assert said.code == 0
    assert said.out.startswith(r"\udce9: 30 images")
    for name in (r"\x1b[31mred", r"a\nb", "fine é"):
        assert name in said.out
    options = ("--epochs", 1, "--threads", 1, "--output", "run")
    assert ardoise("train", "--data", "\udce9/\udce9.npz", *options).code == 0
    assert ardoise("evaluate", "run").code == 0
