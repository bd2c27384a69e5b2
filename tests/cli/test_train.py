"""``ardoise train``: what it says, what it leaves, and that nothing is lost."""

import csv
import errno
import re
import signal

import numpy as np
import pytest

from ardoise.cli import training as cli_training
from ardoise.cli.progress import Interruptible
from ardoise.cli.results import notebook_accuracies
from ardoise.digits.scores import wilson_interval
from ardoise.engine.history import History
from ardoise.files import load_model

SHORT = ("--epochs", 2, "--threads", 1, "--output", "run")
PICTURES = {"confusion.png", "curve.png", "grid.png", "mistakes.png"}
FILES = {"model.safetensors", "history.csv", "report.html"}
PNG = b"\x89PNG\r\n\x1a\n"


def names(folder):
    return {file.name for file in folder.iterdir()}


# -- a training that goes well --------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_run_leaves_its_folder(trained, lang):
    folder, said = trained[lang]
    assert (said.code, said.err) == (0, "")
    assert names(folder) == FILES | PICTURES
    for picture in PICTURES:
        assert (folder / picture).read_bytes().startswith(PNG)
    page = (folder / "report.html").read_text("utf-8")
    assert f'<html lang="{lang}">' in page
    assert page.count("data:image/png;base64,") == len(PICTURES)


def test_what_it_says(trained):
    folder, said = trained["en"]
    lines = said.out.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("Recipe mlp: ")
    assert lines[1] == (
        "Data stripes: 240 images to learn from, 30 to check on the way, "
        "30 kept for the final test."
    )
    assert lines[2] == (
        "Network 64-512-256-3: 166,147 weights to learn; processor threads: 1."
    )
    for i in (1, 2):
        assert re.fullmatch(
            rf"Epoch {i}/2  loss \d\.\d{{4}}  accuracy \d+\.\d\d%  "
            r"validation \d+\.\d\d%  [\d,]+ images/s",
            lines[2 + i],
        )
    assert re.fullmatch(
        r"Validation accuracy: [\d.]+% \(95% interval [\d.]+% to [\d.]+%\): "
        r"\d+ of 30 images read correctly\.",
        lines[5],
    )
    assert re.fullmatch(r"Training took \d\.\d\u00a0s \(epochs: 2\)\.", lines[6])
    assert lines[7:] == [
        f"Everything is in {folder}: the model, the history, the pictures.",
        f"Open {folder / 'report.html'} in a browser to see it.",
        "The 30 test images are still sealed. Open them once, when nothing is left to "
        f"choose: ardoise evaluate --final {folder}",
    ]


def test_what_it_says_in_french(trained):
    _, said = trained["fr"]
    assert "Réseau 64-512-256-3\u00a0: 166\u202f147 poids à apprendre" in said.out
    assert re.search(
        r"Époque 2/2  perte \d,\d{4}  exactitude \d+,\d\d\u00a0%", said.out
    )
    assert re.search(
        r"Exactitude de validation\u00a0: [\d,]+\u00a0% "
        r"\(intervalle à 95\u00a0%\u00a0: de [\d,]+\u00a0% à [\d,]+\u00a0%\)",
        said.out,
    )
    assert not re.search(r"(?i)\b(accuracy|epoch|loss|training|images? to)\b", said.out)


def test_the_accuracy_and_its_interval(trained):
    folder, said = trained["en"]
    shown = re.search(
        r"accuracy: ([\d.]+)% \(95% interval ([\d.]+)% to ([\d.]+)%\): (\d+) of (\d+)",
        said.out,
    )
    *shares, correct, total = map(float, shown.groups())
    expected = (correct / total, *wilson_interval(int(correct), int(total)))
    assert shares == [round(100 * share, 2) for share in expected]
    kept = load_model(folder / "model.safetensors").details["validation_score"]
    assert kept == {"correct": correct, "total": total}
    assert f"{shares[0]:.2f}%" in (folder / "report.html").read_text("utf-8")


def test_the_history_is_a_table(trained):
    folder, _ = trained["en"]
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(History().columns)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    for row in rows:
        assert all(np.isfinite(float(value)) for value in row.values())
        assert 0 <= float(row["validation_accuracy"]) <= 1


def test_both_languages_train_the_same_network(trained):
    english, french = (
        load_model(trained[lang][0] / "model.safetensors") for lang in ("en", "fr")
    )
    np.testing.assert_array_equal(english.network.theta, french.network.theta)
    assert english.details == french.details


def test_the_model_remembers_its_training(trained, data):
    details = load_model(trained["en"][0] / "model.safetensors").details
    assert details["recipe"] == "mlp"
    assert details["data"] == str(data)
    assert (details["split"], details["seed"], details["threads"]) == ("80/10/10", 0, 1)
    assert not details["dark_on_light"]
    assert set(details["versions"]) == {"ardoise", "NumPy", "Python", "system"}


def test_the_same_seed_gives_the_same_file(ardoise, data, somewhere, no_pictures):
    def model(seed, output):
        options = ("--epochs", 1, "--threads", 1, "--seed", seed, "--output", output)
        assert ardoise("train", "--data", data, *options).code == 0
        return (somewhere / output / "model.safetensors").read_bytes()

    first = model(7, "first")
    assert model(7, "again") == first
    assert model(8, "other") != first


def test_the_options_reach_the_training(ardoise, data, somewhere, no_pictures):
    said = ardoise(
        *("train", "--data", data, "--split", "50/20/30", "--epochs", 3),
        *("--batch-size", 40, "--learning-rate", 0.0005, "--seed", 3),
        *("--threads", 1, "--output", "deep/er"),
    )
    assert "150 images to learn from, 60 to check on the way, 90 kept" in said.out
    with open(somewhere / "deep/er/history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    details = load_model("deep/er/model.safetensors").details
    assert (details["split"], details["seed"]) == ("50/20/30", 3)
    page = (somewhere / "deep/er/report.html").read_text("utf-8")
    assert "<td>40</td>" in page and "learning_rate 0.0005" in page


def test_runs_have_their_own_folders(ardoise, data, somewhere, no_pictures):
    options = ("--data", data, "--epochs", 1, "--threads", 1)
    for _ in range(3):  # within a second, at least two of them
        assert ardoise("train", *options).code == 0
    runs = sorted((somewhere / "runs").iterdir())
    assert len(runs) == 3
    assert all(re.fullmatch(r"cnn-[\d-]+", run.name) for run in runs)
    assert all(names(run) == FILES for run in runs)


def test_an_empty_folder_can_be_used(ardoise, data, somewhere, no_pictures):
    (somewhere / "run").mkdir()
    assert ardoise("train", "--data", data, *SHORT).code == 0
    assert names(somewhere / "run") == FILES


def test_without_validation(ardoise, data, somewhere):
    said = ardoise("train", "--data", data, "--split", "70/0/30", *SHORT)
    assert said.code == 0 and "0 to check on the way" in said.out
    assert "validation" not in said.out and "accuracy: " not in said.out
    assert "No image was kept to check on" in said.out
    assert "evaluate --final run" in said.out.splitlines()[-1]
    with open(somewhere / "run/history.csv", newline="") as file:
        assert {row["validation_loss"] for row in csv.DictReader(file)} == {""}
    assert names(somewhere / "run") == FILES | {"curve.png"}
    page = (somewhere / "run/report.html").read_text("utf-8")
    assert "No image was kept to check on" in page


# -- the notebook ---------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_notebook_speaks_as_it_did(ardoise, data, somewhere, lang):
    said = ardoise(
        *("train", "--recipe", "notebook", "--data", data, "--epochs", 20),
        *("--threads", 1, "--output", "run", "--lang", lang),
    )
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("Epoch #"))
    for i, line in enumerate(lines[first : first + 11]):
        assert re.fullmatch(rf"Epoch #{2 * i}\. Accuracy : \d+\.\d{{1,2}}%\.", line)
    assert lines[first + 11] == "----- Training Finished -----"
    assert "64-16-3" in said.out
    assert PICTURES <= names(somewhere / "run")
    with open(somewhere / "run/history.csv", newline="") as file:
        epochs = list(csv.DictReader(file))
    assert len(epochs) == 21  # the notebook counts from 0 to 20, both included
    shown = [float(re.search(r"([\d.]+)%", line)[1]) for line in lines[first:][:11]]
    assert shown == [round(100 * float(row["accuracy"]), 2) for row in epochs[::2]]


def test_the_notebook_s_plan():
    """What the seed notebook did, in its order: nothing here is a matter of taste."""
    from ardoise.digits.recipes import RECIPES

    recipe = RECIPES["notebook"]
    network = recipe.build((28, 28, 1), 10, seed=0)
    assert [s for _, s, n in network.summary() if n] == ["16", "10"]
    assert -0.5 <= network.theta.min() < -0.49 and 0.49 < network.theta.max() < 0.5
    assert (recipe.learning_rate, recipe.epochs, recipe.batch_size) == (0.1, 700, None)
    assert recipe.optimizer == {"name": "sgd"} and not recipe.shuffle
    assert (recipe.split, recipe.validation) == ("notebook", 0.0)


def test_the_notebook_records_every_hundredth(ardoise, data, somewhere, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "ardoise.plots.notebook_curve",
        lambda accuracies, test, lang: drawn.append((accuracies, test)) or _figure(),
    )
    said = ardoise(
        *("train", "--recipe", "notebook", "--data", data, "--epochs", 200),
        *("--threads", 1, "--output", "run"),
    )
    ((accuracies, test),) = drawn
    assert len(accuracies) == 101
    assert accuracies == [round(value, 2) for value in accuracies]
    assert f"Test accuracy: {test:.2f}%" in said.out


def _figure():
    from ardoise.plots.figures import new_figure

    return new_figure(1, 1)


# -- Ctrl-C ---------------------------------------------------------------------------


def press_ctrl_c(monkeypatch, steps, number=signal.SIGINT):
    """Press Ctrl-C after so many steps, in a way that needs no second process."""
    pressed = []

    class Pressed(Interruptible):
        def on_batch_end(self, training):
            if training.step in steps and training.step not in pressed:
                pressed.append(training.step)
                signal.raise_signal(number)
            super().on_batch_end(training)

    monkeypatch.setattr(cli_training, "Interruptible", Pressed)
    return signal.getsignal(number)


@pytest.mark.parametrize(
    ("number", "lang", "sentence"),
    [
        (
            signal.SIGTERM,  # of a scheduler, or a container that is stopped
            "en",
            "Interrupted during epoch 2: what was learned until then is kept.",
        ),
        (
            signal.SIGINT,
            "fr",
            "Interrompu pendant l’époque 2\u00a0: ce qui a été appris jusque-là "
            "est conservé.",
        ),
    ],
)
def test_ctrl_c_keeps_what_was_learned(
    ardoise, data, somewhere, monkeypatch, no_pictures, number, lang, sentence
):
    before = press_ctrl_c(monkeypatch, {3}, number)
    options = ("--epochs", 50, "--threads", 1, "--output", "run", "--lang", lang)
    said = ardoise("train", "--data", data, *options)
    assert said.code == 130 and sentence in said.out.splitlines()
    assert names(somewhere / "run") == FILES
    assert sentence in (somewhere / "run/report.html").read_text("utf-8")
    with open("run/history.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_ctrl_c_before_the_first_epoch_ends(
    ardoise, data, somewhere, monkeypatch, lang
):
    history = History()
    history.stopped = "interrupted"
    monkeypatch.setattr("ardoise.cli.members.learn", lambda *_, **_more: history)
    said = ardoise("train", "--data", data, *SHORT, "--lang", lang)
    assert said.code == 130
    assert "run/model.safetensors" in said.sentence
    assert names(somewhere / "run") == {"model.safetensors"}
    load_model("run/model.safetensors")


def test_ctrl_c_after_the_training(ardoise, data, somewhere, monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_training, "draw", press)
    said = ardoise("train", "--data", data, *SHORT)
    assert said.code == 130
    assert said.sentence == (
        "Interrupted: what was learned is in run/model.safetensors; "
        "the rest of the folder is not complete."
    )
    assert names(somewhere / "run") == {"model.safetensors", "history.csv"}
    assert ardoise("evaluate", "run").code == 0


def test_ctrl_c_while_the_model_is_saved(ardoise, data, somewhere, monkeypatch):
    attempts = []
    save = cli_training.save_model

    def press(*arguments):
        attempts.append(arguments)
        if len(attempts) == 1:
            raise KeyboardInterrupt
        save(*arguments)

    monkeypatch.setattr(cli_training, "save_model", press)
    said = ardoise("train", "--data", data, *SHORT)
    assert said.code == 130 and "run/model.safetensors" in said.sentence
    load_model("run/model.safetensors")


@pytest.mark.parametrize("listens", [True, False])
def test_the_first_ctrl_c_is_the_last(listens, monkeypatch):
    from ardoise import __main__ as program

    def press():
        signal.raise_signal(signal.SIGINT)
        return 0

    handler = signal.default_int_handler if listens else signal.SIG_IGN
    before = signal.signal(signal.SIGINT, handler)
    monkeypatch.setattr(program, "_main", press)
    try:
        assert program.main() == (130 if listens else 0)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("threads", [100_000, 10**20])
def test_no_number_of_threads_is_too_high(ardoise, data, somewhere, threads):
    assert (
        ardoise(
            "train",
            "--data",
            data,
            "--epochs",
            1,
            "--output",
            "run",
            "--threads",
            threads,
        ).code
        == 0
    )


@pytest.mark.parametrize("epochs", [1, 10, 70, 250, 700])
def test_the_notebook_records_every_hundredth_of_the_way(epochs):
    history = History()
    history.columns["accuracy"] = [0.5] * (epochs + 1)
    recorded = notebook_accuracies(history, epochs)
    assert len(recorded) == min(epochs, 100) + 1


def test_ctrl_c_while_the_data_are_read(ardoise, data, somewhere, monkeypatch):
    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ardoise.cli.plan.load", press)
    said = ardoise("train", "--data", data, *SHORT, "--lang", "fr")
    assert (said.code, said.sentence) == (130, "Interrompu.")
    assert not list(somewhere.iterdir())


# -- a training that goes wrong -------------------------------------------------------


@pytest.mark.parametrize(("recipe", "usual"), [("notebook", "0.1"), ("mlp", "0.005")])
def test_a_rate_that_diverges(ardoise, data, recipe, usual):
    said = ardoise(
        *("train", "--recipe", recipe, "--data", data, *SHORT),
        *("--learning-rate", "1e30"),
    )
    assert said.code == 1
    assert "the learning rate 1e+30 is too high" in said.sentence
    assert f"try --learning-rate {usual}." in said.sentence
    assert "run/model.safetensors" in said.sentence
    model = load_model("run/model.safetensors")
    assert np.isfinite(model.network.theta).all()
    assert model.classes == ("0", "1", "2")


def test_it_advises_a_tenth(ardoise, data, monkeypatch):
    def diverge(*_, **_more):
        raise cli_training.DivergenceError(2, 30, 0.5)

    monkeypatch.setattr("ardoise.cli.members.learn", diverge)
    options = ("--recipe", "notebook", "--learning-rate", 0.5, "--lang", "fr")
    said = ardoise("train", "--data", data, *SHORT, *options)
    assert "au pas 30 (époque 2)" in said.sentence
    assert "le taux d’apprentissage 0,5 est trop grand" in said.sentence
    assert "essayez --learning-rate 0.05." in said.sentence


def test_weights_too_large_to_answer_with(ardoise, data, somewhere):
    """One step at an absurd rate: the weights are finite, the answers are not."""
    said = ardoise(
        *("train", "--data", data, "--learning-rate", "1e30", "--batch-size", 1000),
        *("--split", "60/20/20", "--epochs", 1, "--threads", 1, "--output", "run"),
    )
    assert said.code == 1 and "values that are no numbers" in said.sentence
    assert np.isfinite(load_model("run/model.safetensors").network.theta).all()
    assert names(somewhere / "run") == {"model.safetensors", "history.csv"}
    said = ardoise("evaluate", "run")
    assert said.code == 1 and "values that are no numbers" in said.sentence


def test_output_that_fails_half_way(ardoise, data, somewhere, monkeypatch):
    """Standard output is a file, and its disk fills up: the model is kept."""
    from ardoise.cli.progress import ShownProgress

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ShownProgress, "on_epoch_end", full)
    said = ardoise("train", "--data", data, *SHORT, "--lang", "fr")
    assert said.code == 1
    assert said.sentence == "L’écriture s’est arrêtée\u00a0: le disque est plein."
    assert names(somewhere / "run") == {"model.safetensors"}


# -- the output folder ----------------------------------------------------------------


def refusal(ardoise, data, output, *options):
    said = ardoise(
        *("train", "--data", data, "--epochs", 1, "--threads", 1),
        *("--output", output, *options),
    )
    assert (said.code, said.out) == (1, "")
    return said.sentence


def test_a_folder_in_use(ardoise, data, somewhere):
    (somewhere / "run").mkdir()
    (somewhere / "run/thesis.txt").write_text("mine")
    assert refusal(ardoise, data, "run") == (
        "run already holds files, which would be lost; "
        "choose another folder with --output."
    )
    assert names(somewhere / "run") == {"thesis.txt"}
    assert (somewhere / "run/thesis.txt").read_text() == "mine"


def test_a_file_in_the_way(ardoise, data, somewhere):
    (somewhere / "file").write_text("mine")
    assert refusal(ardoise, data, "file") == (
        "file cannot be written to (there is a file of that name); "
        "choose another folder with --output."
    )
    assert refusal(ardoise, data, "file/run", "--lang", "fr") == (
        "Impossible d’écrire dans file/run (une partie de ce chemin est un fichier, "
        "pas un dossier)\u202f; choisissez un autre dossier avec --output."
    )
    assert (somewhere / "file").read_text() == "mine"


def test_runs_is_a_file(ardoise, data, somewhere):
    (somewhere / "runs").write_text("mine")
    said = ardoise("train", "--data", data, "--epochs", 1, "--threads", 1)
    assert said.code == 1 and "runs cannot be written to" in said.sentence


def test_a_name_too_long(ardoise, data):
    assert "(the name is too long)" in refusal(ardoise, data, "r" * 300)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "le disque est plein"),
        (errno.EROFS, "le disque est en lecture seule"),
        (errno.EACCES, "accès refusé"),
    ],
)
def test_a_folder_that_cannot_be_written_to(
    ardoise, data, somewhere, monkeypatch, number, reason
):
    def fail(*_):
        raise OSError(number, "as the system says it")

    monkeypatch.setattr(cli_training, "write_atomically", fail)
    assert f"({reason})" in refusal(ardoise, data, "run", "--lang", "fr")
    assert not names(somewhere / "run")


def test_the_disk_fills_up_at_the_end(ardoise, data, somewhere, monkeypatch):
    def fail(path, *_):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr("ardoise.cli.results.write_atomically", fail)
    said = ardoise("train", "--data", data, *SHORT, "--lang", "fr")
    assert said.code == 1
    assert said.sentence == "run/history.csv\u00a0: le disque est plein."
    assert names(somewhere / "run") == {"model.safetensors"}
    load_model("run/model.safetensors")
