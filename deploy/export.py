"""The journal of a service as its events went out: public data only."""

from collections.abc import Iterator

from deploy.stores import Store
from shared.events import Event
from shared.runtime.database import Document

#: The sealed part stays where it is.
_PUBLIC = {"events.private": 0}


def events(store: Store, first: int = 1, last: int | None = None) -> Iterator[Event]:
    """Return the events from number `first` to number `last` (both included), in their order."""
    span: Document = {"$gte": _begin(store, first)}
    if last is not None:
        span["$lte"] = last
    for entry in store.journal.entries.find({"_id": span}, _PUBLIC).sort("_id", 1):
        for event in store.journal.events(entry):
            if event.sequence >= first and (last is None or event.sequence <= last):
                yield event


def _begin(store: Store, first: int) -> int:
    """Return the number of the entry that holds the event number `first`."""
    entry = store.journal.entries.find_one({"_id": {"$lte": first}}, {"_id": 1}, sort=[("_id", -1)])
    return int(entry["_id"]) if entry else first
