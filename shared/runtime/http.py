"""The HTTP entrypoint: every route wants a token and names the roles that it opens to.

class IntakeService(Service):
    @http("POST", "/reports", roles={Role.OPERATOR}, takes=schemas.Report, answers=answers.Receipt)
    def receive(self, request: Request) -> Answer:
        ...
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import eventlet
import orjson
import structlog
from eventlet.event import Event as Signal
from nameko.extensions import Entrypoint
from nameko.web import server as nameko_web

from shared.runtime import metrics
from shared.runtime.auth import Bearer, Gate, Role
from shared.runtime.contract import JSON, Contract
from shared.runtime.draft import Head
from shared.runtime.problem import CONTENT_TYPE as PROBLEM
from shared.runtime.problem import Forbidden, Problem, problem
from shared.runtime.routes import NoMethod, Routes, parameters
from shared.runtime.settings import Settings
from shared.runtime.web import Connection, response

#: Connections that may wait to be taken.
BACKLOG = 1_024
#: Seconds that a stopping service gives the requests in hand.
STOP_SECONDS = 20

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a service method needs of a request."""

    bearer: Bearer
    body: bytes
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back: a JSON value, or bytes with their content type."""

    status: HTTPStatus = HTTPStatus.OK
    content: Any = None
    body: bytes | None = None
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the body as it is sent."""
        return orjson.dumps(self.content) if self.body is None else self.body


#: A service method that answers requests.
Method = TypeVar("Method", bound=Callable[..., Answer])


class Server(nameko_web.WebServer):
    """nameko's web server with routes of its own and a parser in C instead of a WSGI framework."""

    def __init__(self) -> None:
        super().__init__()
        self.routes: Routes[Endpoint] = Routes()
        self._in_hand = 0
        self._starting = False

    def start(self) -> None:
        """Listen."""
        if not self._starting:
            self._starting = True
            settings: Settings = self.container.config["settings"]
            self._gate = Gate(settings.key("token"))
            self._sock = eventlet.listen((settings.http_host, settings.http_port), backlog=BACKLOG)
            self._gt = self.container.spawn_managed_thread(self.run)

    def run(self) -> None:
        """Take connections until the service stops."""
        while self._is_accepting:
            try:
                sock, _ = self._sock.accept()
            except OSError as error:  # too many files are open, or the client is gone already
                _log.warning("cannot take a connection", action="http", error=type(error).__name__)
                eventlet.sleep(0.1)
                continue
            self.container.spawn_managed_thread(Connection(sock, self._answer, self._admit).serve)

    def stop(self) -> None:
        """Take no more connections; wait until the requests in hand are answered."""
        self._is_accepting = False
        self._gt.kill()
        with eventlet.Timeout(STOP_SECONDS, False):
            while self._in_hand:
                eventlet.sleep(0.01)
        self._sock.close()

    def _answer(self, head: Head, body: bytes) -> bytes:
        """Return the response to a request, as it is sent."""
        self._in_hand += 1
        began = time.perf_counter()
        route = "-"
        try:
            endpoint, parts = self.routes.find(head.method, head.path)
            route = endpoint.path
            answer = endpoint.call(self._request(head, body, endpoint), parts)
            status, content, kind, headers = answer.status, answer.encoded(), answer.content_type, answer.headers
        except Exception as error:  # noqa: BLE001  a client gets a problem document, never a traceback
            told = _told(error, head.method, route)
            status, content, kind, headers = told.status, told.body(), PROBLEM, told.headers
        finally:
            self._in_hand -= 1
        self._count(head.method if route != "-" else "-", route, status, time.perf_counter() - began)
        closing = {"Connection": "close"} if head.last else {}
        return response(status, kind, content, {**headers, **closing}, head_only=head.method == "HEAD")

    def _admit(self, head: Head) -> bytes | None:
        """Return the response to a request that its head alone refuses."""
        route = "-"
        try:
            endpoint, _ = self.routes.find(head.method, head.path)
            route = endpoint.path
            self._bearer(head, endpoint)
        except Exception as error:  # noqa: BLE001  as in `_answer`
            told = _told(error, head.method, route)
            self._count(head.method if route != "-" else "-", route, told.status, 0)
            return response(told.status, PROBLEM, told.body(), {**told.headers, "Connection": "close"})
        return None

    @staticmethod
    def _count(method: str, route: str, status: HTTPStatus, seconds: float) -> None:
        metrics.REQUESTS.labels(method, route, status.value).inc()
        metrics.REQUEST_SECONDS.labels(method, route).observe(seconds)

    def _request(self, head: Head, body: bytes, endpoint: "Endpoint") -> Request:
        return Request(bearer=self._bearer(head, endpoint), body=body, query=parameters(head.query))

    def _bearer(self, head: Head, endpoint: "Endpoint") -> Bearer:
        bearer = self._gate.bearer(head.authorization)
        if bearer.role not in endpoint.roles:
            raise Forbidden(f"the role {bearer.role} may not do this; it takes {', '.join(sorted(endpoint.roles))}")
        return bearer


def _told(error: Exception, method: str, route: str) -> Problem:
    if isinstance(error, NoMethod):
        status = HTTPStatus.METHOD_NOT_ALLOWED
        return Problem(status=status, slug="no-such-method", detail=str(error), headers={"Allow": error.allowed})
    told = problem(error)
    if told.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request failed", action="http", method=method, route=route, exc_info=error)
    return told


class Endpoint(Entrypoint):
    """A method and a path that a service method answers."""

    server = Server()

    def __init__(self, method: str, path: str, *, roles: Iterable[Role], contract: Contract, **options: Any) -> None:
        self.method = method
        self.path = path
        self.roles = frozenset(roles)
        self.contract = contract
        super().__init__(**options)

    def setup(self) -> None:
        """Register with the server that all endpoints of a service share."""
        self.server.register_provider(self)
        self.server.routes.add(self)

    def stop(self) -> None:
        """Take no more requests."""
        self.server.unregister_provider(self)
        super().stop()

    def call(self, request: Request, parts: Mapping[str, str]) -> Answer:
        """Run the service method as a nameko worker and return its answer."""
        result = Signal()
        self.container.spawn_worker(self, (request,), dict(parts), handle_result=partial(self._handle_result, result))
        answer: Answer = result.wait()
        return answer

    @staticmethod
    def _handle_result(signal: Signal, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        signal.send(result, exc_info)
        return result, exc_info


def http(method: str, path: str, *, roles: Iterable[Role], **contract: Any) -> Callable[[Method], Method]:
    """Let a service method answer `method` at `path` (with `<name>` for a part that varies) to bearers of `roles`.

    What else is given goes into its `Contract`.
    """
    decorate: Callable[[Method], Method] = Endpoint.decorator(method, path, roles=roles, contract=Contract(**contract))
    return decorate
