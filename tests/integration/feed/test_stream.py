"""What is in an agency's stream: every delivery once, in the order of its numbers, as the envelope says it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jwcrypto.jwk import JWK

from services.feed import envelope
from shared.runtime.auth import Role
from tests.integration.feed.replica import Replica
from tests.support.stream import Consumer
from tests.support.system import ROOT, Client, System, wait_until

URL = "https://feed.example.cn"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Feed alone."""
    services = {"feed": "services.feed.service"}
    variables = {"NIANGJIA_HEARTBEAT": "1", "NIANGJIA_FEED_PUBLIC_URL": URL}
    with System(tmp_path_factory.mktemp("feed"), services=services, variables=variables) as system:
        system.start_all()
        yield system


@pytest.fixture(scope="module")
def admin(system: System) -> Client:
    return system.client(Role.ADMIN)


@pytest.fixture(scope="module")
def replica(system: System) -> Replica:
    return Replica(system)


def add(admin: Client, name: str, kind: str, **more: Any) -> dict[str, str]:
    """Let an agency in; return what it is told of its stream."""
    agreement = yaml.safe_load((ROOT / "services" / "feed" / "agreements" / f"{kind}.yml").read_text())
    form = {"name": name, "agreement": json.loads(json.dumps(agreement, default=str)), "districts": ["33"], **more}
    answer = admin.post("feed", "/agencies", json=form)
    assert answer.status_code == 201, answer.text
    told: dict[str, str] = answer.json()["amqp"]
    return told


def remove(admin: Client, name: str) -> None:
    answer = admin.delete("feed", f"/agencies/{name}")
    assert answer.ok, answer.text


def wait_for(consumer: Consumer, last: int) -> None:
    wait_until(lambda: consumer.numbers[-1:] == [last], f"number {last}", 40)


def test_a_delivery_goes_out_as_the_envelope_says(admin: Client, replica: Replica) -> None:
    with Consumer(add(admin, "plain", "justice")) as consumer:
        replica.hear(agency="justice", purpose="legal_aid", basis="consent")
        wait_for(consumer, 1)

    (message,), (delivery,) = consumer.deliveries, replica.deliveries("plain")
    attributes = {k.removeprefix("cloudEvents_"): v for k, v in message.headers.items() if k.startswith("cloudEvents_")}
    assert attributes == envelope.attributes(delivery, URL)
    assert attributes["dataref"] == f"{URL}/feeds/plain/deliveries/1/fields"
    assert json.loads(message.body) == json.loads(envelope.body(delivery)) != {}
    assert message.properties["message_id"] == delivery.event_id
    assert message.properties["content_type"] == "application/json"


def test_numbers_follow_each_other_however_many_come_at_once(admin: Client, replica: Replica) -> None:
    with Consumer(add(admin, "many", "statistics")) as consumer:
        for amount in (1, 1_500, 3, 700):
            replica.hear(amount)
        wait_for(consumer, 2_204)

    assert consumer.numbers == list(range(1, 2_205))


def test_each_agency_gets_its_own_and_one_without_a_stream_holds_up_nobody(admin: Client, replica: Replica) -> None:
    told = add(admin, "left", "statistics"), add(admin, "right", "statistics")
    add(admin, "no-stream", "statistics", stream=False)
    replica.do("suspend_agency", agency="right")
    with Consumer(told[0]) as left, Consumer(told[1]) as right:
        replica.hear(2)
        replica.do("resume_agency", agency="right")
        replica.hear(3)
        wait_for(left, 5)
        wait_for(right, 3)

    assert (left.numbers, right.numbers) == ([1, 2, 3, 4, 5], [1, 2, 3])


def test_a_heartbeat_tells_that_nothing_follows(admin: Client, replica: Replica) -> None:
    with Consumer(add(admin, "quiet", "statistics")) as consumer:
        replica.hear(2)
        wait_for(consumer, 2)
        before = len(consumer.heartbeats)
        wait_until(lambda: len(consumer.heartbeats) >= before + 3, "three heartbeats", 10)

    first, last = (consumer.heartbeats[n] for n in (before, before + 2))
    assert json.loads(last.body) == {"last": 2}
    assert "cloudEvents_sequence" not in last.headers
    assert last.headers["cloudEvents_source"] == "/feeds/quiet"
    assert 1 <= (_at(last) - _at(first)) <= 4


def test_what_is_to_be_sealed_holds_back_what_follows(admin: Client, replica: Replica) -> None:
    key = JWK.generate(kty="EC", crv="P-256").export_public(as_dict=True)
    referral = {"agency": "justice", "purpose": "legal_aid", "basis": "consent"}
    with Consumer(add(admin, "sealed", "justice", public_key=key)) as consumer:
        replica.hear(3, **referral)
        _seal(replica, "sealed", 2)
        before = len(consumer.heartbeats)
        wait_until(lambda: len(consumer.heartbeats) >= before + 2, "two heartbeats", 10)
        assert consumer.numbers == []
        assert json.loads(consumer.heartbeats[-1].body) == {"last": 0}
        # what is recalled while it waits goes out without identity
        case = replica.deliveries("sealed")[1].case_id
        replica.hear(type="consent.withdrawn", case=case, agencies=["justice"])
        _seal(replica, "sealed", 1)
        _seal(replica, "sealed", 3)
        wait_for(consumer, 4)

    bodies = [json.loads(message.body) for message in consumer.deliveries]
    assert consumer.numbers == [1, 2, 3, 4]
    assert [body.get("sealed") for body in bodies] == ["jwe of 1", None, "jwe of 3", None]
    assert bodies[3]["numbers"] == [2]


def test_an_erasure_leaves_nothing_sealed_in_the_stream(admin: Client, replica: Replica) -> None:
    key = JWK.generate(kty="EC", crv="P-256").export_public(as_dict=True)
    referral = {"agency": "justice", "purpose": "legal_aid", "basis": "consent"}
    with Consumer(add(admin, "erased", "justice", public_key=key)) as before:
        replica.hear(2, **referral)
        _seal(replica, "erased", 1)
        _seal(replica, "erased", 2)
        wait_for(before, 2)
        replica.hear(type="case.erased", case=replica.deliveries("erased")[0].case_id)
        wait_for(before, 3)
        with Consumer(before.told) as after:
            wait_for(after, 3)

    assert "jwe of 1" in str([message.body for message in before.deliveries])
    assert after.numbers == [1, 2, 3]
    assert [json.loads(message.body).get("sealed") for message in after.deliveries] == [None, "jwe of 2", None]
    assert replica.cursors.get("stream", "erased").epoch == replica.agency("erased").epoch == 1
    assert before.numbers == [1, 2, 1, 2, 3]  # who reads is told to begin again


def test_a_suspended_agency_finds_what_waited_when_it_is_back(admin: Client, replica: Replica) -> None:
    key = JWK.generate(kty="EC", crv="P-256").export_public(as_dict=True)
    told = add(admin, "paused", "justice", public_key=key)
    replica.hear(agency="justice", purpose="legal_aid", basis="consent")
    replica.do("suspend_agency", agency="paused")
    _seal(replica, "paused", 1)
    replica.do("resume_agency", agency="paused")
    with Consumer(told) as consumer:
        wait_for(consumer, 1)

    assert consumer.numbers == [1]


def test_an_agency_that_is_added_again_gets_only_what_is_new(admin: Client, replica: Replica) -> None:
    with Consumer(add(admin, "again", "statistics")) as consumer:
        replica.hear(3)
        wait_for(consumer, 3)
    wait_until(lambda: replica.cursors.get("stream", "again").number == 3, "the cursor")
    remove(admin, "again")
    wait_until(lambda: "again" not in replica.cursors.all("stream"), "the cursor to go")
    with Consumer(add(admin, "again", "statistics")) as consumer:
        replica.hear(2)
        wait_for(consumer, 5)

    assert consumer.numbers == [4, 5]


def test_figures_tell_how_far_behind_a_stream_is(admin: Client, replica: Replica) -> None:
    key = JWK.generate(kty="EC", crv="P-256").export_public(as_dict=True)
    add(admin, "late", "justice", public_key=key)
    replica.hear(4, agency="justice", purpose="legal_aid", basis="consent")

    wait_until(lambda: 'niangjia_feed_stream_behind{agency="late"} 4.0' in _figures(admin), "the figure")
    wait_until(lambda: 'niangjia_feed_stream_behind{agency="many"} 0.0' in _figures(admin), "the others' figure")
    assert admin.get("feed", "/health").ok


def _figures(admin: Client) -> str:
    return admin.get("feed", "/metrics").text


def _seal(replica: Replica, agency: str, number: int) -> None:
    case = replica.deliveries(agency)[number - 1].case_id
    said = {"agency": agency, "number": number, "case_id": case, "outcome": "done", "jwe": f"jwe of {number}"}
    replica.do("seal_delivery", **said)


def _at(message: Any) -> float:
    return float(message.headers["cloudEvents_id"].rpartition("-")[2]) / 1000
