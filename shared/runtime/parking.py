"""Events that failed: they wait in the service's own database, in the order of their case, and are tried again.

A case that has a parked event is blocked for its consumer: what comes later queues up behind. After the last try an
event stays as a dead letter, with its reason, until somebody sends it back or discards it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.events import Event, from_structured, to_structured
from shared.runtime.database import Document
from shared.runtime.inbox import mark
from shared.runtime.look import Part

BEHIND = "waits behind an earlier event of its case"


class Parking:
    """The parked events of a service. `delays`: seconds between a failure and the next try, one for each try."""

    def __init__(self, database: Database[Document], delays: Sequence[float]) -> None:
        self.rows = database["parked"]
        self._marks = database["inbox"]
        self._delays = delays

    def prepare(self) -> None:
        """Make the index by which blocked cases are found."""
        self.rows.create_index([("consumer", 1), ("lane", 1), ("sequence", 1)])

    def blocked(self, lanes: Mapping[str, Sequence[str]]) -> Part:
        """Return where the parked events are in these lanes (case ids, or subjects where there is no case).

        Args:
            lanes: by consumer.
        """
        either = [{"consumer": consumer, "lane": {"$in": list(those)}} for consumer, those in lanes.items()]
        return Part(self.rows.name, {"$or": either}, ("consumer", "lane"))

    def add(self, consumer: str, event: Event, reason: str, at: datetime, *, attempts: int, session: Any) -> None:
        """Park an event: after a failed attempt, or (0 attempts) behind one that is parked."""
        row: Document = {
            "consumer": consumer,
            "lane": lane(event),
            "sequence": event.sequence,
            "event": orjson.dumps(to_structured(event)).decode(),
            "type": event.type,
            "at": at,
            **self._verdict(attempts, reason, at),
        }
        # An event that is delivered again while it is parked keeps its attempts.
        self.rows.update_one({"_id": mark(consumer, event.id)}, {"$setOnInsert": row}, upsert=True, session=session)

    def add_unreadable(self, consumer: str, delivery: str, sealed: bytes, reason: str, at: datetime) -> None:
        """Keep a message that could not even be read as a dead letter; its bytes are sealed."""
        row = {
            "consumer": consumer,
            "lane": delivery,
            "sequence": 0,
            "sealed": sealed,
            "type": "",
            "at": at,
            **self._verdict(len(self._delays) + 1, reason, at),
        }
        self.rows.update_one({"_id": mark(consumer, delivery)}, {"$setOnInsert": row}, upsert=True)

    def failed(self, consumer: str, event: Event, reason: str, at: datetime, *, session: Any) -> None:
        """Count one more failed attempt of a parked event."""
        row = self.rows.find_one({"_id": mark(consumer, event.id)}, {"attempts": 1}, session=session)
        if row is not None:
            verdict = self._verdict(row["attempts"] + 1, reason, at)
            self.rows.update_one({"_id": row["_id"]}, {"$set": verdict}, session=session)

    def _verdict(self, attempts: int, reason: str, at: datetime) -> Document:
        dead = attempts > len(self._delays)
        delay = self._delays[attempts - 1] if 0 < attempts <= len(self._delays) else 0
        return {
            "attempts": attempts,
            "reason": reason,
            "dead": dead,
            "next_at": None if dead else at + timedelta(seconds=delay),
        }

    def release(self, ids: Sequence[str], session: ClientSession | None = None) -> None:
        """Forget rows (by the marks of their events) that were handled after all, or sent back to the queue."""
        if ids:
            self.rows.delete_many({"_id": {"$in": list(ids)}}, session=session)

    def due(self, consumer: str, now: datetime, limit: int) -> list[Document]:
        """Return the first parked row of lanes whose time has come, of at most `limit` lanes."""
        heads: list[Document] = [
            {"$match": {"consumer": consumer}},
            {"$sort": {"consumer": 1, "lane": 1, "sequence": 1}},
            {"$group": {"_id": "$lane", "row": {"$first": "$$ROOT"}}},
            {"$replaceRoot": {"newRoot": "$row"}},
            {"$match": {"next_at": {"$ne": None, "$lte": now}}},
            {"$limit": limit},
        ]
        return list(self.rows.aggregate(heads))

    def waiting(self) -> int:
        """Return how many events will be tried again (those behind a dead letter wait for a person)."""
        by_lane: Document = {
            "_id": {"consumer": "$consumer", "lane": "$lane"},
            "rows": {"$sum": 1},
            "stuck": {"$max": "$dead"},
        }
        counts = self.rows.aggregate([{"$group": by_lane}, {"$match": {"stuck": False}}])
        return sum(row["rows"] for row in counts)

    def count_dead(self) -> int:
        """Return how many dead letters there are."""
        return self.rows.count_documents({"dead": True})

    def dead(self) -> list[Document]:
        """Return the dead letters, oldest first."""
        return list(self.rows.find({"dead": True}).sort("at", 1))

    def retry(self, ids: Sequence[str], at: datetime) -> int:
        """Send dead letters back: they are tried at once, with all their attempts before them. Returns how many."""
        verdict = {"dead": False, "attempts": 0, "next_at": at}
        return self.rows.update_many({"_id": {"$in": list(ids)}, "dead": True}, [{"$set": verdict}]).modified_count

    def discard(self, ids: Sequence[str], at: datetime) -> int:
        """Give dead letters up: they count as handled, and what waits behind them goes on. Returns how many."""
        with self.rows.database.client.start_session() as session, session.start_transaction():
            query = {"_id": {"$in": list(ids)}, "dead": True}
            rows = list(self.rows.find(query, {"sealed": 1}, session=session))
            # Delivered again, a discarded event must not be handled after all, and out of its order.
            marks = [{"_id": row["_id"], "at": at, "discarded": True} for row in rows if "sealed" not in row]
            if marks:
                self._marks.insert_many(marks, session=session)
            self.release([row["_id"] for row in rows], session)
        return len(rows)


def parked_event(row: Document) -> Event:
    """Return the event that a parked row holds."""
    return from_structured(orjson.loads(row["event"]))


def lane(event: Event) -> str:
    """Return what an event keeps its order with: its case, or its subject where it belongs to none."""
    return event.correlation or event.subject
