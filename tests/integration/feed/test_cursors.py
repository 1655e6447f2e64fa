"""A cursor moves forwards, is anew in a new epoch, and says of one way nothing about another."""

from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database

from services.feed.cursor import Cursor, Cursors
from shared.runtime.database import Document


@pytest.fixture
def cursors(database: Database[Document]) -> Cursors:
    return Cursors(database)


def test_an_agency_that_is_not_known_is_at_the_beginning(cursors: Cursors) -> None:
    assert cursors.get("stream", "police") == Cursor()
    assert cursors.shown("stream", "police") == {"number": 0, "at": None}
    assert cursors.all("stream") == {}


def test_it_stands_where_it_was_advanced_to(cursors: Cursors) -> None:
    cursors.advance("stream", "police", 7, epoch=1)

    found = cursors.get("stream", "police")
    assert (found.number, found.epoch) == (7, 1)
    assert datetime.now(UTC) - found.at < timedelta(minutes=1)


def test_it_never_goes_back(cursors: Cursors) -> None:
    cursors.advance("stream", "police", 7)
    before = cursors.get("stream", "police")
    cursors.advance("stream", "police", 6)
    cursors.advance("stream", "police", 7)

    assert cursors.get("stream", "police") == before


def test_a_new_epoch_begins_anew_and_an_earlier_one_counts_no_more(cursors: Cursors) -> None:
    cursors.advance("stream", "police", 7)
    cursors.advance("stream", "police", 0, epoch=1)
    cursors.advance("stream", "police", 9)

    assert (cursors.get("stream", "police").number, cursors.get("stream", "police").epoch) == (0, 1)


def test_each_way_and_agency_has_its_own(cursors: Cursors) -> None:
    cursors.advance_all("stream", {"police": Cursor(number=3), "police-two": Cursor(number=4)})
    cursors.advance("webhook", "police", 1)
    cursors.forget("stream", "police")

    assert {name: one.number for name, one in cursors.all("stream").items()} == {"police-two": 4}
    assert cursors.get("webhook", "police").number == 1


def test_a_note_stays_beside_it(cursors: Cursors) -> None:
    cursors.note("webhook", "police", status=503)
    cursors.advance("webhook", "police", 2)

    assert cursors.shown("webhook", "police").items() >= {"number": 2, "status": 503}.items()
    cursors.note("webhook", "police", status=200)
    assert cursors.get("webhook", "police").note == {"status": 200}
