"""How much one agency may ask for, so that none takes the place of the others. For each process of feed."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from shared.runtime.problem import TooMany

#: Requests a second in the long run, and at once.
RATE: Final = 50.0
BURST: Final = 200.0


class Buckets:
    """Counts the requests of each agency: one drop each, refilled at a steady rate."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate = rate
        self._burst = burst
        #: Drops that are left, and when they were counted.
        self._drops: dict[str, tuple[float, float]] = {}

    def draw(self, agency: str, now: float) -> None:
        """Let a request pass.

        Args:
            now: by a clock that never goes back, in seconds.

        Raises:
            TooMany: the agency asks too often.
        """
        drops, since = self._drops.get(agency, (self._burst, now))
        drops = min(self._burst, drops + (now - since) * self._rate)
        if drops < 1:
            self._drops[agency] = (drops, now)
            raise TooMany(f"more than {self._rate:.0f} requests a second; ask less often")
        self._drops[agency] = (drops - 1, now)


class Places:
    """Things that an agency does at the same time: so many and no more."""

    def __init__(self, most: int, detail: str) -> None:
        self._most = most
        self._detail = detail
        self._taken: Counter[str] = Counter()

    def take(self, agency: str) -> None:
        """Take a place.

        Raises:
            TooMany: none is left.
        """
        if self._taken[agency] >= self._most:
            raise TooMany(self._detail)
        self._taken[agency] += 1

    def give_back(self, agency: str) -> None:
        """Leave a place that was taken."""
        self._taken[agency] -= 1
        if not self._taken[agency]:
            del self._taken[agency]

    def taken(self, agency: str) -> int:
        """Return how many places are taken."""
        return self._taken[agency]

    @contextmanager
    def held(self, agency: str) -> Iterator[None]:
        """Take a place for a while.

        Raises:
            TooMany: none is left.
        """
        self.take(agency)
        try:
            yield
        finally:
            self.give_back(agency)
