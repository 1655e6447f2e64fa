"""One HTTP/1.1 connection: parsed by llhttp (httptools), strict about what it does not understand.

Requests of a connection are answered one after the other. Limits hold before anything is kept: the length of the
head, the length of the body, the time between two bytes.
"""

import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools

from shared.runtime.problem import CONTENT_TYPE as PROBLEM
from shared.runtime.problem import Problem

#: Bytes that a request may carry.
MAX_BODY = 16 * 1024 * 1024
#: Bytes of address and headers.
MAX_HEAD = 32 * 1024
#: Requests that a client may send before the first is answered.
MAX_PIPELINED = 64
#: Seconds that a connection may be silent.
SILENCE = 75
_CHUNK = 64 * 1024


@dataclass(slots=True)
class Head:
    """What a request says before its body."""

    method: str = ""
    path: str = ""
    query: str = ""
    authorization: str | None = None


@dataclass(slots=True)
class _Draft:
    """A request that is still arriving."""

    url: bytes = b""
    length: int = 0
    head_length: int = 0
    authorization: bytes | None = None
    body: list[bytes] = field(default_factory=list)


class _Refused(Exception):
    """The connection cannot go on: answer this, and close."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Connection:
    """Reads requests from a socket and sends what `answer` returns for each."""

    def __init__(self, sock: Any, answer: Callable[[Head, bytes], bytes]) -> None:
        self._sock = sock
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._draft = _Draft()
        self._ready: deque[tuple[Head, bytes, bool]] = deque()
        self._open = True

    def serve(self) -> None:
        """Answer until the client goes, is silent for too long, or sends what is no HTTP."""
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sock.settimeout(SILENCE)
            while self._open and (data := self._sock.recv(_CHUNK)):
                self._feed(data)
        except OSError:
            return  # the client went away, or said nothing for too long
        finally:
            self._sock.close()

    def _feed(self, data: bytes) -> None:
        refused: _Refused | None = None
        try:
            self._parser.feed_data(data)
        except _Refused as error:
            refused = error
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            refused = cause if isinstance(cause, _Refused) else _Refused(HTTPStatus.BAD_REQUEST, "cannot be read")
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            refused = _Refused(HTTPStatus.BAD_REQUEST, "this is not an HTTP request that is understood here")
        while self._ready and self._open:
            head, body, keep = self._ready.popleft()
            self._sock.sendall(self._answer(head, body))
            self._open = keep
        if refused and self._open:
            problem = Problem(status=refused.status, slug="bad-request", detail=str(refused))
            self._sock.sendall(response(problem.status, PROBLEM, problem.body(), {"Connection": "close"}))
            self._open = False

    # What the parser calls, in this order.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._draft = _Draft()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._draft.url += url
        self._limit_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._limit_head(len(name) + len(value))
        lower = name.lower()
        if lower == b"authorization":
            self._draft.authorization = value
        elif lower == b"expect" and value.lower() == b"100-continue":
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        """A part of the body."""
        self._draft.length += len(data)
        if self._draft.length > MAX_BODY:
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {MAX_BODY} bytes")
        self._draft.body.append(data)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if len(self._ready) >= MAX_PIPELINED:
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, "too many requests before the first was answered")
        self._ready.append((self._head(), b"".join(self._draft.body), self._parser.should_keep_alive()))

    def _head(self) -> Head:
        draft = self._draft
        path, _, query = draft.url.decode("latin-1").partition("?")
        return Head(
            method=self._parser.get_method().decode("ascii"),
            path=unquote(path),
            query=query,
            authorization=draft.authorization.decode("latin-1") if draft.authorization is not None else None,
        )

    def _limit_head(self, more: int) -> None:
        self._draft.head_length += more
        if self._draft.head_length > MAX_HEAD:
            raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the head is larger than {MAX_HEAD} bytes")


def response(status: HTTPStatus, kind: str, content: bytes, headers: Mapping[str, str]) -> bytes:
    """Return a response as it is sent."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
        f"Cache-Control: no-store\r\n{more}\r\n"
    )
    return head.encode("latin-1") + content
