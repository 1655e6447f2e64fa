"""The entrypoint by which a service acts on the events of another: batches, in order, acknowledged when stored.

    class ReferralService(Service):
        @subscribe("intake")
        def on_intake(self, batch: Batch) -> list[Ticket]:
            return self.work.take(batch)

What fails is parked by the unit of work and tried again from here. What is away (`Unavailable`) makes the
subscriber wait with the batch in hand, and the broker keeps the rest.
"""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import eventlet
import structlog
from amqp.exceptions import MessageNacked
from eventlet.event import Event as Signal
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint
from pymongo.errors import PyMongoError

from shared.events import Event, Unreadable
from shared.runtime import delivery, metrics
from shared.runtime.batch import Batch
from shared.runtime.broker import BrokerAway, connect, declare
from shared.runtime.database import Document
from shared.runtime.parking import parked_event
from shared.runtime.ticket import Fate, Ticket
from shared.runtime.unavailable import Unavailable
from shared.runtime.work import UnitOfWork, work_of

#: Messages that the broker hands over before the first is acknowledged.
PREFETCH = 400
#: Events that one call of the service method takes.
BATCH = 200
#: Seconds that an event waits for company: at least, for each event of the last batch, and at most. The fuller the
#: batches, the less each event costs; while few come, waiting saves little and delays all that follows.
LINGER = 0.02
LINGER_EACH = 0.001
LONGEST_LINGER = 0.1
#: Seconds between looks at what is parked.
RETRY_POLL = 0.5
#: Seconds to wait for what is away, at first and at most.
BACKOFF = (0.2, 5.0)
#: Seconds that the broker has to confirm a message that is sent back.
CONFIRM_SECONDS = 30

_log = structlog.get_logger(__name__)


#: A service method that takes batches.
Method = TypeVar("Method", bound=Callable[..., list[Ticket]])


class Subscriber(Entrypoint):
    """Consumes the events of one source that the catalogue lists for this service."""

    def __init__(self, source: str, **options: Any) -> None:
        self.source = source
        super().__init__(**options)

    def start(self) -> None:
        """Begin to consume; waits for neither broker nor database."""
        self._work: UnitOfWork = work_of(self.container)
        self._settings = self._work.settings
        self._consumer = f"{self.container.service_name}.from.{self.source}"
        self.queue = self._settings.queue(self.container.service_name, self.source)
        self._held: deque[Any] = deque()
        #: Whether the broker sends us events.
        self.connected = False
        self._stopping = False
        self._delay = BACKOFF[0]
        self._last_batch = 0
        #: When to look again at what is parked.
        self._retry_at = 0.0
        self._paused = metrics.PAUSED.labels(self.queue)
        self._thread = self.container.spawn_managed_thread(self._run, identifier=self.queue)

    def stop(self) -> None:
        """Finish the batch in hand and end; the broker gives the rest to the next."""
        self._stopping = True
        with eventlet.Timeout(20, False):
            self._thread.wait()

    def _run(self) -> None:
        delay = BACKOFF[0]
        while not self._stopping:
            try:
                with connect(self._settings) as connection:
                    channel = self._open(connection)
                    delay = BACKOFF[0]
                    self._consume(connection, channel)
            except BrokerAway as error:
                self._paused.set(1)
                _log.warning("cannot consume", action="subscribe", error=type(error).__name__, again_in_s=delay)
                until = time.monotonic() + delay
                while not self._stopping and time.monotonic() < until:
                    eventlet.sleep(0.1)
                delay = min(delay * 2, BACKOFF[1])
            finally:
                self.connected = False
                self._held.clear()

    def _open(self, connection: Any) -> Any:
        """Return a channel on which the broker sends us events."""
        channel = connection.channel()
        channel.auto_decode = False  # a body is bytes, whatever a header says of it
        declare(channel, self._settings, self.source)
        channel.basic_qos(0, PREFETCH, False)
        channel.basic_consume(self.queue, callback=self._held.append)
        self.connected = True
        self._paused.set(0)
        return channel

    def _consume(self, connection: Any, channel: Any) -> None:
        while not self._stopping:
            self._listen(connection)
            try:
                self._handle(channel)
                self._retry(channel)
            except (Unavailable, PyMongoError) as error:
                self._pause(connection, str(error) if isinstance(error, Unavailable) else type(error).__name__)

    def _listen(self, connection: Any) -> None:
        """Take what the broker has, until a batch is full or has waited long enough."""
        connection.heartbeat_check()
        until = time.monotonic() + self._linger()
        while len(self._held) < BATCH:
            seconds = until - time.monotonic()
            if seconds <= 0 or self._stopping:
                return
            empty = not self._held
            _drain(connection, seconds)
            if empty and self._held:
                until = time.monotonic() + self._linger()

    def _linger(self) -> float:
        """Return the seconds to wait: for the first event until parked ones are due, then for company."""
        if self._held:
            return min(LINGER + LINGER_EACH * self._last_batch, LONGEST_LINGER)
        return min(RETRY_POLL, max(0.001, self._retry_at - time.monotonic()))

    def _pause(self, connection: Any, why: str) -> None:
        """Wait, growing, with the batch in hand, and keep the connection alive."""
        self._paused.set(1)
        _log.warning("waiting", action="pause", queue=self.queue, why=why, again_in_s=round(self._delay, 1))
        until = time.monotonic() + self._delay
        while not self._stopping and (left := until - time.monotonic()) > 0:
            connection.heartbeat_check()
            _drain(connection, min(left, 1.0))
        self._delay = min(self._delay * 2, BACKOFF[1])

    def _handle(self, channel: Any) -> None:
        """Hand the next batch to the service and acknowledge what it stored or parked."""
        if not self._held:
            return
        self._last_batch = len(self._held)
        size = 1 if self._work.committer.all_fail else BATCH
        messages = [self._held[i] for i in range(min(size, len(self._held)))]
        events = [self._read(message) for message in messages]
        tickets = self._offer([event for event in events if event], again=False)
        settled = {ticket.message.id for ticket in tickets if ticket.fate is not Fate.OPEN}
        taken = next((i for i, event in enumerate(events) if event and event.id not in settled), len(events))
        if taken:
            channel.basic_ack(messages[taken - 1].delivery_tag, multiple=True)
        for _ in range(taken):
            self._held.popleft()
        self._go_on(tickets)

    def _go_on(self, tickets: list[Ticket]) -> None:
        """Raises:
        Unavailable: one case after the other fails, and these did again: the fault is not in the cases.
        """
        if self._work.committer.all_fail and any(ticket.fate is Fate.FAILED for ticket in tickets):
            raise Unavailable("one case after the other fails")
        self._delay = BACKOFF[0]
        self._paused.set(0)

    def _read(self, message: Any) -> Event | None:
        """Return the event of a message; one that cannot be read is kept, sealed, as a dead letter."""
        try:
            return delivery.read(message)
        except Unreadable as error:
            _log.warning("unreadable message", action="read", queue=self.queue, reason=error.reason)
            self._work.keep_unreadable(self._consumer, delivery.pack(message), error.reason)
            return None

    def _retry(self, channel: Any) -> None:
        """Try parked events whose time has come, for a while; after a success the next of the case is due at once."""
        if time.monotonic() < self._retry_at:
            return
        until = time.monotonic() + RETRY_POLL
        while not self._stopping and time.monotonic() < until:
            due = self._work.parking.due(self._consumer, datetime.now(UTC), BATCH)
            if not due:
                self._retry_at = time.monotonic() + RETRY_POLL
                return
            for row in due:
                if "sealed" in row:
                    self._send_back(channel, row)
            self._go_on(self._offer([parked_event(row) for row in due if "sealed" not in row], again=True))

    def _send_back(self, channel: Any, row: Document) -> None:
        """Put a message that could not be read into the queue again, as it was."""
        message = delivery.unpack(self._work.unreadable(row))
        try:
            channel.basic_publish_confirm(message, exchange="", routing_key=self.queue, confirm_timeout=CONFIRM_SECONDS)
        except MessageNacked:
            raise Unavailable("the broker refused a message") from None
        self._work.parking.release([row["_id"]])

    def _offer(self, events: list[Event], *, again: bool) -> list[Ticket]:
        """Hand events to the service; where its method raises, one by one, and that on which it raises is parked.

        Raises:
            Unavailable, PyMongoError: something that the method needs is away.
        """
        if not events:
            return []
        try:
            return self._call(events, again=again)
        except (Unavailable, PyMongoError, ContainerBeingKilled):
            raise
        except Exception as error:  # noqa: BLE001  one bad event must not end the process, again and again
            _log.exception("the service method failed", action="subscribe", queue=self.queue, events=len(events))
            if len(events) == 1:
                batch = Batch(consumer=self._consumer, events=events, again=again, broken=error)
                return self._work.take(batch)
        tickets: list[Ticket] = []
        for event in events:
            tickets += self._offer([event], again=again)
            if self._work.committer.all_fail:
                break
        return tickets

    def _call(self, events: list[Event], *, again: bool) -> list[Ticket]:
        """Run the service method as a nameko worker and return its tickets.

        Raises:
            Unavailable: something that the method needs is away.
        """
        result = Signal()
        batch = Batch(consumer=self._consumer, events=events, again=again)
        self.container.spawn_worker(self, (batch,), {}, handle_result=partial(self._handle_result, result))
        tickets: list[Ticket] = result.wait()
        return tickets

    @staticmethod
    def _handle_result(signal: Signal, _worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        signal.send(result, exc_info)
        return result, exc_info


def _drain(connection: Any, seconds: float) -> None:
    try:
        connection.drain_events(timeout=seconds)
    except TimeoutError:
        return


def subscribe(source: str) -> Callable[[Method], Method]:
    """Let a service method take the events of `source` that the catalogue lists for its service."""
    decorate: Callable[[Method], Method] = Subscriber.decorator(source)
    return decorate
