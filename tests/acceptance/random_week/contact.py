"""How a client says that she may be reached."""

from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.random_week.dice import CHINA, Dice

_FIELDS = ("channels", "hours", "code_word", "voicemail")


def safe_contact(dice: Dice, time: datetime) -> dict[str, Any]:
    """Return what a report of that time may say, often with hours that begin or end just then."""
    contact: dict[str, Any] = {}
    if dice.says(0.97):
        contact["channels"] = dice.some(["phone", "sms", "wechat", "email"], 0, 1, 1, 1, 1, 1, 2, 2, 3)
    if dice.says(0.65):
        contact["hours"] = _hours(dice, time)
    if dice.says(0.3):
        contact["code_word"] = dice.choice(["图书馆", "快递", "补课", None])
    if dice.says(0.4):
        contact["voicemail"] = dice.choice([True, False, None])
    return contact


def altered(dice: Dice, contact: dict[str, Any], time: datetime) -> dict[str, Any]:
    """Return the same with one field taken anew, or left out."""
    field, other = dice.choice(_FIELDS), safe_contact(dice, time)
    rest = {name: value for name, value in contact.items() if name != field}
    return rest | ({field: other[field]} if field in other else {})


def _hours(dice: Dice, time: datetime) -> str | None:
    now, before, after = (_clock(time, minutes) for minutes in (0, -60, 60))
    same = dice.choice([now, "00:00", "12:00"])
    return dice.choice(
        [
            f"{now}-{after}",
            f"{before}-{now}",
            f"{same}-{same}",
            dice.choice(["22:00-06:00", "20:00-08:30", "23:59-00:01", "12:00-11:00", "18:00-00:00", "00:00-08:00"]),
            dice.choice(["09:00-17:00", "08:00-20:00", "00:00-23:59", "12:00-13:30"]),
            None,
        ]
    )


def _clock(time: datetime, minutes: int) -> str:
    return f"{time.astimezone(CHINA) + timedelta(minutes=minutes):%H:%M}"
