"""``ardoise info`` and ``verify``."""

import pytest

from ardoise.files import load_model, save_model


def test_info(ardoise, trained):
    for lang, words in (
        (
            "en",
            ("Layer", "Dense", "Total", "Classes: 0, 1, 2.", "recipe mlp", "seed 0"),
        ),
        ("fr", ("Couche", "Dense", "Total", "Classes : 0, 1, 2.", "recette mlp")),
    ):
        folder, _ = trained[lang]
        said = ardoise("info", folder, "--lang", lang)
        assert (said.code, said.err) == (0, "")
        for word in (*words, "ardoise", "NumPy"):
            assert word in said.out.replace("\u00a0", " ")


def test_info_of_a_file_that_says_little(ardoise, trained, somewhere):
    model = load_model(trained["en"][0] / "model.safetensors")
    for details in ({}, {"test": 3}, {"test": {"correct": 5, "total": 2}}):
        object.__setattr__(model, "details", details)
        save_model("small", model)
        said = ardoise("info", "small")
        assert said.code == 0 and "accuracy" not in said.out


def test_verify(ardoise, trained, data):
    folder, _ = trained["en"]
    said = ardoise("verify", folder / "model.safetensors")
    assert said.code == 0 and "is a whole model" in said.out and "SHA-256" in said.out
    options = ("--epochs", 1, "--checkpoint", "point", "--output", "run")
    assert ardoise("train", "--data", data, *options).code == 0
    said = ardoise("verify", "point", "--lang", "fr")
    assert said.code == 0 and "époque 1" in said.out
    with open("point", "r+b") as file:
        file.seek(500)
        byte = file.read(1)
        file.seek(500)
        file.write(bytes([byte[0] ^ 4]))
    said = ardoise("verify", "point")
    assert said.code == 1 and "nor a whole checkpoint" in said.sentence


@pytest.mark.parametrize("path", ["none", ".", "/dev/zero"])
def test_verify_what_is_no_file(ardoise, path):
    said = ardoise("verify", path)
    assert said.code == 1 and path in said.sentence
