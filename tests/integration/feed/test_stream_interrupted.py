"""Whatever breaks while deliveries flow to five agencies: no gap, no number twice, the order kept."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

import pytest
from pymongo.errors import PyMongoError

from services.feed.access import stream
from services.feed.enrolment import access
from services.feed.partners import Partners
from shared.runtime.auth import Role
from tests.integration.feed.replica import Replica
from tests.integration.feed.test_stream import add
from tests.integration.runtime.proxy import Wire
from tests.support.stream import Consumer
from tests.support.system import System, free_port, wait_until

AGENCIES = ["one", "two", "three", "four", "five"]
#: Deliveries to each while something breaks.
AMOUNT = 1_000

FEED = "services.feed.service"


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Two replicas of feed, the second not started yet."""
    services = {"feed": FEED, "second": FEED}
    with System(tmp_path_factory.mktemp("feeds"), services=services, ports={"second": free_port()}) as system:
        system.start("feed")
        yield system


@pytest.fixture
def replica(system: System) -> Replica:
    return Replica(system)


@pytest.fixture
def consumers(system: System) -> Iterator[Sequence[Consumer]]:
    told = [add(system.client(Role.ADMIN), name, "statistics") for name in AGENCIES]
    with ExitStack() as stack:
        yield [stack.enter_context(Consumer(one)) for one in told]


class Flow:
    """Deliveries that are made in a thread, a few at a time, while a test breaks something."""

    def __init__(self, replica: Replica, amount: int = AMOUNT) -> None:
        self._replica = replica
        self._amount = amount
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Flow":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    @property
    def is_on(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        chance = random.Random(1)
        left = self._amount
        while left:
            amount = min(left, chance.choice([1, 2, 5, 20]))
            try:
                self._replica.hear(amount)
            except PyMongoError:
                continue
            left -= amount
            time.sleep(0.05)


def assert_whole(consumers: Sequence[Consumer], last: int = AMOUNT) -> None:
    for consumer in consumers:
        wait_until(lambda one=consumer: one.numbers[-1:] == [last], f"number {last} of {consumer.told['stream']}", 60)
        assert consumer.numbers == list(range(1, last + 1)), consumer.told["stream"]


def test_feed_is_killed_again_and_again(system: System, replica: Replica, consumers: Sequence[Consumer]) -> None:
    with Flow(replica) as flow:
        kills = 0
        while flow.is_on:
            time.sleep(random.uniform(0.1, 1.5))
            system.kill("feed")
            system.start("feed", wait=False)
            kills += 1
            until = time.monotonic() + 6
            before = len(consumers[0].messages)
            while len(consumers[0].messages) == before and time.monotonic() < until:
                time.sleep(0.01)

    assert kills > 1
    assert_whole(consumers)


def test_its_connection_breaks_again_and_again(system: System, replica: Replica, consumers: Sequence[Consumer]) -> None:
    system.kill("feed")
    with Wire(system.amqp_uri) as wire:
        system.start("feed", AMQP_URI=wire.uri)
        with Flow(replica) as flow:
            breaks = 0
            while flow.is_on:
                time.sleep(random.uniform(0.2, 1.5))
                wire.cut()
                time.sleep(random.choice([0, 0.5]))
                wire.mend()
                breaks += 1
        assert breaks > 1
        assert_whole(consumers)
        wire.cut()
        wait_until(lambda: "streams are not written" in system.client(Role.ADMIN).get("feed", "/health").text, "it")
        wire.mend()
        wait_until(lambda: system.client(Role.ADMIN).get("feed", "/health").ok, "feed to be well")
        system.kill("feed")


def test_another_replica_takes_over(system: System, replica: Replica, consumers: Sequence[Consumer]) -> None:
    system.start("second")
    with Flow(replica):
        wait_until(lambda: len(consumers[0].numbers) > 50, "the first deliveries")
        system.kill("feed")
        wait_until(lambda: len(consumers[0].numbers) > 200, "the second replica to go on")
        system.start("feed", wait=False)
        wait_until(lambda: len(consumers[0].numbers) > 400, "it to go on")
        system.kill("second")

    assert_whole(consumers)


def test_two_replicas_do_not_hinder_each_other(system: System, replica: Replica, consumers: Sequence[Consumer]) -> None:
    system.start("second")
    with Flow(replica):
        wait_until(lambda: len(consumers[0].numbers) > 50, "the first deliveries")

    assert_whole(consumers)
    figures = [system.client(Role.ADMIN).get(name, "/metrics").text for name in ("feed", "second")]
    assert sum("niangjia_feed_stream_published_total 0.0" in text for text in figures) == 1
    assert all(system.client(Role.ADMIN).get(name, "/health").ok for name in ("feed", "second"))


def test_cursors_that_are_lost_or_ahead_mislead_nobody(
    system: System, replica: Replica, consumers: Sequence[Consumer]
) -> None:
    replica.hear(100)
    assert_whole(consumers, 100)
    system.kill("feed")
    replica.cursors.forget("stream", "one")
    replica.cursors.advance("stream", "two", 150)
    replica.hear(100)
    system.start("feed")

    assert_whole(consumers, 200)


def test_a_stream_that_is_gone_holds_up_no_other_and_is_whole_when_it_is_back(
    system: System, replica: Replica, consumers: Sequence[Consumer]
) -> None:
    replica.hear(100)
    assert_whole(consumers, 100)
    partners = Partners(replace(system.settings("feed"), broker_api=os.environ["NIANGJIA_BROKER_API"]))
    partners._broker.delete("queues", partners.virtual_host, stream("one"))
    replica.hear(100)
    assert_whole(consumers[1:], 200)
    partners.add(access(replica.agency("one")))
    with Consumer(consumers[0].told) as again:
        assert_whole([again], 200)
    partners._broker._session.close()


def test_what_is_stored_when_feed_stops_is_published(
    system: System, replica: Replica, consumers: Sequence[Consumer]
) -> None:
    replica.hear(100)
    assert_whole(consumers, 100)
    replica.hear(300)
    assert system.kill("feed", signal.SIGTERM) == 0
    assert_whole(consumers, 400)
    wait_until(lambda: replica.cursors.get("stream", "five").number == 400, "the cursor", 1)
