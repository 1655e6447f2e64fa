"""Identifiers follow from time and cause alone, and sort by time."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel import Message, Timer, identifier

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(time=TIMES, cause=st.lists(st.text(max_size=20), max_size=4))
def test_the_same_cause_makes_the_same_uuid_of_version_7(time: datetime, cause: list[str]) -> None:
    made = UUID(identifier(time, *cause))

    assert str(made) == identifier(time, *cause)
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == int(time.timestamp() * 1000)


@given(one=TIMES, other=TIMES)
def test_they_sort_by_time(one: datetime, other: datetime) -> None:
    if one + timedelta(milliseconds=1) <= other:
        assert identifier(one, "a") < identifier(other, "b")


def test_causes_are_told_apart_by_where_one_ends() -> None:
    assert identifier(NOON, "ab", "c") != identifier(NOON, "a", "bc")


def test_the_zone_in_which_a_time_is_written_does_not_matter() -> None:
    china = NOON.astimezone(timezone(timedelta(hours=8)))

    assert identifier(china, "a") == identifier(NOON, "a")


@pytest.mark.parametrize("time", [datetime(2026, 3, 2), datetime(1969, 12, 31, tzinfo=UTC)])  # noqa: DTZ001
def test_a_time_that_has_no_place_is_refused(time: datetime) -> None:
    with pytest.raises(ValueError, match="time"):
        identifier(time, "a")


def test_a_message_names_what_it_brings_about() -> None:
    message = Message(id="m1", type="pay", time=NOON, data={})

    assert message.identifier("case") == identifier(NOON, "m1", "case")
    assert message.identifier("case") != message.identifier("report")


@pytest.mark.parametrize(
    ("type", "subject"), [("Deadline", "r1"), ("deadline", "r1"), ("deadline.passed", ""), ("deadline.passed", "王某")]
)
def test_a_timer_is_named_like_an_event(type: str, subject: str) -> None:
    with pytest.raises(ValueError, match="timer"):
        Timer(id="t", due_at=NOON, type=type, subject=subject)
