"""Connections that send nothing, or little at a time: they do not stop the others.

Uvicorn waits for a request's first line and headers as long as it takes. Here each
connection has so many seconds for them, and when too many are open, the one that would
be given up soonest goes at once.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ardoise.slate.guard import HEADERS

# Seconds until a request's headers are there.
PATIENCE = 10.0
# Open connections, the WebSockets among them. Some systems allow 256 files in all.
MAX_CONNECTIONS = 128


class PatientProtocol(H11Protocol):
    """Uvicorn's HTTP protocol, with an end to its patience."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection, perhaps in the place of another."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MAX_CONNECTIONS:
            waiting = [c for c in self.connections if isinstance(c, PatientProtocol)]
            min(waiting, key=PatientProtocol.time_left).give_up()

    def data_received(self, data: bytes) -> None:
        """Take what came: of a request that is not whole, or of a whole one."""
        super().data_received(data)
        # Something after the answer (DONE) is the rest of a request that nobody reads.
        if self.conn.their_state is h11.IDLE or self.conn.our_state is h11.DONE:
            self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer to what is not HTTP, which the guard never sees."""
        lines = [b"HTTP/1.1 400 Bad Request", b"Connection: close"]
        lines += [f"{name}: {value}".encode() for name, value in HEADERS.items()]
        body = msg.encode()
        lines += [b"Content-Type: text/plain", b"Content-Length: %d" % len(body)]
        self.transport.write(b"\r\n".join([*lines, b"", body]))
        self.transport.close()

    def time_left(self) -> float:
        """Return when it will be given up; infinity while a request is answered."""
        for timer in (self._deadline, self.timeout_keep_alive_task):
            if timer is not None:
                return timer.when()
        return float("inf")

    def give_up(self) -> None:
        """End the connection without a word."""
        self._stop_waiting()
        self.transport.abort()

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(PATIENCE, self.give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
