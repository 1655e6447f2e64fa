"""The broker as a test sees it: publishes as the relay does, and looks into queues."""

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from kombu import Connection

from shared.events import Event, to_amqp
from shared.runtime.settings import Settings


class Bus:
    """A connection to the broker of a system."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = Connection(settings.amqp_uri)
        self.channel: Any = self._connection.channel()
        self.channel.confirm_select()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.release()

    def publish(self, *events: Event) -> None:
        """Publish events, each as its own service does."""
        for event in events:
            headers, properties = to_amqp(event)
            message = self.channel.prepare_message(
                event.body,
                content_type=properties["content_type"],
                content_encoding=properties["content_encoding"],
                headers=headers,
            )
            self.channel.basic_publish_confirm(
                message, exchange=self._settings.exchange(event.source), routing_key=event.type
            )

    def put(self, body: bytes, **properties: Any) -> None:
        """Put anything into the queue of the service."""
        message = self.channel.prepare_message(body, **properties)
        queue = self._settings.queue(self._settings.service, "intake")
        self.channel.basic_publish_confirm(message, exchange="", routing_key=queue)

    def depth(self) -> int:
        """Return how many messages wait in the queue of the service, those in its hands not counted."""
        queue = self._settings.queue(self._settings.service, "intake")
        return int(self.channel.queue_declare(queue, passive=True).message_count)

    def spy(self, name: str) -> None:
        """Bind a queue to everything that intake publishes."""
        self.channel.queue_declare(name, durable=True, auto_delete=False)
        self.channel.queue_bind(name, self._settings.exchange("intake"), "#")

    def seen(self, name: str) -> Iterable[Any]:
        """Yield what the spy has seen, in order."""
        while message := self.channel.basic_get(name, no_ack=True):
            yield message
