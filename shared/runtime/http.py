"""The HTTP entrypoint: every route wants a token and names the roles that it opens to.

class IntakeService(Service):
    @http("POST", "/reports", roles={Role.OPERATOR})
    def receive(self, request: Request) -> Answer:
        ...
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qs

import eventlet
import orjson
import structlog
from eventlet.event import Event as Signal
from nameko.extensions import Entrypoint
from nameko.web import server as nameko_web

from shared.runtime import metrics
from shared.runtime.auth import Bearer, Gate, Role
from shared.runtime.problem import CONTENT_TYPE as PROBLEM
from shared.runtime.problem import Fault, Forbidden, Invalid, Problem, problem
from shared.runtime.settings import Settings
from shared.runtime.web import MAX_BODY, Connection, Head, response

#: Connections that may wait to be taken.
BACKLOG = 1_024
#: Seconds that a stopping service gives the requests in hand.
STOP_SECONDS = 20
_PLACEHOLDER = re.compile(r"<([a-z_]+)>")

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
    content_type: str = "application/json"
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
        self._exact: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Endpoint]]] = []
        self._by_path: dict[str, dict[str, Endpoint]] = {}
        self._in_hand = 0
        self._starting = False

    def add(self, endpoint: "Endpoint") -> None:
        """Serve an endpoint."""
        methods = self._by_path.setdefault(endpoint.path, {})
        if not methods and "<" in endpoint.path:
            pattern = _PLACEHOLDER.sub(r"(?P<\1>[^/]{1,128})", endpoint.path)
            self._patterns.append((re.compile(pattern), methods))
        elif not methods:
            self._exact[endpoint.path] = methods
        methods[endpoint.method] = endpoint

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
            sock, _ = self._sock.accept()
            self.container.spawn_managed_thread(Connection(sock, self._answer).serve)

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
            endpoint, parameters = self._endpoint(head.method, head.path)
            route = endpoint.path
            answer = endpoint.call(self._request(head, body, endpoint), parameters)
            status, content, kind, headers = answer.status, answer.encoded(), answer.content_type, answer.headers
        except Exception as error:  # noqa: BLE001  a client gets a problem document, never a traceback
            told = _told(error, head.method, route)
            status, content, kind, headers = told.status, told.body(), PROBLEM, told.headers
        finally:
            self._in_hand -= 1
        self._count(head.method if route != "-" else "-", route, status, time.perf_counter() - began)
        return response(status, kind, content, headers)

    @staticmethod
    def _count(method: str, route: str, status: HTTPStatus, seconds: float) -> None:
        metrics.REQUESTS.labels(method, route, status.value).inc()
        metrics.REQUEST_SECONDS.labels(method, route).observe(seconds)

    def _endpoint(self, method: str, path: str) -> tuple["Endpoint", dict[str, str]]:
        methods, parameters = self._exact.get(path), {}
        if methods is None:
            for pattern, candidates in self._patterns:
                if match := pattern.fullmatch(path):
                    methods, parameters = candidates, match.groupdict()
                    break
            else:
                raise _NoRoute(HTTPStatus.NOT_FOUND, "there is nothing at this address")
        if method not in methods:
            raise _NoRoute(HTTPStatus.METHOD_NOT_ALLOWED, f"this address takes {', '.join(sorted(methods))}")
        return methods[method], parameters

    def _request(self, head: Head, body: bytes, endpoint: "Endpoint") -> Request:
        bearer = self._gate.bearer(head.authorization)
        if bearer.role not in endpoint.roles:
            raise Forbidden(f"the role {bearer.role} may not do this; it takes {', '.join(sorted(endpoint.roles))}")
        if len(body) > MAX_BODY:
            fault = Fault("body", f"is larger than {MAX_BODY} bytes")
            raise Invalid([fault], HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return Request(bearer=bearer, body=body, query=_query(head.query))


class _NoRoute(Exception):
    """No endpoint answers here."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def _query(text: str) -> dict[str, str]:
    """Return the parameters of an address; of one given twice, the last.

    Raises:
        Invalid: there are too many.
    """
    if not text:
        return {}
    try:
        return {name: values[-1] for name, values in parse_qs(text, max_num_fields=50).items()}
    except ValueError:
        raise Invalid([Fault("query", "has too many fields")], HTTPStatus.BAD_REQUEST) from None


def _told(error: Exception, method: str, route: str) -> Problem:
    if isinstance(error, _NoRoute):
        return Problem(status=error.status, slug="no-such-address", detail=str(error))
    told = problem(error)
    if told.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request failed", action="http", method=method, route=route, exc_info=error)
    return told


class Endpoint(Entrypoint):
    """A method and a path that a service method answers."""

    server = Server()

    def __init__(self, method: str, path: str, *, roles: Iterable[Role], **options: Any) -> None:
        self.method = method
        self.path = path
        self.roles = frozenset(roles)
        super().__init__(**options)

    def setup(self) -> None:
        """Register with the server that all endpoints of a service share."""
        self.server.register_provider(self)
        self.server.add(self)

    def stop(self) -> None:
        """Take no more requests."""
        self.server.unregister_provider(self)
        super().stop()

    def call(self, request: Request, parameters: Mapping[str, str]) -> Answer:
        """Run the service method as a nameko worker and return its answer."""
        result = Signal()
        self.container.spawn_worker(
            self, (request,), dict(parameters), handle_result=partial(self._handle_result, result)
        )
        answer: Answer = result.wait()
        return answer

    @staticmethod
    def _handle_result(signal: Signal, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        signal.send(result, exc_info)
        return result, exc_info


def http(method: str, path: str, *, roles: Iterable[Role]) -> Callable[[Method], Method]:
    """Let a service method answer `method` at `path` (with `<name>` for a part that varies) to bearers of `roles`."""
    decorate: Callable[[Method], Method] = Endpoint.decorator(method, path, roles=roles)
    return decorate
