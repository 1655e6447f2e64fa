"""A connection on which something goes wrong ends; it takes nobody with it."""

import logging

import pytest

from shared.runtime.draft import Head
from shared.runtime.web import Connection

REQUEST = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


class FakeSocket:
    """A client that has sent something and waits."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.sent = b""
        self.closed = False

    def setsockopt(self, *_: int) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        pass

    def recv(self, size: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def shutdown(self, how: int) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def test_requests_are_answered_one_after_the_other() -> None:
    sock = FakeSocket(REQUEST[:10], REQUEST[10:] + REQUEST)
    asked: list[str] = []

    def answer(_: Connection, head: Head, body: bytes) -> bytes:
        asked.append(head.path)
        return b"ok"

    Connection(sock, answer).serve()
    assert (asked, sock.sent, sock.closed) == (["/health"] * 2, b"okok", True)


def test_an_error_that_nobody_foresaw_ends_this_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    sock = FakeSocket(REQUEST)

    def answer(_: Connection, head: Head, body: bytes) -> bytes:
        raise LookupError

    with caplog.at_level(logging.CRITICAL):
        Connection(sock, answer).serve()
    assert sock.closed
    assert sock.sent == b""


def test_a_client_that_goes_away_is_let_go() -> None:
    sock = FakeSocket(REQUEST)

    def answer(_: Connection, head: Head, body: bytes) -> bytes:
        raise BrokenPipeError

    Connection(sock, answer).serve()
    assert sock.closed
