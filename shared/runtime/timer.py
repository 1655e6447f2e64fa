"""Timers as rows: set in the transaction that decides on them, gone in the transaction that acts on them.

The row is what lets a timer be looked at: whoever cannot take it away in its transaction was not the one. So two
schedulers need not agree on anything, and one that is killed leaves everything as it was.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import orjson
from pymongo import DeleteOne, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.events import Event
from shared.kernel import Timer, identifier
from shared.runtime.collision import Collision
from shared.runtime.database import Document
from shared.runtime.look import Part


class Timers:
    """The timers of one service."""

    def __init__(self, database: Database[Document], service: str) -> None:
        self.rows = database["timers"]
        self._service = service

    @property
    def consumer(self) -> str:
        """The name under which the service takes its own timers."""
        return f"{self._service}.timers"

    def prepare(self) -> None:
        """Make the index by which due timers are found."""
        self.rows.create_index([("due_at", 1), ("_id", 1)])

    def due(self, now: datetime | None, limit: int) -> list[Document]:
        """Return the timers whose time has come, in the order of their times.

        Args:
            now: what counts as now; the database's clock where it is None.
            limit: how many at most.
        """
        query: Document = {"due_at": {"$lte": now}} if now else {"$expr": {"$lte": ["$due_at", "$$NOW"]}}
        return list(self.rows.find(query).sort([("due_at", 1), ("_id", 1)]).limit(limit))

    def event(self, row: Document) -> Event:
        """Return the message of a timer. The same row makes the same message."""
        due_at: datetime = row["due_at"]
        return Event(
            id=message_id(row["_id"], due_at, row["set_by"]),
            source=self._service,
            type=row["type"],
            version=1,
            time=due_at,
            subject=row["subject"],
            # Of parked timers of a case, the one that was due first is the first.
            sequence=int(due_at.timestamp() * 1000),
            correlation=row["case"],
            causation=row["set_by"],
            body=row["data"].encode(),
        )

    def there(self, ids: Sequence[str]) -> Part:
        """Return where to see whether timers are still set, and by whom."""
        return Part(self.rows.name, {"_id": {"$in": list(ids)}}, ("set_by",))

    def take(self, fired: Sequence[tuple[str, str]], session: ClientSession) -> None:
        """Take away timers (id, and the event that set it) that are acted on in this transaction.

        Raises:
            Collision: one was taken, replaced or cancelled meanwhile.
        """
        if fired:
            either = [{"_id": name, "set_by": set_by} for name, set_by in fired]
            if self.rows.delete_many({"$or": either}, session=session).deleted_count != len(fired):
                raise Collision

    def change(self, timers: Iterable[tuple[Timer, str]], session: ClientSession) -> None:
        """Set or take away timers, each with the id of the event that says so."""
        changes = [_change(timer, set_by) for timer, set_by in timers]
        if changes:
            self.rows.bulk_write(changes, ordered=False, session=session)


def row_of(timer: Timer, due_at: datetime, set_by: str) -> Document:
    """Return the row of a timer that is set, without its id.

    Args:
        timer: what to set.
        due_at: its time.
        set_by: id of the event that sets it.
    """
    return {
        "due_at": due_at.astimezone(UTC),
        "type": timer.type,
        "subject": timer.subject,
        "case": timer.case,
        "data": orjson.dumps(timer.data).decode(),
        "set_by": set_by,
    }


def message_id(name: str, due_at: datetime, set_by: str) -> str:
    """Return the id of the message that a timer makes when its time has come."""
    return identifier(due_at, set_by, name)


def _change(timer: Timer, set_by: str) -> ReplaceOne[Document] | DeleteOne:
    if timer.due_at is None:
        return DeleteOne({"_id": timer.id})
    return ReplaceOne({"_id": timer.id}, row_of(timer, timer.due_at, set_by), upsert=True)
