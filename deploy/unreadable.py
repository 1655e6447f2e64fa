"""The broker's own dead letters: messages that ended the process of their consumer again and again."""

from typing import Any

from amqp import Message

from deploy.problem import Problem
from deploy.queues import Queues
from deploy.stores import Stores

#: Headers that the broker writes when it gives a message up.
_OF_THE_BROKER = ("x-death", "x-delivery-count", "x-first-death-", "x-last-death-")


def depths(queues: Queues, stores: Stores) -> dict[str, int]:
    """Return how many such messages there are, by queue, where there are any.

    Raises:
        OSError, AMQPError: the broker is away.
    """
    names = [store.settings.unreadable(service) for service, store in stores.items()]
    return {name: count for name in names if (count := queues.ready(name))}


def send_back(queues: Queues, name: str) -> int:
    """Put the messages of a queue back to where they came from; return how many.

    Raises:
        OSError, AMQPError: the broker is away; what was not put back is still there.
    """
    channel = queues.channel()
    channel.confirm_select()
    sent = 0
    while (message := channel.basic_get(name)) is not None:
        headers: dict[str, Any] = message.headers or {}
        deaths = headers.get("x-death") or [{}]
        origin = deaths[0].get("queue")
        if not origin:
            raise Problem(f"a message in {name} does not say where it came from", f"discard {name}")
        properties = {**message.properties, "application_headers": _kept(headers)}
        channel.basic_publish_confirm(Message(message.body, **properties), exchange="", routing_key=origin)
        channel.basic_ack(message.delivery_tag)
        sent += 1
    channel.close()
    return sent


def discard(queues: Queues, name: str) -> int:
    """Give the messages of a queue up; return how many.

    Raises:
        OSError, AMQPError: the broker is away.
    """
    channel = queues.channel()
    count = int(channel.queue_purge(name))
    channel.close()
    return count


def _kept(headers: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if not name.startswith(_OF_THE_BROKER)}
