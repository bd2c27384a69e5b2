"""``ardoise doctor``, and what ``ardoise train`` says of mistakes."""

import io
import json
import re
import shutil
from contextlib import redirect_stdout
from dataclasses import replace

import numpy as np
import pytest
from small_data import stripes

from ardoise.cli.app import run as run_command
from ardoise.cli.results import HistoryError, read_history
from ardoise.engine.doctor import SENTENCES, Finding
from ardoise.engine.doctor.findings import SHARES
from ardoise.engine.layers import Dense, Flatten, ReLU
from ardoise.engine.network import Network
from ardoise.files import load_model, save_model
from ardoise.messages import _sentences
from ardoise.plots.findings import sentence

FIELDS = re.compile(r"\{(\w+)\}")


@pytest.fixture
def run(good, somewhere):
    """A copy of a training's folder, to be spoiled."""
    return shutil.copytree(good, somewhere / "run")


@pytest.fixture(scope="module")
def good(data, tmp_path_factory):
    """The folder of a training that was long enough."""
    folder = tmp_path_factory.mktemp("good") / "run"
    out = io.StringIO()
    with redirect_stdout(out):
        options = ["--epochs", "12", "--threads", "1", "--output", str(folder)]
        assert run_command(["train", "--data", str(data), *options]) == 0
    assert not re.search("Warning|Note", out.getvalue())
    return folder


def wrong_labels(path):
    images, labels = stripes(600)
    labels = np.random.default_rng(3).permutation(labels)
    np.savez(path, x=images, y=labels)
    return path


# -- the sentences --------------------------------------------------------------------


def test_both_places_say_the_same():
    english = _sentences("en")
    assert {f"doctor.{code}": words for code, words in SENTENCES.items()}.items() <= (
        english.items()
    )


@pytest.mark.parametrize("code", SENTENCES)
def test_each_finding_is_a_sentence_with_its_numbers(code):
    names = FIELDS.findall(SENTENCES[code])
    values = {name: 0.5 if name in SHARES else 1234 for name in names}
    values |= {"layer": "2 (ReLU)"} if "layer" in names else {}
    finding = Finding(code, values=values)
    english, french = sentence(finding, "en"), sentence(finding, "fr")
    assert english == str(finding)
    assert re.search(r"\d", english) and re.search(r"\d", french)
    for words in (english, french):
        assert words.endswith(".") and words.count(". ") == 0
    if "1,234" in english:
        assert "1\u202f234" in french
    if "50.0%" in english:
        assert "50,0\u00a0%" in french


def test_numbers_of_every_size():
    for value, english, french in (
        (0.001, "0.001", "0,001"),
        (671.06, "671", "671"),
        (48929.0, "48,929", "48\u202f929"),
        (6.27e-05, "6.27e-05", "6,27e-05"),
        (2.302585, "2.3", "2,3"),
    ):
        values = {"low": 0.0, "high": value}
        finding = Finding("squeezed", values=values)
        assert f"to {english};" in str(finding) == sentence(finding, "en")
        assert f"à {french}\u202f;" in sentence(finding, "fr")


# -- ardoise train --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("Warning: ", "learning rate 1 is too high; try 0.1.")),
        ("fr", ("Attention\u00a0: ", "1 est trop grand\u202f; essayez 0,1.")),
    ],
)
def test_training_says_it_at_once_and_in_the_report(ardoise, data, lang, words):
    said = ardoise(
        *("train", "--recipe", "mlp", "--data", data, "--epochs", 3, "--threads", 1),
        *("--learning-rate", 1, "--output", "bad", "--lang", lang),
    )
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    (place,) = [i for i, line in enumerate(lines) if words[1] in line]
    assert lines[place].startswith(words[0])
    assert lines[place - 1].startswith(("Epoch ", "Époque ", words[0]))
    with open("bad/report.html", encoding="utf-8") as file:
        page = file.read()
    assert lines[place].removeprefix(words[0]).replace("&", "") in page


def test_training_says_what_is_wrong_with_the_data(ardoise, somewhere, no_pictures):
    images, labels = stripes()
    np.savez("dark.npz", x=255 - np.pad(images, ((0, 0), (2, 2), (2, 2))), y=labels)
    said = ardoise("train", "--data", "dark.npz", "--epochs", 1, "--output", "run")
    lines = said.out.splitlines()
    assert lines[4].startswith("Note: The pictures are dark on light (100.0% of")
    assert said.code == 0


def test_the_doctor_changes_no_bit(ardoise, data, no_pictures, monkeypatch, somewhere):
    options = ("train", "--data", data, "--epochs", 2, "--threads", 1)
    assert ardoise(*options, "--output", "with").code == 0
    for moment in ("on_train_begin", "on_epoch_end", "on_train_end"):
        name = f"ardoise.engine.doctor.watch.Doctor.{moment}"
        monkeypatch.setattr(name, lambda *_: None)
    monkeypatch.setattr("ardoise.engine.doctor.watch.Doctor.state", lambda _: {})
    assert ardoise(*options, "--output", "without").code == 0
    one, other = (
        (somewhere / name / "model.safetensors").read_bytes()
        for name in ("with", "without")
    )
    assert one == other


# -- ardoise doctor -------------------------------------------------------------------


def test_all_is_well(ardoise, good, data):
    for lang, well in (("en", "All is well"), ("fr", "Tout va bien")):
        said = ardoise("doctor", good, "--lang", lang)
        assert (said.code, said.err) == (0, "")
        *lines, last = said.out.splitlines()
        assert last.startswith(well) and len(lines) == 3
        assert "300" in lines[1] and "history.csv" in lines[2]
    said = ardoise("doctor", "--data", data)
    assert said.code == 0 and said.out.splitlines()[1].startswith("All is well")


def test_the_latest_model_is_examined(ardoise, run, somewhere):
    (somewhere / "runs").mkdir()
    run.rename(somewhere / "runs" / "mine")
    said = ardoise("doctor")
    assert said.code == 0 and "runs/mine" in said.out


def test_mnist_alone_is_well(ardoise):
    said = ardoise("doctor", "--data", "mnist")
    assert said.code == 0 and "70,000 images" in said.out


def test_a_model_with_dead_units(ardoise, run):
    file = run / "model.safetensors"
    model = load_model(file)
    network = Network([Flatten(), Dense(9), ReLU(), Dense(3)], (8, 8, 1), seed=0)
    network.parameters()["1.b"][...] = [-1000] * 7 + [1] * 2
    save_model(file, replace(model, network=network))
    said = ardoise("doctor", file)
    assert said.code == 1 and said.err == ""
    assert "Warning: 77.8% of the units of layer 2 (ReLU) have died (7 of 9" in said.out
    assert re.search(r"the learning rate 0\.00\d+ is too high; try", said.out)
    (run / "history.csv").write_text("loss,learning_rate\n")
    said = ardoise("doctor", file)
    assert said.code == 1 and "history.csv: 0 epochs" in said.out
    (run / "history.csv").unlink()
    said = ardoise("doctor", file)
    assert "Warning: 77.8% of the units of layer 2 (ReLU) are dead" in said.out
    said = ardoise("doctor", file, "--lang", "fr")
    assert said.code == 1
    assert "Attention\u00a0: Dans la couche 2 (ReLU), 77,8\u00a0% des" in said.out


def test_a_curve_that_goes_wrong(ardoise, run):
    *lines, last = (run / "history.csv").read_text().splitlines()
    cells = last.split(",")
    cells[1] = "99.5"
    (run / "history.csv").write_text("\n".join([*lines, ",".join(cells)]) + "\n")
    said = ardoise("doctor", run)
    assert said.code == 1 and "Warning: The training loss rises, from" in said.out


@pytest.mark.parametrize(
    "content", [b"", b"loss\n1,2\n", b"a\nb\n", b"\xff", b"loss\n"]
)
def test_a_history_that_is_damaged(ardoise, run, content):
    (run / "history.csv").write_bytes(content)
    said = ardoise("doctor", run)
    assert said.code == 1 and "is not a history of ardoise" in said.sentence


def test_reading_a_history(somewhere):
    (somewhere / "h.csv").write_text("epoch,loss,learning_rate,x\n1,0.5,0.1,\n")
    assert read_history(somewhere / "h.csv") == {
        "epoch": [1.0],
        "loss": [0.5],
        "learning_rate": [0.1],
        "x": [None],
    }
    (somewhere / "e.csv").write_text("loss,learning_rate\n")
    assert read_history(somewhere / "e.csv") == {"loss": [], "learning_rate": []}
    (somewhere / "m.csv").write_text("loss,learning_rate\n,0.1\n")
    for name, key in (("m.csv", "damaged"), (".", "unreadable"), ("no", "unreadable")):
        with pytest.raises(HistoryError) as caught:
            read_history(somewhere / name)
        assert caught.value.key == f"history.{key}"


def test_data_with_doubles(ardoise, somewhere):
    images, labels = stripes()
    np.savez("twice.npz", x=np.tile(images, (2, 1, 1)), y=np.tile(labels, 2))
    said = ardoise("doctor", "--data", "twice.npz")
    assert said.code == 1
    assert re.search(r"Warning: \d+ of 60 test samples \(.*%\) are training", said.out)
    assert re.search(r"Warning: \d+ of 60 validation samples", said.out)


def test_data_with_a_rare_class_and_too_few_to_divide(ardoise, somewhere):
    images, labels = stripes()
    keep = (labels != 2) | (np.arange(300) < 12)
    np.savez("rare.npz", x=images[keep], y=labels[keep])
    said = ardoise("doctor", "--data", "rare.npz", "--lang", "fr")
    assert said.code == 1 and "La classe 2 est rare" in said.out
    np.savez("few.npz", x=images[:4], y=labels[:4])
    assert ardoise("doctor", "--data", "few.npz").code == 0


def test_other_data_than_the_model_s(ardoise, run, data, somewhere):
    images, labels = stripes(seed=5)
    np.savez("other.npz", x=images, y=labels)
    said = ardoise("doctor", run, "--data", "other.npz")
    assert said.code == 0 and "history.csv" not in said.out
    np.savez("dark.npz", x=255 - images, y=labels)
    said = ardoise("doctor", run, "--data", "dark.npz")
    assert "Warning: " in said.out or "Note: " in said.out


def test_data_that_have_changed(ardoise, run):
    model = load_model(run / "model.safetensors")
    details = {**model.details, "digest": "0" * 64}
    object.__setattr__(model, "details", json.loads(json.dumps(details)))
    save_model(run / "model.safetensors", model)
    said = ardoise("doctor", run)
    assert "has changed since the training" in said.err


def test_labels_that_do_not_belong(ardoise, somewhere, no_pictures):
    options = ("--recipe", "mlp", "--epochs", 6, "--threads", 1, "--output", "run")
    path = wrong_labels(somewhere / "wrong.npz")
    trained = ardoise("train", "--data", path, *options)
    said = ardoise("doctor", "run")
    assert said.code == 1
    assert re.search("does not move|by heart", trained.out)
    assert re.search("does not move|by heart|surer than", said.out)


def test_what_is_no_model(ardoise, somewhere):
    assert ardoise("doctor", "none").code == 1
    assert ardoise("doctor").code == 1
    assert ardoise("doctor", "--data", "none.csv").code == 1
