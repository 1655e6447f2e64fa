"""Keeps one agency from taking the broker's memory from all others.

RabbitMQ reads from a stream as much at once as a consumer asks for, up to 65,535 messages for each, and keeps it in
memory until the consumer has read it. It has no limit for that: some consumers that never read make it hold back
everybody's messages. So who asks for too much is cut off.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from services.feed.partners import Partners
from shared.runtime.unavailable import Unavailable

#: Messages that all consumers of an agency may ask for at once.
AT_ONCE = 2_000
#: Seconds between two looks; the broker's own figures are no newer.
INTERVAL = 1.0
#: Seconds for which an agency is held off; doubled each time until it behaves for as long as the longest.
_FIRST_HOLD, _LONGEST_HOLD = 60, 3_600


class Guard:
    """Holds agencies off that ask for more than `AT_ONCE`; what it remembers lasts as long as the process."""

    def __init__(self, partners: Partners, now: Callable[[], float] = time.monotonic) -> None:
        self._partners = partners
        self._now = now
        self._until: dict[str, float] = {}
        self._holds: dict[str, tuple[float, float]] = {}

    def look(self) -> list[str]:
        """Hold off who asks for too much, let on whose time is over; return the agencies newly held off.

        Raises:
            Unavailable, NotAdministrator: the broker cannot be asked; the next look does what was left.
        """
        for agency in [agency for agency, until in self._until.items() if until <= self._now()]:
            self._partners.let_on(agency)
            del self._until[agency]
        asked = self._partners.asked_for()
        new = []
        for agency in sorted(agency for agency, count in asked.items() if count > AT_ONCE):
            if agency not in self._until:
                self._until[agency] = self._now() + self._next_hold(agency)
                new.append(agency)
            seconds = round(self._until[agency] - self._now())
            why = f"{asked[agency]} messages asked for at once (prefetch); {AT_ONCE} are allowed. Come in {seconds} s"
            # also one that was held off already: if it is still there, the broker could not close it then, as it may
            # not now, and the next look tries again. Meanwhile the others are looked after
            with suppress(Unavailable):
                self._partners.hold_off(agency, why)
        return new

    def _next_hold(self, agency: str) -> float:
        at, seconds = self._holds.get(agency, (-_LONGEST_HOLD, 0))
        behaved = self._now() - at - seconds > _LONGEST_HOLD
        following = _FIRST_HOLD if behaved or not seconds else min(2 * seconds, _LONGEST_HOLD)
        self._holds[agency] = (self._now(), following)
        return following
