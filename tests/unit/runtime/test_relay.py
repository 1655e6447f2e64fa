"""The relay publishes what follows, without a gap, wherever it has it from."""

from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.relay import POLL, WINDOW, Relay

Entry = dict[str, Any]


class FakeJournal:
    """All that was ever committed."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries

    def after(self, sequence: int, limit: int) -> list[Entry]:
        return [entry for entry in self.entries if entry["_id"] > sequence][:limit]


def journal(counts: list[int]) -> list[Entry]:
    entries, number = [], 1
    for count in counts:
        entries.append({"_id": number, "n": count})
        number += count
    return entries


def relay(stored: list[Entry], handed: list[Entry]) -> Relay:
    made = Relay()
    made._work = type("Work", (), {"unit": type("Unit", (), {"journal": FakeJournal(stored)})})
    made._handed = deque(handed)
    made._stopping, made._looked_at = False, -POLL
    return made


@given(
    counts=st.lists(st.integers(1, 4), max_size=30),
    lost=st.sets(st.integers(0, 29)),
)
def test_nothing_is_left_out_whatever_was_not_handed_over(counts: list[int], lost: set[int]) -> None:
    stored = journal(counts)
    made = relay(stored, [entry for n, entry in enumerate(stored) if n not in lost])
    at = 0
    published: list[int] = []
    while entries := made._next(at):
        for entry in entries:
            assert entry["_id"] == at + 1
            at = entry["_id"] + entry["n"] - 1
            published += range(entry["_id"], at + 1)

    assert published == list(range(1, sum(counts) + 1))


def test_a_window_has_its_size() -> None:
    stored = journal([1] * (WINDOW * 2))

    assert len(relay(stored, stored)._next(0)) == WINDOW
    assert len(relay(stored, [])._next(0)) == WINDOW


def test_what_is_published_already_is_not_published_again_from_memory() -> None:
    stored = journal([2, 2, 2])

    assert [entry["_id"] for entry in relay(stored, stored)._next(4)] == [5]
