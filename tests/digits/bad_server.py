"""A local HTTP server that breaks in every way, and small data sets to fetch from it.

A behaviour is a function of the request's handler; `BadServer.at` gives it an address.
Everything is on 127.0.0.1, and nothing outlives the test.
"""

import hashlib
import io
import itertools
import re
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from ardoise.digits import write_idx
from ardoise.digits.remote.table import FASHION, LETTERS, RemoteData, RemoteFile

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Does as its path was told to."""

    server: "BadServer"

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        self.server.behaviours[self.path](self)

    def log_message(self, *_):
        pass

    @property
    def first(self):
        """The first byte that is asked for, or 0."""
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(wanted[1]) if wanted else 0

    def answer(self, status, body=b"", **headers):
        """Send a whole answer; in the names of headers, _ stands for -."""
        self.send_response(status)
        headers = {"Content_Length": len(body), **headers}
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)


class BadServer(ThreadingHTTPServer):
    """The server, which counts what it was asked."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviours = {}
        self.asked = []
        self.stopping = threading.Event()
        self._names = itertools.count()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        pass  # a client that goes away is what is tested

    def at(self, behaviour: Behaviour, name: str = "") -> str:
        """Return an address that behaves like this."""
        path = f"/{next(self._names)}/{name}"
        self.behaviours[path] = behaviour
        return self.address(path)

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    @property
    def ranges(self) -> list[str]:
        """The ranges that were asked for, empty where the whole was."""
        return [headers.get("Range", "") for _, headers in self.asked]

    # -- behaviours -------------------------------------------------------------------

    def hangs(self, handler):
        self.stopping.wait(30)

    def drips(self, content, pause=0.02, piece=10):
        def behave(h):
            h.answer(200, Content_Length=len(content))
            for start in range(0, len(content), piece):
                if self.stopping.wait(pause):
                    return
                h.wfile.write(content[start : start + piece])

        return behave


def good(content, etag='"1"') -> Behaviour:
    """As a server should: with ranges, if the file is still the same."""

    def behave(h):
        same = h.headers.get("If-Range", etag) == etag
        start = h.first if same else 0
        if start == 0:
            h.answer(200, content, ETag=etag)
        elif start >= len(content):
            h.answer(416, Content_Range=f"bytes */{len(content)}")
        else:
            whole = f"bytes {start}-{len(content) - 1}/{len(content)}"
            h.answer(206, content[start:], Content_Range=whole, ETag=etag)

    return behave


def breaks_off(content, after, etag='"1"', times=10**9, ranges=True) -> Behaviour:
    """Close the connection after so many bytes of each answer, so many times."""
    left = [times]

    def behave(h):
        left[0] -= 1
        if left[0] < 0:
            return good(content, etag)(h)
        start = h.first if ranges else 0
        whole = f"bytes {start}-{len(content) - 1}/{len(content)}"
        h.answer(
            206 if start else 200,
            content[start : start + after],
            Content_Length=len(content) - start,
            Content_Range=whole if start else None,
            ETag=etag,
        )

    return behave


def says(status, body=b"", **headers) -> Behaviour:
    return lambda h: h.answer(status, body, **headers)


def in_turn(*behaviours) -> Behaviour:
    """One after the other, the last for ever."""
    left = list(behaviours)
    return lambda h: (left.pop(0) if len(left) > 1 else left[0])(h)


# -- small data sets ------------------------------------------------------------------

N_TRAIN, N_TEST = 300, 60


def file_of(name: str, content: bytes, *urls: str) -> RemoteFile:
    return RemoteFile(name, len(content), hashlib.sha256(content).hexdigest(), urls)


def packed(path, array) -> bytes:
    """Return an array as a gzip IDX file."""
    write_idx(path, array)
    return path.read_bytes()


def arrays(data: RemoteData, seed=0):
    """Return images and labels of each part: a bright row says which class."""
    rng = np.random.default_rng(seed)
    made = []
    for n in (N_TRAIN, N_TEST):
        labels = np.arange(n) % len(data.classes)
        images = rng.integers(0, 100, (n, 28, 28), dtype=np.uint8)
        images[np.arange(n), labels] += 150
        stored = images.swapaxes(1, 2) if data.transposed else images
        made += [stored, (labels + data.first_label).astype(np.uint8)]
    return made


def small_fashion(tmp_path, urls_of, **changed) -> RemoteData:
    """Return a small Fashion-MNIST; ``urls_of(name, content)`` are its addresses."""
    files = []
    for name, array in zip(FASHION.parts, arrays(FASHION), strict=True):
        content = changed.get(name.split("-ubyte")[0].replace("-", "_"))
        if content is None:
            content = packed(tmp_path / name, array)
        files.append(file_of(name, content, *urls_of(name, content)))
    return _small(FASHION, tuple(files))


def small_letters(tmp_path, urls_of, left_out=()) -> RemoteData:
    """Return a small archive of letters, with a file that nobody wants."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zip_file:
        zip_file.writestr("gzip/emnist-digits-train-images-idx3-ubyte.gz", b"x" * 999)
        for name, array in zip(LETTERS.parts, arrays(LETTERS), strict=True):
            if name not in left_out:
                zip_file.writestr(f"gzip/{name}", packed(tmp_path / name, array))
    content = archive.getvalue()
    file = file_of("gzip.zip", content, *urls_of("gzip.zip", content))
    return _small(LETTERS, (file,))


def _small(data: RemoteData, files: tuple[RemoteFile, ...]) -> RemoteData:
    return replace(data, files=files, n_train=N_TRAIN, n_test=N_TEST)


def damaged_gzip(path, array) -> bytes:
    """Return a gzip file that is not what its own checksum says."""
    content = bytearray(packed(path, array))
    content[-6] ^= 0xFF
    return bytes(content)
