"""A training led by a page: the same numbers as without one, and nothing is lost."""

import gc
import json
import shutil
import socket
import threading
import time
import weakref

import numpy as np
import pytest
from PIL import Image
from served import command, page_of
from small_session import (
    PATIENCE,
    Heard,
    model_of,
    session_of,
    small_data,
    young_network,
)

from ardoise.cli.app import run
from ardoise.digits import load_mnist
from ardoise.digits.finishing import temper
from ardoise.digits.planning import learn, plan_of
from ardoise.engine.layers import Dropout
from ardoise.files import load_model, save_model
from ardoise.slate import controls, learning
from ardoise.slate.controls import HANDLERS
from ardoise.slate.packets import pack, unpack
from ardoise.slate.presets import settings_of
from ardoise.slate.requests import SlateError
from ardoise.slate.session import Session

FEW = {"preset": "tiny", "epochs": 3, "batch_size": 64, "units": [24]}
STEPS = 29  # of one epoch: 1,800 images


@pytest.fixture(scope="module")
def data():
    return small_data()


@pytest.fixture(scope="module")
def network(data):
    return young_network(data)


@pytest.fixture
def session(network, data, tmp_path):
    session = session_of(model_of(network), data, tmp_path)
    yield session
    session.close()


@pytest.fixture
def heard(session):
    return Heard(session)


def ask(session, kind, **fields):
    return HANDLERS[kind](session, fields, {})[0]


def trained(session, **fields):
    """Train to the end."""
    ask(session, "learn.start", **{**FEW, **fields})
    session.lesson.wait(PATIENCE)
    assert session.state == "idle"
    return session.model


# -- a whole training -----------------------------------------------------------------


def test_it_is_the_training_of_the_command_line(session, data):
    model = trained(session, dropout=0.2, seed=3)
    settings = settings_of({**FEW, "dropout": 0.2, "seed": 3})
    plan = plan_of(settings.recipe, data, "mnist", "official", 3)
    learn(plan)
    twin = plan.networks[0]
    z, temperature = temper(
        twin, twin.predict_logits(plan.validation.images), plan.validation.labels
    )
    found, expected = model.network.parameters(), twin.parameters()
    for name in ("1.W", "1.b"):
        np.testing.assert_array_equal(found[name], expected[name])
    for name in ("4.W", "4.b"):  # these have the temperature, which a search finds
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-3)
    assert model.details["temperature"] == pytest.approx(temperature, rel=1e-3)
    correct = int((z.argmax(axis=1) == plan.validation.labels).sum())
    assert model.details["validation_score"] == {"correct": correct, "total": 200}
    assert {k: model.details[k] for k in plan.details} == plan.details
    assert model.doubt is not None


def test_pages_are_told_all_of_it(session, heard):
    trained(session)
    states = [header["learning"] for header, _ in heard.of("state")]
    assert states == ["running", "idle"]
    points = [p for header, _ in heard.of("learn") for p in header["points"]]
    steps = [step for step, _, _ in points]
    assert steps == sorted(set(steps)) and steps[-1] == 3 * STEPS
    assert points[-1][1] < points[0][1] and 0 <= points[-1][2] <= 1
    last = heard.of("learn")[-1][0]
    assert (last["step"], last["steps"], last["epochs"]) == (3 * STEPS, 3 * STEPS, 3)
    assert last["rate"] < 1e-4  # the end of one cycle
    epochs = [header for header, _ in heard.of("epoch")]
    assert [header["epoch"] for header in epochs] == [1, 2, 3]
    for header in epochs:
        assert [w["name"] for w in header["weights"]] == ["1.W", "4.W"]
        assert all(w["gradient"] > 0 for w in header["weights"])
        (dead,) = header["dead"]
        assert dead["kind"] == "ReLU" and 0 <= dead["share"] <= 1
    assert epochs[-1]["validation_accuracy"] > 0.7
    header, arrays = heard.of("watch")[-1]
    assert header["labels"] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    np.testing.assert_allclose(arrays["probabilities"].sum(axis=1), 1, atol=1e-5)
    assert arrays["images"].shape == (12, 28, 28)
    header, arrays = heard.of("weights")[-1]
    assert header["layer"] == 1 and arrays["weights"].shape == (24, 28, 28)
    for _, header, arrays in heard.packets:
        unpack(pack(header, arrays, "fr"))  # all of it can be sent


def test_points_are_the_losses_of_steps(session, heard, monkeypatch):
    monkeypatch.setattr(learning, "PUSH_EVERY", 0.0)  # each step a push
    trained(session, epochs=1)
    points = [p for header, _ in heard.of("learn") for p in header["points"]]
    assert len(points) == STEPS
    (epoch,) = heard.of("epoch")
    sizes = [64] * 28 + [8]  # the last batch has what is left
    mean = np.average([loss for _, loss, _ in points], weights=sizes)
    assert mean == pytest.approx(epoch[0]["loss"], rel=1e-6)
    right = np.average([accuracy for *_, accuracy in points], weights=sizes)
    assert right == pytest.approx(epoch[0]["accuracy"], rel=1e-6)


def test_pushes_are_few_however_fast_the_steps(session, heard):
    trained(session, batch_size=8, epochs=5)
    for kind, most in (("learn", 20), ("watch", 5), ("weights", 5)):
        times = [t for t, header, _ in heard.packets if header["type"] == kind]
        ends = len(heard.of("epoch")) if kind == "learn" else 0
        assert len(times) - ends <= most * (times[-1] - times[0]) + 2
    assert all(len(header["points"]) <= 4 for header, _ in heard.of("learn"))


def test_the_network_that_draws_is_replaced_after_each_epoch(session, heard):
    before, seen = session.network, []
    push = session.push

    def look(header, arrays):
        push(header, arrays)
        if header["type"] in ("learn", "epoch"):
            seen.append((header["type"], session.network))

    session.push = look
    trained(session)
    first = [kind for kind, _ in seen].index("epoch")
    assert all(network is before for _, network in seen[:first])
    assert seen[first][1] is not before  # a page that is told may ask at once
    drawing = {id(network) for _, network in seen}
    assert len(drawing) >= 3
    assert session.network is not session.lesson._network  # a copy: nobody changes it


def test_moments_go_from_the_first_step_to_the_network_that_draws(session):
    first = session.moments
    model = trained(session)
    assert session.moments is not first
    steps = ask(session, "learn.moments")["steps"]
    assert steps[:5] == [0, 1, 2, 3, 4] and steps[-1] == 3 * STEPS
    last = session.moments.network(steps[-1])
    np.testing.assert_array_equal(last.theta, model.network.theta)
    image = session.validation[0][0, ..., 0]
    header, arrays = HANDLERS["rewind"](session, {}, {"image": image})
    assert header["steps"] == steps
    table = arrays["probabilities"]
    assert table.shape == (len(steps), 10)
    said = session.reader.classify(image[np.newaxis])
    np.testing.assert_array_equal(table[-1], said[0])
    assert (table[0] != table[-1]).any()


def test_the_network_of_a_step_draws(session):
    with pytest.raises(SlateError, match="No training"):
        ask(session, "learn.use", step=0)
    model = trained(session)
    assert ask(session, "learn.use", step=2) == {"step": 2}
    network = session.moments.network(2)
    np.testing.assert_array_equal(session.network.theta, network.theta)
    assert session.model.details["step"] == 2 and session.model.doubt is None
    assert "validation_score" not in session.model.details  # of another network
    with pytest.raises(SlateError, match="was not kept"):
        ask(session, "learn.use", step=10**6)
    ask(session, "learn.use", step=3 * STEPS)
    assert session.model is model  # with its score, and what it refuses


def test_the_network_of_this_moment_draws(session, heard):
    lesson = paused(session, heard)
    ask(session, "learn.step")
    stands_at(heard, 1)
    assert ask(session, "learn.use") == {"step": 1}
    np.testing.assert_array_equal(session.network.theta, lesson._network.theta)
    assert session.network is not lesson._network and session.moments is lesson.moments
    ask(session, "learn.resume")
    ask(session, "learn.use")  # between two steps, or after the last one
    heard.wait_state("idle")


# -- led ------------------------------------------------------------------------------


def paused(session, heard, **fields):
    """Start, and wait before the first step."""
    ask(session, "learn.start", paused=True, **{**FEW, **fields})
    heard.wait_state("paused")
    assert session.lesson._step == 0
    return session.lesson


def stands_at(heard, step):
    """Wait until the training has paused at a step."""

    def told(heard):
        states = heard.of("state")
        last = states[-1][0] if states else {}
        return (last.get("learning"), last.get("step")) == ("paused", step)

    heard.wait(told)


def test_step_by_step(session, heard):
    lesson = paused(session, heard)
    for step in (1, 2, 3):
        ask(session, "learn.step")
        stands_at(heard, step)
    time.sleep(0.1)
    assert lesson._step == 3 and lesson.doing == "paused"
    ask(session, "learn.step", of="epoch")
    stands_at(heard, STEPS)
    assert len(heard.of("epoch")) == 1  # the end of the epoch has been told, too
    ask(session, "learn.step", of="epoch")
    stands_at(heard, 2 * STEPS)
    shown = [header["step"] for header, _ in heard.of("watch")]
    assert {1, 2, 3, STEPS, 2 * STEPS} <= set(shown)
    ask(session, "learn.resume")
    heard.wait_state("idle")
    assert len(heard.of("epoch")) == 3


def test_pauses_change_nothing(session, heard, network, data, tmp_path):
    paused(session, heard)
    ask(session, "learn.step")
    stands_at(heard, 1)
    ask(session, "learn.step", of="epoch")
    stands_at(heard, STEPS)
    ask(session, "learn.resume")
    ask(session, "learn.pause")
    heard.wait_state("paused")
    ask(session, "learn.resume")
    heard.wait_state("idle")
    other = session_of(model_of(network), data, tmp_path)
    trained(other)
    np.testing.assert_array_equal(session.network.theta, other.network.theta)


def test_the_rate_changes_while_it_learns(session, heard):
    lesson = paused(session, heard, preset="classic", epochs=1)
    ask(session, "learn.step")
    stands_at(heard, 1)
    assert heard.of("learn")[-1][0]["rate"] == 0.1
    assert ask(session, "learn.rate", value=0.025) == {"value": 0.025}
    before = lesson._network.theta.copy()
    ask(session, "learn.step")
    stands_at(heard, 2)
    assert heard.of("learn")[-1][0]["rate"] == 0.025
    # The last step of gradient descent was 0.025 times the gradient.
    moved = np.abs(lesson._network.theta - before).max()
    assert moved == pytest.approx(0.025 * np.abs(lesson._network.grad).max(), rel=1e-3)
    for wrong in (0, -1, 1e9, "x", None):
        with pytest.raises(SlateError):
            ask(session, "learn.rate", value=wrong)


def test_dropout_changes_while_it_learns(session, heard):
    lesson = paused(session, heard, preset="conv", units=None, batch_size=16)
    ask(session, "learn.step")
    stands_at(heard, 1)
    ask(session, "learn.dropout", value=0.75)
    networks = lesson._replicas
    for network in networks:
        (drop,) = [k for k in network.all_layers() if isinstance(k, Dropout)]
        assert drop.rate == 0.75
    ask(session, "learn.step")
    stands_at(heard, 2)
    assert 0.7 < 1 - networks[0].layers[-2]._mask.mean() < 0.8
    ask(session, "learn.stop")
    heard.wait_state("idle")
    kept = session.model.network.config()["layers"][-2]
    assert kept == {"type": "Dropout", "rate": 0.75}


def test_stop_keeps_the_best_weights_or_the_last(session, heard):
    lesson = paused(session, heard, learning_rate=0.02)
    ask(session, "learn.step", of="epoch")
    stands_at(heard, STEPS)
    best = lesson._network.theta.copy()
    ask(session, "learn.rate", value=10.0)  # from here it only gets worse
    ask(session, "learn.step", of="epoch")
    stands_at(heard, 2 * STEPS)
    losses = [header["validation_loss"] for header, _ in heard.of("epoch")]
    assert losses[1] > losses[0]
    ask(session, "learn.stop", keep="best")
    heard.wait_state("idle")
    network, t = session.network, session.model.details["temperature"]
    n = network.layout.entries[-1].place.stop  # the last layer has the temperature
    first = network.parameters()["1.W"]
    np.testing.assert_array_equal(first.reshape(-1), best[: first.size])
    assert t != 1 and n == len(best)
    # Everything says which step that was, and what came after it is undone.
    assert session.model.details["step"] == STEPS == session.moments.steps[-1]
    last = session.moments.network(STEPS)
    np.testing.assert_array_equal(last.theta, network.theta)
    assert ask(session, "learn.use") == {"step": STEPS}
    assert ask(session, "learn.state")["place"]["step"] == STEPS
    watched = heard.of("watch")[-1]
    assert watched[0]["step"] == STEPS
    again = network.predict_proba(watched[1]["images"][..., np.newaxis])
    np.testing.assert_allclose(watched[1]["probabilities"], again, atol=1e-6)


def test_stop_in_the_midst_of_an_epoch(session, heard):
    lesson = paused(session, heard)
    ask(session, "learn.step")
    stands_at(heard, 1)
    last = lesson._network.theta.copy()
    ask(session, "learn.stop", keep="last")
    heard.wait_state("idle")
    assert session.model.details["step"] == 1
    first = session.network.parameters()["1.W"]
    np.testing.assert_array_equal(first.reshape(-1), last[: first.size])
    trained(session, epochs=1)  # and another one can start


def test_the_last_step_is_measured_only_where_it_is_known(session, heard):
    """An epoch that is cut short has kept no weights from before its last step."""
    paused(session, heard)
    ask(session, "learn.step", of="epoch")
    stands_at(heard, STEPS)
    ask(session, "learn.step")
    stands_at(heard, STEPS + 1)
    ask(session, "learn.step")
    stands_at(heard, STEPS + 2)
    ask(session, "learn.stop")
    heard.wait_state("idle")
    whole, cut = [header for header, _ in heard.of("epoch")]
    assert all(0 < w["update"] < 0.2 for w in whole["weights"])
    assert all(w["update"] is None for w in cut["weights"])


def test_what_cannot_be_asked(session, heard):
    for kind in ("pause", "resume", "step", "stop"):
        with pytest.raises(SlateError, match="No training is in progress"):
            ask(session, f"learn.{kind}")
    with pytest.raises(SlateError, match="epochs: expected a number"):
        ask(session, "learn.start", epochs=0)
    assert session.lesson is None
    lesson = paused(session, heard)
    with pytest.raises(SlateError, match="in progress; stop it"):
        ask(session, "learn.start", **FEW)
    with pytest.raises(SlateError, match="of: expected one of batch, epoch"):
        ask(session, "learn.step", of="hour")
    with pytest.raises(SlateError, match="keep: expected one of best, last"):
        ask(session, "learn.stop", keep="all")
    with pytest.raises(SlateError, match="value: expected"):
        ask(session, "learn.dropout", value=1)
    lesson._network.layers = tuple(lesson._network.layers[:-2])
    with pytest.raises(SlateError, match="no dropout layer"):
        ask(session, "learn.dropout", value=0.5)


def test_two_pages_start_at_once_and_one_does(session):
    outcomes = []

    def start():
        try:
            outcomes.append(ask(session, "learn.start", **FEW))
        except SlateError:
            outcomes.append(None)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sum(outcome is not None for outcome in outcomes) == 1


# -- what goes wrong ------------------------------------------------------------------


def test_a_divergence_is_a_note_and_the_last_finite_weights_stay(session, heard):
    asked = {"preset": "classic", "learning_rate": 100.0, "activation": "ELU"}
    asked |= {"units": [32, 32], "epochs": 3}
    ask(session, "learn.start", **asked)
    heard.wait_state("idle")
    notes = {header["code"]: header for header, _ in heard.of("note")}
    note = notes["diverged"]
    assert note["suggestion"] == {"learning_rate": 10.0} and note["step"] >= 1
    assert "the learning rate 100 is too high; try 10." in note["sentence"].sentence()
    french = note["sentence"].sentence("fr")
    assert "le taux d’apprentissage 100 est trop grand" in french
    assert np.isfinite(session.network.theta).all()
    assert np.isfinite(session.reader.classify(np.zeros((1, 28, 28), np.uint8))).all()
    trained(session, **{**asked, "learning_rate": 0.01})
    assert "diverged" not in {note["code"] for note in session.lesson.notes}


def test_what_is_broken_on_purpose_is_explained(session, heard):
    ask(session, "learn.start", preset="broken")
    heard.wait_state("idle")
    score = session.model.details["validation_score"]
    assert score["correct"] < 0.3 * score["total"]
    notes = [header for header, _ in heard.of("note")]
    assert notes[0]["code"] == "equal_units" and notes[0]["step"] == 0
    assert notes[0]["suggestion"] == {"start": "usual"}
    assert {"learning_rate": 0.1} in [note["suggestion"] for note in notes]
    for note in notes:
        assert note["sentence"].sentence("fr") != note["sentence"].sentence("en")
    # Whoever does what the notes say has it mended.
    mended = trained(session, preset="broken", start="usual", learning_rate=0.01)
    assert mended.details["validation_score"]["correct"] > 140


def test_a_page_that_goes_loses_nothing(session, heard, data, network, tmp_path):
    told = []

    def break_off(header, arrays):
        told.append(header["type"])
        raise ConnectionResetError("the page is gone")

    session.push = break_off
    model = trained(session)
    assert "epoch" in told  # it was told of each epoch, in vain
    other = session_of(model_of(network), data, tmp_path)
    np.testing.assert_array_equal(trained(other).network.theta, model.network.theta)
    header, _ = HANDLERS["learn.state"](session, {}, {})
    assert header["learning"] == "idle" and len(header["epochs"]) == 3


def test_a_page_that_comes_back_is_told_everything(session, heard):
    empty, arrays = HANDLERS["learn.state"](session, {}, {})
    assert empty["learning"] == "idle" and "place" not in empty and not arrays
    assert empty["presets"][0]["preset"] == "tiny"
    paused(session, heard)
    ask(session, "learn.step", of="epoch")
    stands_at(heard, STEPS)
    header, arrays = HANDLERS["learn.state"](session, {}, {})
    header, arrays = unpack(pack(header, arrays))
    assert header["learning"] == "paused"
    assert header["settings"]["units"] == [24] and header["settings"]["seed"] == 0
    assert header["place"]["step"] == STEPS and header["place"]["steps"] == 3 * STEPS
    assert [epoch["epoch"] for epoch in header["epochs"]] == [1]
    assert header["moments"] == session.lesson.moments.steps
    told = [p for pushed, _ in heard.of("learn") for p in pushed["points"]]
    np.testing.assert_allclose(arrays["curve"], np.array(told), rtol=1e-6)


def test_a_page_that_comes_in_a_pause_sees_digits_and_weights(session, heard):
    paused(session, heard)
    ask(session, "learn.step")
    stands_at(heard, 1)
    before = {kind: heard.of(kind)[-1] for kind in ("watch", "weights")}
    n = len(heard.packets)
    ask(session, "learn.state")
    pushed = {header["type"]: (header, a) for _, header, a in heard.packets[n:]}
    assert pushed.keys() == before.keys()
    for kind, (header, arrays) in pushed.items():
        assert header == before[kind][0] and header["step"] == 1
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, before[kind][1][name])


def test_a_page_that_comes_is_told_the_settings_as_they_are(session, heard):
    paused(session, heard, preset="conv", units=None, seed=7)
    ask(session, "learn.rate", value=0.004)
    ask(session, "learn.dropout", value=0.3)
    header = ask(session, "learn.state")
    found = {**header["settings"]}
    assert (found["preset"], found["seed"]) == ("conv", 7)
    assert (found["learning_rate"], found["dropout"]) == (0.004, 0.3)
    assert header["rate"] == 0.004
    ask(session, "learn.stop")
    heard.wait_state("idle")
    assert ask(session, "learn.state")["settings"] == found


def test_what_it_learned_from_is_let_go(session, monkeypatch):
    kept = []

    def planned(*given):
        plan = plan_of(*given)
        kept.extend(weakref.ref(part.images) for part in (plan.train, plan.test))
        return plan

    monkeypatch.setattr(controls, "plan_of", planned)
    trained(session)
    gc.collect()
    assert [image() for image in kept] == [None, None]
    assert ask(session, "learn.state")["place"]["step"] == 3 * STEPS


def test_an_end_is_not_told_after_the_next_beginning(session, heard):
    """Pages would take the training that runs for one that has ended."""
    trained(session)
    over = session.lesson
    paused(session, heard)
    over._push_state()
    assert heard.of("state")[-1][0]["learning"] == "paused"


def test_an_error_of_the_program_is_said_and_keeps_what_was_learned(
    session, heard, monkeypatch
):
    def fail(*_):
        raise RuntimeError("a mistake of the program")

    monkeypatch.setattr(learning.Gauges, "layers", fail)
    ask(session, "learn.start", **FEW)
    heard.wait_state("idle")
    assert heard.of("note")[-1][0]["code"] == "failed"
    with pytest.raises(SlateError, match="No training"):
        ask(session, "learn.pause")
    monkeypatch.undo()
    trained(session)


def test_the_end_of_the_slate_ends_the_training(session, heard):
    ask(session, "learn.start", **{**FEW, "epochs": 100})
    heard.wait(lambda heard: heard.of("learn"))
    started = time.perf_counter()
    session.close()
    assert session.state == "idle" and time.perf_counter() - started < 10


# -- files ----------------------------------------------------------------------------


def test_names_of_files_stay_in_the_folder(session, tmp_path):
    for name in ("", "../x", "a/b", "a\\b", "x.safetensors", ".", "a" * 41, None, 3):
        with pytest.raises(SlateError, match="1 to 40 letters"):
            ask(session, "model.save", name=name)
    with pytest.raises(SlateError):
        ask(session, "model.save", name="x\n")
    assert not list(tmp_path.iterdir())
    found = ask(session, "model.save", name="élève-1_a")
    assert found["path"] == str(tmp_path / "élève-1_a.safetensors")
    assert found["size"] == (tmp_path / "élève-1_a.safetensors").stat().st_size
    with pytest.raises(SlateError, match="exists already"):
        ask(session, "model.save", name="élève-1_a")
    trained(session, epochs=1)
    ask(session, "model.save", name="élève-1_a", replace=True)
    again = load_model(tmp_path / "élève-1_a.safetensors")
    np.testing.assert_array_equal(again.network.theta, session.network.theta)


def test_a_folder_that_cannot_be_written(session, tmp_path):
    session.folder = tmp_path / "gone"
    with pytest.raises(SlateError, match="cannot be written"):
        ask(session, "model.save", name="x")


@pytest.fixture(scope="module")
def mnist():
    return load_mnist()


def typed(capsys, *words):
    code = run([str(word) for word in words])
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


@pytest.mark.slow
def test_a_model_of_the_page_opens_on_the_command_line(mnist, tmp_path, capsys):
    session = session_of(model_of(young_network(mnist)), mnist, tmp_path)
    ask(session, "learn.start", preset="tiny", epochs=1, batch_size=128)
    session.lesson.wait(PATIENCE)
    path = ask(session, "model.save", name="mine")["path"]
    found = json.loads(typed(capsys, "evaluate", path, "--json"))
    assert found["part"] == "validation"
    score = {name: found[name] for name in ("correct", "total")}
    assert score == session.model.details["validation_score"]
    images, labels = session.validation
    row = int(np.flatnonzero(session.network.predict(images[:50]) == labels[:50])[0])
    Image.fromarray(images[row, ..., 0]).save(tmp_path / "digit.png")
    said = typed(capsys, "predict", tmp_path / "digit.png", "--model", path)
    assert f"{labels[row]} (" in said or f": {labels[row]}" in said
    assert "784" in typed(capsys, "info", path) or "Dense" in said


@pytest.mark.slow
def test_a_model_of_the_command_line_opens_on_the_page(
    mnist, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    options = "--recipe mlp --epochs 1 --seed 4 --output run".split()
    typed(capsys, "train", *options)
    model = load_model(tmp_path / "run" / "model.safetensors")
    session = session_of(model, mnist, tmp_path)
    images, labels = session.validation
    correct = int((session.network.predict(images) == labels).sum())
    assert model.details["validation_score"] == {"correct": correct, "total": 6000}
    assert session.summary()["score"]["validation"]["total"] == 6000
    ask(session, "learn.start", preset="tiny", epochs=1, batch_size=256)
    session.lesson.wait(PATIENCE)
    ask(session, "model.save", name="other")
    save_model(tmp_path / "copy.safetensors", session.model)
    shutil.rmtree(tmp_path / "run")
    assert isinstance(Session(load_model("other.safetensors")), Session)


# -- through the server ---------------------------------------------------------------


@pytest.mark.slow
def test_a_connection_that_breaks_off_loses_nothing(model):
    with command(model) as started:
        with page_of(started.address, started.token) as page:
            ask_page(page, "hello", lang="fr")
            ask_page(page, "learn.start", preset="tiny", epochs=4)
            while unpack(page.recv(timeout=PATIENCE))[0]["type"] != "learn":
                pass
            page.socket.shutdown(socket.SHUT_RDWR)  # without a word
        with page_of(started.address, started.token) as again:
            header = ask_page(again, "hello", lang="en")
            assert header["learning"] in ("running", "idle")
            while (header := ask_page(again, "learn.state"))["learning"] != "idle":
                time.sleep(0.1)
            assert [epoch["epoch"] for epoch in header["epochs"]] == [1, 2, 3, 4]
            header = ask_page(again, "hello", lang="en")
            score = header["score"]["validation"]
            assert score["correct"] > 0.97 * score["total"]
        code, _ = started.end()
        assert code == 0


def ask_page(page, kind, **fields):
    """Return the answer, whatever is pushed before it."""
    page.send(pack({"id": 1, "type": kind, **fields}))
    while True:
        header, _ = unpack(page.recv(timeout=PATIENCE))
        if header.get("id") == 1:
            assert header["type"] == kind, header
            return header
