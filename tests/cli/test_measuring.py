"""``ardoise evaluate`` and ``compare``, and the seal on the test images."""

import errno
import json
import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from small_data import numbers, stripes

from ardoise.cli import openings
from ardoise.cli.training import opening_command
from ardoise.digits.held import is_sealed
from ardoise.digits.scores import confidence, mcnemar, wilson_interval
from ardoise.files import Model, load_model, save_model

MODEL = "model.safetensors"


# -- evaluate -------------------------------------------------------------------------


def result(said):
    """Return the line with the accuracy."""
    (line,) = (
        line
        for line in said.out.splitlines()
        if re.match(
            r"(Validation a|Test a|A)ccuracy: |Exactitude( de| sur|\u00a0)", line
        )
    )
    return line


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_it_finds_the_validation_images_again(ardoise, trained, lang):
    """The same accuracy as at the end of the training: the same images."""
    folder, training = trained[lang]
    for model in (folder, folder / MODEL):
        said = ardoise("evaluate", model, "--lang", lang)
        assert (said.code, said.err) == (0, "")
        assert result(said) == result(training)
        assert "alidation" in result(said) and "test" not in said.out
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
    looked = recipe == "notebook"
    assert result(training).startswith("Test" if looked else "Validation")
    assert ("still sealed" in training.out) is not looked


def test_the_table_of_the_classes(ardoise, trained, data):
    folder, _ = trained["en"]
    said = ardoise("evaluate", folder, "--split", "50/45/5")
    table = said.out.splitlines()[3:]
    assert table[0].split("  ")[0] == "class" and len(table) == 4
    rows = [numbers(line) for line in table[1:]]
    assert [row[:2] for row in rows] == [[0, 45], [1, 45], [2, 45]]
    right = sum(count * recall / 100 for _, count, recall, *_ in rows)
    share, low, high, correct, total = (
        numbers(result(said))[i] for i in (0, 2, 3, 4, 5)
    )
    assert right == pytest.approx(correct, abs=0.1) and total == 135
    expected = wilson_interval(int(correct), 135)
    assert [share, low, high] == pytest.approx(
        [100 * correct / 135, *(100 * end for end in expected)], abs=0.006
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


# -- the seal -------------------------------------------------------------------------


def copy_of(folder, name="run"):
    """Return a folder with the same model, in which nothing was opened yet."""
    Path(name).mkdir()
    Path(name, MODEL).write_bytes((folder / MODEL).read_bytes())
    return Path(name)


def test_the_seal_is_opened_and_that_is_counted(ardoise, trained):
    run = copy_of(trained["en"][0])
    said = ardoise("evaluate", run, "--final")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "Data stripes (test part of the split 80/10/10): 30 images."
    assert lines[1].startswith("Test accuracy: ") and " of 30 images" in lines[1]
    assert lines[3] == (
        "Openings of these test images, counted in run/openings.json: 1."
    )
    again = ardoise("evaluate", run / MODEL, "--final").out.splitlines()
    assert again[:3] == lines[:3]
    assert again[3].endswith("openings.json: 2.")
    assert lines[1].split()[2] in again[4] and "is the fair one" in again[4]
    assert not any("fair" in line for line in lines)
    found = json.loads((run / "openings.json").read_text("utf-8"))["openings"]
    assert len(found) == 2 and found[0]["sha256"] == openings.digest_of(run / MODEL)
    assert found[0]["total"] == 30 and found[0]["data"] == "stripes"
    # The validation part is no matter of seals.
    assert "Openings" not in ardoise("evaluate", run).out
    assert ardoise("info", run).out.splitlines()[-2:] == [
        lines[1]
        .replace("30 images read correctly.", "30 images.")
        .replace(re.search(r"\): (\d+ of )", lines[1])[0], ") on "),
        "Openings of the test images: 2.",
    ]


def test_in_french(ardoise, trained):
    run = copy_of(trained["fr"][0])
    for n in (1, 2):
        said = ardoise("evaluate", run, "--final", "--lang", "fr")
        assert f"comptées dans run/openings.json\u00a0: {n}." in said.out
    assert "le chiffre honnête" in said.out


def test_other_test_images_are_counted_apart(ardoise, trained):
    run = copy_of(trained["en"][0])
    for split in ("50/25/25", "80/10/10"):
        said = ardoise("evaluate", run, "--split", split, "--final")
        assert "openings.json: 1." in said.out


def test_the_figures_as_json(ardoise, trained):
    run = copy_of(trained["en"][0])
    found = json.loads(ardoise("evaluate", run, "--json").out)
    assert (found["part"], found["openings"], found["total"]) == ("validation", 0, 30)
    model = load_model(run / MODEL)
    said = json.loads(ardoise("evaluate", "--final", "--json", "--model", run).out)
    assert (said["part"], said["openings"], said["split"]) == ("test", 1, "80/10/10")
    assert said["accuracy"] == said["correct"] / said["total"]
    assert said["interval"] == list(wilson_interval(said["correct"], 30))
    assert said["sha256"] == openings.digest_of(run / MODEL)
    images, labels = stripes(90, seed=3)
    np.savez("other.npz", x=images, y=labels)
    whole = json.loads(ardoise("evaluate", run, "--data", "other.npz", "--json").out)
    assert (whole["part"], whole["split"]) == ("whole", None)
    scores = confidence(model.network.predict_proba(images[..., None]), labels)
    assert whole["ece"] == pytest.approx(scores.ece)
    assert whole["nll"] == pytest.approx(scores.nll)
    assert whole["brier"] == pytest.approx(scores.brier)
    line = ardoise("evaluate", run, "--data", "other.npz").out.splitlines()[2]
    assert f"calibration error {100 * scores.ece:.2f}%" in line
    assert f"{scores.nll:.4f}, Brier score {scores.brier:.4f}" in line


@pytest.mark.parametrize("recipe", ["mlp", "notebook"])
def test_nothing_but_the_test_images(ardoise, data, no_pictures, recipe):
    options = ("--split", "70/0/30", "--epochs", 1, "--threads", 1, "--output", "run")
    said = ardoise("train", "--recipe", recipe, "--data", data, *options)
    assert said.code == 0
    said = ardoise("evaluate", "run")
    if recipe == "notebook":  # which looked at them itself
        assert result(said).startswith("Test accuracy")
        return
    assert (said.code, said.out) == (1, "")
    assert "evaluate --final" in said.sentence
    assert result(ardoise("evaluate", "run", "--final")).startswith("Test accuracy")
    # That an export does the same shows on any images.
    assert ardoise("export", "run", "--to", "py", "--output", "m.py").code == 0
    assert "openings.json: 2" in ardoise("evaluate", "run", "--final").out


def test_who_is_sealed():
    assert is_sealed("mlp", "official") and is_sealed("notebook", "official")
    assert is_sealed("mlp", "notebook") and is_sealed("none", "80/10/10")
    assert not is_sealed("notebook", "notebook")
    assert not is_sealed("notebook", "60/0/40")


def test_what_cannot_be_counted_is_not_opened(ardoise, trained, monkeypatch):
    run = copy_of(trained["en"][0])

    def fail(*_):
        raise OSError(errno.EROFS, "read-only")

    with monkeypatch.context() as patch:
        patch.setattr(openings, "write_atomically", fail)
        said = ardoise("evaluate", run, "--final")
    assert (said.code, said.out) == (1, "")
    assert "cannot be written (the disk can only be read)" in said.sentence
    (run / "openings.json").mkdir()
    said = ardoise("evaluate", run, "--final")
    assert said.code == 1 and "stay sealed" in said.sentence


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 2, "openings": []}',
        '{"format": 1, "openings": 3}',
        '{"format": 1, "openings": [3]}',
        '{"format": 1, "openings": [{"time": 3}]}',
        "[" * 100_000,
        "\ud800",
    ],
)
def test_a_count_that_is_none(ardoise, trained, content):
    run = copy_of(trained["en"][0])
    (run / "openings.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    said = ardoise("evaluate", run, "--final", "--lang", "fr")
    assert (said.code, said.out) == (1, "")
    assert "ne contient pas de compte" in said.sentence


@pytest.mark.parametrize("change", [{"correct": 31}, {"total": 0}, {"total": True}])
def test_an_opening_that_is_none(ardoise, trained, change):
    run = copy_of(trained["en"][0])
    assert ardoise("evaluate", run, "--final").code == 0
    path = run / "openings.json"
    found = json.loads(path.read_text("utf-8"))
    found["openings"][0] |= change
    path.write_text(json.dumps(found))
    assert "does not hold a count" in ardoise("evaluate", run, "--final").sentence


@pytest.mark.parametrize(
    ("started", "known", "program"),
    [
        ("/usr/bin/ardoise", True, "ardoise"),
        (".venv/bin/ardoise", False, ".venv/bin/ardoise"),
        ("/lib/ardoise/__main__.py", False, "python -m ardoise"),
        ("/usr/bin/pytest", False, "ardoise"),
        ("/lib/pytest/__main__.py", False, "ardoise"),
    ],
)
def test_the_command_that_opens_can_be_typed(monkeypatch, started, known, program):
    monkeypatch.setattr("sys.argv", [started])
    monkeypatch.setattr("shutil.which", lambda _: started if known else None)
    expected = f"{program} evaluate --final 'my run'"
    assert opening_command(Path("my run")) == expected


# -- compare --------------------------------------------------------------------------


@pytest.fixture
def pair(ardoise, data, somewhere, no_pictures):
    """Two trainings on the same images, one far better than the other."""
    for name, epochs, seed in (("good", 15, 0), ("bad", 1, 0), ("other", 15, 1)):
        options = ("--epochs", epochs, "--seed", seed, "--threads", 1)
        said = ardoise("train", "--data", data, *options, "--output", name)
        assert said.code == 0
    images, labels = stripes(300, seed=5)
    np.savez("fresh.npz", x=images, y=labels)


def right(name, images, labels):
    probabilities = load_model(f"{name}/{MODEL}").network.predict_proba(images)
    return probabilities.argmax(axis=1) == labels


def test_two_models(ardoise, pair):
    said = ardoise("compare", "good", "bad", "--data", "fresh.npz")
    assert (said.code, said.err) == (0, "")
    images, labels = stripes(300, seed=5)
    good, bad = (right(name, images[..., None], labels) for name in ("good", "bad"))
    b, c = (good & ~bad).sum(), (bad & ~good).sum()
    lines = said.out.splitlines()
    assert lines[0] == (
        "Data fresh: 300 images that neither model has learned from "
        "(A: all of it; B: all of it)."
    )
    assert lines[1] == (
        f"A, good: {100 * good.mean():.2f}% ({good.sum()} images read correctly)."
    )
    assert lines[2].startswith("B, bad: ")
    assert lines[3] == f"Read correctly by A alone: {b}; by B alone: {c}."
    assert f"p = {mcnemar(int(b), int(c)):.2g} (" in lines[4]
    assert lines[4].endswith("A reads such images better.")
    said = ardoise("compare", "bad", "good", "--data", "fresh.npz", "--lang", "fr")
    assert said.out.splitlines()[4].endswith("B lit mieux de telles images.")


def test_nothing_shows(ardoise, pair):
    said = ardoise("compare", "good", "other", "--data", "fresh.npz")
    images, labels = stripes(300, seed=5)
    good, other = (right(name, images[..., None], labels) for name in ("good", "other"))
    assert (good != other).any() and "nothing shows that one" in said.out
    said = ardoise("compare", "good", "good/model.safetensors")
    assert said.out.splitlines()[0].startswith("Data stripes: 30 images")
    assert "(A: validation part of the split 80/10/10; B: " in said.out
    assert said.out.endswith("nothing here tells them apart.\n")


def test_images_that_neither_has_learned_from(ardoise, pair):
    """Another seed keeps other images for validation, and another test part."""
    n = {}
    for final in ((), ("--final",)):
        said = ardoise("compare", "good", "other", *final)
        n[final] = int(numbers(said.out)[0])
        for name in ("good", "other"):
            assert Path(name, "openings.json").exists() is bool(final)
    assert all(1 <= shared < 15 for shared in n.values())


def test_no_image_in_common(ardoise, pair, data, monkeypatch):
    monkeypatch.setattr("numpy.intersect1d", lambda *_: np.zeros(0, np.int64))
    said = ardoise("compare", "good", "other")
    assert (said.code, said.out) == (1, "")
    assert "no image that neither model has learned from" in said.sentence


def test_models_that_cannot_be_compared(ardoise, pair):
    assert ardoise("compare", "good").code == 2
    assert ardoise("compare", "good", "none").code == 1
    images, labels = stripes(60)
    np.savez("large.npz", x=np.pad(images, ((0, 0), (1, 1), (1, 1))), y=labels)
    options = ("--epochs", 1, "--threads", 1, "--output", "large")
    assert ardoise("train", "--data", "large.npz", *options).code == 0
    said = ardoise("compare", "good", "large", "--data", "large.npz")
    assert said.code == 1 and "reads images of 8 × 8 × 1" in said.sentence
