"""A call ends in its time whatever the partner does, and looks at nothing but the status."""

import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from services.feed.caller import Answer, NoAnswer
from tests.support.hook import Hook, Wild, heard
from tests.unit.feed.calling import BODY, HEADERS, SHORT, SOON, caller, post, why_not

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answering(data: bytes) -> Callable[[socket.socket], None]:
    """Return a partner that sends some bytes, and then nothing, but stays as long as the caller does."""

    def talk(connection: socket.socket) -> None:
        heard(connection)
        connection.sendall(data)
        connection.settimeout(3 * SOON)
        while connection.recv(65_536):
            pass

    return talk


def dripping(first: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """Return a partner that sends a little, and then a drop again and again."""

    def talk(connection: socket.socket) -> None:
        heard(connection)
        connection.sendall(first)
        while True:
            connection.sendall(drop)
            time.sleep(0.05)

    return talk


def test_a_call_carries_body_and_headers_and_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with Hook() as hook:
        assert post(hook.url + "?a=%20b") == Answer(status=204)
        call = hook.calls[0]

    assert (call.path, call.body) == ("/hook?a=%20b", BODY)
    assert dict(call.headers) == {"Host": f"127.0.0.1:{hook.port}", "Content-Length": str(len(BODY)), **HEADERS}


@pytest.mark.parametrize("status", [200, 201, 301, 302, 307, 308, 400, 404, 410, 429, 500, 503])
def test_the_status_is_told_and_a_redirect_is_not_followed(status: int) -> None:
    with Hook() as elsewhere, Hook(lambda _: (status, {"Location": elsewhere.url, "Set-Cookie": "a=b"})) as hook:
        one = caller()
        assert one.post(hook.url, HEADERS, BODY).status == status
        assert one.post(hook.url, HEADERS, BODY).status == status
        one.hang_up()

    assert (len(hook.calls), len(elsewhere.calls)) == (2, 0)
    assert not any("Cookie" in call.headers for call in hook.calls)


@pytest.mark.parametrize(
    ("value", "seconds"), [("120", 120), ("0", 0), ("-1", 0), ("soon", 0), ("1.5", 0), ("9" * 200, 1e100)]
)
def test_how_long_it_wants_to_be_left_alone_is_told(value: str, seconds: float) -> None:
    with Hook(lambda _: (503, {"Retry-After": value})) as hook:
        assert post(hook.url).retry_after == pytest.approx(seconds, rel=0.5)


def test_or_until_when() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=900), usegmt=True)
    with Hook(lambda _: (429, {"Retry-After": until})) as hook:
        assert 800 < post(hook.url).retry_after <= 900


def test_calls_that_follow_each_other_share_a_connection() -> None:
    with Hook() as hook:
        one = caller()
        for _ in range(3):
            one.post(hook.url, HEADERS, BODY)
        one.hang_up()
        one.post(hook.url, HEADERS, BODY)
        one.hang_up()

    assert hook.connections == [3, 1]


def test_a_connection_that_is_gone_is_made_anew_at_once() -> None:
    def once(connection: socket.socket) -> None:
        heard(connection)
        connection.sendall(OK)

    with Wild(once) as partner:
        one = caller()
        assert [one.post(partner.url, HEADERS, BODY).status for _ in range(3)] == [200] * 3
        one.hang_up()
        assert partner.connections == 3


def test_an_answer_to_what_was_not_asked_is_thrown_away_with_its_connection() -> None:
    with Wild(answering(OK + OK.replace(b"200", b"410"))) as partner:
        one = caller()
        assert [one.post(partner.url, HEADERS, BODY).status for _ in range(2)] == [200] * 2
        one.hang_up()
        assert partner.connections == 2


def test_nobody_there() -> None:
    with socket.socket() as taken:  # so that nobody else listens there
        taken.bind(("127.0.0.1", 0))
        assert why_not(f"http://127.0.0.1:{taken.getsockname()[1]}/") == "connection"


def test_who_says_nothing_is_cut() -> None:
    with Wild(answering(b"")) as partner:
        began = time.monotonic()
        assert why_not(partner.url, SHORT) == "timeout"
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_a_head_that_comes_drop_by_drop_is_cut_in_the_time_of_the_whole_call(first: bytes) -> None:
    with Wild(dripping(first, b"x")) as partner:
        began = time.monotonic()
        assert why_not(partner.url, SHORT) in {"timeout", "protocol"}
        assert time.monotonic() - began < SOON


def test_a_body_that_comes_drop_by_drop_is_cut_and_the_status_counts() -> None:
    with Wild(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n", b"x")) as partner:
        began = time.monotonic()
        # the head must come in this time, also from a busy machine
        assert post(partner.url, 5 * SHORT).status == 200
        assert time.monotonic() - began < SOON


@pytest.mark.parametrize("head", [b"Content-Length: 1000000000\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_a_body_without_end_is_not_read_to_its_end(head: bytes) -> None:
    sent = 0

    def talk(connection: socket.socket) -> None:
        nonlocal sent
        heard(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        piece = b"1000\r\n" + b"x" * 4096 + b"\r\n" if b"chunked" in head else b"x" * 4096
        while True:
            connection.sendall(piece)
            sent += len(piece)

    with Wild(talk) as partner:
        assert post(partner.url).status == 200
        time.sleep(0.1)
        assert sent < 16 * 1024 * 1024


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 20_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
        b"HTTP/1.1 200 " + b"x" * 100_000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01" + bytes(100),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_none(data: bytes) -> None:
    with Wild(answering(data)) as partner:
        assert why_not(partner.url) == "protocol"


def test_an_interim_answer_is_none_yet() -> None:
    with Wild(answering(b"HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n" + OK)) as partner:
        assert post(partner.url) == Answer(status=200)


def test_who_hangs_up_has_not_answered() -> None:
    with Wild(lambda connection: (heard(connection), None)[1]) as partner:
        assert why_not(partner.url) == "closed"


def test_who_reads_nothing_is_cut() -> None:
    ended = threading.Event()

    def stay(_: socket.socket) -> None:
        ended.wait(3 * SOON)

    with Wild(stay) as partner:
        one = caller()
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="timeout"):
            one.post(partner.url, HEADERS, bytes(50_000_000), SHORT)
        assert time.monotonic() - began < SOON
        ended.set()
