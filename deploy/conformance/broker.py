"""A stream at a broker of the partner's own, for a consumer that reads AMQP: filled by the kit, and removed with it."""

import secrets
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import orjson
from amqp import Connection, Message
from amqp.exceptions import AMQPError
from kombu.utils.url import parse_url

from deploy.conformance.feed import Document, LocalFeed, Trick
from deploy.conformance.line import Line
from deploy.problem import Problem
from services.feed import envelope

_PORT: Final = 5672


class Broker:
    """A stream of its own, from which a consumer reads through a line that can be cut.

    Args:
        uri: of a broker without TLS, whose user may make a queue.

    Raises:
        Problem: the broker cannot be used.
    """

    def __init__(self, feed: LocalFeed, uri: str) -> None:
        self._feed = feed
        self.stream = f"niangjia-check-{secrets.token_hex(4)}"
        parts = parse_url(uri)
        if parts["transport"] != "amqp":
            raise Problem("--broker must begin with amqp://", "use a broker for tests, without TLS")
        address = (parts["hostname"] or "127.0.0.1", parts["port"] or _PORT)
        try:
            self._connection = Connection(
                host=f"{address[0]}:{address[1]}",
                userid=parts["userid"] or "guest",
                password=parts["password"] or "guest",
                virtual_host=parts["virtual_host"] or "/",
                confirm_publish=True,
                connect_timeout=5,
            )
            self._connection.connect()
            self._channel: Any = self._connection.channel()
            self._channel.queue_declare(
                self.stream, durable=True, auto_delete=False, arguments={"x-queue-type": "stream"}
            )
        except (AMQPError, OSError) as error:
            remedy = "give a broker whose user may make queues"
            raise Problem(f"the broker cannot be used ({type(error).__name__})", remedy) from None
        self._line = Line(address)
        login = urlsplit(uri).netloc.rpartition("@")[0]
        self.uri = urlsplit(uri)._replace(netloc=f"{login}@127.0.0.1:{self._line.port}".lstrip("@")).geturl()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feed.close()
        self._thread.join(5)
        self._line.close()
        with suppress(AMQPError, OSError):
            self._channel.queue_delete(self.stream)
            self._connection.close()

    def _run(self) -> None:
        after = 0
        while self._feed.is_open:
            for one in self._feed.take(after, seconds=0.2):
                if one.trick is Trick.CUT:
                    self._line.cut()
                for _ in range(2 if one.trick is Trick.TWICE else 1):
                    self._publish(one.document)
                after = one.number

    def _publish(self, document: Document) -> None:
        attributes = {name: text for name, text in document.items() if name not in {"data", "datacontenttype"}}
        headers, properties = envelope.amqp(attributes)
        message = Message(orjson.dumps(document["data"]), application_headers=headers, **properties)
        self._channel.basic_publish(message, "", self.stream)
