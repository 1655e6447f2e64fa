"""Marks of what each consumer has handled, so that the same event again changes nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.events import Event
from shared.runtime.database import Document
from shared.runtime.look import Part

#: Days that a mark is kept: far longer than anything parked can be sent again.
KEPT_DAYS = 180


def mark(consumer: str, event_id: str) -> str:
    """Return the id of the mark of one event in the inbox of one consumer."""
    return f"{consumer}/{event_id}"


class Inbox:
    """The marks, and for each consumer the number up to which it took its stream.

    A consumer is a service together with the source it listens to, as in `referral.from.intake`.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._marks = database["inbox"]
        self._streams = database["streams"]

    def prepare(self) -> None:
        """Make the index that lets marks expire."""
        self._marks.create_index("at", expireAfterSeconds=KEPT_DAYS * 86_400)

    def seen(self, marks: Sequence[str]) -> Part:
        """Return where those of the marks are that are there."""
        return Part(self._marks.name, {"_id": {"$in": list(marks)}}, ("_id",))

    def add(self, consumer: str, events: Iterable[Event], at: datetime, session: ClientSession) -> None:
        """Mark events as handled."""
        rows = [{"_id": mark(consumer, event.id), "at": at} for event in events]
        if rows:
            self._marks.insert_many(rows, ordered=False, session=session)

    def advance(self, consumer: str, events: Sequence[Event], session: ClientSession) -> None:
        """Remember the highest number that was taken (handled or parked) from the stream."""
        if events:
            highest = max(event.sequence for event in events)
            self._streams.update_one({"_id": consumer}, {"$max": {"sequence": highest}}, upsert=True, session=session)

    def positions(self) -> dict[str, int]:
        """Return for each consumer the highest number taken."""
        return {row["_id"]: row["sequence"] for row in self._streams.find()}
