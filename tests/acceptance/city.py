"""A whole city in memory: the four pure cores, wired as the bus wires them, without clock, broker or database."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.intake import contact, persons
from services.intake.model import IntakeModel
from services.notification.model import NotificationModel
from services.referral.model import ReferralModel
from services.volunteer import volunteer
from services.volunteer.model import VolunteerModel
from shared.kernel import Conflict, Fact, Message, Model, run

WEEK = Path(__file__).parents[2] / "deploy" / "sample" / "week"


def blind(kind: str, text: str) -> str:
    """Return a token that can be read, so that a failing test explains itself."""
    return f"{kind}:{text}"


def lines(file: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def report_command(report: Mapping[str, Any]) -> Message:
    """Return a report as the edge hands it to the domain: validated, in UTC, with tokens."""
    received_at = datetime.fromisoformat(report["received_at"]).astimezone(UTC)
    return Message(
        id=f"report:{report['report_key']}",
        type="receive_report",
        time=received_at,
        data={
            "report": {**report, "received_at": received_at.isoformat()},
            "report_key": report["report_key"],
            "content_hash": hashlib.sha256(json.dumps(report, sort_keys=True).encode()).hexdigest(),
            "tokens": persons.tokens(report, blind),
        },
    )


def volunteer_command(record: Mapping[str, Any]) -> Message:
    """Return a registration as the edge hands it to the domain."""
    return Message(
        id=f"volunteer:{record['id']}:{json.dumps(record, sort_keys=True)}",
        type="register_volunteer",
        time=datetime(2025, 1, 1, tzinfo=UTC),
        data={"volunteer": record, "tokens": volunteer.tokens(record, blind)},
    )


@dataclass
class Service:
    """One model with its states and everything that it has said."""

    model: Model
    shelf: Any = None
    facts: list[Fact] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shelf = self.model.shelf()

    def hear(self, message: Message) -> tuple[list[Fact], Mapping[str, Any] | None]:
        """Decide on a message; return its facts and its answer."""
        facts, answer = run(self.model, self.shelf, message)
        self.facts += facts
        return facts, answer


class City:
    """Intake's facts reach the others in their order; every report gives a row like those of expected.jsonl."""

    def __init__(self, volunteers: Iterable[Mapping[str, Any]] = ()) -> None:
        self.intake = Service(IntakeModel())
        self.referral = Service(ReferralModel())
        self.volunteer = Service(VolunteerModel())
        self.notification = Service(NotificationModel())
        #: Report key that opened a case, by case id.
        self.opened_by: dict[str, str] = {}
        #: By report key.
        self.rows: dict[str, dict[str, Any]] = {}
        for record in volunteers:
            self.volunteer.hear(volunteer_command(record))

    @property
    def services(self) -> tuple[Service, ...]:
        """All four."""
        return self.intake, self.referral, self.volunteer, self.notification

    def case_of(self, report_key: str) -> Any:
        """Return the state of the case to which a report belongs."""
        case_id = next(case for case, key in self.opened_by.items() if key == self.rows[report_key]["case"])
        return self.intake.shelf.get("case", case_id)

    def receive(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """Take in a report with all that follows from it; return its row (the first one for a known key)."""
        caused, answer = self.intake.hear(replace(report_command(report), sequence=len(self.intake.facts) + 1))
        if caused:
            facts = [*caused, *(fact for cause in caused for fact in self._publish(cause))]
            if answer["opens_case"]:
                self.opened_by[answer["case_id"]] = report["report_key"]
            self.rows[report["report_key"]] = self._row(answer, facts)
        return self.rows[report["report_key"]]

    def command(self, message: Message) -> tuple[Mapping[str, Any] | None, list[Fact]]:
        """Give intake a command; return its answer, and the facts of all that follow from it."""
        caused, answer = self.intake.hear(message)
        return answer, [*caused, *(fact for cause in caused for fact in self._publish(cause))]

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
        data = dict(cause.data)
        if cause.type == "report.received":
            data["contact"] = contact.disclosed(self.intake.shelf.get("case", cause.case).private.contact)
        return Message(
            id=f"event:{self.intake.facts.index(cause) + 1}",
            type=cause.type,
            time=cause.time,
            data=data,
            source="intake",
            subject=cause.subject,
            case=cause.case,
            sequence=self.intake.facts.index(cause) + 1,
        )

    def _publish(self, cause: Fact) -> list[Fact]:
        message = self.message(cause)
        return [fact for service in self.services[1:] for fact in service.hear(message)[0]]

    def _row(self, answer: Mapping[str, Any], facts: list[Fact]) -> dict[str, Any]:
        own = [fact for fact in facts if fact.case == answer["case_id"]]

        def data(*types: str) -> list[Mapping[str, Any]]:
            return [fact.data for fact in own if fact.type in types]

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
