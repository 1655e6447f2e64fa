"""A service that is asked to stop answers what it was asked before, keeps what it said it stored, and goes."""

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from shared.runtime.auth import Role
from tests.integration.runtime.toy import case
from tests.support.system import System

SOURCE = {"intake": "tests.integration.runtime.toy_source"}
CLIENTS = 12


@dataclass
class Caller:
    """Sends one note after the other until nobody answers."""

    system: System
    name: str
    stored: list[int] = field(default_factory=list)
    #: When a request was sent that was not answered at all.
    unanswered_at: float | None = None
    refused: int = 0

    def run(self) -> None:
        client = self.system.client(Role.OPERATOR)
        for number in range(100_000):
            sent_at = time.monotonic()
            try:
                answer = client.post("intake", "/notes", json={"case": self.name, "n": number})
            except requests.ConnectionError:
                self.unanswered_at = sent_at
                return
            if answer.status_code == 200:
                self.stored.append(number)
            else:
                assert answer.status_code == 503
                self.refused += 1


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with System(tmp_path, services=SOURCE) as system:
        system.start_all()
        yield system


def test_requests_in_hand_are_answered_and_what_was_answered_is_stored(system: System) -> None:
    callers = [Caller(system, f"caller{n}") for n in range(CLIENTS)]
    threads = [threading.Thread(target=caller.run) for caller in callers]
    for thread in threads:
        thread.start()
    while any(len(caller.stored) < 5 for caller in callers):
        time.sleep(0.01)
    asked_at = time.monotonic()
    code = system.kill("intake", signal.SIGTERM)
    took = time.monotonic() - asked_at
    for thread in threads:
        thread.join()

    assert code == 0
    assert took < 10
    for caller in callers:
        assert caller.unanswered_at is not None
        assert caller.unanswered_at > asked_at
        row = system.database("intake")["diary"].find_one({"_id": case(caller.name)})
        assert row is not None
        assert set(caller.stored) <= set(row["state"]["taken"])
    assert "Traceback" not in system.log_file("intake").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_with_nothing_to_do_goes_at_once(system: System, number: int) -> None:
    began = time.monotonic()

    assert system.kill("intake", number) == 0
    assert time.monotonic() - began < 5


def test_a_second_signal_changes_nothing(system: System) -> None:
    process = system._processes["intake"]
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)

    assert system.kill("intake", signal.SIGTERM) == 0
