"""What a service gave up is listed, shown, sent back and discarded; its case waits, and goes on afterwards."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from amqp import Message
from kombu import Connection

from shared.events import Event, event_type, to_amqp
from shared.kernel import identifier
from shared.runtime.parking import Parking
from tests.integration.commands.conftest import done
from tests.support.system import System, wait_until

CONSUMER = "referral.from.intake"
TIME = datetime(2026, 3, 20, 10, tzinfo=UTC)


def received(case: str, number: int) -> Event:
    """Return a report of a case as intake would publish it."""
    example = event_type("report.received").example
    body = {**example, "case": {**example["case"], "id": case, "wishes": ["legal_advice"], "consents": ["justice"]}}
    return Event(
        id=identifier(TIME, case, str(number)),
        source="intake",
        type="report.received",
        version=1,
        time=TIME,
        subject=case,
        sequence=number,
        correlation=case,
        causation="a-test",
        body=orjson.dumps(body),
    )


def case_id(name: str) -> str:
    return identifier(TIME, name)


def send(city: System, body: bytes, headers: dict[str, Any] | None = None, queue: str = "") -> None:
    """Put a message into referral's queue (or another)."""
    name = queue or city.settings("referral").queue("referral", "intake")
    with Connection(city.amqp_uri) as connection:
        message = Message(body, content_type="application/json", application_headers=headers or {}, delivery_mode=2)
        connection.default_channel.basic_publish(message, exchange="", routing_key=name)


def give_up(city: System, event: Event) -> str:
    """Park an event in referral as if it had failed at every try; return its id among the dead letters."""
    parking = Parking(city.database("referral"), ())
    parking.add(CONSUMER, event, "refused: as the test wants it", datetime.now(UTC), attempts=1, session=None)
    return f"{CONSUMER}/{event.id}"


def listed(city: System, *options: str) -> dict[str, dict[str, Any]]:
    """Return the dead letters by their ids."""
    rows = json.loads(done(city.niangjia("dead-letters", "list", "--json", *options)))
    return {row["id"]: row for row in rows}


def parked(city: System) -> int:
    return city.database("referral")["parked"].count_documents({})


def has_effects(city: System, event: Event) -> bool:
    return city.database("referral")["journal"].find_one({"cause": event.id}) is not None


def is_marked(city: System, event: Event) -> bool:
    return city.database("referral")["inbox"].find_one({"_id": f"{CONSUMER}/{event.id}"}) is not None


def test_nothing_is_listed_where_nothing_was_given_up(city: System) -> None:
    assert listed(city) == {}
    assert done(city.niangjia("dead-letters", "list")) == "there are no dead letters\n"
    assert done(city.niangjia("dead-letters", "retry", "--all")).startswith("0 ")


def test_what_is_sent_back_is_handled_and_its_case_goes_on(city: System) -> None:
    first, second = received(case_id("retry"), 1), received(case_id("retry"), 2)
    name = give_up(city, first)
    send(city, second.body, to_amqp(second)[0])
    wait_until(lambda: parked(city) == 2, "the second to queue up behind the first")
    row = listed(city)[name]
    assert row["behind"] == 1
    assert (row["consumer"], row["type"], row["case"]) == (CONSUMER, "report.received", case_id("retry"))
    assert (row["attempts"], row["reason"], row["dead"]) == (1, "refused: as the test wants it", True)
    assert not has_effects(city, first)
    assert not is_marked(city, second)

    done(city.niangjia("dead-letters", "retry", name))

    wait_until(lambda: is_marked(city, second), "both to be handled")
    assert has_effects(city, first)
    entries = city.database("referral")["journal"].find({"cause": {"$in": [first.id, second.id]}}).sort("_id", 1)
    assert [entry["cause"] for entry in entries][:1] == [first.id]
    assert listed(city, "--all") == {}


def test_what_is_discarded_never_comes_and_its_case_goes_on(city: System) -> None:
    first, second = received(case_id("discard"), 3), received(case_id("discard"), 4)
    give_up(city, first)
    send(city, second.body, to_amqp(second)[0])
    wait_until(lambda: parked(city) == 2, "the second to queue up")

    assert city.niangjia("dead-letters", "discard", first.id).returncode == 2
    said = done(city.niangjia("dead-letters", "discard", first.id, "--yes"))

    assert said == "1 discarded\n"
    wait_until(lambda: has_effects(city, second), "the second to be handled")
    # the broker may deliver it once more
    send(city, first.body, to_amqp(first)[0])
    done(city.niangjia("drain", "--timeout", "30"))
    assert not has_effects(city, first)


def test_drain_says_that_only_a_person_can_go_on(city: System) -> None:
    event = received(case_id("stuck"), 5)
    name = give_up(city, event)

    stuck = city.niangjia("drain", "--timeout", "60", "--json")

    assert stuck.returncode == 1
    said = json.loads(stuck.stdout)
    assert said["left"] == [{"service": "referral", "what": "dead letters", "count": 1, "detail": ""}]
    assert said["seconds"] < 30
    assert "niangjia dead-letters" in city.niangjia("drain").stdout
    done(city.niangjia("dead-letters", "discard", name, "--yes"))
    done(city.niangjia("drain"))


def test_an_event_is_shown_with_its_public_data(city: System) -> None:
    event = received(case_id("show"), 6)
    name = give_up(city, event)

    shown = json.loads(done(city.niangjia("dead-letters", "show", event.id)))

    assert shown["id"] == name
    assert shown["event"]["id"] == event.id
    assert shown["event"]["data"] == event.data
    done(city.niangjia("dead-letters", "discard", name, "--yes"))


def test_of_a_message_that_is_no_event_only_its_size_is_shown(city: System) -> None:
    narrative = "某女士的遭遇".encode() * 3
    send(city, narrative)
    wait_until(lambda: parked(city) == 1, "it to be kept")
    ((name, row),) = listed(city).items()
    assert (row["type"], row["case"], row["dead"]) == ("", "", True)

    shown = done(city.niangjia("dead-letters", "show", name))

    assert json.loads(shown)["size"] == len(narrative)
    assert json.loads(shown)["event"] is None
    assert "某女士" not in shown

    before = city.database("referral")["parked"].find_one({"_id": name})
    assert before is not None
    done(city.niangjia("dead-letters", "retry", "--all"))
    again = {"_id": name, "dead": True, "at": {"$ne": before["at"]}}
    wait_until(lambda: city.database("referral")["parked"].find_one(again), "it to come back as unreadable again")
    assert done(city.niangjia("dead-letters", "discard", name, "--yes")) == "1 discarded\n"
    assert listed(city) == {}


def test_what_the_broker_gave_up_is_listed_and_sent_back(city: System) -> None:
    settings = city.settings("referral")
    event = received(case_id("broker"), 7)
    origin = settings.queue("referral", "intake")
    # as the broker does with a message that ended its consumer too often
    died = {"x-death": [{"queue": origin, "reason": "delivery_limit", "count": 1}], "x-delivery-count": 9}
    send(city, event.body, {**to_amqp(event)[0], **died}, queue=settings.unreadable("referral"))
    wait_until(lambda: settings.unreadable("referral") in listed(city), "it to be listed")
    assert listed(city)[settings.unreadable("referral")]["messages"] == 1
    assert city.niangjia("drain", "--timeout", "5").returncode == 1

    assert done(city.niangjia("dead-letters", "retry", settings.unreadable("referral"))).startswith("1 sent back")

    wait_until(lambda: has_effects(city, event), "it to be handled")
    assert listed(city) == {}

    send(city, event.body, to_amqp(event)[0], queue=settings.unreadable("referral"))
    wait_until(lambda: listed(city), "it to be listed")
    lost = city.niangjia("dead-letters", "retry", "--all")
    assert "does not say where it came from" in lost.stderr
    assert done(city.niangjia("dead-letters", "discard", settings.unreadable("referral"), "--yes")) == "1 discarded\n"
    assert listed(city) == {}


@pytest.mark.parametrize("arguments", [("show", "nobody"), ("retry", "nobody"), ("discard", "nobody", "--yes")])
def test_a_dead_letter_that_is_not_there_is_named(city: System, arguments: tuple[str, ...]) -> None:
    ended = city.niangjia("dead-letters", *arguments)

    assert ended.returncode == 1
    assert ended.stderr == "niangjia: there is no dead letter nobody; see `niangjia dead-letters list`\n"


def test_verify_sees_events_that_intake_never_published(city: System) -> None:
    ended = city.niangjia("verify", "--service", "referral")

    assert ended.returncode == 1
    assert "marked as handled that were never published" in ended.stdout
