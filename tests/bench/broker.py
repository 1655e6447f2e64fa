"""What the harness asks of the broker: whether a queue is consumed, and to forget what a round left."""

from collections.abc import Iterable

from amqp.exceptions import NotFound
from kombu import Connection


def consumed(uri: str, queues: Iterable[str]) -> bool:
    """Say whether every queue exists and has a consumer."""
    with Connection(uri) as connection:
        for queue in queues:
            try:
                declared = connection.default_channel.queue_declare(queue, passive=True)
            except NotFound:
                return False
            if not declared.consumer_count:
                return False
    return True


def forget(uri: str, *, queues: Iterable[str], exchanges: Iterable[str]) -> None:
    """Delete queues and exchanges, those too that are not there."""
    with Connection(uri) as connection:
        channel = connection.default_channel
        for queue in queues:
            channel.queue_delete(queue)
        for exchange in exchanges:
            channel.exchange_delete(exchange)
