"""The deliveries of an agency in the order of their numbers, as it may read them now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from msgspec import Struct

from services.feed.agency import Agency
from services.feed.delivery import Delivery, delivery_id
from services.feed.envelope import structured
from services.feed.permission import Permissions
from services.feed.ready import ready
from shared.rules import china_day, iso
from shared.runtime.states import States

#: Bytes after which a page ends, whatever its numbers.
PAGE_BYTES: Final = 512 * 1024


class Entry(Struct, frozen=True):
    """One number, as it goes out."""

    number: int
    type: str
    #: A CloudEvent as one JSON object, in one line.
    document: bytes


class Ledger:
    """Reads what was delivered.

    Args:
        url: where partners reach the feed.
    """

    def __init__(self, states: States, permissions: Permissions, url: str) -> None:
        self._states = states
        self._permissions = permissions
        self._url = url

    def delivery(self, agency: Agency, number: int) -> Delivery | None:
        """Return one delivery as it was made, or None; what an earlier agency of this name got is not there."""
        if number <= agency.since:
            return None
        found: Delivery | None = self._states.find_one("delivery", delivery_id(agency.id, number))
        return found

    def page(self, agency: Agency, after: int, limit: int, now: datetime) -> list[Entry]:
        """Return the next deliveries after a number, without a gap; nothing where the next one is not ready."""
        day = china_day(now)
        entries: list[Entry] = []
        size = 0
        for one in ready(self._states, {agency.id: after}, limit):
            readable = self._permissions.readable(agency, one.delivery, day)
            sealed = one.sealed if readable.seal else ""
            entry = Entry(readable.number, readable.type, structured(readable, self._url, sealed))
            size += len(entry.document)
            if entries and size > PAGE_BYTES:
                break
            entries.append(entry)
        return entries


def first_since(states: States, agency: Agency, since: datetime) -> int:
    """Return the first number that tells of something which happened at a time or later; else the next one."""
    wanted: dict[str, Any] = {
        "_id": {"$gt": delivery_id(agency.id, agency.since), "$lte": delivery_id(agency.id, agency.last)},
        # without its Z, which would come after the digits of a fraction
        "state.time": {"$gte": iso(since)[:-1]},
    }
    found: list[Delivery] = states.find("delivery", wanted, 1, oldest_first=True)
    return found[0].number if found else agency.last + 1


def joined(entries: Sequence[Entry], **more: Any) -> bytes:
    """Return entries, and what else is to be said, as one JSON object."""
    rest = orjson.dumps(more)
    return b'{"events":[' + b",".join(one.document for one in entries) + b"]," + rest[1:]
