"""A partner that is called: an HTTP server of its own, in threads, that answers as a test wants."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call, as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    #: By the clock of this machine, in seconds.
    at: float = field(default_factory=time.time)

    @property
    def event(self) -> dict[str, Any]:
        """What the body holds."""
        return dict(json.loads(self.body))

    @property
    def number(self) -> int:
        """The number of the delivery; 0 for a heartbeat."""
        return int(self.event.get("sequence", 0))


#: What to answer: a status, or a status and headers.
Answer = int | tuple[int, Mapping[str, str]]


class Hook:
    """Notes each call, and answers it.

    Args:
        answer: what to answer; may take its time.
        context: of TLS.
        port: on which it listens; a free one by default.
    """

    def __init__(
        self, answer: Callable[[Call], Answer] = lambda _: 204, context: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        #: Of each connection the number of calls on it.
        self.connections: list[int] = []
        self._server = _Server(("127.0.0.1", port), _handler(self))
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def deliveries(self) -> list[Call]:
        """The calls that were no heartbeats."""
        return [call for call in list(self.calls) if call.number]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the deliveries, as they came in."""
        return [call.number for call in self.deliveries]


class Wild:
    """A partner below HTTP: what it does with each connection is up to the test, as is what it sends.

    Args:
        talk: gets each connection, and may raise OSError.
    """

    def __init__(self, talk: Callable[[socket.socket], None]) -> None:
        self.connections = 0
        self._talk = talk
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self._talk(connection)


def heard(connection: socket.socket) -> bytes:
    """Return one whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket) -> bytes:
    if not (data := connection.recv(65_536)):
        raise OSError("gone")
    return data


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers who go away."""


def _handler(hook: Hook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            self.request.settimeout(20)
            if isinstance(self.request, ssl.SSLSocket):
                self.request.do_handshake()
            super().setup()
            hook.connections.append(0)
            self.connection_number = len(hook.connections) - 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            call = Call(path=self.path, headers=dict(self.headers.items()), body=body)
            hook.connections[self.connection_number] += 1
            hook.calls.append(call)
            answer = hook.answer(call)
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
