"""The sample week, replayed in every way: the same bytes each time, and nobody outside hears of it.

Every way out is configured, and leads to a server on which nobody may knock.
"""

import socket
import threading
from collections.abc import Iterator, Sequence
from itertools import starmap

import pytest

from deploy.city import models, whole_city
from shared.events import Event
from shared.replay.golden import differing
from shared.replay.recording import Recorded
from shared.replay.replay import Outcome, Replay
from tests.support.scenarios import week
from tests.support.stage import stages

#: Which of the services it hears speaks first, only the broker knows: when all run at once its numbers may differ.
LISTENS_TO_MANY = "feed"


class Trap:
    """A server on which nobody may knock; remembers who does."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.knocks = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return
            self.knocks += 1

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


@pytest.fixture(scope="module")
def told(trap: Trap) -> list[Recorded]:
    """All that the services are told in the week; the agencies want to be called at the trap."""
    return list(starmap(Recorded, enumerate(week(f"http://127.0.0.1:{trap.port}/hook"), start=1)))


@pytest.fixture(scope="module")
def outside(trap: Trap) -> dict[str, str]:
    """The settings of all that leads out."""
    return {
        "NIANGJIA_OUTBOX": f"smtp://127.0.0.1:{trap.port}/gateway.invalid",
        "NIANGJIA_INTAKE_URL": f"http://127.0.0.1:{trap.port}",
        "NIANGJIA_FEED_URL": f"http://127.0.0.1:{trap.port}",
        "NIANGJIA_PARTNER_AMQP": f"amqp://127.0.0.1:{trap.port}",
        "NIANGJIA_BROKER_API": f"http://127.0.0.1:{trap.port}",
        "NIANGJIA_WEBHOOK_PRIVATE": "127.0.0.1/32",
        "NIANGJIA_WEBHOOK_DELAYS": "0.1,0.1",
    }


@pytest.fixture(scope="module")
def in_memory(told: list[Recorded], outside: dict[str, str]) -> Outcome:
    """The week through all services, in memory and without any socket."""
    with pytest.MonkeyPatch.context() as patch:
        _shut(patch, outside)
        return Replay(told, "week").into(whole_city())


@pytest.fixture(scope="module")
def in_processes(told: list[Recorded], outside: dict[str, str], trap: Trap) -> list[Event]:
    """What all services said to the week as real processes; they know where each other is, and nobody else."""
    inside = {name: value for name, value in outside.items() if name != "NIANGJIA_INTAKE_URL"}
    with stages(variables=inside, in_step=False) as set_stage:
        return list(Replay(told, "week", stage=set_stage).into(whole_city()).events)


def _shut(patch: pytest.MonkeyPatch, outside: dict[str, str]) -> None:
    """Configure all ways out, and let no socket be made."""
    for name, value in outside.items():
        patch.setenv(name, value)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a replay in memory opened a socket")

    patch.setattr(socket, "socket", forbidden)


def of(events: Sequence[Event], service: str) -> list[Event]:
    return [event for event in events if event.source == service]


def test_in_memory_the_week_has_all_that_it_should_have(in_memory: Outcome, told: list[Recorded]) -> None:
    assert {event.source for event in in_memory.events} == set(models())
    assert len(of(in_memory.events, "intake")) > 300
    assert [one.slug for one in in_memory.refused] == ["report-key-conflict"]


@pytest.mark.parametrize("service", models())
def test_a_service_alone_says_the_same(
    in_memory: Outcome, told: list[Recorded], service: str, outside: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _shut(monkeypatch, outside)
    alone = Replay(told, "week").into(models()[service])
    assert differing(of(in_memory.events, service), alone.events) == []


@pytest.mark.parametrize("service", models())
def test_in_processes_a_service_says_the_same(in_memory: Outcome, in_processes: list[Event], service: str) -> None:
    expected, found = of(in_memory.events, service), of(in_processes, service)
    if service == LISTENS_TO_MANY:
        assert {event.causation for event in found} == {event.causation for event in expected}
        assert len(found) == len(expected)
    else:
        assert differing(expected, found) == []
        assert [event.body for event in found] == [event.body for event in expected]


def test_notification_alone_in_a_process_says_the_same_without_asking(
    in_memory: Outcome, told: list[Recorded], outside: dict[str, str]
) -> None:
    """It is the one that asks another service for how a client wishes to be told."""
    with stages(variables=outside, in_step=False) as set_stage:
        outcome = Replay(told, "week", stage=set_stage).into(models()["notification"])
        assert differing(of(in_memory.events, "notification"), outcome.events) == []


def test_nobody_outside_heard_of_it(in_memory: Outcome, in_processes: list[Event], trap: Trap) -> None:
    assert trap.knocks == 0
    with socket.create_connection(("127.0.0.1", trap.port)):
        pass
    for _ in range(100):
        if trap.knocks:
            break
        threading.Event().wait(0.02)
    assert trap.knocks == 1
