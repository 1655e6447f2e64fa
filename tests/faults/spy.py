"""A queue that sees all that is published, also while the broker is killed."""

from functools import partial
from types import TracebackType
from typing import Any, Self

from kombu import Connection

from shared.runtime.variables import SERVICES

#: Seconds that the broker may be silent before all has been heard.
_PATIENCE_SECONDS = 60


class Spy:
    """Bound to the exchanges of all services, durably; is asked when the storm is over."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._seen: dict[str, dict[int, None]] = {}

    def __enter__(self) -> Self:
        self.listen()
        return self

    def listen(self) -> None:
        """Keep a copy of whatever is published from now on."""
        with Connection(self._uri) as connection:
            channel = connection.channel()
            for service in SERVICES:
                arguments = {"x-queue-type": "quorum"}
                channel.queue_declare(self._queue(service), durable=True, auto_delete=False, arguments=arguments)
                channel.queue_bind(self._queue(service), f"{service}.events", "#")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with Connection(self._uri) as connection:
            for service in SERVICES:
                connection.channel().queue_delete(self._queue(service))

    def first_seen(self) -> dict[str, list[int]]:
        """Return the numbers of the events of each service, each where it came first."""
        with Connection(self._uri) as connection:
            channel = connection.channel()
            waiting = set(SERVICES)
            for service in SERVICES:
                # What was published stands before it in the queue, however long the broker takes to hand it over.
                channel.basic_publish(
                    channel.prepare_message(b"", headers={"last": service}), routing_key=self._queue(service)
                )
                note = partial(self._note, self._seen.setdefault(service, {}), waiting)
                channel.basic_consume(self._queue(service), no_ack=True, callback=note)
            while waiting:
                connection.drain_events(timeout=_PATIENCE_SECONDS)
        return {service: list(numbers) for service, numbers in self._seen.items()}

    @staticmethod
    def _note(numbers: dict[int, None], waiting: set[str], message: Any) -> None:
        if "last" in message.headers:
            waiting.remove(message.headers["last"])
        else:
            numbers.setdefault(int(message.headers["cloudEvents_sequence"]))

    @staticmethod
    def _queue(service: str) -> str:
        return f"spy.on.{service}"
