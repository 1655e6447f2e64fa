"""An agency may read its stream; everything else that a user of the broker could try fails."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial

import pika
import pytest
import requests
from kombu import Connection
from msgspec.structs import replace
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPConnectionError, AMQPError, ChannelClosedByBroker, ConnectionClosedByBroker

from services.feed.access import CHANNELS, CONNECTIONS, Access, exchange, password_hash, stream
from services.feed.inspector import Inspector
from services.feed.management import Management, NotAdministrator
from services.feed.partners import Partners
from shared.runtime.unavailable import Unavailable
from tests.support.partners import TYPE, Place, management, opened, read
from tests.support.system import free_port, wait_until

BODIES = [f'{{"number": {number}}}'.encode() for number in range(1, 21)]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    place = Place()
    place.add("police")
    place.add("court")
    place.publish("police", *BODIES)
    place.publish("court", b'{"secret of": "court"}')
    yield place
    place.forget()


@pytest.fixture
def fresh() -> Iterator[Place]:
    """A place that a test may spoil."""
    place = Place()
    yield place
    place.forget()


def test_a_stream_is_read_from_first_from_an_offset_and_from_a_time(place: Place) -> None:
    uri, long_ago = place.uri("police"), datetime(2026, 1, 1, tzinfo=UTC)

    assert read(uri, "police", 20) == BODIES
    assert read(uri, "police", 20) == BODIES  # reading takes nothing away
    assert read(uri, "police", 5, offset=15) == BODIES[15:]
    assert read(uri, "police", 20, offset=long_ago) == BODIES


def test_kombu_reads_a_stream_by_the_address_alone(place: Place) -> None:
    found: list[bytes] = []
    with Connection(place.uri("police")) as connection, connection.channel() as channel:
        channel.basic_qos(0, 50, False)
        first = {"x-stream-offset": "first"}
        channel.basic_consume(OWN, callback=lambda message: found.append(message.body), arguments=first)
        wait_until(lambda: connection.drain_events(timeout=5) or len(found) == len(BODIES), "all messages")

    assert [bytes(body) for body in found] == BODIES


_Try = Callable[[BlockingChannel], object]
OWN, OTHER = stream("police"), stream("court")
#: What the user of the police tries besides reading its stream.
FORBIDDEN: dict[str, _Try] = {
    "declare a queue": lambda channel: channel.queue_declare("mine"),
    "declare a queue that the broker names": lambda channel: channel.queue_declare("", exclusive=True),
    "declare a stream": lambda channel: channel.queue_declare(
        "feed.mine", durable=True, arguments={"x-queue-type": "stream"}
    ),
    "declare its stream anew": lambda channel: channel.queue_declare(
        OWN, durable=True, arguments={"x-queue-type": "stream"}
    ),
    "declare an exchange": lambda channel: channel.exchange_declare("mine", "topic"),
    "declare its exchange anew": lambda channel: channel.exchange_declare(exchange("police"), "topic", durable=True),
    "bind its stream to the exchange of another": lambda channel: channel.queue_bind(OWN, exchange("court"), "#"),
    "bind its stream to its exchange once more": lambda channel: channel.queue_bind(OWN, exchange("police"), "x"),
    "bind its stream to a built-in exchange": lambda channel: channel.queue_bind(OWN, "amq.topic", "#"),
    "bind the stream of another to its exchange": lambda channel: channel.queue_bind(OTHER, exchange("police"), "#"),
    "bind an exchange to its exchange": lambda channel: channel.exchange_bind("amq.topic", exchange("police"), "#"),
    "bind its exchange to that of another": lambda channel: channel.exchange_bind(
        exchange("police"), exchange("court"), "#"
    ),
    "take its stream off its exchange": lambda channel: channel.queue_unbind(OWN, exchange("police"), "#"),
    "publish to its exchange": lambda channel: _publish(channel, exchange("police")),
    "publish to the exchange of another": lambda channel: _publish(channel, exchange("court")),
    "publish to its stream by name": lambda channel: _publish(channel, "", OWN),
    "publish to the stream of another by name": lambda channel: _publish(channel, "", OTHER),
    "publish to amq.topic": lambda channel: _publish(channel, "amq.topic"),
    "publish to amq.direct": lambda channel: _publish(channel, "amq.direct"),
    "publish to amq.fanout": lambda channel: _publish(channel, "amq.fanout"),
    "publish to amq.headers": lambda channel: _publish(channel, "amq.headers"),
    "delete its stream": lambda channel: channel.queue_delete(OWN),
    "purge its stream": lambda channel: channel.queue_purge(OWN),
    "delete the stream of another": lambda channel: channel.queue_delete(OTHER),
    "purge the stream of another": lambda channel: channel.queue_purge(OTHER),
    "delete its exchange": lambda channel: channel.exchange_delete(exchange("police")),
    "delete the exchange of another": lambda channel: channel.exchange_delete(exchange("court")),
    "read the stream of another": lambda channel: _consume(channel, OTHER),
    "get from the stream of another": lambda channel: channel.basic_get(OTHER),
    "get from its stream": lambda channel: channel.basic_get(OWN),
    "read its stream without saying how much at once": lambda channel: channel.basic_consume(OWN, _ignore),
    "read what logs the broker": lambda channel: channel.queue_bind(OWN, "amq.rabbitmq.trace", "#"),
}


REFUSALS = (ChannelClosedByBroker, ConnectionClosedByBroker)


def _publish(channel: BlockingChannel, name: str, key: str = TYPE) -> None:
    channel.confirm_delivery()
    channel.basic_publish(name, key, b"forged")


def _consume(channel: BlockingChannel, name: str, prefetch: int = 10) -> None:
    channel.basic_qos(prefetch_count=prefetch)
    channel.basic_consume(name, _ignore, arguments={"x-stream-offset": "first"})


def _ignore(*_: object) -> None: ...


@pytest.mark.parametrize("name", FORBIDDEN)
def test_an_agency_cannot(place: Place, name: str) -> None:
    with opened(place.uri("police")) as channel, pytest.raises(REFUSALS) as refused:
        FORBIDDEN[name](channel)

    # not allowed, or not what a stream can do; never: not found
    assert refused.value.reply_code in {403, 406, 540}
    # and nothing came of it
    assert read(place.uri("police"), "police", 20) == BODIES
    assert read(place.uri("court"), "court", 1) == [b'{"secret of": "court"}']


@pytest.mark.parametrize("host", ["%2F", "niangjia", "partners", "nowhere"])
def test_an_agency_cannot_enter_another_virtual_host(place: Place, host: str) -> None:
    uri = place.uri("police").rpartition("/")[0]

    with pytest.raises(AMQPConnectionError), opened(f"{uri}/{host}"):
        pass


def test_an_agency_cannot_use_the_management_api(place: Place) -> None:
    url = f"http://{management(place)._url.split('/')[2]}/api"
    login = (place.partners.user("police"), place.passwords["police"])

    with requests.Session() as session:
        session.trust_env = False
        paths = ("whoami", "overview", "users", f"queues/{place.partners.virtual_host}")
        answers = [session.get(f"{url}/{path}", auth=login, timeout=10).status_code for path in paths]
        declared = session.put(f"{url}/users/mine", auth=login, json={"password": "x", "tags": ""}, timeout=10)

    assert answers == [401] * 4
    assert declared.status_code == 401


@pytest.mark.parametrize("login", ["wrong password", "no password", "another's password", "another's name"])
def test_nobody_comes_in_by_a_wrong_login(place: Place, login: str) -> None:
    password, user = place.passwords["police"], place.partners.user("police")
    logins = {
        "wrong password": (user, f"{password}x"),
        "no password": (user, ""),
        "another's password": (user, place.passwords["court"]),
        "another's name": (place.partners.user("court"), password),
    }

    with pytest.raises(AMQPConnectionError), opened(place.uri("police"), credentials=_credentials(*logins[login])):
        pass


def _credentials(user: str, password: str) -> pika.PlainCredentials:
    return pika.PlainCredentials(user, password)


def test_an_agency_has_ten_connections(place: Place) -> None:
    parameters = pika.URLParameters(place.uri("police"))
    connections = [pika.BlockingConnection(parameters) for _ in range(CONNECTIONS)]
    try:
        # the broker counts a moment later
        wait_until(lambda: len(place.partners.connections("police")) == CONNECTIONS, "the broker to count")
        with pytest.raises(AMQPConnectionError):
            pika.BlockingConnection(parameters)
        # another's are not counted
        assert read(place.uri("court"), "court", 1)
    finally:
        for connection in connections:
            connection.close()


def test_an_agency_has_twenty_channels_over_all_connections(place: Place) -> None:
    parameters = pika.URLParameters(place.uri("police"))
    wait_until(lambda: not place.partners.connections("police"), "those of another test to be gone")
    first, second = pika.BlockingConnection(parameters), pika.BlockingConnection(parameters)
    try:
        for _ in range(CHANNELS - 1):
            first.channel()
        second.channel()
        # the broker counts a moment later
        wait_until(lambda: _channels(place) == CHANNELS, "the broker to count")
        with pytest.raises(AMQPError):
            second.channel()
    finally:
        for connection in (first, second):
            if connection.is_open:
                connection.close()


def _channels(place: Place) -> int:
    return len(management(place).get("vhosts", place.partners.virtual_host, "channels"))


def test_feed_publishes_and_looks_at_streams_and_no_more(place: Place) -> None:
    for attempt in (
        lambda channel: channel.queue_delete(OWN),
        lambda channel: channel.queue_declare("feed.mine"),
        lambda channel: _publish(channel, "", OWN),
        lambda channel: channel.queue_bind(OWN, "amq.topic", "#"),
    ):
        with opened(place.partners.publisher_uri) as channel, pytest.raises(ChannelClosedByBroker):
            attempt(channel)

    assert read(place.partners.publisher_uri, "police", 1, offset="last")


def test_an_agency_that_is_forbidden_is_cut_off_at_once(fresh: Place) -> None:
    uri = fresh.add("police")
    with ExitStack() as stack:
        channels = [stack.enter_context(opened(uri)) for _ in range(3)]
        for channel in channels:
            _consume(channel, OWN)

        began = time.monotonic()
        fresh.partners.forbid("police")

        assert time.monotonic() - began < 3
        for channel in channels:
            with pytest.raises(AMQPConnectionError):
                channel.connection.process_data_events(5)
    with pytest.raises(AMQPConnectionError), opened(uri):
        pass
    fresh.publish("police", b"1")  # what is meant for it is kept
    fresh.partners.allow(fresh.accesses["police"])
    assert read(uri, "police", 1) == [b"1"]


@pytest.mark.parametrize("cut_off", [Partners.forbid, partial(Partners.hold_off, why="too much")])
def test_connections_that_do_not_read_are_cut_off_beside_each_other(fresh: Place, cut_off: Callable[..., None]) -> None:
    uri = fresh.add("police")
    fresh.publish("police", *[b"x" * 100_000] * 200)
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            _consume(stack.enter_context(opened(uri)), OWN, 60_000)  # more than fits into the socket

        cut_off(fresh.partners, "police")

        assert management(fresh).get("connections", "username", fresh.partners.user("police")) == []
    fresh.partners.allow(fresh.accesses["police"])
    assert read(uri, "police", 1) == [b"x" * 100_000]


def test_the_writer_is_interrupted_also_when_it_has_just_begun(fresh: Place) -> None:
    fresh.add("police")
    with opened(fresh.partners.publisher_uri) as channel:
        fresh.partners.interrupt_writer()

        with pytest.raises(AMQPConnectionError):
            channel.connection.process_data_events(5)


def test_a_new_password_ends_the_old(fresh: Place) -> None:
    old = fresh.add("police")
    new = fresh.add("police")

    with opened(new):
        pass
    with pytest.raises(AMQPConnectionError), opened(old):
        pass


def test_what_is_removed_leaves_nothing(fresh: Place) -> None:
    fresh.add("police")
    fresh.add("court")
    fresh.partners.remove("police")
    fresh.partners.remove("police")

    host, broker = fresh.partners.virtual_host, management(fresh)
    assert broker.get("users", fresh.partners.user("police")) is None
    assert [queue["name"] for queue in broker.get("queues", host)] == [OTHER]
    assert broker.get("exchanges", host, exchange("police")) is None


def test_a_stream_that_is_rewritten_is_empty(fresh: Place) -> None:
    uri = fresh.add("police")
    fresh.publish("police", b"sealed to her who is erased")
    fresh.partners.rewrite("police")
    fresh.publish("police", b"new")

    assert read(uri, "police", 1) == [b"new"]


def test_a_broker_that_lost_everything_is_made_whole(fresh: Place) -> None:
    uris = {agency: fresh.add(agency) for agency in ("police", "court")}
    fresh.add("justice", allowed=False)
    inspector = Inspector(fresh.partners)
    assert inspector.inspect(fresh.accesses.values) == []
    broker = management(fresh)
    broker.delete("vhosts", fresh.partners.virtual_host)
    broker.delete("users", fresh.partners.user("police"))

    assert inspector.inspect(fresh.accesses.values) == ["court", "justice", "police"]

    assert inspector.inspect(fresh.accesses.values) == []
    for agency, uri in uris.items():
        fresh.publish(agency, agency.encode())
        assert read(uri, agency, 1) == [agency.encode()]
        assert broker.get("user-limits", fresh.partners.user(agency))[0]["value"] == {
            "max-connections": CONNECTIONS,
            "max-channels": CHANNELS,
        }
    with opened(uris["police"]) as channel, pytest.raises(ChannelClosedByBroker):
        _consume(channel, OTHER)
    with pytest.raises(AMQPConnectionError), opened(fresh.uri("justice")):
        pass


#: What somebody, or a crash, may have done to an agency's part of the broker.
HARMS: dict[str, Callable[[Place, str, str], object]] = {
    "more rights": lambda place, host, user: management(place).put(
        "permissions", host, user, configure="", write="", read=".*"
    ),
    "no rights": lambda place, host, user: management(place).delete("permissions", host, user),
    "a tag": lambda place, host, user: management(place).put(
        "users", user, password_hash=place.accesses["police"].password_hash, tags="management"
    ),
    "another password": lambda place, host, user: management(place).put("users", user, password="x", tags=""),
    "no user": lambda place, host, user: management(place).delete("users", user),
    "no topic rights": lambda place, host, user: management(place).delete("topic-permissions", host, user),
    "more connections": lambda place, host, user: management(place).put(
        "user-limits", user, "max-connections", value=500
    ),
    "no limit of channels": lambda place, host, user: management(place).delete("user-limits", user, "max-channels"),
    "no exchange": lambda place, host, user: management(place).delete("exchanges", host, exchange("police")),
    "no stream": lambda place, host, user: management(place).delete("queues", host, OWN),
    "no binding": lambda place, host, user: management(place).delete(
        "bindings", host, "e", exchange("police"), "q", OWN, "%23"
    ),
    "suspended, and still in": lambda place, host, user: place.accesses.update(
        police=replace(place.accesses["police"], allowed=False)
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_is_not_as_it_should_be_is_put_right(fresh: Place, harm: str) -> None:
    fresh.add("police")
    fresh.add("court")
    inspector = Inspector(fresh.partners)
    assert inspector.inspect(fresh.accesses.values) == []

    HARMS[harm](fresh, fresh.partners.virtual_host, fresh.partners.user("police"))

    assert inspector.inspect(fresh.accesses.values) == ["police"]
    assert inspector.inspect(fresh.accesses.values) == []
    if fresh.accesses["police"].allowed:
        fresh.publish("police", b"1")
        assert read(fresh.uri("police"), "police", 1) == [b"1"]
    else:
        with pytest.raises(AMQPConnectionError), opened(fresh.uri("police")):
            pass


def test_who_is_not_known_is_removed_but_not_while_it_may_just_be_added(fresh: Place) -> None:
    kept, gone = fresh.add("police"), fresh.add("court")
    fresh.publish("police", b"1")
    inspector, stored = Inspector(fresh.partners), [fresh.accesses["police"]]

    assert inspector.inspect(lambda: stored) == []
    assert read(gone, "court", 0) == []
    assert inspector.inspect(lambda: stored) == ["court"]

    assert read(kept, "police", 1) == [b"1"]
    with pytest.raises(AMQPConnectionError), opened(gone):
        pass
    assert [queue["name"] for queue in management(fresh).get("queues", fresh.partners.virtual_host)] == [OWN]


def test_one_that_the_guard_holds_off_stays_so_until_feed_starts_again(fresh: Place) -> None:
    uri = fresh.add("police")
    inspector = Inspector(fresh.partners)
    inspector.inspect(fresh.accesses.values)
    fresh.partners.hold_off("police", "too much")

    assert inspector.inspect(fresh.accesses.values) == []
    with pytest.raises(AMQPConnectionError), opened(uri):
        pass
    assert Inspector(fresh.partners).inspect(fresh.accesses.values) == ["police"]
    with opened(uri):
        pass


def test_systems_that_share_a_broker_leave_each_others_agencies_alone(fresh: Place, place: Place) -> None:
    fresh.add("police")
    inspector = Inspector(fresh.partners)
    for _ in range(2):
        inspector.inspect(list)

    assert management(fresh).get("users", fresh.partners.user("police")) is None
    assert read(place.uri("police"), "police", 20) == BODIES


def test_old_messages_leave_a_stream_that_is_too_long_also_by_a_setting_that_came_later() -> None:
    place = Place(stream_megabytes=64)
    try:
        uri = place.add("police")
        smaller = Place(stream_megabytes=2, namespace=place.settings.namespace)
        Inspector(smaller.partners).inspect(place.accesses.values)
        place.publish("police", *(f"{number:06d}".encode() + b"x" * 10_000 for number in range(1_500)))

        first = int(read(uri, "police", 1)[0][:6])
        # two megabytes are left, and at most one segment of those that were begun with the old size
        assert 1_500 - 650 < first <= 1_500 - 200
    finally:
        place.forget()


@pytest.mark.parametrize("user", ["nobody", "agency"])
def test_a_broker_that_refuses_says_what_to_do_and_no_password(place: Place, user: str) -> None:
    known = place.partners.user("police"), place.passwords["police"]
    login = {"nobody": ("nobody", "pa55word"), "agency": known}[user]
    api = management(place)._url.removesuffix("/api/").replace("//", f"//{login[0]}:{login[1]}@")

    with pytest.raises(NotAdministrator, match="NIANGJIA_BROKER_API") as refused:
        Management(api, "").get("users")
    assert login[1] not in str(refused.value)


def test_a_broker_that_does_not_answer_is_away() -> None:
    place = Place(broker_api=f"http://somebody:pa55word@127.0.0.1:{free_port()}")

    with pytest.raises(Unavailable, match="rabbitmq_management") as away:
        place.partners.add(Access(agency="police", password_hash=password_hash("pa55word")))
    assert "pa55word" not in str(away.value)
    assert "pa55word" not in repr(place.settings)


def test_where_no_api_is_named_that_of_the_brokers_host_is_meant() -> None:
    api = Management("", "amqp://us%40er:pa%2Fss@broker.example:5672/niangjia")

    assert (api._url, api.user, api._session.auth) == (
        "http://broker.example:15672/api/",
        "us@er",
        ("us@er", "pa/ss"),
    )


def test_an_agency_is_told_the_public_address() -> None:
    place = Place(partner_amqp="amqps://bus.example:5671", namespace="")

    assert place.partners.uri("police", "pa/ss") == "amqps://agency-police:pa%2Fss@bus.example:5671/partners"
