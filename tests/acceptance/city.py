"""A whole city in memory, for tests: what is told to it and what it says of each report, in the domain's words."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.city import told_report, told_volunteer, whole_city
from shared.events import CATALOGUE, Catalogue, Event
from shared.kernel import Conflict, Fact, Message, Model
from shared.replay.city import City as WholeCity
from shared.replay.recording import Command
from shared.replay.voice import Told, Voice, message_of

WEEK = Path(__file__).parents[2] / "deploy" / "sample" / "week"


def blind(kind: str, text: str) -> str:
    """Return a token that can be read, so that a failing test explains itself."""
    return f"{kind}:{text}"


class Readable(Catalogue):
    """Lets tokens pass that can be read."""

    def __init__(self) -> None:
        super().__init__()
        self._types = {declared.type: declared for declared in CATALOGUE}

    def check(self, type: str, data: Mapping[str, Any]) -> None:
        """Let everything pass."""


def lines(file: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def report_command(report: Mapping[str, Any]) -> Message:
    """Return a report as the edge hands it to the domain: validated, in UTC, with tokens."""
    return told_report(report, blind).message


def volunteer_command(record: Mapping[str, Any]) -> Message:
    """Return a registration as the edge hands it to the domain."""
    return told_volunteer(record, blind).message


class Service:
    """One model with its states and everything that it has said."""

    def __init__(self, model: Model, voice: Voice | None = None) -> None:
        self.facts: list[Fact] = []
        self.voice = voice or Voice(model, Readable(), self.keep)
        self.model, self.shelf = self.voice.model, self.voice.shelf

    def keep(self, _service: str, facts: Sequence[Fact]) -> None:
        self.facts += facts

    def hear(self, message: Message) -> tuple[list[Fact], Mapping[str, Any] | None]:
        """Decide on a message; return its facts and its answer."""
        before = len(self.facts)
        answer = self.voice.decide(message).answer
        return self.facts[before:], answer


class City:
    """Intake's facts reach the others in their order; every report gives a row like those of expected.jsonl."""

    def __init__(self, volunteers: Iterable[Mapping[str, Any]] = ()) -> None:
        self._city: WholeCity = whole_city(catalogue=Readable(), keep=self._keep)
        self._services = {name: Service(voice.model, voice) for name, voice in self._city.voices.items()}
        self.intake = self._services["intake"]
        self.referral = self._services["referral"]
        self.volunteer = self._services["volunteer"]
        self.notification = self._services["notification"]
        self._said: list[Event] = []
        #: Report key that opened a case, by case id.
        self.opened_by: dict[str, str] = {}
        #: By report key.
        self.rows: dict[str, dict[str, Any]] = {}
        for record in volunteers:
            self._city.tell(Command(to="volunteer", message=volunteer_command(record)))

    @property
    def services(self) -> tuple[Service, ...]:
        """All four that act on reports."""
        return self.intake, self.referral, self.volunteer, self.notification

    def case_of(self, report_key: str) -> Any:
        """Return the state of the case to which a report belongs."""
        case_id = next(case for case, key in self.opened_by.items() if key == self.rows[report_key]["case"])
        return self.intake.shelf.get("case", case_id)

    def receive(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """Take in a report with all that follows from it; return its row (the first one for a known key)."""
        events, answer = self._tell(report_command(report))
        if events and answer:
            if answer["opens_case"]:
                self.opened_by[answer["case_id"]] = report["report_key"]
            self.rows[report["report_key"]] = self._row(answer, events)
        return self.rows[report["report_key"]]

    def command(self, message: Message) -> tuple[Mapping[str, Any] | None, list[Fact]]:
        """Give intake a command; return its answer, and the facts of all that follow from it."""
        before = [len(service.facts) for service in self.services]
        answer = self._tell(message).answer
        caused = [fact for n, service in zip(before, self.services, strict=True) for fact in service.facts[n:]]
        return answer, caused

    def receive_all(self, reports: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Take in reports in order of receipt, then as they stand; return the rows. A conflict leaves no trace."""
        for report in sorted(reports, key=lambda one: datetime.fromisoformat(one["received_at"])):
            try:
                self.receive(report)
            except Conflict:
                continue
        return list(self.rows.values())

    def message(self, cause: Fact) -> Message:
        """Return a fact of intake as the others hear it, with what the shell adds for notification."""
        event = self._said[self.intake.facts.index(cause)]
        return message_of(event, {**event.data, **(self._city.enrich["notification"](event) or {})})

    def _tell(self, message: Message) -> Told:
        told = self._city.tell(Command(to="intake", message=message))
        self._said += [event for event in told.events if event.source == "intake"]
        return told

    def _keep(self, service: str, facts: Sequence[Fact]) -> None:
        self._services[service].keep(service, facts)

    def _row(self, answer: Mapping[str, Any], events: list[Event]) -> dict[str, Any]:
        own = [event for event in events if event.correlation == answer["case_id"]]

        def data(*types: str) -> list[Mapping[str, Any]]:
            return [event.data for event in own if event.type in types]

        def pairs(type: str, *fields: str) -> list[list[str]]:
            return sorted([one[name] for name in fields] for one in data(type))

        asked = data("volunteer.assigned", "volunteer.none_eligible")
        notice = next((one["channel"] for one in data("notice.queued")), "held")
        return {
            "report_key": answer["report_key"],
            "case": self.opened_by[answer["case_id"]],
            "opens_case": answer["opens_case"],
            "possible_matches": sorted(
                self.opened_by[match["case_id"]] for one in data("case.match_suggested") for match in one["matches"]
            ),
            "grade": answer["grade"],
            "escalated": answer["escalated"],
            "reasons": answer["reasons"],
            "referrals": pairs("referral.requested", "agency", "purpose", "basis"),
            "referrals_cancelled": pairs("referral.cancelled", "agency", "purpose"),
            "consent_tasks": pairs("consent.needed", "agency", "purpose"),
            "mediation_refused": bool(data("mediation.refused")),
            "skills": sorted(one["skill"] for one in asked),
            "released": sorted({one["volunteer_id"] for one in data("volunteer.released")}),
            "assignments": sorted(([one["skill"], one.get("volunteer_id")] for one in asked), key=lambda one: one[0]),
            "client_channel": notice,
        }
