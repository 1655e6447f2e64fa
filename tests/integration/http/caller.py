"""Speaks HTTP as rudely as a test wants it to, over one connection that is kept open."""

import socket
from collections.abc import Mapping
from typing import NamedTuple

from tests.support.system import System


class Reply(NamedTuple):
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Caller:
    """A connection to a service, opened again when the service has closed it."""

    def __init__(self, system: System, service: str, token: str = "") -> None:
        self._address = ("127.0.0.1", system.ports[service])
        self._token = token
        self._socket: socket.socket | None = None
        self._rest = b""

    def close(self) -> None:
        """Leave."""
        if self._socket:
            self._socket.close()
        self._socket, self._rest = None, b""

    def request(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        """Return the bytes of a request."""
        more = {"Authorization": f"Bearer {self._token}", "Content-Length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in more.items())
        return f"{method} {target} HTTP/1.1\r\nHost: x\r\n{head}\r\n".encode("latin-1", "replace") + body

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply | None:
        """Return the answer, or None where the service closed the connection without one."""
        return self.say(self.request(method, target, body, headers), head_only=method == "HEAD")

    def begin(self, data: bytes) -> None:
        """Send bytes without waiting for the answer."""
        try:
            self._connected().sendall(data)
        except ConnectionError:
            self.close()
            self._connected().sendall(data)

    def end(self) -> Reply | None:
        """Return the answer to what was begun; None where the service closed the connection without one."""
        try:
            return self._reply()
        except (ConnectionError, EOFError):
            self.close()
            return None

    def say(self, data: bytes, *, head_only: bool = False) -> Reply | None:
        """Send bytes and return the first answer; a connection that the service had closed before is opened again."""
        for _ in range(2):
            kept = self._socket is not None
            try:
                self._connected().sendall(data)
                return self._reply(head_only=head_only)
            except (ConnectionError, EOFError):
                self.close()
                if not kept:
                    return None
        return None

    def send_all_there_is(self, data: bytes, *, head_only: bool = False) -> Reply | None:
        """Send bytes and say that nothing more will come; return the first answer, or None where there is none."""
        try:
            self._connected().sendall(data)
            self._connected().shutdown(socket.SHUT_WR)
            return self._reply(head_only=head_only)
        except (ConnectionError, EOFError, OSError):
            return None
        finally:
            self.close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=60)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _reply(self, *, head_only: bool = False) -> Reply:
        while b"\r\n\r\n" not in self._rest:
            self._more()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        if status == 100:
            return self._reply(head_only=head_only)
        length = 0 if head_only else int(headers["content-length"])
        while len(self._rest) < length:
            self._more()
        body, self._rest = self._rest[:length], self._rest[length:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(status, headers, body)

    def _more(self) -> None:
        data = self._connected().recv(65_536)
        if not data:
            raise EOFError
        self._rest += data
