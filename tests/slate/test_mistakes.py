"""How well the network reads, what it takes for what, and what it bears."""

from dataclasses import replace

import numpy as np
import pytest
from small_session import Heard, model_of, session_of, small_data, young_network

from ardoise.digits.asking import AnswerError
from ardoise.digits.corruptions import corrupt
from ardoise.digits.scores import calibration_error, wilson_interval
from ardoise.slate import mistakes as module
from ardoise.slate.mistakes import HANDLERS
from ardoise.slate.packets import pack, unpack
from ardoise.slate.requests import SlateError


@pytest.fixture(scope="module")
def data():
    return small_data()


@pytest.fixture(scope="module")
def model(data):
    return model_of(young_network(data))


@pytest.fixture
def session(model, data, tmp_path):
    return session_of(model, data, tmp_path)


def ask(session, request, **fields):
    header, arrays = HANDLERS[request](session, fields, {})
    return unpack(pack(header, arrays))  # as a page is told


def test_accuracy_confusion_and_mistakes(session, data):
    header, arrays = ask(session, "mistakes", part="validation")
    images, labels = session.validation
    p = session.network.predict_proba(images)
    read = p.argmax(axis=1)
    correct = int((read == labels).sum())
    assert (header["correct"], header["total"]) == (correct, 200)
    assert header["accuracy"] == correct / 200 and header["part"] == "validation"
    assert header["interval"] == pytest.approx(wilson_interval(correct, 200))
    table = np.zeros((10, 10), int)
    np.add.at(table, (labels, read), 1)
    np.testing.assert_array_equal(arrays["confusion"], table)
    # The gallery: all mistakes, the surest first, each with its image.
    gallery, shown = header["gallery"], arrays["images"]
    assert len(gallery) == header["mistakes"] == 200 - correct == len(shown) > 3
    sure = [one["probability"] for one in gallery]
    assert sure == sorted(sure, reverse=True)
    for one, image in zip(gallery, shown, strict=True):
        row = one["row"]
        assert (one["true"], one["read"]) == (labels[row], read[row])
        assert one["true"] != one["read"]
        assert one["probability"] == pytest.approx(p[row].max(), rel=1e-5)
        np.testing.assert_array_equal(image, images[row, ..., 0])


def test_calibration_bins_hold_all_images(session):
    header, _ = ask(session, "mistakes")
    bins = header["calibration"]
    assert len(bins) == 10 and sum(one["count"] for one in bins) == 200
    for i, one in enumerate(bins):
        if one["count"]:
            assert i / 10 < one["confidence"] <= (i + 1) / 10
    right = sum(one["count"] * one["accuracy"] for one in bins)
    assert right == pytest.approx(header["correct"])
    images, labels = session.validation
    p = session.network.predict_proba(images)
    assert header["calibration_error"] == pytest.approx(calibration_error(p, labels))


def test_the_gallery_has_an_end(session, monkeypatch):
    monkeypatch.setattr(module, "MOST_SHOWN", 3)
    header, arrays = ask(session, "mistakes")
    assert len(header["gallery"]) == len(arrays["images"]) == 3 < header["mistakes"]


def test_each_network_is_asked_once(session, model, data, monkeypatch):
    ask(session, "mistakes")
    asked = []
    predictor = module.Predictor

    def count(network):
        asked.append(network)
        return predictor(network)

    monkeypatch.setattr(module, "Predictor", count)
    first, _ = ask(session, "mistakes")
    assert not asked
    other = model_of(young_network(data, seed=1))
    session.adopt(other)
    second, _ = ask(session, "mistakes")
    assert asked == [other.network] and second["gallery"] != first["gallery"]
    # The same network on other images.
    session.adopt(replace(other, details={**other.details, "seed": 9}))
    third, _ = ask(session, "mistakes")
    assert len(asked) == 2 and third["gallery"] != second["gallery"]


def test_a_network_whose_answers_are_no_numbers(session, data, model):
    network = model.network.astype("float32")
    network.theta[...] = 3e38
    session.adopt(replace(model, network=network))
    for request in ("mistakes", "robustness"):
        with pytest.raises(AnswerError, match="no numbers"):
            ask(session, request, kind="noise", level=0.1)


def test_other_parts_stay_sealed(session):
    with pytest.raises(SlateError, match="part: expected one of validation; got test"):
        ask(session, "mistakes", part="test")


# -- robustness -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["noise", "turn", "shift", "thick", "thin"])
def test_harder_images_are_read_worse(session, kind):
    levels = {"noise": 0.6, "turn": 60, "shift": 6, "thick": 3, "thin": 2}
    plain, arrays = ask(session, "robustness", kind=kind, level=0)
    hard, changed = ask(session, "robustness", kind=kind, level=levels[kind])
    assert hard["accuracy"] < plain["accuracy"] - 0.05
    assert plain["total"] == hard["total"] == 200
    low, high = hard["interval"]
    assert low < hard["accuracy"] < high
    assert plain["true"] == hard["true"] and len(plain["read"]) == 10
    assert arrays["images"].shape == changed["images"].shape == (10, 28, 28)
    assert (arrays["images"] != changed["images"]).any()


def test_what_is_not_changed_is_read_as_ever(session):
    header, _ = ask(session, "robustness", kind="turn", level=0)
    images, labels = session.validation
    accuracy = (session.network.predict(images) == labels).mean()
    assert header["accuracy"] == pytest.approx(accuracy)
    again, _ = ask(session, "robustness", kind="turn", level=0)
    assert again == header


def test_the_changes_are_those_of_the_library(session):
    _, arrays = ask(session, "robustness", kind="thick", level=1)
    some = module.some_of(session.data.held)
    expected = corrupt(some.images[:10], "thickness/1")
    np.testing.assert_array_equal(arrays["images"], expected[..., 0])


@pytest.mark.parametrize(
    ("kind", "level"),
    [("fog", 1), ("noise", -0.1), ("noise", 2), ("turn", 181), ("shift", None)],
)
def test_levels_and_kinds_that_there_are_not(session, kind, level):
    with pytest.raises(SlateError):
        ask(session, "robustness", kind=kind, level=level)


def test_images_of_other_kinds(session):
    held = replace(session.data.held, images=np.zeros((200, 28, 28, 1), np.float32))
    with pytest.raises(SlateError, match="Only grey images"):
        module.some_of(held)


def test_a_network_that_learns_is_not_disturbed(session, data, tmp_path):
    """Mistakes are counted on a copy, while the network that draws may be asked."""
    heard = Heard(session)
    before = session.network.theta.copy()
    ask(session, "robustness", kind="noise", level=0.2)
    np.testing.assert_array_equal(session.network.theta, before)
    assert not heard.packets
