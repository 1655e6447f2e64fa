"""What was stored is played again under other rules, and nobody outside is asked, told or changed by it."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.whatif.difference import NOW, THEN
from services.referral.model import ReferralModel
from shared.events import Event
from shared.replay.golden import differing
from shared.replay.recording import read
from shared.replay.replay import Replay
from shared.runtime.auth import Role
from shared.runtime.variables import SERVICES
from tests.integration.commands.conftest import done, objects_in
from tests.support.system import ROOT, System

REPORT = {
    "channel": "visit",
    "received_at": "2026-03-20T09:00:00+08:00",
    "district": "330302004012",
    "client": {"name": "某甲", "phone": "13800009124"},
    "category": "domestic_violence",
    "narrative": "来访咨询。",
}


class Trap:
    """A server that remembers whoever comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.visitors = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.visitors += 1
            connection.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def trap() -> Iterator[Trap]:
    found = Trap()
    yield found
    found.close()


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rules by which stalking alone is red."""
    text = (ROOT / "services/intake/rules/risk.yml").read_text(encoding="utf-8")
    line = "lines:\n  - {code: stalking, grade: red, when: {factor: stalking}}\n"
    file = tmp_path_factory.mktemp("rules") / "NEW.yml"
    file.write_text(text.replace("lines:\n", line, 1), encoding="utf-8")
    return file


def what_if(week: System, *arguments: str, **variables: str) -> dict[str, Any]:
    return dict(json.loads(done(week.niangjia("what-if", *arguments, "--json", **variables))))


def stored(week: System) -> dict[str, Any]:
    """Return a hash of everything that is stored, but for marks of time."""
    moving = {"relay", "leases", "cursors"}
    found = {}
    for service in SERVICES:
        database = week.database(service)
        hashes = database.command("dbHash")["collections"]
        found[service] = {name: value for name, value in hashes.items() if name not in moving}
    return found


def test_under_the_rules_in_force_it_comes_out_as_it_did(week: System, rules: Path) -> None:
    found = what_if(week, "--rules", str(rules), "--period", "2026-03-02..2026-03-08")

    grades: Counter[str] = Counter()
    last: dict[str, str] = {}
    for entry in week.database("intake")["journal"].find({"events.type": "report.received"}).sort("_id", 1):
        for event in entry["events"]:
            if event["type"] == "report.received" and event["time"] >= "2026-03-01T16":
                last[event["case"]] = json.loads(event["data"])["case"]["grade"]
    grades.update(last.values())
    assert {grade: count for grade, count in found["grades"][NOW].items() if count} == grades
    requested = week.database("referral")["journal"].find({"events.type": "referral.requested"})
    assert found["referrals"][NOW] == sum(
        event["type"] == "referral.requested" and event["time"] >= "2026-03-01T16"
        for entry in requested
        for event in entry["events"]
    )
    assert found["reports"] == {NOW: 127, THEN: 127}
    moved = [case for move in found["grades"]["moved"] for case in move["cases"]]
    assert len(moved) == 6
    assert week.database("intake")["case"].count_documents({"_id": {"$in": moved}, "state.factors": "stalking"}) == 6


def test_nobody_outside_is_asked_or_told_and_nothing_is_changed(week: System, rules: Path, trap: Trap) -> None:
    here = f"127.0.0.1:{trap.port}"
    outside = {f"NIANGJIA_{service.upper()}_URL": f"http://{here}" for service in SERVICES}
    outside |= {
        "AMQP_URI": f"amqp://guest:guest@{here}//",
        "NIANGJIA_BROKER_API": f"http://guest:guest@{here}",
        "NIANGJIA_OUTBOX": f"smtp://{here}/gateway.invalid",
        "NIANGJIA_TSA_URL": f"http://{here}/",
    }
    before = stored(week)

    found = what_if(week, "--rules", str(rules), "--period", "2026-03", **outside)
    done(week.niangjia("record", "--service", "intake", "--service", "volunteer", "-o", "outside.ndjson", **outside))
    again = what_if(week, "--code", str(ROOT), "--period", "2026-03", "--against", "outside.ndjson", **outside)

    assert found["differs"]
    assert not again["differs"]
    assert trap.visitors == 0
    assert stored(week) == before


def test_a_recording_gives_the_same_figures(week: System, rules: Path) -> None:
    services = [word for name in ("intake", "volunteer", "referral") for word in ("--service", name)]
    done(week.niangjia("record", *services, "-o", "figures.ndjson"))

    found = what_if(week, "--rules", str(rules), "--period", "2026-03")
    recorded = what_if(week, "--rules", str(rules), "--period", "2026-03", "--against", "figures.ndjson")

    def figures(document: dict[str, Any]) -> Any:
        parts = ("reports", "cases", "deadlines")
        sides = ("grades", "referrals", "consents_to_ask_for", "mediation_refused", "volunteers", "notices")
        return [document[part] for part in parts], [[document[part][side] for side in (NOW, THEN)] for part in sides]

    assert figures(recorded) == figures(found)
    assert sorted(one["count"] for one in recorded["grades"]["moved"]) == sorted(
        one["count"] for one in found["grades"]["moved"]
    )


def test_what_agencies_said_counts(week: System, rules: Path) -> None:
    contract = ("--contract", "police", "--district", "3303", "--no-stream", "--json")
    added = json.loads(done(week.niangjia("agencies", "add", "wenzhou-police", *contract)))
    report = {**REPORT, "report_key": "an agency hears", "immediate_danger": True}
    case = week.client(Role.OPERATOR).post("intake", "/reports", json=report).json()["case_id"]
    done(week.niangjia("drain", "--timeout", "60"))
    acted(week, added["http"]["token"])
    done(week.niangjia("drain", "--timeout", "60"))

    found = what_if(week, "--rules", str(rules), "--period", "2026-03-20")["deadlines"]

    # it said so long after the hour that it had
    late = {"in_time": 0, "missed": 1, "not_known": 0}
    assert found == {name: {NOW: late, THEN: late} for name in ("acknowledge", "finish")}

    done(week.niangjia("record", "--service", "referral", "--case", case, "-o", "acted", "--said", "acted.said"))
    heard, said = (objects_in(week.folder / name) for name in ("acted", "acted.said"))
    assert [line["type"] for line in heard] == ["report.received", "receipt.recorded", "receipt.recorded"]
    assert [line["type"] for line in said] == ["referral.requested", "referral.receipted", "referral.receipted"]
    assert heard[-1]["data"]["referral_id"] == said[0]["subject"]
    assert case not in json.dumps([heard, said])
    outcome = Replay.of(week.folder / "acted").into(ReferralModel())
    assert differing(read_events(week.folder / "acted.said"), outcome.events) == []


def acted(week: System, token: str) -> None:
    """Let the police say that they received everything, and acted on it."""
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        url = f"{week.url('feed')}/feeds/wenzhou-police"
        events = session.get(f"{url}/events?after=0", timeout=30).json()["events"]
        numbers = [int(one["sequence"]) for one in events if one["type"] == "referral.requested"]
        assert numbers
        for number in numbers:
            for receipt in ("received", "acted"):
                answer = session.post(f"{url}/receipts", json={"number": number, "receipt": receipt}, timeout=30)
                assert answer.ok, answer.text


def read_events(path: Path) -> list[Event]:
    return [one.line for one in read(path) if isinstance(one.line, Event)]


def test_an_erased_case_is_in_neither(week: System, rules: Path) -> None:
    report = {**REPORT, "report_key": "to be erased", "received_at": "2026-03-25T09:00:00+08:00"}
    report["client"] = {"name": "某乙", "phone": "13800009125"}
    case = week.client(Role.OPERATOR).post("intake", "/reports", json=report).json()["case_id"]
    erased = week.client(Role.SUPERVISOR).post("intake", f"/cases/{case}/erasure", json={"reason": "retention_over"})
    assert erased.ok, erased.text
    done(week.niangjia("drain", "--timeout", "60"))

    missing = week.niangjia("what-if", "--rules", str(rules), "--period", "2026-03-25")
    day = ("--from", "2026-03-25", "--to", "2026-03-25")
    ended = week.niangjia("record", "--service", "intake", "--service", "referral", *day, "-o", "none")

    assert (missing.returncode, missing.stderr) == (
        1,
        "niangjia: no report came in from 2026-03-25 to 2026-03-25; choose another period\n",
    )
    assert done(ended) == ""
    assert "left out: 1 erased cases" in ended.stderr
    assert (week.folder / "none").read_bytes() == b""
    assert what_if(week, "--rules", str(rules), "--period", "2026-03")["erased"] == 1
