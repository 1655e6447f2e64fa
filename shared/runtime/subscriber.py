"""The entrypoint by which a service acts on the events of another: batches, in order, acknowledged when stored.

    class ReferralService(Service):
        @subscribe("intake")
        def on_intake(self, batch: Batch) -> list[Ticket]:
            return self.work.take(batch)

What fails is parked by the unit of work and tried again from here. What is away (`Unavailable`) makes the
subscriber wait with the batch in hand, and the broker keeps the rest.
"""

import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import eventlet
import orjson
import structlog
from eventlet.event import Event as Signal
from nameko.extensions import Entrypoint
from pymongo.errors import PyMongoError

from shared.events import Event, Unreadable, from_amqp
from shared.runtime import metrics
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
#: Seconds that an event waits for company.
LINGER = 0.02
#: The same when the last batch had at least so many: the fuller the batches, the less each event costs.
BUSY = 8
BUSY_LINGER = 0.1
#: Seconds between looks at what is parked.
RETRY_POLL = 0.5
#: Seconds to wait for what is away, at first and at most.
BACKOFF = (0.2, 15.0)

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
        self._retried_at = 0.0
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
                    delay = BACKOFF[0]
                    self._consume(connection)
            except BrokerAway as error:
                self._paused.set(1)
                _log.warning("cannot consume", action="subscribe", error=type(error).__name__, again_in_s=delay)
                eventlet.sleep(delay)
                delay = min(delay * 2, BACKOFF[1])
            finally:
                self.connected = False
                self._held.clear()

    def _consume(self, connection: Any) -> None:
        channel = connection.default_channel
        declare(channel, self._settings, self.source)
        channel.basic_qos(0, PREFETCH, False)
        channel.basic_consume(self.queue, callback=self._held.append)
        self.connected = True
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
        until = time.monotonic() + RETRY_POLL
        while len(self._held) < BATCH:
            seconds = until - time.monotonic()
            if seconds <= 0 or self._stopping:
                return
            empty = not self._held
            _drain(connection, seconds)
            if empty and self._held:
                until = time.monotonic() + (BUSY_LINGER if self._last_batch >= BUSY else LINGER)

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
        events = [event for message in messages if (event := self._read(message))]
        open_ids = {t.message.id for t in self._call(events, again=False) if t.fate is Fate.OPEN} if events else set()
        taken = next((i for i, m in enumerate(messages) if _id(m) in open_ids), len(messages))
        if taken:
            channel.basic_ack(messages[taken - 1].delivery_tag, multiple=True)
        for _ in range(taken):
            self._held.popleft()
        if self._work.committer.all_fail:
            raise Unavailable("one case after the other fails")
        self._resume()

    def _resume(self) -> None:
        self._delay = BACKOFF[0]
        self._paused.set(0)

    def _read(self, message: Any) -> Event | None:
        """Return the event of a message; one that cannot be read is kept, sealed, as a dead letter."""
        try:
            event = from_amqp(message.headers, message.body, message.properties.get("content_type"))
            _ = event.data
        except Unreadable as error:
            _log.warning("unreadable message", action="read", queue=self.queue, reason=error.reason)
            self._work.keep_unreadable(self._consumer, _pack(message), error.reason)
            return None
        return event

    def _retry(self, channel: Any) -> None:
        """Try parked events whose time has come; after a success the next of the case is due at once."""
        if time.monotonic() - self._retried_at < RETRY_POLL:
            return
        while not self._stopping:
            due = list(self._work.parking.due(self._consumer, datetime.now(UTC)))
            if not due:
                break
            events = [parked_event(row) for row in due if "sealed" not in row]
            if events:
                self._call(events, again=True)
            for row in (row for row in due if "sealed" in row):
                self._send_back(channel, row)
        self._retried_at = time.monotonic()

    def _send_back(self, channel: Any, row: Document) -> None:
        """Put a message that could not be read into the queue again, as it was."""
        content = orjson.loads(self._work.unreadable(row))
        message = channel.prepare_message(
            b64decode(content["body"]), content_type=content["content_type"], headers=content["headers"]
        )
        channel.basic_publish(message, exchange="", routing_key=self.queue)
        self._work.parking.release([row["_id"]])

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


def _pack(message: Any) -> bytes:
    """Return a message as bytes from which it can be sent again."""
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
    content = {
        "headers": message.headers or {},
        "content_type": message.properties.get("content_type"),
        "body": b64encode(body).decode(),
    }
    return orjson.dumps(content, default=str)


def _id(message: Any) -> str:
    return str((message.headers or {}).get("cloudEvents_id", ""))


def subscribe(source: str) -> Callable[[Method], Method]:
    """Let a service method take the events of `source` that the catalogue lists for its service."""
    decorate: Callable[[Method], Method] = Subscriber.decorator(source)
    return decorate
