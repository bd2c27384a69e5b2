"""The guard: what it lets through, what it refuses, and how it says so."""

import asyncio
import hmac
from contextlib import ExitStack

import numpy as np
import pytest
from served import ADDRESS, HOST, TOKEN, browser, guarded, opened, photo_bytes
from starlette.testclient import WebSocketDenialResponse

from ardoise.messages import text
from ardoise.slate.guard import HEADERS, MAX_SOCKETS, Guard, Limits

PHOTO = photo_bytes(np.zeros((2, 3), np.uint8))
PATHS = ["/", "/page/main.js", "/words/en.json", "/openapi.json", "/nowhere"]
OTHER_HOSTS = [
    *("evil.example", "evil.example:8642", "127.0.0.1.evil.example"),
    *("localhost.", "evil.localhost", "localhost@evil.example", "", ":8642"),
    *("127.0.0.1:80:80", "127.0.0.1:port", "127.0.0.1:", "127.0.0.2", "0.0.0.0"),
    *("[::1", "[::1]evil.example", "::1", "[::2]:8642", "2130706433", "0x7f.1"),
    "127.0.0.1, evil.example",
]
OTHER_ORIGINS = [
    *("null", "", "http://evil.example", "http://127.0.0.1", "http://localhost:8642"),
    *("https://127.0.0.1:8642", "http://127.0.0.1:8643", f"{ADDRESS}/"),
    *(f"{ADDRESS}.evil.example", f"{ADDRESS}, http://evil.example", "file://"),
]
OTHER_TOKENS = ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é", "%00", " " + TOKEN]


def refusal(answer, key, status=403, **values):
    """Check that an answer is a refusal."""
    assert answer.status_code == status
    assert answer.json() == {"sentence": text(f"slate.guard.{key}", **values)}
    check_headers(answer)


def check_headers(answer):
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value]


def refused_socket(client, url=f"ws://{HOST}/ws?token={TOKEN}", **headers):
    """Return the answer to a handshake that is refused."""
    with pytest.raises(WebSocketDenialResponse) as caught:
        with client.websocket_connect(url, headers=headers):
            pass
    return caught.value


# -- Host -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_another_host_is_refused(client, host):
    headers = {"host": host, "origin": f"http://{host}"}
    for path in PATHS:
        given = {"token": TOKEN}
        refusal(client.get(path, params=given, headers=headers), "host")
    url = f"/photo?token={TOKEN}"
    refusal(client.post(url, content=PHOTO, headers=headers), "host")
    refusal(refused_socket(client, **headers), "host")


def test_two_hosts_are_refused(client):
    headers = [("host", HOST), ("host", HOST)]
    refusal(client.get("/words/en.json", headers=headers), "host")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "LocalHost:8642", "[::1]:8642", "127.0.0.1:9000"]
)
def test_the_loopback_by_any_name_and_port(client, host):
    headers = {"host": host, "origin": f"http://{host}"}
    assert client.get("/words/en.json", headers=headers).status_code == 200
    answer = client.post(f"/photo?token={TOKEN}", content=PHOTO, headers=headers)
    assert answer.status_code == 200


def test_the_host_comes_before_all_else(client):
    """Who comes by a foreign name learns nothing of tokens, origins and paths."""
    headers = {"host": "evil.example", "origin": "null"}
    for answer in (
        client.get("/", headers=headers),
        client.post("/nowhere", content=b"x" * 100, headers=headers),
        refused_socket(client, f"ws://{HOST}/ws", **headers),
    ):
        refusal(answer, "host")


def test_a_server_for_the_whole_network():
    with browser(guarded(any_address=True)) as client:
        for host in ("192.168.1.5:8642", "[fe80::1]:8642", "localhost"):
            headers = {"host": host}
            assert client.get("/words/en.json", headers=headers).status_code == 200
        for host in ("evil.example", "192.168.1.5.evil.example", "1.2.3", ""):
            headers = {"host": host}
            refusal(client.get("/words/en.json", headers=headers), "host")
        refusal(client.get("/", headers={"host": "192.168.1.5"}), "token")


def test_a_server_at_one_address():
    with browser(guarded(hosts=("192.168.1.5",))) as client:
        for host, status in (("192.168.1.5:1", 200), ("192.168.1.6:1", 403)):
            headers = {"host": host}
            assert client.get("/words/en.json", headers=headers).status_code == status


# -- Origin ---------------------------------------------------------------------------


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
def test_another_origin_is_refused(client, origin):
    headers = {"origin": origin}
    url = f"/photo?token={TOKEN}"
    refusal(client.post(url, content=PHOTO, headers=headers), "origin")
    refusal(refused_socket(client, **headers), "origin")


def test_no_origin_is_refused(client):
    del client.headers["origin"]
    refusal(client.post(f"/photo?token={TOKEN}", content=PHOTO), "origin")
    refusal(refused_socket(client), "origin")


def test_two_origins_are_refused(client):
    del client.headers["origin"]
    headers = [("origin", ADDRESS), ("origin", ADDRESS)]
    url = f"/photo?token={TOKEN}"
    refusal(client.post(url, content=PHOTO, headers=headers), "origin")


def test_a_preflight_is_refused(client):
    headers = {"origin": "http://evil.example", "access-control-request-method": "POST"}
    answer = client.options("/photo", params={"token": TOKEN}, headers=headers)
    refusal(answer, "origin")
    assert not any(name.startswith("access-control") for name in answer.headers)


# -- the token ------------------------------------------------------------------------


@pytest.mark.parametrize("token", OTHER_TOKENS)
def test_another_token_is_refused(client, token):
    given = {"token": token}
    refusal(client.get("/", params=given), "token")
    refusal(client.post("/photo", params=given, content=PHOTO), "token")
    socket = refused_socket(client, f"ws://{HOST}/ws?token={token.replace(' ', '%20')}")
    refusal(socket, "token")


@pytest.mark.parametrize(
    "query",
    [
        "",
        f"Token={TOKEN}",
        f"token={TOKEN}&token={TOKEN}",
        f"{'a=1&' * 500}",
        "%FF=%FF",
    ],
)
def test_no_token_or_two_are_refused(client, query):
    refusal(client.get(f"/?{query}"), "token")


@pytest.mark.parametrize("path", ["/photo/", "//photo", "/%70hoto", "/./photo"])
def test_no_way_around_the_token(client, path):
    """Other ways to write an address lead to the same refusal, or nowhere."""
    answer = client.post(path, content=PHOTO)
    assert answer.status_code in (403, 404)
    check_headers(answer)


def test_tokens_are_compared_in_constant_time(client, monkeypatch):
    compared = []

    def compare(given, token):
        compared.append((given, token))
        return given == token

    monkeypatch.setattr(hmac, "compare_digest", compare)
    client.get("/", params={"token": "guess"})
    assert compared == [(b"guess", TOKEN.encode())]


def test_files_and_words_need_no_token(client):
    """Modules of the page import each other, and know no token."""
    assert client.get("/page/packets.js").status_code == 200
    assert client.get("/words/fr.json").status_code == 200
    assert client.get("/openapi.json").status_code == 200


# -- headers, and what refusals look like ---------------------------------------------


def test_every_answer_has_the_strict_headers(client):
    url = f"/photo?token={TOKEN}"
    answers = {
        200: client.get("/words/en.json"),
        403: client.get("/"),
        404: client.get("/nowhere"),
        405: client.post("/words/en.json"),
        413: client.post(url, content=bytes(2_560_005)),
        422: client.post(url, content=b"x"),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        check_headers(answer)
    policy = answers[200].headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy and "http" not in policy
    assert set(answers[405].headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_a_failure_has_the_strict_headers_too():
    def fail(grey, lang):
        raise RuntimeError("a secret of the program")

    with browser(guarded(photo=fail), raise_server_exceptions=False) as client:
        answer = client.post(f"/photo?token={TOKEN}", content=PHOTO)
    assert answer.status_code == 500
    assert answer.json() == {"sentence": text("slate.http.failed")}
    check_headers(answer)


def test_an_accepted_socket_has_the_strict_headers(client):
    with opened(client) as page:
        headers = {name.decode().lower() for name, _ in page.socket.extra_headers}
    assert headers >= {name.lower() for name in HEADERS}


def test_refusals_speak_the_language_of_the_browser(client):
    for wish, lang in (
        *(("fr-FR,fr;q=0.9,en;q=0.8", "fr"), ("fr", "fr"), ("en-GB", "en")),
        *(("de", "en"), ("", "en")),
    ):
        answer = client.get("/", headers={"accept-language": wish})
        assert answer.json() == {"sentence": text("slate.guard.token", lang)}


def test_a_person_reads_text(client):
    headers = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    answer = client.get("/", headers=headers)
    assert answer.status_code == 403
    assert answer.text == text("slate.guard.token")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


# -- bodies ---------------------------------------------------------------------------


def posted(messages, length=None, limits=None, path="/photo"):
    """Post a body in pieces, given with seconds to wait before each.

    Returns the answer's status and how many pieces were read.
    """
    headers = [(b"host", HOST.encode()), (b"origin", ADDRESS.encode())]
    if length is not None:
        headers.append((b"content-length", length))
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": f"token={TOKEN}".encode(),
        "headers": headers,
    }
    read, sent, seen = 0, [], []

    async def receive():
        nonlocal read
        seconds, body, more = messages[read]
        await asyncio.sleep(seconds)
        read += 1
        return {"type": "http.request", "body": body, "more_body": more}

    async def send(message):
        sent.append(message)

    async def app(scope, receive, send):
        seen.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guard = Guard(app, token=TOKEN, limits=limits or Limits(body=10, seconds=5))
    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"], read, seen


@pytest.mark.parametrize("length", [b"11", b"9" * 9, b"9" * 5000, b"-1", b"x", b""])
def test_a_body_that_says_it_is_too_large_is_not_read(length):
    assert posted([(0, b"x" * 11, False)], length) == (413, 0, [])


def test_a_body_is_bounded_while_it_is_read():
    endless = [(0, b"xxxx", True)] * 100
    assert posted(endless) == (413, 3, [])
    assert posted(endless, b"4") == (413, 3, [])


def test_a_body_of_the_largest_size():
    pieces = [(0, b"x" * 5, True), (0, b"", True), (0, b"x" * 5, False)]
    status, read, seen = posted(pieces, b"10")
    assert (status, read) == (200, 3)
    assert seen == [{"type": "http.request", "body": b"x" * 10, "more_body": False}]


def test_a_body_that_takes_too_long():
    slow = [(0.02, b"x", True)] * 10
    status, read, seen = posted(slow, limits=Limits(body=10, seconds=0.05))
    assert (status, seen) == (408, []) and read < 5


def test_a_client_that_goes_while_it_sends():
    pieces = [(0, b"xx", True), (0, b"", False)]
    assert posted(pieces, b"10")[0] == 200  # nobody is there to read it


# -- WebSockets -----------------------------------------------------------------------


def test_the_ninth_page_is_told_why(client):
    assert MAX_SOCKETS == 8
    with ExitStack() as stack:
        pages = [stack.enter_context(opened(client)) for _ in range(8)]
        assert pages[-1].ask("double", n=4)[0]["n"] == 8
        with opened(client) as ninth:
            header, _ = ninth.hear()
            sentence = text("slate.guard.sockets", n=8)
            assert header == {"type": "error", "sentence": sentence}
            with pytest.raises(ConnectionResetError, match="1013"):
                ninth.hear()
        assert pages[0].ask("double", n=1)[0]["n"] == 2
    with opened(client) as another:  # they have gone
        assert another.ask("double", n=2)[0]["n"] == 4


def test_a_socket_elsewhere_is_refused(client):
    answer = refused_socket(client, f"ws://{HOST}/nowhere?token={TOKEN}")
    assert answer.status_code == 404
    check_headers(answer)
