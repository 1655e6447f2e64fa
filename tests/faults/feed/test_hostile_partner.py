"""A hostile agency harms nobody: feed goes on to publish for the others, and they go on to read."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event, Thread

import amqp
import pika
import pytest
from pika.exceptions import AMQPConnectionError

from services.feed.access import CHANNELS, CONNECTIONS, exchange, stream
from services.feed.guard import AT_ONCE, Guard
from tests.support.partners import TYPE, Place, home, management, opened, read
from tests.support.system import wait_until

#: Seconds that one confirmed message to another agency may take while somebody attacks, at worst and usually. What gets
#: through holds everybody up for two minutes; how quick the rest is depends on what else the machine does.
BOUND = 15.0
MEDIAN_BOUND = 1.0
FLOOD = 1_000
#: Enough that greedy consumers, if nobody stopped them, would take more memory than the broker may have.
MESSAGES = 20_000
FROM_FIRST = {"x-stream-offset": "first"}


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    place.add("police")
    place.add("court")
    yield place
    place.forget()


class Pulse:
    """Publishes to the court without pause, and notes how long each confirmed message took."""

    def __init__(self, place: Place) -> None:
        self.seconds: list[float] = []
        self._place = place
        self._stop = Event()
        self._thread = Thread(target=self._beat, daemon=True)

    def check(self, least: int = 20) -> None:
        """Fail unless messages went out all the time, each within the bound."""
        assert len(self.seconds) >= least
        assert max(self.seconds) < BOUND, f"one of {len(self.seconds)} messages took {max(self.seconds):.1f} s"
        assert sorted(self.seconds)[len(self.seconds) // 2] < MEDIAN_BOUND

    def go_on(self, least: int = 20) -> None:
        """Return when so many messages went out, also where each takes its time."""
        wait_until(lambda: len(self.seconds) >= least, f"{least} messages to go out", 60)

    def _beat(self) -> None:
        with opened(self._place.partners.publisher_uri) as channel:
            channel.confirm_delivery()
            while not self._stop.is_set():
                began = time.monotonic()
                channel.basic_publish(exchange("court"), TYPE, b"pulse", mandatory=True)
                self.seconds.append(time.monotonic() - began)
                time.sleep(0.02)

    def __enter__(self) -> "Pulse":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(150)


def address(place: Place) -> tuple[str, int]:
    parameters = pika.URLParameters(place.settings.amqp_uri)
    return parameters.host, parameters.port


def greedy(place: Place, consumers: int = 1) -> amqp.Connection:
    """Return a connection that asks for as much as AMQP can say, without heartbeat, and of which nobody ever reads."""
    host, port = address(place)
    connection = amqp.Connection(
        f"{host}:{port}",
        place.partners.user("police"),
        place.passwords["police"],
        login_method="PLAIN",
        virtual_host=place.partners.virtual_host,
        heartbeat=0,
    )
    connection.connect()
    channel = connection.channel()
    channel.basic_qos(0, 65_535, False)
    for number in range(consumers):
        channel.basic_consume(stream("police"), arguments=FROM_FIRST, nowait=True, consumer_tag=str(number))
    return connection


def is_closed(connection: amqp.Connection) -> bool:
    """Tell whether the other side has hung up, after what was on its way."""
    connection.transport.sock.settimeout(0.5)
    try:
        while connection.transport.sock.recv(1_000_000):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def drop(connection: amqp.Connection) -> None:
    """Hang up without a word."""
    if connection.transport is not None and connection.transport.sock is not None:
        connection.transport.sock.close()


def test_a_thousand_connections_with_the_right_password_are_ten(place: Place) -> None:
    parameters = pika.URLParameters(place.uri("police"))
    refused, connections = 0, []
    with Pulse(place) as pulse:
        for _ in range(FLOOD):
            try:
                connections.append(pika.BlockingConnection(parameters))
            except AMQPConnectionError:
                refused += 1
        assert read(place.uri("court"), "court", 1)
    for connection in connections:
        connection.close()

    # the broker counts a moment later, so that a few more slip in
    assert CONNECTIONS <= len(connections) <= 2 * CONNECTIONS
    assert len(connections) + refused == FLOOD
    pulse.check()


@contextmanager
def flood(target: tuple[str, int], first: bytes) -> Iterator[list[socket.socket]]:
    """Open a thousand connections that say so much and then no more."""
    with ExitStack() as stack:
        sockets = []
        for _ in range(FLOOD):
            sockets.append(stack.enter_context(socket.create_connection(target, timeout=10)))
            sockets[-1].sendall(first)
        yield sockets


SILENCES = {
    "says nothing": b"",
    "stops within the greeting": b"AMQP",
    "stops after the greeting": b"AMQP\x00\x00\x09\x01",
    "speaks something else": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("how", SILENCES)
@pytest.mark.parametrize("port", ["broker", "broker-tls"])
def test_a_thousand_connections_that_never_log_in_harm_nobody_and_are_closed(place: Place, how: str, port: str) -> None:
    place.publish("court", b"1")
    with Pulse(place) as pulse, flood(("127.0.0.1", home().ports[port]), SILENCES[how]) as sockets:
        assert read(place.uri("court"), "court", 1) == [b"1"]
        if how == "says nothing":
            until = time.monotonic() + 30
            for one in sockets:
                one.settimeout(max(0.1, until - time.monotonic()))
                assert one.recv(100) in {b"", b"AMQP\x00\x00\x09\x01"}
        time.sleep(1)
        pulse.go_on()

    pulse.check()


def test_a_thousand_handshakes_of_tls_harm_nobody(place: Place) -> None:
    context = ssl.create_default_context(cafile=str(home().secrets / "partners-ca.pem"))
    with Pulse(place) as pulse, ExitStack() as stack:
        for _ in range(FLOOD):
            plain = stack.enter_context(socket.create_connection(("127.0.0.1", home().ports["broker-tls"]), timeout=10))
            stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
        place.publish("court", b"1")
        assert read(place.uri("court"), "court", 1)
        time.sleep(1)
        pulse.go_on()

    pulse.check()


def test_who_reads_slowly_but_asks_for_little_is_left_alone(place: Place) -> None:
    place.publish("police", *(b"x" * 1_000 for _ in range(1_000)))
    guard = Guard(place.partners)
    with opened(place.uri("police")) as channel, Pulse(place) as pulse:
        channel.basic_qos(prefetch_count=AT_ONCE // 2)
        channel.basic_consume(stream("police"), lambda *_: None, arguments=FROM_FIRST)
        wait_until(lambda: place.partners.asked_for() == {"police": AT_ONCE // 2}, "the broker to know the consumer")
        assert guard.look() == []
        channel.connection.process_data_events(0)
        time.sleep(1)
        pulse.go_on()

    pulse.check()


def test_one_that_never_reads_is_held_off_before_it_has_the_brokers_memory(place: Place) -> None:
    headers = {f"cloudEvents_{number}": "v" * 20 for number in range(12)}
    with opened(place.partners.publisher_uri) as channel:
        for _ in range(MESSAGES):
            channel.basic_publish(exchange("police"), TYPE, b"x" * 1_000, pika.BasicProperties(headers=headers))
    place.publish("police", b"last")
    guard, held = Guard(place.partners), []
    with Pulse(place) as pulse:
        connections = [greedy(place, consumers=2) for _ in range(3)]
        try:
            wait_until(lambda: held.extend(guard.look()) or held, "the guard", 20)
            # the connections are gone although nobody reads what the broker still sends
            wait_until(lambda: not place.partners.connections("police"), "the broker to hang up", 30)
            with pytest.raises(AMQPConnectionError), opened(place.uri("police")):
                pass
            place.publish("court", b"after")
        finally:
            for connection in connections:
                drop(connection)

    assert held == ["police"]
    pulse.check()
    place.partners.let_on("police")
    assert read(place.uri("police"), "police", 1)


def test_a_consumer_that_is_cut_off_is_told_why(place: Place) -> None:
    guard = Guard(place.partners)
    with opened(place.uri("police")) as channel:
        channel.basic_qos(prefetch_count=AT_ONCE + 1)
        channel.basic_consume(stream("police"), lambda *_: None, arguments=FROM_FIRST)
        wait_until(guard.look, "the guard", 20)
        with pytest.raises(AMQPConnectionError, match=f"{AT_ONCE} are allowed"):
            channel.connection.process_data_events(10)


def test_who_does_it_again_is_held_off_for_longer(place: Place) -> None:
    clock = [1_000.0]
    guard = Guard(place.partners, lambda: clock[0])

    def is_out() -> bool:
        try:
            with opened(place.uri("police")):
                return False
        except AMQPConnectionError:
            return True

    for seconds in (60, 120):
        connection = greedy(place)
        wait_until(guard.look, "the guard", 20)
        drop(connection)
        wait_until(lambda: not place.partners.asked_for(), "the broker to forget the consumer", 20)
        clock[0] += seconds - 1
        assert guard.look() == []
        assert is_out()
        clock[0] += 2
        assert guard.look() == []
        assert not is_out()


def test_one_that_was_shut_out_meanwhile_is_not_let_on(place: Place) -> None:
    clock = [1_000.0]
    guard = Guard(place.partners, lambda: clock[0])
    connection = greedy(place)
    wait_until(guard.look, "the guard", 20)
    drop(connection)
    place.partners.forbid("police")
    clock[0] += 61
    wait_until(lambda: not place.partners.asked_for(), "the broker to forget the consumer", 20)

    assert guard.look() == []
    with pytest.raises(AMQPConnectionError), opened(place.uri("police")):
        pass


def test_a_partner_whose_machine_dies_is_forgotten_and_its_place_is_free(place: Place) -> None:
    parameters = pika.URLParameters(place.uri("police"))
    parameters.heartbeat = 2
    connections = [pika.BlockingConnection(parameters) for _ in range(CONNECTIONS)]
    # the broker counts a moment later
    wait_until(lambda: place.partners.connections("police"), "the broker to count")
    with Pulse(place) as pulse:
        # nobody answers for them from here on: no heartbeat, no goodbye
        wait_until(lambda: not place.partners.connections("police"), "the broker to notice", 30)
        with opened(place.uri("police")):
            pass
    for connection in connections:
        with pytest.raises(AMQPConnectionError):
            connection.process_data_events(1)

    pulse.check()


def test_channels_are_no_way_round(place: Place) -> None:
    parameters = pika.URLParameters(place.uri("police"))
    connections = [pika.BlockingConnection(parameters) for _ in range(CONNECTIONS)]
    with Pulse(place) as pulse:
        opened_channels = 0
        for connection in connections:
            for _ in range(50):
                try:
                    connection.channel()
                except AMQPConnectionError:
                    break
                opened_channels += 1
    for connection in connections:
        if connection.is_open:
            connection.close()

    assert opened_channels <= CHANNELS + CONNECTIONS * CHANNELS
    wait_until(lambda: len(management(place).get("channels") or ()) < 50, "the broker to forget the channels")
    pulse.check(1)
