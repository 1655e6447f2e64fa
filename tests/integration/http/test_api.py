"""What a client sees: answers, refusals, pages, districts, roles; each as the reference says."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from itertools import count
from typing import Any

import jwt
import pytest
import requests

from shared.runtime.auth import HOUSE, Role
from shared.runtime.variables import SERVICES
from tests.integration.http.document import DOCUMENT, checked
from tests.support.system import Client, System

COUNTY = "330302"
TOWNSHIP, VILLAGE, HAMLET = "330302004", "330302004012", "33030200401203"
_number = count(1)


class Person:
    """Asks in a role; every answer is held to the reference."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, path: str, service: str = "intake", **options: Any) -> requests.Response:
        return checked(self._client.get(service, path, **options))

    def post(self, path: str, content: Any, service: str = "intake", **options: Any) -> requests.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return checked(self._client.post(service, path, data=body, **options))

    def post_lines(self, path: str, lines: list[Any], service: str = "intake") -> list[dict[str, Any]]:
        body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        return [json.loads(line) for line in self.post(path, body, service).text.splitlines()]


def person(city: System, role: Role, district: str = "") -> Person:
    return Person(city.client(role, district))


def report(**changes: Any) -> dict[str, Any]:
    """Return a report of a client whom nobody knows yet."""
    n = next(_number)
    sent = {
        "report_key": f"test-{n}-{uuid.uuid4()}",
        "channel": "hotline_12338",
        "received_at": "2026-03-02T09:14:00+08:00",
        "district": VILLAGE,
        "reporter": {"role": "self", "name": f"来电人{n}", "phone": f"1380001{n:04}"},
        "narrative": f"第{n}次来电。",
        **changes,
    }
    return {name: value for name, value in sent.items() if value is not None}


def problem(response: requests.Response, status: int, slug: str) -> dict[str, Any]:
    """Return the problem document of an answer that must be this refusal."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert (document["status"], document["type"]) == (status, f"urn:niangjia:problem:{slug}")
    return document


@pytest.fixture
def operator(city: System) -> Person:
    return person(city, Role.OPERATOR)


@pytest.fixture
def caseworker(city: System) -> Person:
    return person(city, Role.CASEWORKER)


def disclosures(city: System, case_id: str) -> list[dict[str, Any]]:
    """Return what intake wrote down of disclosures about a case."""
    entries = city.database("intake")["journal"].find({"events.type": "identity.disclosed"}).sort("_id", 1)
    return [json.loads(one["data"]) for entry in entries for one in entry["events"] if one["case"] == case_id]


# reports


def test_a_report_is_answered_with_its_case(operator: Person) -> None:
    sent = report(category="domestic_violence", risk_factors=["threat_to_kill", "weapon_used"])
    answer = operator.post("/reports", sent)

    assert answer.status_code == 201
    told = answer.json()
    assert set(told) == {"report_id", "report_key", "case_id", "opens_case", "grade", "reasons", "escalated"}
    assert told["report_key"] == sent["report_key"]
    assert (told["grade"], told["opens_case"], told["escalated"]) == ("red", True, True)
    assert told["reasons"][0] == "threat_to_kill_and_weapon"


def test_the_same_report_again_is_answered_the_same(operator: Person) -> None:
    sent = report()
    first = operator.post("/reports", sent)
    other_order = dict(reversed(list(sent.items())))
    again = operator.post("/reports", {**other_order, "category": None})

    assert (again.status_code, again.content) == (201, first.content)


def test_the_same_key_with_other_content_is_a_conflict_and_the_first_stands(
    operator: Person, caseworker: Person
) -> None:
    sent = report(immediate_danger=False)
    first = operator.post("/reports", sent)
    told = problem(operator.post("/reports", {**sent, "immediate_danger": True}), 409, "report-key-conflict")

    assert told["errors"][0]["field"] == "report_key"
    assert operator.post("/reports", sent).content == first.content
    case = caseworker.get(f"/cases/{first.json()['case_id']}?file=1&purpose=casework").json()
    assert case["immediate_danger"] is False
    assert [one["narrative"] for one in case["reports"]] == [sent["narrative"]]


def test_a_report_joins_the_case_of_the_same_client(operator: Person) -> None:
    first = report(category="marriage_dispute")
    opened = operator.post("/reports", first).json()
    joined = operator.post("/reports", report(reporter=first["reporter"], risk_factors=["strangulation"])).json()

    assert joined["case_id"] == opened["case_id"]
    assert (joined["opens_case"], joined["escalated"], joined["grade"]) == (False, True, "red")


def test_everything_that_is_wrong_is_named_at_once_and_nothing_is_quoted(operator: Person) -> None:
    sent = report(channel="weibo", district="33030A", children=[{"age": 6}, {"age": -1}], victim_name="王小花")
    told = problem(operator.post("/reports", sent), 422, "invalid-input")

    assert {one["field"] for one in told["errors"]} == {"channel", "district", "children.1.age", "victim_name"}
    assert "王小花" not in json.dumps(told, ensure_ascii=False)


@pytest.mark.parametrize("body", [b"", b"{", b'{"channel": "visit", "channel": "court"}', b"\xff"])
def test_what_is_no_json_is_said_to_be_none(operator: Person, body: bytes) -> None:
    problem(operator.post("/reports", body), 400, "invalid-input")


def test_an_object_is_wanted(operator: Person) -> None:
    assert problem(operator.post("/reports", []), 422, "invalid-input")["errors"][0]["field"] == "body"


def test_each_line_of_a_batch_has_its_answer_in_its_order(operator: Person) -> None:
    first, second = report(), report()
    answers = operator.post_lines(
        "/reports/batch",
        [first, b"{", {**first, "narrative": "另一件事。"}, b"", report(channel="weibo"), first, [], second],
    )

    assert [(one["line"], one["status"]) for one in answers] == [
        (1, 201), (2, 400), (3, 409), (5, 422), (6, 201), (7, 422), (8, 201),
    ]  # fmt: skip
    assert answers[0]["report_key"] == answers[4]["report_key"] == first["report_key"]
    assert answers[0]["report_id"] == answers[4]["report_id"]
    assert answers[6]["report_key"] == second["report_key"]
    assert answers[3]["errors"][0]["field"] == "channel"


def test_a_report_in_a_batch_sees_the_one_before_it(operator: Person) -> None:
    first = report()
    answers = operator.post_lines("/reports/batch", [first, report(reporter=first["reporter"])])

    assert [one["opens_case"] for one in answers] == [True, False]
    assert answers[0]["case_id"] == answers[1]["case_id"]


def test_a_batch_without_lines_is_refused(operator: Person) -> None:
    problem(operator.post("/reports/batch", b"\n\n"), 422, "invalid-input")


# cases


def test_a_case_shows_facts_and_nobody(operator: Person) -> None:
    sent = report(category="domestic_violence", wishes=["shelter"], risk_factors=["injury"])
    told = operator.post("/reports", sent).json()
    answer = operator.get(f"/cases/{told['case_id']}")

    case = answer.json()
    assert (case["id"], case["grade"], case["reasons"]) == (told["case_id"], told["grade"], told["reasons"])
    assert (case["district"], case["opened_at"]) == (COUNTY, "2026-03-02T01:14:00Z")
    assert (case["categories"], case["wishes"], case["mediation_barred"]) == (["domestic_violence"], ["shelter"], True)
    for secret in (sent["reporter"]["name"], sent["reporter"]["phone"], sent["narrative"], VILLAGE):
        assert secret not in answer.text


def test_opening_a_file_shows_what_was_reported_and_is_written_down(
    city: System, operator: Person, caseworker: Person
) -> None:
    sent = report(category="psychological")
    case_id = operator.post("/reports", sent).json()["case_id"]
    before = caseworker.get(f"/cases/{case_id}?file=0&purpose=casework").json()
    assert ("reports" in before, disclosures(city, case_id)) == (False, [])

    opened = caseworker.get(f"/cases/{case_id}?file=1&purpose=casework").json()

    (shown,) = opened["reports"]
    assert shown == {**sent, "received_at": "2026-03-02T01:14:00+00:00"}
    (written,) = disclosures(city, case_id)
    assert (written["audience"], written["purpose"], written["basis"]) == ("caseworker", "casework", "duty")
    assert "by" not in written, "who it was is sealed"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_a_file_opens_to_nobody_else(city: System, operator: Person, role: Role) -> None:
    case_id = operator.post("/reports", report()).json()["case_id"]

    problem(person(city, role).get(f"/cases/{case_id}?file=1&purpose=casework"), 403, "forbidden")
    assert disclosures(city, case_id) == []


@pytest.mark.parametrize(
    "query", ["file=1", "file=1&purpose=curiosity", "file=yes&purpose=casework", "file=1&why=casework"]
)
def test_a_file_is_opened_for_a_purpose(city: System, operator: Person, caseworker: Person, query: str) -> None:
    case_id = operator.post("/reports", report()).json()["case_id"]

    problem(caseworker.get(f"/cases/{case_id}?{query}"), 422, "invalid-input")
    assert disclosures(city, case_id) == []


@pytest.mark.parametrize("case_id", [uuid.uuid4(), "x", "%00", "{}", "..%2F..%2Fetc", "王"])
def test_a_case_that_is_not_there_is_not_found(operator: Person, case_id: object) -> None:
    response = operator._client.get("intake", f"/cases/{case_id}")

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.fixture(scope="module")
def cases(city: System) -> dict[str, dict[str, Any]]:
    """Cases of a county that no other test uses, by what is special about them."""
    sender = person(city, Role.OPERATOR)
    sent = {
        "first": report(district="310115", received_at="2026-01-05T09:00:00+08:00", category="poverty_relief"),
        "second": report(district="310115004", received_at="2026-01-06T09:00:00+08:00", category="child_abuse"),
        "third": report(district="310115004012", received_at="2026-01-07T09:00:00+08:00", immediate_danger=True),
        "elsewhere": report(district="310114", received_at="2026-01-08T09:00:00+08:00", category="child_abuse"),
    }
    return {name: sender.post("/reports", each).json() for name, each in sent.items()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("district=310115", ["third", "second", "first"]),
        ("district=3101", ["elsewhere", "third", "second", "first"]),
        ("district=310115004", ["third", "second"]),
        ("district=310115004012", ["third"]),
        ("district=310115005", []),
        ("district=310115&grade=red", ["third", "second"]),
        ("district=310115&grade=blue", ["first"]),
        ("district=3101&category=child_abuse", ["elsewhere", "second"]),
        ("district=310115&child_case=true", ["second"]),
        ("district=310115&child_case=false", ["third", "first"]),
        ("district=310115&category=child_abuse&grade=blue", []),
    ],
)
def test_cases_are_found_newest_first(
    operator: Person, cases: dict[str, dict[str, Any]], query: str, found: list[str]
) -> None:
    answer = operator.get(f"/cases?{query}").json()

    assert [case["id"] for case in answer["cases"]] == [cases[name]["case_id"] for name in found]
    assert answer["next"] is None


def test_pages_follow_each_other_and_the_last_has_no_next(operator: Person, cases: dict[str, dict[str, Any]]) -> None:
    seen, after, pages = [], "", 0
    while pages < 10:
        page = operator.get(f"/cases?district=3101&limit=2{after}").json()
        seen += [case["id"] for case in page["cases"]]
        pages += 1
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert seen == [cases[name]["case_id"] for name in ("elsewhere", "third", "second", "first")]
    assert pages == 2


@pytest.mark.parametrize(
    ("query", "field", "status"),
    [
        ("grade=purple", "grade", 422),
        ("grade=", "grade", 422),
        ("district=33030", "district", 422),
        ("district=", "district", 422),
        ("district=３３０３０２", "district", 422),
        ("district=.*", "district", 422),
        ("limit=0", "limit", 422),
        ("limit=1000", "limit", 422),
        ("after=x", "after", 422),
        ("child_case=yes", "child_case", 422),
        ("colour=red", "colour", 422),
        ("grade=red&grade=blue", "grade", 400),
    ],
)
def test_a_query_that_is_wrong_is_told_where(operator: Person, query: str, field: str, status: int) -> None:
    told = problem(operator.get(f"/cases?{query}"), status, "invalid-input")

    assert [one["field"] for one in told["errors"]] == [field]


# districts


@pytest.mark.parametrize("district", ["33", "3303", COUNTY, TOWNSHIP, VILLAGE, HAMLET])
def test_a_token_opens_its_own_district(city: System, district: str) -> None:
    mine = person(city, Role.OPERATOR, district)
    told = mine.post("/reports", report(district=HAMLET))

    assert told.status_code == 201
    case_id = told.json()["case_id"]
    assert mine.get(f"/cases/{case_id}").json()["id"] == case_id
    assert mine.get("/cases?limit=1").json()["cases"][0]["district"] == COUNTY


@pytest.mark.parametrize("district", ["32", "3304", "330303", "330302005", "330302004013", "33030200401204"])
def test_a_token_for_another_district_sees_nothing_and_posts_nothing(
    city: System, operator: Person, district: str
) -> None:
    case_id = operator.post("/reports", report(district=HAMLET)).json()["case_id"]
    other = person(city, Role.CASEWORKER, district)

    problem(other.get(f"/cases/{case_id}"), 404, "case-unknown")
    problem(other.get(f"/cases/{case_id}?file=1&purpose=casework"), 404, "case-unknown")
    assert disclosures(city, case_id) == []
    assert case_id not in other.get("/cases?limit=999").text
    assert case_id not in other.get(f"/cases?district={COUNTY}&limit=999").text
    problem(other.post("/reports", report(district=HAMLET)), 403, "forbidden")
    (line,) = other.post_lines("/reports/batch", [report(district=HAMLET)])
    assert line["status"] == 403


def test_a_token_reaches_no_report_that_only_names_a_larger_place(city: System, operator: Person) -> None:
    case_id = operator.post("/reports", report(district=COUNTY)).json()["case_id"]
    village = person(city, Role.OPERATOR, VILLAGE)

    problem(village.get(f"/cases/{case_id}"), 404, "case-unknown")
    problem(village.post("/reports", report(district=COUNTY)), 403, "forbidden")


def test_a_list_within_a_district_is_not_widened_by_the_query(city: System, cases: dict[str, dict[str, Any]]) -> None:
    mine = person(city, Role.OPERATOR, "310114")

    assert [one["id"] for one in mine.get("/cases?district=3101").json()["cases"]] == [cases["elsewhere"]["case_id"]]


# roles

EVERY = HOUSE
REPORTERS = {Role.OPERATOR, Role.CASEWORKER, Role.SUPERVISOR, Role.ADMIN}
READERS = {Role.OPERATOR, Role.CASEWORKER, Role.SUPERVISOR, Role.AUDITOR}
OPEN_TO = {
    ("intake", "POST", "/reports"): REPORTERS,
    ("intake", "POST", "/reports/batch"): REPORTERS,
    ("intake", "GET", "/cases"): READERS,
    ("intake", "GET", "/cases/{case_id}"): READERS,
    ("intake", "POST", "/contacts"): {Role.SERVICE},
    ("intake", "POST", "/disclosures"): {Role.SERVICE},
    ("intake", "POST", "/identities"): {Role.SERVICE},
    ("intake", "POST", "/cases/{case_id}/consents/withdrawals"): {Role.OPERATOR, Role.CASEWORKER, Role.SUPERVISOR},
    ("intake", "POST", "/cases/{case_id}/erasure"): {Role.SUPERVISOR},
    ("referral", "GET", "/referrals"): READERS,
    ("volunteer", "POST", "/volunteers/batch"): {Role.COORDINATOR, Role.SUPERVISOR, Role.ADMIN},
    ("feed", "GET", "/agencies"): {Role.ADMIN},
    ("feed", "POST", "/agencies"): {Role.ADMIN},
    ("feed", "GET", "/agencies/{name}"): {Role.ADMIN},
    ("feed", "DELETE", "/agencies/{name}"): {Role.ADMIN},
    ("feed", "GET", "/agencies/{name}/deliveries"): {Role.ADMIN},
    **{
        ("feed", "POST", f"/agencies/{{name}}/{what}"): {Role.ADMIN}
        for what in ("keys", "rehearsals", "replays", "suspension", "webhook")
    },
    ("feed", "GET", "/feeds/{agency}"): {Role.ADMIN, Role.AGENCY},
    ("feed", "GET", "/feeds/{agency}/contract"): {Role.ADMIN, Role.AGENCY},
    **{
        ("feed", "GET", f"/feeds/{{agency}}/{what}"): {Role.AGENCY}
        for what in ("events", "stream", "deliveries/{number}", "deliveries/{number}/fields")
    },
    ("feed", "POST", "/feeds/{agency}/receipts"): {Role.AGENCY},
    ("feed", "POST", "/feeds/{agency}/replays"): {Role.AGENCY},
    **{(name, "GET", "/health"): EVERY for name in SERVICES},
    **{(name, "GET", "/metrics"): {Role.ADMIN, Role.SERVICE, Role.AUDITOR} for name in SERVICES},
}
endpoints = pytest.mark.parametrize(("service", "method", "path"), OPEN_TO, ids=" ".join)


def asked(client: Client | requests.Session, city: System, service: str, method: str, path: str) -> requests.Response:
    url = city.url(service) + re.sub(r"\{\w+\}", lambda _: str(uuid.uuid4()), path)
    session = client._session if isinstance(client, Client) else client
    return session.request(method, url, data=b"" if method == "POST" else None, timeout=60)


def test_the_matrix_holds_every_endpoint() -> None:
    described = {
        (server["description"], method.upper(), path)
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "servers"
        for server in item["servers"]
    }

    assert described == set(OPEN_TO)


@endpoints
@pytest.mark.parametrize("role", list(Role))
def test_an_endpoint_is_open_to_its_roles_alone(city: System, service: str, method: str, path: str, role: Role) -> None:
    response = checked(asked(city.client(role), city, service, method, path))

    if role not in OPEN_TO[service, method, path]:
        assert f"the role {role} may not" in problem(response, 403, "forbidden")["detail"]
    elif role is Role.AGENCY:
        assert "another agency" in problem(response, 403, "forbidden")["detail"]
    else:
        assert response.status_code in {200, 400, 404, 422}


@pytest.fixture
def stranger() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@endpoints
def test_nothing_is_open_without_a_token(
    city: System, stranger: requests.Session, service: str, method: str, path: str
) -> None:
    response = checked(asked(stranger, city, service, method, path))

    problem(response, 401, "unauthorised")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def forged(city: System, kind: str) -> str:
    """Return a token that does not count."""
    key = bytes.fromhex((city.keys / "token.key").read_text())
    claims: dict[str, Any] = {"sub": "she", "role": "operator", "exp": int(time.time()) + 600}
    match kind:
        case "expired":
            return jwt.encode({**claims, "exp": int(time.time()) - 1}, key, "HS256")
        case "of another house":
            return jwt.encode(claims, bytes(32), "HS256")
        case "without signature":
            return jwt.encode(claims, None, "none")
        case "without end":
            return jwt.encode({name: claims[name] for name in ("sub", "role")}, key, "HS256")
        case "of no role":
            return jwt.encode({**claims, "role": "queen"}, key, "HS256")
        case "of no place":
            return jwt.encode({**claims, "district": "33030"}, key, "HS256")
        case "of every place at once":
            return jwt.encode({**claims, "district": ".*"}, key, "HS256")
        case "changed":
            head, _, mark = jwt.encode(claims, key, "HS256").split(".")
            return f"{head}.{jwt.encode({**claims, 'role': 'admin'}, bytes(32), 'HS256').split('.')[1]}.{mark}"
    return kind


@pytest.mark.parametrize(
    "kind",
    ["expired", "of another house", "without signature", "without end", "of no role", "of no place",
     "of every place at once", "changed", "x.y.z", ""],
)  # fmt: skip
def test_a_token_that_does_not_count_opens_nothing(city: System, stranger: requests.Session, kind: str) -> None:
    stranger.headers["Authorization"] = f"Bearer {forged(city, kind)}"
    response = checked(asked(stranger, city, "intake", "GET", "/health"))

    problem(response, 401, "unauthorised")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_scheme_may_be_written_small(city: System, stranger: requests.Session) -> None:
    stranger.headers["Authorization"] = f"bearer {city.token(Role.ADMIN)}"

    assert asked(stranger, city, "intake", "GET", "/health").status_code == 200


# what services ask each other


def test_wishes_and_addresses_are_told_to_services(city: System, operator: Person) -> None:
    service = person(city, Role.SERVICE)
    sent = report(safe_contact={"channels": ["sms"], "hours": "09:00-16:00"})
    silent = report(reporter={"role": "anonymous"})
    told, nobody = (operator.post("/reports", each).json() for each in (sent, silent))
    asked = [
        {"case_id": told["case_id"], "purpose": "client_notice", "audience": "client", "channel": channel}
        for channel in ("sms", "wechat")
    ]
    answer = service.post("/disclosures", {"items": [*asked, {**asked[0], "case_id": nobody["case_id"]}]}).json()

    assert [one["to"] for one in answer["items"]] == [sent["reporter"]["phone"], None, None]
    assert [one["why_not"] for one in answer["items"]] == [None, "no_longer_safe", "no_address"]
    assert len(disclosures(city, told["case_id"])) == 1
    assert service.post("/contacts", {"receipts": ["unknown"]}).json() == {"contacts": [None]}
    problem(service.post("/disclosures", {"items": [{**asked[0], "channel": "fax"}]}), 422, "invalid-input")


def test_volunteers_are_registered_line_by_line(city: System) -> None:
    coordinator = person(city, Role.COORDINATOR)
    record = {"id": "v900", "name": "周某", "skills": ["law"], "districts": [COUNTY], "capacity": 1, "active": True}
    answers = coordinator.post_lines(
        "/volunteers/batch", [record, {**record, "id": "nobody!"}, {**record, "capacity": 2}], "volunteer"
    )

    assert [(one["line"], one["status"]) for one in answers] == [(1, 201), (2, 422), (3, 201)]
    assert answers[0]["volunteer_id"] == "v900"


# health and figures


@pytest.mark.parametrize("service", ["intake", "referral", "volunteer", "notification"])
def test_a_service_says_that_it_is_well(city: System, service: str) -> None:
    answer = person(city, Role.OPERATOR).get("/health", service).json()

    assert answer == {"service": service, "status": "ok", "ailing": []}


def test_figures_name_nobody(city: System, operator: Person) -> None:
    sent = report()
    told = operator.post("/reports", sent).json()
    operator.get(f"/cases/{told['case_id']}")
    response = person(city, Role.AUDITOR).get("/metrics")

    assert response.headers["Content-Type"].startswith("text/plain")
    assert 'niangjia_http_requests_total{method="POST",route="/reports",status="201"}' in response.text
    assert 'route="/cases/<case_id>"' in response.text
    # what stands behind the point of a figure was measured: its digits are those of a county now and then
    shown = re.sub(r"\.\d+(e[+-]\d+)?$", "", response.text, flags=re.MULTILINE)
    for secret in (*told.values(), *sent["reporter"].values(), sent["narrative"], VILLAGE, COUNTY):
        assert not isinstance(secret, str) or len(secret) < 6 or secret not in shown
