"""Recordings: what a slate said is said again, and a damaged file is refused."""

import os
import signal
import struct
import threading
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served import (
    PATIENCE,
    TOKEN,
    ask,
    browser,
    command,
    guarded,
    make_hub,
    opened,
    page_of,
    photo_bytes,
)

from ardoise.cli.app import run
from ardoise.messages import text
from ardoise.slate import recording
from ardoise.slate.app import no_photo
from ardoise.slate.connections import Hub
from ardoise.slate.packets import pack, unpack
from ardoise.slate.recording import (
    MAGIC,
    Recorder,
    RecordingError,
    Replay,
    read_recording,
)

HELLO = {"id": 0, "type": "hello", "classes": ["a", "b"]}


def entry(milliseconds, packet, check=None, size=None):
    """Return a packet as it stands in a file."""
    times = struct.pack("<II", milliseconds, len(packet) if size is None else size)
    if check is None:
        check = zlib.crc32(times + packet)
    return times + struct.pack("<I", check) + packet


def written(path, *entries):
    path.write_bytes(MAGIC + b"".join(entries))
    return path


@pytest.fixture
def film(tmp_path):
    """A recording: two pushes before the first page, then answers and pushes."""
    weights = np.arange(4, dtype=np.float32)
    return written(
        tmp_path / "film",
        entry(0, pack({"type": "state", "learning": "running"})),
        entry(90, pack({"type": "learn", "step": 0})),
        entry(100, pack(HELLO)),
        entry(110, pack({"type": "learn", "step": 1})),
        entry(120, pack({"id": 1, "type": "draw", "n": 1}, {"w": weights})),
        entry(120, pack({"id": None, "type": "error", "sentence": "No."})),
        entry(200, pack({"id": 2, "type": "draw", "n": 2})),
        entry(400, pack({"type": "weights", "step": 2}, {"w": weights})),
    )


def playing(path):
    play = Replay(read_recording(path))
    return browser(guarded(Hub(play.answer, greet=play.greet), no_photo))


def refused(path):
    with pytest.raises(RecordingError) as caught:
        read_recording(path)
    assert caught.value.sentence("fr")
    return caught.value.key.removeprefix("slate.replay.")


# -- writing --------------------------------------------------------------------------


def test_what_is_said_is_recorded(tmp_path):
    path = tmp_path / "film"
    with Recorder(path, pytest.fail) as recorder:
        hub = make_hub(record=recorder.write, lang="fr")
        with browser(guarded(hub)) as client, opened(client) as page:
            page.ask("hello", lang="en")
            page.ask("double", {"x": np.arange(3.0)}, n=4)
            page.ask("unknown")
            with opened(client) as other:
                other.ask("hello", lang="fr")
                hub.publish({"type": "learn", "step": 5}, {"w": np.ones(2)})
                assert page.hear()[0] == other.hear()[0]
    entries = read_recording(path)
    said = [(e.header["type"], e.is_push) for e in entries]
    assert said == [
        *(("hello", False), ("double", False), ("error", False), ("hello", False)),
        ("learn", True),  # once, however many pages hear it
    ]
    times = [e.seconds for e in entries]
    assert times == sorted(times) and 0 <= times[0] and times[-1] < 60


def test_threads_record_in_turn(tmp_path, monkeypatch):
    # The time is known before the packet is written: nobody may come in between.
    def late():
        now = clock()
        time.sleep(0.0005 * (threading.get_ident() % 3))
        return now

    clock = time.monotonic
    path = tmp_path / "run.bin"
    with Recorder(path, print) as recorder:
        monkeypatch.setattr(recording.time, "monotonic", late)

        def write():
            for _ in range(30):
                recorder.write(pack({"type": "epoch"}, {}))

        writers = [threading.Thread(target=write) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        monkeypatch.undo()
        hello = {"type": "hello", "id": 0}
        recorder.write(pack(hello, {}))
    assert len(read_recording(path)) == 121


def test_a_recording_has_an_end(tmp_path):
    ended = []
    with Recorder(tmp_path / "film", ended.append, most=500) as recorder:
        for _ in range(3):
            recorder.write(pack(HELLO) + b"" * 200)
        while not ended:
            recorder.write(pack(HELLO))
        recorder.write(pack(HELLO))
    assert [error.key for error in ended] == ["slate.record.full"]
    assert (tmp_path / "film").stat().st_size <= 500
    assert read_recording(tmp_path / "film")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a full disk")
def test_a_full_disk_ends_the_recording_and_not_the_slate():
    with pytest.raises(RecordingError) as caught:
        Recorder("/dev/full", pytest.fail)
    assert caught.value.key == "slate.record.write"


def test_a_disk_that_fails_later(tmp_path):
    ended = []
    recorder = Recorder(tmp_path / "film", ended.append)
    with recorder:
        recorder._file.close()
        recorder._file = open("/dev/full", "wb", buffering=0)
        recorder.write(pack(HELLO))
        recorder.write(pack(HELLO))
    assert [error.key for error in ended] == ["slate.record.write"]


def test_a_folder_that_is_not_there(tmp_path, capsys):
    path = tmp_path / "nowhere" / "film"
    assert run(["slate", "--no-browser", "--record", str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and str(path) in said.err and len(said.err.splitlines()) == 1


# -- reading --------------------------------------------------------------------------


def test_what_is_no_recording(tmp_path):
    path = tmp_path / "film"
    assert refused(path) == "read"
    assert refused(tmp_path) in ("read", "none")
    for content in (b"", b"{}", MAGIC[:-1], b"x" + MAGIC):
        path.write_bytes(content)
        assert refused(path) == "none"


def test_a_recording_without_a_page(tmp_path):
    path = written(tmp_path / "film")
    assert refused(path) == "empty"
    written(path, entry(0, pack({"type": "learn"})), entry(5, pack({"type": "x"})))
    assert refused(path) == "empty"


def test_a_recording_that_is_too_large(film, monkeypatch):
    monkeypatch.setattr(recording, "MAX_FILE", film.stat().st_size - 1)
    assert refused(film) == "large"


@pytest.mark.parametrize(
    "wrong",
    [
        entry(500, pack({"type": "learn"}), check=0),
        entry(399, pack({"type": "learn"})),  # before what stands before it
        entry(500, b"no packet"),
        entry(500, b""),
        entry(500, pack({"step": 1})),
        entry(500, pack({"type": 1})),
        entry(500, pack({"type": "learn"}), size=3) + b"x" * 9,
    ],
)
def test_a_damaged_recording(film, wrong):
    film.write_bytes(film.read_bytes() + wrong)
    assert refused(film) == "damaged"


def test_a_recording_that_was_cut_short(film):
    """Its server was killed: all that is whole is shown."""
    whole = len(read_recording(film))
    content = film.read_bytes()
    for left in range(1, 60):
        film.write_bytes(content[:-left])
        assert len(read_recording(film)) == whole - 1


@settings(max_examples=300)
@given(data=st.data())
def test_any_change_is_noticed(tmp_path_factory, data):
    path = written(
        tmp_path_factory.mktemp("films") / "film",
        entry(0, pack(HELLO)),
        entry(5, pack({"type": "learn", "step": 1}, {"w": np.ones(3)})),
        entry(9, pack({"type": "learn", "step": 2}, {"w": np.ones(3)})),
    )
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    try:
        entries = read_recording(path)
    except RecordingError as error:
        assert error.sentence("en")
    else:  # a length that leads behind the end is a cut
        assert 1 <= len(entries) < 3


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_recording_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("films") / "film"
    path.write_bytes(MAGIC + content)
    with pytest.raises(RecordingError):
        read_recording(path)


# -- showing --------------------------------------------------------------------------


def test_a_recording_is_said_again(film):
    with playing(film) as client, opened(client) as page:
        start = time.monotonic()
        header, _ = page.ask("hello", lang="en")
        now = {"replay": True, "seconds": 0.3, "learning": "replay"}
        assert header == {**HELLO, **now}
        first, _ = page.ask("draw")
        assert first["n"] == 1
        heard = list(page.pushed)
        while len(heard) < 2:
            heard.append(page.hear())
        assert time.monotonic() - start > 0.25  # as long as it took
        assert [header["type"] for header, _ in heard] == ["learn", "weights"]
        assert heard[0][0]["step"] == 1  # what was before the page is not shown
        np.testing.assert_array_equal(heard[1][1]["w"], [0, 1, 2, 3])


def test_answers_come_in_their_order_and_the_last_one_stays(film):
    with playing(film) as client:
        for _ in range(2):  # a page that is loaded again begins again
            with opened(client) as page:
                page.ask("hello", lang="en")
                answers = [page.ask("draw") for _ in range(4)]
                assert [header["n"] for header, _ in answers] == [1, 2, 2, 2]
                np.testing.assert_array_equal(answers[0][1]["w"], [0, 1, 2, 3])


def test_a_page_that_says_hello_again_is_shown_it_once(film):
    """The page says hello after each epoch: the recording does not begin anew."""
    with playing(film) as client, opened(client) as page:
        page.ask("hello", lang="en")
        assert page.ask("draw")[0]["n"] == 1
        for _ in range(3):
            page.ask("hello", lang="fr")
        assert page.ask("draw")[0]["n"] == 2
        time.sleep(0.5)  # longer than it takes
        page.ask("draw")
        heard = [header["type"] for header, _ in page.pushed]
        assert heard == ["learn", "weights"]


def test_a_recording_answers_nothing_new(film):
    with playing(film) as client:
        with opened(client) as page:
            page.ask("hello", lang="fr")
            header, _ = page.ask("learn.start")
            assert header["sentence"] == text("slate.replay.silent", "fr")
        body = photo_bytes(np.zeros((2, 2), np.uint8))
        answer = client.post(f"/photo?token={TOKEN}", content=body)
        assert answer.json() == {"sentence": text("slate.replay.silent")}
        assert answer.status_code == 422


def test_a_page_that_leaves_before_the_end(film):
    content = film.read_bytes()
    film.write_bytes(content + entry(3_600_000, pack({"type": "learn"})))
    start = time.monotonic()
    with playing(film) as client, opened(client) as page:
        assert page.ask("hello", lang="en")[0]["seconds"] == pytest.approx(3599.9)
    assert time.monotonic() - start < 60
    assert threading.active_count() < 50


def test_recorded_and_replayed_by_the_command(model, tmp_path, monkeypatch):
    """The whole way: a live slate with a training, its file, and the file shown."""
    film = tmp_path / "film"
    monkeypatch.chdir(tmp_path)
    with command(model, "--record", film) as slate:
        with page_of(slate.address, slate.token) as page:
            classes = ask(page, "hello", lang="en")["classes"]
            ask(page, "learn.start", preset="tiny")
            steps = 0
            while steps < 5:
                header, _ = unpack(page.recv(timeout=PATIENCE))
                steps += header["type"] == "learn"
        code, said = slate.end()
        assert code == 0
        assert text("slate.serve.record", file=film) in said
    with command("--replay", film) as slate:
        with page_of(slate.address, slate.token) as page:
            header = ask(page, "hello", lang="en")
            assert header["replay"] is True and header["classes"] == classes
            steps = 0
            while steps < 5:
                header, _ = unpack(page.recv(timeout=PATIENCE))
                steps += header["type"] == "learn"
        code, said = slate.end(signal.SIGINT)
        assert code == 0
        assert text("slate.serve.replay", file=film) in said


@pytest.mark.parametrize("other", ["--record=other", "--model=model.safetensors"])
def test_a_replay_stands_alone(film, capsys, other):
    assert run(["slate", "--no-browser", "--replay", str(film), other]) == 2
    name = other.partition("=")[0]
    assert capsys.readouterr().err.splitlines()[0] == text(
        "slate.option.replay", name=name
    )


def test_a_damaged_film_is_one_sentence(film, capsys):
    film.write_bytes(film.read_bytes()[:-20] + b"x" * 20)
    assert run(["slate", "--no-browser", "--replay", str(film), "--lang", "fr"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [text("slate.replay.damaged", "fr", path=film)]
