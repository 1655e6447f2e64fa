"""Which skills a case asks for, and who gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tests.acceptance.oracle.case import Case
from tests.acceptance.oracle.matching import are_other_sides
from tests.acceptance.oracle.report import VIOLENCE

LEVELS = [2, 4, 6, 9, 12, 14]
CERTIFICATE_FOR = {"law": "律师", "psychology": "心理咨询师"}
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(kw_only=True)
class Volunteer:
    """A registered volunteer."""

    record: Mapping[str, Any]
    last_assigned: datetime = NEVER

    @property
    def id(self) -> str:
        return str(self.record["id"])


@dataclass(frozen=True, kw_only=True)
class Roster:
    """All volunteers, and all cases in which they may help."""

    volunteers: Sequence[Volunteer]
    cases: Sequence[Case]

    def release(self, case: Case) -> set[str]:
        """Release who must not meet a person of a case, by what is known now; return their ids."""
        released = {one.id for one in self.volunteers if one.id in case.volunteers and self._must_not_meet(one, case)}
        case.assigned = {skill: None if who in released else who for skill, who in case.assigned.items()}
        return released

    def staff(self, case: Case) -> list[tuple[str, str | None]]:
        """Ask for the skills that nobody gives yet; return each with who does now."""
        asked = [skill for skill in sorted(_skills(case)) if case.assigned.get(skill) is None]
        return [(skill, self._ask(skill, case)) for skill in asked]

    def _ask(self, skill: str, case: Case) -> str | None:
        report = case.reports[-1]
        eligible = [one for one in self.volunteers if self._is_eligible(one, skill, case, report.day)]
        chosen = min(eligible, key=lambda one: self._rank(one, case), default=None)
        case.assigned[skill] = chosen.id if chosen else None
        if chosen:
            chosen.last_assigned = report.time
        return case.assigned[skill]

    def _rank(self, volunteer: Volunteer, case: Case) -> tuple[int, int, datetime, str]:
        near = max(_common_levels(one, case.reports[0].district) for one in volunteer.record["districts"])
        return -near, len(self._cases_of(volunteer)), volunteer.last_assigned, volunteer.id

    def _is_eligible(self, volunteer: Volunteer, skill: str, case: Case, today: date) -> bool:
        mine = self._cases_of(volunteer)
        return (
            _is_fit(volunteer.record, skill, today)
            and (len(mine) < volunteer.record["capacity"] or case in mine)
            and not self._must_not_meet(volunteer, case)
        )

    def _must_not_meet(self, volunteer: Volunteer, case: Case) -> bool:
        names = case.client.names | case.accused.names
        phones = {phone for report in case.reports for phone in report.phones}
        return (
            volunteer.record["name"] in names
            or not (names | phones).isdisjoint(volunteer.record.get("must_not_meet") or ())
            or any(are_other_sides(case, other) for other in self._cases_of(volunteer))
        )

    def _cases_of(self, volunteer: Volunteer) -> list[Case]:
        return [case for case in self.cases if volunteer.id in case.volunteers]


def _skills(case: Case) -> set[str]:
    categories, wishes = case.categories, case.wishes
    violent = bool(categories & (VIOLENCE | {"sexual_harassment"}))
    in_dispute = bool(categories & {"marriage_dispute", "custody_and_support"})
    asked = {
        "law": violent or "legal_advice" in wishes,
        "psychology": violent or "psychological" in categories or "counselling" in wishes,
        "mediation": in_dispute and not case.is_barred_from_mediation,
        "accompaniment": "left_behind_child" in categories,
        "family_education": "family_education" in categories,
    }
    return {skill for skill, wanted in asked.items() if wanted}


def _is_fit(record: Mapping[str, Any], skill: str, today: date) -> bool:
    """Tell whether she may use a skill on a day, whatever the case."""
    return (
        record["active"]
        and skill in record["skills"]
        and _is_fresh(record.get("trained_on"), today)
        and _is_fresh(record.get("record_checked_on"), today)
        and (skill not in CERTIFICATE_FOR or _is_certified(record, CERTIFICATE_FOR[skill], today))
    )


def _is_fresh(day: str | None, today: date) -> bool:
    return day is not None and (today - date.fromisoformat(day)).days <= 365


def _is_certified(record: Mapping[str, Any], certificate: str, today: date) -> bool:
    return any(
        one["name"] == certificate and today <= date.fromisoformat(one["expires"])
        for one in record.get("certificates") or ()
    )


def _common_levels(one: str, other: str) -> int:
    """Return how many digits two districts have in common, in whole levels."""
    shared = [level for level in LEVELS if min(len(one), len(other)) >= level and one[:level] == other[:level]]
    return max(shared, default=0)
