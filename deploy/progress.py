"""What is still under way in the services: from the databases and the broker, without asking the services.

A look that finds nothing under way proves little by itself, because the places are looked at one after the other. Two
such looks between which no service has stored anything prove that there is nothing: whatever is under way either
stands in one of the places or ends in a journal. For this, each look reads the journals first, then how far they are
published and taken, then what is parked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo.errors import PyMongoError

from deploy.queues import Queues, away
from deploy.stores import Store, Stores, trouble
from shared.events import listeners_of
from shared.runtime.broker import BrokerAway
from shared.runtime.database import Document
from shared.runtime.variables import SERVICES

#: What is left for a person to act on: waiting does not help.
_DEAD = frozenset({"dead letters", "behind dead letters", "unreadable messages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something that is not finished."""

    service: str
    what: str
    count: int
    detail: str = ""

    @property
    def is_dead(self) -> bool:
        """Whether only a person can finish it."""
        return self.what in _DEAD

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {"service": self.service, "what": self.what, "count": self.count, "detail": self.detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look found."""

    #: The last number of each journal.
    heads: Mapping[str, int]
    left: tuple[Left, ...]
    #: What could not be looked at, and why.
    away: tuple[str, ...] = ()

    @property
    def is_clear(self) -> bool:
        """Whether nothing was found under way."""
        return not self.left and not self.away

    @property
    def is_stuck(self) -> bool:
        """Whether all that is left waits for a person."""
        return bool(self.left) and not self.away and all(left.is_dead for left in self.left)


@dataclass(slots=True)
class _Tail:
    """The last event of some types in a journal, and how far the journal was searched for it."""

    last: int = 0
    searched: int = 0


@dataclass(slots=True)
class Progress:
    """Looks at all services, again and again; remembers of the journals what it has seen."""

    stores: Stores
    queues: Queues
    #: Notices are sent; where sending is off they wait for nobody.
    sending: bool = True
    _tails: dict[tuple[str, str], _Tail] = field(default_factory=dict)

    def look(self) -> Look:
        """Look at everything once."""
        try:
            heads = {service: store.journal.head().sequence for service, store in self.stores.items()}
            left = [*self._unpublished(heads), *self._untaken(heads), *self._parked(), *self._due()]
        except PyMongoError as error:
            return Look(heads={}, left=(), away=(trouble(error),))
        try:
            left += self._in_queues()
        except BrokerAway as error:
            return Look(heads=heads, left=tuple(left), away=(away(error),))
        return Look(heads=heads, left=tuple(left))

    def _unpublished(self, heads: Mapping[str, int]) -> Iterator[Left]:
        for service, store in self.stores.items():
            count = heads[service] - store.published
            if count > 0:
                yield Left(service=service, what="events to publish", count=count)

    def _untaken(self, heads: Mapping[str, int]) -> Iterator[Left]:
        """Yield the events that a listener has neither handled nor parked."""
        for source in SERVICES:
            for consumer, types in listeners_of(source).items():
                last = self._last(self.stores[source], consumer, types, heads[source])
                taken = self.stores[consumer].inbox.positions().get(f"{consumer}.from.{source}", 0)
                if last > taken:
                    detail = f"events of {source} up to {last}; taken up to {taken}"
                    yield Left(service=consumer, what="events to take", count=last - taken, detail=detail)

    def _last(self, source: Store, consumer: str, types: tuple[str, ...], head: int) -> int:
        """Return the number of the last event of `types`; searches only what came since the last look."""
        tail = self._tails.setdefault((source.service, consumer), _Tail())
        if head > tail.searched:
            wanted = {"_id": {"$gt": tail.searched, "$lte": head}, "events.type": {"$in": list(types)}}
            entry = source.journal.entries.find_one(wanted, {"events.type": 1}, sort=[("_id", -1)])
            if entry is not None:
                places = [n for n, record in enumerate(entry["events"]) if record["type"] in types]
                tail.last = entry["_id"] + places[-1]
            tail.searched = head
        return tail.last

    def _parked(self) -> Iterator[Left]:
        for service, store in self.stores.items():
            parking = store.parking
            waiting, dead = parking.waiting(), parking.count_dead()
            behind = parking.rows.count_documents({"dead": False}) - waiting
            found = {"parked events": waiting, "dead letters": dead, "behind dead letters": behind}
            yield from (Left(service=service, what=what, count=count) for what, count in found.items() if count > 0)

    def _due(self) -> Iterator[Left]:
        """Yield what waits for its turn in a service."""
        for service, store in self.stores.items():
            timers = store.database["timers"].count_documents({"$expr": {"$lte": ["$due_at", "$$NOW"]}})
            if timers:
                yield Left(service=service, what="timers that are due", count=timers)
        queued = self.stores["notification"].database["notice"].count_documents({"state.status": "queued"})
        if queued and self.sending:
            yield Left(service="notification", what="notices to send", count=queued)
        yield from self._undelivered()

    def _undelivered(self) -> Iterator[Left]:
        """Yield what agencies have not got yet by the ways on which feed brings it."""
        feed = self.stores["feed"].database
        unsealed = feed["delivery"].count_documents({"state.seal": "wanted"})
        if unsealed:
            yield Left(service="feed", what="deliveries to seal", count=unsealed)
        cursors = {row["_id"]: row for row in feed["cursors"].find({})}
        for agency in feed["agency"].find({"state.status": "active"}, {"state": 1}).sort("_id", 1):
            for way in _ways(agency["state"]):
                count = _behind(agency["state"], way, cursors.get(f"{way} {agency['_id']}", {}))
                if count > 0:
                    yield Left(service="feed", what=f"deliveries by {way}", count=count, detail=f"to {agency['_id']}")

    def _in_queues(self) -> Iterator[Left]:
        for source in SERVICES:
            for consumer in listeners_of(source):
                settings = self.stores[consumer].settings
                ready = self.queues.ready(settings.queue(consumer, source))
                if ready:
                    yield Left(service=consumer, what="messages in the queue", count=ready, detail=f"from {source}")
        for service, store in self.stores.items():
            unreadable = self.queues.ready(store.settings.unreadable(service))
            if unreadable:
                yield Left(service=service, what="unreadable messages", count=unreadable)


def _behind(agency: Document, way: str, cursor: Document) -> int:
    """Return how many deliveries feed has still to bring to an agency on one way."""
    is_anew = way == "stream" and cursor.get("epoch", 0) < agency["epoch"]
    number = max(0 if is_anew else cursor.get("number", 0), agency["since"])
    note = cursor.get("note") or {}
    # an agency that did not answer is called again later: that is for nobody here to wait for
    is_tried_later = note.get("number") == number + 1 and note.get("retry_at") is not None
    return 0 if is_tried_later else int(agency["last"]) - number


def _ways(agency: Document) -> Iterator[str]:
    """Yield the ways by which deliveries are brought to an agency; by the others it takes them itself."""
    if agency["stream"]:
        yield "stream"
    if agency["webhook"] == "on":
        yield "webhook"
