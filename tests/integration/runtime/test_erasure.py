"""A key goes with the fact that erases its owner: in one transaction, in every process, for good."""

import pytest
from pymongo.database import Database

from shared.runtime.database import Document
from shared.runtime.ticket import Fate
from tests.integration.runtime.store import Store
from tests.integration.runtime.toy import Forgetful, case, note


@pytest.fixture
def store(database: Database[Document]) -> Store:
    return Store(database, Forgetful()).prepare()


@pytest.fixture
def other(database: Database[Document], store: Store) -> Store:
    return Store(database, Forgetful())


def told(store: Store, name: str) -> list[int]:
    """Return what can still be read of a case in the journal."""
    facts = [fact for entry in store.unit.journal.after(0) for fact in store.unit.journal.facts(entry)]
    return [fact.private["n"] for fact in facts if fact.case == case(name) and fact.private]


def test_what_was_sealed_is_unreadable_once_it_is_committed(store: Store, other: Store) -> None:
    store.do(note("a", 1), note("b", 1))
    assert (told(other, "a"), told(other, "b")) == ([1], [1])
    (ticket,) = store.do(note("a", 2, "erase"))

    assert ticket.fate is Fate.DONE
    assert (told(store, "a"), told(store, "b")) == ([], [1])
    assert store.database["keys"].find_one({"_id": case("a")}) == {"_id": case("a")}
    row = store.database["diary"].find_one({"_id": case("a")})
    assert row == {"_id": case("a"), "state": {"id": case("a"), "taken": []}}
    store.check()


def test_a_case_may_be_made_and_erased_in_one_batch(store: Store) -> None:
    tickets = store.do(note("a", 1), note("b", 1), note("a", 2, "erase"), note("b", 2))

    assert {ticket.fate for ticket in tickets} == {Fate.DONE}
    assert (told(store, "a"), told(store, "b")) == ([], [1, 2])
    store.check()


@pytest.mark.parametrize("together", [True, False])
def test_nothing_more_is_kept_of_whom_was_erased_and_no_other_is_harmed(
    store: Store, other: Store, together: bool
) -> None:
    store.do(note("a", 1))
    other.do(note("a", 2))
    if together:
        tickets = store.do(note("a", 3, "erase"), note("a", 4), note("b", 1))[1:]
    else:
        store.do(note("a", 3, "erase"))
        tickets = other.do(note("a", 4), note("b", 1))

    assert [ticket.fate for ticket in tickets] == [Fate.FAILED, Fate.DONE]
    for replica in (store, other):
        replica.unit.load_keys([case("a")])
        assert (told(replica, "a"), told(replica, "b")) == ([], [1])
    assert store.taken(case("a")) == []
    store.check()


def test_an_erasure_that_is_not_committed_destroys_nothing(store: Store) -> None:
    store.do(note("a", 1))
    store.do(note("a", 1, "erase", key="once"))
    store.do(note("b", 1))
    # The journal knows this cause: the transaction fails, and with it what it would have destroyed.
    (ticket,) = store.do(note("b", 2, "erase", key="once"))

    assert ticket.fate is Fate.FAILED
    assert (told(store, "a"), told(store, "b")) == ([], [1])
    store.do(note("b", 3))
    assert told(store, "b") == [1, 3]
    store.check()


def test_a_replica_that_commits_nothing_asks_anew_before_it_reads(store: Store, other: Store) -> None:
    store.do(note("a", 1))
    assert told(other, "a") == [1]
    store.do(note("a", 2, "erase"))
    other.unit.load_keys([case("a")])

    assert told(other, "a") == []
