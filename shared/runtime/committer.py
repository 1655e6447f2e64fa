"""Commits batches: all together when nothing stands in the way, one by one to find what does."""

import random
import time
from collections.abc import Sequence

import structlog
from pymongo.errors import PyMongoError

from shared.runtime import metrics
from shared.runtime.collision import Collision
from shared.runtime.database import Document, is_away
from shared.runtime.decider import ALL_FAIL, explain
from shared.runtime.parking import lane
from shared.runtime.ticket import Fate, Ticket
from shared.runtime.unavailable import Unavailable
from shared.runtime.unit import Unit

#: Tries of a batch that collides with another process, before it goes one by one. Who has just committed knows what is
#: stored and is quicker with the next; the other must try often to come between.
COLLISIONS = 30
#: Collisions in a row after which it may be that nobody is faster, but that somebody is gone.
ORPHANED = 3
#: Seconds to wait after the first collision; twice as long after each further one, up to so many times.
APART = 0.005
DOUBLINGS = 4
_log = structlog.get_logger(__name__)


class Committer:
    """Decides how a batch is tried; one at a time in a process."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._failing: set[str] = set()

    def commit(self, tickets: Sequence[Ticket]) -> list[Document]:
        """Decide and store the tickets, say in each what became of it, return the journal entries made.

        Raises:
            Unavailable: the database is away; nothing was stored, or the sender must ask again to learn.
        """
        try:
            entries = self._together(tickets)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  one message must not take the others of its batch with it
            _log.warning("batch failed, going one by one", action="commit", error=type(_root(error)).__name__)
            entries = self._singly(tickets)
        self._observe(tickets)
        return entries

    def _together(self, tickets: Sequence[Ticket], broken: Exception | None = None) -> list[Document]:
        """Commit the tickets in one transaction.

        Raises:
            Unavailable: the database is away.
            Collision: another process was always faster, or something that must be new is there.
        """
        for attempt in range(COLLISIONS + 1):
            try:
                return self._unit.attempt(tickets, broken)
            except Collision as error:
                metrics.COLLISIONS.inc()
                if attempt == COLLISIONS or (attempt and error.doubted):
                    raise
                time.sleep(APART * 2 ** min(attempt, DOUBLINGS) * random.uniform(0.5, 1.5))
                if attempt >= ORPHANED:
                    self._end_orphans()
            except PyMongoError as error:
                if is_away(error):
                    raise Unavailable("the database is away") from error
                raise
        raise AssertionError("unreachable")

    def _end_orphans(self) -> None:
        try:
            self._unit.orphans.end()
        except PyMongoError as error:
            raise Unavailable("the database is away") from error

    def _singly(self, tickets: Sequence[Ticket]) -> list[Document]:
        """Commit one by one, so that the one that cannot be stored is found and harms no other."""
        entries: list[Document] = []
        for ticket in tickets:
            try:
                entries += self._together([ticket])
            except Unavailable:
                raise
            except Exception as error:  # whatever it is, it is the fault of this message
                if isinstance(error, Collision) and not error.doubted:
                    raise Unavailable("other processes commit without pause") from error
                entries += self._together([ticket], broken=_root(error))
        return entries

    def _observe(self, tickets: Sequence[Ticket]) -> None:
        """Count and log what became of the tickets, and notice when one case after the other fails."""
        metrics.BATCH.observe(len(tickets))
        for ticket in tickets:
            metrics.MESSAGES.labels(ticket.message.type, ticket.fate).inc()
            if ticket.event and ticket.fate is Fate.FAILED:
                self._failing.add(lane(ticket.event))
            elif ticket.event and ticket.fate is Fate.DONE:
                self._failing.clear()
            if ticket.fate is Fate.FAILED:
                _log.error(
                    "message failed",
                    action="decide",
                    message_id=ticket.message.id,
                    type=ticket.message.type,
                    reason=explain(ticket.error),
                )

    @property
    def all_fail(self) -> bool:
        """Whether one case after the other fails, with none succeeding between."""
        return len(self._failing) >= ALL_FAIL


def _root(error: Exception) -> Exception:
    """Return what made a commit fail: what the database said, where it is a collision."""
    return error.__cause__ if isinstance(error, Collision) and isinstance(error.__cause__, Exception) else error
