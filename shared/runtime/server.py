"""The HTTP server of a service: takes connections, finds who answers a request, checks who asks."""

import ssl
import time
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

import eventlet
import structlog
from nameko.web import server as nameko_web

from shared.runtime import metrics
from shared.runtime.answer import Answer, Request
from shared.runtime.auth import Bearer, Gate, Role
from shared.runtime.connections import Connections, places
from shared.runtime.draft import UNASKED, Head
from shared.runtime.problem import CONTENT_TYPE as PROBLEM
from shared.runtime.problem import Fault, Forbidden, Invalid, Problem, TooMany, problem
from shared.runtime.response import Stream, response, response_head
from shared.runtime.routes import Addressed, NoMethod, Routes, parameters
from shared.runtime.settings import Settings
from shared.runtime.tls import server_context
from shared.runtime.unavailable import Unavailable
from shared.runtime.web import Connection

#: Connections that may wait to be taken.
BACKLOG = 1_024
#: Seconds that a stopping service gives the requests in hand.
STOP_SECONDS = 20
#: Seconds that it gives streams, which have no end of their own and look once a second whether to end.
STREAMS_SECONDS = 2

_log = structlog.get_logger(__name__)


class Answering(Addressed, Protocol):
    """What the server asks for an answer."""

    roles: frozenset[Role]

    def call(self, request: Request, parts: Mapping[str, str]) -> Answer:
        """Return the answer to a request whose bearer has one of the roles."""


class Server(nameko_web.WebServer):
    """nameko's web server with routes of its own and a parser in C instead of a WSGI framework."""

    def __init__(self) -> None:
        super().__init__()
        self.routes: Routes[Answering] = Routes()
        self._in_hand = 0
        self._starting = False
        self._ending = False

    def start(self) -> None:
        """Listen."""
        if not self._starting:
            self._starting = True
            settings: Settings = self.container.config["settings"]
            self._gate = Gate(settings.key("token"))
            self._context = _context(settings)
            self._connections = Connections(places())
            self._sock = eventlet.listen((settings.http_host, settings.http_port), backlog=BACKLOG)
            self._gt = self.container.spawn_managed_thread(self.run)

    def run(self) -> None:
        """Take connections until the service stops."""
        while self._is_accepting:
            try:
                sock, address = self._sock.accept()
            except OSError as error:  # too many files are open, or the client is gone already
                _log.warning("cannot take a connection", action="http", error=type(error).__name__)
                eventlet.sleep(0.1)
                continue
            connection = Connection(sock, self._answer, self._admit, self._context)
            if self._connections.add(connection, address[0]):
                self.container.spawn_managed_thread(partial(self._serve, connection))
            else:
                sock.close()

    def unregister_provider(self, provider: Any) -> None:
        """Let an endpoint go; with the last one go the streams, before what they read from does."""
        super().unregister_provider(provider)
        if not self._providers:
            self._end_streams()

    def stop(self) -> None:
        """Take no more connections; wait until the requests in hand are answered."""
        self._is_accepting = False
        self._gt.kill()
        with eventlet.Timeout(STOP_SECONDS, False):
            while self._in_hand:
                eventlet.sleep(0.01)
        self._sock.close()

    def _serve(self, connection: Connection) -> None:
        try:
            connection.serve()
        finally:
            self._connections.remove(connection)

    def _end_streams(self) -> None:
        self._ending = True
        streams = [one for one in self._connections if one.streams]
        for one in streams:
            one.finish()
        with eventlet.Timeout(STREAMS_SECONDS, False):
            while any(one.streams for one in streams):
                eventlet.sleep(0.01)
        for one in streams:
            one.drop()

    def _answer(self, connection: Connection, head: Head, body: bytes) -> bytes | Stream:
        """Return the response to a request, as it is sent."""
        self._in_hand += 1
        began = time.perf_counter()
        route = "-"
        try:
            endpoint, parts = self.routes.find(head.method, head.path)
            route = endpoint.path
            bearer = self._bearer(head, endpoint)
            self._claim(connection, head, bearer)
            answer = self._streamable(endpoint.call(_request(head, body, bearer), parts))
        except Exception as error:  # noqa: BLE001  a client gets a problem document, never a traceback
            told = _told(error, head.method, route)
            answer = Answer(status=told.status, body=told.body(), content_type=PROBLEM, headers=told.headers)
        finally:
            self._in_hand -= 1
        self._count(head.method if route != "-" else "-", route, answer.status, time.perf_counter() - began)
        return _sent(answer, head)

    def _admit(self, head: Head) -> bytes | None:
        """Return the response to a request that its head alone refuses."""
        route = "-"
        try:
            endpoint, _ = self.routes.find(head.method, head.path)
            route = endpoint.path
            if self._bearer(head, endpoint).role is Role.AGENCY:
                fault = Fault("body", f"must say its length, of at most {UNASKED} bytes")
                raise Invalid([fault], HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except Exception as error:  # noqa: BLE001  as in `_answer`
            told = _told(error, head.method, route)
            self._count(head.method if route != "-" else "-", route, told.status, 0)
            return response(told.status, PROBLEM, told.body(), {**told.headers, "Connection": "close"})
        return None

    @staticmethod
    def _count(method: str, route: str, status: HTTPStatus, seconds: float) -> None:
        metrics.REQUESTS.labels(method, route, status.value).inc()
        metrics.REQUEST_SECONDS.labels(method, route).observe(seconds)

    def _claim(self, connection: Connection, head: Head, bearer: Bearer) -> None:
        limited = bearer.role is Role.AGENCY
        if not self._connections.claim(connection, f"{bearer.role} {bearer.name}", limited=limited):
            head.last = True
            raise TooMany("too many connections of yours are open; close some")

    def _streamable(self, answer: Answer) -> Answer:
        if answer.stream is not None and self._ending:
            answer.stream.close()
            raise Unavailable("the service is stopping")
        return answer

    def _bearer(self, head: Head, endpoint: Answering) -> Bearer:
        bearer = self._gate.bearer(head.authorization)
        if bearer.role not in endpoint.roles:
            raise Forbidden(f"the role {bearer.role} may not do this; it takes {', '.join(sorted(endpoint.roles))}")
        return bearer


def _request(head: Head, body: bytes, bearer: Bearer) -> Request:
    return Request(
        bearer=bearer,
        body=body,
        query=parameters(head.query),
        last_event_id=head.last_event_id,
        accept=head.accept,
        accept_language=head.accept_language,
    )


def _sent(answer: Answer, head: Head) -> bytes | Stream:
    """Return an answer as it is sent."""
    is_head = head.method == "HEAD"
    if answer.stream is None:
        headers = {**answer.headers, "Connection": "close"} if head.last else answer.headers
        return response(answer.status, answer.content_type, answer.encoded(), headers, head_only=is_head)
    head.last = head.last or not head.chunks
    framing = {"Transfer-Encoding": "chunked"} if head.chunks else {}
    headers = {**answer.headers, **framing, **({"Connection": "close"} if head.last else {})}
    sent = response_head(answer.status, answer.content_type, headers)
    return Stream(head=sent, parts=answer.stream, chunked=head.chunks, head_only=is_head)


def _told(error: Exception, method: str, route: str) -> Problem:
    if isinstance(error, NoMethod):
        status = HTTPStatus.METHOD_NOT_ALLOWED
        return Problem(status=status, slug="no-such-method", detail=str(error), headers={"Allow": error.allowed})
    told = problem(error)
    if told.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request failed", action="http", method=method, route=route, exc_info=error)
    return told


def _context(settings: Settings) -> ssl.SSLContext | None:
    """Return what TLS needs, where a certificate is given."""
    if settings.http_certificate is None or settings.http_key is None:
        return None
    return server_context(settings.http_certificate, settings.http_key)
