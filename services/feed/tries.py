"""How often a delivery was tried by webhook, and when it is tried again: written down, so that a restart keeps it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Self

from msgspec import Struct
from msgspec.structs import replace

from services.feed.agency import Agency
from services.feed.cursor import Cursor
from shared.rules import iso

#: The way, as cursors name it.
WAY: Final = "webhook"
#: Why a partner is called no more.
GONE, GAVE_UP = "gone", "gave_up"
#: Longest that a partner is left alone because it asks for it.
_LONGEST: Final = timedelta(hours=24)


class Tries(Struct, frozen=True, kw_only=True):
    """The tries of one delivery."""

    number: int
    count: int = 0
    #: When it is tried again; None at once.
    retry_at: datetime | None = None
    #: What the last try brought: a status of HTTP, or a code where there was no answer.
    last_status: int | str = ""
    #: Why the partner is called no more; empty as long as it is.
    why: str = ""
    #: Id of the command that says so to everybody: until it is stored, it is given again.
    stop: str = ""

    @classmethod
    def noted(cls, cursor: Cursor, since: int = 0) -> Self:
        """Return the tries of the delivery after a cursor, and after number `since`, as they were written down."""
        number, note = max(cursor.number, since) + 1, cursor.note
        # What is noted of an earlier one is over: it was taken in the end.
        return cls(**note) if note.get("number") == number else cls(number=number)

    @property
    def note(self) -> dict[str, Any]:
        """What is to be written down."""
        return {
            "number": self.number,
            "count": self.count,
            "retry_at": self.retry_at,
            "last_status": self.last_status,
            "why": self.why,
            "stop": self.stop,
        }

    def failed(
        self, status: int | str, now: datetime, delays: Sequence[float], *, retry_after: float = 0.0, stop: str
    ) -> Self:
        """Return the tries with one more that failed.

        Args:
            delays: seconds after each try; after the one that follows the last of them it is given up.
            retry_after: seconds for which the partner wants to be left alone.
            stop: id of the command to give then.
        """
        count = self.count + 1
        if count > len(delays):
            return replace(self, count=count, retry_at=None, last_status=status, why=GAVE_UP, stop=stop)
        wait = max(timedelta(seconds=delays[count - 1]), min(timedelta(seconds=min(retry_after, 1e6)), _LONGEST))
        return replace(self, count=count, retry_at=now + wait, last_status=status)

    def gone(self, status: int, *, stop: str) -> Self:
        """Return the tries with a last one, after which the partner wants no more."""
        return replace(self, count=self.count + 1, retry_at=None, last_status=status, why=GONE, stop=stop)

    def wait(self, now: datetime) -> float:
        """Return the seconds until the next try."""
        return max(0.0, (self.retry_at - now).total_seconds()) if self.retry_at else 0.0


def shown(agency: Agency, cursor: Cursor) -> Mapping[str, Any]:
    """Return how far an agency is by webhook, as operators see it."""
    tries = Tries.noted(cursor, agency.since)
    return {
        "state": agency.webhook.value,
        "number": tries.number - 1,
        "tries": tries.count,
        "next_try_at": iso(tries.retry_at) if tries.retry_at else None,
        "last_status": tries.last_status or None,
    }
