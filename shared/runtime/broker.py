"""The broker: how it is reached, what counts as 'away', and what is declared on it.

For each pair of a source and a service that acts on its events there is one quorum queue with a single active
consumer, so the order of the source holds whatever number of replicas share it. Whoever connects first declares the
queue: a publisher also those of its listeners, so that no event is published before its queue is there.
"""

from collections.abc import Sequence
from typing import Any

from amqp.exceptions import AMQPError
from amqp.method_framing import frame_handler
from kombu import Connection, Exchange, Queue

from shared.events import listeners_of
from shared.runtime.settings import Settings

#: Seconds between heartbeats; a silent connection is given up after two.
HEARTBEAT = 20
CONNECT_SECONDS = 5

#: Bytes that are read from the broker at once.
READ_AHEAD = 16 * 1024

#: What the broker or the network says when it is away.
BrokerAway = (OSError, AMQPError)

#: Redeliveries before the broker gives a message up. Only a process that dies with the message in hand counts here
#: (a handler that fails parks the event), so the limit is far above any row of crashes.
DELIVERY_LIMIT = 100_000

#: Of a frame that holds the headers of a message (AMQP 0-9-1, 4.2.6.1): its kind, the length of what comes before the
#: flags of the properties, and the flags that say that there are none.
_CONTENT_HEADER = 2
_FIXED_BYTES = 12
_NO_PROPERTIES = bytes(2)


def _lenient_reader(connection: Any, callback: Any) -> Any:
    """Return py-amqp's frame handler, which a header that nobody can read does not stop.

    Its decoder raises where a text is no UTF-8 or a time lies outside the calendar. The message would come again and
    again and end the process each time; without its headers it is unreadable, too, and goes to the dead letters.
    """
    handle = frame_handler(connection, callback)

    def read(frame: Any) -> Any:
        try:
            return handle(frame)
        except Exception:
            kind, channel, content = frame
            if kind != _CONTENT_HEADER:
                raise
            return handle((kind, channel, bytes(content[:_FIXED_BYTES]) + _NO_PROPERTIES))

    return read


def connect(settings: Settings) -> Connection:
    """Return an open connection.

    Raises:
        OSError, AMQPError: the broker is away (`BrokerAway`).
    """
    connection = Connection(
        settings.amqp_uri,
        heartbeat=HEARTBEAT,
        connect_timeout=CONNECT_SECONDS,
        transport_options={
            "client_properties": {"connection_name": f"{settings.service} {settings.instance}"},
            "login_method": "PLAIN",
            "frame_handler": _lenient_reader,
        },
    )
    # One try: who calls has a patience of its own.
    connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
    _read_ahead(connection.connection.transport)
    return connection


def _read_ahead(transport: Any) -> None:
    """Let py-amqp read what is there into its buffer: by itself it asks the system three times for each frame."""
    receive = transport._quick_recv
    transport._quick_recv = lambda size: receive(max(size, READ_AHEAD))


def declare(channel: Any, settings: Settings, source: str) -> None:
    """Declare the exchange of `source` and the queues of all who act on its events."""
    # As nameko declares it, so that a partner's plain @event_handler can bind to it.
    exchange = Exchange(settings.exchange(source), type="topic", durable=True)(channel)
    exchange.declare()
    for consumer, types in listeners_of(source).items():
        _declare_queue(channel, settings, consumer, source, types)


def _declare_queue(channel: Any, settings: Settings, consumer: str, source: str, types: Sequence[str]) -> None:
    unreadable = Queue(settings.unreadable(consumer), durable=True, queue_arguments={"x-queue-type": "quorum"})(channel)
    unreadable.declare()
    queue = Queue(
        settings.queue(consumer, source),
        durable=True,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-overflow": "reject-publish",
            "x-dead-letter-strategy": "at-least-once",
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": unreadable.name,
        },
    )(channel)
    queue.declare()
    for name in types:
        queue.bind_to(settings.exchange(source), routing_key=name)


def depth(channel: Any, queue: str) -> int:
    """Return how many messages wait in a queue, those in a consumer's hands not counted."""
    return int(channel.queue_declare(queue, passive=True).message_count)
