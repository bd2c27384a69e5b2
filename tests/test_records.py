"""The records: runs that go on where they were stopped, and the page made of them."""

import json
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
import pytest
import torch

from ardoise import fit
from ardoise.digits import corruptions
from ardoise.digits.recipes import EXPECTED, RECIPES
from ardoise.engine import optimizers
from benchmarks import records_torch
from benchmarks.pictures.cases import CASES
from benchmarks.pictures.measure import SHARES
from benchmarks.pictures.sheets import SHEETS
from benchmarks.records import __main__ as program
from benchmarks.records import alone, found, race, render, robustness, runs
from benchmarks.records.runs import Job, RunError
from benchmarks.records.wanted import WANTED

MACHINE = {
    "cpu": "A processor",
    "processors": 4,
    "usable_processors": 2,
    "memory_bytes": 24 * 2**30,
    "system": "Linux",
    "python": "3.11",
    "packages": {"numpy": "2.4", "ardoise": "0.1"},
    "blas": "openblas",
}


def record(
    recipe: str = "mlp", seed: int = 0, correct: int = 9860, **more: Any
) -> dict:
    """Return what a run leaves."""
    return {
        "format": runs.FORMAT,
        "recipe": recipe,
        "digest": "d",
        "code": "0.1",
        "commit": {"id": "0123456789abcdef", "changed": False},
        "seed": seed,
        "time": "2026-01-01T00:00:00+00:00",
        "idle": True,
        "train_seconds": 15.0 + seed,
        "evaluate_seconds": 1.0,
        "epochs": 20,
        "images_per_second": 20_000.0,
        "threads": 2,
        "parameters": 535_818,
        "validation": {"correct": 5900, "total": 6000},
        "test": {
            "correct": correct,
            "total": 10_000,
            "accuracy": correct / 10_000,
            "interval": [0.98, 0.99],
            "split": "official",
            "ece": 0.002,
            "nll": 0.05,
            "brier": 0.02,
        },
        "machine": MACHINE,
        **more,
    }


def keep(folder: Path, *records: dict) -> None:
    for one in records:
        name = f"{one['recipe']}-{one['seed']:02d}.json"
        runs.write_json(folder / "runs" / name, one)


# -- runs -----------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have runs take no time; return their names as they are made."""
    done: list[str] = []

    def do(job: Job, folder: Path) -> dict:
        done.append(job.name)
        recipe, digest = job.recipe.name, runs.digest_of(job.recipe)
        kept = record(recipe, job.seed, digest=digest, code=job.code, idle=job.idle)
        keep(folder, kept)
        return kept

    monkeypatch.setattr(program, "do", do)
    return done


def options(folder: Path, *more: str) -> list[str]:
    places = ["--folder", str(folder), "--results", str(folder / "RESULTS.md")]
    return [*more, "--no-race", "--robust", *places]


def test_it_goes_on_where_it_was_stopped(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    do = program.do

    def stop(job: Job, folder: Path) -> dict:
        if job.seed == 2:
            raise KeyboardInterrupt
        return do(job, folder)

    with monkeypatch.context() as patch:
        patch.setattr(program, "do", stop)
        assert program.main(options(tmp_path, "mlp", "--seeds", "4")) == 130
    assert quick == ["mlp, seed 0", "mlp, seed 1"]
    assert program.main(options(tmp_path, "mlp", "--seeds", "4")) == 0
    assert quick[2:] == ["mlp, seed 2", "mlp, seed 3"]
    assert "3 of 10" not in (tmp_path / "RESULTS.md").read_text("utf-8")
    program.main(options(tmp_path, "mlp", "--seeds", "4"))
    assert len(quick) == 4
    # Another recipe of that name, other code, times that are to count: done again.
    for more in (["--epochs", "1"], ["--code", "new"], ["--idle"], ["--again"]):
        before = len(quick)
        assert program.main(options(tmp_path, "mlp", "--seeds", "3,", *more)) == 0
        assert quick[before:] == ["mlp, seed 3"]


def test_a_run_that_fails_does_not_end_the_others(
    tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    do = program.do

    def fail(job: Job, folder: Path) -> dict:
        if job.seed == 0:
            raise RunError("no memory")
        return do(job, folder)

    monkeypatch.setattr(program, "do", fail)
    assert program.main(options(tmp_path, "mlp", "--seeds", "2")) == 1
    assert quick == ["mlp, seed 1"]


def test_every_recipe_has_as_many_seeds_as_are_wanted(tmp_path: Path) -> None:
    wanted = program.jobs(program.parse([]))
    for name in set(WANTED) & set(RECIPES):
        seeds = [job.seed for job in wanted if job.recipe.name == name]
        assert seeds == list(range(WANTED[name].seeds))
    assert {job.recipe.name for job in wanted} == set(WANTED) & set(RECIPES)


@pytest.mark.parametrize("given", ["none", "--seeds=x", "--seeds=-1", "--seeds="])
def test_what_makes_no_sense(given: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        program.parse([given])
    assert capsys.readouterr().err


def test_one_run_whole(tmp_path: Path) -> None:
    """Two commands in processes of their own; the seed decides the score."""
    recipe = replace(RECIPES["notebook"], epochs=1)
    job = Job(recipe, 3, 1, idle=False, robust=False, code="test")
    assert not job.is_done(tmp_path)
    kept = runs.do(job, tmp_path)
    assert job.is_done(tmp_path) and not replace(job, idle=True).is_done(tmp_path)
    assert kept == json.loads((tmp_path / "runs" / "notebook-03.json").read_text())
    assert (kept["seed"], kept["threads"], kept["epochs"]) == (3, 1, 2)
    assert kept["test"]["openings"] == 1 and kept["test"]["total"] == 28_000
    assert kept["config"]["learning_rate"] == 0.1 and kept["parameters"] == 12_730
    assert 0 < kept["evaluate_seconds"] and 0 < kept["train_seconds"]
    assert "notebook" in render.render(tmp_path)


def test_a_command_that_fails() -> None:
    with pytest.raises(RunError, match="ValueError: too bad"):
        runs.call([sys.executable, "-c", "raise ValueError('too bad')"])
    with pytest.raises(RunError, match="exit code 3"):
        runs.call([sys.executable, "-c", "raise SystemExit(3)"])


def test_ctrl_c_ends_the_command_too() -> None:
    def press(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    started = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            runs.call([sys.executable, "-c", "import time; time.sleep(60)"])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 30


def test_waiting_for_an_idle_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = iter([0.9, 0.8, 0.05])
    monkeypatch.setattr(runs, "busy_share", lambda: next(shares))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert runs.wait_until_idle(wanted=True) == 0.05
    monkeypatch.setattr(runs, "busy_share", lambda: 0.9)
    assert runs.wait_until_idle(wanted=False) == 0.9
    assert runs.wait_until_idle(wanted=True, patience=0) == 0.9


def test_how_busy_the_machine_is() -> None:
    share = runs.busy_share(0.05)
    assert share is None or 0 <= share <= 1


def test_a_recipe_that_changes_is_another() -> None:
    recipe = RECIPES["mlp"]
    assert runs.digest_of(recipe) == runs.digest_of(replace(recipe))
    assert runs.digest_of(recipe) != runs.digest_of(replace(recipe, epochs=1))


def test_corrupted_test_images_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: corruptions.CORRUPTIONS[name] for name in ("inversion", "scale/0.7")}
    monkeypatch.setattr(robustness, "CORRUPTIONS", few)
    network = RECIPES["notebook"].build((28, 28, 1), 10, seed=0)

    class Model:
        pass

    model: Any = Model()
    model.network = network
    read = robustness.read_corrupted(model, 50)
    assert list(read) == list(few)
    images, labels = robustness.test_images(50)
    dark = corruptions.corrupt(images, "inversion")
    correct = np.count_nonzero(network.predict_proba(dark).argmax(1) == labels)
    assert read["inversion"] == {"correct": correct, "total": 50}


# -- the page -------------------------------------------------------------------------


def rows_of(page: str, title: str) -> list[list[str]]:
    """Return the cells of a section's table, the head left out."""
    section = page.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def test_an_empty_folder_is_an_empty_page(tmp_path: Path) -> None:
    assert render.render(tmp_path) == render.HEAD


def test_the_accuracies(tmp_path: Path) -> None:
    keep(tmp_path, *(record("mlp", i, 9860 + i) for i in range(10)))
    keep(tmp_path, record("best", 0, 9971), record("cnn", 0, 9940))
    page = render.render(tmp_path)
    cnn, best, mlp = rows_of(page, "Recipes")
    assert cnn[4:] == ["99.50", "1 of 10 seeds"]
    assert best[3:] == ["98.00 – 99.00", "99.70 (goal 99.75)", "✓"]
    assert mlp[0] == "`mlp`" and mlp[1].split()[-1] == "98.69"
    assert mlp[2:] == ["**98.645**", "0.030", "98.60", "✓"]
    assert "On validation images: `cnn` 98.33 %" in page
    assert "Members of" not in page
    best = record("best", 0, 9971)
    best["test"]["members"] = [0.9960, 0.9964, 0.9968]
    keep(tmp_path, best)
    assert (
        "Members of `best`, each alone: 99.60 99.64 99.68 % (mean 99.640, sd 0.040)."
        in render.render(tmp_path)
    )
    keep(tmp_path, *(record("mlp", i, 9800) for i in range(10)))
    assert rows_of(render.render(tmp_path), "Recipes")[2][5] == "✗"


@pytest.mark.parametrize("one", found.read_runs(runs.ROOT / "records"))
def test_recipes_promise_what_was_measured(one: found.Runs) -> None:
    if one.records[0]["digest"] != runs.digest_of(RECIPES[one.recipe]):
        pytest.skip("the recipe has changed since")
    expected = EXPECTED[one.recipe]
    assert 100 * expected.accuracy == pytest.approx(mean(one.accuracies), abs=0.03)
    if one.is_idle:
        seconds = median(one.values("train_seconds"))
        assert expected.seconds == pytest.approx(seconds, rel=0.15)


def test_the_times(tmp_path: Path) -> None:
    keep(tmp_path, *(record(seed=i, idle=True) for i in range(3)))
    row = rows_of(render.render(tmp_path), "Time")[0]
    assert row[1:4] == ["**16 s** (15 s – 17 s)", "20 s", "✓"]
    assert row[4:] == ["20", "535,818", "20,000", "2"]
    keep(tmp_path, record(seed=1, idle=False))
    assert rows_of(render.render(tmp_path), "Time")[0][3] == "not idle"


def test_calibration(tmp_path: Path) -> None:
    keep(tmp_path, record("cnn", 0), record("mlp", 0))
    cnn, mlp = rows_of(render.render(tmp_path), "Calibration")
    assert cnn[1:] == ["0.200", "0.0500", "0.0200", "≤ 0.3 %", "✓"]
    assert mlp[4:] == ["", ""]


def test_older_runs_are_not_mixed_in(tmp_path: Path) -> None:
    new = "2026-02-01T00:00:00+00:00"
    keep(tmp_path, record(seed=0), record(seed=1, digest="e", time=new))
    (runs_,) = found.read_runs(tmp_path)
    assert [one["seed"] for one in runs_.records] == [1] and runs_.older == 1
    assert "Not shown, of an older `mlp`: runs, 1." in render.render(tmp_path)


def test_robustness(tmp_path: Path) -> None:
    read = {
        name: {"correct": 50 if name.startswith("mnist-c/") else 90, "total": 100}
        for name in corruptions.CORRUPTIONS
    }
    keep(tmp_path, record("cnn", 0, robustness=read), record("mlp", 0))
    page = render.render(tmp_path)
    rows = rows_of(page, "Robustness")
    assert len(rows) == len(corruptions.CORRUPTIONS)
    assert rows[0] == ["`rotation/10`", "turned by ±10°", "90.00"]
    assert "of our changes 90.00 %, of the 13 of MNIST-C 50.00 %" in page
    assert "The recipe `mlp` on test images" not in page


def test_other_pictures(tmp_path: Path) -> None:
    cases = [*(case.name for case in CASES), "uci"]
    shares = dict.fromkeys(SHARES, 960)
    sheets = {"digits": 990, "of_digits": 1000, "numbers": 85, "of_numbers": 100}
    for seed in (0, 1):
        right = {"right": 9900 - 100 * seed, "without": 5000, "of": 10_000}
        content = {
            "recipe": "cnn",
            "digest": "d",
            "cases": dict.fromkeys(cases, right),
            "sheets": {name: sheets for name in SHEETS},
            "known": {**dict.fromkeys(SHARES, 80), "of": 10_000},
            "strange": {"noise": {**shares, "of": 1000}},
            "photo": {"seconds": 1.2, "megabytes": 390.0, "megapixels": 12.0}
            | {"right": 40, "of": 40},
        }
        runs.write_json(tmp_path / "pictures" / f"cnn-{seed:02d}.json", content)
    older = {**content, "digest": "older"}
    runs.write_json(tmp_path / "pictures" / "an-older.json", older)
    page = render.render(tmp_path)
    assert "2 seeds, on pictures made of the 10,000 test digits" in page
    assert "| **98.50 ± 0.71** | 50.00 ± 0.00 | 98 (goal 99) | ✓ |" in page
    assert "| 97 of digits, 90 of numbers | ✗ |" in page
    assert "| **all without a digit** | 96.00 ± 0.00 ✓ |" in page
    assert "1.20 s, 390 MB (at most 1.5 s, 400 MB) ✓; 80 of 80 digits right." in page


def test_ablations(tmp_path: Path) -> None:
    rows = [
        {"name": "all", "seeds": [0, 1], "scores": [0.995, 0.996]},
        {"name": "no averaging", "seeds": [0, 1], "scores": [0.994, 0.9948]},
        {"name": "one seed", "seeds": 1, "scores": [0.99]},
    ]
    folder = tmp_path / "ablations"
    runs.write_json(folder / "a.json", {"title": "Averaging", "rows": rows})
    (folder / "some-shift.json").write_text(json.dumps(rows[:2]))
    page = render.render(tmp_path)
    assert "### Averaging\n" in page and "### some shift\n" in page
    first, second, third = rows_of(page, "Ablations")[:3]
    assert first == ["all", "99.50 99.60", "99.550 ± 0.071", ""]
    assert second[3] == "-0.110 ± 0.010" and third[2:] == ["99.000", "-0.550"]
    unpaired = found.difference(("a", [0, 1], [1.0, 3.0]), ("b", [5, 6], [2.0, 4.0]))
    assert unpaired == (1.0, pytest.approx(2**0.5))


def test_the_machine(tmp_path: Path) -> None:
    changed = {"id": None, "changed": True}
    keep(tmp_path, record(), record(seed=1, commit=changed))
    page = render.render(tmp_path)
    assert "- A processor, 2 of 4 processors, 24 GiB, Linux, Python 3.11," in page
    assert "Commits: 012345678, unknown (for some runs with changes" in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (8, "8 s"),
        (8.42, "8.4 s"),
        (180, "3 min"),
        (95, "1 min 35 s"),
        (5400, "1 h 30 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert render.duration(seconds) == words


# -- the race -------------------------------------------------------------------------


def test_the_race_is_kept_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = {"alone": 4.0, "records_torch": 10.0}
    called = []

    def call(command: list[str], _: object) -> tuple[float, str]:
        name = command[2].rpartition(".")[2]
        called.append(name)
        return times[name], json.dumps({"correct": 9910, "total": 10_000})

    monkeypatch.setattr(race, "call", call)
    monkeypatch.setattr(race, "wait_until_idle", lambda _: 0.0)
    recipe = RECIPES["fastest"]
    for again, n in ((False, 1), (False, 1), (True, 2)):
        assert race.run(recipe, tmp_path, "0.1", True, again, lambda _: None)
        assert called.count("alone") == n * race.ROUNDS
    page = render.render(tmp_path)
    assert "takes **2.50 ×** as long." in page
    ours, theirs, *_ = rows_of(page, "Time to 99 %, beside PyTorch")
    assert ours == ["Ardoise", "**4.00 s** (4.00 – 4.00)", "99.10 (99.10)"]
    assert theirs[0].startswith("PyTorch, 1 thread")

    def fail(*_: object) -> None:
        raise RunError("no memory")

    monkeypatch.setattr(race, "call", fail)
    assert not race.run(recipe, tmp_path, "0.2", True, False, lambda _: None)


def test_a_recipe_that_is_not_written_in_pytorch(tmp_path: Path) -> None:
    said: list[str] = []
    recipe = replace(RECIPES["fastest"], augmentation={"shift": 2})
    assert race.run(recipe, tmp_path, "0.1", False, False, said.append)
    assert "is not written in PyTorch" in said[0]


@pytest.mark.parametrize("name", ["fastest", "cnn", "mlp"])
def test_pytorch_has_the_same_network(name: str) -> None:
    recipe = replace(RECIPES[name], augmentation=None)
    network = recipe.build((28, 28, 1), 10, seed=0)
    settings = race.torch_settings(recipe, 0)
    model = records_torch.build(settings["layers"])
    assert sum(p.numel() for p in model.parameters()) == network.n_params
    steps = -(-race.N_TRAIN // recipe.batch_size) * recipe.epochs
    assert len(settings["rates"]) == steps
    assert json.loads(json.dumps(settings))["seed"] == 0


def test_pytorch_learns_by_the_same_rule() -> None:
    """From the same weights, all images at a time: the same weights after."""
    config = optimizers.get({"name": "adamw", "beta1": 0.7, "beta2": 0.9}).config()
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 1, 28, 28), dtype=np.uint8)
    labels = rng.integers(0, 10, 64)
    network = RECIPES["notebook"].build((28, 28, 1), 10, seed=0)
    weights = network.parameters()
    model = records_torch.build(network.config()["layers"])
    pairs = [(model[1], "1"), (model[3], "3")]
    with torch.no_grad():
        for linear, i in pairs:
            linear.weight.copy_(torch.from_numpy(weights[f"{i}.W"].T.copy()))
            linear.bias.copy_(torch.from_numpy(weights[f"{i}.b"].copy()))
    before = network.theta.copy()
    records_torch.train(
        model,
        torch.from_numpy(images),
        torch.from_numpy(labels),
        optimizer=config,
        rates=[0.01] * 5,
        batch_size=None,
        label_smoothing=0.1,
        weight_average=0.9,
    )
    fit(
        network,
        images.reshape(64, 28, 28, 1),
        labels,
        loss={"name": "softmax_cross_entropy", "label_smoothing": 0.1},
        optimizer=config,
        learning_rate=0.01,
        batch_size=None,
        epochs=5,
        threads=1,
        weight_average=0.9,
    )
    assert np.abs(network.theta - before).max() > 0.01
    for linear, i in pairs:
        found = linear.weight.detach().numpy().T
        np.testing.assert_allclose(found, weights[f"{i}.W"], atol=1e-4)
        np.testing.assert_allclose(
            linear.bias.detach().numpy(), weights[f"{i}.b"], atol=1e-4
        )


def test_pytorch_runs_whole() -> None:
    recipe = RECIPES["fastest"]
    settings = race.torch_settings(recipe, 0) | {"n_train": 600, "n_test": 300}
    settings["rates"] = settings["rates"][:3]
    settings["weight_average"] = 0.9
    assert records_torch.run(**settings)["total"] == 300
    for config in ({"name": "sgd", "momentum": 0.9}, {"name": "adamw"}):
        settings["optimizer"] = optimizers.get(config).config()
        assert 0 <= records_torch.run(**settings)["correct"] <= 300


def test_what_pytorch_does_not_know() -> None:
    model = records_torch.build([{"type": "Flatten"}])
    with pytest.raises(records_torch.UnsupportedError, match="the optimiser rmsprop"):
        records_torch.make_optimizer({"name": "rmsprop"}, model)
    for layer in (
        {"type": "LayerNorm"},
        {"type": "MaxPool2D", "pool_size": 2, "stride": 2, "padding": 1},
    ):
        with pytest.raises(records_torch.UnsupportedError):
            records_torch.build([layer])


def test_ardoise_runs_whole() -> None:
    read = alone.run(recipe="notebook", seed=0, epochs=1, n_test=500)
    assert read["total"] == 500 and 0 <= read["correct"] <= 500
