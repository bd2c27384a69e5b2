"""An application behind its guard, a page that asks it, and the command as it runs."""

import itertools
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
from starlette.testclient import TestClient
from websockets.sync.client import connect

from ardoise.messages import UserError
from ardoise.slate.app import LIMITS, answer_with, make_app
from ardoise.slate.connections import Hub
from ardoise.slate.guard import Guard
from ardoise.slate.packets import pack, unpack

HOST = "127.0.0.1:8642"
ADDRESS = f"http://{HOST}"
TOKEN = "the-token-of-these-tests"
PATIENCE = 60  # seconds, on a busy machine


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


def photo_bytes(grey):
    h, w = grey.shape
    return np.array([w, h], "<u2").tobytes() + grey.tobytes()


# -- the command, in a process of its own ----------------------------------------------


class Command:
    """``ardoise slate`` in a process of its own."""

    def __init__(self, *arguments):
        command = [sys.executable, "-W", "error", "-m", "ardoise", "slate"]
        self.process = subprocess.Popen(
            [*command, "--no-browser", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = []
        for line in self.process.stdout:
            self.said.append(line)
            if "Ctrl-C" in line:
                break
        found = re.search(r"(http://\S+?)/\?token=([\w-]+)\S*", "".join(self.said))
        assert found, self.process.communicate()
        self.url, self.address, self.token = found[0], found[1], found[2]

    def end(self, number=signal.SIGINT):
        """Press Ctrl-C; return the exit code and what was said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert err == ""
        return self.process.returncode, "".join(self.said) + out


@contextmanager
def command(*arguments):
    started = Command(*arguments)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.communicate()


def page_of(address, token, **options):
    host = address.removeprefix("http://")
    url = f"ws://{host}/ws?token={token}"
    return connect(url, origin=address, compression=None, proxy=None, **options)


def ask(page, kind, **fields):
    page.send(pack({"id": 1, "type": kind, **fields}))
    header, _ = unpack(page.recv(timeout=PATIENCE))
    return header
