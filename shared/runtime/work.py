"""The dependency by which a nameko service commits: what waits at the same moment shares one transaction."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import eventlet
import structlog
from eventlet.event import Event as Signal
from eventlet.greenthread import GreenThread
from nameko.extensions import DependencyProvider
from pymongo.errors import PyMongoError

from shared.events import Event, InvalidEvent, UnknownEvent, UnknownVersion, consume
from shared.kernel import Message, Model
from shared.privacy import BlindIndex, Key
from shared.runtime import metrics
from shared.runtime.batch import Batch
from shared.runtime.committer import Committer
from shared.runtime.database import Document, connect
from shared.runtime.keyring import KeyRing
from shared.runtime.parking import Parking
from shared.runtime.settings import Settings
from shared.runtime.ticket import Ticket
from shared.runtime.unavailable import Unavailable
from shared.runtime.unit import Unit

#: Messages that one transaction takes at most.
BATCH = 200
#: Seconds that a lone message waits for company.
LINGER = 0.002
#: The same for those that came while the last batch was stored: for each message of that batch, and at most. The fuller
#: the batches, the less each message costs.
LINGER_EACH = 0.002
LONGEST_LINGER = 0.008
#: Seconds that those who hand in messages by themselves have to end.
SOURCES_END = 15

_log = structlog.get_logger(__name__)


class UnitOfWork(DependencyProvider):
    """Owns the service's database and commits its messages, many in one transaction.

    Args:
        build: makes the service's model from the settings (which name its rule files).
        indexes: fields of stored states by which the service looks them up, for each kind.
    """

    def __init__(self, build: Callable[[Settings], Model], indexes: Mapping[str, Sequence[str]] | None = None) -> None:
        self._build = build
        self._indexes = indexes or {}
        self._queue: deque[Ticket] = deque()
        self._wake = Signal()
        self._stopping = False
        self._last_batch = 0
        #: Called with each commit's journal entries, so that the relay need not read them back.
        self.listeners: list[Callable[[Sequence[Document]], None]] = []
        #: Threads that hand in messages by themselves. They end before the committer does.
        self.sources: list[GreenThread] = []
        #: Called when nothing more will be committed, before the database is left.
        self.followers: list[Callable[[], None]] = []

    def setup(self) -> None:
        """Connect and load the rules; nothing is asked of the database yet."""
        settings: Settings = self.container.config["settings"]
        self.settings = settings
        self.database = connect(settings.mongo_uri, settings.database)
        self.sealing = Key(settings.key("master"))
        self.keys = KeyRing(self.database, settings.service, self.sealing)
        self.parking = Parking(self.database, settings.retry_delays)
        self.model = self._build(settings)
        self.unit = Unit(self.database, self.model, self.keys, self.parking)
        self.committer = Committer(self.unit)
        self.blind = BlindIndex(settings.key("index"))

    def start(self) -> None:
        """Begin to commit; the indexes are made as soon as the database answers."""
        self.container.spawn_managed_thread(self._prepare, identifier="prepare")
        self._thread = self.container.spawn_managed_thread(self._run, identifier="committer")

    def stop(self) -> None:
        """Finish what is in hand: first those who hand in by themselves, then the commits, then the relay."""
        with eventlet.Timeout(SOURCES_END, False):
            for source in self.sources:
                source.wait()
        self._stopping = True
        self._call()
        self._thread.wait()
        for follower in self.followers:
            follower()
        self.database.client.close()

    def kill(self) -> None:
        """Stop at once."""
        self._stopping = True

    def get_dependency(self, worker_ctx: Any) -> "UnitOfWork":
        """Give the service this very object."""
        return self

    def do(self, message: Message) -> Mapping[str, Any] | None:
        """Carry out a command and return its answer once it is stored.

        Raises:
            Refused: the rules do not allow it.
            Unavailable: the database is away.
        """
        ticket = Ticket(message=message)
        self._submit([ticket])
        return ticket.wait()

    def do_all(self, messages: Sequence[Message]) -> list[Ticket]:
        """Carry out commands in their order; each ticket says what became of its command.

        Raises:
            Unavailable: the database is away; some may be stored, hand all of them in again.
        """
        return self._done([Ticket(message=message) for message in messages])

    def take(self, batch: Batch, extra: Mapping[str, Mapping[str, Any]] | None = None) -> list[Ticket]:
        """Handle a batch of events; failures are parked. `extra` adds data to events, by their id.

        Raises:
            Unavailable: the database is away; nothing was stored, hand the batch in again.
        """
        return self._done([_ticket(event, batch, (extra or {}).get(event.id)) for event in batch.events])

    def fire(self, timers: Sequence[tuple[Event, str]]) -> list[Ticket]:
        """Act on timers, each with its id; a parked one, which has no row any more, comes without.

        Raises:
            Unavailable: the database is away.
        """
        if not timers:
            return []
        consumer = self.unit.timers.consumer
        return self._done(
            [
                Ticket(message=_message(event, event.data), consumer=consumer, event=event, timer=name, again=not name)
                for event, name in timers
            ]
        )

    def unreadable(self, row: Document) -> bytes:
        """Return what `keep_unreadable` sealed."""
        return self.sealing.open(row["sealed"], row["consumer"])

    def keep_unreadable(self, consumer: str, raw: bytes, reason: str) -> None:
        """Keep a message that is no event as a dead letter; its bytes are sealed.

        Raises:
            PyMongoError: the database is away.
        """
        delivery = sha256(raw).hexdigest()[:32]
        self.parking.add_unreadable(consumer, delivery, self.sealing.seal(raw, consumer), reason, datetime.now(UTC))

    def _done(self, tickets: list[Ticket]) -> list[Ticket]:
        self._submit(tickets)
        for ticket in tickets:
            ticket.done.wait()
        for ticket in tickets:
            if isinstance(ticket.error, Unavailable):
                raise ticket.error
        return tickets

    def _submit(self, tickets: Sequence[Ticket]) -> None:
        if self._stopping:
            raise Unavailable("the service is stopping")
        self._queue.extend(tickets)
        self._call()

    def _prepare(self) -> None:
        """Make the indexes, however long the database takes to come."""
        while not self._stopping:
            try:
                self.unit.prepare()
                self.unit.states.index(self._indexes)
                self.parking.prepare()
                return
            except PyMongoError as error:
                _log.warning("cannot make the indexes", action="prepare", error=type(error).__name__)
                eventlet.sleep(1)

    def _call(self) -> None:
        if not self._wake.ready():
            self._wake.send()

    def _run(self) -> None:
        while not (self._stopping and not self._queue):
            if not self._queue:
                self._wake.wait()
                self._wake = Signal()
                eventlet.sleep(LINGER)
                continue
            if len(self._queue) < BATCH:
                eventlet.sleep(min(LINGER_EACH * self._last_batch, LONGEST_LINGER))
            self._last_batch = len(self._queue)
            tickets = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
            self._commit(tickets)

    def _commit(self, tickets: list[Ticket]) -> None:
        began = time.perf_counter()
        try:
            entries = self.committer.commit(tickets)
        except Exception as error:  # noqa: BLE001  a waiting request must get its answer, whatever happened
            if not isinstance(error, Unavailable):
                _log.exception("commit failed", action="commit")
            else:
                # Who waits for the next turn would wait as long to hear the same.
                tickets += self._queue
                self._queue.clear()
            why = str(error) if isinstance(error, Unavailable) else "the commit failed"
            for ticket in tickets:
                ticket.error = Unavailable(why)  # one for each: an error that is raised in many places grows
        else:
            metrics.COMMIT_SECONDS.observe(time.perf_counter() - began)
            for listener in self.listeners if entries else ():
                listener(entries)
        for ticket in tickets:
            ticket.done.send()


def _ticket(event: Event, batch: Batch, extra: Mapping[str, Any] | None) -> Ticket:
    """Return an event of another service as a ticket; one that this release cannot read is broken from the start."""
    ticket = Ticket(
        message=_message(event, {}), consumer=batch.consumer, event=event, again=batch.again, broken=batch.broken
    )
    if ticket.broken:
        return ticket
    try:
        data = consume(event.type, event.version, event.data)
    except (UnknownEvent, UnknownVersion, InvalidEvent) as error:
        ticket.broken = error
    else:
        ticket.message = _message(event, {**data, **extra} if extra else data)
    return ticket


def _message(event: Event, data: Mapping[str, Any]) -> Message:
    return Message(
        id=event.id,
        type=event.type,
        time=event.time,
        data=data,
        source=event.source,
        subject=event.subject,
        case=event.correlation,
        sequence=event.sequence,
    )


def work_of(container: Any) -> UnitOfWork:
    """Return the unit of work of a service; every service has one."""
    return next(d for d in container.dependencies if isinstance(d, UnitOfWork))
