"""What a page holds: its model, its data, the moments of a training."""

import threading
from itertools import pairwise

import numpy as np
import pytest
from small_session import CLASSES, model_of, session_of, small_data, young_network

from ardoise import Dense, Flatten, Network, ReLU
from ardoise.digits.held import SealedError
from ardoise.digits.planning import plan_of
from ardoise.digits.recipes import RECIPES
from ardoise.engine.losses import softmax
from ardoise.engine.novelty import fit_doubt
from ardoise.files import Model, ModelFileError
from ardoise.slate import moments as moments_module
from ardoise.slate import session as session_module
from ardoise.slate.moments import Moments
from ardoise.slate.requests import SlateError, choice_of, number_of, whole_of
from ardoise.slate.session import Session, label_of


@pytest.fixture(scope="module")
def data():
    return small_data()


@pytest.fixture(scope="module")
def network(data):
    return young_network(data)


@pytest.fixture
def session(network, data, tmp_path):
    return session_of(model_of(network), data, tmp_path)


# -- the model that draws -------------------------------------------------------------


def test_it_reads_as_the_command_line_does(session, network, data):
    dark_on_light = 255 - data.images[7, ..., 0]
    image, report = session.reader.prepared(dark_on_light)
    assert image.shape == (28, 28) and not report.is_empty
    assert [change.code for change in report.changes][:1] == ["inverted"]
    given = softmax(network.predict_logits(image[np.newaxis, ..., np.newaxis]))
    np.testing.assert_array_equal(session.reader.classify(image[np.newaxis]), given)


def test_it_refuses_what_the_model_refuses(network, data, tmp_path):
    known = data.images[1600:2000]
    z = network.predict_logits(known)
    seen = data.images[:1600], data.labels[:1600]
    doubt, _ = fit_doubt(network, *seen, known, z)
    model = model_of(network)
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    without = session_of(model, data, tmp_path)
    assert not without.reader.refuse(noise).any()
    doubting = Model(network, CLASSES, model.loss, model.details, doubt)
    without.adopt(doubting)
    assert without.reader.refuse(noise).all()
    assert without.reader.refuse(known[..., 0]).mean() < 0.05


def test_another_model_draws_from_now_on(session, data):
    reader, before = session.reader, session.network
    other = model_of(young_network(data, seed=1))
    session.adopt(other)
    assert reader.model.network is before  # whoever took it goes on with it
    assert session.network is other.network and session.model is other
    assert session.reader.model is other


def test_a_model_of_other_things_is_refused():
    network = Network([Dense(10)], (4,), seed=0)
    with pytest.raises(ModelFileError, match="not grey pictures"):
        Session(model_of(network))


def test_the_summary_names_every_layer(session):
    found = session.summary()
    kinds = [layer["kind"] for layer in found["layers"]]
    assert kinds == ["Flatten", "Dense", "ReLU", "Dense"]
    assert [layer["shape"] for layer in found["layers"]] == [[784], [32], [32], [10]]
    assert sum(layer["parameters"] for layer in found["layers"]) == 784 * 32 + 32 + 330
    assert found["learning"] == "idle" and found["score"] == {}


# -- data -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 3])
def test_the_validation_images_are_those_of_the_training(data, tmp_path, seed):
    plan = plan_of(RECIPES["mlp"], data, "mnist", "official", seed, 1)
    session = session_of(plan.model(plan.networks[0]), data, tmp_path)
    images, labels = session.validation
    np.testing.assert_array_equal(images, plan.validation.images)
    np.testing.assert_array_equal(labels, plan.validation.labels)
    assert session.data.part == "validation"


def test_the_notebook_is_measured_on_its_test_images(data, tmp_path):
    plan = plan_of(RECIPES["notebook"], data, "mnist", "notebook", 0, 1)
    session = session_of(plan.model(plan.networks[0]), data, tmp_path)
    np.testing.assert_array_equal(session.validation[0], plan.test.images)
    assert session.data.part == "test"


def test_test_images_stay_sealed(network, data, tmp_path):
    session = session_of(model_of(network, validation=0.0), data, tmp_path)
    with pytest.raises(SealedError, match="stay sealed"):
        _ = session.data


def test_the_data_are_read_once(network, data, monkeypatch):
    calls = []

    def load(name):
        calls.append(name)
        return data

    monkeypatch.setattr(session_module, "load_data", load)
    session = Session(model_of(network))
    assert not calls  # not before somebody asks
    threads = [threading.Thread(target=lambda: session.validation) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert calls == ["mnist"]
    assert session.data is session.data
    first = session.data
    session.adopt(model_of(network, seed=5))
    assert session.data is not first and calls == ["mnist"]


def test_classes_are_numbered_as_the_model_does(network, data, tmp_path):
    turned = CLASSES[::-1]
    model = model_of(network)
    session = session_of(
        Model(network, turned, model.loss, model.details), data, tmp_path
    )
    straight = session_of(model, data, tmp_path)
    np.testing.assert_array_equal(session.validation[1], 9 - straight.validation[1])
    assert (
        label_of(session, {"label": "0"}) == 9 and label_of(session, {"label": 0}) == 0
    )


# -- moments --------------------------------------------------------------------------


def small_network():
    return Network([Flatten(), Dense(3), ReLU(), Dense(10)], (5, 4, 1), seed=0)


def kept(total):
    network = small_network()
    moments = Moments(network)
    for step in range(total + 1):
        if moments.wants(step):
            network.theta[...] = step
            moments.add(step, network)
    network.theta[...] = total
    moments.add(total, network)
    return moments


@pytest.mark.parametrize("total", [0, 5, 100, 3000, 60_000])
def test_early_steps_are_dense_and_later_ones_sparse(total):
    moments = kept(total)
    steps = moments.steps
    assert len(moments) == len(steps) <= 48
    assert steps[0] == 0 and steps[-1] == total and steps == sorted(set(steps))
    assert steps[:4] == list(range(min(total + 1, 4)))
    ratios = [(b + 1) / (a + 1) for a, b in pairwise(steps[8:])]
    assert all(ratio < 1.7 for ratio in ratios)  # nowhere a hole
    for step, network in moments.networks():
        assert (network.theta == step).all()


def test_a_moment_becomes_a_network_of_its_own():
    moments = kept(100)
    one, two = moments.network(1), moments.network(100)
    assert (one.theta == 1).all() and (two.theta == 100).all()
    one.theta[...] = 7
    assert (moments.network(1).theta == 1).all()
    with pytest.raises(SlateError, match="step 99999 was not kept; expected one of 0"):
        moments.network(99_999)


def test_the_last_moment_may_be_replaced_and_none_before_it():
    network, moments = small_network(), kept(3)
    network.theta[...] = 50
    moments.add(3, network)
    moments.add(2, network)
    assert moments.steps == [0, 1, 2, 3]
    assert (moments.network(3).theta == 50).all()
    assert (moments.network(2).theta == 2).all()


def test_every_moment_judges_a_drawing():
    network, moments = small_network(), Moments(small_network())
    image = np.arange(20, dtype=np.uint8).reshape(5, 4)
    expected = []
    for step in range(4):
        network.theta[...] = np.random.default_rng(step).normal(size=network.n_params)
        moments.add(step, network)
        expected.append(network.predict_proba(image[np.newaxis, ..., np.newaxis])[0])
    steps, table = moments.probabilities(image)
    assert steps == [0, 1, 2, 3] and table.dtype == np.float32
    np.testing.assert_array_equal(table, expected)


def test_a_training_does_not_wait_for_a_drawing_to_be_judged():
    moments, network = kept(20), small_network()
    judging = moments.networks()
    next(judging)
    adding = threading.Thread(target=moments.add, args=(21, network), daemon=True)
    adding.start()
    adding.join(10)
    assert not adding.is_alive() and moments.steps[-1] == 21
    assert [step for step, _ in judging][-1] == 20  # as it was when it began


def test_a_network_goes_back_to_a_moment():
    moments, network = kept(5), small_network()
    moments.cut(3)
    assert moments.steps == [0, 1, 2, 3]
    moments.add(3, network)
    np.testing.assert_array_equal(moments.network(3).theta, network.theta)
    moments.cut(9)
    assert moments.steps == [0, 1, 2, 3]


def test_moments_of_a_large_network_are_few(monkeypatch):
    network = small_network()
    size = network.theta.nbytes + network.state.nbytes
    monkeypatch.setattr(moments_module, "MOST_BYTES", 20 * size)
    assert len(kept(10_000)) == 20
    monkeypatch.setattr(moments_module, "MOST_BYTES", size)
    assert len(kept(10_000)) == moments_module.FEWEST


# -- requests -------------------------------------------------------------------------


def test_numbers_and_words_of_requests(session):
    asked = {
        "n": 3,
        "x": 0.5,
        "w": "best",
        "yes": True,
        "far": 1e9,
        "nan": float("nan"),
    }
    assert number_of(asked, "x", 0, 1) == 0.5
    assert number_of(asked, "none", 0, 1, 0.25) == 0.25
    assert whole_of(asked, "n", 0, 3) == 3
    assert choice_of(asked, "w", ("best", "last")) == "best"
    for name in ("w", "yes", "far", "nan", "none"):
        with pytest.raises(SlateError, match=f"{name}: expected a number from 0 to 1"):
            number_of(asked, name, 0, 1)
    with pytest.raises(SlateError, match=r"x: expected a number from 0 to 3; got 0\.5"):
        whole_of(asked, "x", 0, 3)
    with pytest.raises(SlateError, match="w: expected one of a, b; got best"):
        choice_of(asked, "w", ("a", "b"))
    for label in ("x", 10, -1, True, None, 1.0, [3]):
        with pytest.raises(SlateError, match="Expected one of the classes 0, 1, 2"):
            label_of(session, {"label": label})
