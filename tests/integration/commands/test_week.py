"""The sample week goes through a real system by the commands that a person uses."""

import json
from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from deploy.sample import WEEK
from shared.events import from_structured
from shared.runtime.variables import SERVICES
from tests.integration.commands.conftest import CONFLICT, done, objects, objects_in
from tests.support.system import System


def test_the_week_comes_out_as_expected(week: System) -> None:
    assert done(week.niangjia("outcomes")) == (WEEK / "expected.jsonl").read_text(encoding="utf-8")


def test_what_was_refused_is_written_down_without_its_content(week: System) -> None:
    (refused,) = objects_in(week.folder / "earlier.jsonl.rejects.ndjson")

    assert refused.pop("reason").startswith("A report with this key and other content")
    assert refused == {"file": str(WEEK / "reports.jsonl"), "line": CONFLICT, "field": "report_key", "status": 409}


def test_all_of_it_is_whole(week: System) -> None:
    audits = json.loads(done(week.niangjia("verify", "--json")))

    assert set(audits) == set(SERVICES)
    assert all(audit["whole"] and not audit["faults"] for audit in audits.values())
    assert audits["intake"]["states"] > 200
    assert [audits[service]["handled"] >= 142 for service in SERVICES] == [service != "intake" for service in SERVICES]


def test_the_same_again_changes_nothing(week: System) -> None:
    before = done(week.niangjia("drain", "--json"))

    again = week.niangjia("ingest", str(WEEK / "earlier.jsonl"), str(WEEK / "reports.jsonl"), "--json")

    assert again.returncode == 1
    counts = json.loads(again.stdout)
    assert (counts["lines"], counts["accepted"], counts["repeated"], counts["rejected"]) == (146, 145, 3, 1)
    assert json.loads(done(week.niangjia("drain", "--json")))["events"] == json.loads(before)["events"]


def test_a_drained_system_says_so(week: System) -> None:
    said = json.loads(done(week.niangjia("drain", "--json")))

    assert said["drained"] is True
    assert said["left"] == said["away"] == []
    assert done(week.niangjia("drain")).startswith("all has finished")


@pytest.mark.parametrize("service", SERVICES)
def test_the_export_holds_every_event_in_order(week: System, service: str) -> None:
    events = [
        from_structured(document) for document in objects(done(week.niangjia("events", "export", "--service", service)))
    ]

    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    # to feed nobody has subscribed
    assert {event.source for event in events} == {service} - {"feed"}
    assert len({event.id for event in events}) == len(events)


def test_a_part_can_be_exported_to_a_file(week: System, tmp_path: Path) -> None:
    whole = done(week.niangjia("events", "export", "--service", "intake")).splitlines()

    for first, last in ((1, 1), (2, 5), (7, 20)):
        file = tmp_path / f"{first}.ndjson"
        part = ("--from", str(first), "--to", str(last), "-o", str(file))
        done(week.niangjia("events", "export", "--service", "intake", *part))
        assert file.read_text(encoding="utf-8").splitlines() == whole[first - 1 : last]
    assert list(tmp_path.glob(".*")) == []


def test_nothing_that_is_exported_names_anybody(week: System) -> None:
    said = "".join(done(week.niangjia("events", "export", "--service", service)) for service in SERVICES)
    persons = [
        person.get(field)
        for report in [*objects_in(WEEK / "earlier.jsonl"), *objects_in(WEEK / "reports.jsonl")]
        for person in (report.get("reporter") or {}, report.get("client") or {}, report.get("accused") or {})
        for field in ("name", "phone", "address")
    ]

    assert len(persons) > 400
    assert not [person for person in persons if person and person in said]


def test_reports_may_come_in_another_order_than_they_were_received(week: System) -> None:
    late, early = _report("order-2", "2026-03-21T10:00:00+08:00"), _report("order-1", "2026-03-20T10:00:00+08:00")
    done(week.niangjia("ingest", "/dev/stdin", stdin=f"{late}\n{early}\n"))
    done(week.niangjia("drain"))

    rows = objects(done(week.niangjia("outcomes")))

    assert [row["report_key"] for row in rows[-2:]] == ["order-1", "order-2"]
    # the later one came first and opened the case that the earlier one joined
    assert [row["case"] for row in rows[-2:]] == ["order-2", "order-2"]
    assert [row["opens_case"] for row in rows[-2:]] == [False, True]


def test_who_is_registered_again_is_brought_up_to_date(week: System) -> None:
    said = json.loads(done(week.niangjia("volunteers", "import", str(WEEK / "volunteers.jsonl"), "--json")))
    assert (said["lines"], said["accepted"], said["rejected"]) == (60, 60, 0)

    bad = week.niangjia("volunteers", "import", "/dev/stdin", stdin='{"id": "v900"}\n')

    assert bad.returncode == 1
    refused = [line for line in bad.stderr.splitlines() if line.startswith("{")]
    assert "skills" in json.loads(refused[0])["reason"]


def test_an_export_of_nothing_is_empty(week: System) -> None:
    assert done(week.niangjia("events", "export", "--service", "intake", "--from", "1000000")) == ""


def test_a_journal_is_ordered_by_its_numbers(week: System) -> None:
    numbers = [entry["_id"] for entry in week.database("intake")["journal"].find().sort("_id", 1)]

    assert all(before < after for before, after in pairwise(numbers))


def _report(key: str, received_at: str) -> str:
    report = objects_in(WEEK / "reports.jsonl")[0]
    person = {"client": {"name": "某甲", "phone": "13800009001"}, "accused": None}
    return orjson.dumps({**report, **person, "report_key": key, "received_at": received_at}).decode()
