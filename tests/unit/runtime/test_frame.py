from datetime import UTC, datetime
from struct import unpack_from

import pytest
from amqp.basic_message import Message

from shared.events import Event, from_amqp
from shared.runtime.frame import Publishing


def event(body: bytes = b'{"case_id":"v1"}') -> Event:
    return Event(
        id="0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
        source="intake",
        type="case.created",
        version=1,
        time=datetime(2026, 3, 2, 1, 14, tzinfo=UTC),
        subject="0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c",
        sequence=7,
        correlation="0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c",
        causation="0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2d",
        body=body,
    )


def split(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return kind, channel and payload of each frame."""
    frames, at = [], 0
    while at < len(data):
        kind, channel, length = unpack_from(">BHI", data, at)
        frames.append((kind, channel, data[at + 7 : at + 7 + length]))
        assert data[at + 7 + length] == 0xCE
        at += 8 + length
    return frames


@pytest.mark.parametrize("size", [1, 90, 500, 1000])
def test_what_is_published_is_read_by_the_library_as_the_same_event(size: int) -> None:
    sent = event(b'"' + b"x" * size + b'"')
    frames = split(Publishing(3, 128, "intake.events").frames(sent))
    assert {channel for _, channel, _ in frames} == {3}
    assert all(len(payload) <= 120 for kind, _, payload in frames if kind == 3)
    message = Message()
    message.inbound_header(frames[1][2])
    for _, _, payload in frames[2:]:
        message.inbound_body(payload)
    assert message.ready
    assert message.properties["delivery_mode"] == 2
    assert from_amqp(message.headers, message.body, message.properties["content_type"]) == sent


def test_the_method_names_exchange_and_routing_key() -> None:
    kind, _, payload = split(Publishing(1, 131_072, "intake.events").frames(event()))[0]
    assert kind == 1
    assert payload == b"\x00\x3c\x00\x28\x00\x00" + b"\x0dintake.events" + b"\x0ccase.created" + b"\x00"
