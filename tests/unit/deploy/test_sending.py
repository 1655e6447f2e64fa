"""A service that answers, refuses, and goes away: played by a server of the standard library."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy import sending
from deploy.home import Home
from deploy.lines import LINES_AT_ONCE, Line
from deploy.problem import Problem
from deploy.sending import Reply, Sending
from shared.runtime.auth import Role

#: Answers a body of lines with a status and a body.
Answering = Callable[[Sequence[bytes]], tuple[int, bytes]]


def accept(lines: Sequence[bytes]) -> tuple[int, bytes]:
    """Accept every line, but refuse those that say so."""
    answers: list[Mapping[str, Any]] = [
        {"line": n, "status": 422, "errors": [{"field": "x", "reason": "bad"}]}
        if line == b'"bad"'
        else {"line": n, "status": 201, "id": line.decode()}
        for n, line in enumerate(lines, start=1)
    ]
    return 200, "".join(f"{json.dumps(answer)}\n" for answer in answers).encode()


class Service:
    """Answers as it is told; remembers what came."""

    def __init__(self) -> None:
        self.answering: list[Answering] = []
        self.bodies: list[list[bytes]] = []
        self.lock = threading.Lock()

    def answer(self, body: bytes) -> tuple[int, bytes]:
        lines = body.splitlines()
        with self.lock:
            self.bodies.append(lines)
            answering = self.answering.pop(0) if self.answering else accept
        return answering(lines)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    played = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, body = played.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setenv("NIANGJIA_INTAKE_URL", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield played
        server.shutdown()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "token.key").write_text("ab" * 32)
    monkeypatch.delenv("NIANGJIA_SECRETS", raising=False)
    monkeypatch.setattr(sending, "_PAUSES", (0.01, 0.02))
    # a slow moment of the machine is no reason to speak again
    monkeypatch.setattr(sending, "_QUIET", 60.0)
    return Home.at(tmp_path)


def lines(number: int) -> list[Line]:
    return [Line(file="f", number=n, content=f'"{n}"'.encode()) for n in range(1, number + 1)]


def sent(home: Home, what: Sequence[Line], said: list[str], concurrency: int = 1, patience: float = 60) -> list[Reply]:
    way = Sending(home, "intake", "/batch", role=Role.OPERATOR, patience=patience, say=said.append)
    return list(way.send(what, concurrency=concurrency))


def test_every_line_has_its_reply_in_order(home: Home, service: Service) -> None:
    what = lines(2 * LINES_AT_ONCE + 5)

    replies = sent(home, what, [])

    assert [reply.line for reply in replies] == what
    assert all(reply.accepted for reply in replies)
    assert [line for body in service.bodies for line in body] == [line.content for line in what]


def test_with_several_connections_replies_still_stand_in_order(home: Home, service: Service) -> None:
    what = lines(20 * LINES_AT_ONCE)

    replies = sent(home, what, [], concurrency=4)

    assert [reply.line for reply in replies] == what
    assert [reply.content["id"] for reply in replies] == [line.content.decode() for line in what]


def test_what_cannot_be_a_line_is_refused_here(home: Home, service: Service) -> None:
    broken = Line(file="f", number=2, content=b'{"a":\r1}')
    large = Line(file="f", number=3, content=b'"' + b"x" * (16 * 1024 * 1024) + b'"')
    bad = Line(file="f", number=4, content=b'"bad"')

    replies = sent(home, [*lines(1), broken, large, bad], [])

    assert [reply.status for reply in replies] == [201, 400, 413, 422]
    assert [line for body in service.bodies for line in body] == [b'"1"', b'"bad"']
    assert "carriage return" in replies[1].content["errors"][0]["reason"]


def test_the_same_line_twice_has_two_replies(home: Home, service: Service) -> None:
    assert len(sent(home, [*lines(3), *lines(3)], [])) == 6


def test_a_service_that_cannot_answer_now_is_asked_again(home: Home, service: Service) -> None:
    def away(_: Sequence[bytes]) -> tuple[int, bytes]:
        return 503, b'{"detail": "the database is away"}'

    service.answering = [away, away]
    said: list[str] = []

    replies = sent(home, lines(3), said)

    assert [reply.accepted for reply in replies] == [True] * 3
    assert len(service.bodies) == 3
    assert len(said) == 1  # not at every try
    assert "the database is away" in said[0]
    assert "sending again" in said[0]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_patience_has_an_end(home: Home, monkeypatch: pytest.MonkeyPatch, concurrency: int) -> None:
    monkeypatch.setenv("NIANGJIA_INTAKE_URL", "http://127.0.0.1:1")

    with pytest.raises(Problem, match=r"does not answer .* \(waited 0.1 s\)"):
        sent(home, lines(5 * LINES_AT_ONCE), [], concurrency, patience=0.1)


@pytest.mark.parametrize(("status", "remedy"), [(401, "NIANGJIA_SECRETS"), (403, "doctor"), (500, "doctor")])
def test_a_refusal_of_all_is_an_error(home: Home, service: Service, status: int, remedy: str) -> None:
    service.answering = [lambda _: (status, b'{"detail": "no"}')]

    with pytest.raises(Problem, match=rf"refuses with {status} \(no\); .*{remedy}"):
        sent(home, lines(1), [])


def test_a_request_that_is_too_large_refuses_its_lines_only(home: Home, service: Service) -> None:
    service.answering = [lambda _: (413, b"")]

    replies = sent(home, lines(LINES_AT_ONCE + 1), [])

    assert {reply.status for reply in replies[:LINES_AT_ONCE]} == {413}
    assert replies[-1].accepted
