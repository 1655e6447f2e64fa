"""Whoever changes, removes, adds, swaps or cuts out a piece of the journal is found out."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import BSON
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel import Fact, Message
from shared.privacy import Key
from shared.runtime.journal import Head, Journal, JournalBroken, chained, check_chain
from shared.runtime.keyring import KeyRing

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PER_ENTRY = (1, 3, 2, 1, 4, 2)

Entry = dict[str, Any]


def written() -> list[Entry]:
    """Return a journal of six entries, as the database gives it back."""
    nowhere: Any = {"journal": None, "keys": None}
    journal = Journal(nowhere, "referral", KeyRing(nowhere, "referral", Key(bytes(32))))
    head, entries = Head(), []
    for n, count in enumerate(PER_ENTRY):
        message = Message(id=f"m{n}", type="report.received", time=NOON + timedelta(hours=n), data={}, case=f"case{n}")
        facts = [
            Fact(
                type="consent.needed",
                subject=f"case{n}",
                case=f"case{n}",
                time=message.time,
                data={"case_id": f"case{n}", "agency": "police", "purpose": "protect", "district": "330302"},
                private={"said": f"narrative {n}"} if at % 2 == 0 else {},
            )
            for at in range(count)
        ]
        entry = journal.entry(head, message, facts, NOON)
        head = Head(entry["_id"] + entry["n"] - 1, entry["hash"])
        entries.append(BSON.encode(entry).decode())
    return entries


ENTRIES = written()
PLACES = st.integers(0, len(ENTRIES) - 1)


@pytest.fixture
def entries() -> list[Entry]:
    return copy.deepcopy(ENTRIES)


def assert_broken(entries: list[Entry]) -> None:
    with pytest.raises(JournalBroken):
        check_chain(entries)


def test_a_journal_as_it_was_written_is_whole(entries: list[Entry]) -> None:
    head = check_chain(entries)

    assert head == Head(sum(PER_ENTRY), entries[-1]["hash"])
    assert check_chain(entries[3:], Head(6, entries[2]["hash"])) == head
    assert check_chain([]) == Head()


@given(place=PLACES, data=st.data())
def test_a_changed_field_is_found(place: int, data: st.DataObject) -> None:
    entries = copy.deepcopy(ENTRIES)
    record = data.draw(st.sampled_from(entries[place]["events"]))
    target = data.draw(st.sampled_from([entries[place], record]))
    name = data.draw(st.sampled_from(sorted(target)))
    target[name] = data.draw(
        st.sampled_from([None, 0, 99, "", "x", b"", b"x", [], {}]).filter(lambda new: new != target[name])
    )

    assert_broken(entries)


@given(place=PLACES, data=st.data())
def test_a_field_taken_away_is_found(place: int, data: st.DataObject) -> None:
    entries = copy.deepcopy(ENTRIES)
    record = data.draw(st.sampled_from(entries[place]["events"]))
    target = data.draw(st.sampled_from([entries[place], record]))
    name = data.draw(st.sampled_from(sorted(target.keys() - {"_id"})))
    del target[name]

    assert_broken(entries)


@given(place=PLACES, data=st.data())
def test_a_flipped_bit_in_what_is_sealed_is_found(place: int, data: st.DataObject) -> None:
    entries = copy.deepcopy(ENTRIES)
    record = entries[place]["events"][0]
    sealed = bytearray(record["private"])
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    record["private"] = bytes(sealed)

    assert_broken(entries)


@given(place=PLACES)
def test_sealed_data_added_to_an_event_without_any_is_found(place: int) -> None:
    for record in copy.deepcopy(ENTRIES)[place]["events"]:
        if "private" not in record:
            entries = copy.deepcopy(ENTRIES)
            at = ENTRIES[place]["events"].index(record)
            entries[place]["events"][at]["private"] = b""
            assert_broken(entries)


@given(place=st.integers(0, len(ENTRIES) - 2))
def test_a_removed_entry_is_found(place: int) -> None:
    entries = copy.deepcopy(ENTRIES)
    del entries[place]

    assert_broken(entries)


@given(place=st.integers(0, len(ENTRIES) - 2))
def test_a_removed_entry_is_found_even_when_the_numbers_are_closed_up(place: int) -> None:
    entries = copy.deepcopy(ENTRIES)
    gone = entries.pop(place)
    for entry in entries[place:]:
        entry["_id"] -= gone["n"]

    assert_broken(entries)


@given(first=PLACES, second=PLACES)
def test_swapped_entries_are_found(first: int, second: int) -> None:
    entries = copy.deepcopy(ENTRIES)
    entries[first], entries[second] = entries[second], entries[first]
    if first != second:
        assert_broken(entries)
        entries[first]["_id"], entries[second]["_id"] = entries[second]["_id"], entries[first]["_id"]
        assert_broken(entries)


@given(place=PLACES, data=st.data())
def test_swapped_events_of_an_entry_are_found(place: int, data: st.DataObject) -> None:
    entries = copy.deepcopy(ENTRIES)
    events = entries[place]["events"]
    shuffled = data.draw(st.permutations(events))
    entries[place]["events"] = shuffled
    if shuffled != events:
        assert_broken(entries)


@given(start=st.integers(0, 3), end=st.integers(1, 5))
def test_a_piece_cut_out_of_the_middle_is_found(start: int, end: int) -> None:
    entries = copy.deepcopy(ENTRIES)
    if start < end:
        del entries[start:end]
        assert_broken(entries)


def test_an_entry_written_in_between_is_found(entries: list[Entry]) -> None:
    forged = copy.deepcopy(entries[1])
    forged["cause"] = "somebody else"
    forged["hash"] = chained(entries[0]["hash"], forged)
    entries[1] = forged

    assert_broken(entries)


def test_what_is_sealed_cannot_be_moved_across_the_border_of_an_event(entries: list[Entry]) -> None:
    """Two events rolled into one whose sealed part swallows the second: the bytes in a row stay the same."""
    entry = entries[2]
    first, second = entry["events"]
    entry["events"] = [{**first, "private": first["private"] + str(second).encode()}]
    entry["n"] = 1

    assert_broken(entries)
