"""Connections that send nothing, or little at a time: they do not stop the others.

Uvicorn waits for a request's first line and headers as long as it takes. Here each
connection has so many seconds for them, and when too many are open, the one that has
waited longest goes at once.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ardoise.slate.guard import HEADERS

# Seconds until a request's headers are there.
PATIENCE = 10.0
# Open connections, the WebSockets among them. Some systems allow 256 files in all.
MAX_CONNECTIONS = 128
# While all of them are answered and none waits, so many more come in.
SPARE_CONNECTIONS = 64


class PatientProtocol(H11Protocol):
    """Uvicorn's HTTP protocol, with an end to its patience."""

    # When it began to wait for the rest of a request; None while one is answered.
    _since: float | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, perhaps in the place of another."""
        super().connection_made(transport)
        self._look()
        n = len(self.connections)
        if n > MAX_CONNECTIONS:
            mine = (c for c in self.connections if isinstance(c, PatientProtocol))
            # Not this one: it comes to ask, and the others have had the time.
            others = [c for c in mine if c is not self and c.since() < float("inf")]
            if others:
                min(others, key=PatientProtocol.since).give_up()
            elif n > MAX_CONNECTIONS + SPARE_CONNECTIONS:
                self.give_up()

    def data_received(self, data: bytes) -> None:
        """Take what came: of a request that is not whole, or of a whole one."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since = None
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer to what is not HTTP, which the guard never sees."""
        lines = [b"HTTP/1.1 400 Bad Request", b"Connection: close"]
        lines += [f"{name}: {value}".encode() for name, value in HEADERS.items()]
        body = msg.encode()
        lines += [b"Content-Type: text/plain", b"Content-Length: %d" % len(body)]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()

    def since(self) -> float:
        """Return when it began to wait; infinity while a request is answered."""
        return float("inf") if self._since is None else self._since

    def give_up(self) -> None:
        """End the connection without a word."""
        self._stop_timer()
        self.connections.discard(self)  # now, and not when the loop comes to it
        self.transport.abort()

    def _look(self) -> None:
        """See what it waits for, if it does."""
        theirs, ours = self.conn.their_state, self.conn.our_state
        # After the answer (DONE), what comes is the rest of a body that nobody reads.
        head = theirs is h11.IDLE or ours is h11.DONE
        if not head and theirs is not h11.SEND_BODY:
            self._since = None
        elif self._since is None:
            self._since = self.loop.time()
        if not head:  # the guard itself waits for bodies, and answers in the end
            self._stop_timer()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(PATIENCE, self.give_up)

    def _stop_timer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
