"""Scenarios of the sample week, written as streams: `python -m tests.support.scenarios VERSION`.

A stream holds all that was told to each service in a scenario, so that it can be replayed into any of them: commands,
the events of the bus, and what shells added. A stream that is there is never written again.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from deploy import agreement_file
from deploy.city import told_about_case, told_report, told_volunteer, whole_city
from deploy.sample import WEEK
from shared.kernel import Message
from shared.replay.city import City
from shared.replay.recording import Addition, Command, Line, write
from tests.support import invented

STREAMS = Path(__file__).parents[1] / "streams"
#: Before anything happened.
OPENED_AT = datetime(2025, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What happens, in the order of time."""

    #: Keys of reports, of the sample week or invented (`tests/support/invented.py`).
    reports: Sequence[str]
    #: Agencies that receive, in all districts of the province.
    agencies: Sequence[str] = ("police", "court", "justice", "statistics")
    #: After the report of a key, so many hours later, the command of that name, with its data.
    then: Sequence[tuple[str, float, str, dict[str, Any]]] = ()


INVENTED = invented.reports()

SCENARIOS = {
    # she calls; something arrives in writing; police comes twice, at last for strangulation
    "violence_red": Scenario(
        reports=("12338-20260302-0001", "WX-20260306-0009", "110-20260307-0186", "110-20260308-0188"),
        then=(
            ("12338-20260302-0001", 0.1, "mark_sent", {}),
            ("12338-20260302-0001", 0.5, "record_receipt", {"agency": "justice", "number": 1, "receipt": "received"}),
            ("12338-20260302-0001", 9, "record_receipt", {"agency": "justice", "number": 1, "receipt": "acted"}),
        ),
    ),
    # a teacher reports, and again half a year later; another child in the same days
    "child_case": Scenario(
        reports=("QZBG-20250915-0001", "QZBG-20260302-0001", "QZBG-20260303-0001"),
        agencies=("police", "procuratorate", "civil_affairs", "health", "statistics"),
    ),
    # mediation is asked for; then he hits her
    "mediation_refused": Scenario(
        reports=("12338-20260109-0006", "LF-20260303-0001", "12338-20260303-0004", "WX-20260308-0002"),
        agencies=("justice", "health", "statistics"),
        then=(("12338-20260109-0006", 0.2, "mark_failed", {"reason": "channel_failed"}),),
    ),
    # the man whom she fears reports her
    "counter_report": Scenario(reports=("12338-20260302-0001", "12338-20260307-0001", "110-20260308-0188")),
    # three alarms of one household in a week
    "repeated_alarms": Scenario(reports=("110-20260305-0014", "110-20260307-0402", "110-20260308-0005")),
    # visits find a child alone and a household at risk
    "visits": Scenario(
        reports=("ZF-20251220-0005", "ZF-20260304-0001", "ZF-20260305-0001", "ZF-20260305-0002"),
        agencies=("education", "grid", "civil_affairs"),
    ),
    # she takes her consent back, gives it again, and takes a part of it back
    "withdrawal": Scenario(
        reports=("JBTS-20260303-0001", "12338-20260308-0001"),
        agencies=("police", "court", "justice", "civil_affairs", "health"),
        then=(
            ("JBTS-20260303-0001", 30, "withdraw_consent", {"agencies": ["police", "court"], "by": "desk"}),
            ("JBTS-20260303-0001", 31, "withdraw_consent", {"agencies": ["police"], "by": "desk"}),
            ("12338-20260308-0001", 2, "withdraw_consent", {"agencies": ["justice", "health"], "by": "desk"}),
        ),
    ),
    # she is forgotten; a week later she calls again
    "erasure": Scenario(
        reports=("JBTS-20260302-0001", "12338-20260308-0005"),
        agencies=("police", "court", "justice", "health", "civil_affairs"),
        then=(("JBTS-20260302-0001", 48, "erase", {"reason": "client_request"}),),
    ),
    # every line of the risk rules, at its border
    "every_risk": Scenario(reports=[key for key in INVENTED if key.startswith("INV-risk")], agencies=("police",)),
    # every line of the referral rules, and every skill
    "every_need": Scenario(
        reports=[key for key in INVENTED if key.startswith("INV-need")], agencies=("police", "justice", "health")
    ),
}


@dataclass(slots=True)
class _Story:
    """A scenario while it happens."""

    city: City = field(default_factory=whole_city)
    #: Of the reports so far, by their keys.
    cases: dict[str, str] = field(default_factory=dict)
    #: The last notice of each case.
    notices: dict[str, str] = field(default_factory=dict)

    def tell(self, command: Command) -> Iterator[Line]:
        """Yield a command and all that the services are told because of it."""
        yield command
        for event in self.city.take(command):
            if event.type == "report.received":
                self.cases[command.message.data["report_key"]] = event.correlation
                contact = self.city.enrich["notification"](event)
                yield Addition(to="notification", event=event.id, data=contact or {})
            elif event.type in {"notice.queued", "notice.held"}:
                self.notices[event.correlation] = event.subject
            yield event

    def command(self, key: str, hours: float, name: str, data: dict[str, Any]) -> Command:
        """Return a command that comes some hours after a report."""
        at, case = _received(key) + timedelta(hours=hours), self.cases[key]
        if name in {"mark_sent", "mark_failed"}:
            return _to("notification", name, at, {"notice_id": self.notices[case], **data}, case)
        if name == "record_receipt":
            return _to("feed", name, at, data)
        return told_about_case(name, case, at, **data)


def stream(scenario: Scenario) -> Iterator[Line]:
    """Yield all that was told to each service, in the order of time."""
    story = _Story()
    counties = {_reports()[key]["district"][:6] for key in scenario.reports}
    for record in _volunteers():
        if any(district.startswith(tuple(counties)) for district in record["districts"]):
            yield from story.tell(told_volunteer(record))
    for kind in scenario.agencies:
        yield from story.tell(agency(kind))
    reports = [(_received(key), key, None) for key in scenario.reports]
    later = [(_received(then[0]) + timedelta(hours=then[1]), then[0], then) for then in scenario.then]
    for _, key, then in sorted([*reports, *later], key=lambda one: one[0]):
        yield from story.tell(story.command(*then) if then else told_report(_reports()[key]))
    assert not story.city.refused, story.city.refused


def week(webhook: str = "") -> Iterator[Line]:
    """Yield all that is told to each service in the sample week, the months before included.

    Args:
        webhook: where the agencies want to be called.
    """
    story = _Story()
    for record in _lines("volunteers"):
        yield from story.tell(told_volunteer(record))
    for kind in ("police", "court", "justice", "statistics"):
        told = agency(kind)
        data = {**told.message.data, "webhook_url": webhook, "webhook_secret": "whsec_AAAA" if webhook else ""}
        yield from story.tell(replace(told, message=replace(told.message, data=data)))
    reports = [*_lines("earlier"), *_lines("reports")]
    for report in sorted(reports, key=lambda one: datetime.fromisoformat(one["received_at"])):
        yield from story.tell(told_report(report))


def main(version: str) -> None:
    """Write the streams of a version that are not there yet."""
    folder = STREAMS / version
    folder.mkdir(parents=True, exist_ok=True)
    for name, scenario in SCENARIOS.items():
        file = folder / f"{name}.ndjson"
        if not file.exists():
            sys.stdout.write(f"{file}: {write(file, stream(scenario))} lines\n")


@cache
def _reports() -> dict[str, dict[str, Any]]:
    return INVENTED | {one["report_key"]: one for one in [*_lines("earlier"), *_lines("reports")]}


@cache
def _volunteers() -> list[dict[str, Any]]:
    return [*_lines("volunteers"), *invented.volunteers()]


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WEEK / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def _received(key: str) -> datetime:
    return datetime.fromisoformat(_reports()[key]["received_at"]).astimezone(UTC)


def agency(kind: str) -> Command:
    """Return the command by which an agency takes its deliveries itself, in the whole province."""
    data = {
        "agency": kind.replace("_", "-"),
        "agreement": dict(agreement_file.read(kind).content),
        "districts": ["33"],
        "key": "k00000000",
        "stream": False,
        "federated_to": "",
        "broker_password_hash": "",
        "webhook_url": "",
        "webhook_secret": "",
        "public_key": None,
        "sandbox": False,
    }
    return _to("feed", "add_agency", OPENED_AT, data)


def _to(service: str, type: str, at: datetime, data: dict[str, Any], case: str = "") -> Command:
    what = data.get("notice_id") or f"{data['agency']}:{data.get('receipt', '')}"
    return Command(to=service, message=Message(id=f"{type}:{what}", type=type, time=at, data=data, case=case))


if __name__ == "__main__":
    main(*sys.argv[1:])
