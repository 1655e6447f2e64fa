"""Feed, broker and database are killed while 5,000 events go to five agencies: each finds every number, on each way."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.installation import Installation
from tests.faults.senders import Senders, make_reports
from tests.integration.feed.partner import Follower
from tests.support.hook import Hook
from tests.support.stream import Consumer
from tests.support.system import wait_until

KINDS = ("statistics", "police", "justice", "civil_affairs", "health")
REPORTS = 2_300
#: Events that must at least have gone to the agency that counts all of them.
EVENTS = 5_000
#: After so many accepted reports, this part is killed.
IN_TURN = {
    120: "feed",
    300: "broker",
    450: "feed",
    600: "database",
    800: "feed",
    900: "broker",
    1_100: "database",
    1_250: "feed",
}
CATCHING_UP_SECONDS = 120

pytestmark = pytest.mark.timeout(600)  # for the storm, before the first test


class Agency:
    """One agency that listens on all three ways at the same time."""

    def __init__(self, installation: Installation, kind: str, stack: ExitStack) -> None:
        self.name = f"storm-{kind.replace('_', '-')}"
        self.hook = stack.enter_context(Hook())
        arguments = ("--contract", kind, "--district", "33", "--webhook", self.hook.url, "--json")
        told = json.loads(installation.niangjia("agencies", "add", self.name, *arguments))
        port = int(told["http"]["url"].split(":")[2].split("/")[0])
        partner: Any = SimpleNamespace(
            system=SimpleNamespace(ports={"feed": port}), replica="feed", name=self.name, token=told["http"]["token"]
        )
        self.stream = stack.enter_context(Consumer(told["amqp"]))
        self.follower = stack.enter_context(Follower(partner, resume=True))
        self._told = told

    def last(self, installation: Installation) -> int:
        """Return the number of its last delivery."""
        row = installation.database("feed")["agency"].find_one({"_id": self.name})
        assert row is not None
        return int(row["state"]["last"])

    def has_all(self, last: int) -> bool:
        return all(
            numbers and max(numbers) >= last
            for numbers in (self.stream.numbers, self.follower.numbers, self.hook.numbers)
        )

    def read_again(self, last: int) -> list[int]:
        """Return the numbers in the stream as a new consumer finds them."""
        with Consumer(self._told["amqp"]) as consumer:
            wait_until(lambda: last in consumer.numbers, f"all of {self.name}'s stream")
            return consumer.numbers


@pytest.fixture(scope="module")
def agencies(installation: Installation) -> Iterator[dict[str, Agency]]:
    with ExitStack() as stack:
        agencies = {kind: Agency(installation, kind, stack) for kind in KINDS}
        yield agencies
        # whoever is called and does not answer would be given up in the middle of another storm
        for agency in agencies.values():
            installation.niangjia("agencies", "remove", agency.name, "--yes")


@pytest.fixture(scope="module")
def lasts(installation: Installation, agencies: dict[str, Agency]) -> dict[str, int]:
    """The number of each agency's last delivery, after the storm, when each has it on each way."""
    senders = Senders(installation, make_reports(REPORTS, seed=REPORTS, joining=0.1))
    senders.start()
    for accepted, part in IN_TURN.items():
        senders.wait_for(accepted)
        installation.kill(part)
    senders.join()
    installation.wait_until_well()
    installation.drain()
    lasts = {kind: agency.last(installation) for kind, agency in agencies.items()}
    for kind, agency in agencies.items():
        wait_until(lambda a=agency, n=lasts[kind]: a.has_all(n), f"all of {agency.name}'s", CATCHING_UP_SECONDS)
    return lasts


def test_enough_has_happened(lasts: dict[str, int]) -> None:
    assert lasts["statistics"] >= EVENTS
    assert all(lasts.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_stream_has_each_number_once_in_order(
    agencies: dict[str, Agency], lasts: dict[str, int], kind: str
) -> None:
    expected = list(range(1, lasts[kind] + 1))
    assert agencies[kind].read_again(lasts[kind]) == expected
    assert agencies[kind].stream.numbers == expected


@pytest.mark.parametrize("kind", KINDS)
def test_who_follows_by_http_gets_each_number_once_in_order(
    agencies: dict[str, Agency], lasts: dict[str, int], kind: str
) -> None:
    assert agencies[kind].follower.numbers == list(range(1, lasts[kind] + 1))


@pytest.mark.parametrize("kind", KINDS)
def test_who_is_called_gets_each_number_in_order_and_a_repeat_is_known_by_its_id(
    agencies: dict[str, Agency], lasts: dict[str, int], kind: str
) -> None:
    """Between the answer to a call and its being written down a process can die: then the same comes again."""
    calls = agencies[kind].hook.deliveries
    first: dict[int, Any] = {}
    for call in calls:
        before = first.setdefault(call.number, call)
        assert (before.headers["webhook-id"], before.body) == (call.headers["webhook-id"], call.body)
    assert list(first) == list(range(1, lasts[kind] + 1))
    assert len(calls) - len(first) <= 2 * len(IN_TURN)


@pytest.mark.parametrize("kind", KINDS)
def test_each_way_carries_the_same(agencies: dict[str, Agency], lasts: dict[str, int], kind: str) -> None:
    agency = agencies[kind]
    streamed = [json.loads(message.body) for message in agency.stream.deliveries]
    assert streamed == [data["data"] for _, number, _, data in agency.follower.events if number]
    called = {call.number: call.event["data"] for call in agency.hook.deliveries}
    assert streamed == list(called.values())


def test_nothing_has_to_be_repaired(installation: Installation, lasts: dict[str, int]) -> None:
    installation.niangjia("verify")
