"""An agency reads its own feed by HTTP: page by page, as it happens, and who somebody is; and nothing else."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.rules import iso
from shared.runtime.auth import Role
from tests.integration.feed.partner import Partner, Town, impostor, subscribe, timed
from tests.integration.http.document import DOCUMENT, checked
from tests.integration.runtime.bus import Bus
from tests.integration.runtime.toy import NOON
from tests.support.system import System, wait_until

SERVICES = {"intake": "tests.integration.feed.toy_intake", "feed": "services.feed.service"}
HEARTBEAT = 2


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("pull")
    (folder / "rules").mkdir()
    variables = {"NIANGJIA_RULES": str(folder / "rules"), "NIANGJIA_HEARTBEAT": str(HEARTBEAT)}
    with System(folder, services=SERVICES, variables=variables) as system:
        system.start_all()
        yield system
        log = system.log_file("feed").read_text(errors="replace")
        assert "Traceback" not in log
        assert "王某" not in log


@pytest.fixture(scope="module")
def town(system: System) -> Iterator[Town]:
    with Bus(system.settings("feed")) as bus:
        yield Town(bus)


@pytest.fixture(scope="module")
def police(system: System, town: Town) -> Iterator[Partner]:
    """An agency with 30 deliveries, of which the first was cancelled: the 31st says so, and the 32nd recalls it."""
    partner = subscribe(system, "police")
    first, *_ = town.referrals(30)
    wait_until(lambda: partner.last() == 30, "30 deliveries")
    town.cancel(first)
    wait_until(lambda: partner.last() == 32, "a recall")
    yield partner
    partner.close()


@pytest.fixture
def intake(system: System) -> Iterator[Path]:
    """The folder in which the toy intake is told how to answer."""
    folder = system.folder / "rules"
    yield folder
    for name in ("asked", "identities"):
        (folder / name).unlink(missing_ok=True)


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [int(one["sequence"]) for one in events]


def said(answer: requests.Response, status: int, slug: str) -> str:
    """Return what a problem document says."""
    document = checked(answer).json()
    assert (answer.status_code, document["type"]) == (status, f"urn:niangjia:problem:{slug}")
    return str(document["detail"])


# pages


def test_pages_have_every_number_once_in_their_order(police: Partner) -> None:
    for limit in (1, 7, 32, 1000):
        assert numbers(police.events(limit=limit)) == list(range(1, 33))


def test_a_page_says_where_to_go_on(police: Partner) -> None:
    page = checked(police.ask("/events?after=20&limit=5")).json()
    end = checked(police.ask("/events?after=32")).json()

    assert (numbers(page["events"]), page["last"], page["next"]) == ([21, 22, 23, 24, 25], 32, 25)
    assert (end["events"], end["last"], end["next"]) == ([], 32, 32)


def test_a_delivery_is_a_cloud_event_with_a_claim_check_and_without_anybody(system: System, police: Partner) -> None:
    event = checked(police.ask("/events?after=1&limit=1")).json()["events"][0]

    assert event["specversion"] == "1.0"
    assert event["source"] == "/feeds/police"
    assert event["type"] == "referral.requested"
    assert event["sequence"] == "0000000000000002"
    assert event["dataref"] == f"{system.url('feed')}/feeds/police/deliveries/2/fields"
    assert event["data"]["purpose"] == "protect"
    assert event["subject"] == event["data"]["referral_id"]


def test_a_recall_names_what_is_to_be_used_no_longer(police: Partner) -> None:
    cancelled, recall = police.events(after=30)

    assert cancelled["type"] == "referral.cancelled"
    assert recall["type"] == "delivery.recalled"
    assert recall["data"] == {"numbers": [1], "reason": "referral_cancelled"}


def test_a_time_leads_to_the_first_number_that_tells_of_it(police: Partner) -> None:
    early, late = iso(NOON - timedelta(seconds=1)), iso(NOON + timedelta(seconds=1))

    assert numbers(police.ask("/events", params={"since": early}).json()["events"])[0] == 1
    assert numbers(police.ask("/events", params={"since": iso(NOON)}).json()["events"])[0] == 1
    assert police.ask("/events", params={"since": late}).json()["events"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=33", "after"),
        ("after=-1", "after"),
        ("after=x", "after"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("after=1&since=2026-03-02T00:00:00Z", "since"),
        ("since=yesterday", "since"),
        ("from=1", "from"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused_by_field(police: Partner, query: str, field: str) -> None:
    answer = checked(police.ask(f"/events?{query}"))

    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_curl_is_enough(system: System, police: Partner) -> None:
    curl = shutil.which("curl")
    assert curl, "curl is not installed"
    url = f"{system.url('feed')}/feeds/police"
    header = f"Authorization: Bearer {police.token}"
    page = subprocess.run([curl, "-sS", "-H", header, f"{url}/events?after=30"], capture_output=True, check=True)
    command = [curl, "-sSN", "--max-time", "5", "-H", header, "-H", "Last-Event-ID: 30", f"{url}/stream"]
    stream = subprocess.run(command, capture_output=True, check=False)

    assert numbers(json.loads(page.stdout)["events"]) == [31, 32]
    assert [line for line in stream.stdout.splitlines() if line.startswith(b"id")] == [b"id: 31", b"id: 32"]
    assert stream.returncode == 28, "it ended before it was asked to"


def test_the_status_says_how_far_it_is_and_what_is_agreed(system: System, police: Partner) -> None:
    status = checked(police.ask()).json()

    assert (status["name"], status["kind"], status["status"]) == ("police", "police", "active")
    assert (status["last"], status["heartbeat_seconds"], status["amqp"], status["webhook"]) == (32, 2, None, None)
    assert {"referral.requested", "risk.escalated"} <= {grant["event"] for grant in status["agreement"]["grants"]}
    admin = system.client(Role.ADMIN).get("feed", "/feeds/police")
    assert admin.json()["last"] == 32


# who comes in

OWN = sorted(
    (method.upper(), path.removeprefix("/feeds/{agency}").replace("{number}", "2"))
    for path, item in DOCUMENT["paths"].items()
    if path.startswith("/feeds/")
    for method in item
    if method != "servers"
)


def test_there_are_these_doors_and_no_others() -> None:
    assert OWN == [
        ("GET", ""),
        ("GET", "/contract"),
        ("GET", "/deliveries/2"),
        ("GET", "/deliveries/2/fields"),
        ("GET", "/events"),
        ("GET", "/stream"),
        ("POST", "/receipts"),
        ("POST", "/replays"),
    ]


@pytest.mark.parametrize(("method", "path"), OWN)
def test_the_token_of_another_agency_opens_nothing(system: System, police: Partner, method: str, path: str) -> None:
    stranger = impostor(system, "police", "k00000001", token_for="court")

    assert "another agency" in said(stranger.ask(path, method=method), 403, "forbidden")


@pytest.mark.parametrize(("method", "path"), OWN)
def test_a_key_that_was_never_given_opens_nothing(system: System, police: Partner, method: str, path: str) -> None:
    for name in ("police", "nobody"):
        stranger = impostor(system, name, "k00000001")
        said(stranger.ask(path, method=method), 401, "unauthorised")


def test_a_token_of_an_agency_opens_nothing_else_of_the_house(system: System, police: Partner) -> None:
    for method, path in (("GET", "/health"), ("GET", "/metrics"), ("GET", "/agencies"), ("POST", "/agencies")):
        answer = requests.request(
            method, system.url("feed") + path, headers={"Authorization": f"Bearer {police.token}"}, timeout=5
        )
        said(answer, 403, "forbidden")


def test_a_replaced_key_ends_at_once_where_it_must_and_its_stream_with_it(system: System, town: Town) -> None:
    partner = subscribe(system, "rekeyed", "330304")
    admin = system.client(Role.ADMIN)
    with partner.follow() as follower:
        wait_until(lambda: follower.statuses == [200], "the stream to begin")
        gentle = admin.post("feed", "/agencies/rekeyed/keys", json={"now": False}).json()["http"]["token"]
        assert partner.ask().status_code == 200
        strict = admin.post("feed", "/agencies/rekeyed/keys", json={"now": True}).json()["http"]["token"]
        assert follower.ended.wait(10)

    said(partner.ask("/events"), 401, "unauthorised")
    said(Partner(system, "rekeyed", gentle).ask("/events"), 401, "unauthorised")
    assert Partner(system, "rekeyed", strict).ask("/events").status_code == 200


def test_a_suspended_agency_reads_nothing_and_goes_on_where_it_was(system: System, town: Town) -> None:
    partner = subscribe(system, "suspended", "330305")
    admin = system.client(Role.ADMIN)
    town.referrals(1, "330305")
    wait_until(lambda: partner.last() == 1, "a delivery")
    with partner.follow() as follower:
        follower.wait_for(1)
        admin.post("feed", "/agencies/suspended/suspension", json={"suspended": True})
        assert follower.ended.wait(10)
    for method, path in OWN:
        assert "suspended" in said(partner.ask(path.replace("2", "1"), method=method), 403, "forbidden")
    admin.post("feed", "/agencies/suspended/suspension", json={"suspended": False})

    assert numbers(partner.events()) == [1]


def test_a_removed_agency_is_not_known_any_more(system: System) -> None:
    partner = subscribe(system, "removed", "330306")
    system.client(Role.ADMIN).delete("feed", "/agencies/removed")

    said(partner.ask("/events"), 401, "unauthorised")


# who somebody is


def test_a_claim_check_is_exchanged_for_the_agreed_fields(police: Partner, intake: Path) -> None:
    event = police.ask("/events?after=1&limit=1").json()["events"][0]
    told = checked(police.ask("/deliveries/2/fields")).json()
    asked = json.loads((intake / "asked").read_text())["items"]

    assert (told["number"], told["case_id"], told["purpose"], told["basis"]) == (
        2,
        event["data"]["case_id"],
        "protect",
        "life",
    )
    assert told["fields"]["client"]["name"] == "王某"
    assert len(asked) == 1
    assert {name: asked[0][name] for name in ("case_id", "audience", "purpose", "basis")} == {
        "case_id": told["case_id"],
        "audience": "police",
        "purpose": "protect",
        "basis": "life",
    }
    assert {"client.name", "client.phone"} <= set(asked[0]["fields"])


def test_a_recalled_claim_check_is_closed_and_intake_is_not_even_asked(police: Partner, intake: Path) -> None:
    detail = said(police.ask("/deliveries/1/fields"), 410, "delivery-closed")

    assert "cancelled" in detail
    assert not (intake / "asked").exists()


@pytest.mark.parametrize(("mood", "status"), [("no_consent", 410), ("erased", 410), ("case_unknown", 404)])
def test_what_intake_refuses_is_refused(police: Partner, intake: Path, mood: str, status: int) -> None:
    (intake / "identities").write_text(mood)

    assert checked(police.ask("/deliveries/2/fields")).status_code == status


@pytest.mark.parametrize(
    ("number", "slug"),
    [("31", "no-identity"), ("33", "delivery-unknown"), ("0", "delivery-unknown"), ("x", "delivery-unknown")],
)
def test_where_there_is_nobody_there_is_nothing(police: Partner, number: str, slug: str) -> None:
    said(police.ask(f"/deliveries/{number}/fields"), 404, slug)


def test_without_intake_nobody_is_told_of_and_the_rest_goes_on(system: System, police: Partner) -> None:
    system.kill("intake")
    try:
        assert "intake does not answer" in said(police.ask("/deliveries/2/fields"), 503, "unavailable")
        assert police.ask("/events").status_code == 200
    finally:
        system.start("intake")

    assert police.ask("/deliveries/2/fields").status_code == 200


def test_one_agency_asks_four_at_once_and_leaves_the_others_their_turn(
    system: System, police: Partner, town: Town, intake: Path
) -> None:
    other = subscribe(system, "other-police", "330307")
    town.referrals(1, "330307")
    wait_until(lambda: other.last() == 1, "a delivery")
    (intake / "identities").write_text(police.ask("/events?after=1&limit=1").json()["events"][0]["data"]["case_id"])
    statuses: list[int] = []
    one = [Partner(system, "police", police.token) for _ in range(10)]
    threads = [
        threading.Thread(target=lambda p=p: statuses.append(p.ask("/deliveries/2/fields").status_code)) for p in one
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(statuses) == 6, "six to be refused")
    said_ok(other.ask("/deliveries/1/fields"))  # while four are still waiting
    assert statuses == [429] * 6
    (intake / "identities").unlink()
    for thread in threads:
        thread.join()

    assert Counter(statuses) == {200: 4, 429: 6}


def said_ok(answer: requests.Response) -> None:
    assert answer.status_code == 200


# receipts, records, replays


def test_a_receipt_is_recorded_once(system: System, police: Partner) -> None:
    first, again = (checked(police.send("/receipts", number=3, receipt="received")) for _ in range(2))
    then = checked(police.send("/receipts", number=3, receipt="acted"))

    assert (first.status_code, again.status_code, then.status_code) == (201, 200, 201)
    assert first.json() == again.json() == {"number": 3, "receipt": "received"}
    assert set(checked(police.ask("/deliveries/3")).json()["receipts"]) == {"received", "acted"}
    journal = system.database("feed")["journal"]
    assert journal.count_documents({"events.type": "receipt.recorded"}) == 2


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"number": 999, "receipt": "received"}, 404),
        ({"number": 0, "receipt": "received"}, 422),
        ({"number": 3, "receipt": "read"}, 422),
        ({"number": 3}, 422),
    ],
)
def test_a_receipt_for_nothing_is_refused(police: Partner, content: dict[str, Any], status: int) -> None:
    assert checked(police.send("/receipts", **content)).status_code == status


def test_the_record_shows_purpose_and_hash_and_that_it_is_closed(police: Partner) -> None:
    closed, open_ = (checked(police.ask(f"/deliveries/{number}")).json() for number in (1, 2))

    assert (closed["closed"], open_["closed"]) == ("referral_cancelled", None)
    assert (open_["purpose"], open_["basis"], len(open_["sha256"])) == ("protect", "life", 64)
    assert "client.name" in open_["identity"]


def test_what_is_asked_for_again_comes_under_new_numbers_and_says_so(system: System, town: Town) -> None:
    partner = subscribe(system, "again", "330308")
    town.referrals(4, "330308")
    wait_until(lambda: partner.last() == 4, "deliveries")
    answer = checked(partner.send("/replays", **{"from": 2, "to": 3})).json()
    before, after = partner.events()[1:3], partner.events(after=4)

    assert answer == {"sent": 2, "last": 6}
    assert [(one["id"], one["data"]) for one in after] == [(one["id"], one["data"]) for one in before]
    assert [(one["sequence"], one["replayof"]) for one in after] == [(f"{n:016}", f"{n - 3:016}") for n in (5, 6)]


def test_too_much_at_once_is_not_asked_for_again(police: Partner) -> None:
    assert checked(police.send("/replays", **{"from": 1, "since": iso(NOON)})).status_code == 422
    assert checked(police.send("/replays")).status_code == 422


def test_a_large_body_of_an_agency_is_not_taken(police: Partner) -> None:
    answer = police.ask("/receipts", method="POST", data=b" " * 70_000)

    assert answer.status_code == 413


# streams


def test_a_stream_sends_what_is_there_then_what_comes_then_that_nothing_does(
    system: System, town: Town, police: Partner
) -> None:
    partner = subscribe(system, "follower", "330309")
    town.referrals(3, "330309")
    wait_until(lambda: partner.last() == 3, "deliveries")
    with partner.follow(after=1) as follower:
        follower.wait_for(2)
        town.referrals(2, "330309")
        follower.wait_for(4)
        wait_until(lambda: follower.events[-1][2] == "feed.heartbeat", "a heartbeat")
        last = follower.events[-1]

    assert follower.numbers == [2, 3, 4, 5]
    assert follower.events[0][3] == partner.ask("/events?after=1&limit=1").json()["events"][0]
    assert (last[1], last[3]["data"]) == (0, {"last": 5})


def test_streams_of_one_agency_are_five(system: System, police: Partner) -> None:
    followers = [police.follow(after=30) for _ in range(5)]
    try:
        wait_until(lambda: all(one.statuses == [200] for one in followers), "five streams")
        sixth = police.ask("/stream")
        assert police.ask().json()["streams"] == 5
        assert "5 streams" in said(sixth, 429, "too-many")
        assert sixth.headers["Retry-After"] == "1"
        assert police.ask("/stream", method="HEAD").status_code == 429
    finally:
        for one in followers:
            one.__exit__()

    wait_until(lambda: police.ask().json()["streams"] == 0, "the places to be free", 10)
    head = police.ask("/stream", method="HEAD")
    assert (head.status_code, head.headers["Content-Type"]) == (200, "text/event-stream")
    assert police.ask().json()["streams"] == 0


@pytest.mark.parametrize(("cursor", "status"), [("33333", 422), ("x", 422), ("-1", 422), ("0", 200), ("31", 200)])
def test_a_cursor_may_be_old_but_not_unknown(police: Partner, cursor: str, status: int) -> None:
    answer = police.ask("/stream", headers={"Last-Event-ID": cursor}, stream=True)
    answer.close()

    assert answer.status_code == status


def test_a_kill_loses_and_doubles_no_number(system: System, town: Town) -> None:
    partner = subscribe(system, "killed", "330310")
    with partner.follow(resume=True) as follower:
        for _ in range(3):
            town.referrals(40, "330310")
            time.sleep(0.2)
            system.kill("feed")
            town.referrals(40, "330310")
            system.start("feed")
        follower.wait_for(240, 60)
        time.sleep(0.5)

    assert follower.numbers == list(range(1, 241))
    assert numbers(partner.events()) == follower.numbers


def test_streams_end_as_a_whole_when_the_service_stops(system: System, police: Partner) -> None:
    with socket.create_connection(("127.0.0.1", system.ports["feed"])) as sock:
        request = (
            f"GET /feeds/police/stream?after=32 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {police.token}\r\n\r\n"
        )
        sock.sendall(request.encode())
        sock.settimeout(10)
        data = sock.recv(65_536)
        took = timed(lambda: system.kill("feed", 15))
        while more := sock.recv(65_536):
            data += more
    system.start("feed")

    assert data.endswith(b"\r\n0\r\n\r\n")
    assert took < 15


def test_requests_without_end_are_refused_and_others_served(system: System, police: Partner) -> None:
    other = subscribe(system, "patient", "330311")
    statuses: Counter[int] = Counter()
    until = time.monotonic() + 60

    def hammer() -> None:
        partner = Partner(system, "police", police.token)
        asked = 0
        # a slow machine needs longer to ask too often
        while asked < 120 or (statuses[429] <= 50 and time.monotonic() < until):
            answer = partner.ask("/deliveries/2")
            statuses[answer.status_code] += 1
            asked += 1
        partner.close()

    threads = [threading.Thread(target=hammer) for _ in range(5)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert other.ask().status_code == 200
        time.sleep(0.1)
    for thread in threads:
        thread.join()

    assert set(statuses) == {200, 429}
    assert statuses[429] > 50
    time.sleep(1)
