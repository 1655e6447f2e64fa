"""A bare connection to a service: what is sent is sent as it stands, what comes is read answer by answer."""

import json
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

#: Seconds after which nothing more is expected.
PATIENCE = 20


class Answer(NamedTuple):
    """One answer, an interim one too."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document that it must be."""
        assert self.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = json.loads(self.body)
        assert document["status"] == self.status
        return document


class Wire:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, *parts: str | bytes) -> None:
        for part in parts:
            self._socket.sendall(part.encode() if isinstance(part, str) else part)

    def answer(self, *, head_only: bool = False) -> Answer:
        """Return the next answer."""
        while b"\r\n\r\n" not in self._rest:
            assert self._more(), f"the connection ended, with {self._rest[:200]!r}"
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if head_only else int(headers.get("content-length", 0))
        while len(self._rest) < length:
            assert self._more(), "the connection ended within an answer"
        body, self._rest = self._rest[:length], self._rest[length:]
        return Answer(int(first.split()[1]), headers, body)

    def ends_without_an_answer(self) -> bool:
        """Tell whether the service closed the connection and said nothing that is HTTP."""
        while self._more():
            pass
        return b"HTTP" not in self._rest

    def has_ended(self) -> bool:
        """Tell whether nothing more came before the service closed the connection."""
        return not self._rest and not self._more()

    def _more(self) -> bool:
        try:
            data = self._socket.recv(65_536)
        except ConnectionResetError:
            data = b""
        self._rest += data
        return bool(data)
