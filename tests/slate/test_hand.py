"""My hand: digits kept, taught, exported and brought back."""

import io
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from small_session import Heard, model_of, session_of, small_data, young_network

from ardoise.digits import load_data, teaching
from ardoise.digits.teaching import TeachError
from ardoise.slate import hand as module
from ardoise.slate.hand import HANDLERS
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


def ask(session, kind, arrays=None, **fields):
    header, found = HANDLERS[kind](session, fields, arrays or {})
    return unpack(pack(header, found))


def write(session, image, label):
    return ask(session, "hand.add", {"image": image}, label=label)


def lean(image):
    """Return a digit leaning over, as somebody writes who leans."""
    return np.stack([np.roll(row, (14 - y) * 3 // 4) for y, row in enumerate(image)])


def fill(session, data, n=2, turn=1):
    """Write n digits of each class, leaning."""
    for label in range(10):
        rows = np.flatnonzero(data.labels == (label * turn) % 10)[-n:]
        for row in rows:
            write(session, lean(data.images[row, ..., 0]), str(label))


def file_of(images, labels, **more):
    arrays = {"images": images, "labels": labels, **more}
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return np.frombuffer(content.getvalue(), np.uint8)


# -- the sheet ------------------------------------------------------------------------


def test_the_sheet_asks_for_twenty_digits(session, data):
    header, arrays = ask(session, "hand.list")
    assert header["labels"] == [] and arrays["images"].shape == (0, 28, 28)
    assert header["wanted"] == 20 and header["next"] == "0"
    asked = []
    for _ in range(20):
        header, _ = ask(session, "hand.list")
        asked.append(header["next"])
        write(session, data.images[int(header["next"]), ..., 0], header["next"])
    assert asked == [str(digit) for digit in [*range(10), *range(10)]]
    header, arrays = ask(session, "hand.list")
    assert header["next"] is None and header["labels"] == asked
    assert header["counts"] == {str(digit): 2 for digit in range(10)}
    assert arrays["images"].shape == (20, 28, 28)


def test_a_digit_may_be_removed(session, data):
    for i, label in enumerate("37"):
        write(session, data.images[i, ..., 0], label)
    header, arrays = ask(session, "hand.remove", n=0)
    assert header["labels"] == ["7"]
    np.testing.assert_array_equal(arrays["images"], data.images[1:2, ..., 0])
    with pytest.raises(SlateError, match="n: expected a number from 0 to 0; got 1"):
        ask(session, "hand.remove", n=1)
    ask(session, "hand.remove", n=0)
    with pytest.raises(SlateError, match="no digit of yours"):
        ask(session, "hand.remove", n=0)


def test_what_is_no_digit_is_not_kept(session, data):
    image = data.images[0, ..., 0]
    for label in ("x", 10, None):
        with pytest.raises(SlateError, match="Expected one of the classes"):
            write(session, image, label)
    with pytest.raises(SlateError, match="nothing on this drawing"):
        write(session, np.zeros((28, 28), np.uint8), "1")
    for wrong in (image[:14], image.astype(np.float32), image[np.newaxis]):
        with pytest.raises(SlateError):
            write(session, wrong, "1")
    assert len(session.hand) == 0


def test_a_hand_is_kept_as_it_was_written(session, data):
    image = data.images[0, ..., 0].copy()
    write(session, image, 5)
    image[...] = 0  # the buffer of a message is somebody else's
    _, arrays = ask(session, "hand.list")
    np.testing.assert_array_equal(arrays["images"][0], data.images[0, ..., 0])


def test_a_hand_has_an_end(session, data, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    for label in "12":
        write(session, data.images[0, ..., 0], label)
    with pytest.raises(SlateError, match="at most 2 digits"):
        write(session, data.images[0, ..., 0], "3")
    one = file_of(data.images[:1, ..., 0], np.array(["3"]))
    with pytest.raises(SlateError, match="at most 2 digits"):
        ask(session, "hand.import", {"file": one})
    assert session.hand.labels == ["1", "2"]


# -- teaching -------------------------------------------------------------------------


def test_a_hand_is_taught_as_the_command_line_does(session, model, data, monkeypatch):
    # Of 200 validation images, 0.2 points are none: this network is young.
    monkeypatch.setattr(teaching, "MOST_LOST", 0.05)
    heard = Heard(session)
    fill(session, data, 3)
    before = session.network.theta.copy()
    past = {"test": {"correct": 9, "total": 9}, "temperature": 2.0}
    model = replace(model, details={**model.details, **past})
    session.adopt(model)
    header, _ = ask(session, "hand.teach")
    assert header["refused"] is False and header["digits"] == 30
    assert header["set_apart"] is True and header["known_total"] == 200
    assert header["own"][1] > header["own"][0]  # read by who had not learned them
    details = session.model.details
    assert details["taught"] == 30
    assert not past.keys() & details.keys()  # those were of another network
    images, labels = session.validation
    correct = int((session.network.predict(images) == labels).sum())
    assert details["validation_score"] == {"correct": correct, "total": 200}
    assert session.model is not model and (session.network.theta != before).any()
    np.testing.assert_array_equal(model.network.theta, before)
    # The same as the library's.
    own = module._dataset(session)
    lesson = teaching.lesson_of(
        model, own, session.data.source, session.data.parts, module.SEED
    )
    found = teaching.teach(model, lesson)
    assert header["own"] == pytest.approx([found.own_before, found.own_after])
    assert header["known"] == pytest.approx([found.known_before, found.known_after])
    np.testing.assert_array_equal(found.model.network.theta, session.network.theta)
    shares = [pushed["share"] for pushed, _ in heard.of("teach")]
    assert shares[0] == 0 and shares[-1] == 1 and shares == sorted(shares)
    assert len(shares) > 8


def test_what_would_be_forgotten_is_not_learned(session, model, data):
    fill(session, data, 3, turn=3)  # every digit has a wrong label
    header, _ = ask(session, "hand.teach")
    assert header["refused"] is True and "stays as it was" in header["sentence"]
    assert header["known"][1] < header["known"][0] - 0.002
    assert "0.2%" in header["sentence"]
    assert session.model is model and len(session.hand) == 30
    said = module.ForgetsError("slate.hand.forgets").sentence("fr")
    assert "0,2\u00a0%" in said


def test_few_digits_are_read_by_who_learned_them(session, data, monkeypatch):
    monkeypatch.setattr(teaching, "MOST_LOST", 1.0)
    for label in "123":
        write(session, data.images[int(label), ..., 0], label)
    header, _ = ask(session, "hand.teach")
    assert header["set_apart"] is False and header["digits"] == 3


def test_nothing_can_be_taught(session, model, data):
    with pytest.raises(SlateError, match="no digit of yours"):
        ask(session, "hand.teach")
    with pytest.raises(SlateError, match="no digit of yours"):
        ask(session, "hand.export")
    write(session, data.images[0, ..., 0], "1")
    session.adopt(replace(model, details={**model.details, "validation": 0.0}))
    with pytest.raises(ValueError, match="validation"):
        ask(session, "hand.teach")
    assert not session.teaching.locked()  # it can be asked again
    classes = (*model.classes[:9], "nine")
    session.adopt(replace(model, classes=classes))
    session.hand.labels[0] = "9"
    with pytest.raises(SlateError, match="knows no class 9"):
        ask(session, "hand.teach")


def test_one_training_at_a_time(session, data, monkeypatch):
    from ardoise.slate import controls

    fill(session, data, 1)
    begun, end = threading.Event(), threading.Event()

    def wait(model, lesson, callbacks, between):
        begun.set()
        assert end.wait(30)
        raise TeachError("teach.no_validation")

    monkeypatch.setattr(teaching, "teach", wait)

    def teach():
        with pytest.raises(TeachError):
            ask(session, "hand.teach")

    thread = threading.Thread(target=teach)
    thread.start()
    assert begun.wait(30)
    with pytest.raises(SlateError, match="learning already"):
        ask(session, "hand.teach")
    with pytest.raises(SlateError, match="in progress"):
        controls.begin(session, {"preset": "tiny"}, {})
    ask(session, "hand.list")  # the rest of the page goes on
    end.set()
    thread.join(30)
    assert not session.teaching.locked()
    controls.begin(session, {"preset": "tiny", "paused": True}, {})
    with pytest.raises(SlateError, match="learning already"):
        ask(session, "hand.teach")
    session.close()


def test_a_training_that_begins_is_a_training(session, data, monkeypatch):
    """Its data may take a while to be read: teaching does not slip in between."""
    from ardoise.slate import controls

    fill(session, data, 1)
    begun, go_on, read = threading.Event(), threading.Event(), session.source

    def slowly(name):
        begun.set()
        assert go_on.wait(30)
        return read(name)

    monkeypatch.setattr(session, "source", slowly)
    request = {"preset": "tiny", "paused": True}
    thread = threading.Thread(target=controls.begin, args=(session, request, {}))
    thread.start()
    assert begun.wait(30)
    monkeypatch.undo()
    with pytest.raises(SlateError, match="learning already"):
        ask(session, "hand.teach")
    go_on.set()
    thread.join(30)
    session.close()


def test_the_end_of_the_slate_ends_teaching(session, model, data):
    """Ctrl-C does not wait for four trainings."""
    fill(session, data, 3)
    heard, ended = Heard(session), []

    def teach():
        with pytest.raises(SlateError) as error:
            ask(session, "hand.teach")
        ended.append(error.value.key)

    thread = threading.Thread(target=teach)
    thread.start()
    heard.wait(lambda heard: len(heard.of("teach")) > 2)
    session.close()
    told = len(heard.packets)
    thread.join(30)
    assert ended == ["slate.serve.ended"] and len(heard.packets) <= told + 1
    assert session.model is model and not session.teaching.locked()


def test_a_network_of_another_size_does_not_read_them(session, data):
    write(session, data.images[0, ..., 0], "1")
    session.hand.images[0] = np.zeros((14, 14), np.uint8)
    for kind in ("hand.list", "hand.teach", "hand.export"):
        with pytest.raises(SlateError, match="another size"):
            ask(session, kind)


# -- files ----------------------------------------------------------------------------


def test_export_and_import(session, model, data, tmp_path):
    fill(session, data)
    header, arrays = ask(session, "hand.export")
    assert header["digits"] == 20 and header["name"].endswith(".npz")
    assert arrays["file"].dtype == np.uint8 and arrays["file"].size < 64 * 1024
    other = session_of(model, data, tmp_path)
    header, back = ask(other, "hand.import", {"file": arrays["file"]})
    _, first = ask(session, "hand.list")
    np.testing.assert_array_equal(back["images"], first["images"])
    assert header["labels"] == session.hand.labels
    # Added to those that are there; and the command line takes it as data.
    header, _ = ask(other, "hand.import", {"file": arrays["file"]})
    assert len(header["labels"]) == 40
    path = tmp_path / "hand.npz"
    path.write_bytes(arrays["file"].tobytes())
    found = load_data(path)
    assert found.images.shape == (20, 28, 28, 1)
    assert [found.classes[label] for label in found.labels] == session.hand.labels


def test_a_full_hand_can_be_sent_back(session, model, data, tmp_path):
    rng = np.random.default_rng(0)
    for row in rng.choice(len(data), module.MOST, replace=False):
        write(session, data.images[row, ..., 0], int(data.labels[row]))
    _, arrays = ask(session, "hand.export")
    assert arrays["file"].size < 64 * 1024  # what a message may have
    other = session_of(model, data, tmp_path)
    ask(other, "hand.import", {"file": arrays["file"]})
    assert len(other.hand) == module.MOST


def bomb():
    """Return a small file that says it unpacks to a gigabyte."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", b"\0" * (1 << 26))
        archive.writestr("labels.npy", b"\0")
    return np.frombuffer(content.getvalue(), np.uint8)


def lying():
    """Return a file whose array says that it has a million images."""
    head = io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 28, 28)}
    np.lib.format.write_array_header_1_0(head, shape)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("images.npy", head.getvalue())
        archive.writestr("labels.npy", head.getvalue())
    return np.frombuffer(content.getvalue(), np.uint8)


IMAGE = np.full((1, 28, 28), 7, np.uint8)
DAMAGED = {
    "nothing": lambda: np.zeros(0, np.uint8),
    "no zip": lambda: np.arange(100, dtype=np.uint8),
    "cut": lambda: file_of(IMAGE, np.array(["1"]))[:-40],
    "bomb": bomb,
    "lying": lying,
    "another array": lambda: file_of(IMAGE, np.array(["1"]), more=np.zeros(3)),
    "floats": lambda: file_of(IMAGE.astype(np.float32), np.array(["1"])),
    "other size": lambda: file_of(IMAGE[:, :20], np.array(["1"])),
    "two labels": lambda: file_of(IMAGE, np.array(["1", "2"])),
    "numbers": lambda: file_of(IMAGE, np.array([1])),
    "no axis": lambda: file_of(IMAGE, np.array("1")),
    "objects": lambda: file_of(IMAGE, np.array(["1", None], object)),
    "unknown class": lambda: file_of(IMAGE, np.array(["x" * 100])),
    "floats sent": lambda: np.zeros(100, np.float32),
    "a table": lambda: np.zeros((10, 10), np.uint8),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_add_nothing(session, name):
    with pytest.raises(SlateError) as error:
        ask(session, "hand.import", {"file": DAMAGED[name]()})
    assert len(str(error.value)) < 200 and len(session.hand) == 0


def test_bytes_changed_at_random_add_nothing_or_digits(session):
    content = file_of(np.repeat(IMAGE, 3, axis=0), np.array(["1", "2", "3"]))
    rng = np.random.default_rng(0)
    for _ in range(300):
        changed = content.copy()
        places = rng.integers(0, len(content), rng.integers(1, 5))
        changed[places] = rng.integers(0, 256, len(places))
        try:
            ask(session, "hand.import", {"file": changed})
        except SlateError:
            assert len(session.hand) == 0
        else:
            assert len(session.hand) == 3
            session.hand.images.clear()
            session.hand.labels.clear()


def test_no_file(session):
    with pytest.raises(SlateError, match="no file of digits"):
        ask(session, "hand.import")
