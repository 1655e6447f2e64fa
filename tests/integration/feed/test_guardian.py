"""Feed holds the broker to what it has stored, and what was lost there is written again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from services.feed.access import stream
from shared.runtime.auth import Role
from tests.integration.feed.replica import Replica
from tests.integration.feed.test_stream import add
from tests.support.partners import Place, management
from tests.support.stream import Consumer
from tests.support.system import System, wait_until

AMOUNT = 20


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Feed alone, whose heartbeats do not tell it that a stream is gone."""
    folder: Path = tmp_path_factory.mktemp("feed")
    services, variables = {"feed": "services.feed.service"}, {"NIANGJIA_HEARTBEAT": "600"}
    with System(folder, services=services, variables=variables) as system:
        system.start_all()
        yield system


@pytest.fixture(scope="module")
def place(system: System) -> Place:
    """The partners' part of its broker."""
    return Place(namespace=system.namespace)


@pytest.fixture(scope="module")
def told(system: System) -> dict[str, str]:
    """What an agency is told that has got something already."""
    told = add(system.client(Role.ADMIN), "police", "justice")
    Replica(system).hear(AMOUNT)
    with Consumer(told) as consumer:
        wait_until(lambda: len(consumer.numbers) == AMOUNT, "the deliveries")
    return told


LOSSES: dict[str, Callable[[Any, Place], object]] = {
    "the stream": lambda broker, place: broker.delete("queues", place.partners.virtual_host, stream("police")),
    "the user": lambda broker, place: broker.delete("users", place.partners.user("police")),
    "the virtual host": lambda broker, place: broker.delete("vhosts", place.partners.virtual_host),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_the_broker_loses_is_there_again(place: Place, told: dict[str, str], loss: str) -> None:
    LOSSES[loss](management(place), place)

    with Consumer(told) as consumer:
        wait_until(lambda: len(consumer.numbers) >= AMOUNT, f"{loss} and all deliveries", 60)
    assert consumer.numbers == list(range(1, AMOUNT + 1))


def test_an_agency_that_the_broker_knows_alone_is_removed(place: Place, told: dict[str, str]) -> None:
    uri = place.add("nobody")
    wait_until(lambda: place.partners.standings().keys() == {"police"}, "the stranger to be removed", 60)

    assert "agency-nobody" in uri
    with Consumer(told) as consumer:
        wait_until(lambda: len(consumer.numbers) == AMOUNT, "the other's deliveries")


def test_feed_is_well_without_the_management_api(system: System) -> None:
    system.kill("feed", 15)
    system.start("feed", NIANGJIA_BROKER_API="http://nobody:nothing@127.0.0.1:9")

    assert system.client(Role.ADMIN).get("feed", "/health").status_code == requests.codes.ok
    wait_until(lambda: "cannot look after the broker" in system.log_file("feed").read_text(), "a word about it")
    assert "nothing" not in system.log_file("feed").read_text().rpartition("cannot look after")[2]
