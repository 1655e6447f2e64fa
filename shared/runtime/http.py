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

import orjson
import structlog
from eventlet import wsgi
from eventlet.event import Event as Signal
from nameko.extensions import Entrypoint
from nameko.web import server as nameko_web

from shared.runtime import metrics
from shared.runtime.auth import Bearer, Gate, Role
from shared.runtime.problem import CONTENT_TYPE as PROBLEM
from shared.runtime.problem import Fault, Forbidden, Invalid, Problem, problem
from shared.runtime.settings import Settings

#: Bytes that a request may carry.
MAX_BODY = 16 * 1024 * 1024
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
    """nameko's web server with a leaner WSGI application: own routes, no request object of a framework."""

    def __init__(self) -> None:
        super().__init__()
        self._exact: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Endpoint]]] = []
        self._by_path: dict[str, dict[str, Endpoint]] = {}

    @property
    def bind_addr(self) -> Any:
        """The address from the settings."""
        settings: Settings = self.container.config["settings"]
        return nameko_web.BindAddress(settings.http_host, settings.http_port)

    def add(self, endpoint: "Endpoint") -> None:
        """Serve an endpoint."""
        methods = self._by_path.setdefault(endpoint.path, {})
        if not methods and "<" in endpoint.path:
            pattern = _PLACEHOLDER.sub(r"(?P<\1>[^/]{1,128})", endpoint.path)
            self._patterns.append((re.compile(pattern), methods))
        elif not methods:
            self._exact[endpoint.path] = methods
        methods[endpoint.method] = endpoint

    def get_wsgi_app(self) -> Callable[..., Iterable[bytes]]:
        """Return the application that eventlet's server calls."""
        settings: Settings = self.container.config["settings"]
        self._gate = Gate(settings.key("token"))
        return self._answer

    def get_wsgi_server(self, sock: Any, wsgi_app: Any, protocol: Any = None, debug: bool = False) -> Any:
        """Return eventlet's server, quiet: requests are counted and logged here, without their bodies."""
        return wsgi.Server(
            sock,
            sock.getsockname(),
            wsgi_app,
            protocol=nameko_web.HttpOnlyProtocol,
            debug=debug,
            log_output=False,
            socket_timeout=75,
            keepalive=True,
        )

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.perf_counter()
        method, route = environ["REQUEST_METHOD"], "-"
        try:
            endpoint, parameters = self._endpoint(method, environ["PATH_INFO"])
            route = endpoint.path
            answer = endpoint.call(self._request(environ, endpoint), parameters)
            status, body, kind, headers = answer.status, answer.encoded(), answer.content_type, answer.headers
        except Exception as error:  # noqa: BLE001  a client gets a problem document, never a traceback
            told = _told(error, method, route)
            status, body, kind, headers = told.status, told.body(), PROBLEM, told.headers
        metrics.REQUESTS.labels(method, route, status.value).inc()
        metrics.REQUEST_SECONDS.labels(method, route).observe(time.perf_counter() - began)
        sent = [("Content-Type", kind), ("Content-Length", str(len(body))), *headers.items()]
        start_response(f"{status.value} {status.phrase}", sent)
        return [body]

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

    def _request(self, environ: dict[str, Any], endpoint: "Endpoint") -> Request:
        bearer = self._gate.bearer(environ.get("HTTP_AUTHORIZATION"))
        if bearer.role not in endpoint.roles:
            raise Forbidden(f"the role {bearer.role} may not do this; it takes {', '.join(sorted(endpoint.roles))}")
        query = environ.get("QUERY_STRING", "")
        return Request(
            bearer=bearer,
            body=_body(environ) if endpoint.method in {"POST", "PUT", "PATCH"} else b"",
            query={name: values[-1] for name, values in parse_qs(query, max_num_fields=50).items()} if query else {},
        )


class _NoRoute(Exception):
    """No endpoint answers here."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def _body(environ: dict[str, Any]) -> bytes:
    """Return the whole body.

    Raises:
        Invalid: it is too long, or its length is not given.
    """
    if "HTTP_TRANSFER_ENCODING" in environ:
        body: bytes = environ["wsgi.input"].read(MAX_BODY + 1)
    else:
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise Invalid([Fault("Content-Length", "is not a number")], HTTPStatus.BAD_REQUEST) from None
        if length > MAX_BODY or length < 0:
            raise _too_large()
        body = environ["wsgi.input"].read(length) if length else b""
    if len(body) > MAX_BODY:
        raise _too_large()
    return body


def _too_large() -> Invalid:
    return Invalid([Fault("body", f"is larger than {MAX_BODY} bytes")], HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


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
