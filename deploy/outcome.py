"""What came of one report, as a row in the form of the sample week's `expected.jsonl`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: What a notice that goes to no channel counts as.
HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One event that a report caused, in whatever service."""

    type: str
    case: str
    data: Mapping[str, Any]


def row(report_key: str | None, effects: Sequence[Effect], key_of: Callable[[str], str | None]) -> dict[str, Any]:
    """Return the row of a report.

    Args:
        report_key: None where the key of the case was destroyed.
        effects: everything that the report caused, its own `report.received` among it.
        key_of: gives the report key that opened a case; None where that was erased.
    """
    received = next(effect for effect in effects if effect.type == "report.received")
    case = received.data["case"]
    own = [effect for effect in effects if effect.case == case["id"]]
    asked = _data(own, "volunteer.assigned", "volunteer.none_eligible")
    matches = [match["case_id"] for one in _data(own, "case.match_suggested") for match in one["matches"]]
    return {
        "report_key": report_key,
        "case": key_of(case["id"]),
        "opens_case": received.data["opens_case"],
        "possible_matches": sorted((key_of(match) for match in matches), key=lambda key: key or ""),
        "grade": case["grade"],
        "escalated": received.data["escalated"],
        "reasons": case["reasons"],
        "referrals": _lists(own, "referral.requested", "agency", "purpose", "basis"),
        "referrals_cancelled": _lists(own, "referral.cancelled", "agency", "purpose"),
        "consent_tasks": _lists(own, "consent.needed", "agency", "purpose"),
        "mediation_refused": bool(_data(own, "mediation.refused")),
        "skills": sorted(one["skill"] for one in asked),
        "released": sorted({one["volunteer_id"] for one in _data(own, "volunteer.released")}),
        "assignments": sorted(([one["skill"], one.get("volunteer_id")] for one in asked), key=lambda pair: pair[0]),
        "client_channel": next((one["channel"] for one in _data(own, "notice.queued")), HELD),
    }


def _data(effects: Iterable[Effect], *types: str) -> list[Mapping[str, Any]]:
    return [effect.data for effect in effects if effect.type in types]


def _lists(effects: Iterable[Effect], type: str, *fields: str) -> list[list[str]]:
    return sorted([one[name] for name in fields] for one in _data(effects, type))
