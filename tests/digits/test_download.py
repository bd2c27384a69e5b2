"""Downloads from a server that breaks in every way."""

import hashlib
import json
import os
import socket
import threading

import numpy as np
import pytest

from ardoise.digits import DataError
from ardoise.digits.remote import download as module
from ardoise.digits.remote import web
from ardoise.digits.remote.download import DownloadError, download
from ardoise.messages import LANGUAGES
from tests.digits.bad_server import (
    BadServer,
    breaks_off,
    file_of,
    good,
    in_turn,
    says,
)

CONTENT = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
SIZE = len(CONTENT)
NAME = "file.gz"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No pauses, and no proxy between us and the server."""
    monkeypatch.setattr(module, "PAUSE", 0.0)
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def impatient(monkeypatch):
    """Half a second of silence is too long; on a busy machine, that can be chance."""
    monkeypatch.setattr(module, "TIMEOUT", 0.5)


@pytest.fixture
def server():
    with BadServer() as running:
        yield running


@pytest.fixture
def get(tmp_path, server):
    """Download from addresses that behave so; return the progress, or the reasons."""

    def fetch(*behaviours, content=CONTENT):
        urls = [b if isinstance(b, str) else server.at(b, NAME) for b in behaviours]
        seen = []
        file = file_of(NAME, content, *urls)
        try:
            download(file, tmp_path, lambda *call: seen.append(call))
        except DownloadError as error:
            assert not (tmp_path / NAME).exists()
            for reason in error.reasons:
                for lang in LANGUAGES:
                    assert "127.0.0.1" in reason.sentence(lang)
            return [reason.key for reason in error.reasons]
        finally:
            for left in tmp_path.iterdir():
                assert left.stat().st_size <= len(content), left
        assert (tmp_path / NAME).read_bytes() == content
        assert sorted(os.listdir(tmp_path)) == [NAME]
        return seen

    return fetch


def part(tmp_path, content=b"", **note):
    (tmp_path / f"{NAME}.part").write_bytes(content)
    if note:
        (tmp_path / f"{NAME}.part.json").write_text(json.dumps(note))


def closed_port():
    with BadServer() as gone:
        return gone.address(f"/{NAME}")


# -- what goes well -------------------------------------------------------------------


def test_a_good_mirror(get, server):
    seen = get(good(CONTENT))
    assert {name for name, _, _ in seen} == {NAME}
    counts = [got for _, got, _ in seen]
    assert counts == sorted(counts) and (counts[0], counts[-1]) == (0, SIZE)
    assert {size for *_, size in seen} == {SIZE}
    ((_, headers),) = server.asked
    assert headers["User-Agent"] == "ardoise"
    assert headers["Accept-Encoding"] == "identity"


def test_without_content_length(get):
    get(says(200, CONTENT, Content_Length=None))


def test_in_chunks(get):
    def chunked(h):
        h.protocol_version = "HTTP/1.1"
        h.answer(200, Content_Length=None, Transfer_Encoding="chunked")
        for start in range(0, SIZE, 70_000):
            piece = CONTENT[start : start + 70_000]
            h.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        h.wfile.write(b"0\r\n\r\n")
        h.close_connection = True

    get(chunked)


def test_redirections(get, server):
    there = server.at(good(CONTENT), NAME)
    onward = server.at(says(307, Location=there))
    relative = server.at(says(302, Location=onward.split(str(server.server_port))[1]))
    get(says(301, Location=relative))


def test_the_environment_s_proxy(get, server, monkeypatch):
    """The proxy is asked for an address that no name server knows."""
    server.behaviours["http://data.invalid/file.gz"] = good(CONTENT)
    monkeypatch.setenv("http_proxy", server.address(""))
    get("http://data.invalid/file.gz")


# -- mirrors that are of no use -------------------------------------------------------

USELESS = {
    "not there": (says(404), "download.status"),
    "forbidden": (says(403), "download.status"),
    "error": (says(500), "download.status"),
    "too many requests": (says(429, Retry_After=3600), "download.status"),
    "no content": (says(204), "download.status"),
    "web page": (
        says(200, b"<html>Log in</html>", Content_Type="text/html; charset=utf-8"),
        "download.page",
    ),
    "web page of the right size": (
        says(200, b" " * SIZE, Content_Type="text/html"),
        "download.page",
    ),
    "too little": (says(200, CONTENT[:-1]), "download.size"),
    "too much": (says(200, CONTENT + b"x"), "download.size"),
    "nothing": (says(200), "download.size"),
    "wrong bytes": (good(OTHER), "download.checksum"),
    "endless wrong bytes": (
        says(200, OTHER * 10, Content_Length=None),
        "download.checksum",
    ),
    "length too large": (says(200, CONTENT, Content_Length=SIZE + 5), "download.size"),
    "length too small": (says(200, CONTENT, Content_Length=5), "download.size"),
    "too little, no length": (
        says(200, b"", Content_Length=None),
        "download.broken",
    ),
    "a part that nobody asked for": (
        says(206, CONTENT[5:], Content_Range=f"bytes 5-{SIZE - 1}/{SIZE}"),
        "download.range",
    ),
    "no HTTP": (lambda h: h.wfile.write(b"220 hello\r\n"), "download.not_http"),
    "closed at once": (lambda h: None, "download.not_http"),
    "chunks of no length": (
        lambda h: (
            h.answer(200, Content_Length=None, Transfer_Encoding="chunked"),
            h.wfile.write(b"zz\r\n"),
        ),
        "download.checksum",
    ),
    "endless headers": (
        lambda h: h.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9999),
        "download.not_http",
    ),
    "a redirection to nowhere": (says(302), "download.redirects"),
    "a redirection to a file": (
        says(302, Location="file:///etc/passwd"),
        "download.redirects",
    ),
    "a redirection to ftp": (
        says(302, Location="ftp://127.0.0.1/x"),
        "download.redirects",
    ),
}


@pytest.mark.parametrize("case", USELESS)
def test_a_useless_mirror(get, case, tmp_path):
    behaviour, key = USELESS[case]
    if case == "chunks of no length":  # http.client's own words for it have changed
        assert get(behaviour)[0].startswith("download.")
    else:
        assert get(behaviour) == [key]
    assert get(behaviour, good(CONTENT))  # the next one has it


def test_a_connection_refused(get, tmp_path):
    assert get(closed_port()) == ["download.unreachable"]
    with pytest.raises(DownloadError) as caught:
        download(file_of(NAME, CONTENT, closed_port()), tmp_path, lambda *_: None)
    (reason,) = caught.value.reasons
    assert str(reason).endswith(": the connection is refused")
    assert reason.sentence("fr").endswith("\u00a0: la connexion est refusée")
    assert "refused" in str(caught.value)


def test_addresses_that_are_none(tmp_path, monkeypatch):
    def no_names(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    for url, key in (
        ("http://data.invalid/x", "download.no_name"),
        ("file:///etc/passwd", "download.not_http"),
        ("ftp://127.0.0.1/x", "download.not_http"),
        ("http://127.0.0.1:port/x", "download.not_http"),
    ):
        with pytest.raises(DownloadError) as caught:
            download(file_of(NAME, CONTENT, url), tmp_path, lambda *_: None)
        assert [reason.key for reason in caught.value.reasons] == [key], url


def test_tls_where_there_is_none(get, server):
    url = server.at(good(CONTENT)).replace("http:", "https:")
    assert get(url) == ["download.tls"]


def test_redirections_in_a_circle(get, server):
    path = f"/loop/{NAME}"
    server.behaviours[path] = says(302, Location=path)
    assert get(server.address(path)) == ["download.redirects"]
    assert len(server.asked) == web.MAX_REDIRECTS + 1


def test_no_redirection_from_https_to_http(monkeypatch):
    """The opener is not even asked for the second address."""
    asked = []

    class Opener(web.OpenerDirector):
        def open(self, request, timeout):
            asked.append(request.full_url)
            headers = {"Location": "http://127.0.0.1:9/"}
            raise web.HTTPError(request.full_url, 302, "Found", headers, None)

    monkeypatch.setattr(web, "OpenerDirector", Opener)
    with pytest.raises(web.MirrorError) as caught:
        web.ask("https://data.invalid/", SIZE, 0, "", 1)
    assert caught.value.key == "download.redirects"
    assert asked == ["https://data.invalid/"]


def test_a_server_that_hangs(get, server, impatient):
    assert get(server.hangs) == ["download.timeout"]


def test_a_server_that_hangs_in_the_middle(get, server, impatient):
    def hangs_later(h):
        h.answer(200, CONTENT[:1000], Content_Length=SIZE)
        server.hangs(h)

    assert get(hangs_later, closed_port()) == [
        "download.timeout",
        "download.unreachable",
    ]
    assert server.ranges == ["", "bytes=1000-"]  # the second brought nothing: it hung


def test_a_server_that_drips(get, server, impatient):
    assert get(server.drips(CONTENT), closed_port()) == [
        "download.slow",
        "download.unreachable",
    ]


def test_what_a_slow_mirror_sent_counts(get, server, monkeypatch):
    """Slow for less than the patience, and then gone."""
    drips = server.drips(CONTENT[:50])

    def slow(h):
        h.answer = lambda *_, **__: type(h).answer(h, 200, Content_Length=SIZE)
        drips(h)

    get(in_turn(slow, says(404)), good(CONTENT))
    assert server.ranges == ["", "bytes=50-", "bytes=50-"]


def test_a_busy_server_is_asked_once_more(get, server):
    get(in_turn(says(503), good(CONTENT)))
    get(in_turn(says(429), says(500), good(CONTENT)), good(CONTENT))
    assert len(server.asked) == 2 + 3


# -- going on -------------------------------------------------------------------------


def test_it_goes_on_where_the_connection_broke(get, server):
    counts = [got for _, got, _ in get(breaks_off(CONTENT, 100_000, times=2))]
    assert counts == sorted(counts)
    assert server.ranges == ["", "bytes=100000-", "bytes=200000-"]
    assert [h.get("If-Range") for _, h in server.asked] == [None, '"1"', '"1"']


def test_it_goes_on_at_another_mirror(get, server):
    def gone(h):
        raise ConnectionError

    get(in_turn(breaks_off(CONTENT, 1000), gone), good(CONTENT, '"other"'))
    assert server.ranges == ["", "bytes=1000-", "bytes=1000-"]
    assert "If-Range" not in server.asked[-1][1]  # its own word for the file is unknown


def test_a_mirror_that_breaks_forever_is_given_up(get, server):
    assert get(breaks_off(CONTENT, 1000)) == ["download.broken"]
    assert len(server.asked) == module.ATTEMPTS


def test_a_mirror_that_breaks_and_knows_no_ranges(get, server):
    behaviour = breaks_off(CONTENT, 1000, ranges=False)
    assert get(behaviour) == ["download.broken"]
    assert len(server.asked) == 2  # the second brought nothing new


def test_ranges_ignored(get, server, tmp_path):
    part(tmp_path, CONTENT[:500])
    get(says(200, CONTENT))
    assert server.ranges == ["bytes=500-"]


def test_a_part_of_the_rest(get, server, tmp_path):
    part(tmp_path, CONTENT[:500])
    get(
        in_turn(
            says(206, CONTENT[500:700], Content_Range=f"bytes 500-699/{SIZE}"),
            good(CONTENT),
        )
    )
    assert server.ranges == ["bytes=500-", "bytes=700-"]


@pytest.mark.parametrize(
    "wrong",
    [
        says(206, CONTENT[400:], Content_Range=f"bytes 400-{SIZE - 1}/{SIZE}"),
        says(206, CONTENT[500:], Content_Range=f"bytes 500-{SIZE - 1}/{SIZE + 1}"),
        says(206, CONTENT[500:], Content_Range="bytes x"),
        says(206, CONTENT[500:]),
        says(416),
    ],
    ids=["other start", "other size", "nonsense", "no range", "none"],
)
def test_a_wrong_range_means_begin_again(get, server, tmp_path, wrong):
    part(tmp_path, CONTENT[:500])
    get(in_turn(wrong, good(CONTENT)))
    assert server.ranges == ["bytes=500-", ""]


def test_a_file_that_changes_between_two_parts(get, server):
    """The server sees that itself, by If-Range, and sends the whole."""
    get(in_turn(breaks_off(OTHER, 1000, '"old"'), good(CONTENT, '"new"')))
    assert server.asked[1][1]["If-Range"] == '"old"'
    assert server.ranges == ["", "bytes=1000-"]


def test_a_file_that_changes_under_a_careless_server(get, server):
    careless = breaks_off(CONTENT, SIZE, '"new"')  # blind to If-Range
    get(in_turn(breaks_off(OTHER, 1000, '"old"'), careless, good(CONTENT, '"new"')))
    assert server.ranges == ["", "bytes=1000-", ""]


def test_a_date_in_the_place_of_a_tag(get, server):
    date = "Tue, 01 Sep 2020 00:00:00 GMT"

    def dated(h):
        h.answer(
            200, CONTENT[:9], Content_Length=SIZE, Last_Modified=date, ETag='W/"a"'
        )

    get(in_turn(dated, good(CONTENT, date)))
    assert server.asked[1][1]["If-Range"] == date


def test_parts_that_do_not_fit_together(get, server, tmp_path):
    """Only the SHA-256 can tell; the second time, it is all from one answer."""
    part(tmp_path, OTHER[:500])
    get(good(CONTENT))
    assert server.ranges == ["bytes=500-", ""]


def test_all_had_come(get, server, tmp_path):
    part(tmp_path, CONTENT)
    get(good(CONTENT))
    assert server.asked == []
    os.remove(tmp_path / NAME)
    part(tmp_path, OTHER)  # all, and wrong
    get(good(CONTENT))
    assert server.ranges == [""]


@pytest.mark.parametrize(
    "note", [b"", b"{", b"[]", b"{}", b'{"url": 1}', b"\xff\xfe", b"null"]
)
def test_a_note_that_means_nothing(get, server, tmp_path, note):
    part(tmp_path, CONTENT[:500])
    (tmp_path / f"{NAME}.part.json").write_bytes(note)
    get(good(CONTENT))
    assert server.ranges == ["bytes=500-"] and "If-Range" not in server.asked[0][1]


@pytest.mark.parametrize("validator", [3, None, "a\r\nX-Evil: 1", '"1"'])
def test_a_note_with_any_validator(tmp_path, server, validator):
    url = server.at(good(CONTENT), NAME)
    part(tmp_path, CONTENT[:500], url=url, validator=validator)
    download(file_of(NAME, CONTENT, url), tmp_path, lambda *_: None)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    sent = server.asked[0][1].get("If-Range")
    assert sent == ('"1"' if validator == '"1"' else None)


def test_a_part_that_is_too_long(get, server, tmp_path):
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT + b"x")
    get(good(CONTENT))
    assert server.ranges == [""]


def test_ctrl_c_leaves_what_has_come(tmp_path, server):
    url = server.at(good(CONTENT), NAME)

    def stop(name, got, size):
        if got:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(file_of(NAME, CONTENT, url), tmp_path, stop)
    had = (tmp_path / f"{NAME}.part").stat().st_size
    assert 0 < had <= SIZE
    download(file_of(NAME, CONTENT, url), tmp_path, lambda *_: None)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert server.ranges[1:] in ([], [f"bytes={had}-"])


# -- the disk -------------------------------------------------------------------------


def test_a_full_disk(tmp_path, server, monkeypatch):
    def full(path, mode, **options):
        file = open(path, mode, **options)

        class Full:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def seek(self, position):
                return file.seek(position)

            def write(self, piece):
                if file.tell() + len(piece) > 1000:
                    raise OSError(28, "No space left on device")
                return file.write(piece)

        return Full()

    behaviour = in_turn(breaks_off(CONTENT, 600), good(CONTENT))
    url = server.at(behaviour, NAME)
    file = file_of(NAME, CONTENT, url)
    with monkeypatch.context() as patch:
        patch.setattr(module, "open", full, raising=False)
        with pytest.raises(DataError) as caught:
            download(file, tmp_path, lambda *_: None)
    assert caught.value.key == "cache.unwritable"
    assert "the disk is full; make room there" in str(caught.value)
    assert "le disque est plein\u202f; faites-y" in caught.value.sentence("fr")
    download(file, tmp_path, lambda *_: None)  # when there is room again
    assert server.ranges[-1] == "bytes=600-"


def test_a_folder_in_the_way(get, tmp_path):
    (tmp_path / NAME).mkdir()
    with pytest.raises(DataError) as caught:
        get(good(CONTENT))
    assert caught.value.key == "cache.unwritable"


def test_two_that_cannot_lock_do_not_share_a_part(tmp_path, server):
    url = server.at(server.drips(CONTENT, 0.001, 5000), NAME)
    file = file_of(NAME, CONTENT, url)
    seen = []

    def other(*_):
        seen.extend(path.name for path in tmp_path.iterdir())

    download(file, tmp_path, other, private=True)
    assert f"{NAME}.{os.getpid()}.part" in seen and f"{NAME}.part" not in seen
    digest = hashlib.sha256((tmp_path / NAME).read_bytes()).hexdigest()
    assert digest == file.sha256


def test_threads_are_over_when_the_server_is():
    with BadServer() as running:
        pass
    assert running.stopping.is_set()
    assert not any("serve_forever" in t.name for t in threading.enumerate())
