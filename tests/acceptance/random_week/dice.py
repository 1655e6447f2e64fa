"""Chance that follows from a seed."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import TypeVar

_T = TypeVar("_T")

CHINA = timezone(timedelta(hours=8))
#: The first moment of which there may be a report.
BEGINNING = datetime(2025, 3, 1, tzinfo=CHINA)
MONDAY = datetime(2026, 3, 2, tzinfo=CHINA)
SUNDAY = datetime(2026, 3, 8, 23, 59, 59, tzinfo=CHINA)


class Dice(random.Random):
    """A random generator with a few words of its own."""

    def says(self, share: float) -> bool:
        """Return true in a share of all calls."""
        return self.random() < share

    def some(self, pool: Sequence[_T], *sizes: int) -> list[_T]:
        """Return different ones of a pool, as many as one of the sizes says."""
        return self.sample(pool, self.choice(sizes))

    def moment(self) -> datetime:
        """Return a time in the week, often a whole minute, often close to midnight in China."""
        time = self.between(MONDAY, SUNDAY)
        if self.says(0.5):
            time = time.replace(second=0)
        if self.says(0.25):
            minute, second = self.choice([(0, 0), (0, 0), (59, 59), (59, 0)])
            time = time.replace(hour=self.choice([0, 23]), minute=minute, second=second)
        return time

    def between(self, first: datetime, last: datetime) -> datetime:
        """Return a time between two others, to the second."""
        return first + timedelta(seconds=self.randint(0, int((last - first).total_seconds())))

    def near(self, day: date, days: int) -> date:
        """Return a date at most so many days before or after another."""
        return day + timedelta(days=self.randint(-days, days))

    def written(self, time: datetime) -> str:
        """Return a time as text, now and then with another offset than China's."""
        offset = 8 if self.says(0.8) else self.choice([0, 0, 9, -5])
        return time.astimezone(timezone(timedelta(hours=offset))).isoformat()
