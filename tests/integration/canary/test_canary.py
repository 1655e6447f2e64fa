"""Who she is and what she told is found nowhere but, sealed, in the vault: not even by somebody who takes the disks."""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from kombu import Connection

from shared.runtime.auth import Role
from tests.faults.installation import Installation
from tests.faults.spy import Spy
from tests.integration.canary.evidence import Evidence, found_in

#: What must not be found anywhere.
CANARIES = {
    "client's name": "金丝雀暗号王",
    "client's phone": "13899907319",
    "client's id number": "330302CANARY7319X",
    "client's address": "鹿城区金丝雀巷七十三号",
    "reporter's name": "金丝雀的邻居赵",
    "reporter's phone": "13899907320",
    "reporter's organisation": "金丝雀第七小学",
    "accused's name": "伤害金丝雀的李",
    "accused's phone": "13899907321",
    "accused's id number": "330302CANARY7320X",
    "accused's relation": "金丝雀的丈夫",
    "code word": "金丝雀图书馆",
    "narrative": "昨晚他打碎了金丝雀的笼子",
    "phone in a report key": "13899907322",
    "volunteer's name": "金丝雀志愿者孙",
    "whom a volunteer must not meet": "金丝雀的仇人钱",
}
#: What somebody put into queues who is no service of the house: the broker keeps it until a service takes it.
STRANGE = {"a stranger's name": "金丝雀的陌生人", "a stranger's phone": "13899907399"}

EVERYTHING = CANARIES | STRANGE
#: Each of them holds one of these.
STEMS = ("金丝雀", "138999073", "CANARY73")

Report = dict[str, Any]


def report(key: str, **changes: Any) -> Report:
    c = CANARIES
    return {
        "report_key": f"{key}-{c['phone in a report key']}",
        "channel": "hotline_12338",
        "received_at": "2026-03-02T10:00:00+08:00",
        "district": "330302004012",
        "reporter": {
            "role": "teacher",
            "name": c["reporter's name"],
            "phone": c["reporter's phone"],
            "organisation": c["reporter's organisation"],
        },
        "client": {
            "name": c["client's name"],
            "sex": "female",
            "birth_date": "1991-05-02",
            "phone": c["client's phone"],
            "id_number": c["client's id number"],
            "address": c["client's address"],
        },
        "accused": {
            "name": c["accused's name"],
            "relation": c["accused's relation"],
            "phone": c["accused's phone"],
            "id_number": c["accused's id number"],
        },
        "children": [{"age": 6, "sex": "male"}],
        "category": "domestic_violence",
        "narrative": c["narrative"] + c["client's name"],
        "risk_factors": ["injury", "strangulation"],
        "consent": {"agencies": ["police", "justice", "court"], "given_at": "2026-03-02T10:01:00+08:00"},
        "safe_contact": {"channels": ["sms"], "hours": "09:00-16:00", "code_word": c["code word"], "voicemail": False},
        "wishes": ["legal_aid", "protection_order", "counselling"],
        **changes,
    }


VOLUNTEER = {
    "id": "v901",
    "name": CANARIES["volunteer's name"],
    "sex": "female",
    "skills": ["law", "psychology", "dialect:温州话"],
    "certificates": [{"name": "律师", "expires": "2030-01-01"}, {"name": "心理咨询师", "expires": "2030-01-01"}],
    "trained_on": "2026-01-01",
    "record_checked_on": "2026-01-01",
    "districts": ["330302"],
    "hours": [],
    "capacity": 5,
    "must_not_meet": [CANARIES["whom a volunteer must not meet"]],
    "active": True,
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("canary")
    with Installation(folder, NIANGJIA_LOG_LEVEL="debug") as installed:
        Spy(installed.home.amqp_uri).listen()
        yield installed


@pytest.fixture(scope="module")
def case_id(installation: Installation) -> str:
    """Put everything in, by every way there is, the wrong ones too; return the id of the case."""
    intake, volunteer = (installation.home.service_url(service) for service in ("intake", "volunteer"))
    operator = installation.caller(Role.OPERATOR)
    registrar = installation.caller(Role.COORDINATOR)
    assert registrar.post(f"{volunteer}/volunteers/batch", json=VOLUNTEER).ok
    answer = operator.post(f"{intake}/reports", json=report("first"))
    assert answer.status_code == 201
    again = report("second", channel="police_110", reporter={"role": "police", "name": CANARIES["reporter's name"]})
    assert operator.post(f"{intake}/reports/batch", data=json.dumps(again)).ok
    accused = {name: text for name, text in report("")["accused"].items() if name != "relation"}
    assert operator.post(f"{intake}/reports", json=report("third", client=accused, accused=None)).status_code == 201
    make_trouble(installation, operator, registrar)
    installation.niangjia("drain", code=1)  # the message that nobody can read waits for a person
    case: str = answer.json()["case_id"]
    return case


def make_trouble(installation: Installation, operator: requests.Session, registrar: requests.Session) -> None:
    """Send what is refused, what contradicts, and what cannot be read; kill a service while it works."""
    intake, volunteer = (installation.home.service_url(service) for service in ("intake", "volunteer"))
    refused = [
        report("first", narrative=CANARIES["narrative"] + "！"),
        report("bad", category=CANARIES["client's name"]),
        report("bad", victim_name=CANARIES["client's name"]),
        report("bad", client={"name": CANARIES["client's name"] + "\x00"}),
    ]
    for wrong in refused:
        assert 400 <= operator.post(f"{intake}/reports", json=wrong).status_code < 500
    broken = json.dumps(report("bad"), ensure_ascii=False).encode()[:-5]
    assert operator.post(f"{intake}/reports", data=broken).status_code == 400
    assert registrar.post(f"{volunteer}/volunteers/batch", json={**VOLUNTEER, "capacity": "x"}).ok
    secret = CANARIES["client's phone"]
    assert operator.get(f"{intake}/cases", params={"grade": secret, "after": secret}).status_code == 422
    assert operator.get(f"{intake}/cases/{secret}").status_code == 404
    assert operator.get(f"{intake}/{secret}").status_code == 404
    with Connection(installation.home.amqp_uri) as connection:
        producer = connection.Producer()
        for consumer in ("referral", "volunteer", "notification"):
            producer.publish(
                json.dumps(STRANGE, ensure_ascii=False),
                routing_key=f"{consumer}.from.intake",
                content_type="text/plain",
                headers={"who": STRANGE["a stranger's phone"]},
            )
    for part in ("notification", "intake"):
        installation.kill(part)
    installation.wait_until_well()


@pytest.fixture(scope="module")
def evidence(installation: Installation, case_id: str) -> Evidence:
    return Evidence(installation)


@pytest.fixture(scope="module")
def at_rest(installation: Installation, evidence: Evidence) -> Evidence:
    """Everything is stopped, and what was in memory is on the disks; from here on nobody answers."""
    installation.niangjia("down")
    return evidence


def assert_clean(places: Iterator[tuple[str, Any]], control: str, needles: Mapping[str, str] = EVERYTHING) -> None:
    """Find none of the needles in any of the places, but the control in some: the search can find."""
    controlled = False
    for place, content in places:
        assert found_in(content, needles, STEMS) == [], place
        controlled = controlled or content.find(control.encode()) >= 0
    assert controlled


def test_a_notice_went_out_and_the_file_can_be_opened_by_who_may(installation: Installation, case_id: str) -> None:
    assert list(installation.home.outbox.glob("*.json"))
    session = installation.caller(Role.CASEWORKER)
    url = f"{installation.home.service_url('intake')}/cases/{case_id}"
    answer = session.get(url, params={"file": "1", "purpose": "casework"}, timeout=30)
    session.close()

    first = answer.json()["reports"][0]
    assert first["client"]["name"] == CANARIES["client's name"]
    assert CANARIES["narrative"] in first["narrative"]


def test_the_bus_knows_nobody(evidence: Evidence, case_id: str) -> None:
    assert_clean(evidence.messages(), case_id)


def test_what_services_tell_their_keepers_is_clean(evidence: Evidence) -> None:
    assert_clean(evidence.answers(), "niangjia_messages_total")


def test_what_commands_print_is_clean(evidence: Evidence, case_id: str) -> None:
    assert_clean(evidence.printed(), case_id)


def test_the_databases_hold_nothing_in_the_clear(evidence: Evidence, case_id: str) -> None:
    assert_clean(evidence.documents(), case_id)


def test_what_leaves_the_house_is_neutral(evidence: Evidence, installation: Installation, case_id: str) -> None:
    assert_clean(evidence.files(installation.home.outbox), case_id)


def test_the_logs_tell_nothing(at_rest: Evidence, installation: Installation) -> None:
    assert_clean(at_rest.files(installation.home.log), '"level": "debug"')


def test_the_files_of_the_database_hold_nothing_in_the_clear(at_rest: Evidence, installation: Installation) -> None:
    assert_clean(at_rest.files(installation.home.data / "database"), "niangjia_intake")


def test_the_files_of_the_broker_hold_nothing_of_a_report(
    at_rest: Evidence, installation: Installation, case_id: str
) -> None:
    assert_clean(at_rest.files(installation.home.data / "broker"), case_id, CANARIES)


@pytest.mark.parametrize(("name", "text"), EVERYTHING.items(), ids=EVERYTHING)
def test_the_search_finds_what_is_there(name: str, text: str) -> None:
    packed = base64.b64encode(b"what stands before it" + text.encode() + b"and after")
    for content in (f"before{text}after".encode(), json.dumps(text).encode(), quote(text).encode(), packed):
        assert name in found_in(content, EVERYTHING, STEMS)
