"""What differs is said so that a person sees it at once, and so that nobody is named."""

import pytest

from shared.events import Event
from shared.replay.city import City
from shared.replay.comparison import described, differences
from shared.replay.golden import differing
from tests.unit.replay.bell import BELLS, HOUR, NOON, Square, Tower, changed, ring


@pytest.fixture
def rung() -> list[Event]:
    """Five rings."""
    city = City(Tower(), catalogue=BELLS)
    return [event for n in range(1, 6) for event in city.take(ring(f"b{n}", NOON + n * HOUR, times=n))]


def told(expected: list[Event], found: list[Event]) -> str:
    return described("x.ndjson", differences(expected, found, BELLS), len(expected), len(found))


def renumbered(events: list[Event]) -> list[Event]:
    return [changed(event, sequence=n) for n, event in enumerate(events, start=1)]


def test_what_is_equal_does_not_differ(rung: list[Event]) -> None:
    assert differences(rung, list(rung), BELLS) == []


def test_a_changed_field_is_named_with_both_values(rung: list[Event]) -> None:
    found = [*rung[:2], changed(rung[2], body=b'{"bell_id":"b3","times":9,"by":"clock"}'), *rung[3:]]
    assert told(rung, found).splitlines() == [
        "x.ndjson: not as expected: 1 changed (expected 5 events, found 5)",
        "  changed: event 3, bell.rung of case b3 at 2026-03-02T15:00:00Z",
        "    data.times: expected 3, found 9",
        '    data.by: expected "hand", found "clock"',
    ]


def test_a_missing_event_is_told_with_its_neighbour_and_those_behind_it_are_not(rung: list[Event]) -> None:
    found = renumbered([*rung[:1], *rung[2:]])
    assert told(rung, found).splitlines() == [
        "x.ndjson: not as expected: 1 missing (expected 5 events, found 4)",
        "  missing: event 2, bell.rung of case b2 at 2026-03-02T14:00:00Z",
        "    after bell.rung of case b1 at 2026-03-02T13:00:00Z",
        '    data.bell_id: "b2"',
        "    data.times: 2",
        '    data.by: "hand"',
    ]


def test_an_extra_event_is_told_with_its_neighbour(rung: list[Event]) -> None:
    assert told(rung[1:], renumbered(rung)).splitlines()[:3] == [
        "x.ndjson: not as expected: 1 extra (expected 4 events, found 5)",
        "  extra: event 1, bell.rung of case b1 at 2026-03-02T13:00:00Z",
        "    at the beginning",
    ]


def test_a_missing_and_a_changed_event_are_told_apart(rung: list[Event]) -> None:
    found = renumbered([rung[0], rung[2], changed(rung[3], body=b'{"bell_id":"b4","times":7,"by":"hand"}'), rung[4]])
    assert [one.kind for one in differences(rung, found, BELLS)] == ["missing", "changed"]


def test_numbers_alone_differ_too(rung: list[Event]) -> None:
    found = [*rung[:4], changed(rung[4], sequence=9)]
    assert "sequence: expected 5, found 9" in told(rung, found)


def test_the_order_of_fields_differs_too(rung: list[Event]) -> None:
    found = [*rung[:4], changed(rung[4], body=b'{"times":5,"bell_id":"b5","by":"hand"}')]
    assert "the order of the data's fields" in told(rung, found)


def test_a_time_of_another_kind_differs(rung: list[Event]) -> None:
    found = [*rung[:4], changed(rung[4], time=NOON)]
    assert "time: expected 2026-03-02T17:00:00+00:00, found 2026-03-02T12:00:00+00:00" in told(rung, found)


@pytest.mark.parametrize("secret", ["王某", "13800000001", "kP3vXq9ZbL0mT7sYw2RdHA", "Some Name", "abc 1"])
def test_what_could_be_a_person_is_not_shown(rung: list[Event], secret: str) -> None:
    body = f'{{"bell_id":"b5","times":5,"by":"{secret}","more":{{"names":["{secret}"]}}}}'.encode()
    text = told(rung, [*rung[:4], changed(rung[4], body=body)])
    assert secret not in text
    assert 'data.by: expected "hand", found (not shown)' in text
    assert "data.more: expected nothing, found {names: [(not shown)]}" in text


def test_what_was_expected_in_an_older_version_is_compared_as_the_newest(rung: list[Event]) -> None:
    old = changed(rung[0], version=1, body=b'{"bell_id":"b1","times":1}')
    assert differences([old, *rung[1:]], rung, BELLS) == []


def test_of_very_many_differences_the_first_are_told(rung: list[Event]) -> None:
    city = City(Tower(), catalogue=BELLS)
    many = [event for n in range(1, 40) for event in city.take(ring(f"c{n}", NOON + n * HOUR))]
    text = told(many, [])
    assert "39 missing" in text
    assert text.endswith("  … and 19 more")


def test_between_services_there_is_no_order() -> None:
    city = City(Tower(), Square(), catalogue=BELLS)
    events = [event for n in range(1, 4) for event in city.take(ring(f"b{n}", NOON + n * HOUR))]
    by_service = sorted(events, key=lambda event: event.source)
    assert differing(events, by_service, BELLS) == []
    assert [one.kind for one in differing(events, by_service[1:], BELLS)] == ["missing"]
