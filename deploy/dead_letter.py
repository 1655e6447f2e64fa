"""Events that a service gave up, and messages that it could not even read: found, sent back, discarded."""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from deploy.problem import Problem
from deploy.stores import Store, Stores
from shared.runtime.database import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One event (or unreadable message) that waits for a person, or for another try."""

    id: str
    service: str
    consumer: str
    #: Empty for a message that is no event.
    type: str
    case: str
    attempts: int
    reason: str
    #: When it was parked.
    since: datetime
    #: Whether it waits for a person.
    dead: bool
    #: Events of the same case that wait behind it.
    behind: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "id": self.id,
            "consumer": self.consumer,
            "type": self.type,
            "case": self.case,
            "attempts": self.attempts,
            "reason": self.reason,
            "since": self.since.isoformat(timespec="seconds"),
            "dead": self.dead,
            "behind": self.behind,
        }


def parked(stores: Stores, *, waiting: bool = False) -> Iterator[DeadLetter]:
    """Return the dead letters of all services, oldest first in each; with `waiting` also what is tried again."""
    for store in stores.values():
        behind = _behind(store)
        for row in store.parking.rows.find().sort("at", 1) if waiting else store.parking.dead():
            lane = (row["consumer"], row["lane"])
            yield _letter(store.service, row, behind.get(lane, 0) if row["dead"] else 0)


def found(stores: Stores, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return by service the full ids of dead letters; an event's own id is enough where one consumer has it.

    Raises:
        Problem: there is no such dead letter, or there are several.
    """
    known = {letter.id: letter.service for letter in parked(stores)}
    by_service: dict[str, list[str]] = {}
    for wanted in ids:
        full = [one for one in known if wanted in {one, one.partition("/")[2]}]
        if len(full) != 1:
            wrong = f"there is no dead letter {wanted}" if not full else f"several consumers have {wanted}"
            raise Problem(wrong, "see `niangjia dead-letters list`")
        by_service.setdefault(known[full[0]], []).extend(full)
    return by_service


def shown(store: Store, id: str) -> dict[str, Any]:
    """Return all that may be seen of a dead letter: the event with its public data; of a message, only its size."""
    row = store.parking.rows.find_one({"_id": id})
    if row is None:
        raise Problem(f"{id} is no longer parked", "see `niangjia dead-letters list`")
    seen = _letter(store.service, row, _behind(store).get((row["consumer"], row["lane"]), 0)).as_json()
    if "sealed" in row:
        return {**seen, "event": None, "size": _size(store, row)}
    return {**seen, "event": orjson.loads(row["event"])}


def retry(stores: Stores, ids: Sequence[str], at: datetime) -> int:
    """Send dead letters back; they are tried at once. Returns how many."""
    return sum(stores[service].parking.retry(full, at) for service, full in found(stores, ids).items())


def discard(stores: Stores, ids: Sequence[str], at: datetime) -> int:
    """Give dead letters up: what waits behind them goes on. Returns how many."""
    return sum(stores[service].parking.discard(full, at) for service, full in found(stores, ids).items())


def _behind(store: Store) -> dict[tuple[str, str], int]:
    """Return how many events wait behind others in each lane."""
    counts: Iterable[Document] = store.parking.rows.aggregate(
        [{"$match": {"dead": False}}, {"$group": {"_id": {"c": "$consumer", "l": "$lane"}, "n": {"$sum": 1}}}]
    )
    return {(row["_id"]["c"], row["_id"]["l"]): row["n"] for row in counts}


def _letter(service: str, row: Document, behind: int) -> DeadLetter:
    unreadable = "sealed" in row
    return DeadLetter(
        id=row["_id"],
        service=service,
        consumer=row["consumer"],
        type=row["type"],
        case="" if unreadable else row["lane"],
        attempts=1 if unreadable else row["attempts"],
        reason=row["reason"],
        since=row["at"],
        dead=row["dead"],
        behind=behind,
    )


def _size(store: Store, row: Document) -> int:
    """Return the bytes of an unreadable message's body."""
    packed = orjson.loads(store.master.open(row["sealed"], row["consumer"]))
    return len(b64decode(packed["body"]))
