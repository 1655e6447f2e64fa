"""A plain AMQP client that reads an agency's stream; it knows nothing of this project but what an agency is told."""

import threading
import time
from collections.abc import Mapping
from typing import Any, Self

from amqp import Connection
from amqp.exceptions import AMQPError
from kombu.utils.url import parse_url

SEQUENCE, TYPE = "cloudEvents_sequence", "cloudEvents_type"


class Consumer:
    """Reads a stream from its beginning, in a thread of its own; begins again where it was when the broker comes back.

    Args:
        told: what `POST /agencies` said under `amqp`.
    """

    def __init__(self, told: Mapping[str, str]) -> None:
        self.told = told
        self._uri = parse_url(told["uri"])
        self._stream = told["stream"]
        self._next: int | str = "first"
        self._stopping = False
        #: All messages in the order of the stream, each with the moment when it came (`time.perf_counter`).
        self.messages: list[tuple[float, Any]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join()

    @property
    def numbers(self) -> list[int]:
        """The numbers of the deliveries that came."""
        return [int(m.headers[SEQUENCE]) for _, m in self.messages if SEQUENCE in m.headers]

    @property
    def deliveries(self) -> list[Any]:
        return [message for _, message in self.messages if SEQUENCE in message.headers]

    @property
    def heartbeats(self) -> list[Any]:
        return [message for _, message in self.messages if message.headers[TYPE] == "feed.heartbeat"]

    def _run(self) -> None:
        while not self._stopping:
            try:
                with Connection(
                    f"{self._uri['hostname']}:{self._uri['port']}",
                    self._uri["userid"],
                    self._uri["password"],
                    virtual_host=self._uri["virtual_host"],
                    login_method="PLAIN",
                    connect_timeout=5,
                ) as connection:
                    self._read(connection)
            except (OSError, AMQPError):
                time.sleep(0.2)

    def _read(self, connection: Any) -> None:
        channel = connection.channel()
        channel.basic_qos(0, 500, False)
        arguments = {"x-stream-offset": self._next}
        channel.basic_consume(self._stream, callback=self._on_message, arguments=arguments, on_cancel=self._on_cancel)
        while not self._stopping:
            try:
                connection.drain_events(timeout=0.2)
            except TimeoutError:
                connection.send_heartbeat()

    def _on_message(self, message: Any) -> None:
        message.channel.basic_ack(message.delivery_tag)
        if isinstance(self._next, int) and message.headers["x-stream-offset"] < self._next:
            return  # the broker begins with whole chunks
        self.messages.append((time.perf_counter(), message))
        self._next = message.headers["x-stream-offset"] + 1

    def _on_cancel(self, _tag: str) -> None:
        self._next = "first"
        raise ConnectionResetError("the stream was emptied")
