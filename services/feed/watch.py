"""Knows of each agency how far its numbers go and whether it may read, and wakes those who wait for the next.

One look into the database serves all who wait: at once after a commit of this process, and every second for those of
others.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import eventlet
import structlog
from eventlet.event import Event as Signal
from msgspec.structs import replace
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from services.feed.agency import Agency
from services.feed.ledger import Entry, Ledger
from services.feed.permission import Permissions
from shared.runtime.bell import Bell
from shared.runtime.database import Document
from shared.runtime.work import UnitOfWork, work_of

#: Seconds between two looks when nothing is committed here.
POLL: Final = 1.0
#: Seconds between two looks while much is.
GATHER: Final = 0.02
#: Seconds after the last look when what is known counts as unknown.
STALE: Final = 5.0

#: Deliveries that are read at once.
PAGE: Final = 100
#: Seconds for which a page serves all who want it.
SHARED: Final = 0.1

_log = structlog.get_logger(__name__)


class Pages:
    """Reads pages; those who are equally far share one."""

    def __init__(self, read: Callable[[Agency, int, int], Sequence[Entry]]) -> None:
        self._read = read
        self._pages: dict[tuple[str, int], tuple[float, Signal]] = {}

    def __call__(self, agency: Agency, after: int) -> Sequence[Entry]:
        """Return what follows a number; nothing as long as the database is away."""
        now = time.monotonic()
        self._pages = {key: page for key, page in self._pages.items() if now - page[0] < SHARED}
        known = self._pages.get((agency.id, after))
        if known is not None:
            shared: Sequence[Entry] = known[1].wait()
            return shared
        signal = Signal()
        self._pages[agency.id, after] = (now, signal)
        entries: Sequence[Entry] = ()
        try:
            entries = self._read(agency, after, PAGE)
        except PyMongoError as error:
            _log.warning("cannot read deliveries", action="stream", error=type(error).__name__)
        finally:
            signal.send(entries)
        return entries


class Watch(DependencyProvider):
    """The agencies, at most a second old."""

    def setup(self) -> None:
        """Know nothing yet."""
        self._agencies: dict[str, Agency] = {}
        #: Their open part as stored, without the last number: what else changes is read anew.
        self._rest: dict[str, Document] = {}
        self._changed: dict[str, Signal] = {}
        self._bell = Bell()
        self._stopping = False
        self._looked_at = -STALE
        self.permissions = Permissions()

    def start(self) -> None:
        """Begin to look."""
        self._work: UnitOfWork = work_of(self.container)
        self.ledger = Ledger(self._work.unit.states, self.permissions, self._work.settings.feed_url)
        self.pages = Pages(lambda agency, after, limit: self.ledger.page(agency, after, limit, datetime.now(UTC)))
        self._work.listeners.append(self._on_commit)
        self._thread = self.container.spawn_managed_thread(self._run, identifier="watch")
        self._work.sources.append(self._thread)

    def stop(self) -> None:
        """Stop looking."""
        self._stopping = True
        self._bell.ring()
        self._thread.wait()

    def get_dependency(self, worker_ctx: Any) -> "Watch":
        """Give the service this very object."""
        return self

    @property
    def is_stale(self) -> bool:
        """Whether nobody knows how things stand, because the database is away."""
        return time.monotonic() - self._looked_at > STALE

    def agency(self, name: str) -> Agency | None:
        """Return an agency as it was at the last look."""
        return self._agencies.get(name)

    def wait(self, name: str, seen: Agency, seconds: float) -> None:
        """Return when an agency is not as it was seen any more, at the latest after some seconds."""
        if self._agencies.get(name) is not seen:
            return
        signal = self._changed.setdefault(name, Signal())
        with eventlet.Timeout(seconds, False):
            signal.wait()

    def _on_commit(self, entries: Sequence[Document]) -> None:
        self._bell.ring()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._look()
                self._looked_at = time.monotonic()
            except PyMongoError as error:
                _log.warning("cannot look", action="watch", error=type(error).__name__)
                eventlet.sleep(POLL)
            eventlet.sleep(GATHER)
            self._bell.wait(POLL)

    def _look(self) -> None:
        for row in self._work.database["agency"].find({}, {"state": 1}):
            name, rest = row["_id"], row["state"]
            last = rest.pop("last")
            known = self._agencies.get(name)
            if known is None or rest != self._rest.get(name):
                found: Agency = self._work.unit.states.find("agency", {"_id": name}, 1)[0]
                self._agencies[name], self._rest[name] = found, rest
            elif last != known.last:
                self._agencies[name] = replace(known, last=last)
            else:
                continue
            if signal := self._changed.pop(name, None):
                signal.send()
