"""The sample week is recorded from what real services stored, and replayed says the same of invented people."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from deploy.city import models, whole_city
from deploy.outcome import Effect, row
from deploy.sample import WEEK
from shared.events import Event
from shared.replay.golden import differing
from shared.replay.recording import Command, Line, read
from shared.replay.replay import Outcome, Replay
from shared.rules import china_day
from shared.runtime.auth import Role
from tests.integration.canary.evidence import forms
from tests.integration.commands.conftest import done, objects, objects_in
from tests.support.system import System

HEARD = ("intake", "referral", "volunteer", "notification")
REPORT = {
    "channel": "visit",
    "received_at": "2026-03-20T09:00:00+08:00",
    "district": "330302004012",
    "client": {"name": "某来访人", "phone": "13800009123"},
    "narrative": "来访咨询。",
}


@pytest.fixture(scope="module")
def recorded(week: System) -> Path:
    """The folder of `week.ndjson` and of what was said to it, `said.ndjson`."""
    services = [word for name in HEARD for word in ("--service", name)]
    done(week.niangjia("record", *services, "-o", "week.ndjson", "--said", "said.ndjson"))
    return week.folder


def lines(path: Path) -> list[Line]:
    return [one.line for one in read(path)]


def events(path: Path) -> list[Event]:
    return [line for line in lines(path) if isinstance(line, Event)]


def commands(path: Path, type: str) -> list[Command]:
    return [line for line in lines(path) if isinstance(line, Command) and line.message.type == type]


def replayed(path: Path) -> Outcome:
    return Replay.of(path).into(whole_city())


def test_a_replay_says_byte_for_byte_what_was_said(recorded: Path) -> None:
    said = events(recorded / "said.ndjson")

    assert {event.source for event in said} == set(HEARD)
    assert differing(said, replayed(recorded / "week.ndjson").events) == []


@pytest.mark.parametrize("service", HEARD)
def test_each_service_alone_says_the_same(recorded: Path, service: str) -> None:
    outcome = Replay.of(recorded / "week.ndjson").into(models()[service])

    assert differing([e for e in events(recorded / "said.ndjson") if e.source == service], outcome.events) == []


def test_the_same_is_decided_of_the_invented_people(recorded: Path) -> None:
    expected = objects_in(WEEK / "expected.jsonl")
    rows = list(outcomes(replayed(recorded / "week.ndjson").events, recorded / "week.ndjson"))

    keys = dict(zip([row["report_key"] for row in rows], [row["report_key"] for row in expected], strict=True))
    assert [renamed(row, keys) for row in rows] == expected


def test_nobody_of_the_week_is_in_it(recorded: Path) -> None:
    needles = {text for report in week_reports() for text in people_of(report)}
    needles |= {text for record in objects_in(WEEK / "volunteers.jsonl") for text in volunteers_people(record)}
    assert len(needles) > 700

    for name in ("week.ndjson", "said.ndjson"):
        content = (recorded / name).read_bytes()
        found = [text for text in needles if any(form in content for form in forms(text))]
        assert found == []
        # nor with other signs between the digits, nor backwards
        digits = {re.sub(r"[^0-9]", "", text) for text in needles} - {""}
        plain = content.decode()
        assert not [one for one in digits if len(one) >= 7 and (one in plain or one[::-1] in plain)]
        assert not [text for text in needles if len(text) > 2 and text[::-1] in plain]


def test_nor_is_a_number_or_an_id_by_which_somebody_could_be_found(week: System, recorded: Path) -> None:
    content = (recorded / "week.ndjson").read_text(encoding="utf-8") + (recorded / "said.ndjson").read_text("utf-8")
    database = week.database("intake")
    ids = [row["_id"] for kind in ("case", "report") for row in database[kind].find({}, {"_id": 1})]
    tokens = {one for case in database["case"].find() for one in case["state"]["client"]["names"]}

    assert len(ids) > 200
    assert not [one for one in [*ids, *tokens] if one in content]


def test_what_is_told_of_each_is_as_long_and_as_old(recorded: Path) -> None:
    invented = [command.message.data for command in commands(recorded / "week.ndjson", "receive_report")]

    for told, real in zip(invented, week_reports(), strict=True):
        report = told["report"]
        assert len(report["narrative"]) == len(real["narrative"])
        assert (report["district"], report.get("category")) == (real["district"], real.get("category"))
        for part in ("reporter", "client", "accused"):
            person, was = report.get(part) or {}, real.get(part) or {}
            for field in ("name", "phone", "id_number", "address"):
                assert len(person.get(field) or "") == len(was.get(field) or "")
        if born := (real.get("client") or {}).get("birth_date"):
            assert report["client"]["birth_date"][:4] == born[:4]
    moved = [
        told["report"]["client"]["birth_date"] != real["client"]["birth_date"]
        for told, real in zip(invented, week_reports(), strict=True)
        if (real.get("client") or {}).get("birth_date")
    ]
    assert sum(moved) > 0.9 * len(moved)


def test_a_later_recording_tells_of_the_same_invented_people(week: System, recorded: Path, tmp_path: Path) -> None:
    done(week.niangjia("record", "--service", "intake", "--from", "2026-03-04", "--to", "2026-03-05", "-o", "part"))

    part = commands(week.folder / "part", "receive_report")
    whole = {one.message.id: one for one in commands(recorded / "week.ndjson", "receive_report")}
    assert 30 < len(part) < 60
    assert [whole[one.message.id] for one in part] == part
    assert {str(china_day(one.message.time)) for one in part} == {"2026-03-04", "2026-03-05"}


def test_a_case_by_itself_is_a_small_test(week: System, tmp_path: Path) -> None:
    intake = week.database("intake")
    records = [record for entry in intake["journal"].find() for record in entry["events"]]
    # whoever may be somebody else's client is recognised only where the other case is recorded, too
    matched = [record["case"] for record in records if record["type"] == "case.match_suggested"]
    found = intake["case"].find_one(
        {"_id": {"$nin": matched}, "state.grade": "red", "state.other_sides": [], "state.erased": None},
        sort=[("_id", 1)],
    )
    assert found is not None
    services = [word for name in HEARD for word in ("--service", name)]
    ended = week.niangjia("record", *services, "--case", found["_id"], "-o", "case", "--said", "case.said")
    done(ended)
    assert ended.stderr.startswith("recorded: ")

    said = events(week.folder / "case.said")
    assert 5 < len(said) < 80
    assert len(lines(week.folder / "case")) < 60
    received = [event.data["case"]["grade"] for event in said if event.type == "report.received"]
    assert received[-1] == "red"
    outcome = replayed(week.folder / "case")
    assert [one for one in differing(said, outcome.events) if one.kind != "changed"] == []


def test_what_passes_on_the_bus_is_recorded_while_it_passes(week: System) -> None:
    said = live(week, "live.ndjson")

    (one,) = commands(week.folder / "live.ndjson", "receive_report")
    assert one.message.data["report"]["narrative"] != REPORT["narrative"]
    assert len(one.message.data["report"]["narrative"]) == len(REPORT["narrative"])
    assert [e.type for e in events(week.folder / "live.ndjson")] == ["report.received"]
    assert "1 commands, 1 events" in said


def test_who_says_that_it_is_enough_is_heard_also_in_the_middle_of_a_message(week: System) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(listening(week, f"loud-{n}.ndjson")) for n in range(6)]
        with noise(week):
            time.sleep(0.5)
            for process in processes:
                assert "nothing was recorded" in stopped(process)


def test_where_nothing_passes_nothing_is_recorded(week: System) -> None:
    ended = week.niangjia("record", "--live", "--seconds", "1", "--service", "referral", "-o", "nothing.ndjson")

    done(ended)
    assert ended.stderr == "listening for 1 s\nnothing was recorded: nothing of it happened\n"
    assert (week.folder / "nothing.ndjson").read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--seconds", "1"), "--seconds says how long to listen"),
        (("--from", "March"), "--from is neither a day nor a time with its offset"),
        (("--to", "2026-03-02T09:00:00"), "--to is neither a day nor a time with its offset"),
    ],
)
def test_what_cannot_be_meant_is_said(week: System, arguments: tuple[str, ...], said: str) -> None:
    ended = week.niangjia("record", "--service", "intake", "-o", "never.ndjson", *arguments)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"niangjia: {said}; ")
    assert not (week.folder / "never.ndjson").exists()


def test_a_recording_can_go_into_a_pipe(week: System, recorded: Path) -> None:
    said = done(week.niangjia("record", "--service", "intake", "--to", "2025-12-31", "-o", "-"))

    assert [line["type"] for line in objects(said)].count("command.receive_report") == 12


@contextmanager
def listening(week: System, name: str) -> Iterator[subprocess.Popen[str]]:
    """A process that records what passes."""
    arguments = ("record", "--live", "--service", "intake", "--service", "referral", "-o", name)
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", *arguments],
        cwd=week.folder,
        env=week.environment(),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == "listening until Ctrl-C\n"
            yield process
        finally:
            process.kill()


def stopped(process: subprocess.Popen[str]) -> str:
    """Say to a process that it is enough; return what it said then."""
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    return said


def live(week: System, name: str) -> str:
    """Record what passes while a report comes in; return what the command said."""
    with listening(week, name) as process:
        report = {**REPORT, "report_key": "while it listens"}
        assert week.client(Role.OPERATOR).post("intake", "/reports", json=report).ok
        done(week.niangjia("drain", "--timeout", "60"))
        return stopped(process)


@contextmanager
def noise(week: System) -> Iterator[None]:
    """Much that is no event, for nobody but those who listen to everything."""
    ended = threading.Event()

    def publish() -> None:
        with Connection(week.amqp_uri) as connection:
            channel, exchange = connection.channel(), week.settings("intake").exchange("intake")
            while not ended.wait(0.005):
                for _ in range(50):
                    message = channel.prepare_message(b"x" * 20_000)
                    channel.basic_publish(message, exchange=exchange, routing_key="nothing.happened")

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def week_reports() -> list[dict[str, Any]]:
    """Return the reports of the week that were taken in, in their order."""
    return _taken([*objects_in(WEEK / "earlier.jsonl"), *objects_in(WEEK / "reports.jsonl")])


def _taken(reports: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what was sent again."""
    first: dict[str, dict[str, Any]] = {}
    for report in reports:
        first.setdefault(report["report_key"], report)
    return list(first.values())


def people_of(report: Mapping[str, Any]) -> Iterator[str]:
    for part in ("reporter", "client", "accused"):
        person = report.get(part) or {}
        yield from (person[f] for f in ("name", "phone", "id_number", "address", "organisation") if person.get(f))
    if word := (report.get("safe_contact") or {}).get("code_word"):
        yield word
    yield report["report_key"]
    yield report["narrative"]


def volunteers_people(record: Mapping[str, Any]) -> Iterator[str]:
    yield record["name"]
    yield from record["must_not_meet"]


def outcomes(said: Sequence[Event], recording: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of `expected.jsonl` that follow from what was said, in order of receipt, then of arrival."""
    received = [event for event in said if event.type == "report.received"]
    keys = {one.message.id: one.message.data["report_key"] for one in commands(recording, "receive_report")}
    opened = {event.correlation: keys[event.causation] for event in received if event.data["opens_case"]}
    source = {event.id: event.causation for event in said if event.source == "intake"}
    caused: dict[str, list[Effect]] = {}
    for event in said:
        effect = Effect(type=event.type, case=event.correlation, data=event.data)
        caused.setdefault(source.get(event.causation, event.causation), []).append(effect)
    for event in sorted(received, key=lambda one: one.time):
        yield row(keys[event.causation], caused[event.causation], opened.__getitem__)


def renamed(row: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    named = {**row, "report_key": keys[row["report_key"]], "case": keys[row["case"]]}
    return {**named, "possible_matches": sorted(keys[one] for one in row["possible_matches"])}
