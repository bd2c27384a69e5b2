"""The benchmarks: their arithmetic, their table, and every contestant at a tiny size.

Run with ``python -m pytest`` from the repository's root, where `benchmarks` lies.
"""

import json
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ardoise import fit
from ardoise.engine import losses
from ardoise.engine.batches import BatchLoader
from benchmarks import __main__ as program
from benchmarks import (
    augmentation,
    convolutions,
    inference,
    machine,
    measure,
    memory,
    notebook,
    profile,
    report,
    startup,
    training,
)
from benchmarks.contestants import (
    allocations_ardoise,
    architecture,
    busy,
    data,
    floor,
    infer_ardoise,
    memory_ardoise,
    notebook_ardoise,
    notebook_plain,
    notebook_task,
    plain_convolution,
    sgemm,
    train_ardoise,
    train_numpy,
)
from benchmarks.measure import Contestant, Race, Ratio
from benchmarks.plan import QUICK, Plan
from benchmarks.report import Detail, Line, Section, Target

TINY = {"network": "784-16-10", "batch": 32, "n_train": 100, "n_test": 50}
TINY_CNN = TINY | {"network": "4c3-p2-3c5-p2-10"}
CALLS = {"network": "4c3-p2-3c5-p2-12-10", "n_test": 6, "seconds": 0.01}


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
    assert architecture.training_flops("784-16-10") == 2 * products


@pytest.mark.parametrize("threads", [1, 3])
def test_the_floor_does_so_many_flops(threads: int) -> None:
    found = floor.run(network="8-5-3", batch=7, steps=2, python_threads=threads)
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


@pytest.mark.parametrize("task", [TINY, TINY_CNN])
def test_ardoise_trains(task: dict[str, Any]) -> None:
    check(train_ardoise.run(**task, epochs=1, seed=0))
    check(train_ardoise.run(**task, epochs=1, seed=0, threads=1, busy=1))


@pytest.mark.parametrize("task", [TINY, TINY_CNN])
def test_ardoise_s_memory_is_measured(task: dict[str, Any]) -> None:
    found = memory_ardoise.run(**task, seed=0)
    check(found)
    assert found["peak_bytes"] > 50 * 2**20  # MNIST alone


@pytest.mark.parametrize(
    "package, module, more",
    [
        ("sklearn", "train_sklearn", TINY | {"epochs": 1}),
        ("torch", "train_pytorch", TINY | {"epochs": 1}),
        ("torch", "train_pytorch", TINY_CNN | {"epochs": 1, "busy": 1}),
        ("torch", "train_pytorch", TINY_CNN | {"epochs": 1, "channels_last": True}),
        ("torch", "memory_pytorch", TINY),
        ("torch", "memory_pytorch", TINY_CNN | {"channels_last": True}),
    ],
)
def test_peers_train(package: str, module: str, more: dict[str, Any]) -> None:
    pytest.importorskip(package)
    contestant = import_module(f"benchmarks.contestants.{module}")
    check(contestant.run(**more, seed=0))


@pytest.mark.skipif(not measure.installed("jax"), reason="jax is not installed")
@pytest.mark.parametrize("task", [TINY | {"whole_epochs": True}, TINY_CNN])
def test_jax_trains_in_a_process_of_its_own(task: dict[str, Any]) -> None:
    # Whole epochs take the full batches, single steps the shorter last one.
    settings = task | {"epochs": 1}
    check(measure.run_once(Contestant("JAX", "train_jax", settings, 1), seed=0))


def test_the_plain_convolutions_train() -> None:
    check(train_numpy.run(**TINY_CNN, epochs=1, seed=0))


def test_the_plain_convolutions_have_ardoise_s_gradients() -> None:
    name = "4c3-p2-3c5-p2-10"  # the second pool drops a row and a column
    plain, network = (
        plain_convolution.PlainNetwork(name, 0),
        train_ardoise.build(name, 1),
    )
    rng = np.random.default_rng(0)
    x, y = rng.random((6, 28, 28, 1), np.float32), rng.integers(0, 10, 6)
    keys = [f"{place}.{letter}" for place in (0, 3, 7) for letter in "Wb"]
    for key, values in zip(keys, plain.parameters, strict=True):
        place = network.parameters()[key]
        place[...] = values.reshape(place.shape)
    _, dz = losses.get("softmax_cross_entropy")(
        network.forward(x, training=True), y, scale=1 / 6
    )
    network.backward(dz)
    found = network.gradients()
    for key, values in zip(keys, plain.gradients(x, y), strict=True):
        np.testing.assert_allclose(found[key].ravel(), values.ravel(), atol=1e-5)


def test_a_busy_process_is_busy_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []

    class Popen(subprocess.Popen[str]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    with pytest.raises(ValueError, match="in the middle"), busy.busy_processes(2):
        assert [process.poll() for process in started] == [None, None]
        raise ValueError("in the middle")
    assert all(process.poll() is not None for process in started)


def test_steps_allocate_little() -> None:
    found = allocations_ardoise.run(network=TINY_CNN["network"], batch=32, seed=0)
    assert found["limit_bytes"] == 32 * 26 * 26 * 4 * 4
    assert 0 < found["allocated_bytes"] < found["limit_bytes"]


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    "package, module, more",
    [
        ("torch", "infer_pytorch", CALLS),
        ("torch", "infer_pytorch", CALLS | {"channels_last": True}),
        ("onnx", "infer_onnxruntime", CALLS),
        ("sklearn", "infer_sklearn", CALLS | {"network": "784-16-10"}),
    ],
)
def test_everybody_gives_the_same_answers(
    package: str, module: str, more: dict[str, Any], batch: int
) -> None:
    pytest.importorskip(package)
    if package == "onnx":
        pytest.importorskip("onnxruntime")
    peer = import_module(f"benchmarks.contestants.{module}")
    ours = {key: value for key, value in more.items() if key != "channels_last"}
    mine = infer_ardoise.run(**ours, batch=batch, threads=1)
    theirs = peer.run(**more, batch=batch)
    assert theirs["fingerprint"] == pytest.approx(mine["fingerprint"], rel=1e-5)
    for found in (mine, theirs):
        speed = batch / found["microseconds"] * 1e6
        assert found["images_per_second"] == pytest.approx(speed)


def check(found: measure.Sample) -> None:
    assert 0 < found["accuracy"] <= 1
    assert all(value > 0 for value in found.values())


# -- convolutions and inference ------------------------------------------------------


def test_the_name_of_a_network() -> None:
    steps = architecture.parse("32c3-p2-64c3-p2-128-10")
    shapes = [step.output_shape for step in steps]
    assert shapes == [
        (26, 26, 32),
        (13, 13, 32),
        (11, 11, 64),
        (5, 5, 64),
        (128,),
        (10,),
    ]
    products = [26 * 26 * 9 * 32, 11 * 11 * 9 * 32 * 64, 1600 * 128, 1280]
    flops = 2 * (2 * products[0] + 3 * sum(products[1:]))
    assert architecture.training_flops("32c3-p2-64c3-p2-128-10") == flops
    assert architecture.widest("32c3-p2-64c3-p2-128-10") == 26 * 26 * 32
    assert architecture.input_shape("784-16-10") == (784,)
    with pytest.raises(ValueError, match="got 32x3"):
        architecture.parse("32x3-10")


@pytest.mark.parametrize("threads", [1, 2])
def test_the_peak_counts_images_of_a_training(threads: int) -> None:
    found = sgemm.run(network="784-16-10", seconds=0.01, python_threads=threads)
    flops = architecture.training_flops("784-16-10")
    assert found["gflops"] * 1e9 == pytest.approx(found["images_per_second"] * flops)


def speeds_of_convolutions(
    field: list[Contestant], monkeypatch: pytest.MonkeyPatch
) -> Race:
    """Return a race in which everybody's speed was given by its place in the field."""
    places = {contestant.key: i for i, contestant in enumerate(field)}
    assert len(places) == len(field)
    monkeypatch.setattr(
        measure,
        "run_once",
        lambda contestant, seed: {
            "images_per_second": 100.0 + places[contestant.key],
            "accuracy": 0.5,
            "gflops": 1.0,
        },
    )
    return measure.race("title", field, 1, convolutions.FIGURE, silent)


def test_every_row_about_convolutions_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(convolutions, "installed", lambda package: True)
    field = convolutions.contestants(convolutions.MAIN, QUICK, processors=2)
    section = Section()
    found = speeds_of_convolutions(field, monkeypatch)
    convolutions.judge(convolutions.MAIN, found, section, processors=2)
    assert [line.against for line in section.lines] == [
        "PyTorch, 2 threads, channels_last",
        "JAX, 2 threads",
        "im2col in NumPy, 2 threads",
        "peak of matrix products, BLAS 2 threads",
        "threads=1",
        "PyTorch beside a busy process, 2 threads, channels_last",
        "itself, idle machine",
        "itself, idle machine",
    ]
    assert all(line.measured != "not measured" for line in section.lines)
    assert [line.met for line in section.lines] == [False] * 3 + [
        True,
        False,
        None,
        True,
        None,
    ]
    assert len(section.details) == len(field)
    wanted = [line.wanted for line in section.lines]
    assert wanted[3] == "≥ 60 % (goal 75 %)" and wanted[6] == "≥ 45 %"


def test_convolutions_without_peers_still_have_every_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(convolutions, "installed", lambda package: False)
    field = convolutions.contestants(convolutions.MAIN, QUICK, processors=1)
    assert {contestant.module for contestant in field} == {
        "train_ardoise",
        "train_numpy",
        "sgemm",
    }
    section = Section()
    found = speeds_of_convolutions(field, monkeypatch)
    convolutions.judge(convolutions.MAIN, found, section, processors=1)
    missing = [x.against for x in section.lines if x.measured == "not measured"]
    assert missing == ["PyTorch", "JAX", "PyTorch", "itself, idle machine"]


def answers(fingerprint: float) -> Section:
    """Return the judgement on Ardoise at 10 µs and PyTorch at 30 and 40."""
    problem = inference.PROBLEMS[2]
    field = [
        Contestant("Ardoise", "module", {}, 2, "threads=1"),
        Contestant("PyTorch", "module", {}, 1),
        Contestant("PyTorch", "module", {}, 2),
    ]
    figures = [(10.0, 0.5), (40.0, fingerprint), (30.0, fingerprint)]
    samples = {
        contestant.key: [{"microseconds": time, "fingerprint": answer}]
        for contestant, (time, answer) in zip(field, figures, strict=True)
    }
    section = Section()
    inference.judge(problem, Race(field, samples), section)
    return section


def test_one_image_is_judged_by_its_time_and_its_answer() -> None:
    line, *others = answers(0.5).lines
    assert line.against == "PyTorch, 2 threads"
    assert line.measured == "**3.00 ×** (3.00 – 3.00)" and line.met is True
    assert [other.measured for other in others] == ["not measured"] * 2
    line = answers(0.6).lines[0]
    assert line.met is False and line.measured.endswith("; the answers differ")


def test_the_field_of_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "installed", lambda package: True)
    many, single, dense = (
        {c.key for c in inference.contestants(problem, QUICK, processors=1)}
        for problem in inference.PROBLEMS
    )
    formats = {"PyTorch, 1 thread, contiguous", "PyTorch, 1 thread, channels_last"}
    assert many == {"Ardoise, 1 thread", "onnxruntime, 1 thread", *formats}
    assert single == {"Ardoise, threads=1", "onnxruntime, 1 thread", *formats}
    assert dense == {
        "Ardoise, threads=1",
        "onnxruntime, 1 thread",
        "PyTorch, 1 thread",
        "scikit-learn, 1 thread",
    }


def test_new_memory_is_a_share_of_the_widest_layer() -> None:
    sample = {"allocated_bytes": 2.0**16, "limit_bytes": 2.0**20}
    section = Section()
    key = "Ardoise, 2 threads"
    memory.judge_allocations(key, Race([], {key: [sample]}), section)
    memory.judge_allocations(key, Race([], {}), section)
    measured, failed = section.lines
    assert measured.met is True
    assert measured.measured == "**6 %** (6 – 6): 64 KiB (64 – 64) of 1.0 MiB"
    assert failed.measured == "not measured"


def test_the_costs_of_augmentation(capsys: pytest.CaptureFixture[str]) -> None:
    assert augmentation.main(["--rounds", "1", "--steps", "1"]) == 0
    table = capsys.readouterr().out.splitlines()[2:]
    rows = [line for line in table if line.startswith("|")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [
        *augmentation.KINDS
    ]
    assert sum("%" in row for row in rows) == len(augmentation.TRAINED)


def test_the_profile_accounts_for_the_whole_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(profile.NETWORKS, "cnn", (TINY_CNN["network"], 8))
    monkeypatch.setattr(profile, "FLOOR_SECONDS", 0.01)
    loads = BatchLoader.load
    assert profile.main(["--steps", "3"]) == 0
    assert BatchLoader.load is loads  # the clocks are gone
    printed = capsys.readouterr().out
    assert printed.startswith("4c3-p2-3c5-p2-10, batch 8, 3 steps of Adam")
    kernels, whole = profile.measure(TINY_CNN["network"], 8, 3)
    assert sum(k.seconds for k in kernels) == pytest.approx(whole.seconds)
    assert sum(k.flops for k in kernels) == whole.flops
    named = {kernel.name: kernel for kernel in kernels}
    # A copy of the windows and a product; the bias comes after the maximum.
    assert named["0 Conv2D forward"].calls == 2 and named["optimiser"].calls == 1
    assert named["everything else"].seconds > 0


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
        (["--only", "notebook,speed"], "must be some of notebook, training, conv"),
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
