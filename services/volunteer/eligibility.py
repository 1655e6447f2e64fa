"""Who may be put with a case: what she is, what she has, and whom she must not meet."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from services.volunteer.skill import SkillRule, SkillRules
from services.volunteer.volunteer import Volunteer, levels


class CaseSeen(Struct, frozen=True, kw_only=True):
    """A case as far as it matters who helps in it."""

    id: str
    #: District of the report that opened it, as its levels from the province down.
    place: tuple[str, ...]
    #: Tokens by which its client and its accused are known.
    names: frozenset[str]
    phones: frozenset[str]
    other_sides: frozenset[str]

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "CaseSeen":
        """Return the case of which an event carries the snapshot."""
        client, accused = snapshot["client"], snapshot["accused"]
        return cls(
            id=snapshot["id"],
            place=levels(snapshot["district"], snapshot["place"]),
            names=frozenset((*client["names"], *accused["names"])),
            phones=frozenset((*client["phones"], *accused["phones"], *snapshot["shared_phones"])),
            other_sides=frozenset(snapshot["other_sides"]),
        )


def conflict(volunteer: Volunteer, case: CaseSeen) -> str | None:
    """Return the code of why she must not meet a person of the case, or None where she may."""
    if volunteer.name in case.names:
        return "own_name"
    if not case.names.isdisjoint(volunteer.must_not_meet_names):
        return "must_not_meet"
    if not case.phones.isdisjoint(volunteer.must_not_meet_phones):
        return "must_not_meet"
    if not case.other_sides.isdisjoint(volunteer.cases):
        return "other_side"
    return None


def is_fit(volunteer: Volunteer, rule: SkillRule, rules: SkillRules, today: date) -> bool:
    """Return whether she has a skill and may use it on a day (China's date): her own state, whatever the case."""
    return (
        volunteer.active
        and rule.skill in volunteer.skills
        and _is_within(volunteer.trained_on, rules.trained_within, today)
        and _is_within(volunteer.record_checked_on, rules.record_checked_within, today)
        and (rule.certificate is None or _holds(volunteer, rule.certificate, today))
    )


def has_capacity(volunteer: Volunteer, case: CaseSeen) -> bool:
    """Return whether the case is one of hers, or there is room for it."""
    return len(volunteer.cases) + (case.id not in volunteer.cases) <= volunteer.capacity


def _is_within(day: date | None, window: timedelta, today: date) -> bool:
    # A day still to come counts as fresh.
    return day is not None and today - day <= window


def _holds(volunteer: Volunteer, certificate: str, today: date) -> bool:
    return any(one.name == certificate and today <= one.expires for one in volunteer.certificates)
