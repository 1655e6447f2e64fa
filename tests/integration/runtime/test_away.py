"""Broker or database away: requests get an honest answer, nothing is lost, nobody restarts anything."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.runtime.auth import Role
from tests.integration.runtime.bus import Bus
from tests.integration.runtime.proxy import Wire
from tests.integration.runtime.toy import case, report
from tests.support.system import Client, System, wait_until


@pytest.fixture(scope="module")
def broker() -> Iterator[Wire]:
    with Wire(os.environ["AMQP_URI"]) as wire:
        yield wire


@pytest.fixture(scope="module")
def mongod() -> Iterator[Wire]:
    with Wire(os.environ["MONGO_URI"]) as wire:
        yield wire


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, broker: Wire, mongod: Wire) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("away")
    services = {
        "intake": "tests.integration.runtime.toy_source",
        "referral": "tests.integration.runtime.toy_listener",
    }
    wires = {"AMQP_URI": broker.uri, "MONGO_URI": mongod.uri}
    with System(folder, services=services, variables=wires) as system:
        system.start_all()
        yield system
        assert "Traceback" not in "".join(system.log_file(name).read_text() for name in services)


@pytest.fixture
def client(system: System) -> Client:
    return system.client(Role.OPERATOR)


def send(client: Client, name: str, number: int) -> int:
    return client.post("intake", "/notes", json={"case": name, "n": number}).status_code


def heard(system: System, name: str) -> int:
    row = system.database("referral")["diary"].find_one({"_id": case(name)})
    return len(row["state"]["taken"]) if row else 0


def test_without_its_database_a_service_says_so_soon_and_goes_on_later(
    system: System, client: Client, mongod: Wire
) -> None:
    assert send(client, "a", 1) == 200
    mongod.cut()
    began = time.monotonic()
    answer = client.post("intake", "/notes", json={"case": "a", "n": 2})
    assert time.monotonic() - began < 8
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "the database is away" in answer.json()["detail"]
    assert client.get("intake", "/health").json()["ailing"][0] == "the database is away"

    mongod.mend()
    wait_until(lambda: send(client, "a", 2) == 200, "the database to be found again")
    wait_until(lambda: heard(system, "a") == 2, "both to be heard")
    system.wait_until_well("intake", "referral")


def test_without_its_database_a_consumer_waits_and_parks_nothing(system: System, mongod: Wire) -> None:
    pauses = system.log_file("referral").read_text().count("waiting")
    mongod.cut()
    with Bus(system.settings("referral")) as bus:
        bus.publish(*(report("consumed later", n) for n in range(1, 51)))
        # The test before this one has let it pause, too.
        wait_until(lambda: system.log_file("referral").read_text().count("waiting") > pauses, "the consumer to pause")
        mongod.mend()
        wait_until(lambda: heard(system, "consumed later") == 50, "all to be heard")
        wait_until(lambda: not bus.depth(), "the queue to be empty")

    assert system.database("referral")["parked"].count_documents({}) == 0
    system.wait_until_well("intake", "referral")


def test_without_the_broker_requests_are_accepted_and_heard_later(system: System, client: Client, broker: Wire) -> None:
    broker.cut()
    assert [send(client, "b", n) for n in range(1, 21)] == [200] * 20
    wait_until(lambda: client.get("intake", "/health").status_code == 503, "it to be noticed")
    assert heard(system, "b") == 0

    broker.mend()
    wait_until(lambda: heard(system, "b") == 20, "all to be heard")
    system.wait_until_well("intake", "referral")


def test_a_wire_that_breaks_again_and_again_loses_and_doubles_nothing(
    system: System, client: Client, broker: Wire, mongod: Wire
) -> None:
    sent = 0
    for wire in (broker, mongod, broker, mongod):
        for _ in range(30):
            sent += 1
            wait_until(lambda sent=sent: send(client, "c", sent) == 200, f"{sent} to be accepted")
        wire.cut()
        wire.mend()
    wait_until(lambda: heard(system, "c") == sent, "all to be heard")

    numbers = system.database("referral")["diary"].find_one({"_id": case("c")})["state"]["taken"]
    assert numbers == sorted(set(numbers))
    written = system.database("intake")["diary"].find_one({"_id": case("c")})["state"]["taken"]
    assert written == list(range(1, sent + 1))


def test_a_service_stops_in_good_order_even_when_everything_is_away(
    system: System, client: Client, broker: Wire, mongod: Wire
) -> None:
    broker.cut()
    mongod.cut()
    wait_until(lambda: client.get("intake", "/health").status_code == 503, "it to be noticed")
    began = time.monotonic()
    codes = [system.kill(service, signal.SIGTERM) for service in ("intake", "referral")]
    broker.mend()
    mongod.mend()

    assert codes == [0, 0]
    assert time.monotonic() - began < 25
    system.start_all()
