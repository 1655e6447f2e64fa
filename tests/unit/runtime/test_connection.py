"""A connection gives a client its time, and no more; and lets it read why it was refused."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from shared.runtime import web
from shared.runtime.draft import MAX_BODY, UNASKED, Head
from shared.runtime.web import Connection

HEAD = b"POST /x HTTP/1.1\r\nHost: x\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

Open = Callable[..., socket.socket]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens connections that are served until the test is over."""
    ends: list[tuple[socket.socket, threading.Thread]] = []

    def open_one(answer: Callable[[Head, bytes], bytes] = lambda _head, _body: OK, **options: object) -> socket.socket:
        client, server = socket.socketpair()
        client.settimeout(10)
        connection = Connection(_Tcp(server), answer, **options)  # type: ignore[arg-type]
        thread = threading.Thread(target=connection.serve)
        thread.start()
        ends.append((client, thread))
        return client

    yield open_one
    for client, thread in ends:
        client.close()
        thread.join(10)
        assert not thread.is_alive()


class _Tcp:
    """A local socket that takes the options of TCP."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def setsockopt(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> object:
        return getattr(self._sock, name)


def rest(client: socket.socket) -> bytes:
    """Return all that comes until the connection ends."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


def test_a_head_that_takes_too_long_is_refused_however_busy_the_client_is(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "HEAD_SECONDS", 0.5)
    client, began = opened(), time.monotonic()
    client.sendall(HEAD)
    client.settimeout(0.05)
    answer = b""
    while not answer:
        client.sendall(b"X: 1\r\n")
        try:
            answer = client.recv(65_536)
        except TimeoutError:
            assert time.monotonic() - began < 5

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_takes_too_long_is_refused(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(web, "LINGER", 0.1)
    client = opened()
    client.sendall(HEAD + b"Content-Length: 100\r\n\r\nabc")

    assert rest(client).startswith(b"HTTP/1.1 408 ")


def test_the_time_of_a_request_begins_with_its_first_byte(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "HEAD_SECONDS", 0.3)
    client = opened()
    for _ in range(2):
        time.sleep(0.5)
        client.sendall(HEAD + b"\r\n")
        assert client.recv(65_536) == OK


def test_a_connection_on_which_nothing_is_asked_ends_without_a_word(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "SILENCE", 0.2)
    client = opened()
    client.sendall(HEAD + b"\r\n")

    assert rest(client) == OK


def test_what_was_asked_before_is_answered_before_the_refusal(opened: Open) -> None:
    client = opened()
    client.sendall(HEAD + b"\r\n" + b"rubbish\r\n\r\n")
    client.shutdown(socket.SHUT_WR)

    assert rest(client).startswith(OK + b"HTTP/1.1 400 ")


def test_who_is_refused_may_finish_sending_and_read_why(opened: Open) -> None:
    client = opened()
    client.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1))
    for _ in range(64):
        client.sendall(b" " * 65_536)
    client.shutdown(socket.SHUT_WR)

    assert rest(client).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("announced", "asked"),
    [(b"Content-Length: %d" % UNASKED, False), (b"Content-Length: %d" % (UNASKED + 1), True),
     (b"Transfer-Encoding: chunked", True)],
)  # fmt: skip
def test_before_a_large_body_is_taken_somebody_looks_who_sends_it(opened: Open, announced: bytes, asked: bool) -> None:
    heads: list[Head] = []

    def admit(head: Head) -> bytes:
        heads.append(head)
        return b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"

    client = opened(admit=admit)
    client.sendall(HEAD + b"Authorization: Bearer x\r\n" + announced + b"\r\n\r\n")
    client.shutdown(socket.SHUT_WR)

    assert rest(client).startswith(b"HTTP/1.1 401 ") is asked
    assert [(head.method, head.path, head.authorization) for head in heads] == [("POST", "/x", "Bearer x")] * asked


def test_an_address_is_taken_apart(opened: Open) -> None:
    heads: list[Head] = []

    def answer(head: Head, _: bytes) -> bytes:
        heads.append(head)
        return OK

    client = opened(answer)
    client.sendall(b"GET http://x/a%20b/%E7%8E%8B?q=%31&r HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert rest(client) == OK
    assert heads == [Head(method="GET", path="/a b/王", query="q=%31&r", last=True)]
