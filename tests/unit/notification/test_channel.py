import json
import socket
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from services.notification.channel import Away, Folder, Mail, NotSent, Outgoing, Unsure, channel
from shared.privacy import Key

MESSAGE = Outgoing(
    id="0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
    case_id="0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c",
    channel="sms",
    to="13800000001",
    text="您好，您托办的事已登记。",
)


class Gateway:
    """A mail server that keeps what it is given, and refuses the addresses it is told to."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.refusal = ""
        self.vanishes = False
        self.parting = "221 Bye"

    async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        return self.parting

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.kept.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        if self.vanishes:
            server.transport.abort()
        return "250 OK"


@pytest.fixture
def gateway() -> Iterator[tuple[Gateway, Mail]]:
    handler = Gateway()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    yield handler, Mail("127.0.0.1", port, "gateway.example")
    controller.stop()


def test_a_mail_carries_the_message_to_the_gateway_of_its_channel(gateway: tuple[Gateway, Mail]) -> None:
    handler, mail = gateway
    mail.send(MESSAGE)
    ((recipients, received),) = handler.kept
    assert recipients == ["13800000001@sms.gateway.example"]
    assert received["Message-ID"] == f"<{MESSAGE.id}@gateway.example>"
    assert received["Subject"] == MESSAGE.case_id
    assert received.get_payload(decode=True).decode().strip() == MESSAGE.text


def test_a_refused_message_is_not_sent(gateway: tuple[Gateway, Mail]) -> None:
    handler, mail = gateway
    handler.refusal = "550 nobody of that name"
    with pytest.raises(NotSent):
        mail.send(MESSAGE)
    assert handler.kept == []


def test_a_gateway_that_is_not_there_is_away() -> None:
    with pytest.raises(Away):
        Mail("127.0.0.1", 9, "gateway.example").send(MESSAGE)


def test_a_gateway_that_goes_away_with_the_message_leaves_us_unsure(gateway: tuple[Gateway, Mail]) -> None:
    handler, mail = gateway
    handler.vanishes = True
    with pytest.raises(Unsure):
        mail.send(MESSAGE)
    assert len(handler.kept) == 1


def test_what_is_taken_is_sent_whatever_is_said_at_parting(gateway: tuple[Gateway, Mail]) -> None:
    handler, mail = gateway
    handler.parting = "421 too busy to say goodbye"
    mail.send(MESSAGE)
    assert len(handler.kept) == 1


def test_the_folder_holds_one_file_for_a_message_and_no_address_in_clear(tmp_path: Path) -> None:
    key = Key.new()
    folder = Folder(tmp_path / "outbox", key)
    folder.send(MESSAGE)
    folder.send(MESSAGE)
    (file,) = (tmp_path / "outbox").iterdir()
    assert MESSAGE.to not in file.read_text(encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8"))["text"] == MESSAGE.text


def test_a_folder_that_cannot_be_made_is_away(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Away):
        Folder(tmp_path / "file" / "outbox", Key.new()).send(MESSAGE)


def test_nothing_is_sent_when_sending_is_off() -> None:
    assert channel("off", Key.new()) is None
