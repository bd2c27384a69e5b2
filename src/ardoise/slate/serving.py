"""The server: one process, one event loop, an address with a token, and Ctrl-C."""

import errno
import ipaddress
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import resources
from pathlib import Path
from urllib.parse import urlencode

import uvicorn
from starlette.applications import Starlette

from ardoise.files import Model, load_model
from ardoise.messages import UserError, text
from ardoise.slate.app import (
    ANSWERS,
    LIMITS,
    ReadPhoto,
    answer_with,
    make_app,
    no_photo,
    photo_reader,
)
from ardoise.slate.connections import MAX_MESSAGE, Hub
from ardoise.slate.guard import Guard
from ardoise.slate.patience import PatientProtocol
from ardoise.slate.recording import Recorder, Replay, read_recording
from ardoise.slate.session import Session

PORT = 8642
MODEL = "model.safetensors"
Say = Callable[[str], None]


class ServingError(UserError):
    """The page cannot be served."""


def serve(
    model: Model | None = None,
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    lang: str = "en",
    page_lang: str | None = None,
    browser: bool = True,
    record: str | Path | None = None,
    replay: str | Path | None = None,
    debug: bool = False,
    say: Say = print,
    complain: Say | None = None,
) -> None:
    """Serve the slate until Ctrl-C.

    Parameters
    ----------
    model : Model, optional
        What reads the drawings at first; without one, the small one that comes with
        ardoise.
    host : str
        The address to listen at. Any but the loopback's lets others in who know the
        token.
    port : int, optional
        8642 if it is free, else any that is.
    lang : {"en", "fr"}
        Of what is said here, and by the server.
    page_lang : {"en", "fr"}, optional
        Of the page; without it, the browser's.
    browser : bool
        Whether to open the page in a browser.
    record : path, optional
        A file that what the server says is written to.
    replay : path, optional
        Such a file, to be shown instead of a live session.
    debug : bool
        Whether to log failures with their tracebacks on standard error.
    say : callable
        Takes the sentences with the address, and at the end.
    complain : callable, optional
        Takes the sentence of a recording that ended; by default, ``say``.

    Raises
    ------
    UserError
        If the page cannot be served, a file cannot be read or written, or the model
        does not read grey pictures.
    """
    _log(debug)
    with ExitStack() as closing:
        if replay is None:
            hub, read_photo = _live(closing, model, lang, record, complain or say)
        else:
            play = Replay(read_recording(replay))
            hub = Hub(play.answer, lang=lang, greet=play.greet)
            read_photo = no_photo
        bound = closing.enter_context(listen(host, port))
        token = secrets.token_urlsafe(32)
        address = address_of(bound, token, page_lang)

        def listening() -> None:
            say(text("slate.serve.address", lang, address=address))
            if not is_loopback(bound.getsockname()[0]):
                say(text("slate.serve.open", lang))
            if replay is not None:
                say(text("slate.serve.replay", lang, file=replay))
            if record is not None:
                say(text("slate.serve.record", lang, file=record))
            say(text("slate.serve.end", lang))
            if browser:
                open_browser(address)

        guard = guarded(make_app(hub, read_photo, lang=lang), host, bound, token, lang)
        Server(config_of(guard), listening).run([bound])
        say(text("slate.serve.ended", lang))


def _live(
    closing: ExitStack,
    model: Model | None,
    lang: str,
    record: str | Path | None,
    complain: Say,
) -> tuple[Hub, ReadPhoto]:
    """Return what answers the page with a session, and what reads photos."""
    write = None
    if record is not None:
        recorder = Recorder(record, lambda error: complain(error.sentence(lang)))
        closing.callback(recorder.close)
        write = recorder.write
    session = Session(model or _own_model())
    closing.callback(session.close)
    hub = Hub(answer_with(session, ANSWERS), lang=lang, record=write)
    session.push = hub.publish
    return hub, photo_reader(session)


def guarded(
    app: Starlette, host: str, bound: socket.socket, token: str, lang: str
) -> Guard:
    """Return an application behind its guard.

    It is known by the name that was given, and by the address that this stood for,
    which is the one that is printed.
    """
    address = bound.getsockname()[0]
    any_address = is_wildcard(address)
    return Guard(
        app,
        token=token,
        limits=LIMITS,
        hosts=() if any_address else (host.lower(), address),
        any_address=any_address,
        lang=lang,
    )


def _own_model() -> Model:
    with resources.as_file(resources.files("ardoise.slate") / MODEL) as file:
        return load_model(file)


def config_of(app: Guard) -> uvicorn.Config:
    """Return how uvicorn serves it: quietly, on one machine, within bounds."""
    return uvicorn.Config(
        app,
        interface="asgi3",
        loop="asyncio",
        lifespan="on",
        http=PatientProtocol,
        # Waits where a page does not read; the older one has no end to its memory.
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_per_message_deflate=False,  # longer than the way
        h11_max_incomplete_event_size=16 << 10,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=2,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        access_log=False,
        log_config=None,
    )


class Server(uvicorn.Server):
    """Uvicorn's server, which tells when it listens and ends quietly at Ctrl-C."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._listening()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End at Ctrl-C or a request to terminate; uvicorn would raise them again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        wanted = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listen(host: str, port: int | None) -> socket.socket:
    """Return a socket that is bound: to ``port``, or to 8642, or where there is room.

    Raises
    ------
    ServingError
        If ``port`` is taken, or the host is none of this machine.
    """
    try:
        return _bind(host, PORT if port is None else port)
    except OSError as error:
        if port is not None and error.errno == errno.EADDRINUSE:
            raise ServingError("slate.serve.taken", port=port) from None
        if port is not None or error.errno != errno.EADDRINUSE:
            raise _no_host(host, error) from None
    try:
        return _bind(host, 0)
    except OSError as error:
        raise _no_host(host, error) from None


def _bind(host: str, port: int) -> socket.socket:
    [family, kind, protocol, _, address], *_ = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    )
    made = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it lets others have the same port
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _no_host(host: str, error: OSError) -> ServingError:
    # The system's reasons for names are numbered otherwise than errors.
    reason = error.strerror if isinstance(error, socket.gaierror) else error
    return ServingError("slate.serve.host", host=host, reason=reason)


def address_of(bound: socket.socket, token: str, page_lang: str | None = None) -> str:
    """Return the address that opens the page, with the token."""
    host, port = bound.getsockname()[:2]
    if is_wildcard(host):
        host = own_address(bound.family)
    shown = f"[{host}]" if ":" in host else host
    query = {"token": token} | ({} if page_lang is None else {"lang": page_lang})
    return f"http://{shown}:{port}/?{urlencode(query)}"


def own_address(family: socket.AddressFamily | int) -> str:
    """Return this machine's address on its network; the loopback's, if it has none."""
    is_six = family == socket.AF_INET6
    # Connecting a datagram socket sends nothing, and tells which way it would go; the
    # addresses are those that documentation is written with.
    far, near = ("2001:db8::1", "::1") if is_six else ("192.0.2.1", "127.0.0.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))
        except OSError:
            return near
        return str(probe.getsockname()[0])


def is_wildcard(host: str) -> bool:
    """Tell whether a host stands for all addresses of this machine."""
    return host in ("", "0.0.0.0", "::")


def is_loopback(host: str) -> bool:
    """Tell whether a host is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def open_browser(address: str) -> None:
    """Open the page, without waiting for the browser, if there is a screen for one."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not any(map(os.environ.get, screens)):
        return  # what is found then is a browser for the terminal, which would take it
    threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def _log(debug: bool) -> None:
    """Have failures logged on standard error, or nowhere."""
    for name in ("ardoise.slate", "uvicorn", "websockets"):
        log = logging.getLogger(name)
        log.propagate = debug
        log.handlers = [] if debug else [logging.NullHandler()]
    if debug:
        logging.basicConfig(level=logging.WARNING)  # below it, addresses with tokens
