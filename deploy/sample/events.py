"""The events of the sample week, worked out in memory: what a sandbox gets to hear."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.sample import WEEK
from services.feed.agreement import picked
from services.feed.shareable import shareable
from services.intake import persons
from services.intake.model import IntakeModel
from services.referral.model import ReferralModel
from services.volunteer import volunteer
from services.volunteer.model import VolunteerModel
from shared.kernel import Conflict, Fact, Message, Model, run
from shared.privacy import BlindIndex

#: When the volunteers came into the register: before anything happened.
_REGISTERED = datetime(2025, 1, 1, tzinfo=UTC)
#: Tokens of invented people need no secret, and must be the same every time.
_blind = BlindIndex(bytes(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEvent:
    """One event, with no more data than an agreement may choose from."""

    type: str
    subject: str
    case: str
    #: When it happened (UTC).
    time: datetime
    data: dict[str, Any]


def sample_events() -> Iterator[SampleEvent]:
    """Yield the week's events that an agency may hear of, in their order; always the same.

    The reports of the months before are its past: they count, and bring no event.
    """
    city = _City()
    for record in _lines("volunteers"):
        city.register(record)
    for report in _ordered("earlier"):
        tuple(city.receive(report))
    for report in _ordered("reports"):
        for fact in city.receive(report):
            if fact.type in shareable():
                yield _event(fact)


class _Voice:
    """One service without its shell."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._shelf = model.shelf()

    def hear(self, message: Message) -> list[Fact]:
        return run(self._model, self._shelf, message)[0]


class _City:
    """The services whose events agencies hear of, wired as the bus wires them."""

    def __init__(self) -> None:
        self._intake = _Voice(IntakeModel())
        self._referral = _Voice(ReferralModel())
        self._volunteer = _Voice(VolunteerModel())
        self._told = 0

    def register(self, record: Mapping[str, Any]) -> None:
        content = {"volunteer": record, "tokens": volunteer.tokens(record, _blind)}
        who = f"volunteer:{record['id']}:{_hash(record)}"
        self._volunteer.hear(Message(id=who, type="register_volunteer", time=_REGISTERED, data=content))

    def receive(self, report: Mapping[str, Any]) -> Iterator[Fact]:
        """Yield what follows from a report; nothing from one that is known or contradicts a known one."""
        try:
            told = self._intake.hear(_command(report, self._told + 1))
        except Conflict:
            return
        for fact in told:
            self._told += 1
            yield fact
            message = _message(fact, self._told)
            yield from self._referral.hear(message)
            yield from self._volunteer.hear(message)


def _command(report: Mapping[str, Any], sequence: int) -> Message:
    received_at = datetime.fromisoformat(report["received_at"]).astimezone(UTC)
    return Message(
        id=f"report:{report['report_key']}",
        type="receive_report",
        time=received_at,
        data={
            "report": {**report, "received_at": received_at.isoformat()},
            "report_key": report["report_key"],
            "content_hash": _hash(report),
            "tokens": persons.tokens(report, _blind),
        },
        sequence=sequence,
    )


def _message(fact: Fact, sequence: int) -> Message:
    return Message(
        id=f"event:{sequence}",
        type=fact.type,
        time=fact.time,
        data=fact.data,
        source="intake",
        subject=fact.subject,
        case=fact.case,
        sequence=sequence,
    )


def _event(fact: Fact) -> SampleEvent:
    data = picked(fact.data, sorted(shareable()[fact.type]))
    return SampleEvent(type=fact.type, subject=fact.subject, case=fact.case, time=fact.time, data=data)


def _ordered(name: str) -> list[dict[str, Any]]:
    """Return reports in the order of receipt, then as they stand in the file."""
    return sorted(_lines(name), key=lambda one: datetime.fromisoformat(one["received_at"]))


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WEEK / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
