"""The journal: a service's append-only record of what happened, numbered without gap and chained by hashes.

One entry holds all events that one message caused. Its `_id` is the sequence number of its first event, so a second
process that commits at the same moment collides on it and tries again: numbers have no gap and follow the commits.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from pymongo.client_session import ClientSession
from pymongo.database import Database

from shared.events import CATALOGUE, Catalogue, Event
from shared.kernel import Fact, Message, identifier
from shared.runtime.database import Document
from shared.runtime.keyring import KeyRing

GENESIS = bytes(32)


class JournalBroken(Exception):
    """The record was changed: a number is missing, or a hash does not fit."""


#: Finds the last entry.
LAST: list[Document] = [{"$sort": {"_id": -1}}, {"$limit": 1}, {"$project": {"n": 1, "hash": 1}}]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the journal: the last number given (0 when empty), and the hash of the last entry."""

    sequence: int = 0
    hash: bytes = GENESIS


def head_of(last: Sequence[Document]) -> Head:
    """Return the head that the last entry (none in an empty journal) makes."""
    return Head(last[0]["_id"] + last[0]["n"] - 1, bytes(last[0]["hash"])) if last else Head()


class Journal:
    """Writes and reads the entries of one service.

    Args:
        catalogue: says what the versions of events are, and how older ones are read.
    """

    def __init__(
        self, database: Database[Document], service: str, keys: KeyRing, catalogue: Catalogue = CATALOGUE
    ) -> None:
        self.entries = database["journal"]
        self.service = service
        self._keys = keys
        self._catalogue = catalogue

    def prepare(self) -> None:
        """Make the index by which the entry of a message is found; a message has one at most."""
        self.entries.create_index("cause", unique=True)

    def caused_by(self, causes: Sequence[str]) -> Iterator[Document]:
        """Return the entries of some messages, in order."""
        return iter(self.entries.find({"cause": {"$in": list(causes)}}).sort("_id", 1))

    def head(self, session: ClientSession | None = None) -> Head:
        """Return the end of the journal as the session sees it."""
        return head_of(list(self.entries.aggregate(LAST, session=session)))

    def entry(self, head: Head, message: Message, facts: Sequence[Fact], at: datetime) -> Document:
        """Return the entry that records `facts`, caused by `message`, after `head`; not stored yet."""
        entry: Document = {
            "_id": head.sequence + 1,
            "n": len(facts),
            "cause": message.id,
            "at": at.isoformat(),
            "events": [self._record(message, n, fact) for n, fact in enumerate(facts)],
        }
        entry["hash"] = chained(head.hash, entry)
        return entry

    def _record(self, message: Message, n: int, fact: Fact) -> Document:
        record: Document = {
            "id": identifier(fact.time, message.id, self.service, str(n)),
            "type": fact.type,
            "version": self._catalogue.event_type(fact.type).version,
            "time": fact.time.astimezone(UTC).isoformat(),
            "subject": fact.subject,
            "case": fact.case,
            "data": orjson.dumps(fact.data).decode(),
        }
        if fact.private:
            record["private"] = self._keys.seal(fact.case or fact.subject, orjson.dumps(fact.private))
        return record

    def after(self, sequence: int, limit: int = 0, to: int | None = None) -> Iterator[Document]:
        """Return the entries whose numbers follow `sequence`, in order; with `to`, up to that number."""
        span: Document = {"$gt": sequence}
        if to is not None:
            span["$lte"] = to
        return iter(self.entries.find({"_id": span}).sort("_id", 1).limit(limit))

    def events(self, entry: Document) -> Iterator[Event]:
        """Return the events of an entry as they go out."""
        for n, record in enumerate(entry["events"]):
            yield Event(
                id=record["id"],
                source=self.service,
                type=record["type"],
                version=record["version"],
                time=datetime.fromisoformat(record["time"]),
                subject=record["subject"],
                sequence=entry["_id"] + n,
                correlation=record["case"],
                causation=entry["cause"],
                body=record["data"].encode(),
            )

    def facts(self, entry: Document) -> Iterator[Fact]:
        """Return what an entry records as facts, private data opened (empty where its key was destroyed).

        Public data of an older version is brought to the newest, so that a model need know no other.

        Raises:
            UnknownEvent, UnknownVersion, InvalidEvent: this release cannot read what was recorded.
        """
        for record in entry["events"]:
            yield Fact(
                type=record["type"],
                subject=record["subject"],
                case=record["case"],
                time=datetime.fromisoformat(record["time"]),
                data=self._catalogue.consume(record["type"], record["version"], orjson.loads(record["data"])),
                private=self.private(record),
            )

    def private(self, record: Document) -> dict[str, Any]:
        """Return the private data of a record, or nothing where there is none or its key was destroyed."""
        if "private" not in record:
            return {}
        clear = self._keys.open(record["case"] or record["subject"], record["private"])
        return orjson.loads(clear) if clear is not None else {}


def chained(previous: bytes, entry: Document) -> bytes:
    """Return the hash of an entry, bound to the hash of the one before."""
    digest = sha256(previous)
    digest.update(orjson.dumps([entry["_id"], entry["cause"], entry["at"]]))
    for record in entry["events"]:
        private = record.get("private")
        public = [record[k] for k in ("id", "type", "version", "time", "subject", "case", "data")]
        # With the length, so that nothing can be moved across the border between sealed and open.
        digest.update(orjson.dumps([*public, None if private is None else len(private)]))
        digest.update(private or b"")
    return digest.digest()


def check_chain(entries: Iterable[Document], head: Head | None = None) -> Head:
    """Walk the entries from the start (or from `head`) and return the head that they lead to.

    Raises:
        JournalBroken: a number is missing or out of place, or an entry was changed.
    """
    head = head or Head()
    for entry in entries:
        if entry["_id"] != head.sequence + 1:
            raise JournalBroken(f"expected number {head.sequence + 1}, found {entry['_id']}: entries are missing")
        try:
            head = _followed(head, entry)
        except (KeyError, TypeError, AttributeError, ValueError):
            raise JournalBroken(f"entry {entry['_id']} has lost its form: something was taken from it") from None
    return head


def _followed(head: Head, entry: Document) -> Head:
    if entry["n"] != len(entry["events"]):
        raise JournalBroken(f"entry {entry['_id']} says {entry['n']} events and holds {len(entry['events'])}")
    if chained(head.hash, entry) != entry["hash"]:
        raise JournalBroken(f"entry {entry['_id']} does not fit its hash: it or the one before was changed")
    return Head(entry["_id"] + entry["n"] - 1, bytes(entry["hash"]))
