"""``ardoise evaluate``, ``predict`` and ``data``."""

import os
import re
import shlex
import struct

import numpy as np
import pytest
from PIL import Image
from small_data import numbers, stripes

from ardoise.digits.scores import wilson_interval
from ardoise.files import Model, load_model, save_model

MODEL = "model.safetensors"


# -- evaluate -------------------------------------------------------------------------


def result(said):
    """Return the line with the accuracy."""
    (line,) = (
        line
        for line in said.out.splitlines()
        if line.startswith(("Test accuracy", "Exactitude sur le test"))
    )
    return line


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_it_finds_the_test_images_again(ardoise, trained, lang):
    """The same accuracy as at the end of the training: the same images."""
    folder, training = trained[lang]
    for model in (folder, folder / MODEL):
        said = ardoise("evaluate", model, "--lang", lang)
        assert (said.code, said.err) == (0, "")
        assert result(said) == result(training)
        assert "80/10/10" in said.out.splitlines()[0]


@pytest.mark.parametrize("recipe", ["mlp", "cnn", "notebook"])
@pytest.mark.parametrize("split", [None, "55/15/30", "notebook"])
def test_of_every_split(ardoise, data, no_pictures, recipe, split):
    split_option = ("--split", split) if split else ()
    training = ardoise(
        *("train", "--recipe", recipe, "--data", data, *split_option),
        *("--epochs", 3, "--seed", 5, "--threads", 1, "--output", "run"),
    )
    assert result(ardoise("evaluate", "run")) == result(training)


def test_the_table_of_the_classes(ardoise, trained, data):
    folder, _ = trained["en"]
    said = ardoise("evaluate", folder, "--split", "50/0/50")
    table = said.out.splitlines()[2:]
    assert table[0].split("  ")[0] == "class" and len(table) == 4
    rows = [numbers(line) for line in table[1:]]
    assert [row[:2] for row in rows] == [[0, 50], [1, 50], [2, 50]]
    right = sum(count * recall / 100 for _, count, recall, *_ in rows)
    share, low, high, correct, total = (
        numbers(result(said))[i] for i in (0, 2, 3, 4, 5)
    )
    assert right == pytest.approx(correct, abs=0.1) and total == 150
    expected = wilson_interval(int(correct), 150)
    assert [share, low, high] == pytest.approx(
        [100 * correct / 150, *(100 * end for end in expected)], abs=0.006
    )


def test_other_data(ardoise, trained, somewhere):
    images, labels = stripes(90, seed=3)
    table = np.c_[labels, images.reshape(90, -1)]
    np.savetxt("other.csv", table, fmt="%d", delimiter=";")
    said = ardoise("evaluate", trained["en"][0], "--data", "other.csv")
    assert said.out.startswith("Data other (all of it): 90 images.")
    assert (said.code, said.err) == (0, "") and " of 90 images" in result(said)


def test_from_another_folder(ardoise, somewhere, no_pictures):
    """The data are found again: two files, and one with a comma in its name."""
    images, labels = stripes(60)
    for name, magic, array in (("images", 2051, images), ("labels", 2049, labels)):
        header = struct.pack(f">I{array.ndim}I", magic, *array.shape)
        (somewhere / name).write_bytes(header + array.astype(np.uint8).tobytes())
    table = np.c_[labels, images.reshape(60, -1)]
    np.savetxt("a,b.csv", table, fmt="%d", delimiter=",")
    (somewhere / "elsewhere").mkdir()
    for i, source in enumerate(("images, labels", "a,b.csv")):
        options = ("--epochs", 1, "--threads", 1, "--output", f"run {i}")
        training = ardoise("train", "--data", source, *options)
        os.chdir("elsewhere")
        said = ardoise("evaluate", f"../run {i}")
        os.chdir("..")
        assert result(said) == result(training)


def test_a_class_without_images(ardoise, trained, somewhere):
    images, labels = stripes(90, seed=3)
    np.savez("two.npz", x=images[labels != 1], y=labels[labels != 1])
    said = ardoise("evaluate", trained["en"][0], "--data", "two.npz")
    assert said.code == 0
    assert re.search(r"^1 +0 +(0\.0%)? *$", said.out, re.MULTILINE)


def test_data_that_changed_since(ardoise, data, somewhere, no_pictures):
    images, labels = stripes(100, seed=3)
    np.savez("mine.npz", x=images, y=labels)
    options = ("--epochs", 1, "--threads", 1, "--output", "run")
    assert ardoise("train", "--data", "mine.npz", *options).code == 0
    assert ardoise("evaluate", "run").err == ""
    np.savez("mine.npz", x=255 - images, y=labels)
    said = ardoise("evaluate", "run")
    assert "mine has changed since the training" in said.sentence
    assert said.out.startswith("Data mine (all of it): 100 images.")
    assert ardoise("evaluate", "run", "--data", "mine.npz").err == ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda x, y: {"x": x, "y": y + 1},
            "The data holds the class 3, and the model only knows 0, 1, 2.",
        ),
        (
            lambda x, y: {"x": x[:, :7, :7], "y": y},
            "The model reads images of 8 × 8 × 1, and these are of 7 × 7 × 1.",
        ),
    ],
)
def test_data_that_do_not_fit(ardoise, trained, change, sentence, somewhere):
    np.savez("other.npz", **change(*stripes(30)))
    said = ardoise("evaluate", trained["en"][0], "--data", "other.npz")
    assert (said.code, said.sentence) == (1, sentence)


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


@pytest.mark.parametrize(
    "lie",
    [
        {"seed": "a"},
        {"seed": -1},
        {"seed": None},
        {"validation": "x"},
        {"validation": 7},
        {"seed": 1e999},
    ],
)
def test_a_model_that_lies_about_its_training(ardoise, trained, somewhere, lie):
    model = load_model(trained["en"][0] / MODEL)
    if lie.get("seed") == 1e999:
        lie = {"seed": 10**400}
    save_model(
        "lie", Model(model.network, model.classes, model.loss, model.details | lie)
    )
    said = ardoise("evaluate", "lie")
    if said.code == 0:  # a seed can be as large as it likes
        assert lie == {"seed": 10**400}
    else:
        assert (said.code, "lie is not a model" in said.sentence) == (1, True)


def test_a_model_without_details(ardoise, trained, data, somewhere):
    model = load_model(trained["en"][0] / MODEL)
    save_model("bare", Model(model.network, model.classes, model.loss))
    said = ardoise("evaluate", "bare", "--data", data)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Data stripes (all of it): 300 images.")
    digest = {"digest": model.details["digest"]}
    save_model("bare", Model(model.network, model.classes, model.loss, digest))
    assert ardoise("evaluate", "bare", "--data", data).out == said.out


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
