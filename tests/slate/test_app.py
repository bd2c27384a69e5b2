"""The application: requests and answers, drawings, pushes, files, photos."""

import asyncio
import gzip
import json
import logging
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from served import TOKEN, browser, guarded, make_hub, opened, photo_bytes

from ardoise.files import load_model
from ardoise.messages import LANGUAGES, UserError, text
from ardoise.slate import connections
from ardoise.slate.app import ANSWERS, MAX_SIDE, answer_with
from ardoise.slate.connections import MAX_MESSAGE, MAX_PENDING, Outbox
from ardoise.slate.files import INDEX, page_files
from ardoise.slate.packets import pack
from ardoise.slate.session import Session

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3)
PATIENCE = 30  # seconds, on a busy machine


# -- requests and answers -------------------------------------------------------------


def test_an_answer(page):
    x = np.array([[1, 2]], np.int32)
    header, arrays = page.ask("double", {"x": x}, n=21)
    assert header == {"id": 0, "type": "double", "n": 42}
    np.testing.assert_array_equal(arrays["x"], 2 * x)


def test_a_request_as_text(page):
    page.socket.send_text(json.dumps({"id": 9, "type": "double", "n": 1}))
    assert page.hear() == ({"id": 9, "type": "double", "n": 2}, {})


def test_an_answer_cannot_pass_for_another(client):
    def pretend(session, request, arrays):
        return {"id": 99, "type": "learn"}, {}

    with browser(guarded(make_hub({"pretend": pretend}))) as client:
        with opened(client) as page:
            assert page.ask("pretend")[0] == {"id": 0, "type": "pretend"}


def refused(page, content, number=None):
    """Return the sentence that answers what is no request; the page stays open."""
    send = page.socket.send_text if isinstance(content, str) else page.socket.send_bytes
    send(content)
    header, _ = page.hear()
    assert header.pop("sentence") and header == {"id": number, "type": "error"}
    assert page.ask("double", n=1)[0]["n"] == 2


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (b"", None),
        (b"\xff" * 100, None),
        ("", None),
        ("[]", None),
        ("{}", None),
        ('{"id": 1}', 1),
        ('{"type": "double"}', None),
        ('{"id": -1, "type": "double"}', -1),
        ('{"id": 1.5, "type": "double"}', None),
        ('{"id": true, "type": "double"}', None),
        ('{"id": "1", "type": "double"}', None),
        ('{"id": 9007199254740992, "type": "double"}', 9007199254740992),
        ('{"id": 5, "type": ["double"]}', 5),
        ('{"id": 5, "type": "unknown"}', 5),
        ('{"id": 5, "type": "__class__"}', 5),
        (pack({"id": 5, "type": "double"}, {"x": np.array([1, np.nan])}), 5),
        (pack({"id": 5, "type": "double"}, {"x": np.array([np.inf])}), 5),
        (pack({"id": 5, "type": "refuse"}), 5),
        (pack({"id": 5, "type": "fail"}), 5),
        (b"x" * (MAX_MESSAGE + 1), None),
        ("x" * (MAX_MESSAGE + 1), None),
    ],
)
def test_what_is_no_request_is_answered_by_a_sentence(page, content, number):
    refused(page, content, number)


def test_a_failure_keeps_its_secrets(page, caplog):
    with caplog.at_level(logging.ERROR, "ardoise.slate"):
        header, _ = page.ask("fail")
    assert header["sentence"] == text("slate.request.failed", type="fail")
    assert "a secret of the program" in caplog.text  # on standard error, with --debug


def test_sentences_are_in_the_page_s_language(client):
    with opened(client) as french, opened(client) as english:
        assert french.ask("hello", lang="fr")[0]["lang"] == "fr"
        assert english.ask("hello", lang="en")[0]["lang"] == "en"
        for page, lang in ((french, "fr"), (english, "en")):
            header, _ = page.ask("refuse")
            assert header["sentence"] == text("slate.packet.size", lang)
            header, _ = page.ask("unknown")
            assert header["sentence"] == text(
                "slate.request.unknown", lang, type="unknown"
            )
        assert english.ask("hello", lang="de")[0]["lang"] == "en"
        assert english.ask("hello", lang=["fr"])[0]["lang"] == "en"


def test_a_message_of_the_largest_drawing(page):
    """256 × 256, with its header."""
    drawing = np.full((256, 256), 7, np.uint8)
    _, arrays = page.ask("double", {"pad": drawing})
    np.testing.assert_array_equal(arrays["pad"], 14)


# -- drawings -------------------------------------------------------------------------


class Desk:
    """Handlers that wait until they may go on."""

    def __init__(self):
        self.drawn = []
        self.may_draw = threading.Semaphore(0)
        self.may_work = threading.Event()
        self.working = threading.Semaphore(0)

    def draw(self, session, request, arrays):
        self.drawn.append(request["n"])
        assert self.may_draw.acquire(timeout=PATIENCE)
        return {"n": request["n"]}, {}

    def work(self, session, request, arrays):
        self.working.release()
        assert self.may_work.wait(PATIENCE)
        return {}, {}


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    desk.may_work.set()
    desk.may_draw.release(1000)


@pytest.fixture
def busy(desk):
    """A page whose draw and work wait for the test."""
    with browser(guarded(make_hub({"draw": desk.draw, "work": desk.work}))) as client:
        with opened(client) as page:
            yield page


def test_the_latest_drawing_wins(busy, desk):
    for n in range(5):
        busy.send("draw", n=n)
    heard = [busy.hear()[0] for _ in range(3)]
    assert heard == [{"id": n, "type": "dropped"} for n in (1, 2, 3)]
    desk.may_draw.release(2)
    heard = [busy.hear()[0] for _ in range(2)]
    assert heard == [{"id": n, "type": "draw", "n": n} for n in (0, 4)]
    assert desk.drawn == [0, 4]
    desk.may_draw.release(1)
    assert busy.ask("draw", n=5)[0]["n"] == 5


def test_a_drawing_does_not_wait_behind_work(busy, desk):
    for _ in range(4):
        busy.send("work")
    for _ in range(2):  # two threads are at it
        assert desk.working.acquire(timeout=PATIENCE)
    desk.may_draw.release(1)
    assert busy.ask("draw", n=1)[0]["n"] == 1
    assert busy.ask("hello", lang="en")[0]["lang"] == "en"  # a page loaded again
    assert not busy.pushed
    desk.may_work.set()
    assert {busy.hear()[0]["id"] for _ in range(4)} == {0, 1, 2, 3}


def test_a_page_that_asks_too_much(busy, desk):
    for _ in range(MAX_PENDING):
        busy.send("work")
    for kind in ("work", "draw"):
        header, _ = busy.ask(kind, n=1)
        assert header["sentence"] == text("slate.request.many", n=MAX_PENDING)
    desk.may_work.set()
    for _ in range(MAX_PENDING):
        assert busy.hear()[0]["type"] == "work"
    desk.may_draw.release(1)
    assert busy.ask("draw", n=2)[0]["n"] == 2


def test_a_page_that_goes_with_questions_open(desk):
    with browser(guarded(make_hub({"draw": desk.draw, "work": desk.work}))) as client:
        with opened(client) as page:
            for n in range(5):
                page.send("draw", n=n)
                page.send("work")
            assert desk.working.acquire(timeout=PATIENCE)
        desk.may_work.set()
        desk.may_draw.release(1000)
        with opened(client) as page:
            assert page.ask("double", n=3)[0]["n"] == 6


# -- pushes ---------------------------------------------------------------------------


def test_pushes_reach_all_pages_in_their_languages():
    hub = make_hub()
    with browser(guarded(hub)) as client:
        with opened(client) as french, opened(client) as english:
            french.ask("hello", lang="fr")
            english.ask("hello", lang="en")
            weights = np.ones((2, 2))
            note = {"type": "note", "sentence": UserError("slate.packet.size")}
            hub.publish(note, {"w": weights})
            weights[:] = 5  # the training goes on
            for page, lang in ((french, "fr"), (english, "en")):
                header, arrays = page.hear()
                assert header == {
                    "type": "note",
                    "sentence": text("slate.packet.size", lang),
                }
                np.testing.assert_array_equal(arrays["w"], 1)


def test_pushes_come_in_order_from_another_thread():
    hub = make_hub()
    with browser(guarded(hub)) as client, opened(client) as page:
        page.ask("hello", lang="en")

        def train():
            for step in range(300):
                hub.publish({"type": "learn", "step": step})

        thread = threading.Thread(target=train)
        thread.start()
        assert [page.hear()[0]["step"] for _ in range(300)] == list(range(300))
        thread.join()


def test_pushes_when_nobody_is_there():
    hub = make_hub()
    hub.publish({"type": "learn"})  # before the server runs
    with browser(guarded(hub)) as client:
        hub.publish({"type": "learn"})
        with opened(client) as page:
            page.ask("hello", lang="en")
        hub.publish({"type": "learn"})
        with opened(client) as page:
            assert page.ask("double", n=1)[0]["n"] == 2
            assert not page.pushed
    hub.publish({"type": "learn"})  # after it


def test_the_outbox_forgets_what_has_a_newer_version():
    box = Outbox(100)
    box.put("watch", b"old")
    box.put("learn", b"1")
    box.put("learn", b"2")
    box.put("watch", b"newer")
    assert [taken(box) for _ in range(3)] == [b"newer", b"1", b"2"]


def test_the_outbox_is_bounded():
    box = Outbox(100)
    for _ in range(5):
        box.put("learn", b"x" * 20)
    for _ in range(5):
        taken(box)
    for _ in range(5):  # there is room again
        box.put("watch", b"x" * 100)
    assert taken(box) == b"x" * 100 and not box.overflow.is_set()
    for _ in range(6):
        box.put("learn", b"x" * 20)
    assert box.overflow.is_set()
    box.put("learn", b"x")
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(box.take(), 0.01))


def taken(box):
    """Return the next packet of an outbox that has one."""
    task = box.take()
    with pytest.raises(StopIteration) as caught:
        task.send(None)
    return caught.value.value


def test_a_page_that_does_not_read_is_left(monkeypatch):
    """It connects again when it does, and asks how things are."""
    monkeypatch.setattr(connections, "MAX_OUTBOX", 1000)
    hub = make_hub()
    with browser(guarded(hub)) as client, opened(client) as page:
        page.ask("hello", lang="en")
        hub.publish({"type": "learn", "points": "x" * 1001})
        with pytest.raises(ConnectionResetError, match="1013"):
            page.hear()


# -- files and words ------------------------------------------------------------------


def test_the_page(client):
    answer = client.get("/", params={"token": TOKEN})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.lower().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("name", "media_type"), [("packets.js", "javascript"), ("slate.css", "css")]
)
def test_the_page_s_files(client, name, media_type):
    headers = {"accept-encoding": "identity"}
    answer = client.get(f"/page/{name}", headers=headers)
    assert answer.headers["content-type"] == f"text/{media_type}; charset=utf-8"
    assert len(answer.content) == int(answer.headers["content-length"])
    assert client.head(f"/page/{name}").content == b""


@pytest.mark.parametrize("path", ["/", "/page/packets.js", "/words/fr.json"])
def test_files_are_sent_packed_to_who_takes_them(client, path):
    given = {"token": TOKEN}
    with client.stream("GET", path, params=given) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(packed) == int(answer.headers["content-length"])
    plain = client.get(path, params=given, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content)
    assert plain.headers["vary"] == answer.headers["vary"] == "Accept-Encoding"
    assert plain.headers["content-type"] == answer.headers["content-type"]


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        *(("gzip, deflate, br, zstd", True), ("br;q=1.0, GZIP ; q=0.5", True)),
        *(("gzip;q=0.001", True), ("gzip;q=0", False), ("br, gzip; q=0.000", False)),
        *(("", False), ("*", False), ("br", False), ("x-gzip", False), (";,;", False)),
    ],
)
def test_who_takes_packed_files(client, accepted, packed):
    headers = {"accept-encoding": accepted}
    answer = client.get("/page/packets.js", headers=headers)
    assert ("content-encoding" in answer.headers) is packed
    assert answer.text == client.get("/page/packets.js").text


def test_the_whole_page_is_small(client):
    """All of its sections, in one language, as they come over the wire."""
    names = page_files().keys() - {INDEX}
    paths = ["/", *(f"/page/{name}" for name in sorted(names))]
    page = sum(size_of(client, path) for path in paths)
    words = max(size_of(client, f"/words/{lang}.json") for lang in LANGUAGES)
    assert page + words < 150_000


def size_of(client, path):
    answer = client.get(path, params={"token": TOKEN})
    assert answer.headers["content-encoding"] == "gzip"
    return int(answer.headers["content-length"])


@pytest.mark.parametrize(
    "path",
    [
        *("/page/", "/page/nothing.js", "/page/../app.py", "/page/..%2fapp.py"),
        *("/page/%2e%2e/app.py", "/page/..%5capp.py", "/page//etc/passwd"),
        *("/page/packets.js/", "/page/packets.js%00", "/page/PACKETS.JS"),
        *("/words/de.json", "/words/en", "/words/../en.json", "/app.py", "/ws"),
    ],
)
def test_there_is_nothing_else(client, path):
    answer = client.get(path, params={"token": TOKEN})
    assert answer.status_code == 404
    assert answer.json() == {"sentence": text("slate.http.missing")}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_words(client, lang):
    words = client.get(f"/words/{lang}.json").json()
    assert words["packet.size"] == text("slate.packet.size", lang)
    assert words["class.fashion.0"] == text("class.fashion.0", lang)
    assert "option.help" not in words  # the rest is none of the page's business


# -- photos ---------------------------------------------------------------------------


def post(client, content, **headers):
    return client.post(f"/photo?token={TOKEN}", content=content, headers=headers)


def test_a_photo(client):
    answer = post(client, photo_bytes(GREY), **{"accept-language": "fr"})
    assert answer.status_code == 200
    assert answer.json() == {"shape": [2, 3], "lang": "fr", "sum": 15}


def test_the_largest_photo(client):
    grey = np.ones((MAX_SIDE, MAX_SIDE), np.uint8)
    answer = post(client, photo_bytes(grey))
    assert answer.json()["sum"] == MAX_SIDE**2


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("body", b""),
        ("body", b"\1\0\1"),
        ("body", b"\3\0\2\0"),
        ("body", photo_bytes(GREY)[:-1]),
        ("body", photo_bytes(GREY) + b"x"),
        ("size", b"\0\0\2\0"),
        ("size", b"\2\0\0\0"),
        ("size", b"\xff\xff\1\0" + bytes(65535)),
        ("size", b"\1\0\x41\x06" + bytes(1601)),
    ],
)
def test_what_is_no_photo(client, key, content):
    answer = post(client, content)
    assert answer.status_code == 422
    values = {"w": 0, "h": 0, "most": MAX_SIDE}
    if key == "size":
        values["w"], values["h"] = (int(n) for n in np.frombuffer(content[:4], "<u2"))
    assert answer.json() == {"sentence": text(f"slate.photo.{key}", **values)}


def test_a_photo_that_cannot_be_read():
    def refuse(grey, lang):
        raise UserError("slate.packet.size")

    with browser(guarded(photo=refuse)) as client:
        answer = post(client, photo_bytes(GREY), **{"accept-language": "fr"})
        assert answer.status_code == 422
        assert answer.json() == {"sentence": text("slate.packet.size", "fr")}


def test_a_slow_photo_holds_up_no_page():
    reading, may_end = threading.Event(), threading.Event()

    def slow(grey, lang):
        reading.set()
        assert may_end.wait(PATIENCE)
        return {}

    with browser(guarded(photo=slow)) as client, opened(client) as page:
        thread = threading.Thread(target=post, args=(client, photo_bytes(GREY)))
        thread.start()
        assert reading.wait(PATIENCE)
        start = time.monotonic()
        assert page.ask("double", n=1)[0]["n"] == 2
        assert time.monotonic() - start < PATIENCE / 2
        may_end.set()
        thread.join()


# -- the real handlers, whatever they are asked ---------------------------------------

INK = np.zeros((28, 28), np.uint8)
INK[5:20, 12:15] = 255
IMAGE = {"image": INK}
# A good request of each type. What trains or writes files is tested elsewhere.
GOOD = {
    "hello": ({}, {}),
    "draw": ({}, {"pad": np.pad(INK, 56)}),
    "example": ({"label": 3}, {}),
    "cell": ({"layer": 1, "index": [3]}, IMAGE),
    "why": ({"label": 3}, IMAGE),
    "fool": ({"target": 3}, IMAGE),
    "rewind": ({}, IMAGE),
    "backward": ({"label": 3}, IMAGE),
    "check": ({"label": 3, "layer": 1, "param": "W", "index": [3, 4]}, IMAGE),
    "learn.state": ({}, {}),
    "learn.moments": ({}, {}),
    "mistakes": ({"part": "validation"}, {}),
    "robustness": ({"kind": "noise", "level": 1}, {}),
    "hand.add": ({"label": 3}, IMAGE),
    "hand.list": ({}, {}),
    "hand.remove": ({"n": 0}, {}),
    "inside": ({"layer": 1}, {}),
    "map": ({"layer": 1}, {}),
    "silence": ({"layer": 1, "units": [1, 2]}, {}),
}
FIELDS = sorted({name for fields, _ in GOOD.values() for name in fields})
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 30)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | st.lists(st.integers(-2, 30), max_size=4)
    | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2)
)
SIDES = st.lists(st.integers(0, 40), max_size=4)
IMAGES = st.builds(
    lambda shape, kind, value: np.full(shape, value, kind),
    st.just([28, 28]) | SIDES,
    st.sampled_from(["uint8", "float32", "int32"]),
    st.integers(0, 255),
)


@pytest.fixture(scope="module")
def ask(model):
    session = Session(load_model(model))
    yield answer_with(session, ANSWERS)
    session.close()


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_request_is_answered(ask, kind):
    fields, arrays = GOOD[kind]
    assert pack(*ask(kind, {**fields, "lang": "fr"}, arrays))


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(GOOD)),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=2),
    st.dictionaries(st.sampled_from(["image", "pad"]), IMAGES, max_size=1),
)
def test_a_bad_request_is_refused_in_a_sentence(ask, kind, fields, arrays):
    good_fields, good_arrays = GOOD[kind]
    request = {**good_fields, **fields, "lang": "fr"}
    try:
        assert pack(*ask(kind, request, {**good_arrays, **arrays}))
    except UserError as error:
        for lang in LANGUAGES:
            assert error.sentence(lang)


# -- the table ------------------------------------------------------------------------


def test_the_table_of_answers():
    """No two modules answer the same type: a later one would hide an earlier one."""
    import ast
    from importlib import resources

    named = []
    for file in (resources.files("ardoise") / "slate").iterdir():
        if file.name.endswith(".py"):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                targets = [getattr(node, "target", None), *getattr(node, "targets", [])]
                if any(getattr(t, "id", "") == "HANDLERS" for t in targets):
                    named += [ast.literal_eval(key) for key in node.value.keys]
    assert sorted(named) == sorted(set(named))
    assert set(named) | {"hello"} == set(ANSWERS)
