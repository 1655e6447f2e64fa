"""A queue that sees all that is published, also while the broker is killed."""

from types import TracebackType
from typing import Self

from kombu import Connection

from shared.runtime.variables import SERVICES


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

    def first_seen(self, service: str) -> list[int]:
        """Return the numbers of the events of a service, each where it came first."""
        numbers = self._seen.setdefault(service, {})
        with Connection(self._uri) as connection:
            channel = connection.channel()
            while message := channel.basic_get(self._queue(service), no_ack=True):
                numbers.setdefault(int(message.headers["cloudEvents_sequence"]))
        return list(numbers)

    @staticmethod
    def _queue(service: str) -> str:
        return f"spy.on.{service}"
