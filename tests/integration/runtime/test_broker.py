"""A connection to the broker reads what is there at once, and loses nothing of it."""

import os
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.runtime.broker import READ_AHEAD, connect
from shared.runtime.settings import Settings

MESSAGES = 500


@pytest.fixture
def settings() -> Settings:
    here = SimpleNamespace(amqp_uri=os.environ["AMQP_URI"], service="referral", instance="one")
    return cast(Settings, here)


# more than is read at once, too; and empty, which is a frame less
@pytest.mark.parametrize("size", [0, 1_000, 3 * READ_AHEAD])
def test_what_is_there_is_read_at_once_and_whole(settings: Settings, size: int) -> None:
    bodies = [b"%d" % n + bytes(size) if size else b"" for n in range(MESSAGES)]
    got: list[Any] = []
    with connect(settings) as connection:
        channel = connection.channel()
        channel.auto_decode = False
        queue = channel.queue_declare(exclusive=True).queue
        for body in bodies:
            channel.basic_publish(channel.prepare_message(body), routing_key=queue)
        channel.basic_consume(queue, no_ack=True, callback=got.append)
        transport = connection.connection.transport
        receive, reads = transport._quick_recv, []
        transport._quick_recv = lambda wanted: reads.append(wanted) or receive(wanted)
        while len(got) < MESSAGES:
            connection.drain_events(timeout=20)

    assert [bytes(message.body or b"") for message in got] == bodies
    if size < READ_AHEAD:
        assert 0 < len(reads) < 2 * MESSAGES, "by itself py-amqp reads six times for a message, or nine"
