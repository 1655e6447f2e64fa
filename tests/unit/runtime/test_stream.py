"""An answer that comes bit by bit is framed as its client understands, and ends when nobody reads or nobody may."""

import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # eventlet warns when it is imported
    import eventlet
    from eventlet.greenio import GreenSocket

from shared.runtime import web
from shared.runtime.draft import Head
from shared.runtime.response import Stream, response, response_head
from shared.runtime.tls import server_context
from shared.runtime.web import Connection

REQUEST = b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"
OK = response(HTTPStatus.OK, "text/plain", b"ok", {})


class Parts:
    """Gives what it is told to, and remembers how it ended."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self.given = 0
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            self.given += 1
            yield part

    def close(self) -> None:
        self.closed += 1


def ticking(*first: bytes) -> Iterator[bytes]:
    yield from first
    while True:
        eventlet.sleep(0.01)
        yield b""


def flood() -> Iterator[bytes]:
    while True:
        yield b"x" * 32_768


Pair = Callable[..., tuple[Any, Connection]]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Make a client and the connection that answers it with a stream, and `ok` to everything else."""
    made: list[Any] = []

    def make(parts: Parts, context: ssl.SSLContext | None = None, **options: bool) -> tuple[Any, Connection]:
        near, far = (GreenSocket(one) for one in socket.socketpair())
        made.extend((near, far))

        def answer(_: Connection, head: Head, body: bytes) -> bytes | Stream:
            if head.path != "/stream":
                return OK
            head.last = head.last or not head.chunks
            begin = response_head(HTTPStatus.OK, "text/plain", {})
            return Stream(head=begin, parts=parts, chunked=head.chunks, head_only=head.method == "HEAD")

        connection = Connection(Tcp(far), answer, context=context)
        made.append(eventlet.spawn(connection.serve))
        near.settimeout(5)
        return near, connection

    yield make
    for one in made:
        (one.close if isinstance(one, GreenSocket) else one.kill)()


class Tcp:
    """A local socket that passes for one of TCP."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def setsockopt(self, level: int, name: int, value: int) -> None:
        if level != socket.IPPROTO_TCP:
            self._sock.setsockopt(level, name, value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


def read_until(sock: Any, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end) and (more := sock.recv(65_536)):
        data += more
    return data


def wait_until(ready: Callable[[], object]) -> None:
    # Less than STALL is by itself, so that nobody is let go for that reason where another is meant.
    with eventlet.Timeout(10):
        while not ready():
            eventlet.sleep(0.01)


def test_parts_are_chunks_and_the_connection_goes_on(pair: Pair) -> None:
    parts = Parts(iter([b"one", b"", b"t" * 20]))
    client, _ = pair(parts)
    client.sendall(REQUEST)
    body = read_until(client, b"0\r\n\r\n").partition(b"\r\n\r\n")[2]
    client.sendall(REQUEST.replace(b"/stream", b"/next"))

    assert body == b"3\r\none\r\n14\r\n" + b"t" * 20 + b"\r\n0\r\n\r\n"
    assert read_until(client, b"ok") == OK
    assert parts.closed == 1


def test_what_is_sent_during_a_stream_is_answered_after_it(pair: Pair) -> None:
    client, _ = pair(Parts(iter([b"one", b"two"])))
    client.sendall(REQUEST + REQUEST.replace(b"/stream", b"/next"))

    assert read_until(client, OK).endswith(b"0\r\n\r\n" + OK)


def test_a_request_that_comes_while_a_stream_runs_does_not_disturb_it(pair: Pair) -> None:
    client, connection = pair(Parts(ticking(b"one")))
    client.sendall(REQUEST)
    read_until(client, b"one\r\n")
    client.sendall(REQUEST.replace(b"/stream", b"/next"))
    wait_until(lambda: connection._early)

    assert connection.streams
    connection.finish()
    assert read_until(client, b"never") == b"0\r\n\r\n"


def test_an_old_client_gets_bytes_until_the_connection_ends(pair: Pair) -> None:
    client, _ = pair(Parts(iter([b"one", b"two"])))
    client.sendall(b"GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert read_until(client, b"never").endswith(b"\r\n\r\nonetwo")


def test_head_takes_nothing_of_the_stream(pair: Pair) -> None:
    parts = Parts(ticking(b"one"))
    client, _ = pair(parts)
    client.sendall(REQUEST.replace(b"GET", b"HEAD") + REQUEST.replace(b"/stream", b"/next"))

    assert read_until(client, OK).endswith(b"\r\n\r\n" + OK)
    assert (parts.given, parts.closed) == (0, 1)


def test_a_client_that_reads_nothing_is_dropped_and_little_is_kept_for_it(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "STALL", 0.3)
    parts = Parts(flood())
    client, connection = pair(parts)
    began = time.monotonic()
    client.sendall(REQUEST)
    wait_until(lambda: parts.closed)

    assert time.monotonic() - began > 0.2
    assert parts.given * 32_768 < 1_000_000
    assert not connection.streams


def test_a_client_that_reads_a_little_now_and_then_is_dropped_too(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "STALL", 0.3)
    parts = Parts(iter([b"x" * 3_000_000]))
    client, _ = pair(parts)
    client.sendall(REQUEST)
    with eventlet.Timeout(10):
        while not parts.closed:
            client.recv(500)
            eventlet.sleep(0.02)

    assert parts.closed == 1


def test_a_client_that_leaves_is_noticed_though_nothing_happens(pair: Pair) -> None:
    parts = Parts(ticking(b"one"))
    client, _ = pair(parts)
    client.sendall(REQUEST)
    read_until(client, b"one\r\n")
    client.close()

    wait_until(lambda: parts.closed)


def test_a_client_that_talks_and_talks_during_a_stream_is_let_go(pair: Pair) -> None:
    parts = Parts(ticking(b"one"))
    client, _ = pair(parts)
    client.sendall(REQUEST)
    with eventlet.Timeout(5), suppress(OSError):
        while True:
            client.sendall(b"x" * 10_000)
            eventlet.sleep(0.01)

    assert parts.closed == 1


def test_a_stream_that_is_told_to_finish_ends_as_a_whole(pair: Pair) -> None:
    parts = Parts(ticking(b"one"))
    client, connection = pair(parts)
    client.sendall(REQUEST)
    read_until(client, b"one\r\n")
    connection.finish()

    assert read_until(client, b"never") == b"0\r\n\r\n"
    assert parts.closed == 1


def test_a_stream_to_somebody_who_does_not_read_is_dropped_at_once(pair: Pair) -> None:
    parts = Parts(flood())
    client, connection = pair(parts)
    client.sendall(REQUEST)
    wait_until(lambda: parts.given > 1)
    eventlet.sleep(0.05)
    connection.drop()

    wait_until(lambda: parts.closed)


def test_a_stream_that_fails_ends_the_connection_and_is_closed(pair: Pair) -> None:
    def failing() -> Iterator[bytes]:
        yield b"one"
        raise LookupError

    parts = Parts(failing())
    client, _ = pair(parts)
    client.sendall(REQUEST)

    assert not read_until(client, b"never").endswith(b"0\r\n\r\n")
    assert parts.closed == 1


# TLS


@pytest.fixture(scope="session")
def context(certificate: Path) -> ssl.SSLContext:
    return server_context(certificate / "chain.pem", certificate / "key.pem")


class Peer:
    """A client that speaks TLS over memory."""

    def __init__(self, sock: Any, certificate: Path, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        context = ssl.create_default_context(cafile=str(certificate / "chain.pem"))
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, most
        context.check_hostname = False
        self._sock, self._in, self._out = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out)

    def do(self, step: Callable[[], Any]) -> Any:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.flush()
                data = self._sock.recv(65_536)
                self._in.write(data) if data else self._in.write_eof()
            else:
                self.flush()
                return result

    def flush(self) -> None:
        self._sock.sendall(self._out.read())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_stream_goes_over_tls(
    pair: Pair, certificate: Path, context: ssl.SSLContext, version: ssl.TLSVersion
) -> None:
    content = bytes(range(256)) * 2_000
    client, _ = pair(Parts(iter([content, b"end"])), context)
    peer = Peer(client, certificate, version)
    peer.do(peer.tls.do_handshake)
    peer.do(lambda: peer.tls.write(REQUEST + REQUEST.replace(b"/stream", b"/next")))
    data = b""
    while not data.endswith(OK):
        data += peer.do(lambda: peer.tls.read(65_536))

    assert b"7d000\r\n" + content + b"\r\n3\r\nend\r\n0\r\n\r\n" + OK in data
    assert peer.tls.selected_alpn_protocol() is None


@pytest.mark.parametrize("sent", [REQUEST, b"\x16\x03\x01\x00\x02\x01\x00", b"\x00" * 40])
def test_what_is_no_tls_is_let_go(pair: Pair, context: ssl.SSLContext, sent: bytes) -> None:
    client, _ = pair(Parts(iter(())), context)
    client.sendall(sent)
    client.shutdown(socket.SHUT_WR)

    assert b"HTTP" not in read_until(client, b"never")


def test_a_client_that_stops_within_the_handshake_is_let_go(
    pair: Pair, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "HANDSHAKE", 0.2)
    client, _ = pair(Parts(iter(())), context)
    client.sendall(b"\x16\x03\x01")

    assert read_until(client, b"never") == b""


def test_a_client_that_ends_in_the_middle_of_its_words_harms_nothing(
    pair: Pair, certificate: Path, context: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    parts = Parts(ticking(b"one"))
    client, connection = pair(parts, context)
    peer = Peer(client, certificate)
    peer.do(peer.tls.do_handshake)
    peer.do(lambda: peer.tls.write(REQUEST))
    wait_until(lambda: connection.streams)
    client.sendall(b"\x17\x03\x03\x00\x20no record")
    client.close()

    wait_until(lambda: parts.closed)
    assert not caplog.records


def test_old_versions_are_not_spoken(context: ssl.SSLContext) -> None:
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
