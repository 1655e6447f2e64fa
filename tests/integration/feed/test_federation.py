"""A partner with a RabbitMQ of its own federates its exchange; there a plain nameko service hears what concerns it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from deploy.home import Home
from services.feed.access import exchange, stream
from tests.support.partners import TYPE, Place, management, opened, read
from tests.support.system import ROOT, wait_until

CLUSTER = "rabbit@police"
RABBITMQ = Path("/usr/lib/rabbitmq/bin")

#: As partners copy it.
EXAMPLE = ROOT / "docs" / "examples" / "feed" / "nameko_service.py"
REQUESTED = {"number": "330302-2026-000017", "purpose": "protect", "finish_by": "2026-03-03T01:14:00Z"}
RECALLED = {"numbers": [17], "reason": "consent_withdrawn"}


class PartnersBroker:
    """A second broker, as a partner might have it."""

    def __init__(self, root: Path) -> None:
        self.home = Home.at(root)
        self._niangjia("up", "--no-services")
        self._tool("rabbitmq-plugins", "enable", "rabbitmq_federation")
        self._tool("rabbitmqctl", "set_cluster_name", CLUSTER)
        self.uri = self.home.remembered("AMQP_URI")

    def federate(self, uri: str) -> None:
        """Take over what is published on the exchange of the agency, as the page for operators says it."""
        value = {"uri": uri, "ack-mode": "on-confirm"}
        self._tool("rabbitmqctl", "set_parameter", "-p", "niangjia", "federation-upstream", "feed", json.dumps(value))
        policy = ("feed", r"^niangjia\.police\.events$", json.dumps({"federation-upstream": "feed"}))
        self._tool("rabbitmqctl", "set_policy", "-p", "niangjia", "--apply-to", "exchanges", *policy)

    def stop(self) -> None:
        self._niangjia("down")

    def _niangjia(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "deploy.cli", "--home", str(self.home.root), *arguments]
        environment = {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "PYTHONPATH": str(ROOT)}
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)

    def _tool(self, name: str, *arguments: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home.data / "broker"),
            "ERL_EPMD_PORT": str(self.home.ports["names"]),
            "RABBITMQ_DIST_PORT": str(self.home.ports["nodes"]),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home.etc / "enabled_plugins"),
        }
        command = [RABBITMQ / name, "-n", "niangjia@localhost", *arguments]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def partner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartnersBroker]:
    if not RABBITMQ.is_dir():
        pytest.skip("a second broker wants RabbitMQ on this machine")
    broker = PartnersBroker(tmp_path_factory.mktemp("partner") / "home")
    yield broker
    broker.stop()


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    place.add("police", federated_to=f"{CLUSTER}:niangjia")
    place.add("court")
    yield place
    place.forget()


def publish(place: Place, number: int, type: str, data: dict[str, Any]) -> None:
    with opened(place.partners.publisher_uri) as channel:
        headers = {"cloudEvents_type": type, "cloudEvents_sequence": f"{number:016}"}
        properties = pika.BasicProperties(content_type="application/json", headers=headers)
        channel.basic_publish(exchange("police"), type, json.dumps(data).encode(), properties)


def test_a_plain_handler_of_nameko_hears_what_is_published_here(
    place: Place, partner: PartnersBroker, tmp_path: Path
) -> None:
    (tmp_path / "config.yml").write_text(json.dumps({"AMQP_URI": partner.uri}))
    partner.federate(place.uri("police"))
    log = tmp_path / "desk.log"
    with log.open("w") as file:
        command = [Path(sys.executable).with_name("nameko"), "run", "--config", "config.yml", EXAMPLE.stem]
        environment = {**os.environ, "FEED_AGENCY": "police", "PYTHONPATH": str(EXAMPLE.parent)}
        desk = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        # bound there, the binding has come over here
        wait_until(lambda: _bound(place) >= {TYPE, "delivery.recalled"}, "the federation", 40)
        publish(place, 17, TYPE, REQUESTED)
        publish(place, 18, "delivery.recalled", RECALLED)
        requested = f"requested {REQUESTED['number']} for protect until {REQUESTED['finish_by']}"
        wait_until(lambda: {requested, "number 18 recalls 17"} <= set(log.read_text().splitlines()), "the handlers", 20)
    finally:
        desk.terminate()
        desk.wait(20)
    # the stream has it, too
    assert [json.loads(body) for body in read(place.uri("police"), "police", 2)] == [REQUESTED, RECALLED]


def _bound(place: Place) -> set[str]:
    host = place.partners.virtual_host
    bindings = management(place).get("exchanges", host, exchange("police"), "bindings", "source") or ()
    return {binding["routing_key"] for binding in bindings}


OWN = f"federation: {exchange('police')} -> {CLUSTER}"


def _bind(channel: BlockingChannel) -> None:
    channel.queue_declare(f"{OWN}:niangjia", durable=True)
    channel.queue_bind(f"{OWN}:niangjia", exchange("court"), "#")


def _publish(channel: BlockingChannel) -> None:
    channel.confirm_delivery()
    channel.basic_publish(exchange("police"), TYPE, b"forged")


FORBIDDEN: dict[str, Callable[[BlockingChannel], object]] = {
    "link to the exchange of another": _bind,
    "publish to its exchange": _publish,
    "read the stream of another": lambda channel: channel.basic_get(stream("court")),
    "make a queue of another name": lambda channel: channel.queue_declare("mine"),
    "make a queue for another broker": lambda channel: channel.queue_declare(f"{OWN}x"),
    "make a queue for another agency": lambda channel: channel.queue_declare(OWN.replace("police", "court", 1)),
    "make one queue for each of many hosts": lambda channel: channel.queue_declare(f"{OWN}:1"),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_who_may_federate_still_cannot(place: Place, name: str) -> None:
    with opened(place.uri("police")) as channel, pytest.raises(ChannelClosedByBroker, match="403"):
        FORBIDDEN[name](channel)


def test_what_a_partners_broker_does_not_fetch_is_not_kept_for_ever(place: Place) -> None:
    with opened(place.uri("police")) as channel:
        channel.queue_declare(f"{OWN}:niangjia", durable=True)
    expected = {f"{OWN}:niangjia": "federations", stream("police"): "streams", stream("court"): "streams"}

    # the broker tells it a moment later
    wait_until(lambda: _policies(place) == expected, "the limits of every queue")


def _policies(place: Place) -> dict[str, str]:
    queues = management(place).get("queues", place.partners.virtual_host)
    return {queue["name"]: queue.get("policy", "") for queue in queues}
