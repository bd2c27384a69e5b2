"""``ardoise train --members``, temperatures, and what a recipe promises."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from test_train import FILES, names

from ardoise.cli.checkpoints import Checkpointing
from ardoise.cli.progress import Interruptible
from ardoise.digits.recipes import EXPECTED, RECIPES
from ardoise.engine.ensemble import members
from ardoise.files import load_model
from ardoise.files.checkpoint import load_checkpoint, save_checkpoint

pytestmark = pytest.mark.usefixtures("no_pictures")

SMALL = ("--recipe", "mlp", "--batch-size", 50, "--threads", 1)


@pytest.fixture
def hard(somewhere):
    """Data of which no network reads all: a fifth of the labels are drawn."""
    rng = np.random.default_rng(0)
    x, y = 0.5 * rng.random((500, 6, 6), "f4"), rng.integers(0, 3, 500)
    for i in np.flatnonzero(rng.random(500) < 0.8):
        x[i, y[i] * 2 : y[i] * 2 + 2] += 0.5
    np.savez("hard.npz", x=x, y=y)
    return "hard.npz"


def alone(ardoise, data, output, *options, epochs=2):
    options = (*SMALL, "--epochs", epochs, "--output", output, *options)
    said = ardoise("train", "--data", data, *options)
    assert (said.code, said.err) == (0, "")
    return said, load_model(f"{output}/model.safetensors")


def stop_at(patch, callback, n):
    """Press Ctrl-C at the n-th batch of all networks, as this callback sees it."""
    seen, before = [], callback.on_batch_end

    def press(self, training):
        seen.append(training.step)
        if len(seen) == n:
            training.stop("interrupted")
        before(self, training)

    patch.setattr(callback, "on_batch_end", press)


def images(data):
    with np.load(data) as file:
        return file["x"][..., np.newaxis]


# -- several networks -----------------------------------------------------------------


def test_the_model_is_the_mean_of_its_members(ardoise, hard, somewhere):
    said, model = alone(ardoise, hard, "run", "--members", 3)
    assert "3 networks are trained in turn" in said.out
    assert "Network 3/3  Epoch 2/2" in said.out and "(epochs: 6)" in said.out
    assert names(somewhere / "run") == FILES | {"history-2.csv", "history-3.csv"}
    assert model.details["members"] == 3
    each = members(model.network)
    assert len(each) == 3
    x = images(hard)
    found = np.mean([network.predict_logits(x) for network in each], axis=0)
    assert np.allclose(model.network.predict_logits(x), found, atol=1e-4)
    scores = model.details["members_alone"]
    assert [score["total"] for score in scores] == [50] * 3
    shares = [100 * score["correct"] / 50 for score in scores]
    sentence = f"3 networks read {min(shares):.2f}% to {max(shares):.2f}% of the images"
    assert sentence in said.out
    page = (somewhere / "run/report.html").read_text("utf-8")
    assert re.search(r"Networks \(their mean\).*?<td>3</td>", page, re.DOTALL)


def test_the_first_member_is_the_network_that_is_trained_alone(ardoise, hard):
    _, one = alone(ardoise, hard, "one")
    _, three = alone(ardoise, hard, "three", "--members", 3)
    x = images(hard)
    first = members(three.network)[0].predict_logits(x) * three.details["temperature"]
    lone = one.network.predict_logits(x) * one.details["temperature"]
    assert np.allclose(first, lone, atol=1e-4)
    # And others are others.
    second = members(three.network)[1].predict_logits(x)
    assert not np.allclose(second, first, atol=0.1)


def test_evaluate_and_info_speak_of_the_members(ardoise, hard):
    alone(ardoise, hard, "run", "--members", 2)
    for lang, words in (("en", "model’s 2 networks"), ("fr", "les 2 réseaux du")):
        assert words in ardoise("evaluate", "run", "--lang", lang).out
    found = json.loads(ardoise("evaluate", "run", "--json").out)
    assert len(found["members"]) == 2 and all(0 <= v <= 1 for v in found["members"])
    about = ardoise("info", "run").out
    assert "mean of 2 networks" in about and "Dense" in about
    assert "Residual" not in about
    alone(ardoise, hard, "one")
    assert "members" not in json.loads(ardoise("evaluate", "one", "--json").out)


def test_ctrl_c_keeps_the_members_that_have_ended(
    ardoise, hard, somewhere, monkeypatch
):
    _, two = alone(ardoise, hard, "two", "--members", 2)
    stop_at(monkeypatch, Interruptible, 2 * 16 + 10)  # in the third's second epoch
    options = (*SMALL, "--epochs", 2, "--members", 4, "--output", "cut")
    said = ardoise("train", "--data", hard, *options)
    assert said.code == 130
    assert "training of network 3: the mean of those that ended (2) is kept" in said.out
    model = load_model("cut/model.safetensors")
    assert (model.network.theta == two.network.theta).all()
    assert model.details["members"] == 2


@pytest.mark.parametrize("at", [1, 17])
def test_ctrl_c_in_the_first_or_second_member(
    ardoise, hard, somewhere, monkeypatch, at
):
    with monkeypatch.context() as patch:
        stop_at(patch, Interruptible, at)
        options = (*SMALL, "--epochs", 2, "--members", 2, "--output", "cut")
        said = ardoise("train", "--data", hard, *options, "--lang", "fr")
    assert said.code == 130
    model = load_model("cut/model.safetensors")
    assert "members" not in model.details
    if at == 17:
        assert "réseau 2\u00a0: celui qui était terminé est conservé" in said.out
        page = (somewhere / "cut/report.html").read_text("utf-8")
        assert "(leur moyenne)" not in page
        _, one = alone(ardoise, hard, "one")
        assert (model.network.theta == one.network.theta).all()


@pytest.mark.parametrize("at", [5, 16, 20, 32, 37])
def test_cut_anywhere_and_resumed_is_the_same_mean(ardoise, hard, monkeypatch, at):
    _, whole = alone(ardoise, hard, "whole", "--members", 3)
    with monkeypatch.context() as patch:
        stop_at(patch, Checkpointing, at)
        options = (*SMALL, "--epochs", 2, "--members", 3, "--output", "cut")
        options += ("--checkpoint", "point")
        assert ardoise("train", "--data", hard, *options).code == 130
    said = ardoise("train", "--resume", "point", "--output", "resumed")
    assert (said.code, said.err) == (0, "")
    resumed = load_model("resumed/model.safetensors")
    assert (resumed.network.theta == whole.network.theta).all()
    assert (resumed.network.state == whole.network.state).all()


@pytest.fixture
def shapes(monkeypatch):
    """Let the recipe `mlp` train three networks of two shapes."""
    wide = ({"type": "Flatten"}, {"type": "Dense", "units": 9}, {"type": "ReLU"})
    several = replace(RECIPES["mlp"], others=(wide,), members=3)
    monkeypatch.setitem(RECIPES, "mlp", several)


def test_members_of_several_shapes(ardoise, hard, shapes):
    said, model = alone(ardoise, hard, "run")
    first, second, third = members(model.network)
    assert first.config() == third.config() != second.config()
    assert (first.theta != third.theta).any()
    shown = [line for line in said.out.splitlines() if line.startswith("Network 36-")]
    assert len(shown) == 2 and shown[1].startswith("Network 36-9-3: 363 weights")
    _, two = alone(ardoise, hard, "two", "--members", 2)
    assert [n.n_params for n in members(two.network)] == [first.n_params, 363]


@pytest.mark.parametrize("at", [5, 20, 37])
def test_several_shapes_cut_and_resumed(ardoise, hard, shapes, monkeypatch, at):
    test_cut_anywhere_and_resumed_is_the_same_mean(ardoise, hard, monkeypatch, at)


def test_a_resumed_second_member_has_its_number(ardoise, hard, monkeypatch, somewhere):
    with monkeypatch.context() as patch:
        stop_at(patch, Checkpointing, 20)
        options = (*SMALL, "--epochs", 2, "--members", 3, "--output", "cut")
        ardoise("train", "--data", hard, *options, "--checkpoint", "point")
    assert "had ended before: 1." in ardoise("verify", "point").out
    said = ardoise("train", "--resume", "point", "--output", "resumed")
    assert said.code == 0 and "Network 2/3" in said.out
    assert names(somewhere / "resumed") == FILES | {"history-3.csv"}


def test_a_later_member_that_diverges(ardoise, hard, monkeypatch):
    _, two = alone(ardoise, hard, "two", "--members", 2)
    from ardoise.cli import members as cli_members
    from ardoise.engine.errors import DivergenceError

    learn = cli_members.learn

    def diverge(plan, callbacks, snapshot, member, **others):
        if member == 2:
            raise DivergenceError(2, 30, 0.5)
        return learn(plan, callbacks, snapshot, member, **others)

    monkeypatch.setattr(cli_members, "learn", diverge)
    options = (*SMALL, "--epochs", 2, "--members", 3, "--output", "run")
    said = ardoise("train", "--data", hard, *options)
    assert said.code == 1
    assert "network 3 became infinite at its step 30 (epoch 2)" in said.sentence
    model = load_model("run/model.safetensors")
    x, temperature = images(hard), two.details["temperature"]
    warm = two.network.predict_logits(x) * temperature  # that has none yet
    assert np.allclose(model.network.predict_logits(x), warm, atol=1e-4)


def test_ctrl_c_while_the_mean_is_made(ardoise, hard, monkeypatch):
    from ardoise.cli import members as cli_members

    seen, mean = [], cli_members.average

    def press(networks):
        seen.append(networks)
        if len(seen) == 1:
            raise KeyboardInterrupt
        return mean(networks)

    monkeypatch.setattr(cli_members, "average", press)
    options = (*SMALL, "--epochs", 2, "--members", 2, "--output", "run")
    assert ardoise("train", "--data", hard, *options).code == 130
    assert load_model("run/model.safetensors").details["members"] == 2


def test_a_checkpoint_of_other_members_is_refused(ardoise, hard):
    alone(ardoise, hard, "run", "--members", 2, "--checkpoint", "point")
    good = load_checkpoint("point")
    shorter = tuple(array[:-1] for array in good.finished)
    for finished in (2 * good.finished, shorter):
        save_checkpoint("point", replace(good, finished=finished))
        said = ardoise("train", "--resume", "point", "--output", "again")
        assert said.code == 1 and "damaged" in said.sentence


@pytest.mark.parametrize("number", [0, -1, 101])
def test_a_number_that_makes_no_sense(ardoise, number):
    said = ardoise("train", f"--members={number}")
    assert said.code == 2
    assert said.sentence.endswith(f"a whole number from 1 to 100; got {number}.")


# -- the temperature ------------------------------------------------------------------


def test_probabilities_are_calibrated_on_the_validation_images(
    ardoise, hard, monkeypatch, somewhere
):
    said, model = alone(ardoise, hard, "run")
    temperature = model.details["temperature"]
    assert f"fitted on the 50 validation images: {temperature:.2f}." in said.out
    assert ">Temperature<" in (somewhere / "run/report.html").read_text("utf-8")
    monkeypatch.setattr("ardoise.cli.training.temper", lambda network, plan, z: z)
    _, other = alone(ardoise, hard, "other")
    x = images(hard)
    cooled = other.network.predict_logits(x) / temperature
    assert np.allclose(model.network.predict_logits(x), cooled, atol=1e-4)
    fitted, before = (
        json.loads(ardoise("evaluate", run, "--json").out) for run in ("run", "other")
    )
    assert fitted["correct"] == before["correct"] and fitted["nll"] < before["nll"]


def test_no_temperature_where_all_is_read_correctly(ardoise, data):
    said, model = alone(ardoise, data, "run", epochs=12)
    score = model.details["validation_score"]
    assert score["correct"] == score["total"]
    assert "temperature" not in model.details and "Temperature" not in said.out


def test_no_temperature_of_few_images(ardoise, hard):
    _, model = alone(ardoise, hard, "run", "--split", "70/9/21")
    assert "temperature" not in model.details


def test_no_temperature_where_none_fits(ardoise, hard, monkeypatch):
    monkeypatch.setattr("ardoise.digits.finishing.fit_temperature", lambda *_: 63.9)
    _, model = alone(ardoise, hard, "run")
    assert "temperature" not in model.details


def test_evaluate_says_on_what_it_was_fitted(ardoise, hard):
    alone(ardoise, hard, "run")
    assert "fitted on these very images" in ardoise("evaluate", "run").out
    assert "fitted on these" not in ardoise("evaluate", "run", "--final").out


def test_the_notebook_has_no_temperature(ardoise, data):
    options = ("--recipe", "notebook", "--epochs", 5, "--output", "run")
    assert ardoise("train", "--data", data, *options).code == 0
    assert "temperature" not in load_model("run/model.safetensors").details


# -- what a recipe promises -----------------------------------------------------------


def test_every_recipe_says_what_to_expect():
    assert EXPECTED.keys() == RECIPES.keys()


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_it_is_said_before_the_start_of_an_unchanged_recipe(ardoise, monkeypatch, lang):
    from ardoise.cli import training

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "ShownProgress", stop)
    said = ardoise("train", "--recipe", "mlp", "--output", "run", "--lang", lang)
    words = {"en": "expect: 98.", "fr": "À attendre\u00a0: 98,"}
    assert words[lang] in said.out
    for i, options in enumerate((("--epochs", 3), ("--split", "notebook"))):
        said = ardoise("train", "--recipe", "mlp", *options, "--output", f"other{i}")
        assert "expect" not in said.out


def test_the_default_recipe_follows_the_data(ardoise, data, somewhere):
    short = ("--epochs", 1, "--threads", 1, "--output")
    assert ardoise("train", "--data", data, *short, "images").code == 0
    assert load_model("images/model.safetensors").details["recipe"] == "cnn"
    rng = np.random.default_rng(0)
    np.savez("rows.npz", x=rng.random((90, 5), "f4"), y=np.arange(90) % 3)
    options = (*short, "rows", "--checkpoint", "point")
    assert ardoise("train", "--data", "rows.npz", *options).code == 0
    assert load_model("rows/model.safetensors").details["recipe"] == "mlp"
    assert load_checkpoint("point").plan["recipe"] == "mlp"
    with open("rows/history.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == 1
