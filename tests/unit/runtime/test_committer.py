"""A batch is committed together; what stands in the way is found by going one by one."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.errors import DuplicateKeyError, OperationFailure, ServerSelectionTimeoutError

from shared.kernel import Message
from shared.runtime import committer as module
from shared.runtime.collision import Collision
from shared.runtime.committer import COLLISIONS, Committer
from shared.runtime.ticket import Fate, Ticket
from shared.runtime.unavailable import Unavailable

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

#: Is asked what to raise for an attempt: the ids in it, and how many attempts there were before it.
Weather = Callable[[list[str], int], Exception | None]


class FakeUnit:
    """Commits unless the weather is bad."""

    def __init__(self, weather: Weather) -> None:
        self.weather = weather
        self.attempts: list[list[str]] = []
        self.orphans = self
        self.looks = 0

    def end(self) -> int:
        self.looks += 1
        return 0

    def attempt(self, tickets: Sequence[Ticket], broken: Exception | None = None) -> list[dict[str, Any]]:
        ids = [ticket.message.id for ticket in tickets]
        for ticket in tickets:
            ticket.reopen()
        error = None if broken else self.weather(ids, len(self.attempts))
        self.attempts.append(ids)
        if error:
            raise error
        for ticket in tickets:
            ticket.close(Fate.FAILED if broken else Fate.DONE, error=broken)
        return [{"_id": one} for one in ids]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "APART", 0)


def batch(*ids: str) -> list[Ticket]:
    return [Ticket(message=Message(id=one, type="count", time=NOON, data={})) for one in ids]


def caused_by(error: Exception, *, doubted: bool) -> Collision:
    raised = Collision(doubted=doubted)
    raised.__cause__ = error
    return raised


def commit(weather: Weather, *ids: str) -> tuple[FakeUnit, list[Ticket], list[Any]]:
    unit: Any = FakeUnit(weather)
    tickets = batch(*ids)
    return unit, tickets, Committer(unit).commit(tickets)


def test_in_good_weather_one_transaction_takes_all() -> None:
    unit, tickets, entries = commit(lambda ids, n: None, "a", "b", "c")

    assert unit.attempts == [["a", "b", "c"]]
    assert len(entries) == 3
    assert {ticket.fate for ticket in tickets} == {Fate.DONE}


def test_who_collides_tries_again() -> None:
    unit, _, _ = commit(lambda ids, n: Collision() if n < 3 else None, "a", "b")

    assert len(unit.attempts) == 4


@pytest.mark.parametrize("error", [KeyError("b"), OverflowError(), OperationFailure("too large", 10334)])
def test_the_message_that_cannot_be_stored_harms_no_other(error: Exception) -> None:
    _, tickets, entries = commit(lambda ids, n: error if "b" in ids else None, "a", "b", "c")

    assert [ticket.fate for ticket in tickets] == [Fate.DONE, Fate.FAILED, Fate.DONE]
    assert tickets[1].error is error
    assert len(entries) == 3


def test_a_message_that_always_meets_something_there_is_at_fault() -> None:
    told = DuplicateKeyError("…")
    unit, tickets, _ = commit(lambda ids, n: caused_by(told, doubted=True) if "b" in ids else None, "a", "b")

    assert [ticket.fate for ticket in tickets] == [Fate.DONE, Fate.FAILED]
    assert tickets[1].error is told
    assert len(unit.attempts) <= 6


@pytest.mark.parametrize("ids", [("a",), ("a", "b")])
def test_who_is_always_slower_gives_up_for_now(ids: tuple[str, ...]) -> None:
    with pytest.raises(Unavailable, match="other processes"):
        commit(lambda ids, n: Collision(), *ids)


@pytest.mark.parametrize("ids", [("a",), ("a", "b", "c")])
def test_a_database_that_is_away_is_not_asked_twice(ids: tuple[str, ...]) -> None:
    calls: list[int] = []

    def away(ids: list[str], n: int) -> Exception:
        calls.append(n)
        return ServerSelectionTimeoutError("…")

    with pytest.raises(Unavailable, match="database is away"):
        commit(away, *ids)
    assert calls == [0]


def test_a_database_that_goes_away_between_ends_the_search() -> None:
    def weather(ids: list[str], n: int) -> Exception | None:
        return KeyError() if n == 0 else ServerSelectionTimeoutError("…") if ids == ["b"] else None

    with pytest.raises(Unavailable):
        commit(weather, "a", "b", "c")


def test_who_collides_again_and_again_looks_for_those_that_are_gone() -> None:
    once, _, _ = commit(lambda ids, n: Collision() if n < 2 else None, "a")
    often, _, _ = commit(lambda ids, n: Collision() if n < 5 else None, "a")

    assert (once.looks, often.looks) == (0, 2)


def test_the_number_of_tries_is_bounded() -> None:
    unit: Any = FakeUnit(lambda ids, n: Collision())
    with pytest.raises(Unavailable):
        Committer(unit).commit(batch("a"))

    assert len(unit.attempts) == 2 * (COLLISIONS + 1)
