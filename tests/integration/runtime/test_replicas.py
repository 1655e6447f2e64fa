"""Several processes of one service: one publishes, and what they commit together is one gapless record."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.runtime.auth import Role
from tests.integration.runtime.bus import Bus
from tests.integration.runtime.toy import case, report
from tests.support.system import System, wait_until

LISTENER = {"referral": "tests.integration.runtime.toy_listener"}
SOURCE = {"intake": "tests.integration.runtime.toy_source"}


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[tuple[System, System]]:
    """Two processes on one database and one exchange."""
    with System(tmp_path, services=SOURCE) as one:
        two = System(tmp_path, one.namespace, services=SOURCE)
        one.start_all()
        two.start_all()
        yield one, two
        two.stop_all()


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[tuple[System, System]]:
    """Two processes on one queue."""
    with System(tmp_path, services=LISTENER) as one:
        two = System(tmp_path, one.namespace, services=LISTENER)
        one.start_all()
        two.start_all()
        yield one, two
        two.stop_all()


@pytest.fixture
def bus(replicas: tuple[System, System]) -> Iterator[Bus]:
    one, _ = replicas
    with Bus(one.settings("intake")) as bus:
        bus.spy(f"{one.namespace}.spy")
        yield bus
        bus.channel.queue_delete(f"{one.namespace}.spy")


def send(system: System, name: str, numbers: range) -> None:
    client = system.client(Role.OPERATOR)
    for number in numbers:
        assert client.post("intake", "/notes", json={"case": name, "n": number}).status_code == 200


def leads(system: System) -> bool:
    figures = system.client(Role.ADMIN).get("intake", "/metrics").text
    return "niangjia_relay_leader 1.0" in figures


def sequences(bus: Bus, system: System) -> list[int]:
    """Return the numbers that went out, each where it came first."""
    seen: dict[int, None] = {}
    for message in bus.seen(f"{system.namespace}.spy"):
        seen.setdefault(int(message.headers["cloudEvents_sequence"]))
    return list(seen)


def test_both_commit_and_one_publishes_everything_in_order(replicas: tuple[System, System], bus: Bus) -> None:
    one, two = replicas
    with ThreadPoolExecutor(6) as pool:
        jobs = [
            pool.submit(send, system, f"case{n}", range(start, 90, 2))
            for n in range(3)
            for start, system in ((0, one), (1, two))
        ]
        for job in jobs:
            job.result()
    published: list[int] = []

    def all_out() -> bool:
        published.extend(n for n in sequences(bus, one) if n not in published)
        return len(published) == 270

    wait_until(all_out, "everything to be published")
    assert published == list(range(1, 271))
    assert leads(one) != leads(two)
    for n in range(3):
        row = one.database("intake")["diary"].find_one({"_id": case(f"case{n}")})
        assert row is not None
        assert sorted(row["state"]["taken"]) == list(range(90))


@pytest.mark.parametrize(("number", "seconds"), [(signal.SIGKILL, 25), (signal.SIGTERM, 8)])
def test_when_the_one_that_publishes_is_gone_the_other_takes_over(
    replicas: tuple[System, System], bus: Bus, number: int, seconds: float
) -> None:
    first, second = replicas
    wait_until(lambda: leads(first) or leads(second), "one to lead")
    leader, follower = (first, second) if leads(first) else (second, first)
    send(leader, "a", range(50))
    send(follower, "b", range(50))
    leader.kill("intake", number)
    send(follower, "c", range(50))
    published: list[int] = []

    def all_out() -> bool:
        published.extend(n for n in sequences(bus, first) if n not in published)
        return len(published) == 150

    wait_until(all_out, "everything to be published", seconds)
    assert published == list(range(1, 151))
    assert leads(follower)


def test_one_that_slept_while_another_led_puts_nothing_out_of_order(replicas: tuple[System, System], bus: Bus) -> None:
    first, second = replicas
    wait_until(lambda: leads(first) or leads(second), "one to lead")
    sleeper, other = (first, second) if leads(first) else (second, first)
    send(sleeper, "a", range(50))
    os.kill(sleeper.pid("intake"), signal.SIGSTOP)
    send(other, "b", range(50))
    wait_until(lambda: leads(other), "the other to take over", 25)
    os.kill(sleeper.pid("intake"), signal.SIGCONT)
    send(other, "c", range(50))
    send(sleeper, "d", range(50))
    published: list[int] = []

    def all_out() -> bool:
        published.extend(n for n in sequences(bus, first) if n not in published)
        return len(published) == 200

    wait_until(all_out, "everything to be published")
    assert published == list(range(1, 201))


def test_of_two_consumers_one_works_and_the_next_goes_on_where_it_was(listeners: tuple[System, System]) -> None:
    one, two = listeners
    diaries = one.database("referral")["diary"]
    names = [f"case{n}" for n in range(8)]

    def taken() -> dict[str, list[int]]:
        return {row["_id"]: row["state"]["taken"] for row in diaries.find()}

    with Bus(one.settings("referral")) as bus:
        bus.publish(*(report(name, n) for n in range(1, 51) for name in names))
        for system in (one, two, one):
            wait_until(taken, "some to be taken")
            system.kill("referral")
            system.start("referral")
        wait_until(lambda: sum(map(len, taken().values())) == 400, "all to be taken")

    assert taken() == {case(name): list(range(1, 51)) for name in names}
