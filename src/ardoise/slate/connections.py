"""The open pages: what each asks, what is waiting for it, what all are told."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect

from ardoise.messages import LANGUAGES, UserError
from ardoise.slate.guard import TRY_LATER
from ardoise.slate.packets import Array, Arrays, Header, pack, unpack

T = TypeVar("T")
logger = logging.getLogger("ardoise.slate")

# A drawing of 256 × 256 and its header.
MAX_MESSAGE = (64 << 10) + (4 << 10)
# Requests of one page that wait for their answers, and bytes that wait to be sent.
MAX_PENDING = 32
MAX_OUTBOX = 16 << 20
# Seconds for the last word to a page that does not read.
CLOSING = 1.0
# Requests that are asked all the time, or that a page cannot begin without.
QUICK = frozenset({"draw", "hello"})
# Pushes of which only the latest matters: a slow page misses those before.
LATEST = frozenset({"watch", "weights"})

# Takes a request's type, its fields and its arrays; returns those of the answer.
Answer = Callable[[str, Header, Arrays], tuple[Mapping[str, Any], Mapping[str, Array]]]
Record = Callable[[bytes], None]


class RequestError(UserError):
    """A message that is a packet, and no request."""


@dataclass(frozen=True)
class Request:
    """What a page asks.

    Attributes
    ----------
    id : int
        What its answer is known by.
    kind : str
        Its type.
    fields : dict
        All of its header, and the page's ``lang``.
    arrays : dict of str to array
    """

    id: int
    kind: str
    fields: Header
    arrays: Arrays


class Hub:
    """All open pages.

    Parameters
    ----------
    answer : callable
        Called in threads: two for most requests, and one for those in `QUICK`, which so
        never wait behind slower work.
    lang : str
        What a page speaks that did not say.
    record : callable, optional
        Is given every packet that is sent as an answer, and every push, once.
    greet : callable, optional
        Is called with each connection once: when its page has said hello for the first
        time, and was answered.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        lang: str = "en",
        record: Record | None = None,
        greet: Callable[["Connection"], None] | None = None,
    ) -> None:
        self.answer = answer
        self.lang = lang
        self.greet = greet
        self.record: Record = record or (lambda packet: None)
        self._records = record is not None
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="slate")
        self.quick_pool = ThreadPoolExecutor(1, thread_name_prefix="slate-quick")
        self._loop: asyncio.AbstractEventLoop | None = None
        # Replaced as a whole, so that other threads can go through it.
        self._connections: tuple[Connection, ...] = ()

    def open(self) -> None:
        """Begin to publish; called in the event loop."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Publish nothing more, and begin no more work."""
        self._loop = None
        for pool in (self.pool, self.quick_pool):
            pool.shutdown(wait=False, cancel_futures=True)

    def publish(
        self, header: Mapping[str, Any], arrays: Mapping[str, Array] | None = None
    ) -> None:
        """Push a packet to all open pages, each in its language; from any thread."""
        loop = self._loop
        if loop is None:
            return
        spoken = {connection.lang for connection in self._connections}
        if self._records:
            spoken.add(self.lang)
        packets = {lang: pack(header, arrays, lang) for lang in spoken}
        try:
            loop.call_soon_threadsafe(self._spread, str(header["type"]), packets)
        except RuntimeError:  # the loop was closed in between: nobody is listening
            pass

    def _spread(self, kind: str, packets: Mapping[str, bytes]) -> None:
        if self._records:
            self.record(packets[self.lang])
        for connection in self._connections:
            packet = packets.get(connection.lang)  # None: it was opened just now
            if packet is not None:
                connection.post(kind, packet)

    async def in_thread(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function where it holds up no page, and return what it returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, function, *arguments)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one page until it goes."""
        connection = Connection(socket, self)
        self._connections += (connection,)
        try:
            await connection.run()
        finally:
            self._connections = tuple(c for c in self._connections if c != connection)


class Connection:
    """One open page.

    Attributes
    ----------
    lang : str
    is_closed : bool
    """

    def __init__(self, socket: WebSocket, hub: Hub) -> None:
        self.lang = hub.lang
        self.is_closed = False
        self._socket = socket
        self._hub = hub
        self._outbox = Outbox(MAX_OUTBOX)
        self._pending = 0
        self._is_greeted = False
        self._is_drawing = False
        self._next_drawing: Request | None = None

    async def run(self) -> None:
        """Answer the page until it goes, or falls too far behind."""
        await self._socket.accept()
        try:
            async with anyio.create_task_group() as group:

                async def end_all_after(
                    work: Callable[[], Awaitable[object]],
                ) -> None:
                    await work()
                    group.cancel_scope.cancel()

                group.start_soon(end_all_after, self._listen)
                group.start_soon(end_all_after, self._speak)
                group.start_soon(end_all_after, self._outbox.overflow.wait)
        finally:
            self.is_closed = True
        if self._outbox.overflow.is_set():
            with anyio.move_on_after(CLOSING):
                await self._socket.close(TRY_LATER)

    def post(self, kind: str, packet: bytes) -> None:
        """Have a packet sent when those before it are."""
        self._outbox.put(kind, packet)

    async def _listen(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            content = message.get("bytes")
            self._take(message["text"] if content is None else content)

    async def _speak(self) -> None:
        try:
            while True:
                await self._socket.send_bytes(await self._outbox.take())
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page went while it was spoken to; Starlette says so in two ways

    def _take(self, content: bytes | str) -> None:
        """Read a message, and set to work on it."""
        number = None
        try:
            if len(content) > MAX_MESSAGE:
                raise RequestError("slate.request.long", most=MAX_MESSAGE)
            header, arrays = unpack(content)
            number = header.get("id")
            request = self._request(header, arrays)
        except UserError as error:
            self._fail(number if type(number) is int else None, error)
            return
        if request.kind == "draw":
            self._draw(request)
        else:
            self._start(request)

    def _request(self, header: Header, arrays: Arrays) -> Request:
        number, kind = header.get("id"), header.get("type")
        # As large as a number of JavaScript that counts in ones.
        if type(number) is not int or not 0 <= number < 1 << 53:
            raise RequestError("slate.request.id")
        if not isinstance(kind, str):
            raise RequestError("slate.request.type")
        if kind == "hello" and header.get("lang") in LANGUAGES:
            self.lang = header["lang"]
        return Request(number, kind, {**header, "lang": self.lang}, arrays)

    def _draw(self, request: Request) -> None:
        """Answer a drawing, or the latest one once there is time for it."""
        if self._is_drawing:
            if self._next_drawing is not None:
                dropped = {"id": self._next_drawing.id, "type": "dropped"}
                self.post("dropped", pack(dropped))
            self._next_drawing = request
            return
        self._is_drawing = self._start(request)

    def _start(self, request: Request) -> bool:
        """Have a request answered in a thread, unless too many of them wait."""
        if self._pending >= MAX_PENDING:
            self._fail(request.id, RequestError("slate.request.many", n=MAX_PENDING))
            return False
        self._pending += 1
        hub = self._hub
        pool = hub.quick_pool if request.kind in QUICK else hub.pool
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(pool, answered, hub.answer, request)
        future.add_done_callback(lambda done: self._finish(request, done))
        return True

    def _finish(self, request: Request, done: asyncio.Future[bytes]) -> None:
        self._pending -= 1
        if done.cancelled():
            return
        packet = done.result()
        self._hub.record(packet)
        self.post(request.kind, packet)
        if request.kind == "hello" and not self._is_greeted:
            self._is_greeted = True
            if self._hub.greet is not None:
                self._hub.greet(self)
        if request.kind == "draw":
            self._is_drawing = False
            waiting, self._next_drawing = self._next_drawing, None
            if waiting is not None:
                self._draw(waiting)

    def _fail(self, number: int | None, error: UserError) -> None:
        self.post("error", pack(failure(number, error), lang=self.lang))


class Outbox:
    """What waits to be sent to one page, in order.

    Parameters
    ----------
    most : int
        Bytes that may wait.

    Attributes
    ----------
    overflow : asyncio.Event
        Is set when more had to wait: the page does not read what it is sent. It
        connects again when it does, and asks how things are.
    """

    def __init__(self, most: int) -> None:
        self.overflow = asyncio.Event()
        self._left = most
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._something = asyncio.Event()

    def put(self, kind: str, packet: bytes) -> None:
        """Add a packet; of those in `LATEST`, in the place of the one before it."""
        if kind in LATEST:
            for i, (other, stale) in enumerate(self._waiting):
                if other == kind:
                    self._left += len(stale) - len(packet)
                    self._waiting[i] = (kind, packet)
                    return
        self._left -= len(packet)
        if self._left < 0:
            self._waiting.clear()
            self._left = 0  # nothing more goes in
            self.overflow.set()
        else:
            self._waiting.append((kind, packet))
            self._something.set()

    async def take(self) -> bytes:
        """Wait for the next packet, and return it."""
        while not self._waiting:
            self._something.clear()
            await self._something.wait()
        _, packet = self._waiting.popleft()
        self._left += len(packet)
        return packet


def answered(answer: Answer, request: Request) -> bytes:
    """Return the packet that answers a request; no exception leaves it."""
    lang = request.fields["lang"]
    try:
        fields, arrays = answer(request.kind, request.fields, request.arrays)
        return pack({**fields, "id": request.id, "type": request.kind}, arrays, lang)
    except UserError as error:
        return pack(failure(request.id, error), lang=lang)
    except MemoryError:
        return pack(failure(request.id, UserError("error.memory")), lang=lang)
    except Exception:
        logger.exception("the answer to %s failed", request.kind)
        wrong = RequestError("slate.request.failed", type=request.kind)
        return pack(failure(request.id, wrong), lang=lang)


def failure(number: int | None, error: UserError) -> Header:
    """Return the header of an answer that says what is wrong."""
    return {"id": number, "type": "error", "sentence": error}
