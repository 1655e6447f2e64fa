"""Whether every consumer handled every event of its source once: its marks beside the source's journal."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from deploy.audit.finding import Audit
from deploy.stores import Store, Stores, chunks
from shared.events import listeners_of
from shared.runtime.inbox import KEPT_DAYS, mark
from shared.runtime.variables import SERVICES


class _Seen(NamedTuple):
    """An event in the journal of its source."""

    sequence: int
    type: str
    id: str
    stored_at: str


def check(store: Store, stores: Stores, audit: Audit) -> None:
    """Check all that a service listens to."""
    # Marks expire; what was stored earlier may have lost its own.
    since = (datetime.now(UTC) - timedelta(days=KEPT_DAYS)).isoformat()
    for source in SERVICES:
        types = listeners_of(source).get(store.service)
        if types:
            _Consumer(store, stores[source], types, since, audit).check()


class _Consumer:
    """A service together with the source it listens to."""

    def __init__(self, store: Store, source: Store, types: Sequence[str], since: str, audit: Audit) -> None:
        self._store = store
        self._source = source
        self._types = types
        self._since = since
        self._audit = audit
        self._name = f"{store.service}.from.{source.service}"
        self._marks = store.database["inbox"]

    def check(self) -> None:
        """Look for events that are neither handled nor on their way, and for marks of events that never were."""
        mine = {"_id": {"$regex": f"^{re.escape(self._name)}/"}}
        marks = self._marks.count_documents(mine)
        taken = self._store.inbox.positions().get(self._name, 0)
        handled = 0
        for events in chunks(self._events()):
            unmarked = self._unmarked(events)
            handled += len(events) - len(unmarked)
            due = [event for event in unmarked if event.sequence <= taken and event.stored_at >= self._since]
            for event in self._lost(due):
                self._audit.fault(f"{self._name}: event {event.sequence} ({event.type} {event.id}) {self._fate(event)}")
        self._audit.handled += handled
        if marks > handled:
            self._audit.fault(f"{self._name}: {marks - handled} events are marked as handled that were never published")

    def _events(self) -> Iterator[_Seen]:
        wanted = {"events.type": {"$in": list(self._types)}}
        fields = {"at": 1, "events.id": 1, "events.type": 1}
        for entry in self._source.journal.entries.find(wanted, fields).sort("_id", 1):
            for n, record in enumerate(entry["events"]):
                if record["type"] in self._types:
                    yield _Seen(entry["_id"] + n, record["type"], record["id"], entry["at"])

    def _unmarked(self, events: Iterable[_Seen]) -> list[_Seen]:
        by_mark = {mark(self._name, event.id): event for event in events}
        there = self._marks.find({"_id": {"$in": list(by_mark)}}, {"_id": 1})
        marked = {row["_id"] for row in there}
        return [event for name, event in by_mark.items() if name not in marked]

    def _lost(self, events: Iterable[_Seen]) -> list[_Seen]:
        """Return those that are not parked either; what was parked may have been handled just now."""
        by_mark = {mark(self._name, event.id): event for event in events}
        if not by_mark:
            return []
        rows = self._store.parking.rows.find({"_id": {"$in": list(by_mark)}}, {"_id": 1})
        parked = {row["_id"] for row in rows}
        return self._unmarked(event for name, event in by_mark.items() if name not in parked)

    def _fate(self, event: _Seen) -> str:
        """Say what is wrong with an event that was taken and has no mark."""
        entry = self._store.journal.entries.find_one({"cause": event.id}, {"_id": 1})
        if entry is None:
            return "was taken, and is neither handled nor parked"
        return f"has its effect in entry {entry['_id']}, but is not marked as handled"
