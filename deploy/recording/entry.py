"""What the journals hold, entry by entry, private parts opened, in the order in which it was stored."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from deploy.problem import Problem
from deploy.stores import Store, chunks
from shared.events import InvalidEvent, UnknownEvent, UnknownVersion
from shared.kernel import Fact
from shared.runtime.database import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """All that one message brought about in one service."""

    service: str
    #: Of its first event.
    number: int
    #: Id of the message.
    cause: str
    #: When it was stored.
    at: datetime
    #: Public data as the newest version has it; private data empty where its key was destroyed.
    facts: tuple[Fact, ...]
    #: Of the events, as they went out.
    ids: tuple[str, ...]

    @property
    def time(self) -> datetime:
        """When it happened."""
        return self.facts[0].time

    @property
    def types(self) -> frozenset[str]:
        """Of its events."""
        return frozenset(fact.type for fact in self.facts)

    def fact(self, type: str) -> Fact:
        """Return its fact of a type."""
        return next(fact for fact in self.facts if fact.type == type)


def entries(store: Store, types: Collection[str] = ()) -> Iterator[Entry]:
    """Yield the journal of a service from its beginning.

    Args:
        store: of the service.
        types: only entries with an event of these types; all where there are none.

    Raises:
        Problem: this release cannot read it.
    """
    wanted = {"events.type": {"$in": list(types)}} if types else {}
    for chunk in chunks(store.journal.entries.find(wanted).sort("_id", 1)):
        owners = {record["case"] or record["subject"] for entry in chunk for record in entry["events"]}
        if broken := store.load_keys(owners):
            raise Problem(f"{store.service}: the key of {broken[0]} cannot be opened", "see `niangjia verify`")
        yield from (_entry(store, entry) for entry in chunk)


def erased(store: Store) -> frozenset[str]:
    """Return the cases whose key was destroyed."""
    return frozenset(row["_id"] for row in store.database["keys"].find({"wrapped": {"$exists": False}}, {"_id": 1}))


def _entry(store: Store, document: Document) -> Entry:
    try:
        facts = tuple(store.journal.facts(document))
    except (UnknownEvent, UnknownVersion, InvalidEvent) as error:
        # they quote no value
        raise Problem(f"{store.service}: event {document['_id']} cannot be read: {error}", "use its release") from None
    return Entry(
        service=store.service,
        number=document["_id"],
        cause=document["cause"],
        at=datetime.fromisoformat(document["at"]),
        facts=facts,
        ids=tuple(record["id"] for record in document["events"]),
    )
