"""What passes on the bus, from now on: which events of intake, by their numbers."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any, Final

from amqp.exceptions import AMQPError
from kombu import Connection, Exchange, Queue

from deploy.problem import Problem
from shared.events import Unreadable
from shared.runtime import delivery
from shared.runtime.broker import BrokerAway, connect
from shared.runtime.settings import Settings

#: Seconds after which it looks whether to go on.
_LOOK: Final = 0.5


def passing(settings: Settings, seconds: float | None, tell: Callable[[int | None], object]) -> frozenset[int]:
    """Return the numbers of the events of a service that pass, until the time is over or somebody interrupts.

    A queue of its own, gone with the connection, gets a copy of each event; nobody else gets one less.

    Args:
        settings: of the service.
        seconds: how long to listen; None for ever.
        tell: is told None when it listens, then, time and again, how many there are.

    Raises:
        Problem: the broker is away.
    """
    seen: set[int] = set()
    try:
        with connect(settings) as connection, _interrupted() as enough:
            _listen(connection, settings.exchange(settings.service), seconds, seen, tell, enough)
    except (*BrokerAway, AMQPError) as error:
        raise Problem(f"the broker is away ({type(error).__name__})", "see `niangjia doctor`") from None
    return frozenset(seen)


@contextmanager
def _interrupted() -> Iterator[Event]:
    """Give what is set once somebody presses Ctrl-C, which is how a person says that it is enough.

    As an exception it could break into a frame that is half read, and who says goodbye to the broker after that waits
    for an answer that it no longer understands.
    """
    enough = Event()
    before = signal.signal(signal.SIGINT, lambda *_: enough.set())
    try:
        yield enough
    finally:
        signal.signal(signal.SIGINT, before)


def _listen(
    connection: Connection,
    exchange: str,
    seconds: float | None,
    seen: set[int],
    tell: Callable[[int | None], object],
    enough: Event,
) -> None:
    channel = connection.channel()
    channel.auto_decode = False
    source = Exchange(exchange, type="topic", durable=True)
    queue = Queue("", source, routing_key="#", durable=False, exclusive=True, auto_delete=True)(channel)
    queue.declare()

    def take(message: Any) -> None:
        try:
            seen.add(delivery.read(message).sequence)
        except Unreadable:
            return  # whoever it is from, it is not in the journal

    channel.basic_consume(queue.name, callback=take, no_ack=True)
    until = None if seconds is None else time.monotonic() + seconds
    tell(None)
    while not enough.is_set() and (until is None or time.monotonic() < until):
        left = _LOOK if until is None else min(_LOOK, until - time.monotonic())
        try:
            connection.drain_events(timeout=max(left, 0.001))
        except TimeoutError:
            connection.heartbeat_check()
        tell(len(seen))
