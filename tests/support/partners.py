"""The partners' part of a broker for one test, and connections to it as partners make them."""

import os
import secrets
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from deploy import certificates
from deploy.home import Home
from services.feed.access import Access, exchange, password, password_hash, stream
from services.feed.partners import Partners
from shared.runtime.settings import Settings

TYPE = "referral.requested"
READING_SECONDS = 20


class Place:
    """The partners' virtual host of a namespace of its own, with the agencies that a test adds."""

    def __init__(self, **settings: Any) -> None:
        usual = {
            "amqp_uri": os.environ["AMQP_URI"],
            "broker_api": os.environ.get("NIANGJIA_BROKER_API", ""),
            "namespace": f"t{secrets.token_hex(4)}",
        }
        self.settings = Settings(service="feed", mongo_uri="", secrets=Path(), outbox="off", **{**usual, **settings})
        self.partners = Partners(self.settings)
        self.passwords: dict[str, str] = {}
        self.accesses: dict[str, Access] = {}

    def add(self, agency: str, **access: Any) -> str:
        """Add an agency; return the address for it."""
        self.passwords[agency] = password()
        self.accesses[agency] = Access(agency=agency, password_hash=password_hash(self.passwords[agency]), **access)
        self.partners.add(self.accesses[agency])
        return self.uri(agency)

    def uri(self, agency: str) -> str:
        return self.partners.uri(agency, self.passwords[agency])

    def publish(self, agency: str, *bodies: bytes) -> None:
        """Publish as feed does, and wait until the broker has it."""
        with opened(self.partners.publisher_uri) as channel:
            channel.confirm_delivery()
            for body in bodies:
                channel.basic_publish(exchange(agency), TYPE, body, mandatory=True)

    def forget(self) -> None:
        """Leave nothing."""
        for agency in self.partners.standings():
            self.partners.remove(agency)
        management(self).delete("vhosts", self.partners.virtual_host)
        management(self)._session.close()


def management(place: Place) -> Any:
    """Return the management API, to look whether the broker is as it should be."""
    return place.partners._broker


def home() -> Home:
    """Return the home of the broker of the tests, with its ports and its authority."""
    return Home.at(os.environ["NIANGJIA_TEST_HOME"])


@contextmanager
def opened(uri: str, **options: Any) -> Iterator[BlockingChannel]:
    """Give a channel of a plain third-party client."""
    parameters = pika.URLParameters(uri)
    for name, value in options.items():
        setattr(parameters, name, value)
    connection = pika.BlockingConnection(parameters)
    try:
        yield connection.channel()
    finally:
        # pika gives back what it has not handed over, which a stream does not take
        with suppress(AMQPError):
            if connection.is_open:
                connection.close()


def read(uri: str, agency: str, count: int, offset: Any = "first", **options: Any) -> list[bytes]:
    """Read so many messages of an agency's stream."""
    found: list[bytes] = []
    with opened(uri, **options) as channel:

        def take(_: Any, method: Any, properties: Any, body: bytes) -> None:
            channel.basic_ack(method.delivery_tag)
            found.append(body)

        channel.basic_qos(prefetch_count=100)
        channel.basic_consume(stream(agency), take, arguments={"x-stream-offset": offset})
        until = time.monotonic() + READING_SECONDS
        while len(found) < count and time.monotonic() < until:
            channel.connection.process_data_events(1)
    assert len(found) >= count, f"{len(found)} of {count} messages came"
    return found[:count]


def issued(folder: Path, user: str, source: Home | None = None) -> Mapping[str, str]:
    """Return the files of a certificate for a user, and of the authority of the broker."""
    client, ours = certificates.issue(source or home(), user), certificates.issue(home(), user)
    contents = {"certfile": client.certificate, "keyfile": client.key, "cafile": ours.authority}
    for name, content in contents.items():
        (folder / name).write_text(content)
    return {name: str(folder / name) for name in contents}


def tls(files: Mapping[str, str], *, certificate: bool = True) -> pika.SSLOptions:
    """Return how to speak TLS with the broker."""
    context = ssl.create_default_context(cafile=files["cafile"])
    if certificate:
        context.load_cert_chain(files["certfile"], files["keyfile"])
    return pika.SSLOptions(context, "localhost")
