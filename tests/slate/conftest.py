"""What the tests of the page's server share: an application behind its guard."""

import itertools
from contextlib import contextmanager

import numpy as np
import pytest
from starlette.testclient import TestClient

from ardoise.messages import UserError
from ardoise.slate.app import LIMITS, answer_with, make_app
from ardoise.slate.connections import Hub
from ardoise.slate.guard import Guard
from ardoise.slate.packets import pack, unpack

HOST = "127.0.0.1:8642"
ADDRESS = f"http://{HOST}"
TOKEN = "the-token-of-these-tests"


def hello(session, request, arrays):
    return {"lang": request["lang"]}, {}


def double(session, request, arrays):
    return {"n": 2 * request.get("n", 0)}, {k: 2 * a for k, a in arrays.items()}


def refuse(session, request, arrays):
    raise UserError("slate.packet.size")


def fail(session, request, arrays):
    raise RuntimeError("a secret of the program")


HANDLERS = {"hello": hello, "double": double, "refuse": refuse, "fail": fail}


def read_photo(grey, lang):
    return {"shape": list(grey.shape), "lang": lang, "sum": int(grey.sum(dtype=int))}


def make_hub(handlers=None, **options):
    return Hub(answer_with(None, {**HANDLERS, **(handlers or {})}), **options)


def guarded(hub=None, photo=read_photo, **options):
    """Return an application behind its guard."""
    options = {"token": TOKEN, "limits": LIMITS, **options}
    return Guard(make_app(hub or make_hub(), photo), **options)


def browser(app, **options):
    """Return what asks an application as a page of its own would."""
    headers = {"origin": ADDRESS, "accept-language": "en"}
    return TestClient(app, base_url=ADDRESS, headers=headers, **options)


@pytest.fixture
def client():
    with browser(guarded()) as client:
        yield client


class Page:
    """An open page: asks, and hears what is pushed meanwhile."""

    def __init__(self, socket):
        self.socket = socket
        self.pushed = []
        self._ids = itertools.count()

    def send(self, kind, arrays=None, **fields):
        """Send a request without waiting for its answer; return its id."""
        number = next(self._ids)
        self.socket.send_bytes(pack({"id": number, "type": kind, **fields}, arrays))
        return number

    def hear(self):
        """Return the next packet: header, arrays."""
        message = self.socket.receive()
        if message["type"] == "websocket.close":
            raise ConnectionResetError(message["code"])
        return unpack(message.get("bytes") or message["text"])

    def ask(self, kind, arrays=None, **fields):
        """Return the answer to a request: header, arrays."""
        number = self.send(kind, arrays, **fields)
        while True:
            header, came = self.hear()
            if header.get("id") == number:
                return header, came
            self.pushed.append((header, came))


@contextmanager
def opened(client, token=TOKEN, **headers):
    """Open a page on a client's application."""
    # Not relative: the client would send it to "testserver".
    url = f"ws://{HOST}/ws?token={token}"
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    with client.websocket_connect(url, headers=headers) as socket:
        yield Page(socket)


@pytest.fixture
def page(client):
    with opened(client) as page:
        yield page


def photo_bytes(grey):
    h, w = grey.shape
    return np.array([w, h], "<u2").tobytes() + grey.tobytes()
