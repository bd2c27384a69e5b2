"""The benchmarks: their arithmetic, their table, and every contestant at a tiny size.

Run with ``python -m pytest`` from the repository's root, where `benchmarks` lies.
"""

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from ardoise import fit
from benchmarks import __main__ as program
from benchmarks import machine, measure, notebook, report, startup, training
from benchmarks.contestants import (
    data,
    floor,
    memory_ardoise,
    notebook_ardoise,
    notebook_plain,
    notebook_task,
    train_ardoise,
)
from benchmarks.measure import Contestant, Race, Ratio
from benchmarks.plan import QUICK, Plan
from benchmarks.report import Detail, Line, Section, Target

TINY = {"layers": [784, 16, 10], "batch": 32, "n_train": 100, "n_test": 50}


def silent(_: str) -> None:
    """Say nothing."""


def finished(**samples: list[measure.Sample]) -> Race:
    """Return a race of contestants called a1, a2, b1 …: name, then threads."""
    field = [Contestant(key[0], "module", {}, int(key[1])) for key in samples]
    values = zip(field, samples.values(), strict=True)
    return Race(field, {contestant.key: value for contestant, value in values})


# -- arithmetic --------------------------------------------------------------------


def test_a_ratio_is_that_of_medians_with_the_range_of_the_rounds() -> None:
    assert measure.ratio([2, 9, 4], [1, 3, 4]) == Ratio(4 / 3, 1, 3)


def test_the_better_of_one_thread_and_all_counts() -> None:
    race = finished(
        a1=[{"speed": 1}, {"speed": 9}, {"speed": 2}],
        a4=[{"speed": 3}, {"speed": 3}, {"speed": 3}],
        b1=[{"speed": 6}, {"speed": 6}, {"speed": 6}],
    )
    assert race.best("a", "speed") == "a, 4 threads"
    assert race.best("a", "speed", better=min) == "a, 1 thread"
    assert race.best("c", "speed") is None
    assert race.ratio("b, 1 thread", "a, 4 threads", "speed") == Ratio(2, 2, 2)
    assert race.ratio("b, 1 thread", None, "speed") is None


def test_peers_run_with_one_thread_and_with_all() -> None:
    assert [c.threads for c in measure.both_ways("a", "m", {}, 4)] == [1, 4]
    assert [c.key for c in measure.both_ways("a", "m", {}, 1)] == ["a, 1 thread"]


def test_the_environment_says_one_thread_or_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("XLA_FLAGS", "--other")
    every, one = measure.environment(2), measure.environment(1)
    assert not set(measure.THREAD_VARIABLES) & set(every)
    assert every["XLA_FLAGS"] == "--other"
    assert {one[name] for name in measure.THREAD_VARIABLES} == {"1"}
    assert one["XLA_FLAGS"] == f"--other {measure.XLA_ONE_THREAD}"


def test_the_floor_counts_five_products_for_two_layers() -> None:
    # Forward and dW for both layers, dx for the second alone.
    products = 2 * 784 * 16 + 3 * 16 * 10
    assert floor.flops_per_image([784, 16, 10]) == 2 * products


@pytest.mark.parametrize("threads", [1, 3])
def test_the_floor_does_so_many_flops(threads: int) -> None:
    found = floor.run(layers=[8, 5, 3], batch=7, steps=2, python_threads=threads)
    per_image = found["gflops"] * 1e9 / found["images_per_second"]
    assert per_image == pytest.approx(2 * (2 * 8 * 5 + 3 * 5 * 3))


def test_the_floor_is_measured_in_three_ways() -> None:
    field = training.contestants(training.PROBLEMS[1], QUICK, processors=4)
    ways = [c.key for c in field if c.name == training.FLOOR]
    assert sorted(ways) == [
        "matrix products, 4 Python threads",
        "matrix products, BLAS 1 thread",
        "matrix products, BLAS 4 threads",
    ]


def test_the_warm_up_has_the_timed_run_s_last_batch() -> None:
    assert data.warm_up_size(60_000, 128) % 128 == 60_000 % 128
    assert data.warm_up_size(100, 32) == 100


def test_a_machine_with_others_at_work_is_said_to_be_busy() -> None:
    assert machine.busy_warning(0.1, 2) is None
    assert machine.busy_warning(None, 2) is None
    assert "load average 1.50 on 2" in str(machine.busy_warning(1.5, 2))


# -- races -------------------------------------------------------------------------


def test_rounds_follow_one_another_and_who_fails_is_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = []

    def run_once(contestant: Contestant, seed: int) -> measure.Sample:
        order.append((contestant.name, seed))
        if contestant.name == "b" and seed == 1:
            raise measure.ContestantError("no memory")
        return {"speed": 1.0}

    monkeypatch.setattr(measure, "run_once", run_once)
    said: list[str] = []
    field = [Contestant(name, "module", {}, 1) for name in "abc"]
    race = measure.race("title", field, 3, "speed", said.append)
    assert "".join(name for name, _ in order) == "abcabcac"
    assert [seed for name, seed in order if name == "a"] == [0, 1, 2]
    assert race.failures == {"b, 1 thread": "no memory"}
    assert race.best("b", "speed") is None
    assert "title: b, 1 thread failed: no memory" in said
    section = Section()
    section.keep("title", race)
    assert section.failed == ["title: b, 1 thread: no memory"]


def test_a_contestant_that_cannot_run_says_why() -> None:
    contestant = Contestant("nobody", "no_such_module", {}, 1)
    with pytest.raises(measure.ContestantError, match="no_such_module"):
        measure.run_once(contestant, seed=0)


# -- the table ---------------------------------------------------------------------


def test_targets() -> None:
    faster, smaller = Target(3, goal=5), Target(0.5, "≤")
    share = Target(0.65, percent=True)
    assert [str(t) for t in (faster, smaller, share)] == [
        "≥ 3 × (goal 5 ×)",
        "≤ 0.5 ×",
        "≥ 65 %",
    ]
    assert faster.met_by(3) and not faster.met_by(2.99)
    assert smaller.met_by(0.5) and not smaller.met_by(0.51)


def test_rows() -> None:
    ratio, target = Ratio(3.456, 3, 4), Target(3)
    assert report.compare("w", "a", ratio, target) == Line(
        "w", "a", "≥ 3 ×", "**3.46 ×** (3.00 – 4.00)", True
    )
    assert report.compare("w", "a", ratio, target, same=False).met is False
    assert report.compare("w", "a", ratio, None).met is None
    assert report.compare("w", "a", None, target) == Line(
        "w", "a", "≥ 3 ×", "not measured"
    )
    share = report.compare("w", "a", Ratio(0.7, 0.65, 0.8), None, percent=True)
    assert share.measured == "**70 %** (65 – 80)"


def test_figures_have_three_digits() -> None:
    assert report.spread([1234, 1e6, 5e5], "images/s") == (
        "500,000 images/s (1,230 – 1,000,000)"
    )
    assert report.spread([0.01234], "ms", 1e-3) == "12.3 ms (12.3 – 12.3)"


def test_the_markdown_has_both_tables_and_the_machine() -> None:
    section = Section(
        lines=[Line("w", "a", "≥ 2 ×", "**3 ×**", True), Line("w", "b", "–", "1 ×")],
        details=[Detail("w", "Ardoise", "1 ms", "good")],
        failed=["title: b: no memory"],
    )
    here = machine.describe()
    text = report.markdown(here, [section], 5, ["busy"], "Not installed: x")
    blocks = text.split("\n\n")
    assert blocks[0] == "> **Warning:** busy."
    assert blocks[1].splitlines() == [
        "| work | against | wanted | measured |  |",
        "| --- | --- | --- | --- | --- |",
        "| w | a | ≥ 2 × | **3 ×** | ✓ |",
        "| w | b | – | 1 × |  |",
    ]
    assert blocks[2].splitlines()[2] == "| w | Ardoise | 1 ms | good |"
    assert blocks[3].startswith("Measured on ") and here["cpu"] in blocks[3]
    assert "Rounds side by side: 5" in blocks[3]
    assert blocks[4:] == ["Not installed: x.", "Failed: title: b: no memory\n"]


def test_the_notebook_s_verdict_asks_for_the_same_accuracy() -> None:
    def verdict(accuracy: float) -> Line:
        fast = {"seconds_per_epoch": 0.1, "train_accuracy": 0.9, "accuracy": accuracy}
        plain = {"seconds_per_epoch": 0.4, "train_accuracy": 0.9, "accuracy": 0.9}
        contestants = [
            Contestant("Ardoise", "module", {}, 2),
            Contestant(notebook.PLAIN, "module", {}, 2),
        ]
        samples = {contestants[0].key: [fast], contestants[1].key: [plain]}
        return notebook.judge(Race(contestants, samples), Plan()).lines[0]

    assert verdict(0.9004).met is True
    assert verdict(0.9004).measured == (
        "**4.00 ×** (4.00 – 4.00); test accuracies at most 0.04 points apart"
    )
    assert verdict(0.91).met is False


def test_import_times_are_compared_with_and_without_the_interpreter() -> None:
    times = {"Ardoise": (0.11, 0.13), "NumPy": (0.1, 0.12), "nothing": (0.0, 0.02)}
    names = ("import_seconds", "process_seconds")
    samples = {k: [dict(zip(names, v, strict=True))] for k, v in times.items()}
    line = startup.judge(samples).lines[0]
    assert line.met is True
    assert line.measured.startswith("**1.10 ×** (1.10 – 1.10) (whole process 1.08 ×")
    assert "1.10 ×)" in line.measured


# -- contestants -------------------------------------------------------------------


def test_the_plain_code_and_ardoise_make_the_same_updates() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (200, 784), dtype=np.uint8)
    y = np.arange(200) % 10
    plain, network = notebook_task.first_network(3), notebook_ardoise.build(3)
    plain.train(images.T / 255, y, notebook_task.LEARNING_RATE, 10, 7)
    fit(
        network,
        images,
        y,
        optimizer="sgd",
        learning_rate=notebook_task.LEARNING_RATE,
        epochs=10,
        batch_size=None,
        shuffle=False,
    )
    found = network.parameters()
    for name, weights, biases in zip("02", plain.weights, plain.biases, strict=True):
        np.testing.assert_allclose(found[f"{name}.W"], weights.T, atol=1e-5)
        np.testing.assert_allclose(found[f"{name}.b"], biases[:, 0], atol=1e-5)
    assert len(plain.accuracies) == 2


def test_the_notebook_s_contestants_reach_the_same_accuracy() -> None:
    work = {"n": 500, "epochs": 3, "seed": 0}
    plain, ours = notebook_plain.run(**work), notebook_ardoise.run(**work)
    for figure in ("accuracy", "train_accuracy"):
        assert ours[figure] == pytest.approx(plain[figure])


def test_digits_are_read_without_ardoise() -> None:
    (x, y), (x_test, y_test) = data.read_mnist(5, 3)
    assert (x.shape, x_test.shape) == ((5, 784), (3, 784))
    assert y.tolist() == [5, 0, 4, 1, 9] and y_test.tolist() == [7, 2, 1]
    assert x.max() > 250


def test_ardoise_trains() -> None:
    check(train_ardoise.run(**TINY, epochs=1, seed=0))


def test_ardoise_s_memory_is_measured() -> None:
    found = memory_ardoise.run(**TINY, seed=0)
    check(found)
    assert found["peak_bytes"] > 50 * 2**20  # MNIST alone


@pytest.mark.parametrize(
    "package, module, more",
    [
        ("sklearn", "train_sklearn", {"epochs": 1}),
        ("torch", "train_pytorch", {"epochs": 1}),
        ("torch", "memory_pytorch", {}),
    ],
)
def test_peers_train(package: str, module: str, more: dict[str, int]) -> None:
    pytest.importorskip(package)
    contestant = import_module(f"benchmarks.contestants.{module}")
    check(contestant.run(**TINY, **more, seed=0))


@pytest.mark.skipif(not measure.installed("jax"), reason="jax is not installed")
def test_jax_trains_in_a_process_of_its_own() -> None:
    # Whole epochs take the full batches, single steps the shorter last one.
    settings = TINY | {"epochs": 1, "whole_epochs": True}
    check(measure.run_once(Contestant("JAX", "train_jax", settings, 1), seed=0))


def check(found: measure.Sample) -> None:
    assert 0 < found["accuracy"] <= 1
    assert all(value > 0 for value in found.values())


# -- the command -------------------------------------------------------------------


def test_the_command_prints_the_table_and_writes_the_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "missing_note", lambda: "Not installed: JAX")
    path = tmp_path / "figures.json"
    code = program.main(["--quick", "--only", "import", "--json", str(path)])
    printed = capsys.readouterr()
    assert code == 0
    assert "| `import ardoise` | `import numpy` | ≤ 1.2 × | **" in printed.out
    assert "> **Warning:** this is a quick run" in printed.out
    assert "Not installed: JAX." in printed.out and "Not installed: JAX." in printed.err
    content = json.loads(path.read_text("utf-8"))
    assert content["plan"]["train"] == QUICK.train
    assert content["machine"]["packages"]["numpy"] == np.__version__
    samples = content["sections"]["import"]["samples"]["import"]
    assert samples["Ardoise"][0]["import_seconds"] > 0


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (["--only", "notebook,speed"], "must be some of notebook, training, import"),
        (["--rounds", "0"], "must be a whole number of at least 1; got '0'"),
    ],
)
def test_wrong_arguments(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        program.main(arguments)
    assert complaint in capsys.readouterr().err


def test_the_plan() -> None:
    assert program.make_plan(False, False, None) == Plan()
    assert program.make_plan(False, True, 3) == Plan(rounds=3, notebook_epochs=700)
    assert program.make_plan(True, False, None) == QUICK


def test_a_race_without_peers_still_has_every_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "installed", lambda package: False)
    monkeypatch.setattr(training, "PROBLEMS", training.PROBLEMS[1:])
    monkeypatch.setattr(
        measure,
        "run_once",
        lambda *_, **__: {"images_per_second": 2.0, "accuracy": 0.5, "gflops": 1.0},
    )
    section = training.run(QUICK, silent)
    measured = [line.measured for line in section.lines]
    assert measured[:-1] == ["not measured"] * len(training.PEERS)
    assert measured[-1] == "**100 %** (100 – 100)"
