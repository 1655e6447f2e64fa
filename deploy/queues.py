"""The queues of the services, looked at from outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amqp.exceptions import AccessRefused, NotFound
from kombu import Connection

from deploy.problem import Problem
from shared.runtime.broker import BrokerAway, connect, depth
from shared.runtime.settings import Settings


class Queues:
    """Keeps a connection to the broker; after an error the next question opens a new one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: Connection | None = None

    def ready(self, queue: str) -> int | None:
        """Return how many messages wait in a queue, those in a consumer's hands not counted; None without the queue.

        Raises:
            OSError, AMQPError: the broker is away (`BrokerAway`).
        """
        channel = self.channel()
        try:
            found = depth(channel, queue)
        except NotFound:  # the broker has closed the channel
            return None
        except BrokerAway:
            self.close()
            raise
        channel.close()
        return found

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.release()
            self._connection = None

    def channel(self) -> Any:
        """Return a new channel.

        Raises:
            OSError, AMQPError: the broker is away.
        """
        try:
            if self._connection is None:
                self._connection = connect(self._settings)
            return self._connection.channel()
        except BrokerAway:
            self.close()
            raise


@contextmanager
def reached(settings: Settings) -> Iterator[Queues]:
    """Give the queues.

    Raises:
        Problem: the broker cannot be used.
    """
    queues = Queues(settings)
    try:
        yield queues
    except BrokerAway as error:
        raise Problem(away(error), "see `niangjia doctor`") from None
    finally:
        queues.close()


def away(error: Exception) -> str:
    """Say why the broker cannot be used, without its address."""
    if isinstance(error, AccessRefused):
        return "the broker refuses this user"
    return f"the broker is away ({type(error).__name__})"
