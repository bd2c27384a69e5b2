"""The server as it runs: addresses, Ctrl-C, slow connections, bounds on the wire."""

import errno
import json
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse

import numpy as np
import pytest
from served import (
    PATIENCE,
    TOKEN,
    ask,
    browser,
    command,
    guarded,
    make_hub,
    page_of,
    photo_bytes,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from ardoise.cli.app import run
from ardoise.messages import text
from ardoise.slate import connections, patience, serving
from ardoise.slate.app import make_app, no_photo
from ardoise.slate.connections import MAX_MESSAGE
from ardoise.slate.guard import HEADERS
from ardoise.slate.packets import unpack
from ardoise.slate.serving import (
    Server,
    ServingError,
    address_of,
    config_of,
    is_loopback,
    listen,
    open_browser,
)

SLOW = 200
# Seconds for a normal request beside them: milliseconds, on a machine that is idle.
BRISK = 5


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


# -- the command ----------------------------------------------------------------------


def get(url, **headers):
    """Return status and headers of an answer."""
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_from_the_address_to_ctrl_c(model, lang, number):
    with command(model, "--lang", lang) as slate:
        assert slate.url.endswith(f"&lang={lang}")
        assert len(slate.token) >= 43  # 256 bits
        assert get(slate.url)[0] == 200
        assert get(slate.address)[0] == 403
        assert get(f"{slate.address}/?token={TOKEN}")[0] == 403
        with page_of(slate.address, slate.token) as page:
            assert ask(page, "hello", lang=lang)["classes"] == list("0123456789")
            code, said = slate.end(number)
            with pytest.raises(ConnectionClosed) as caught:
                page.recv(timeout=PATIENCE)
            assert caught.value.rcvd.code == 1012  # going away: the page says so
    assert code == 0
    address = text("slate.serve.address", lang, address=slate.url)
    end, ended = text("slate.serve.end", lang), text("slate.serve.ended", lang)
    assert said.splitlines() == [address, end, ended]


def test_every_start_has_another_token(model):
    with command(model) as first, command(model) as second:
        assert first.token != second.token
        assert first.address != second.address  # the first port is taken
        assert get(f"{second.address}/?token={first.token}")[0] == 403


def test_ctrl_c_waits_for_nobody(model):
    """A connection that never ends its request, and one that trains."""
    with command(model) as slate:
        host, port = slate.address.removeprefix("http://").split(":")
        with (
            socket.create_connection((host, int(port))) as silent,
            page_of(slate.address, slate.token) as page,
        ):
            silent.sendall(b"POST /photo HTTP/1.1\r\n")
            ask(page, "learn.start", preset="tiny")
            start = time.monotonic()
            assert slate.end()[0] == 0
            assert time.monotonic() - start < 20


def test_a_host_for_the_network_says_what_it_means(model):
    with command(model, "--host", "0.0.0.0") as slate:
        said = "".join(slate.said)
        assert text("slate.serve.open") in said
        port = slate.address.rpartition(":")[2]
        mine = f"http://127.0.0.1:{port}"
        assert get(mine)[0] == 403  # the token is demanded as ever
        assert get(f"{mine}/?token={slate.token}")[0] == 200
        answer = get(f"{mine}/?token={slate.token}", Host=f"evil.example:{port}")
        assert answer[0] == 403
        assert slate.end()[0] == 0


def test_on_the_loopback_there_is_nothing_to_explain(model):
    with command(model) as slate:
        assert text("slate.serve.open") not in "".join(slate.said)


def refused(capsys, *arguments):
    """Return the exit code and the one sentence of a command that does not start."""
    code = run(["slate", "--no-browser", *map(str, arguments)])
    printed = capsys.readouterr()
    assert printed.out == ""
    return code, printed.err.splitlines()


def test_a_port_that_is_taken(model, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = refused(capsys, model, "--port", port, "--lang", "fr")
    assert (code, said) == (1, [text("slate.serve.taken", "fr", port=port)])


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port(capsys, port):
    code, said = refused(capsys, "--port", port)
    sentence = text("slate.option.port", port=port, most=65535)
    assert (code, said) == (2, [sentence])


def test_what_is_no_port_at_all(capsys):
    code, said = refused(capsys, "--port", "web")
    assert code == 2 and "--port" in said[0]


def test_a_host_that_is_not_here(model, capsys):
    code, [said] = refused(capsys, model, "--host", "192.0.2.7")
    assert code == 1
    assert said.startswith("The slate cannot listen at 192.0.2.7: ")


def test_a_host_that_nobody_knows(model, capsys, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    code, said = refused(capsys, model, "--host", "nowhere.example")
    reason = "Name or service not known"
    sentence = text("slate.serve.host", host="nowhere.example", reason=reason)
    assert (code, said) == (1, [sentence])


def test_a_model_that_is_none(capsys, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"nothing")
    code, said = refused(capsys, path)
    assert code == 1 and len(said) == 1


def test_the_extra_is_missing(capsys, monkeypatch):
    for name in ("ardoise.slate.serving", "uvicorn"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert refused(capsys) == (1, [text("slate.extra")])


def test_no_port_is_left(monkeypatch):
    def full(host, port):
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(serving, "_bind", full)
    with pytest.raises(ServingError) as caught:
        listen("127.0.0.1", None)
    assert caught.value.key == "slate.serve.host"


def test_addresses():
    with listen("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
        assert address_of(bound, "t-_t") == f"http://127.0.0.1:{port}/?token=t-_t"
        french = address_of(bound, "t", "fr")
        assert french == f"http://127.0.0.1:{port}/?token=t&lang=fr"
    with listen("0.0.0.0", 0) as bound:
        assert "0.0.0.0" not in address_of(bound, "t")
    if socket.has_ipv6:
        with listen("::1", 0) as bound:
            assert address_of(bound, "t").startswith("http://[::1]:")
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("0.0.0.0") and not is_loopback("192.168.1.5")
    assert not is_loopback("example.org") and not is_loopback("::")


@pytest.mark.parametrize(
    ("name", "address"), [("Name.example", "127.0.0.3"), ("0", "0.0.0.0")]
)
def test_the_printed_address_of_a_name_is_let_in(monkeypatch, name, address):
    """Names, and other ways to write an address, stand for one that is printed."""
    found = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: found(address, *a, **k)
    )
    with listen(name, 0) as bound:
        app = make_app(make_hub(), no_photo)
        guard = serving.guarded(app, name, bound, TOKEN, "en")
        printed = address_of(bound, TOKEN)
    with browser(guard) as client:
        assert client.get("/", headers={"host": "evil.example"}).status_code == 403
        for host in (printed.split("/")[2], "127.0.0.1:1"):
            answer = client.get("/", params={"token": TOKEN}, headers={"host": host})
            assert answer.status_code == 200
        answer = client.get("/openapi.json", headers={"host": "name.example:80"})
        assert answer.status_code == (200 if name == "Name.example" else 403)


@pytest.mark.parametrize(
    ("platform", "screen", "opened"),
    [("linux", "", 0), ("linux", ":0", 1), ("darwin", "", 1), ("win32", "", 1)],
)
def test_the_browser(monkeypatch, platform, screen, opened):
    urls, done = [], threading.Event()

    def open_(url):
        urls.append(url)
        done.set()

    monkeypatch.setattr("webbrowser.open", open_)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("DISPLAY", screen)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    open_browser("http://127.0.0.1:1/?token=t")
    done.wait(5 if opened else 0.1)
    assert urls == ["http://127.0.0.1:1/?token=t"] * opened


# -- on the wire ----------------------------------------------------------------------


@contextmanager
def running(hub=None, **options):
    """Run a server in a thread of this process; yield its address."""
    bound = listen("127.0.0.1", 0)
    ready = threading.Event()
    server = Server(config_of(guarded(hub, **options)), ready.set)
    thread = threading.Thread(target=server.run, args=([bound],))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        bound.close()
    assert not thread.is_alive()


@contextmanager
def lines(address, n=1, first=b""):
    """Open n connections, and send something on each."""
    host, port = address.removeprefix("http://").split(":")
    with ExitStack() as stack:
        opened = []
        for _ in range(n):
            line = socket.create_connection((host, int(port)), timeout=PATIENCE)
            opened.append(stack.enter_context(line))
            if first:
                line.sendall(first)
        yield opened


def wait_until(is_so):
    deadline = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_so()


def is_cut(line):
    """Tell whether the server has ended a connection."""
    line.settimeout(0.01)
    try:
        return line.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"GET /words/en.json HTTP/1.1\r\nHost: 127.",
        b"GET /words/en.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET",
        f"POST /photo?token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Origin: http://127.0.0.1\r\nContent-Length: 100\r\n\r\nx".encode(),
        b"GET /words/en.json HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n",
    ],
    ids=["silent", "half a request", "half a second one", "half a body", "no body"],
)
def test_slow_connections_do_not_stop_a_normal_one(first):
    with running() as address, page_of(address, TOKEN) as page:
        assert ask(page, "hello", lang="en")["lang"] == "en"
        with lines(address, SLOW, first):
            for _ in range(5):
                start = time.monotonic()
                assert get(f"{address}/?token={TOKEN}")[0] == 200
                assert ask(page, "double", n=2)["n"] == 4
                assert time.monotonic() - start < BRISK
            with page_of(address, TOKEN) as another:  # a new page comes in, too
                assert ask(another, "double", n=3)["n"] == 6


def test_connections_that_drip_do_not_stop_a_normal_one():
    """One byte of a header now and then, as Slowloris does."""
    with running() as address, lines(address, SLOW, b"GET / HTTP/1.1\r\n") as slow:
        for i in range(5):
            for line in slow:
                try:
                    line.sendall(b"X")
                except ConnectionError:
                    pass  # given up for a newer one
            start = time.monotonic()
            assert get(f"{address}/words/en.json")[0] == 200, i
            assert time.monotonic() - start < BRISK


def test_too_many_connections_cut_those_that_waited_longest(monkeypatch):
    monkeypatch.setattr(patience, "MAX_CONNECTIONS", 20)
    with running() as address, page_of(address, TOKEN) as page:
        with lines(address, 30, b"GET") as slow:
            assert get(f"{address}/words/en.json")[0] == 200
            # With the page and the request just done, or without that.
            wait_until(lambda: is_cut(slow[10]))
            cut = [is_cut(line) for line in slow]
            assert cut in ([i < 11 for i in range(30)], [i < 12 for i in range(30)])
            assert ask(page, "double", n=2)["n"] == 4  # a page is never cut for others


@pytest.mark.parametrize(("spare", "status"), [(1, 200), (0, None)])
def test_who_comes_while_all_are_answered_is_not_cut(monkeypatch, spare, status):
    monkeypatch.setattr(patience, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(patience, "SPARE_CONNECTIONS", spare)
    go_on, began = threading.Event(), threading.Semaphore(0)

    def slowly(grey, lang):
        began.release()
        assert go_on.wait(PATIENCE)
        return {}

    photo = (
        f"POST /photo?token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Origin: http://127.0.0.1\r\nContent-Type: application/octet-stream\r\n"
        "Content-Length: 5\r\n\r\n"
    ).encode() + photo_bytes(np.zeros((1, 1), np.uint8))
    with running(photo=slowly) as address, lines(address, 2, photo) as busy:
        try:
            assert began.acquire(timeout=PATIENCE)
            assert began.acquire(timeout=PATIENCE)
            if status is None:
                with pytest.raises(OSError):
                    get(f"{address}/words/en.json")
            else:
                assert get(f"{address}/words/en.json")[0] == status
        finally:
            go_on.set()
        for line in busy:
            assert line.recv(12).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("first", "is_second"), [(b"", False), (b"GET", False), (b"GET", True)]
)
def test_patience_ends(monkeypatch, first, is_second):
    monkeypatch.setattr(patience, "PATIENCE", 0.3)
    with running() as address, lines(address) as [line]:
        if is_second:
            line.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = HTTPResponse(line)
            answer.begin()
            answer.read()
            answer.close()
        line.sendall(first)
        start = time.monotonic()
        assert line.recv(1) == b""
        assert 0.2 < time.monotonic() - start < 4


def test_a_page_that_is_silent_stays(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE", 0.2)
    with running() as address, page_of(address, TOKEN) as page:
        time.sleep(0.6)
        assert ask(page, "double", n=2)["n"] == 4


@pytest.mark.parametrize(
    "said",
    [
        *(b"nonsense\r\n\r\n", b"\x16\x03\x01\x02\0"),
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_what_is_no_http(said):
    with running() as address, lines(address, 1, said) as [line]:
        answer = line.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 400 ")
        for name, value in HEADERS.items():
            assert f"{name}: {value}\r\n".encode() in answer
        assert get(f"{address}/words/en.json")[0] == 200


def test_the_server_does_not_say_what_it_is():
    with running() as address:
        _, headers = get(f"{address}/words/en.json")
    assert not {"server", "date"} & {name.lower() for name in headers}


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example"])
def test_a_foreign_page_gets_no_socket(origin):
    with running() as address:
        host = address.removeprefix("http://")
        with pytest.raises(InvalidStatus) as caught:
            connect(f"ws://{host}/ws?token={TOKEN}", origin=origin, proxy=None)
        response = caught.value.response
        assert response.status_code == 403
        assert json.loads(response.body)["sentence"] == text("slate.guard.origin")
        assert response.headers["Content-Security-Policy"]


def test_the_ninth_page_on_the_wire():
    with running() as address, ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(page_of(address, TOKEN))
        with page_of(address, TOKEN) as ninth:
            header, _ = unpack(ninth.recv(timeout=PATIENCE))
            assert header["sentence"] == text("slate.guard.sockets", n=8)
            with pytest.raises(ConnectionClosed) as caught:
                ninth.recv(timeout=PATIENCE)
            assert caught.value.rcvd.code == 1013


def test_a_message_that_is_too_large_ends_its_page_alone():
    with running() as address, page_of(address, TOKEN) as other:
        with page_of(address, TOKEN) as page:
            page.send(b"x" * MAX_MESSAGE)
            header, _ = unpack(page.recv(timeout=PATIENCE))
            assert header["type"] == "error"
            page.send(b"x" * (MAX_MESSAGE + 1))
            with pytest.raises(ConnectionClosed) as caught:
                page.recv(timeout=PATIENCE)
            assert caught.value.rcvd.code == 1009
        assert ask(other, "double", n=2)["n"] == 4


def test_a_page_that_does_not_read_costs_little(monkeypatch):
    """It is left once so much waits for it; others hear everything."""
    monkeypatch.setattr(connections, "MAX_OUTBOX", 1 << 20)
    hub = make_hub()
    with (
        running(hub) as address,
        page_of(address, TOKEN, max_queue=1, close_timeout=1) as deaf,
        page_of(address, TOKEN) as page,
    ):
        ask(deaf, "hello", lang="en")
        ask(page, "hello", lang="en")
        for n in range(400):  # 40 MB: more than the system keeps for it
            hub.publish({"type": "learn", "n": n, "points": "x" * 100_000})
            header, _ = unpack(page.recv(timeout=PATIENCE))
            assert header["n"] == n
        wait_until(lambda: len(hub._connections) == 1)
        with pytest.raises(ConnectionClosed):
            while True:
                deaf.recv(timeout=PATIENCE)


def test_a_tab_that_is_killed_is_forgotten():
    hub = make_hub()
    with running(hub) as address:
        with page_of(address, TOKEN) as page:
            ask(page, "hello", lang="en")
            page.socket.shutdown(socket.SHUT_RDWR)
            wait_until(lambda: not hub._connections)
