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

_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


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
    _check_effects(store, since, audit)


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
                self._audit.fault(
                    f"{self._name}: event {event.sequence} ({event.type} {event.id}) was taken, and is neither handled"
                    " nor parked"
                )
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


def _check_effects(store: Store, since: str, audit: Audit) -> None:
    """Check that every entry that an event caused has its mark, without which the event would count again."""
    consumers = [f"{store.service}.from.{source}" for source in SERVICES if store.service in listeners_of(source)]
    entries = store.journal.entries.find({"at": {"$gte": since}}, {"cause": 1}).sort("_id", 1)
    caused = ((entry["_id"], entry["cause"]) for entry in entries if _UUID7.fullmatch(entry["cause"]))
    for chunk in chunks(caused):
        names = [mark(consumer, cause) for _, cause in chunk for consumer in consumers]
        rows = store.database["inbox"].find({"_id": {"$in": names}}, {"_id": 1})
        marked = {row["_id"].partition("/")[2] for row in rows}
        for number, cause in chunk:
            if cause not in marked:
                audit.fault(f"entry {number} is the effect of event {cause}, which is not marked as handled")
