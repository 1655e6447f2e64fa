"""One HTTP/1.1 connection: parsed by llhttp (httptools), strict about what it does not understand.

Requests of a connection are answered one after the other. Limits hold before anything is kept: the length of the
head, the length of the body, the time between two bytes, the time that a request may take to arrive.
"""

import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import httptools
import structlog

from shared.runtime.draft import Draft, Head, Refused
from shared.runtime.problem import CONTENT_TYPE as PROBLEM
from shared.runtime.problem import Problem

#: Requests that a client may send before the first is answered.
MAX_PIPELINED = 64
#: Seconds that a connection may be silent.
SILENCE = 75
#: Seconds that a head, and a whole request, may take to arrive.
HEAD_SECONDS = 30
REQUEST_SECONDS = 300
#: Seconds in which a client that was refused may finish what it is sending: many read the answer only then.
LINGER = 5
_CHUNK = 64 * 1024

_log = structlog.get_logger(__name__)


class Connection:
    """Reads requests from a socket and sends what `answer` returns for each.

    Args:
        sock: the connection as it was accepted.
        answer: returns the response to a whole request.
        admit: returns the response to a request that is refused by its head, before its large body is taken.
    """

    def __init__(
        self,
        sock: Any,
        answer: Callable[[Head, bytes], bytes],
        admit: Callable[[Head], bytes | None] = lambda _: None,
    ) -> None:
        self._sock = sock
        self._answer = answer
        self._admit = admit
        self._parser = httptools.HttpRequestParser(self)
        self._draft = Draft()
        self._ready: deque[tuple[Head, bytes]] = deque()
        self._refusal: bytes | None = None
        self._open = True

    def serve(self) -> None:
        """Answer until the client goes, is silent or slow for too long, or sends what is no HTTP."""
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._open and (data := self._received()):
                self._feed(data)
        except OSError:
            return  # the client went away, or does not read its answers
        except Exception:  # noqa: BLE001  raised any further, it would end the process, and with it all requests
            _log.exception("connection failed", action="http")
        finally:
            self._sock.close()

    def _received(self) -> bytes:
        seconds: float = SILENCE
        if self._draft.began is not None:
            limit = REQUEST_SECONDS if self._draft.has_head else HEAD_SECONDS
            seconds = min(SILENCE, self._draft.began + limit - time.monotonic())
        try:
            self._sock.settimeout(max(seconds, 0.001))
            data: bytes = self._sock.recv(_CHUNK)
            return data
        except TimeoutError:
            if self._draft.began is not None:
                self._end(_refusal(HTTPStatus.REQUEST_TIMEOUT, "the request took too long to arrive"))
            return b""

    def _feed(self, data: bytes) -> None:
        self._parse(data)
        while self._ready and self._open:
            head, body = self._ready.popleft()
            self._send(self._answer(head, body))
            self._open = not head.last
        if self._refusal and self._open:
            self._end(self._refusal)
        elif self._open and self._draft.has_head and self._draft.expects:
            self._draft.expects = False
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if not isinstance(cause, Refused):
                cause = Refused(HTTPStatus.BAD_REQUEST, "cannot be read")
            self._refusal = self._refusal or _refusal(cause.status, str(cause))
        except httptools.HttpParserUpgrade:
            pass  # the request is whole; the connection ends with it
        except httptools.HttpParserError:
            self._refusal = _refusal(HTTPStatus.BAD_REQUEST, "this is not an HTTP request that is understood here")

    def _send(self, answer: bytes) -> None:
        self._sock.settimeout(SILENCE)
        self._sock.sendall(answer)

    def _end(self, refusal: bytes) -> None:
        """Say why it ends, and let that arrive: a close while the client still sends would throw it away."""
        self._open = False
        self._send(refusal)
        self._sock.shutdown(socket.SHUT_WR)
        until = time.monotonic() + LINGER
        while (left := until - time.monotonic()) > 0:
            self._sock.settimeout(left)
            if not self._sock.recv(_CHUNK):
                return

    # What the parser calls, in this order.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._draft = Draft(began=time.monotonic())

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._draft.add_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or a trailer."""
        self._draft.add_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._draft.close_head(self._parser.get_http_version(), upgrade=self._parser.should_upgrade())
        if self._draft.is_large:
            self._refusal = self._admit(self._draft.head(self._parser.get_method(), last=True))
            if self._refusal:
                raise Refused(HTTPStatus.FORBIDDEN, "refused by its head")

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self._draft.add_body(data)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if len(self._ready) >= MAX_PIPELINED:
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests before the first was answered")
        last = not self._parser.should_keep_alive() or self._parser.should_upgrade()
        self._ready.append((self._draft.head(self._parser.get_method(), last=last), self._draft.body))
        self._draft = Draft()


def response(
    status: HTTPStatus, kind: str, content: bytes, headers: Mapping[str, str], *, head_only: bool = False
) -> bytes:
    """Return a response as it is sent; with `head_only` the one to HEAD, which says how long the content would be."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nDate: {_date(int(time.time()))}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(content)}\r\nCache-Control: no-store\r\n{more}\r\n"
    ).encode("latin-1")
    return head if head_only else head + content


def _refusal(status: HTTPStatus, detail: str) -> bytes:
    problem = Problem(status=status, slug="bad-request", detail=detail)
    return response(status, PROBLEM, problem.body(), {"Connection": "close"})


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
