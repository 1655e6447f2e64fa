"""The connection by which deliveries flow into the agencies' streams: one writer, everything confirmed.

The broker itself keeps the writers apart: who writes holds an exclusive queue, which lives exactly as long as his
connection. What an interrupted writer has left in a stream is read from the stream before anything is added to it.
"""

from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import eventlet
import orjson
from amqp import Message
from amqp.exceptions import NotFound, ResourceLocked

from services.feed import envelope
from services.feed.access import WRITER, exchange, stream
from services.feed.delivery import HEARTBEAT
from services.feed.ready import Ready
from shared.runtime.confirms import CONFIRM_SECONDS, Confirms, NotConfirmed

#: Seconds for which a new writer waits: the broker ends a connection's queues and what it still had to do for its
#: channels at the same moment, in no promised order.
GRACE = 0.3
#: Messages of a stream that the broker hands over before it waits for acknowledgement.
PREFETCH = 1_000

_SEQUENCE, _TYPE = "cloudEvents_sequence", "cloudEvents_type"
#: Goes before the id of the heartbeat by which a new writer finds the end of the stream.
_MARKER = "begin-"


class StreamMissing(Exception):
    """An agency has no stream, or no exchange before it, at present."""


class Outflow:
    """Writes into the streams.

    Its methods raise `BrokerAway` where the connection breaks, and `NotConfirmed`.

    Args:
        connection: open, to the partners' virtual host.
        url: where agencies reach feed.
    """

    def __init__(self, connection: Any, url: str) -> None:
        self._connection = connection
        self._url = url
        self._channel = connection.channel()
        self._confirms = Confirms(connection, self._channel)
        self._returned: set[str] = set()
        self._channel.events["basic_return"].add(self._on_return)
        self.keep_alive = self._confirms.keep_alive

    def claim(self) -> bool:
        """Become the one who writes, as long as the connection lives; tell whether nobody else does."""
        try:
            self._connection.channel().queue_declare(WRITER, durable=False, exclusive=True, auto_delete=False)
        except ResourceLocked:
            return False
        eventlet.sleep(GRACE)
        return True

    def deliver(self, ready: Ready) -> None:
        """Send a delivery without waiting."""
        delivery = ready.delivery
        headers, properties = envelope.amqp(envelope.attributes(delivery, self._url))
        body = envelope.body(delivery, ready.sealed)
        self._publish(delivery.agency, Message(body, application_headers=headers, **properties))

    def beat(self, agency: str, last: int) -> None:
        """Send a heartbeat without waiting: nothing follows number `last` at present."""
        self._publish(agency, _heartbeat(agency, last))

    def confirm(self) -> frozenset[str]:
        """Wait until all that was sent is confirmed; return the agencies whose streams it did not reach."""
        self._confirms.wait()
        lost = frozenset(self._returned)
        self._returned.clear()
        return lost

    def last_number(self, agency: str, least: int) -> int | None:
        """Return the number of the last delivery that is in an agency's stream; None where there is none.

        Args:
            least: the number that surely went out, for the heartbeat that marks the end.

        Raises:
            StreamMissing: it has none.
        """
        marker = _heartbeat(agency, least, _MARKER)
        # Every message tells the number, so that the last of them is enough. Attached before the marker is written,
        # the reader sees what was the end until then, and all that came between.
        with closing(_Reader(self._connection, agency, "last")) as reader:
            self._publish(agency, marker)
            if agency in self.confirm():
                raise StreamMissing(agency)
            number = reader.number_before(marker)
        if number is None:
            # empty, or it ends with the marker of one who was interrupted here
            with closing(_Reader(self._connection, agency, "first")) as reader:
                number = reader.number_before(marker)
        return number

    def _publish(self, agency: str, message: Message) -> None:
        # What goes to no stream comes back, where the broker would otherwise confirm that it was dropped.
        self._channel.basic_publish(message, exchange(agency), message.properties["type"], mandatory=True)
        self._confirms.count()

    def _on_return(self, _error: Exception, exchange: str, _key: str, _message: Message) -> None:
        self._returned.add(exchange.split(".")[1])


class _Reader:
    """Reads a stream for the numbers in it.

    Raises:
        StreamMissing: there is none.
    """

    def __init__(self, connection: Any, agency: str, offset: str) -> None:
        self._connection = connection
        self._channel = connection.channel()
        self._number: int | None = None
        #: The ids of markers that were read: more than one only where a writer was interrupted here.
        self._markers: set[str] = set()
        try:
            self._channel.exchange_declare(exchange(agency), "topic", passive=True)
            self._channel.basic_qos(0, PREFETCH, False)
            arguments = {"x-stream-offset": offset}
            self._channel.basic_consume(stream(agency), callback=self._on_message, arguments=arguments)
        except NotFound:
            raise StreamMissing(agency) from None

    def number_before(self, marker: Message) -> int | None:
        """Return the highest number that is told before the marker."""
        waited = 0
        while marker.properties["message_id"] not in self._markers:
            try:
                self._connection.drain_events(timeout=1.0)
                waited = 0
            except TimeoutError:
                waited += 1
                if waited >= CONFIRM_SECONDS:
                    raise NotConfirmed("the stream is silent") from None
        return self._number

    def close(self) -> None:
        """Read no more."""
        if self._channel.is_open:
            self._channel.close()

    def _on_message(self, message: Any) -> None:
        self._channel.basic_ack(message.delivery_tag)
        headers, name = message.headers or {}, str(message.properties.get("message_id"))
        if _SEQUENCE in headers:
            self._see(int(headers[_SEQUENCE]))
        elif name.startswith(_MARKER):
            self._markers.add(name)
        elif headers.get(_TYPE) == HEARTBEAT:
            self._see(orjson.loads(message.body)["last"])

    def _see(self, number: int) -> None:
        self._number = max(self._number or 0, number)


def _heartbeat(agency: str, last: int, prefix: str = "") -> Message:
    document = envelope.heartbeat(agency, last, datetime.now(UTC))
    attributes = {name: value for name, value in document.items() if name not in {"data", "datacontenttype"}}
    if prefix:
        attributes["id"] = f"{prefix}{uuid4()}"
    headers, properties = envelope.amqp(attributes)
    return Message(orjson.dumps(document["data"]), application_headers=headers, **properties)
