"""When something must be done: hours, calendar days and working days from a start.

Hours run exactly. Of days the day of the start is not counted and the last one runs to its end, 24:00 in China
(Civil Code 201, 203).
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

import chinese_calendar
from msgspec import Struct

from shared.rules import CHINA, china_day

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_WRITTEN: Final = re.compile(r"([1-9][0-9]{0,3})(h|d|wd)")


class Unit(StrEnum):
    """What a limit counts."""

    HOURS = "h"
    DAYS = "d"
    WORKING_DAYS = "wd"


class Limit(Struct, frozen=True, kw_only=True):
    """How long something may take, and who says so."""

    amount: int
    unit: Unit
    #: "local", or the article that sets the figure.
    source: str


class Deadline(Struct, frozen=True, kw_only=True):
    """A point in time (UTC), exclusive: what is done before it is in time."""

    at: datetime
    #: The calendar of holidays does not know a year that was counted; Monday to Friday were taken for working days.
    assumed: bool


def limit(written: str, source: str) -> Limit:
    """Return the limit that is written like "24h", "7d" or "3wd".

    Raises:
        ValueError: it is written otherwise.
    """
    found = _WRITTEN.fullmatch(written)
    if not found:
        raise ValueError(f"a limit is written like 24h, 7d or 3wd, found {written!r}")
    return Limit(amount=int(found[1]), unit=Unit(found[2]), source=source)


def deadline(start: datetime, limit: Limit) -> Deadline:
    """Return when a limit that begins at `start` (aware) is over."""
    if limit.unit is Unit.HOURS:
        return Deadline(at=start + timedelta(hours=limit.amount), assumed=False)
    first = china_day(start)
    if limit.unit is Unit.DAYS:
        return Deadline(at=_end_of(first + limit.amount * _DAY), assumed=False)
    last, assumed = _after_working_days(first, limit.amount)
    return Deadline(at=_end_of(last), assumed=assumed)


def _end_of(day: date) -> datetime:
    return datetime.combine(day + _DAY, time(), tzinfo=CHINA).astimezone(UTC)


def _after_working_days(day: date, amount: int) -> tuple[date, bool]:
    assumed = False
    while amount:
        day += _DAY
        works, unknown = _is_working_day(day)
        amount -= works
        assumed = assumed or unknown
    return day, assumed


def _is_working_day(day: date) -> tuple[bool, bool]:
    """Return whether a day is a working day, and whether that is only assumed."""
    try:
        return chinese_calendar.is_workday(day), False
    except NotImplementedError:
        return day.weekday() < _SATURDAY, True
