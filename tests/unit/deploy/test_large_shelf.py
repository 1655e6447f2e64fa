from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest

from deploy.audit.shelf import LargeShelf
from shared.kernel import Ref


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    id: str
    at: datetime
    days: tuple[date, ...]
    more: dict[str, Any]


def state(n: int) -> State:
    return State(id=str(n), at=datetime(2026, 3, n % 28 + 1, tzinfo=UTC), days=(date(2026, 1, 1),), more={"n": [n]})


@pytest.fixture
def shelf() -> Iterator[LargeShelf]:
    made = LargeShelf({"thing": State}, near=10)
    yield made
    made.close()


def test_states_are_found_near_and_far(shelf: LargeShelf) -> None:
    for n in range(100):
        shelf.put(Ref("thing", str(n)), state(n))
    shelf.put(Ref("thing", "3"), state(33))

    assert [shelf.get("thing", str(n)) for n in range(100)] == [state(33 if n == 3 else n) for n in range(100)]
    assert shelf.get("thing", "100") is None
    assert shelf.get("other", "1") is None
    assert Ref("thing", "99") in shelf
    assert shelf.count("thing") == 100
    assert [ref.id for ref in shelf.refs("thing")] == sorted(map(str, range(100)))


def test_the_last_of_many_changes_counts(shelf: LargeShelf) -> None:
    for n in range(500):
        shelf.put(Ref("thing", str(n % 20)), state(n))

    assert [shelf.get("thing", str(n)) for n in range(20)] == [state(480 + n) for n in range(20)]
    assert shelf.count("thing") == 20


def test_what_was_changed_is_remembered(shelf: LargeShelf) -> None:
    shelf.put(Ref("thing", "1"), state(1))
    shelf.changed.clear()
    shelf.get("thing", "1")
    shelf.put(Ref("thing", "2"), state(2))

    assert shelf.changed == {Ref("thing", "2")}


def test_what_lies_far_is_sealed(shelf: LargeShelf) -> None:
    shelf.put(Ref("thing", "1"), State(id="1", at=datetime(2026, 1, 1, tzinfo=UTC), days=(), more={"name": "某女士"}))
    shelf.count("thing")

    rows = list(shelf._far.execute("SELECT sealed FROM states"))

    assert len(rows) == 1
    assert "某女士".encode() not in rows[0][0]


def test_nothing_is_looked_up_by_keys(shelf: LargeShelf) -> None:
    for look in (shelf.find, shelf.each, shelf.all):
        with pytest.raises(NotImplementedError):
            look("x")
