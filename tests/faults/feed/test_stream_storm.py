"""Feed, broker and database are killed while thousands of deliveries flow to five agencies: each stream is whole."""

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from hashlib import sha256
from typing import Any

import orjson
import pytest
import yaml

from shared.runtime.auth import Role
from tests.faults.installation import ROOT, Installation
from tests.faults.senders import Senders, make_reports
from tests.support.stream import SEQUENCE, Consumer
from tests.support.system import wait_until

#: The kind of each agency; `statistics` gets several deliveries of every report.
AGENCIES = {
    "stream-police": "police",
    "stream-justice": "justice",
    "stream-relief": "civil_affairs",
    "stream-counts": "statistics",
    "stream-counts-too": "statistics",
}
REPORTS = 900
#: Deliveries that must have flown for the storm to have been one.
LEAST = 3_500
ARRIVING_SECONDS = 120

pytestmark = pytest.mark.timeout(600)  # for the storm, before the first test


def blow(installation: Installation, senders: Senders) -> None:
    """Kill one or two of the three again and again, also before they have come back; freeze the broker once."""
    chance = random.Random(29)
    for accepted in range(60, REPORTS - 60, 60):
        senders.wait_for(accepted)
        for part in chance.sample(["feed", "broker", "database"], chance.choice([1, 1, 2])):
            installation.kill(part)
    installation.freeze("broker", 3)


@pytest.fixture(scope="module")
def told(installation: Installation) -> Mapping[str, Mapping[str, str]]:
    """What each agency was told of its stream. The broker dies at once: it must not forget that it has streams."""
    told = {name: _added(installation, name, kind) for name, kind in AGENCIES.items()}
    installation.kill("broker")
    return told


@pytest.fixture(scope="module")
def streams(installation: Installation, told: Mapping[str, Mapping[str, str]]) -> Iterator[Mapping[str, Consumer]]:
    """What consumers have read who were there all the time, after the storm and after everything has arrived."""
    senders = Senders(installation, make_reports(REPORTS, seed=29))
    with ExitStack() as stack:
        consumers = {name: stack.enter_context(Consumer(one)) for name, one in told.items()}
        senders.start()
        blow(installation, senders)
        senders.join()
        assert len(senders.answers) == REPORTS
        assert senders.setbacks, "nobody noticed that anything was killed"
        installation.wait_until_well()
        installation.drain()
        for name, consumer in consumers.items():
            last = len(_stored(installation, name))
            wait_until(lambda one=consumer, n=last: one.numbers[-1:] == [n], f"all of {name}", ARRIVING_SECONDS)
        yield consumers
    for name in AGENCIES:
        session = installation.caller(Role.ADMIN)
        assert session.delete(f"{installation.home.service_url('feed')}/agencies/{name}", timeout=60).ok
        session.close()


def test_thousands_of_deliveries_have_flown(streams: Mapping[str, Consumer]) -> None:
    amounts = {name: len(consumer.numbers) for name, consumer in streams.items()}

    assert sum(amounts.values()) >= LEAST, amounts
    assert min(amounts.values()) >= 50, amounts


@pytest.mark.parametrize("agency", AGENCIES)
def test_who_was_there_all_the_time_got_each_once_in_order(streams: Mapping[str, Consumer], agency: str) -> None:
    numbers = streams[agency].numbers

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("agency", AGENCIES)
def test_who_comes_afterwards_finds_the_same(
    streams: Mapping[str, Consumer], told: Mapping[str, Mapping[str, str]], agency: str
) -> None:
    with Consumer(told[agency]) as late:
        wait_until(lambda: len(late.numbers) >= len(streams[agency].numbers), "the whole stream")

    assert late.numbers == streams[agency].numbers


@pytest.mark.parametrize("agency", AGENCIES)
def test_each_is_what_was_stored(installation: Installation, streams: Mapping[str, Consumer], agency: str) -> None:
    messages = {int(message.headers[SEQUENCE]): message for message in streams[agency].deliveries}

    for state in _stored(installation, agency):
        message = messages[state["number"]]
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        assert sha256(body).hexdigest() == state["digest"]
        assert message.properties["message_id"] == state["event_id"]


def _added(installation: Installation, name: str, kind: str) -> Mapping[str, str]:
    agreement = yaml.safe_load((ROOT / "services" / "feed" / "agreements" / f"{kind}.yml").read_text("utf-8"))
    form = {"name": name, "agreement": orjson.loads(orjson.dumps(agreement)), "districts": ["33"]}
    session = installation.caller(Role.ADMIN)
    answer = session.post(f"{installation.home.service_url('feed')}/agencies", json=form, timeout=60)
    session.close()
    assert answer.status_code == 201, answer.text
    told: Mapping[str, str] = answer.json()["amqp"]
    return told


def _stored(installation: Installation, agency: str) -> list[dict[str, Any]]:
    wanted = {"_id": {"$gt": f"{agency}.", "$lt": f"{agency}.~"}}
    return [row["state"] for row in installation.database("feed")["delivery"].find(wanted).sort("_id", 1)]
