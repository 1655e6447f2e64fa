"""Volunteers, few of them without any fault."""

from datetime import date
from typing import Any

from tests.acceptance.random_week.codes import DISTRICTS
from tests.acceptance.random_week.dice import Dice
from tests.acceptance.random_week.town import Town

_SKILLS = ["law", "psychology", "mediation", "accompaniment", "family_education"]
_CERTIFICATES = {"law": "律师", "psychology": "心理咨询师"}
#: Sets of skills of which one case may ask for several.
_JOINED_SKILLS = [["law", "mediation"], ["mediation", "psychology"], ["law", "mediation", "psychology"]]
_MIDWEEK = date(2026, 3, 5)


def volunteer(dice: Dice, town: Town, number: int) -> dict[str, Any]:
    """Return a volunteer as she is registered."""
    skills = dice.choice(_JOINED_SKILLS) if dice.says(0.3) else dice.some(_SKILLS, 1, 2, 2, 3)
    return {
        "id": f"v{number:03d}",
        "name": dice.choice(town.names) if dice.says(0.15) else f"志愿者{number}",
        "sex": "female",
        "skills": [*skills, *dice.some(["dialect:温州话", "patrol", "medical"], 0, 0, 1)],
        "certificates": _certificates(dice, skills),
        "trained_on": _last_year(dice),
        "record_checked_on": _last_year(dice),
        "districts": dice.some(DISTRICTS, 1, 1, 2),
        "hours": [{"day": "mon", "from": "09:00", "to": "17:00"}],
        "capacity": dice.choice([0, 1, 1, 2, 3, 5, 12, 12]),
        "must_not_meet": sorted(dice.some(town.names + town.phones, 0, 0, 1, 1, 2)),
        "active": dice.says(0.93),
    }


def _certificates(dice: Dice, skills: list[str]) -> list[dict[str, str]]:
    """Return what she holds; some of it ends in the week, or has ended."""
    held = [name for skill, name in _CERTIFICATES.items() if skill in skills and dice.says(0.93)]
    certificates = [{"name": name, "expires": _end(dice)} for name in held]
    if held and dice.says(0.1):
        certificates.append({"name": held[0], "expires": "2024-12-31"})
    if dice.says(0.2):
        certificates.append({"name": dice.choice(["社会工作师", "婚姻家庭咨询师"]), "expires": "2027-01-31"})
    return certificates


def _end(dice: Dice) -> str:
    if dice.says(0.25):
        return str(dice.near(_MIDWEEK, 4))
    return f"{dice.choice([2025, 2026, 2027, 2028])}-12-31"


def _last_year(dice: Dice) -> str | None:
    """Return a day of training: 365 days before a day of the week, or another that is still good, or not."""
    kind = dice.random()
    if kind < 0.15:
        return str(dice.near(_MIDWEEK.replace(year=2025), 4))
    if kind < 0.95:
        return str(dice.near(date(2025, 9, 15), 140))
    return dice.choice(["2026-03-06", "2024-11-20", None])
