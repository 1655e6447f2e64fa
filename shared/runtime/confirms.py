"""Publisher confirms, many of them in flight."""

import time
from typing import Any

CONFIRM_SECONDS = 30


class NotConfirmed(Exception):
    """The broker refused a message, or was silent for too long."""


class Confirms:
    """What was published on a channel and is not confirmed yet."""

    def __init__(self, connection: Any, channel: Any) -> None:
        self._connection = connection
        self._sent = 0
        self._open: set[int] = set()
        self._refused = False
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)

    def count(self) -> None:
        """One more message goes out."""
        self._sent += 1
        self._open.add(self._sent)

    def wait(self) -> None:
        """Wait until the broker has confirmed all that was sent.

        Raises:
            NotConfirmed: it refused a message, or said nothing.
            OSError, AMQPError: the connection broke.
        """
        until = time.monotonic() + CONFIRM_SECONDS
        while self._open and not self._refused:
            if time.monotonic() > until:
                raise NotConfirmed("no confirm in time")
            self.drain(1.0)
        if self._refused:
            raise NotConfirmed("the broker refused a message")

    def keep_alive(self) -> None:
        """Answer and send heartbeats."""
        self._connection.heartbeat_check()
        self.drain(0.001)

    def drain(self, seconds: float) -> None:
        """Take what the broker says, waiting for it no longer than so."""
        try:
            self._connection.drain_events(timeout=seconds)
        except TimeoutError:
            return

    def _on_ack(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._open = {t for t in self._open if t > tag}
        else:
            self._open.discard(tag)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._refused = True
