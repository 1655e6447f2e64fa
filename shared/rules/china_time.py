"""China's time, for the rules that speak of days and hours. Everything else is in UTC."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

#: One offset for the whole country, without summer time since 1991.
CHINA: Final = timezone(timedelta(hours=8), "China")


def china_day(time: datetime) -> date:
    """Return the date in China at an aware time."""
    return time.astimezone(CHINA).date()


def iso(time: datetime) -> str:
    """Return an aware time as text in UTC, ending in Z."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
