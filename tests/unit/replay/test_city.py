"""Services in one process: who hears whom, and what virtual time brings."""

from datetime import timedelta

import pytest

from shared.events import Event, InvalidEvent, UnknownVersion
from shared.kernel import Refused, identifier
from shared.replay.city import City
from shared.replay.recording import Addition
from shared.replay.voice import Voice
from tests.unit.replay.bell import BELLS, HOUR, NOON, Square, Tower, changed, ring


def told(events: list[Event]) -> list[tuple[str, int]]:
    return [(event.type, event.sequence) for event in events]


def rung(city: City, hours: int) -> list[float]:
    """Return after how many hours bells were rung."""
    events = city.advance(NOON + hours * HOUR)
    return [(event.time - NOON) / HOUR for event in events if event.type == "bell.rung"]


def test_what_one_says_the_others_hear() -> None:
    city = City(Tower(), Square(), catalogue=BELLS)

    assert told(city.take(ring("b1", times=3))) == [("bell.rung", 1), ("crowd.grown", 1)]
    assert told(city.take(ring("b2"))) == [("bell.rung", 2), ("crowd.grown", 2)]
    assert city.voices["square"].shelf.get("bell", "b1").times == 1
    assert city.heard == 2


def test_an_event_is_what_the_journal_would_make_of_it() -> None:
    city = City(Tower(), Square(), catalogue=BELLS)
    rung, heard = city.take(ring("b1", key="c1"))

    assert rung.id == identifier(NOON, "c1", "tower", "0")
    assert (rung.causation, rung.correlation, rung.version) == ("c1", "b1", 2)
    assert rung.body == b'{"bell_id":"b1","times":1,"by":"hand"}'
    assert heard.id == identifier(NOON, rung.id, "square", "0")
    assert heard.causation == rung.id


def test_a_city_has_each_service_once() -> None:
    with pytest.raises(ValueError, match="once"):
        City(Tower(), Tower(), catalogue=BELLS)


def test_a_city_is_concerned_by_what_comes_from_outside_to_one_within() -> None:
    both, alone = City(Tower(), Square(), catalogue=BELLS), City(Square(), catalogue=BELLS)
    event = both.take(ring("b1"))[0]

    assert both.concerns(ring("b1"))
    assert not both.concerns(event)
    assert alone.concerns(event)
    assert not alone.concerns(ring("b1"))


def test_what_is_heard_again_is_passed_over() -> None:
    event = City(Tower(), catalogue=BELLS).take(ring("b1"))[0]
    city = City(Square(), catalogue=BELLS)

    assert told(city.take(event)) == [("crowd.grown", 1)]
    assert city.take(event) == []


def test_a_command_under_a_known_id_is_an_error() -> None:
    city = City(Tower(), catalogue=BELLS)
    city.take(ring("b1", key="c1"))
    with pytest.raises(ValueError, match="twice"):
        city.take(ring("b2", key="c1"))


def test_a_refused_command_leaves_nothing_but_a_note() -> None:
    city = City(Tower(), Square(), catalogue=BELLS)
    unlucky = ring("b1", times=13)

    assert city.take(unlucky) == []
    assert city.refused == [(unlucky, "unlucky")]
    assert city.voices["tower"].last == 0
    with pytest.raises(Refused):
        city.tell(unlucky)


def test_a_fact_that_may_not_be_published_is_an_error() -> None:
    with pytest.raises(InvalidEvent, match="times"):
        City(Tower(), catalogue=BELLS).take(ring("b1", times=100))


def test_an_event_of_an_older_version_is_brought_to_the_newest() -> None:
    event = City(Tower(), catalogue=BELLS).take(ring("b1"))[0]
    old = changed(event, version=1, body=b'{"bell_id":"b1","times":4}')

    (heard,) = City(Square(), catalogue=BELLS).take(old)

    assert heard.data["heard"] == 4


def test_an_event_of_a_newer_version_is_an_error() -> None:
    event = City(Tower(), catalogue=BELLS).take(ring("b1"))[0]
    with pytest.raises(UnknownVersion):
        City(Square(), catalogue=BELLS).take(changed(event, version=3))


def test_what_the_shell_adds_comes_from_the_recording_or_from_who_is_asked() -> None:
    event = City(Tower(), catalogue=BELLS).take(ring("b1"))[0]
    addition = Addition(to="square", event=event.id, data={"echo": 5})
    recorded = City(Square(), catalogue=BELLS)
    recorded.take(addition)
    asked = City(Square(), enrich={"square": lambda _: {"echo": 7}}, catalogue=BELLS)
    asked.take(addition)

    found = [city.take(event)[0].data["heard"] for city in (recorded, asked)]

    assert found == [6, 8]


def test_timers_fire_in_the_order_of_their_times_before_what_comes_at_that_moment() -> None:
    city = City(Tower(), Square(), catalogue=BELLS)
    city.take(ring("b1", again=3))
    city.take(ring("b2", again=2))
    events = city.take(ring("b3", NOON + 3 * HOUR))

    assert [(event.type, event.correlation) for event in events] == [
        ("bell.rung", "b2"),
        ("crowd.grown", "b2"),
        ("bell.rung", "b1"),
        ("crowd.grown", "b1"),
        ("bell.rung", "b3"),
        ("crowd.grown", "b3"),
    ]
    assert [event.time for event in events if event.type == "bell.rung"] == [NOON + n * HOUR for n in (2, 3, 3)]


def test_a_timer_may_set_itself_again() -> None:
    city = City(Tower(), catalogue=BELLS)
    city.take(ring("b1", again=24))

    assert rung(city, 80) == [24, 48, 72]
    assert rung(city, 96) == [96]
    assert rung(city, 97) == []


def test_a_timer_that_is_set_again_is_replaced_and_one_that_is_taken_away_is_gone() -> None:
    city = City(Tower(), catalogue=BELLS)
    city.take(ring("b1", again=2))
    city.take(ring("b2", again=2))
    city.take(ring("b1", NOON + HOUR, again=5))
    city.take(ring("b2", NOON + HOUR))

    assert rung(city, 6) == [6]


def test_the_message_of_a_timer_has_the_time_at_which_it_was_due_and_the_id_that_follows() -> None:
    city = City(Tower(), catalogue=BELLS)
    (first,) = city.take(ring("b1", again=2))
    (second,) = city.advance(NOON + 9 * HOUR)[:1]

    assert second.causation == identifier(NOON + 2 * HOUR, first.id, "again b1")
    assert second.time == NOON + 2 * HOUR


def test_virtual_time_never_goes_back() -> None:
    city = City(Tower(), catalogue=BELLS)
    city.take(ring("b1", NOON + HOUR))
    city.take(ring("b2", NOON, again=1))

    assert city.now == NOON + HOUR
    assert rung(city, 1) == [1]


def test_who_sets_no_timer_has_none_that_is_due() -> None:
    voice = Voice(Tower(), BELLS)
    assert voice.next_due() is None
    with pytest.raises(LookupError):
        voice.fire()


def test_what_is_kept_holds_the_private_part() -> None:
    kept = []
    city = City(Tower(), catalogue=BELLS, keep=lambda service, facts: kept.append((service, facts)))
    city.take(ring("b1", again=2))

    ((service, (fact,)),) = kept
    assert service == "tower"
    assert fact.private == {"again": 2}


def test_time_passes_with_events_from_outside() -> None:
    event = City(Tower(), catalogue=BELLS).take(ring("b1", NOON + timedelta(days=1)))[0]
    city = City(Square(), catalogue=BELLS)
    city.take(event)
    assert city.now == NOON + timedelta(days=1)
