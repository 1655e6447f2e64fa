"""The hours in which a client may be told: "HH:MM-HH:MM" in China's time.

The end is excluded. An end before the start lies on the next day; an end equal to the start leaves no time at all.
"""

import re
from datetime import datetime
from typing import Final

from shared.rules import CHINA

_WRITTEN: Final = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])\s*[-–—~至]\s*([01]?[0-9]|2[0-4]):([0-5][0-9])")


def are_open(hours: str | None, time: datetime) -> bool:
    """Return whether an aware time lies in the hours; without hours any time does.

    Hours that cannot be read are never open: a person must look at them.
    """
    if hours is None:
        return True
    written = _WRITTEN.fullmatch(hours.strip())
    if not written:
        return False
    start, end = _minutes(written[1], written[2]), _minutes(written[3], written[4])
    local = time.astimezone(CHINA)
    now = local.hour * 60 + local.minute
    if start <= end:
        return start <= now < end
    return now >= start or now < end


def _minutes(hour: str, minute: str) -> int:
    return int(hour) * 60 + int(minute)
