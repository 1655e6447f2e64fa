"""One transaction takes many messages; what fails harms no other; two processes never write over each other."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from pymongo.database import Database

from shared.runtime import metrics
from shared.runtime.database import Document
from shared.runtime.ticket import Fate, Ticket
from tests.integration.runtime.store import CONSUMER, Store
from tests.integration.runtime.toy import Toy, case, note, report


def fates(tickets: list[Ticket]) -> list[Fate]:
    return [ticket.fate for ticket in tickets]


def test_a_batch_is_stored_as_a_whole(store: Store) -> None:
    tickets = store.do(*(note(name, n) for n in range(20) for name in "abc"))

    assert {ticket.fate for ticket in tickets} == {Fate.DONE}
    assert tickets[-1].answer == {"taken": list(range(20))}
    assert store.taken(case("a")) == list(range(20))
    assert store.unit.journal.head().sequence == 60
    store.check()


@pytest.mark.parametrize(
    ("do", "fate"),
    [
        ("refuse", Fate.REFUSED),
        ("fail", Fate.FAILED),
        ("fail to want", Fate.FAILED),
        ("hold too large a number", Fate.FAILED),
        ("hold too much", Fate.FAILED),
    ],
)
def test_what_is_refused_or_fails_harms_no_other(store: Store, do: str, fate: Fate) -> None:
    tickets = store.do(note("a", 1), note("b", 1), note("a", 2, do), note("b", 2), note("a", 3))

    assert fates(tickets) == [Fate.DONE, Fate.DONE, fate, Fate.DONE, Fate.DONE]
    assert (store.taken(case("a")), store.taken(case("b"))) == ([1, 3], [1, 2])
    store.check()


def test_after_a_failure_what_was_remembered_is_true(store: Store) -> None:
    store.do(note("a", 1))
    store.do(note("a", 2, "hold too large a number"))
    store.do(note("a", 3))

    assert store.taken(case("a")) == [1, 3]
    store.check()


def test_a_command_that_comes_twice_is_noticed_by_its_id_at_the_latest(store: Store) -> None:
    """This model does not know its own commands again; the journal does."""
    store.do(note("a", 1, key="once"))
    again, next_one = store.do(note("a", 1, key="once"), note("a", 2))

    assert (again.fate, next_one.fate) == (Fate.FAILED, Fate.DONE)
    assert store.taken(case("a")) == [1, 2]
    store.check()


def test_an_event_that_comes_again_changes_nothing(store: Store, other: Store) -> None:
    event = report("a", 1)

    assert fates(store.take(event, event)) == [Fate.DONE, Fate.REPEATED]
    assert fates(store.take(event)) == [Fate.REPEATED]
    assert fates(other.take(event, report("a", 2))) == [Fate.REPEATED, Fate.DONE]
    assert store.taken(case("a")) == [1, 2]
    assert store.unit.inbox.positions() == {CONSUMER: 2}
    store.check()


def test_a_replica_sees_what_another_has_stored(store: Store, other: Store) -> None:
    for n in range(0, 6, 2):
        store.do(note("a", n))
        other.do(note("a", n + 1))

    assert store.taken(case("a")) == list(range(6))
    store.check()


def test_two_processes_at_once_lose_nothing_and_double_nothing(store: Store, other: Store) -> None:
    collisions = metrics.COLLISIONS._value.get()

    def work(replica: Store, mine: int) -> None:
        for n in range(15):
            replica.do(*(note(name, 1000 * mine + n) for name in "abcd"))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (store, other), (1, 2)))

    for name in "abcd":
        taken = store.taken(case(name))
        assert sorted(taken) == [1000 + n for n in range(15)] + [2000 + n for n in range(15)]
        assert [n for n in taken if n < 2000] == [1000 + n for n in range(15)]
        assert [n for n in taken if n >= 2000] == [2000 + n for n in range(15)]
    assert store.unit.journal.head().sequence == 120
    assert metrics.COLLISIONS._value.get() > collisions
    store.check()


def test_the_same_events_handled_by_two_processes_at_once_count_once(store: Store, other: Store) -> None:
    """A consumer that lost its connection still works on its batch while the broker gives it to the next."""
    events = [report(name, n) for n in range(1, 9) for name in "abc"]

    def work(replica: Store) -> None:
        for start in range(0, len(events), 6):
            replica.take(*events[start : start + 6])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (store, other)))

    for name in "abc":
        assert store.taken(case(name)) == list(range(1, 9))
    assert store.database["inbox"].count_documents({}) == len(events)
    store.check()


def test_what_is_sealed_stands_nowhere_in_the_clear(store: Store) -> None:
    store.do(note("a", 424242))
    (entry,) = store.unit.journal.after(0)
    (fact,) = store.unit.journal.facts(entry)

    assert fact.private == {"n": 424242}
    assert b"424242" not in entry["events"][0]["private"]
    row = store.database["diary"].find_one({})
    assert row is not None
    assert "private" not in row["state"]
    assert b"424242" not in row["private"]


def test_replicas_that_start_at_the_same_moment_do_not_fail_their_first_commits(database: Database[Document]) -> None:
    """The server refuses to look back past the making of a collection or an index."""

    def start(name: str) -> list[Ticket]:
        replica = Store(database, Toy()).prepare()
        return [ticket for n in range(3) for ticket in replica.do(note(name, n))]

    for _ in range(15):
        with ThreadPoolExecutor(2) as pool:
            tickets = [ticket for done in pool.map(start, "ab") for ticket in done]
        assert set(fates(tickets)) == {Fate.DONE}
        database.client.drop_database(database.name)
