"""Invented reports, each made to reach one rule, at its border where it has one. Their keys say which."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.events.vocabulary import AGENCIES

BEGINNING = datetime(2025, 2, 3, 1, tzinfo=UTC)
#: Factors that alone give no grade, in an order of their own.
_FACTORS = (
    "injury",
    "very_frightened",
    "fears_further_harm",
    "stalking",
    "abuse_more_often",
    "abuse_getting_worse",
    "weapon_used",
    "threatened_by_others",
    "hurt_others",
    "isolated",
    "depressed_or_suicidal",
    "child_contact_conflict",
    "pregnant_or_new_baby",
    "money_dependence",
)

#: Each line of the risk rules, reached by it alone as far as that can be: its code, and what a report says.
_RISK: dict[str, dict[str, Any]] = {
    "immediate_danger": {"category": "employment", "immediate_danger": True},
    "strangulation": {"category": "employment", "risk_factors": ["strangulation"]},
    "breached_order": {"category": "employment", "risk_factors": ["breached_order"]},
    "threat_to_kill_and_weapon": {"category": "employment", "risk_factors": ["threat_to_kill", "weapon_used"]},
    "factors_14": {"category": "marriage_dispute", "risk_factors": list(_FACTORS[:14])},
    "child_case": {"category": "child_abuse", "reporter": {"role": "teacher"}},
    "factors_13": {"category": "marriage_dispute", "risk_factors": list(_FACTORS[:13])},
    "factors_10": {"category": "marriage_dispute", "risk_factors": list(_FACTORS[:10])},
    "threat_to_kill": {"category": "employment", "risk_factors": ["threat_to_kill"]},
    "sexual_abuse": {"category": "employment", "risk_factors": ["sexual_abuse"]},
    "sexual_assault": {"category": "sexual_assault"},
    "separation_control_injury": {
        "category": "marriage_dispute",
        "risk_factors": ["separated_or_trying", "controlling_or_jealous", "injury"],
    },
    "factors_9": {"category": "marriage_dispute", "risk_factors": list(_FACTORS[:9])},
    "factors_1": {"category": "marriage_dispute", "risk_factors": ["isolated"]},
    "harassment": {"category": "sexual_harassment"},
}

#: What a client needs or wishes; she agrees to all agencies, but in a child case to none.
_NEEDS: dict[str, dict[str, Any]] = {
    "crisis_care": {"category": "psychological", "immediate_danger": True},
    "warned": {"category": "domestic_violence", "risk_factors": ["threat_to_kill"]},
    "ordered_at_once": {"category": "domestic_violence", "immediate_danger": True},
    "ordered": {"category": "other", "wishes": ["protection_order"]},
    "legal_aid": {"category": "other", "wishes": ["legal_aid"]},
    "green_channel": {"category": "trafficking", "wishes": ["legal_advice"]},
    "shelter": {"category": "other", "wishes": ["shelter"]},
    "injury_care": {"category": "domestic_violence", "risk_factors": ["injury"]},
    "mediation": {"category": "marriage_dispute", "wishes": ["mediation"]},
    "relief": {"category": "poverty_relief", "wishes": ["financial_aid"]},
    "labour": {"category": "labour_rights"},
    "land": {"category": "property_and_land"},
    "left_behind": {"category": "left_behind_child"},
    "lessons": {"category": "family_education"},
    "counselling": {"category": "other", "wishes": ["counselling"]},
    "hazard": {"category": "marriage_dispute", "risk_factors": ["isolated"], "channel": "home_visit"},
    "child": {
        "category": "child_abuse",
        "reporter": {"role": "doctor"},
        "risk_factors": ["injury"],
        "wishes": ["protection_order", "legal_aid", "shelter", "injury_appraisal"],
        "consent": None,
    },
}


def reports() -> dict[str, dict[str, Any]]:
    """Return all invented reports by their keys."""
    return {one["report_key"]: one for one in [*_alone("risk", _RISK), *_alone("need", _NEEDS), *_windows()]}


def volunteers() -> list[dict[str, Any]]:
    """Return two volunteers who lack what the rules want of them: a certificate, or the skill itself."""
    able = {
        "sex": "female",
        "trained_on": "2025-01-20",
        "record_checked_on": "2025-01-20",
        "districts": ["330302004012"],
        "hours": [],
        "capacity": 9,
        "must_not_meet": [],
        "active": True,
    }
    return [
        {"id": "v900", "name": "未证", "skills": ["law", "psychology"], "certificates": [], **able},
        {"id": "v901", "name": "陪同", "skills": ["family_education", "mediation"], "certificates": [], **able},
    ]


def _alone(kind: str, rules: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one report for each rule, each of another client, an hour after the other."""
    consent = {"agencies": list(AGENCIES), "given_at": BEGINNING.isoformat()} if kind == "need" else None
    for n, (code, says) in enumerate(rules.items()):
        yield _report(
            f"{kind}-{code}", n + (100 if kind == "need" else 0), timedelta(hours=n), **{"consent": consent, **says}
        )


def _windows() -> Iterator[dict[str, Any]]:
    """Yield what clients report again at the last moment that counts."""
    for name, number, days in (("second", 200, (0, 30)), ("third", 201, (0, 100, 365))):
        for n, day in enumerate(days):
            yield _report(f"risk-{name}-{n}", number, timedelta(days=day, hours=12), category="domestic_violence")


def _report(key: str, number: int, after: timedelta, **says: Any) -> dict[str, Any]:
    """Return a report by a client of that number."""
    report = {
        "report_key": f"INV-{key}",
        "channel": "hotline_12338",
        "received_at": (BEGINNING + after).isoformat(),
        "district": "330302004012",
        "reporter": {"role": "self"},
        "client": {"name": f"申某{number}", "phone": f"138000{number:05d}", "birth_date": "1990-06-01"},
        "accused": {"name": f"彭某{number}", "phone": f"138001{number:05d}"},
        "narrative": "…",
        **says,
    }
    return {name: value for name, value in report.items() if value is not None}
