"""Publishes every agency's deliveries into its stream: each once, in the order of the numbers, as soon as it is stored.

One replica writes, the one that the broker lets (`outflow`). How far a stream is, the stream itself says; the cursor in
the database tells people, and remembers for which epoch the stream was written. Broker or database away means that
deliveries wait.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import eventlet
import prometheus_client
import structlog
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from services.feed.agency import Agency, Status
from services.feed.cursor import Cursor, Cursors
from services.feed.lanes import Lanes
from services.feed.management import NotAdministrator
from services.feed.outflow import Outflow, StreamMissing
from services.feed.partners import Partners
from services.feed.ready import Ready, ready
from shared.runtime import metrics
from shared.runtime.bell import Bell
from shared.runtime.broker import BrokerAway, connect
from shared.runtime.confirms import NotConfirmed
from shared.runtime.database import Document
from shared.runtime.pause import pause
from shared.runtime.unavailable import Unavailable
from shared.runtime.work import UnitOfWork, work_of

#: Name of this way among the cursors.
WAY = "stream"
#: Deliveries that are sent before waiting for their confirms: of all agencies, and of each at least.
WINDOW, LEAST = 1_000, 20
#: Seconds between looks at the agencies when nobody calls: other replicas commit, too.
POLL = 0.5
#: Seconds between two writings of how far the streams are.
SAVE = 0.5
#: Seconds that a stopping service gives to what is not published yet.
FINISH_SECONDS = 5
#: Seconds to wait after a failure, at first and at most.
BACKOFF = (0.2, 5.0)

_PUBLISHED = prometheus_client.Counter(
    "niangjia_feed_stream_published_total", "Deliveries that went into streams", registry=metrics.REGISTRY
)
_log = structlog.get_logger(__name__)


class StreamPublisher(DependencyProvider):
    """Writes deliveries into the streams of the agencies."""

    def start(self) -> None:
        """Begin to publish; waits for neither broker nor database."""
        self._work: UnitOfWork = work_of(self.container)
        settings = self._work.settings
        self._partners = Partners(settings)
        self._settings = replace(settings, amqp_uri=self._partners.publisher_uri)
        self._cursors = Cursors(self._work.database)
        #: Whether the broker lets us write, or would if another replica did not.
        self.connected = False
        self._lanes = Lanes()
        #: Agencies that have something new.
        self._called: set[str] = set()
        self._bell = Bell()
        self._stopping = False
        self._looked_at = 0.0
        self._saved_at = 0.0
        self._delay = BACKOFF[0]
        self._work.listeners.append(self._offer)
        self._work.followers.append(self._finish)
        self._thread = self.container.spawn_managed_thread(self._run, identifier="streams")

    def get_dependency(self, worker_ctx: Any) -> "StreamPublisher":
        """Give the service this very object."""
        return self

    @property
    def behind(self) -> int:
        """How many deliveries are not yet in their streams; 0 where another replica writes them."""
        return sum(self._lanes.behind(name) for name in self._lanes.agencies)

    def _finish(self) -> None:
        """Publish what is stored, if the broker lets us, and end."""
        self._stopping = True
        self._bell.ring()
        with eventlet.Timeout(FINISH_SECONDS, False):
            self._thread.wait()

    def _offer(self, entries: Sequence[Document]) -> None:
        for entry in entries:
            for event in entry["events"]:
                if event["type"] in {"delivery.made", "delivery.sealed"}:
                    self._called.add(event["subject"])
                elif event["type"].startswith(("subscription.", "copy.")):
                    self._looked_at = 0.0
        self._bell.ring()

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._look()
                if self._lanes.agencies:
                    with connect(self._settings) as connection:
                        self._serve(Outflow(connection, self._settings.feed_url))
                else:
                    self.connected = True
                    self._bell.wait(POLL)
            except (*BrokerAway, PyMongoError, NotConfirmed) as error:
                _log.warning("cannot publish", action="stream", error=type(error).__name__, again_in_s=self._delay)
                self.connected = False
                pause(self._delay, lambda: self._stopping)
                self._delay = min(self._delay * 2, BACKOFF[1])

    def _serve(self, outflow: Outflow) -> None:
        """Publish as long as the connection holds and there is an agency."""
        while not outflow.claim():
            self.connected = True
            self._lanes.end()
            if self._stopping:
                return
            outflow.keep_alive()
            self._bell.wait(POLL)
        self._lanes.begin(self._cursors.all(WAY))
        self._looked_at = 0.0
        while True:
            # Before it ends it looks once more: what others stored a moment ago it has not been told.
            last = self._stopping
            if last or time.monotonic() - self._looked_at >= POLL:
                self._look()
            self._open(outflow)
            busy = self._round(outflow)
            self.connected, self._delay = True, BACKOFF[0]
            self._save(now=last and not busy)
            if not busy:
                if last or not self._lanes.agencies:
                    return
                outflow.keep_alive()
                self._bell.wait(min(POLL, self._lanes.idle_seconds()))

    def _look(self) -> None:
        """Learn which agencies have a stream, and what their last numbers are."""
        self._looked_at = time.monotonic()
        found: list[Agency] = self._work.unit.states.find("agency", {"state.stream": True}, 10_000)
        self._lanes.update(one for one in found if one.is_active)
        for one in found:
            if one.status is Status.REMOVED and self._lanes.forget(one.id):
                self._cursors.forget(WAY, one.id)
        self._lanes.show()

    def _open(self, outflow: Outflow) -> None:
        """Find the end of the streams that are not open yet; one that cannot be opened keeps back no other."""
        for agency in list(self._lanes.to_open()):
            try:
                self._lanes.opened(agency, self._end_of(outflow, agency))
            except (StreamMissing, Unavailable, NotAdministrator) as error:
                self._lanes.hold(agency.id, error)

    def _end_of(self, outflow: Outflow, agency: Agency) -> int:
        """Return the number after which an agency's stream goes on; first empty the stream where that is due."""
        cursor = self._cursors.get(WAY, agency.id)
        if agency.epoch > cursor.epoch:
            self._partners.rewrite(agency.id)
            cursor = Cursor(number=agency.since, epoch=agency.epoch)
            self._cursors.advance_all(WAY, {agency.id: cursor})
            _log.info("stream is written anew", action="stream", agency=agency.id, epoch=agency.epoch)
        # What is in the stream counts: the cursor may be behind it, or ahead of one that was lost.
        return max(outflow.last_number(agency.id, cursor.number) or 0, agency.since)

    def _round(self, outflow: Outflow) -> bool:
        """Send what is there, and the heartbeats that are due; tell whether there may be more."""
        lanes = self._lanes.open
        called, self._called = self._called, set()
        numbers = {name: lane.number for name, lane in lanes.items() if name in called or self._lanes.behind(name)}
        most = max(LEAST, WINDOW // max(len(numbers), 1))
        sent: Counter[str] = Counter()
        for one in self._read(numbers, most):
            outflow.deliver(one)
            sent[one.delivery.agency] += 1
        beating = [name for name, lane in lanes.items() if lane.beat_at <= time.monotonic()]
        for name in beating:
            outflow.beat(name, lanes[name].number + sent[name])
        if sent or beating:
            for name in outflow.confirm():
                self._lanes.hold(name, StreamMissing())
        self._take_down(sent, beating)
        self._called.update(name for name, amount in sent.items() if amount == most)
        return bool(self._called)

    def _take_down(self, sent: Mapping[str, int], beating: Sequence[str]) -> None:
        lanes = self._lanes.open
        for name in sent.keys() & lanes.keys():
            _PUBLISHED.inc(self._lanes.reached(name, lanes[name].number + sent[name]))
        for name in lanes.keys() & set(beating):
            lanes[name].beat_at = time.monotonic() + self._settings.heartbeat

    def _read(self, numbers: Mapping[str, int], most: int) -> list[Ready]:
        """Return what follows the numbers; where an agency's cannot be read, that of the others."""
        try:
            return ready(self._work.unit.states, numbers, most)
        except PyMongoError:
            raise
        except Exception as error:  # noqa: BLE001  what is broken in one agency's deliveries must not stop the others
            if len(numbers) > 1:
                return [one for name, number in numbers.items() for one in self._read({name: number}, most)]
            for name in numbers:
                self._lanes.hold(name, error)
            return []

    def _save(self, *, now: bool) -> None:
        if now or time.monotonic() - self._saved_at >= SAVE:
            self._saved_at = time.monotonic()
            if moved := self._lanes.unsaved():
                self._cursors.advance_all(WAY, moved)
                self._lanes.show()
