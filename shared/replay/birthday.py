"""Birth dates moved within their year, so that everything that is decided by them stays as it was.

Kept are the year, the age on the day of every report of the case (the eighteenth birthday before, on or after that
day), and of two dates in neighbouring years, where somebody may compare them, whether they are at most a year apart by
anniversary. A date that leaves no room between other days stays where it is.
"""

import hmac
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

#: A leap year: every day of any year is one of its days.
_LEAP: Final = 2000
_FIRST, _LAST = 1, 366
_LEAP_DAY: Final = 60


class Birthdays:
    """Learns who may be compared with whom, then moves their birth dates.

    Args:
        key: a secret of who records.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._above: dict[str, str] = {}
        #: By case: days of a leap year on which it was reported, and birth dates that were given.
        self._reported: dict[str, set[int]] = {}
        self._born: dict[str, set[date]] = {}
        self._moved: dict[tuple[str, date], date] | None = None

    def add(self, case: str, names: Iterable[str], born: date | None, reported: date) -> None:
        """Learn from a report: of which case, what its client is called, when she was born, on which day it came."""
        self._moved = None
        for name in names:
            self._join(f"case {case}", f"name {name}")
        self._reported.setdefault(case, set()).add(_day(reported))
        if born:
            self._born.setdefault(case, set()).add(born)

    def of(self, case: str, born: date) -> date:
        """Return the invented birth date."""
        if self._moved is None:
            self._moved = dict(self._all())
        return self._moved.get((self._root(f"case {case}"), born), born)

    def _all(self) -> Iterator[tuple[tuple[str, date], date]]:
        together: dict[str, dict[date, set[int]]] = {}
        for case, dates in self._born.items():
            known = together.setdefault(self._root(f"case {case}"), {})
            for born in dates:
                known.setdefault(born, set()).update(self._reported[case])
        for root, known in together.items():
            for chain in _chains(sorted(known)):
                days: dict[int, set[int]] = {}
                for born in chain:
                    days.setdefault(_day(born), set()).update(known[born])
                places = self._places(f"{chain[0].year}", days)
                yield from (((root, born), _in_year(born.year, places[_day(born)])) for born in chain)

    def _places(self, chain: str, days: dict[int, set[int]]) -> dict[int, int]:
        """Return where the birthdays of a chain go: each stays between its neighbours and between the reports."""
        order = sorted(days)
        borders = [0, *((one + other) // 2 for one, other in pairwise(order)), _LAST]
        return {
            day: self._place(chain, day, borders[n], borders[n + 1], sorted(days[day])) for n, day in enumerate(order)
        }

    def _place(self, chain: str, day: int, after: int, until: int, reported: Sequence[int]) -> int:
        """Return a day within the borders from which each report is on the same side as before."""
        n = bisect_left(reported, day)
        first = max(after, reported[n - 1] if n else 0) + 1
        last = min(until, reported[n] if n < len(reported) else _LAST)
        room = [one for one in range(first, last + 1) if one != _LEAP_DAY] or [day]
        chance = hmac.digest(self._key, f"birthday\x1f{chain}\x1f{day}".encode(), "sha256")
        return room[int.from_bytes(chance[:4]) % len(room)]

    def _root(self, one: str) -> str:
        while (above := self._above.get(one, one)) != one:
            self._above[one] = self._above.get(above, above)
            one = above
        return one

    def _join(self, one: str, other: str) -> None:
        self._above[self._root(one)] = self._root(other)


def _chains(dates: Sequence[date]) -> Iterator[list[date]]:
    """Yield dates whose years follow one another without a gap: only those can be nearly a year apart."""
    chain = list(dates[:1])
    for before, born in pairwise(dates):
        if born.year - before.year > 1:
            yield chain
            chain = []
        chain.append(born)
    yield chain


def _day(day: date) -> int:
    return (date(_LEAP, day.month, day.day) - date(_LEAP, 1, 1)).days + _FIRST


def _in_year(year: int, day: int) -> date:
    found = date.fromordinal(date(_LEAP, 1, 1).toordinal() + day - _FIRST)
    return date(year, found.month, found.day)
