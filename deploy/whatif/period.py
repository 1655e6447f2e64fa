"""A span of days, China's: a year, a month, a day, or from one to another."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from deploy.problem import Problem
from shared.rules import CHINA

_WRITTEN: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")
_SPAN: Final = ".."
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A span of days."""

    first: date
    #: Belongs to it.
    last: date

    @property
    def begin(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), CHINA)

    @property
    def end(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + _DAY, time(), CHINA)

    def __str__(self) -> str:
        return f"{self.first}{_SPAN}{self.last}"

    def __contains__(self, moment: datetime) -> bool:
        return self.begin <= moment < self.end


def period(text: str) -> Period:
    """Return the period that is written like 2026, 2026-03, 2026-03-02 or 2026-03-02..2026-03-08.

    Raises:
        Problem: it is written otherwise.
    """
    begin, between, end = text.partition(_SPAN)
    try:
        found = Period(first=_days(begin)[0], last=_days(end if between else begin)[1])
    except ValueError:
        found = None
    if found is None or found.last < found.first:
        raise Problem(
            f"{text!r} is no period", "write it as 2026-03, 2026-03-02 or 2026-03-02..2026-03-08", exit_code=2
        )
    return found


def _days(text: str) -> tuple[date, date]:
    """Return the first and the last day of a year, a month or a day.

    Raises:
        ValueError: it is none of them.
    """
    written = _WRITTEN.fullmatch(text.strip())
    if not written:
        raise ValueError(text)
    year, month, day = (int(part) if part else None for part in written.groups())
    if day:
        return date(year or 0, month or 0, day), date(year or 0, month or 0, day)
    first = date(year or 0, month or 1, 1)
    after = date(first.year + 1, 1, 1) if not month else (first + 31 * _DAY).replace(day=1)
    return first, after - _DAY
