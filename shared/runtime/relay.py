"""The relay: publishes the journal in its order, many confirms in flight, from where it left off.

One replica has the lease. What was confirmed is remembered only now and then, so after a crash some events go out
twice; the inbox of each consumer knows them. The broker away means that the journal waits.
"""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import eventlet
import structlog
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from shared.events import Event
from shared.runtime import metrics
from shared.runtime.bell import Bell
from shared.runtime.broker import HEARTBEAT, BrokerAway, connect, declare
from shared.runtime.confirms import Confirms, NotConfirmed
from shared.runtime.database import Document
from shared.runtime.frame import Publishing
from shared.runtime.lease import Lease
from shared.runtime.pause import pause
from shared.runtime.work import UnitOfWork, work_of

#: Entries published before waiting for their confirms.
WINDOW = 200
#: Entries that a commit hands over in memory; a longer backlog is read from the journal.
HANDED_OVER = 5_000
#: Seconds between looks into the journal when nobody calls: other replicas commit, too.
POLL = 0.5
#: Seconds between two writings of how far it is.
SAVE = 0.5
#: Seconds that a stopping service gives to what is not published yet; the journal keeps the rest.
FINISH_SECONDS = 5
#: Seconds to wait after a failure, at first and at most.
BACKOFF = (0.2, 5.0)

_log = structlog.get_logger(__name__)


class Relay(DependencyProvider):
    """Publishes what the service's unit of work has stored."""

    def start(self) -> None:
        """Begin to publish; waits for neither broker nor database."""
        self._work: UnitOfWork = work_of(self.container)
        self._settings = self._work.settings
        self.lease = Lease(self._work.database, self._settings.instance)
        self._handed: deque[Document] = deque(maxlen=HANDED_OVER)
        self._bell = Bell()
        self._stopping = False
        #: Whether the broker takes our events.
        self.connected = False
        self._saved_at = 0.0
        self._delay = BACKOFF[0]
        self._remembered = 0
        self._looked_at = 0.0
        self._work.listeners.append(self._offer)
        self._work.followers.append(self._finish)
        self._thread = self.container.spawn_managed_thread(self._run, identifier="relay")

    def get_dependency(self, worker_ctx: Any) -> "Relay":
        """Give the service this very object."""
        return self

    @property
    def unpublished(self) -> int:
        """How many events are stored and not yet known to be published."""
        return max(0, self._work.unit.journal.head().sequence - self.lease.known())

    def _finish(self) -> None:
        """Publish what is stored, if the broker lets us, and end."""
        self._stopping = True
        self._bell.ring()
        with eventlet.Timeout(FINISH_SECONDS, False):
            self._thread.wait()

    def _offer(self, entries: Sequence[Document]) -> None:
        self._handed.extend(entries)
        self._bell.ring()

    def _run(self) -> None:
        while not self._stopping:
            try:
                with connect(self._settings) as connection:
                    self._serve(connection)
            except (*BrokerAway, PyMongoError, NotConfirmed) as error:
                metrics.LEADER.set(0)
                _log.warning("cannot publish", action="relay", error=type(error).__name__, again_in_s=self._delay)
                self.connected = False
                pause(self._delay, lambda: self._stopping)
                self._delay = min(self._delay * 2, BACKOFF[1])

    def _serve(self, connection: Any) -> None:
        """Publish as long as connection and lease hold."""
        channel = connection.channel()
        declare(channel, self._settings, self._work.settings.service)
        outbound = Outbound(connection, channel, self._settings.exchange(self._settings.service))
        self.connected = True
        while True:
            if not self.lease.take():
                metrics.LEADER.set(0)
                self._handed.clear()
                if self._stopping:
                    return
                outbound.keep_alive()
                self._bell.wait(POLL)
                continue
            metrics.LEADER.set(1)
            self._lead(outbound)
            self._delay = BACKOFF[0]
            if self._stopping:
                self.lease.release()
                return

    def _lead(self, outbound: "Outbound") -> None:
        """Publish until there is nothing left, then until the lease has to be prolonged."""
        until = time.monotonic() + HEARTBEAT / 8
        at = self.lease.published
        self._looked_at = 0.0
        while time.monotonic() < until:
            entries = self._next(at)
            if entries:
                outbound.publish(event for entry in entries for event in self._work.unit.journal.events(entry))
                outbound.confirm()
                metrics.PUBLISHED.inc(_last(entries[-1]) - at)
                at = _last(entries[-1])
                self._remember(at)
            elif self._stopping:
                break
            else:
                self._remember(at)
                outbound.keep_alive()
                longest = SAVE if at > self._remembered else POLL
                self._bell.wait(min(longest, max(0.0, until - time.monotonic())))
        self._remember(at, now=True)

    def _next(self, at: int) -> list[Document]:
        """Return the entries that follow number `at`: from memory as far as it is complete, else from the journal.

        What another replica committed between was not handed over, nor what was stored although the answer got lost.
        """
        while self._handed and self._handed[0]["_id"] <= at:
            self._handed.popleft()
        entries: list[Document] = []
        while self._handed and len(entries) < WINDOW and self._handed[0]["_id"] == at + 1:
            entries.append(self._handed.popleft())
            at = _last(entries[-1])
        if entries:
            return entries
        # With nothing in hand, the journal is looked into only now and then: most often we were handed all there is.
        if not (self._handed or self._stopping or time.monotonic() - self._looked_at > POLL):
            return []
        entries = list(self._work.unit.journal.after(at, WINDOW))
        if not entries:
            self._looked_at = time.monotonic()
        return entries

    def _remember(self, at: int, *, now: bool = False) -> None:
        due = now or time.monotonic() - self._saved_at > SAVE
        if due and at > self._remembered:
            if not self.lease.save(at):
                raise NotConfirmed("another replica took the lease")
            self._saved_at = time.monotonic()
            self._remembered = at


def _last(entry: Document) -> int:
    """Return the number of the last event of an entry."""
    return int(entry["_id"] + entry["n"] - 1)


class Outbound:
    """Publishes events on a channel, many confirms in flight."""

    def __init__(self, connection: Any, channel: Any, exchange: str) -> None:
        wire = connection.connection
        self._write = wire.transport.write
        self._publishing = Publishing(channel.channel_id, wire.frame_max, exchange)
        self._confirms = Confirms(connection, channel)
        self.confirm = self._confirms.wait
        self.keep_alive = self._confirms.keep_alive

    def publish(self, events: Iterable[Event]) -> None:
        """Send events without waiting."""
        frames = []
        for event in events:
            frames.append(self._publishing.frames(event))
            self._confirms.count()
        self._write(b"".join(frames))
