"""The envelope: what goes out comes back, and what cannot be read says why without saying what."""

import contextlib
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Event, Unreadable, from_amqp, from_structured, to_amqp, to_structured

SECRET = "王某 13800000001"

visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255)
names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
events = st.builds(
    Event,
    id=visible,
    source=names,
    type=st.builds("{}.{}".format, names, names),
    version=st.integers(1, 999_999),
    time=st.datetimes(timezones=st.just(UTC)),
    subject=visible,
    sequence=st.integers(1, 10**16 - 1),
    correlation=st.just("") | visible,
    causation=visible,
    traceparent=st.none() | st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", fullmatch=True),
    body=st.dictionaries(st.text(), json_values, max_size=4).map(orjson.dumps),
)


def an_event() -> Event:
    return Event(
        id="019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        source="intake",
        type="case.created",
        version=1,
        time=datetime(2026, 3, 2, 1, 14, tzinfo=UTC),
        subject="case-1",
        sequence=42,
        correlation="case-1",
        causation="report-1",
        body=b'{"case":{"id":"case-1"}}',
    )


@given(events)
def test_an_event_comes_back_from_the_bus_as_it_went_out(event: Event) -> None:
    headers, properties = to_amqp(event)

    assert from_amqp(headers, event.body, properties["content_type"]) == event


@given(events)
def test_an_event_comes_back_from_a_line_of_an_export_as_it_went_out(event: Event) -> None:
    line = orjson.dumps(to_structured(event))

    assert b"\n" not in line
    assert from_structured(orjson.loads(line)) == event


@given(events)
def test_every_header_is_a_text(event: Event) -> None:
    headers, _ = to_amqp(event)

    assert all(type(value) is str and value for value in headers.values())
    assert all(name.startswith("cloudEvents_") for name in headers)


def test_the_headers_are_those_of_a_cloud_event() -> None:
    headers, properties = to_amqp(an_event())

    assert headers == {
        "cloudEvents_specversion": "1.0",
        "cloudEvents_id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
        "cloudEvents_source": "/intake",
        "cloudEvents_type": "case.created",
        "cloudEvents_time": "2026-03-02T01:14:00Z",
        "cloudEvents_subject": "case-1",
        "cloudEvents_dataschema": "urn:niangjia:event:case.created:1",
        "cloudEvents_sequence": "0000000000000042",
        "cloudEvents_correlationid": "case-1",
        "cloudEvents_causationid": "report-1",
    }
    assert properties["content_type"] == "application/json"
    assert properties["message_id"] == "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e"
    assert properties["delivery_mode"] == 2


@given(st.integers(1, 10**16 - 1), st.integers(1, 10**16 - 1))
def test_sequences_sort_as_texts_like_as_numbers(one: int, other: int) -> None:
    texts = [to_amqp(replace(an_event(), sequence=n))[0]["cloudEvents_sequence"] for n in (one, other)]

    assert (texts[0] < texts[1]) == (one < other)


def test_the_prefix_of_the_standard_is_read_too() -> None:
    headers, _ = to_amqp(an_event())
    standard = {name.replace("cloudEvents_", "cloudEvents:"): value for name, value in headers.items()}

    assert from_amqp(standard, an_event().body, "application/json; charset=utf-8") == an_event()


def test_headers_of_others_and_a_broken_trace_are_passed_over() -> None:
    headers, _ = to_amqp(an_event())
    more = {**headers, "x-death": [{"count": 3}], "nameko.call_id_stack": ["a"], "cloudEvents_traceparent": "00-0"}

    assert from_amqp(more, an_event().body, "application/json") == an_event()


def test_a_time_elsewhere_is_read_as_utc() -> None:
    headers, _ = to_amqp(an_event())

    event = from_amqp({**headers, "cloudEvents_time": "2026-03-02T09:14:00+08:00"}, b"{}", "application/json")

    assert event.time == datetime(2026, 3, 2, 1, 14, tzinfo=UTC)
    assert event.time.tzinfo is UTC


@pytest.mark.parametrize("time", [datetime(2026, 3, 2), datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))])  # noqa: DTZ001
def test_an_event_is_made_in_utc_only(time: datetime) -> None:
    with pytest.raises(ValueError, match="UTC"):
        replace(an_event(), time=time)


def test_the_body_is_decoded_once_and_stands_in_no_repr() -> None:
    event = replace(an_event(), body=orjson.dumps({"name": SECRET}))

    assert event.data == {"name": SECRET}
    assert event.data is event.data
    assert SECRET not in repr(event)


REQUIRED = ["specversion", "id", "source", "type", "time", "subject", "dataschema", "sequence", "causationid"]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_attribute_is_named(name: str) -> None:
    headers, _ = to_amqp(an_event())
    del headers[f"cloudEvents_{name}"]

    with pytest.raises(Unreadable) as caught:
        from_amqp(headers, b"{}", "application/json")

    # Without its id a message shows no prefix that we know.
    assert caught.value.reason == f"{'specversion' if name == 'id' else name} is missing"


@pytest.mark.parametrize("name", [*REQUIRED, "correlationid"])
@pytest.mark.parametrize(
    "value", [SECRET, "", "a\nb", 7, b"bytes", datetime(2026, 3, 2, tzinfo=UTC), ["a"], {"a": "b"}]
)
def test_a_malformed_attribute_is_named_and_not_quoted(name: str, value: object) -> None:
    headers, _ = to_amqp(an_event())
    broken: dict[str, object] = {**headers, f"cloudEvents_{name}": value}

    with pytest.raises(Unreadable) as caught:
        from_amqp(broken, SECRET.encode(), "application/json")

    assert caught.value.reason in (f"{name} is malformed", f"{name} is not a text")
    assert_silent(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("time", "2026-02-30T00:00:00Z", "time is not a time"),
        ("time", "0001-01-01T00:00:00+14:00", "time is not a time"),
        ("time", "2026-03-02T01:14:00", "time is malformed"),
        ("time", "٢٠٢٦-03-02T01:14:00Z", "time is malformed"),
        ("sequence", "-1", "sequence is malformed"),
        ("sequence", "1_000", "sequence is malformed"),
        ("dataschema", "urn:niangjia:event:case.closed:1", "dataschema is of another type"),
        ("dataschema", "urn:niangjia:event:case.created:0", "dataschema is malformed"),
        ("specversion", "0.3", "specversion is malformed"),
    ],
)
def test_an_attribute_that_says_something_impossible_is_refused(name: str, value: str, reason: str) -> None:
    headers, _ = to_amqp(an_event())

    with pytest.raises(Unreadable) as caught:
        from_amqp({**headers, f"cloudEvents_{name}": value}, b"{}", "application/json")

    assert caught.value.reason == reason
    assert_silent(caught.value)


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/json; charset=gbk", "application/x-python"]
)
def test_another_content_type_is_refused(content_type: str | None) -> None:
    headers, _ = to_amqp(an_event())

    with pytest.raises(Unreadable, match="content type"):
        from_amqp(headers, SECRET.encode(), content_type)


@pytest.mark.parametrize("headers", [None, {}])
def test_a_message_without_headers_is_refused(headers: dict[str, str] | None) -> None:
    with pytest.raises(Unreadable, match="no headers"):
        from_amqp(headers, SECRET.encode(), "application/json")


@pytest.mark.parametrize(
    "body", [b"", SECRET.encode(), orjson.dumps([SECRET]), orjson.dumps(SECRET), b'{"name": "\xff"}', b"null", SECRET]
)
def test_a_body_that_is_no_json_object_is_not_quoted(body: bytes | str) -> None:
    headers, _ = to_amqp(an_event())

    with pytest.raises(Unreadable) as caught:
        _ = from_amqp(headers, body, "application/json").data

    assert_silent(caught.value)


def test_a_text_that_is_no_unicode_is_not_quoted() -> None:
    headers, _ = to_amqp(an_event())

    with pytest.raises(Unreadable) as caught:
        from_amqp(headers, f'{{"name": "{SECRET}\udc80"}}', "application/json")

    assert_silent(caught.value)


@given(st.binary(max_size=60), st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=5))
def test_whatever_comes_is_an_event_or_unreadable(body: bytes, noise: dict[str, str]) -> None:
    headers, _ = to_amqp(an_event())
    for candidate in (noise, {**headers, **noise}):
        with contextlib.suppress(Unreadable):
            _ = from_amqp(candidate, body, "application/json").data


@pytest.mark.parametrize("data", [None, SECRET, [SECRET], {"name": {SECRET}}, {"n": 2**70, "name": SECRET}])
def test_a_line_without_proper_data_is_refused(data: object) -> None:
    with pytest.raises(Unreadable) as caught:
        from_structured({**to_structured(an_event()), "data": data})

    assert_silent(caught.value)


def test_a_line_of_another_content_type_is_refused() -> None:
    with pytest.raises(Unreadable, match="datacontenttype"):
        from_structured({**to_structured(an_event()), "datacontenttype": "text/xml"})


def assert_silent(error: Unreadable) -> None:
    """Neither the error nor what a logger can dig out of it shows the secret."""
    assert error.__context__ is None
    text = "".join(traceback.format_exception_only(error))
    assert not any(word in text for word in SECRET.split())
