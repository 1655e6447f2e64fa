"""What came of a period under one set of rules: codes, ids and times, no person."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from deploy.whatif.period import Period
from shared.events import Event

#: What a notice goes to that may not be sent now.
HELD = "held"


@dataclass(slots=True, kw_only=True)
class Case:
    """A case of which somebody reported in the period, after the last report."""

    grade: str
    reasons: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Referral:
    """A referral that was made in the period."""

    id: str
    case: str
    agency: str
    purpose: str
    basis: str
    requested_at: datetime
    acknowledge_by: datetime
    finish_by: datetime
    cancelled: bool = False


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a period."""

    #: Reports that came in.
    reports: int = 0
    #: Commands that were not allowed.
    refused: int = 0
    #: By id.
    cases: dict[str, Case] = field(default_factory=dict)
    #: By id.
    referrals: dict[str, Referral] = field(default_factory=dict)
    #: Case, agency and purpose of each consent that somebody must ask for.
    consents: set[tuple[str, str, str]] = field(default_factory=set)
    #: Cases in which a wish for mediation was refused.
    unmediated: set[str] = field(default_factory=set)
    #: Case, skill and volunteer, each time that somebody was put with a case.
    assigned: list[tuple[str, str, str]] = field(default_factory=list)
    #: Case and skill, each time that nobody was found.
    nobody: list[tuple[str, str]] = field(default_factory=list)
    #: By report: the case, and the channel by which its client is told, or why not.
    notices: dict[str, tuple[str, str]] = field(default_factory=dict)


class Observer:
    """Listens to a city, and keeps what came of a period."""

    def __init__(self, period: Period) -> None:
        self.outcome = Outcome()
        self._period = period
        #: Reports by the ids of their events.
        self._reports: dict[str, str] = {}

    def see(self, said: Iterable[Event]) -> None:
        """Take note of what was said."""
        for event in said:
            if event.time in self._period:
                self._see(event)

    def _see(self, event: Event) -> None:
        found, data, case = self.outcome, event.data, event.correlation
        match event.type:
            case "report.received":
                found.reports += 1
                found.cases[case] = Case(grade=data["case"]["grade"], reasons=tuple(data["case"]["reasons"]))
                self._reports[event.id] = data["report"]["id"]
            case "referral.requested":
                found.referrals[event.subject] = _referral(event)
            case "referral.cancelled" if event.subject in found.referrals:
                found.referrals[event.subject].cancelled = True
            case "consent.needed":
                found.consents.add((case, data["agency"], data["purpose"]))
            case "mediation.refused":
                found.unmediated.add(case)
            case "volunteer.assigned":
                found.assigned.append((case, data["skill"], data["volunteer_id"]))
            case "volunteer.none_eligible":
                found.nobody.append((case, data["skill"]))
            case "notice.queued" | "notice.held":
                told = data.get("channel") or f"{HELD}: {data['reason']}"
                found.notices[self._reports[event.causation]] = (case, told)


def _referral(event: Event) -> Referral:
    data = event.data
    times = (datetime.fromisoformat(data[name]) for name in ("requested_at", "acknowledge_by", "finish_by"))
    requested_at, acknowledge_by, finish_by = times
    return Referral(
        id=event.subject,
        case=event.correlation,
        agency=data["agency"],
        purpose=data["purpose"],
        basis=data["basis"],
        requested_at=requested_at,
        acknowledge_by=acknowledge_by,
        finish_by=finish_by,
    )
