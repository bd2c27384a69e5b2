"""One request for a file, or for the rest of one: HTTP and HTTPS, nothing else.

Whatever the other side does becomes one of four errors, which say what to try next.
Proxies are those of the environment, as `urllib.request` reads it.
"""

import re
import socket
import ssl
import time
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

from ardoise.digits.datasets import DataError
from ardoise.digits.reading import PIECE

MAX_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_SLOWEST = 1024  # bytes a second: less than that is no download
_WEB_PAGES = ("text/html", "application/xhtml+xml")


class MirrorError(DataError):
    """A mirror does not have the file, or is out of reach: try the next."""


class BusyError(MirrorError):
    """A mirror asks for patience: try it once more, a little later."""


class BrokenError(MirrorError):
    """The connection ended too early: go on from what has come."""


class RestartError(MirrorError):
    """What has come cannot be continued: begin again."""


class Answer:
    """What a mirror sends: the bytes of a file from ``start`` on.

    A context manager, which closes the connection.

    Attributes
    ----------
    start : int
        The first byte that it sends, counted from 0.
    validator : str
        What tells this state of the file from others (its ETag, or its date); empty if
        the mirror says nothing.
    """

    def __init__(
        self, response: HTTPResponse, host: str, start: int, timeout: float
    ) -> None:
        self._response, self._host, self._timeout = response, host, timeout
        self.start = start
        self.validator = validator_of(response)

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def pieces(self, count: int) -> Iterator[bytes]:
        """Yield the bytes as they come, ``count`` of them at most.

        Raises
        ------
        MirrorError
            If the connection breaks, or nearly nothing comes for too long.
        """
        since, came = time.monotonic(), 0
        while count:
            try:
                piece = self._response.read1(min(PIECE, count))
            except (OSError, HTTPException, ValueError) as error:
                wrong = _said(error, self._host, self._timeout)
                raise BrokenError(wrong.key, **wrong.values) from error
            if not piece:
                return
            count -= len(piece)
            yield piece
            came += len(piece)
            now = time.monotonic()
            if now - since >= self._timeout:
                if came < _SLOWEST * (now - since):
                    raise MirrorError("download.slow", host=self._host)
                since, came = now, 0


def ask(url: str, size: int, start: int, validator: str, timeout: float) -> Answer:
    """Ask for a file of ``size`` bytes, from byte ``start`` on.

    Parameters
    ----------
    url : str
    size : int
        The bytes that the file must have.
    start : int
        The bytes of it that are there; an answer may begin at 0 all the same.
    validator : str
        Of the answer that they came with, or empty.
    timeout : float
        Seconds of silence that are borne.

    Raises
    ------
    MirrorError
        Or one that derives from it.
    """
    host = urlsplit(url).netloc
    headers = {"User-Agent": "ardoise", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if validator:
            headers["If-Range"] = validator
    try:
        response = _open(url, headers, timeout)
    except HTTPError as error:
        error.close()
        raise _refusal(error.code, host, start) from error
    except MirrorError:
        raise
    except (OSError, HTTPException, ValueError) as error:
        raise _said(error, host, timeout) from error
    try:
        begins = _check(response, host, size, start, validator)
        return Answer(response, host, begins, timeout)
    except BaseException:
        response.close()
        raise


def validator_of(response: HTTPResponse) -> str:
    """Return what may stand in If-Range: a strong ETag, or else the date."""
    tag = response.headers.get("ETag", "").strip()
    if tag.startswith('"'):
        return str(tag)
    return str(response.headers.get("Last-Modified", "")).strip()


def _open(url: str, headers: dict[str, str], timeout: float) -> HTTPResponse:
    """Open an address, following a few redirections, none to a less safe place."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        UnknownHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    first, host = urlsplit(url).scheme, urlsplit(url).netloc
    for _ in range(MAX_REDIRECTS + 1):
        if urlsplit(url).scheme not in ("https", first):
            break
        try:
            response: HTTPResponse = opener.open(
                Request(url, headers=headers), timeout=timeout
            )
        except HTTPError as error:
            if error.code not in _REDIRECTS:
                raise
            error.close()
            url = urljoin(url, error.headers.get("Location", ""))
        else:
            return response
    raise MirrorError("download.redirects", host=host)


def _check(
    response: HTTPResponse, host: str, size: int, start: int, validator: str
) -> int:
    """Return the byte that an answer begins with, or say why it is of no use."""
    if response.status not in (200, 206):
        raise _refusal(response.status, host, start)
    if response.headers.get_content_type() in _WEB_PAGES:
        raise MirrorError("download.page", host=host)
    begins = 0
    if response.status == 206:
        given = response.headers.get("Content-Range", "").strip()
        range_ = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", given)
        begins = start if range_ is None else int(range_[1])
        whole = range_ is not None and range_[3] in (str(size), "*")
        if not whole or begins != start:
            kind = RestartError if start else MirrorError
            raise kind("download.range", host=host)
        now = validator_of(response)
        if validator and now and now != validator:
            raise RestartError("download.changed", host=host)
    announced = response.length
    if announced is not None and announced != size - begins:
        got = announced + begins
        if begins and got < size:
            return begins  # a part of the rest: the next request asks for more
        raise MirrorError("download.size", host=host, got=got, expected=size)
    return begins


def _refusal(status: int, host: str, start: int) -> MirrorError:
    kind: type[MirrorError] = MirrorError
    if status in _BUSY:
        kind = BusyError
    elif status == 416 and start:
        kind = RestartError
    return kind("download.status", host=host, status=status)


def _said(error: Exception, host: str, timeout: float) -> MirrorError:
    """Return what is the matter with a connection, as a sentence about the mirror."""
    reason: Any = error
    while isinstance(reason, URLError) and isinstance(reason.reason, Exception):
        reason = reason.reason
    if isinstance(reason, TimeoutError) and reason.errno is None:
        return MirrorError("download.timeout", host=host, seconds=f"{timeout:g}")
    if isinstance(reason, socket.gaierror):
        return MirrorError("download.no_name", host=host)
    if isinstance(reason, ssl.SSLError):
        return MirrorError("download.tls", host=host)
    if isinstance(reason, OSError) and reason.errno is not None:
        return MirrorError("download.unreachable", host=host, reason=reason)
    return MirrorError("download.not_http", host=host)
