"""Whatever comes over the wire is an event or is kept, and can be sent again."""

import contextlib
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from amqp import Message
from amqp.method_framing import frame_handler
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Unreadable, event_type, from_structured, to_amqp, to_structured
from shared.events.envelope import Event
from shared.runtime import broker, delivery

HEADER_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.binary(max_size=20)
    | st.datetimes()
    | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["cloudEvents_id", "cloudEvents_type", "cloudEvents:id", "x-death"]) | st.text(
    st.characters(), max_size=20
)


def event() -> Event:
    declared = event_type("consent.needed")
    document = {
        "specversion": "1.0",
        "id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        "source": "/referral",
        "type": "consent.needed",
        "time": "2026-03-02T01:14:00Z",
        "subject": "case1",
        "dataschema": "urn:niangjia:event:consent.needed:1",
        "sequence": "0000000000000007",
        "correlationid": "case1",
        "causationid": "m1",
        "data": declared.example,
    }
    return from_structured(document)


def message(**changes: Any) -> Message:
    headers, properties = to_amqp(event())
    headers |= changes.pop("headers", {})
    return Message(event().body, **{**properties, "application_headers": headers, **changes})


def test_an_event_is_read_as_it_was_sent() -> None:
    assert delivery.read(message()) == event()
    assert to_structured(delivery.read(message())) == to_structured(event())


@pytest.mark.parametrize(
    "changes",
    [
        {"content_type": "text/plain"},
        {"content_type": None},
        {"application_headers": None},
        {"application_headers": {}},
        {"headers": {"cloudEvents_id": None}},
        {"headers": {"cloudEvents_id": 7}},
        {"headers": {"cloudEvents_time": "yesterday"}},
        {"headers": {"cloudEvents_sequence": "-1"}},
        {"headers": {"cloudEvents_subject": "王某"}},
    ],
)
def test_what_is_no_event_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        delivery.read(message(**changes))


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"null", b"{", b'{"a": NaN}'])
def test_a_body_that_is_no_object_is_unreadable(body: bytes) -> None:
    sent = message()
    sent.body = body

    with pytest.raises(Unreadable):
        delivery.read(sent)


def joined(text: Any) -> Any:
    """Return a text whose halves of a character, where the two stand together, are that character: JSON has it so."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if text else text


@given(
    headers=st.none() | st.dictionaries(NAMES, HEADER_VALUES, max_size=4),
    body=st.binary(max_size=40),
    content_type=st.none() | st.text(st.characters(), max_size=10),
)
def test_whatever_comes_is_read_or_kept(headers: Any, body: bytes, content_type: Any) -> None:
    sent = Message(body, application_headers=headers, content_type=content_type)
    with contextlib.suppress(Unreadable):
        delivery.read(sent)
    again = delivery.unpack(delivery.pack(sent))
    texts = {joined(name): joined(value) for name, value in (headers or {}).items() if isinstance(value, str)}

    assert again.body == body
    assert again.properties["content_type"] == joined(content_type)
    assert again.properties["application_headers"] == texts


def test_headers_that_are_no_texts_are_left_behind() -> None:
    odd = {"n": 1, "d": Decimal(1), "t": datetime(2026, 3, 2), "b": b"\xff", "l": [1], "s": "kept"}  # noqa: DTZ001
    again = delivery.unpack(delivery.pack(Message(b"x", application_headers=odd)))

    assert again.properties["application_headers"] == {"s": "kept"}


class Wire:
    """As much of a connection as the frame handler looks at."""

    bytes_recv = 0


def received(header: bytes, body: bytes = b"{}") -> Message:
    """Return the message that py-amqp makes of the frames of a delivery, through our reader."""
    found: list[Message] = []
    handle = broker._lenient_reader(Wire(), lambda channel, method, args, content: found.append(content))
    deliver = b"\x00\x3c\x00\x3c" + b"\x01c" + bytes(8) + b"\x00" + b"\x00" + b"\x01k"
    handle((1, 1, deliver))
    handle((2, 1, b"\x00\x3c\x00\x00" + len(body).to_bytes(8, "big") + header))
    handle((3, 1, body))
    return found[0]


def table(entry: bytes) -> bytes:
    """Return the properties with one header."""
    return b"\x20\x00" + (len(entry) + 2).to_bytes(4, "big") + b"\x01h" + entry


@pytest.mark.parametrize(
    "header",
    [
        b"\x80\x00\x02\xff\xfe",  # a content type that is no UTF-8
        table(b"T\xff\xff\xff\xff\xff\xff\xff\xff"),  # a time outside the calendar
        table(b"?"),  # a kind of value that nobody knows
        table(b"F\x00\x00"),  # a table that is cut off
        table(b"A" + (40_000).to_bytes(4, "big") + b"A\x00\x00\x9c\x3b" * 8_000),  # nested without end
    ],
)
def test_headers_that_nobody_can_read_count_as_none(header: bytes) -> None:
    got = received(header)

    assert (got.body, got.properties) == (b"{}", {})
    with pytest.raises(Unreadable):
        delivery.read(got)


def test_headers_that_can_be_read_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert received(table(b"S\x00\x00\x00\x01x")).properties == {"application_headers": {"h": "x"}}
    assert frame_handler is broker.frame_handler
