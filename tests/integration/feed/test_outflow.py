"""One writes into the streams, and finds out what is in them before it adds anything."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.feed import outflow as module
from services.feed.access import exchange, stream
from services.feed.delivery import Delivery, delivery_id
from services.feed.outflow import Outflow, StreamMissing
from services.feed.ready import Ready
from shared.runtime.broker import BrokerAway, connect
from tests.support.partners import Place, management, read
from tests.support.system import wait_until

AGENCY = "police"


@pytest.fixture(autouse=True)
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE", 0.0)


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    place.add(AGENCY)
    yield place
    place.forget()


@contextmanager
def writer(place: Place) -> Iterator[Outflow]:
    """Give a writer with a connection of its own, which has not claimed yet."""
    with connect(replace(place.settings, amqp_uri=place.partners.publisher_uri)) as connection:
        yield Outflow(connection, "https://feed.example.cn")


@contextmanager
def claimed(place: Place) -> Iterator[Outflow]:
    with writer(place) as outflow:
        wait_until(outflow.claim, "the one before to be gone")
        yield outflow


def delivery(number: int, agency: str = AGENCY) -> Ready:
    made = Delivery(
        id=delivery_id(agency, number),
        agency=agency,
        number=number,
        event_id=f"event {number}",
        type="case.created",
        version=1,
        time=datetime(2026, 3, 2, tzinfo=UTC),
        form="empty",
    )
    return Ready(delivery=made, sealed="")


def deliver(outflow: Outflow, first: int, last: int) -> None:
    for number in range(first, last + 1):
        outflow.deliver(delivery(number))
    assert outflow.confirm() == frozenset()


def test_while_one_writes_nobody_else_can(place: Place) -> None:
    with writer(place) as other:
        with claimed(place):
            assert not other.claim()
        wait_until(other.claim, "the right to write")


def test_an_empty_stream_tells_nothing(place: Place) -> None:
    with claimed(place) as outflow:
        assert outflow.last_number(AGENCY, 0) is None


@pytest.mark.parametrize("amount", [1, 2_500])
def test_the_end_is_the_last_delivery(place: Place, amount: int) -> None:
    with claimed(place) as outflow:
        deliver(outflow, 1, amount)
    with claimed(place) as outflow:
        assert outflow.last_number(AGENCY, 0) == amount


def test_after_a_long_silence_the_heartbeats_tell(place: Place) -> None:
    with claimed(place) as outflow:
        deliver(outflow, 1, 7)
        for _ in range(300):
            outflow.beat(AGENCY, 7)
            outflow.confirm()
    with claimed(place) as outflow:
        began = time.monotonic()
        assert outflow.last_number(AGENCY, 0) == 7
        assert time.monotonic() - began < 2


def test_writers_who_were_interrupted_while_they_looked_mislead_nobody(place: Place) -> None:
    with claimed(place) as outflow:
        deliver(outflow, 1, 7)
    for least in (0, 9, 3):
        with claimed(place) as outflow:
            assert outflow.last_number(AGENCY, least) == 7


def test_what_was_sent_and_never_confirmed_is_found(place: Place) -> None:
    with suppress(*BrokerAway), claimed(place) as outflow:
        deliver(outflow, 1, 3)
        for number in range(4, 400):
            outflow.deliver(delivery(number))
        _cut(outflow)
    with claimed(place) as outflow:
        found = outflow.last_number(AGENCY, 0)
        assert found is not None
        assert 3 <= found <= 399
        deliver(outflow, found + 1, 450)
    numbered = [body for body in read(place.uri(AGENCY), AGENCY, 451) if body == b"{}"]

    assert len(numbered) == 450  # and one marker


def test_a_message_of_somebody_else_tells_nothing(place: Place) -> None:
    with claimed(place) as outflow:
        deliver(outflow, 1, 3)
    place.publish(AGENCY, b"tried by hand")
    with claimed(place) as outflow:
        assert outflow.last_number(AGENCY, 0) == 3


def test_an_agency_without_a_stream_is_told_apart_and_disturbs_no_other(place: Place) -> None:
    place.add("court")
    with claimed(place) as outflow:
        assert outflow.last_number("court", 0) is None
        management(place).delete("queues", place.partners.virtual_host, stream("court"))
        outflow.deliver(delivery(1, "court"))
        outflow.deliver(delivery(1))
        assert outflow.confirm() == {"court"}
        with pytest.raises(StreamMissing):
            outflow.last_number("court", 0)
        management(place).delete("exchanges", place.partners.virtual_host, exchange("court"))
        with pytest.raises(StreamMissing):
            outflow.last_number("court", 0)
        assert outflow.last_number(AGENCY, 0) == 1


def test_a_stream_that_nothing_reaches_counts_as_missing(place: Place) -> None:
    host = place.partners.virtual_host
    management(place).delete("bindings", host, "e", exchange(AGENCY), "q", stream(AGENCY), "%23")
    with claimed(place) as outflow, pytest.raises(StreamMissing):
        outflow.last_number(AGENCY, 0)


def _cut(outflow: Outflow) -> None:
    """Break a connection off, so that nothing more is sent over it."""
    sock = outflow._connection.connection.transport.sock
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
