"""The guard: what stands between the network and the page.

Other pages in the same browser can send requests to this server, and a name that they
control can be made to point at it (DNS rebinding). So, in this order: the Host must be
one of ours, the Origin must be that Host wherever something can be changed, and who
wants the page, the WebSocket or a photo read must know the token of this start. What
comes is bounded while it is read, and every answer carries strict headers.
"""

import asyncio
import hmac
import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ardoise.messages import UserError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What one needs the token for; the rest is the same on every machine.
SOCKET_PATH = "/ws"
SECRET_PATHS = frozenset({"/", SOCKET_PATH, "/photo"})
MAX_SOCKETS = 8
# An IPv6 address, or a name or an IPv4 address; perhaps a port.
HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:]+))(?::[0-9]{1,5})?")
# WebSocket close codes (RFC 6455, section 7.4.1): try again later.
TRY_LATER = 1013

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Refusal(UserError):
    """A request that is not answered, with its HTTP status.

    Parameters
    ----------
    status : int
    key : str
    """

    def __init__(self, status: int, key: str) -> None:
        self.status = status
        super().__init__(key)


@dataclass(frozen=True)
class Limits:
    """How much, and how slowly, a request may come.

    Attributes
    ----------
    body : int
        Bytes of a POST's body; no other body is read.
    seconds : float
        Until the whole body is there.
    sockets : int
        WebSockets open at the same time.
    """

    body: int
    seconds: float = 30.0
    sockets: int = MAX_SOCKETS


class Guard:
    """ASGI middleware in front of an application.

    Parameters
    ----------
    app : ASGI application
    token : str
        Of this start of the server.
    limits : Limits
    hosts : collection of str
        What the Host header may name, beside the names of the loopback: without port,
        in lower case.
    any_address : bool
        Whether the Host may be any IP address: for a server that listens to all. A
        name that was made to point here (DNS rebinding) stays refused.
    lang : str
        What a refusal speaks to who asks for neither French nor English.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str,
        limits: Limits,
        hosts: Collection[str] = (),
        any_address: bool = False,
        lang: str = "en",
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._limits = limits
        self._hosts = {*LOOPBACK, *hosts}
        self._any_address = any_address
        self._lang = lang
        self._sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check(scope, headers)
        except Refusal as refusal:
            await self._refuse(scope, headers, refusal, receive, send)
            return
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._http(scope, headers, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        """Check Host, Origin and token, in this order.

        Raises
        ------
        Refusal
        """
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            raise Refusal(403, "slate.guard.host")
        is_socket = scope["type"] == "websocket"
        if is_socket or scope["method"] not in ("GET", "HEAD"):
            # "null", which a sandboxed frame sends, is no origin of ours either.
            if headers.getlist("origin") != [f"http://{hosts[0]}"]:
                raise Refusal(403, "slate.guard.origin")
        if is_socket and scope["path"] != SOCKET_PATH:
            raise Refusal(404, "slate.http.missing")
        if scope["path"] in SECRET_PATHS and not self._knows_token(scope):
            raise Refusal(403, "slate.guard.token")

    def _is_ours(self, host: str) -> bool:
        name = _without_port(host.lower())
        if name in self._hosts:
            return True
        return self._any_address and _is_address(name)

    def _knows_token(self, scope: Scope) -> bool:
        pairs = parse_qsl(scope["query_string"].decode("latin-1"))
        given = [value for name, value in pairs if name == "token"]
        # As long as it takes to compare it tells nothing about where it differs.
        return len(given) == 1 and hmac.compare_digest(given[0].encode(), self._token)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._sockets >= self._limits.sockets:
            await self._turn_away(receive, send)
            return
        self._sockets += 1
        try:
            await self._app(scope, receive, _with_headers(send))
        finally:
            self._sockets -= 1

    async def _turn_away(self, receive: Receive, send: Send) -> None:
        """Say why there is no WebSocket for one page more.

        A page does not see the answer to a refused handshake; so this one is accepted.
        """
        await receive()  # websocket.connect
        await send({"type": "websocket.accept", "headers": _raw_headers()})
        sentence = UserError("slate.guard.sockets", n=self._limits.sockets)
        answer = {"type": "error", "sentence": sentence.sentence(self._lang)}
        text = bytes(JSONResponse(answer).body).decode()
        await send({"type": "websocket.send", "text": text})
        await send({"type": "websocket.close", "code": TRY_LATER})

    async def _http(
        self, scope: Scope, headers: Headers, receive: Receive, send: Send
    ) -> None:
        if scope["method"] == "POST":
            try:
                body = await self._body(headers, receive)
            except Refusal as refusal:
                await self._refuse(scope, headers, refusal, receive, send)
                return
            receive = _whole(body, receive)
        await self._app(scope, receive, _with_headers(send))

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """Return a request's body, which is never larger than its bound in memory.

        Raises
        ------
        Refusal
            If it is too large, or is not there in time.
        """
        declared = headers.get("content-length", "0")
        # Nine digits: Python itself refuses to read thousands of them.
        if not re.fullmatch("[0-9]{1,9}", declared):
            raise Refusal(413, "slate.guard.body")
        if int(declared) > self._limits.body:
            raise Refusal(413, "slate.guard.body")
        body, more = bytearray(), True
        try:
            async with asyncio.timeout(self._limits.seconds):
                while more:
                    message = await receive()
                    body += message.get("body", b"")
                    if len(body) > self._limits.body:
                        raise Refusal(413, "slate.guard.body")
                    more = message.get("more_body", False)  # not at a disconnection
        except TimeoutError:
            raise Refusal(408, "slate.guard.slow") from None
        return bytes(body)

    async def _refuse(
        self,
        scope: Scope,
        headers: Headers,
        refusal: Refusal,
        receive: Receive,
        send: Send,
    ) -> None:
        """Answer with a refusal's sentence, and leave the rest of the body unread."""
        sentence = refusal.sentence(language(headers, self._lang))
        response = refusal_response(headers, sentence, refusal.status)
        response.headers["Connection"] = "close"
        # For a WebSocket, Starlette sends it as the answer to the handshake.
        if scope["type"] == "websocket" and not _can_answer(scope):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await response(scope, receive, _with_headers(send))


def _whole(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that gives a body at once, then what comes after it."""
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def first_the_body() -> Message:
        return next(messages, None) or await receive()

    return first_the_body


def refusal_response(headers: Headers, sentence: str, status: int) -> Response:
    """Return an answer that says one sentence: as text to who asks for a page."""
    if "text/html" in headers.get("accept", ""):
        return PlainTextResponse(sentence, status)
    return JSONResponse({"sentence": sentence}, status)


def language(headers: Headers, default: str) -> str:
    """Return ``"fr"`` or ``"en"``, as the browser asks for, or ``default``."""
    wish = headers.get("accept-language", "")[:2].lower()
    return wish if wish in ("fr", "en") else default


def _without_port(host: str) -> str:
    """Return ``"::1"`` of ``"[::1]:8642"``; ``""`` for what is no host."""
    found = HOST.fullmatch(host)
    return (found[1] or found[2]) if found else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _can_answer(scope: Scope) -> bool:
    return "websocket.http.response" in scope.get("extensions", {})


def _raw_headers() -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), text.encode()) for name, text in HEADERS.items()]


def _with_headers(send: Send) -> Send:
    """Return ``send``, with the strict headers on every beginning of an answer."""

    async def strict(message: Message) -> None:
        if message["type"] in (
            "http.response.start",
            "websocket.accept",
            "websocket.http.response.start",
        ):
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            for name, text in HEADERS.items():
                headers[name] = text
        await send(message)

    return strict
