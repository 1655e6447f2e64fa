"""One HTTP/1.1 connection: parsed by llhttp (httptools), strict about what it does not understand.

Requests of a connection are answered one after the other. Limits hold before anything is kept: the length of the
head, the length of the body, the time between two bytes, the time that a request may take to arrive. A stream is made
only as fast as its client reads it.
"""

import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import eventlet
import httptools
import structlog

from shared.runtime import metrics
from shared.runtime.draft import MAX_PIPELINED, UNASKED, Draft, Head, Refused
from shared.runtime.response import Stream, refusal
from shared.runtime.tls import TlsSocket

#: Seconds that a connection may be silent.
SILENCE = 75
#: Seconds that a head, and a whole request, may take to arrive.
HEAD_SECONDS = 30
REQUEST_SECONDS = 300
#: Seconds in which a client that was refused may finish what it is sending: many read the answer only then.
LINGER = 5
#: Seconds that a client may take for the handshake of TLS.
HANDSHAKE = 10
#: Seconds in which the client of a stream must take what is ready for it.
STALL = 15
#: Bytes that the system keeps of a stream that is not read; it takes twice as many.
UNREAD = 64 * 1024
_CHUNK = 64 * 1024

_log = structlog.get_logger(__name__)


class Connection:
    """Reads requests from a socket and sends what `answer` returns for each.

    Args:
        sock: the connection as it was accepted.
        answer: returns the response to a whole request of this connection.
        admit: returns the response to a request that is refused by its head, before its large body is taken.
        context: of TLS; None where it is not spoken.
    """

    def __init__(
        self,
        sock: Any,
        answer: Callable[["Connection", Head, bytes], bytes | Stream],
        admit: Callable[[Head], bytes | None] = lambda _: None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._socket = self._sock = sock
        self._answer = answer
        self._admit = admit
        self._context = context
        self._parser = httptools.HttpRequestParser(self)
        self._draft = Draft()
        self._ready: deque[tuple[Head, bytes]] = deque()
        self._refusal: bytes | None = None
        self._early = b""
        self._open = True
        #: A request is being answered.
        self.busy = False
        #: The answer is a stream.
        self.streams = False
        #: Since when it is not busy, by the monotonic clock.
        self.idle_since = time.monotonic()
        #: Who came in by it, as the gate knows it; empty as long as nobody did.
        self.owner = ""

    def serve(self) -> None:
        """Answer until the client goes, is silent or slow for too long, or sends what is no HTTP."""
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                self._shake_hands(self._context)
            while self._open and (data := self._received()):
                self._feed(data)
        except OSError:
            return  # the client went away, or does not read its answers
        except Exception:  # noqa: BLE001  raised any further, it would end the process, and with it all requests
            _log.exception("connection failed", action="http")
        finally:
            self._socket.close()

    def finish(self) -> None:
        """End with the answer in hand; a stream ends at its next part."""
        self._open = False

    def drop(self) -> None:
        """End at once, from outside: whatever waits for the socket is told that the client is gone."""
        self._open = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _shake_hands(self, context: ssl.SSLContext) -> None:
        sock = TlsSocket(self._socket, context)
        try:
            with eventlet.Timeout(HANDSHAKE, TimeoutError):
                sock.handshake()
        except OSError:
            metrics.CUT.labels("no TLS").inc()
            raise
        self._sock = sock

    def _received(self) -> bytes:
        data: bytes
        if self._early:
            data, self._early = self._early, b""
            return data
        seconds: float = SILENCE
        if self._draft.began is not None:
            limit = REQUEST_SECONDS if self._draft.has_head else HEAD_SECONDS
            seconds = min(SILENCE, self._draft.began + limit - time.monotonic())
        try:
            self._sock.settimeout(max(seconds, 0.001))
            data = self._sock.recv(_CHUNK)
            return data
        except TimeoutError:
            if self._draft.began is not None:
                self._end(refusal(HTTPStatus.REQUEST_TIMEOUT, "the request took too long to arrive"))
            return b""

    def _feed(self, data: bytes) -> None:
        self._parse(data)
        while self._ready and self._open:
            head, body = self._ready.popleft()
            self._reply(head, body)
            self._open = self._open and not head.last
        if self._refusal and self._open:
            self._end(self._refusal)
        elif self._open and self._draft.has_head and self._draft.expects:
            self._draft.expects = False
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _reply(self, head: Head, body: bytes) -> None:
        self.busy = True
        try:
            answer = self._answer(self, head, body)
            if isinstance(answer, Stream):
                self._flow(answer)
            else:
                self._send(answer)
        finally:
            self.busy, self.idle_since = False, time.monotonic()

    def _flow(self, stream: Stream) -> None:
        """Send a stream until it ends, or this connection does."""
        try:
            self._send(stream.head)
            if not stream.head_only:
                self._flow_parts(stream)
        finally:
            stream.parts.close()

    def _flow_parts(self, stream: Stream) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD)
        self.streams = True
        metrics.STREAMS.inc()
        try:
            for part in stream.parts:
                if part:
                    self._push(b"%x\r\n%s\r\n" % (len(part), part) if stream.chunked else part)
                if not self._open or self._is_gone():
                    break
            if stream.chunked:
                self._push(b"0\r\n\r\n")
        finally:
            self.streams = False
            metrics.STREAMS.dec()

    def _push(self, data: bytes) -> None:
        """Send a part; who does not take it in time is let go, so that no more than one is kept for anybody."""
        self._sock.settimeout(STALL)
        try:
            with eventlet.Timeout(STALL, TimeoutError):
                self._sock.sendall(data)
        except TimeoutError:
            metrics.CUT.labels("nobody reads").inc()
            raise

    def _is_gone(self) -> bool:
        """Tell whether the client left while it gets a stream; what it sends meanwhile is kept, within a limit."""
        self._sock.settimeout(0)
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return False
        self._early += data
        self._open = bool(data) and len(self._early) <= UNASKED
        return not self._open

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            if not isinstance(cause, Refused):
                cause = Refused(HTTPStatus.BAD_REQUEST, "cannot be read")
            self._refusal = self._refusal or refusal(cause.status, str(cause))
        except httptools.HttpParserUpgrade:
            pass  # the request is whole; the connection ends with it
        except httptools.HttpParserError:
            self._refusal = refusal(HTTPStatus.BAD_REQUEST, "this is not an HTTP request that is understood here")

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
