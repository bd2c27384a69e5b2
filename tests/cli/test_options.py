"""The options: their mistakes in one sentence, exit code 2, and the help page."""

import re

import pytest

from ardoise import __version__
from ardoise.cli import options
from ardoise.cli.app import run
from ardoise.messages import default_language

HELP = {"en": "See: ardoise train --help", "fr": "Voir\u00a0: ardoise train --help"}


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(
    ("given", "english", "french"),
    [
        (
            ["--epochs", "two"],
            "--epochs: expected a whole number of at least 1; got two.",
            "--epochs : un entier d’au moins 1 était attendu ; reçu : two.",
        ),
        (
            ["--epochs", "1.5"],
            "--epochs: expected a whole number of at least 1; got 1.5.",
            "--epochs : un entier d’au moins 1 était attendu ; reçu : 1.5.",
        ),
        (
            ["--batch-size", "1e3"],
            "--batch-size: expected a whole number of at least 1; got 1e3.",
            "--batch-size : un entier d’au moins 1 était attendu ; reçu : 1e3.",
        ),
        (
            ["--seed", "nan"],
            "--seed: expected a whole number of at least 0; got nan.",
            "--seed : un entier positif ou nul était attendu ; reçu : nan.",
        ),
        (
            ["--learning-rate", "0,01"],
            "--learning-rate: expected a number above 0, such as 0.001; got 0,01.",
            "--learning-rate : un nombre supérieur à 0 était attendu, par exemple "
            "0.001 ; reçu : 0,01.",
        ),
        (
            ["--data"],
            "A value is missing for --data.",
            "Il manque une valeur pour --data.",
        ),
        (
            ["--epoch", "3"],
            "There is no option called --epoch.",
            "Il n’existe pas d’option --epoch.",
        ),
        (["-e", "3"], "There is no option called -e.", "Il n’existe pas d’option -e."),
        (
            ["data.csv"],
            "This was one word too many: data.csv.",
            "Un mot de trop : data.csv.",
        ),
        (
            ["--seed", "1", "--seed", "2"],
            "--seed was given twice; give it once.",
            "--seed est donné deux fois ; donnez-le une seule fois.",
        ),
    ],
)
def test_what_cyclopts_refuses(ardoise, somewhere, lang, given, english, french):
    said = ardoise("train", *given, "--lang", lang)
    expected = {"en": english, "fr": french}[lang]
    assert (said.code, said.out) == (2, "")
    spaced = re.sub("[\u00a0\u202f]", " ", said.err)
    assert spaced.splitlines() == [expected, HELP[lang].replace("\u00a0", " ")]
    assert not list(somewhere.iterdir())


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            ["--recipe", "rnn"],
            [
                "--recipe",
                "rnn",
                "mlp, mlp-large, fastest, cnn, cnn-large, best, notebook",
            ],
        ),
        (["--epochs", "0"], ["--epochs", "1", "0"]),
        (["--epochs", "-3"], ["--epochs", "-3"]),
        (["--batch-size", "0"], ["--batch-size", "0"]),
        (["--threads", "-1"], ["--threads", "-1"]),
        (["--seed", "-1"], ["--seed", "-1"]),
        (["--learning-rate", "0"], ["--learning-rate", "0.0"]),
        (["--learning-rate", "-1"], ["--learning-rate", "-1"]),
        (["--learning-rate", "nan"], ["--learning-rate", "nan"]),
        (["--learning-rate", "inf"], ["--learning-rate", "inf"]),
        *(
            (["--split", split], ["--split", "80/10/10", split])
            for split in (
                *("80", "80/20", "80:10:10", "70/10/10", "0/50/50", "80/20/0", "a/b/c"),
                *("nan/10/10", "inf/0/1", "120/-40/20", "25/25/25/25", "/", "Official"),
                "",
            )
        ),
    ],
)
def test_values_that_make_no_sense(ardoise, data, somewhere, lang, given, words):
    said = ardoise("train", "--data", data, "--threads", 1, *given, "--lang", lang)
    if given[0] == "--threads":
        said = ardoise("train", "--data", data, *given, "--lang", lang)
    assert (said.code, said.out) == (2, "")
    assert all(word in said.sentence for word in words)
    assert not list(somewhere.iterdir())


def test_other_commands(ardoise, trained, data):
    folder, _ = trained["en"]
    said = ardoise("evaluate", folder, "--split", "half")
    assert (said.code, said.out) == (2, "") and "--split" in said.sentence
    assert ardoise("evaluate", folder, "another").code == 2
    assert ardoise("data", data, "--seed", "3").err == (
        "There is no option called --seed.\nSee: ardoise data --help\n"
    )
    assert ardoise("predict", "--model", folder).err == (
        "Give at least one picture: ardoise predict FILE…\n"
        "See: ardoise predict --help\n"
    )


def test_an_empty_name_is_not_the_folder_of_the_moment(ardoise, trained):
    """As a shell gives it for a variable that is not set."""
    for command in ("train", "data", "evaluate"):
        given = {"data": ("",), "train": ("--data", "")}.get(
            command, (trained["en"][0], "--data", "")
        )
        said = ardoise(command, *given, "--lang", "fr")
        assert (said.code, said.sentence) == (2, "Il manque une valeur pour --data.")


def test_no_such_command(ardoise):
    said = ardoise("trian", "--lang", "fr")
    assert said.code == 2
    assert said.err == (
        "Il n’existe pas de commande trian\u202f; il y a\u00a0: "
        "train, evaluate, compare, doctor, predict, export, info, verify, data, "
        "augment.\n"
        "Voir\u00a0: ardoise --help\n"
    )


def test_what_it_cannot_translate_stays_one_line():
    from cyclopts import CycloptsError

    assert options.sentence(CycloptsError(msg="one\ntwo"), "fr") == "one two"


# -- languages ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "FR_CA"}, "fr"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": ""}, "fr"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "fr_BE.UTF-8"}, "fr"),
    ],
)
def test_the_language_of_the_system(environment, lang):
    assert default_language(environment) == lang


def test_it_speaks_the_language_of_the_system(ardoise, monkeypatch):
    monkeypatch.setenv("LANG", "fr_CH.UTF-8")
    assert "existe pas" in ardoise("data", "none.csv").sentence
    assert "no such file" in ardoise("data", "none.csv", "--lang", "en").sentence


@pytest.mark.parametrize(
    "given",
    [
        ["--lang", "fr", "data", "none.csv"],
        ["--lang=fr", "data", "none.csv"],
        ["data", "--lang", "fr", "none.csv"],
        ["data", "none.csv", "--lang=fr"],
    ],
)
def test_the_language_can_stand_anywhere(ardoise, given):
    assert "existe pas" in ardoise(*given).sentence


def test_a_language_that_it_does_not_speak(ardoise):
    said = ardoise("train", "--lang", "de")
    assert said.code == 2
    assert said.err.splitlines()[0] == "--lang: expected en or fr; got de."
    assert ardoise("--lang", "de", "train").err == said.err


# -- help -----------------------------------------------------------------------------

# What French and English share.
COMMON = {
    *("classroom", "internet"),
    *("lesson", "bugs", "check", "hint", "anew", "step"),
    *("read", "teach", "reject", "photo", "csv", "annotate", "taught", "safetensors"),
    *("ardoise", "train", "evaluate", "predict", "data", "options", "source", "images"),
    *(
        "split",
        "recipe",
        "epochs",
        "batch",
        "size",
        "learning",
        "rate",
        "seed",
        "mnist",
    ),
    *(
        "threads",
        "output",
        "lang",
        "model",
        "sheet",
        "help",
        "version",
        "mlp",
        "cnn",
        "fastest",
        "large",
        "runs",
    ),
    *("checkpoint", "every", "resume", "info", "verify", "export", "to", "int"),
    *("onnx", "py", "stdlib", "html", "js", "max", "loss"),
    *("compare", "final", "json"),
    *("slate", "page", "machine", "port", "host", "no", "browser", "record", "replay"),
    *("debug",),
    *("plan", "mpiexec", "params", "nodes", "ranks", "per", "node", "batch", "size"),
    *("latency", "bandwidth", "us", "ms", "gbit", "mb", "samples", "dense", "message"),
    *("notebook", "official", "csv", "npz", "idx", "png", "jpeg", "numpy", "en", "fr"),
    *("augment", "affine", "elastic", "rotation", "translation", "shear", "scale"),
    *("stretch", "shift", "thickness", "noise", "cutout", "none", "pixels"),
    *("erasing", "settings", "probability", "doctor", "code", "members", "best"),
    *("test", "validation", "classe", "usage", "bit", "fashion", "letters", "emnist"),
}


@pytest.mark.parametrize(
    "command",
    [
        "",
        "train",
        "plan",
        "evaluate",
        "compare",
        "doctor",
        "predict",
        "info",
        "verify",
        "data",
        "augment",
        "read",
        "teach",
        "slate",
        "lesson",
        "lesson bugs",
        "lesson check",
        "lesson hint",
    ],
)
def test_help(ardoise, command):
    pages = {}
    for lang in ("en", "fr"):
        said = ardoise("--lang", lang, *command.split(), "--help")
        assert (said.code, said.err) == (0, "")
        assert ardoise(*command.split(), "--help", "--lang", lang).out == said.out
        assert max(map(len, said.out.splitlines())) <= 80
        pages[lang] = said.out
    assert pages["en"].startswith(f"Usage: ardoise {command}".rstrip())
    assert pages["fr"].startswith(f"Usage\u00a0: ardoise {command}".rstrip())
    english, french = (
        set(re.findall(r"[a-zéè’]{2,}", page.lower())) for page in pages.values()
    )
    assert english & french <= COMMON
    for word in ("required", "default:", "STR", "INT", "CHOICE"):
        assert word not in pages["fr"] + pages["en"]


def test_help_of_every_option_of_the_issue(ardoise):
    page = ardoise("train", "--help").out
    for option in (
        *("--recipe", "--data", "--split", "--epochs", "--batch-size"),
        *("--learning-rate", "--seed", "--threads", "--output", "--lang"),
        *("--checkpoint", "--every", "--resume"),
    ):
        assert re.search(rf"^│ {option} +\S", page, re.MULTILINE)


def test_help_without_being_asked(ardoise):
    assert ardoise().out == ardoise("--help").out == ardoise("-h").out
    assert ardoise("--lang", "fr").out == ardoise("--help", "--lang", "fr").out


def test_the_version(ardoise):
    said = ardoise("--version")
    assert (said.code, said.out) == (0, f"{__version__}\n")


# -- what is left of other errors -----------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (MemoryError(), 1, "La mémoire ne suffit pas"),
        (OSError(28, "x"), 1, "L’écriture s’est arrêtée : le disque est plein."),
        (OSError(28, "x", "a.png"), 1, "a.png : le disque est plein."),
        (OSError("odd"), 1, "L’écriture s’est arrêtée : odd."),
        (
            OSError(71, "Protocol error"),
            1,
            "L’écriture s’est arrêtée : Protocol error.",
        ),
        (KeyboardInterrupt(), 130, "Interrompu."),
    ],
)
def test_errors_of_the_system(monkeypatch, capsys, error, code, sentence):
    def fail(*_):
        raise error

    monkeypatch.setattr("ardoise.cli.using.load", fail)
    assert run(["data", "--lang", "fr"]) == code
    printed = capsys.readouterr().err.replace("\u00a0", " ")
    assert printed.startswith(sentence) and printed.count("\n") == 1
