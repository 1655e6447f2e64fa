"""Whatever is sent, the service says what is wrong with it, keeps nothing of it, and goes on."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.runtime.auth import Role
from tests.integration.http import rubbish
from tests.integration.http.caller import Caller, Reply
from tests.support.system import System

INVALID = rubbish.lines("invalid")
VALID = rubbish.lines("reports")
VOLUNTEERS = rubbish.lines("volunteers")

#: Connections on which one report each is sent at the same moment.
AT_ONCE = 20
EXAMPLES = 500
SEEDS = st.integers(0, 2**64)
GENTLY: dict[str, Any] = {
    "database": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
}


@pytest.fixture
def operator(city: System) -> Iterator[Caller]:
    caller = Caller(city, "intake", city.token(Role.OPERATOR))
    yield caller
    caller.close()


@pytest.fixture(autouse=True)
def _no_harm(city: System) -> Iterator[None]:
    """Every test leaves the same processes behind it, and no traceback in their logs."""
    pids = {service: city.pid(service) for service in city.modules}
    yield
    city.wait_until_well(*city.modules)
    assert {service: city.pid(service) for service in city.modules} == pids
    for service in city.modules:
        log = city.log_file(service).read_text(errors="replace")
        assert "Traceback" not in log
        assert '"raised"' not in log
        assert "request failed" not in log


def stored(city: System) -> dict[str, int]:
    """Return how many documents each service keeps of each kind."""
    counts = {
        f"{service}.{name}": city.database(service)[name].count_documents({})
        for service in city.modules
        for name in sorted(city.database(service).list_collection_names())
        if name not in {"relay", "streams"}
    }
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize("line", INVALID, ids=[line["case"] for line in INVALID])
def test_an_invalid_report_is_refused_with_its_reason(city: System, operator: Caller, line: dict[str, Any]) -> None:
    before = stored(city)
    sent = rubbish.spelled_out(line["input"])
    body = sent.encode() if isinstance(sent, str) else json.dumps(sent, ensure_ascii=False).encode()
    reply = operator.ask("POST", "/reports", body)

    assert reply is not None
    assert 400 <= reply.status < 500
    assert line["error_mentions"] in reply.body.decode()
    assert reply.headers["content-type"] == "application/problem+json"
    assert stored(city) == before


@pytest.mark.parametrize("line", INVALID[:10], ids=[line["case"] for line in INVALID[:10]])
def test_an_invalid_line_harms_no_other_of_its_batch(operator: Caller, line: dict[str, Any]) -> None:
    good = {**VALID[0], "report_key": f"beside {line['case']}"}
    bad = rubbish.spelled_out(line["input"])
    body = b"\n".join(json.dumps(one).encode() for one in (bad, good, bad))
    reply = operator.ask("POST", "/reports/batch", body)

    assert reply is not None
    first, second, third = (json.loads(answer) for answer in reply.body.splitlines())
    assert (first["status"], second["status"], third["status"]) == (422, 201, 422)
    assert line["error_mentions"] in json.dumps(first)


def test_a_refusal_quotes_nothing_of_what_was_sent(operator: Caller) -> None:
    secret = "13800000042"
    for report in (
        {**VALID[0], "client": {"name": 7, "phone": f"{secret}\x00"}, "category": secret, "narrative": ["李四"]},
        {**VALID[0], "received_at": secret, "children": secret, "consent": {"agencies": [secret]}},
    ):
        reply = operator.ask("POST", "/reports", json.dumps(report).encode())
        assert reply is not None
        assert reply.status == 422
        assert secret not in reply.body.decode()
        assert "李四" not in reply.body.decode()


@pytest.fixture
def operators(city: System) -> Iterator[list[Caller]]:
    token = city.token(Role.OPERATOR)
    callers = [Caller(city, "intake", token) for _ in range(AT_ONCE)]
    yield callers
    for caller in callers:
        caller.close()


@settings(max_examples=EXAMPLES, **GENTLY)
@given(seed=SEEDS)
def test_no_report_brings_a_service_down(operators: list[Caller], seed: int) -> None:
    random = Random(seed)
    bodies = [rubbish.anything(random, VALID) for _ in operators]
    for caller, body in zip(operators, bodies, strict=True):
        caller.begin(caller.request("POST", "/reports", body))
    for caller, body in zip(operators, bodies, strict=True):
        assert_honest(caller.end(), body)


@settings(max_examples=60, **GENTLY)
@given(seed=SEEDS)
def test_no_batch_brings_a_service_down(city: System, operator: Caller, seed: int) -> None:
    random = Random(seed)
    registrar = Caller(city, "volunteer", city.token(Role.COORDINATOR))
    for caller, path, valid in ((operator, "/reports/batch", VALID), (registrar, "/volunteers/batch", VOLUNTEERS)):
        lines = [rubbish.anything(random, valid).replace(b"\n", b" ") for _ in range(20)]
        reply = caller.ask("POST", path, b"\n".join(lines))
        assert_honest(reply, b"\n".join(lines))
        if reply and reply.status == 200:
            assert all(json.loads(answer)["status"] < 500 for answer in reply.body.splitlines())
    registrar.close()


@settings(max_examples=100, **GENTLY)
@given(seed=SEEDS)
def test_no_question_of_a_service_brings_intake_down(city: System, seed: int) -> None:
    random = Random(seed)
    valid = [
        {"receipts": ["abc", "def"]},
        {"items": [{"case_id": "0" * 36, "purpose": "client_notice", "audience": "client", "channel": "sms"}]},
        {
            "items": [
                {
                    "case_id": "00000000-0000-7000-8000-000000000000",
                    "audience": "police",
                    "purpose": "protect",
                    "basis": "life",
                    "fields": ["client.name", "narrative"],
                }
            ]
        },
    ]
    service = Caller(city, "intake", city.token(Role.SERVICE))
    for path in ("/contacts", "/disclosures", "/identities"):
        body = rubbish.anything(random, valid)
        assert_honest(service.ask("POST", path, body), body)
    service.close()


@settings(max_examples=1_000, **GENTLY)
@given(seed=SEEDS)
def test_no_request_however_odd_brings_a_service_down(city: System, seed: int) -> None:
    random = Random(seed)
    """Each on a connection of its own: after most of these nobody can say where the next request would begin."""
    service = random.choice(sorted(city.modules))
    caller = Caller(city, service, city.token(random.choice(list(Role))))
    method, headers = random.choice(rubbish.METHODS), random.choice(rubbish.HEADERS)
    target = random.choice(rubbish.PATHS) + random.choice(rubbish.QUERIES)
    body = random.choice([b"", b"{}", b"0\r\n\r\n", b"zz\r\n{}\r\n0\r\n\r\n", rubbish.anything(random, VALID)])
    sent = caller.request(method, target, body, {**headers, "Connection": "close"})
    if random.random() < 0.2:
        sent = rubbish.broken(random, sent)
    reply = caller.send_all_there_is(sent, head_only=method == "HEAD")
    if reply is not None:
        assert reply.status < 500, sent


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /reports HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /reports HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"GET /health HTTP/0.9\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_request_of_this_protocol_is_the_client_s_fault(city: System, sent: bytes) -> None:
    reply = Caller(city, "intake").send_all_there_is(sent)

    assert reply is not None
    assert reply.status == 400


def test_head_is_answered_without_a_body_and_the_connection_goes_on(operator: Caller) -> None:
    for _ in range(3):
        reply = operator.ask("HEAD", "/health")
        assert reply is not None
        assert reply.status in {200, 405}


def assert_honest(reply: Reply | None, body: bytes) -> None:
    assert reply is not None, body[:2_000]
    assert reply.status < 500, (reply, body[:2_000])
    if reply.status >= 400:
        told = json.loads(reply.body)
        assert told["status"] == reply.status
        assert told["detail"]
