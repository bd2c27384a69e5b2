"""The application: its HTTP routes, and what answers the page's requests."""

import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ExceptionHandler

import ardoise
from ardoise.messages import UserError
from ardoise.slate import (
    backward,
    controls,
    hand,
    insides,
    looking,
    mistakes,
    photo,
    presets,
)
from ardoise.slate.connections import Answer, Hub, RequestError
from ardoise.slate.description import DESCRIPTION
from ardoise.slate.files import INDEX, File, page_files, word_files
from ardoise.slate.guard import SOCKET_PATH, Limits, language, refusal_response
from ardoise.slate.packets import Array, Arrays, Header
from ardoise.slate.session import Session

logger = logging.getLogger("ardoise.slate")

# The longer side of a photo that the page sends; it makes larger ones smaller.
MAX_SIDE = 1600
# Two sides of two bytes each come before the grey levels.
SIDES = np.dtype("<u2")
LIMITS = Limits(body=2 * SIDES.itemsize + MAX_SIDE**2)

# Takes the session, the request's fields and its arrays; returns those of the answer.
Handler = Callable[[Any, Header, Arrays], tuple[dict[str, Any], dict[str, Array]]]
# Takes grey levels (h, w), dark ink on light paper or the reverse, and the language.
ReadPhoto = Callable[[NDArray[np.uint8], str], Mapping[str, Any]]


class PhotoError(UserError):
    """What came is no photo, or no photo is read now."""


def hello(
    session: Session, request: Header, arrays: Arrays
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what a page that comes, or comes back, should know."""
    server = f"ardoise {ardoise.__version__}"
    return {"server": server, **session.summary(), "presets": presets.listed()}, {}


# Every type of request, and who answers it.
ANSWERS: dict[str, Handler] = {
    "hello": hello,
    **looking.HANDLERS,
    **backward.HANDLERS,
    **insides.HANDLERS,
    **controls.HANDLERS,
    **mistakes.HANDLERS,
    **hand.HANDLERS,
}


def answer_with(session: Any, handlers: Mapping[str, Handler]) -> Answer:
    """Return the function that has each type of request answered by its handler.

    Parameters
    ----------
    session : object
        What the handlers work on.
    handlers : mapping of str to callable
    """

    def answer(
        kind: str, fields: Header, arrays: Arrays
    ) -> tuple[dict[str, Any], dict[str, Array]]:
        handler = handlers.get(kind)
        if handler is None:
            raise RequestError("slate.request.unknown", type=kind[:40])
        for name, array in arrays.items():
            if not np.isfinite(array).all():
                raise RequestError("slate.request.finite", name=name[:40])
        return handler(session, fields, arrays)

    return answer


def photo_reader(session: Session) -> ReadPhoto:
    """Return what reads photos with the model that draws."""
    return lambda grey, lang: photo.read_photo(session, grey)


def no_photo(grey: NDArray[np.uint8], lang: str) -> Mapping[str, Any]:
    """Read no photo: a recording is shown.

    Raises
    ------
    PhotoError
    """
    raise PhotoError("slate.replay.silent")


def make_app(hub: Hub, read_photo: ReadPhoto, *, lang: str = "en") -> Starlette:
    """Return the application, which stands behind a `guard.Guard`.

    Parameters
    ----------
    hub : Hub
        Of the WebSocket's connections.
    read_photo : callable
        Runs in a thread.
    lang : str
        What is spoken to who asks for neither French nor English.
    """
    files, words = page_files(), word_files()

    async def page(request: Request) -> Response:
        return _sent(request, files, INDEX)

    async def page_file(request: Request) -> Response:
        return _sent(request, files, request.path_params["name"])

    async def word_file(request: Request) -> Response:
        return _sent(request, words, request.path_params["name"])

    async def description(request: Request) -> Response:
        return JSONResponse(DESCRIPTION)

    async def read(request: Request) -> Response:
        spoken = language(request.headers, lang)
        grey = photo_of(await request.body())
        return JSONResponse(await hub.in_thread(read_photo, grey, spoken))

    async def say_what_is_wrong(request: Request, error: Exception) -> Response:
        status, wrong = _status_and_sentence(error)
        sentence = wrong.sentence(language(request.headers, lang))
        response = refusal_response(request.headers, sentence, status)
        if isinstance(error, HTTPException):
            response.headers.update(error.headers or {})  # Allow, of 405
        return response

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        hub.open()
        yield
        hub.close()

    handlers: dict[Any, ExceptionHandler] = {
        kind: say_what_is_wrong for kind in (HTTPException, UserError, Exception)
    }
    app = Starlette(
        routes=[
            Route("/", page),
            Route("/page/{name}", page_file),
            Route("/words/{name}", word_file),
            Route("/openapi.json", description),
            Route("/photo", read, methods=["POST"]),
            WebSocketRoute(SOCKET_PATH, hub.serve),
        ],
        exception_handlers=handlers,
        lifespan=lifespan,
    )
    # A request to /photo/ is none to /photo, which the guard watches over.
    app.router.redirect_slashes = False
    return app


def photo_of(body: bytes) -> NDArray[np.uint8]:
    """Return the grey levels (h, w) of a photo as the page sends it.

    ``uint16 w | uint16 h | w · h grey levels``, little-endian.

    Raises
    ------
    PhotoError
        If it is none, or is larger than `MAX_SIDE` × `MAX_SIDE`.
    """
    start = 2 * SIDES.itemsize
    if len(body) < start:
        raise PhotoError("slate.photo.body")
    w, h = (int(side) for side in np.frombuffer(body[:start], SIDES))
    if not (0 < w <= MAX_SIDE and 0 < h <= MAX_SIDE):
        raise PhotoError("slate.photo.size", w=w, h=h, most=MAX_SIDE)
    if len(body) - start != w * h:
        raise PhotoError("slate.photo.body")
    return np.frombuffer(body, np.uint8, offset=start).reshape(h, w).copy()


def _sent(request: Request, files: Mapping[str, File], name: str) -> Response:
    file = files.get(name)
    if file is None:
        raise HTTPException(404)
    headers = {"Vary": "Accept-Encoding"}
    if not takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(file.content, headers=headers, media_type=file.media_type)
    headers["Content-Encoding"] = "gzip"
    return Response(file.packed, headers=headers, media_type=file.media_type)


def takes_gzip(accepted: str) -> bool:
    """Tell whether an Accept-Encoding header names gzip, and does not rule it out.

    Without it, or by ``*`` alone, the plain file comes, which everybody takes.
    """
    for coding in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in coding.split(";"))
        if name == "gzip":
            return not any(re.fullmatch(r"q=0(\.0*)?", p) for p in parameters)
    return False


def _status_and_sentence(error: Exception) -> tuple[int, UserError]:
    if isinstance(error, UserError):
        return 422, error
    if isinstance(error, HTTPException) and error.status_code == 404:
        return 404, UserError("slate.http.missing")
    if isinstance(error, HTTPException) and error.status_code == 405:
        return 405, UserError("slate.http.method")
    return 500, UserError("slate.http.failed")
