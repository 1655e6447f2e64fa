"""What became of a notice is said as far as it is known, wherever process or channel died with it in hand."""

import threading
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from shared.runtime.auth import Role
from tests.integration.intake.desk import Desk
from tests.support.system import System, free_port, wait_until

HER = {"role": "self", "name": "来电人某", "phone": "13800007001"}
LATER = "2026-03-02T10:14:00+08:00"


class Gateway:
    """A mail server that may go away when it has a message, without a word."""

    def __init__(self, port: int) -> None:
        self.ids: list[str] = []
        self.vanishes = False
        #: Set while it may answer.
        self.answers = threading.Event()
        self.answers.set()
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.ids.append(str(message_from_bytes(envelope.content)["Message-ID"]))
        while not self.answers.is_set():
            await server.loop.run_in_executor(None, self.answers.wait, 0.1)
        if self.vanishes:
            server.transport.abort()
        return "250 OK"


@pytest.fixture
def gateway() -> Gateway:
    return Gateway(free_port())


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory, gateway: Gateway) -> Iterator[System]:
    services = {name: f"services.{name}.service" for name in ("intake", "notification")}
    address = {"NIANGJIA_OUTBOX": f"smtp://127.0.0.1:{gateway._controller.port}/gateway.example"}
    with System(tmp_path_factory.mktemp("house"), services=services, variables=address) as system:
        system.start_all()
        yield system


@pytest.fixture
def desk(house: System) -> Desk:
    return Desk(house)


def fate(desk: Desk, case: str) -> list[str]:
    """Return what is said of the notices of a case: that they were sent, or why not."""
    failed = [one["reason"] for one in desk.said("notice.failed", case, "notification")]
    return failed + ["sent" for _ in desk.said("notice.sent", case, "notification")]


def in_hand(house: System) -> int:
    return house.database("notification")["handover"].count_documents({})


def taken(desk: Desk, gateway: Gateway) -> str:
    """Return a case whose notice the mail server took before it vanished, as it goes on to do."""
    gateway.start()
    gateway.vanishes = True
    case = desk.report(reporter=HER, safe_contact={"channels": ["sms"]})
    wait_until(lambda: gateway.ids, "the message")
    return case


def test_what_is_in_the_hands_of_a_channel_that_vanishes_is_sent_again_and_arrives_once(
    house: System, desk: Desk, gateway: Gateway
) -> None:
    case = taken(desk, gateway)
    assert fate(desk, case) == []
    assert in_hand(house) == 1

    gateway.vanishes = False
    wait_until(lambda: fate(desk, case), "its fate")

    assert fate(desk, case) == ["sent"]
    assert len(gateway.ids) > 1
    assert len(set(gateway.ids)) == 1
    wait_until(lambda: in_hand(house) == 0, "nothing to be in hand")
    gateway.stop()


@pytest.mark.parametrize("dies", ["channel", "process"])
def test_what_may_have_left_and_may_not_be_sent_again_is_said_to_have_perhaps_left(
    house: System, desk: Desk, gateway: Gateway, dies: str
) -> None:
    gateway.start()
    gateway.vanishes = dies == "channel"
    if dies == "process":
        gateway.answers.clear()
    case = desk.report(reporter=HER, safe_contact={"channels": ["sms"]})
    wait_until(lambda: gateway.ids, "the message")
    if dies == "process":
        house.kill("notification")
        gateway.answers.set()

    assert desk.report(reporter=HER, safe_contact={"channels": ["wechat"]}, received_at=LATER) == case
    if dies == "process":
        house.start("notification")
    # until then a round that asked before her new wish may still be at work, and must not find the channel back
    wait_until(lambda: fate(desk, case), "the fate of the first")
    gateway.vanishes = False
    wait_until(lambda: len(fate(desk, case)) == 2, "the fate of both")

    assert fate(desk, case) == ["may_have_left", "sent"]
    wait_until(lambda: in_hand(house) == 0, "nothing to be in hand")
    gateway.stop()


def test_what_never_left_is_not_said_to_have_perhaps_left(house: System, desk: Desk, gateway: Gateway) -> None:
    case = desk.report(reporter=HER, safe_contact={"channels": ["sms"]})
    wait_until(lambda: "channel away" in house.log_file("notification").read_text(), "a try")
    assert desk.report(reporter=HER, safe_contact={"channels": ["wechat"]}, received_at=LATER) == case
    # until then a round that asked before her new wish may still be at work, and must not find the channel there
    wait_until(lambda: fate(desk, case), "the fate of the first")
    gateway.start()
    wait_until(lambda: len(fate(desk, case)) == 2, "the fate of both")

    assert fate(desk, case) == ["no_longer_safe", "sent"]
    assert desk.get("/health", Role.ADMIN, of="notification").ok
    gateway.stop()


def test_what_may_have_left_is_not_forgotten_while_the_channel_is_away(
    house: System, desk: Desk, gateway: Gateway
) -> None:
    case = taken(desk, gateway)
    gateway.stop()
    wait_until(lambda: "ConnectionRefusedError" in house.log_file("notification").read_text(), "a try in vain")
    assert in_hand(house) == 1

    assert desk.report(reporter=HER, safe_contact={"channels": ["wechat"]}, received_at=LATER) == case
    wait_until(lambda: fate(desk, case), "its fate")
    assert fate(desk, case) == ["may_have_left"]
