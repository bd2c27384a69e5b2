"""``ardoise export``: proved, not proved, or refused."""

import importlib.util
import sys

import numpy as np
import pytest


def test_a_python_file_is_written_beside_the_model_and_proved(ardoise, trained, data):
    folder, _ = trained["en"]
    said = ardoise("export", folder, "--to", "py", "--output", "model.py")
    assert (said.code, said.err) == (0, "")
    assert "is proved on" in said.out
    spec = importlib.util.spec_from_file_location("exported", "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    images = np.load(data)["x"][:5, ..., None]
    assert np.shape(module.predict_proba(images)) == (5, 3)


def test_in_french_and_with_int8(ardoise, trained):
    folder, _ = trained["fr"]
    options = ("--int8", "--max-loss", 0.1, "--output", "m.py", "--lang", "fr")
    said = ardoise("export", folder, "--to", "py", *options)
    assert said.code == 0 and "est prouvé" in said.out


def test_without_what_it_takes_it_is_not_proved(ardoise, trained, monkeypatch):
    monkeypatch.setenv("PATH", "")
    folder, _ = trained["en"]
    said = ardoise("export", folder, "--to", "js", "--output", "m.mjs")
    assert said.code == 3
    assert "not proved" in said.out and "Node was not found" in said.out


def test_what_is_refused(ardoise, trained, somewhere):
    folder, _ = trained["en"]
    (somewhere / "there").mkdir()
    for code, words, *options in (
        (2, "no export to cobol", "--to", "cobol"),
        (2, "a share between 0 and 1", "--to", "py", "--max-loss", 2),
        (1, "is not the path of a file", "--to", "py", "--output", "there"),
        (1, "is not the path of a file", "--to", "py", "--output", "none"),
        (1, "none: there is no such", "--to", "py", "--output", "none/m.py"),
    ):
        said = ardoise("export", folder, *options)
        assert said.code == code and words in said.sentence
    assert ardoise("export", folder).code == 2


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_target_stands_in_the_help(ardoise, lang):
    page = ardoise("export", "--help", "--lang", lang).out
    for target in ("py-stdlib", "html", "js"):
        assert target in page


def test_onnx(ardoise, trained, monkeypatch):
    folder, _ = trained["en"]
    said = ardoise("export", folder, "--to", "onnx", "--output", "m.onnx")
    assert said.code == 0 and "is proved on" in said.out
    options = ("--int8", "--max-loss", 0.1, "--output", "n.onnx")
    said = ardoise("export", folder, "--to", "onnx", *options)
    assert said.code == 0 and "int8 costs" in said.out
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    said = ardoise("export", folder, "--to", "onnx", "--output", "n.onnx")
    assert said.code == 3 and "onnxruntime is not installed" in said.out
