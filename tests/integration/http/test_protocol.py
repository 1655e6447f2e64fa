"""HTTP as its standards (RFC 9110, 9112) want it, and nothing that a proxy could read otherwise than the service."""

import json
import time
import uuid
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.runtime.auth import Role
from shared.runtime.draft import MAX_BODY, MAX_HEAD, MAX_PIPELINED
from tests.integration.http.document import DOCUMENT
from tests.integration.http.wire import Wire
from tests.support.system import System

HOST = "Host: niangjia.example\r\n"


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Intake alone; it must go through all that is done to it here without a word."""
    folder: Path = tmp_path_factory.mktemp("intake")
    with System(folder, services={"intake": "services.intake.service"}) as system:
        system.start_all()
        pid = system.pid("intake")
        yield system
        system.wait_until_well("intake")
        log = system.log_file("intake").read_text(errors="replace")
        assert system.pid("intake") == pid
        assert "Traceback" not in log
        assert '"error"' not in log


@pytest.fixture
def wire(intake: System) -> Iterator[Wire]:
    with Wire(intake.ports["intake"]) as connection:
        yield connection


@pytest.fixture
def bearer(intake: System) -> str:
    """The header by which an operator comes in."""
    return f"Authorization: Bearer {intake.token(Role.OPERATOR)}\r\n"


def report(**changes: Any) -> bytes:
    sent = {
        "report_key": str(uuid.uuid4()),
        "channel": "visit",
        "received_at": "2026-03-02T09:14:00+08:00",
        "district": "330302",
        "narrative": "来访。",
    }
    return json.dumps({**sent, **changes}).encode()


def get(path: str, headers: str, method: str = "GET") -> str:
    return f"{method} {path} HTTP/1.1\r\n{HOST}{headers}\r\n"


def post(headers: str, body: bytes) -> bytes:
    return f"POST /reports HTTP/1.1\r\n{HOST}{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def stored(intake: System) -> int:
    return intake.database("intake")["report"].count_documents({})


# methods

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
PATHS = [path for path, item in DOCUMENT["paths"].items() if item["servers"][0]["description"] == "intake"]


def allowed(path: str) -> set[str]:
    methods = {method.upper() for method in DOCUMENT["paths"][path] if method != "servers"}
    return methods | ({"HEAD"} if "GET" in methods else set())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", sorted(METHODS - {"HEAD"}))
def test_a_method_that_is_not_taken_is_answered_with_those_that_are(
    wire: Wire, bearer: str, path: str, method: str
) -> None:
    wire.send(get(path.replace("{case_id}", "x"), bearer, method))
    answer = wire.answer()

    assert (answer.status == 405) is (method not in allowed(path))
    if answer.status == 405:
        assert answer.problem["type"] == "urn:niangjia:problem:no-such-method"
        assert set(answer.headers["allow"].split(", ")) == allowed(path)


def test_head_is_get_without_the_content(wire: Wire, bearer: str) -> None:
    wire.send(get("/health", bearer), get("/health", bearer, "HEAD"), get("/health", bearer))
    whole, head, after = wire.answer(), wire.answer(head_only=True), wire.answer()

    assert (whole.status, head.status, after.status) == (200, 200, 200)
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert after.body == whole.body


@pytest.mark.parametrize(("path", "status"), [("/health", 401), ("/nowhere", 404), ("/reports", 405)])
def test_a_refused_head_has_no_content_either(wire: Wire, bearer: str, path: str, status: int) -> None:
    wire.send(get(path, "", "HEAD"), get("/health", bearer))

    assert wire.answer(head_only=True).status == status
    assert wire.answer().status == 200


def test_an_address_that_is_not_there_is_not_found(wire: Wire, bearer: str) -> None:
    wire.send(get("/nowhere", bearer), get("/reports/", bearer), get("*", bearer, "OPTIONS"))

    for _ in range(3):
        assert wire.answer().problem["type"] == "urn:niangjia:problem:no-such-address"


def test_an_answer_says_when_it_was_given_and_is_kept_nowhere(wire: Wire, bearer: str) -> None:
    asked_at = int(time.time())  # the answer names whole seconds
    wire.send(get("/health", bearer))
    headers = wire.answer().headers

    assert asked_at <= parsedate_to_datetime(headers["date"]).timestamp() <= time.time()
    assert headers["cache-control"] == "no-store"


def test_an_address_may_name_the_server(wire: Wire, bearer: str) -> None:
    wire.send(get("http://niangjia.example/health", bearer), get("HTTP://niangjia.example/cases?limit=1", bearer))

    assert [wire.answer().status, wire.answer().status] == [200, 200]


# connections


def test_a_connection_is_kept(wire: Wire, bearer: str) -> None:
    for _ in range(3):
        wire.send(get("/health", bearer))
        assert wire.answer().status == 200


def test_a_connection_ends_where_the_client_says_so(wire: Wire, bearer: str) -> None:
    wire.send(get("/health", bearer + "Connection: close\r\n"))

    assert wire.answer().headers["connection"] == "close"
    assert wire.has_ended()


def test_a_connection_of_the_old_kind_ends_after_its_request(wire: Wire, bearer: str) -> None:
    wire.send(f"GET /health HTTP/1.0\r\n{bearer}\r\n")

    assert wire.answer().status == 200
    assert wire.has_ended()


def test_requests_sent_at_once_are_answered_in_their_order(wire: Wire, bearer: str) -> None:
    bodies = [report() for _ in range(20)]
    wire.send(b"".join(part for body in bodies for part in (post(bearer, body), get("/nowhere", bearer).encode())))

    for body in bodies:
        told = json.loads(wire.answer().body)
        assert told["report_key"] == json.loads(body)["report_key"]
        assert wire.answer().status == 404


def test_too_many_requests_at_once_are_refused_after_the_first_were_answered(wire: Wire, bearer: str) -> None:
    wire.send(get("/health", bearer) * (MAX_PIPELINED + 5))
    statuses = [wire.answer().status for _ in range(MAX_PIPELINED)]

    assert set(statuses) == {200}
    assert wire.answer().problem["status"] == 429
    assert wire.has_ended()


def test_a_request_may_come_in_pieces(wire: Wire, bearer: str) -> None:
    body = report()
    for byte in post(bearer, body):
        wire.send(bytes([byte]))

    assert wire.answer().status == 201


def test_a_slow_head_is_waited_for(wire: Wire, bearer: str) -> None:
    for line in get("/health", bearer).splitlines(keepends=True):
        time.sleep(0.3)
        wire.send(line)

    assert wire.answer().status == 200


def test_one_that_sends_half_a_request_hinders_nobody(intake: System, wire: Wire, bearer: str) -> None:
    with Wire(intake.ports["intake"]) as slow, Wire(intake.ports["intake"]) as slower:
        slow.send(f"POST /reports HTTP/1.1\r\n{HOST}{bearer}Content-Length: 100\r\n\r\n{{")
        slower.send("GET /hea")
        wire.send(get("/health", bearer))
        assert wire.answer().status == 200


def test_a_wish_for_another_protocol_is_passed_over(intake: System, wire: Wire, bearer: str) -> None:
    upgrade = bearer + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    wire.send(get("/health", upgrade))
    assert wire.answer().status == 200
    assert wire.has_ended()

    with Wire(intake.ports["intake"]) as other:
        other.send(post(upgrade, report()))
        assert other.answer().problem["status"] == 400
        assert other.has_ended()


# bodies


def test_a_body_may_come_in_chunks(wire: Wire, bearer: str) -> None:
    body = report()
    head = f"POST /reports HTTP/1.1\r\n{HOST}{bearer}Transfer-Encoding: Chunked\r\n\r\n"
    wire.send(head, chunked(body[:10], body[10:50], body[50:]), get("/health", bearer))

    assert wire.answer().status == 201
    assert wire.answer().status == 200


def test_a_trailer_opens_no_door(wire: Wire, bearer: str) -> None:
    body = report()
    head = f"POST /reports HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n"
    wire.send(head, chunked(body)[:-2], bearer, "\r\n")

    assert wire.answer().status == 401


def test_a_client_that_waits_for_a_word_gets_it(wire: Wire, bearer: str) -> None:
    body = report()
    head, _, _ = post(f"{bearer}Expect: 100-continue\r\n", body).partition(b"\r\n\r\n")
    wire.send(get("/health", bearer), head, "\r\n\r\n")

    assert wire.answer().status == 200
    assert wire.answer().status == 100
    wire.send(body)
    assert wire.answer().status == 201


def test_a_client_that_does_not_wait_for_the_word_is_answered(wire: Wire, bearer: str) -> None:
    wire.send(post(f"{bearer}Expect: 100-continue\r\n", report()), get("/health", bearer))

    assert wire.answer().status == 201
    assert wire.answer().status == 200


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(wire: Wire, bearer: str) -> None:
    wire.send(f"POST /reports HTTP/1.1\r\n{HOST}{bearer}Expect: 100-continue\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n")

    assert wire.answer().problem["status"] == 413
    assert wire.has_ended()


@pytest.mark.parametrize("path", ["/reports", "/reports/batch", "/health", "/nowhere"])
@pytest.mark.parametrize("announced", [f"Content-Length: {MAX_BODY}", "Transfer-Encoding: chunked"])
def test_a_stranger_sends_no_large_body(wire: Wire, path: str, announced: str) -> None:
    wire.send(f"POST {path} HTTP/1.1\r\n{HOST}Expect: 100-continue\r\n{announced}\r\n\r\n")

    assert wire.answer().status in {401, 404, 405}
    assert wire.has_ended()


def test_a_role_that_may_not_post_sends_no_large_body(intake: System, wire: Wire) -> None:
    bearer = f"Authorization: Bearer {intake.token(Role.AUDITOR)}\r\n"
    wire.send(f"POST /reports HTTP/1.1\r\n{HOST}{bearer}Content-Length: {MAX_BODY}\r\n\r\n", b" " * 500_000)

    assert wire.answer().problem["status"] == 403
    assert wire.has_ended()


@pytest.mark.parametrize("how", ["at once", "in chunks"])
def test_a_client_that_sends_too_much_reads_why(intake: System, how: str) -> None:
    parts = [b" " * 1024 * 1024] * (MAX_BODY // 1024 // 1024 + 2)
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{intake.url('intake')}/reports",
            data=b"".join(parts) if how == "at once" else iter(parts),
            headers={"Authorization": f"Bearer {intake.token(Role.OPERATOR)}"},
            timeout=60,
        )

    assert answer.status_code == 413
    assert answer.json()["detail"] == f"the body is larger than {MAX_BODY} bytes"


def test_a_large_body_within_the_limit_is_read(wire: Wire, bearer: str) -> None:
    wire.send(post(bearer, report(narrative="x" * 2_000_000)))
    answer = wire.answer()

    assert answer.status == 422
    assert [one["field"] for one in answer.problem["errors"]] == ["narrative"]


@pytest.mark.parametrize("where", ["address", "name", "value", "many"])
def test_a_head_that_is_too_large_is_refused(wire: Wire, bearer: str, where: str) -> None:
    long = "x" * (MAX_HEAD + 1)
    headers = {"name": f"{long}: 1\r\n", "value": f"x: {long}\r\n", "many": "x: 12345678\r\n" * (MAX_HEAD // 9 + 1)}
    wire.send(get(f"/{long}" if where == "address" else "/health", bearer + headers.get(where, "")))

    assert wire.answer().problem["status"] == 431
    assert wire.has_ended()


# what two programs could read differently

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
TWO_WAYS = {
    "a length and chunks": "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 0\r\nContent-Length: 3\r\n\r\n",
    "the same length twice": "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": "Content-Length: 3, 3\r\n\r\nabc",
    "a length with a sign": "Content-Length: +3\r\n\r\nabc",
    "a length below zero": "Content-Length: -3\r\n\r\nabc",
    "a length in other digits": "Content-Length: \u0663\r\n\r\nabc",
    "a length without end": "Content-Length: 99999999999999999999999\r\n\r\nabc",
    "a length with a space before the colon": "Content-Length : 3\r\n\r\nabc",
    "an unknown coding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding that is not undone": "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunks that are not last": "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "two codings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no coding": "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a coding behind a control character": "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a chunk that is longer than it says": "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    "a chunk of a length below zero": "Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n",
    "a chunk of a length with a prefix": "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "chunks without carriage returns": "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
    "a header over two lines": "X: a\r\n Content-Length: 3\r\n\r\n",
    "a header that ends in a bare carriage return": "X: a\rContent-Length: 3\r\n\r\nabc",
    "a header with a NUL": "X: a\x00b\r\n\r\n",
    "a header without a name": ": a\r\n\r\n",
    "two hosts": "Host: y\r\n\r\n",
}


@pytest.mark.parametrize("sent", TWO_WAYS.values(), ids=TWO_WAYS)
def test_what_can_be_read_in_two_ways_is_read_in_none(intake: System, wire: Wire, bearer: str, sent: str) -> None:
    before = stored(intake)
    wire.send(f"POST /reports HTTP/1.1\r\n{HOST}{bearer}{sent}", SMUGGLED)
    answer = wire.answer()

    assert answer.status in {400, 501}
    assert answer.problem["detail"]
    assert answer.headers["connection"] == "close"
    assert wire.has_ended(), "what was smuggled in is answered too"
    assert stored(intake) == before


def test_two_tokens_are_none(intake: System, wire: Wire, bearer: str) -> None:
    wire.send(get("/health", bearer + f"Authorization: Bearer {intake.token(Role.ADMIN)}\r\n"))

    assert wire.answer().problem["status"] == 400
    assert wire.has_ended()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("GET /health HTTP/1.1\r\n\r\n", 400),
        ("GET /health\r\n\r\n", 400),
        ("GET /health HTTP/1.2\r\n\r\n", 400),
        ("GET /health HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("BREW /health HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET /health HTTP/1.1\nHost: x\n\n", 400),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        ("{}\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_ends(wire: Wire, sent: str, status: int) -> None:
    wire.send(sent)

    assert wire.answer().problem["status"] == status
    assert wire.has_ended()


def test_a_tunnel_is_not_dug(wire: Wire, bearer: str) -> None:
    wire.send(f"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n{bearer}\r\nSSH-2.0-x\r\n")

    assert wire.answer().problem["status"] == 404
    assert wire.has_ended()
