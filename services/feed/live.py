"""Server-Sent Events: deliveries to one agency as they are made, from a number on."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

import orjson

from services.feed.agency import Agency
from services.feed.delivery import HEARTBEAT
from services.feed.envelope import heartbeat
from services.feed.ledger import Entry

CONTENT_TYPE: Final = "text/event-stream"
#: Seconds after which it is looked whether all still holds; a connection wants a sign of life so often.
TICK: Final = 1.0
#: The same while the next delivery is there and not ready.
SOON: Final = 0.1
#: Bytes that are handed to a connection at once.
PART: Final = 32 * 1024
#: Tells a client to come again after a second, and a proxy that something comes.
_BEGIN: Final = b"retry: 1000\n\n"


class Known(Protocol):
    """What a stream asks about its agency."""

    @property
    def is_stale(self) -> bool:
        """Whether nobody knows how things stand."""

    def agency(self, name: str) -> Agency | None:
        """Return an agency as it is now."""

    def wait(self, name: str, seen: Agency, seconds: float) -> None:
        """Return when an agency is not as it was seen any more, at the latest after some seconds."""


#: Returns what follows a number.
Pages = Callable[[Agency, int], Sequence[Entry]]


@dataclass(slots=True, kw_only=True, eq=False)
class Live:
    """One stream. It ends when the key does, or the agency may not read any more."""

    known: Known
    pages: Pages
    agency: str
    key: str
    #: Of the key, in seconds of the epoch.
    until: float
    #: The last number that the client has.
    after: int
    #: Seconds between heartbeats.
    beat: float
    leave: Callable[[], None]
    #: Never goes back, in seconds.
    clock: Callable[[], float] = time.monotonic

    def close(self) -> None:
        """Free the place of this stream."""
        self.leave()

    def __iter__(self) -> Iterator[bytes]:
        yield _BEGIN
        beat_at = self.clock() + self.beat
        while (agency := self._allowed()) is not None:
            entries = self.pages(agency, self.after) if self.after < agency.last else ()
            if entries:
                yield from _parts(entries)
                self.after = entries[-1].number
                beat_at = self.clock() + self.beat
                continue
            if self.clock() >= beat_at and not self.known.is_stale:
                yield _event(HEARTBEAT, orjson.dumps(heartbeat(self.agency, agency.last, datetime.now(UTC))))
                beat_at = self.clock() + self.beat
            else:
                yield b""
            self.known.wait(self.agency, agency, SOON if self.after < agency.last else TICK)

    def _allowed(self) -> Agency | None:
        agency = self.known.agency(self.agency)
        now = datetime.now(UTC)
        good = agency is not None and agency.is_active and agency.counts(self.key, now) and now.timestamp() < self.until
        return agency if good else None


def _parts(entries: Sequence[Entry]) -> Iterator[bytes]:
    part: list[bytes] = []
    size = 0
    for one in entries:
        part.append(_event(one.type, one.document, one.number))
        size += len(part[-1])
        if size >= PART:
            yield b"".join(part)
            part, size = [], 0
    if part:
        yield b"".join(part)


def _event(type: str, document: bytes, number: int = 0) -> bytes:
    """Return one event; what has no number leaves the client's `Last-Event-ID` as it is."""
    identified = b"id: %d\n" % number if number else b""
    return b"%sevent: %s\ndata: %s\n\n" % (identified, type.encode(), document)
