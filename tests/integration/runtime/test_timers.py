"""A timer is set with what decides on it, and acted on once, whoever looks and whatever is killed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from pymongo.database import Database

from shared.runtime.database import Document
from shared.runtime.ticket import Fate, Ticket
from tests.integration.runtime.store import Store
from tests.integration.runtime.store import now as clock
from tests.integration.runtime.toy import NOON, Alarms, case, note

HOUR = timedelta(hours=1)


@pytest.fixture
def store(database: Database[Document]) -> Store:
    return Store(database, Alarms()).prepare()


@pytest.fixture
def other(database: Database[Document], store: Store) -> Store:
    return Store(database, Alarms())


def fates(tickets: list[Ticket]) -> list[Fate]:
    return [ticket.fate for ticket in tickets]


def due(store: Store, now: datetime) -> list[str]:
    return [row["_id"] for row in store.unit.timers.due(now, 100)]


def test_a_timer_is_acted_on_when_its_time_has_come(store: Store) -> None:
    store.do(note("a", 2))

    assert store.fire(NOON + HOUR) == []
    assert fates(store.fire(NOON + 2 * HOUR)) == [Fate.DONE]
    assert store.fire(NOON + 9 * HOUR) == []
    assert store.taken(case("a")) == [2, -2]
    store.check()


def test_the_message_of_a_timer_has_the_time_at_which_it_was_due(store: Store) -> None:
    store.do(note("a", 2))
    (ticket,) = store.fire(NOON + 100 * HOUR)

    assert ticket.message.time == NOON + 2 * HOUR
    assert (ticket.message.type, ticket.message.case) == ("alarm.due", case("a"))
    *_, entry = store.unit.journal.after(0)
    assert entry["events"][0]["time"] == (NOON + 2 * HOUR).isoformat()


def test_timers_come_in_the_order_of_their_times(store: Store) -> None:
    for hours, name in ((3, "c"), (1, "a"), (2, "b")):
        store.do(note(name, hours))
    store.fire(NOON + 9 * HOUR)

    entries = list(store.unit.journal.after(3))
    assert [entry["events"][0]["subject"] for entry in entries] == [case(name) for name in "abc"]


def test_a_timer_set_again_is_replaced_and_one_taken_away_is_gone(store: Store) -> None:
    store.do(note("a", 1), note("b", 1))
    store.do(note("a", 5), note("b", 0))

    assert store.fire(NOON + HOUR) == []
    assert due(store, NOON + 5 * HOUR) == [f"alarm {case('a')}"]


def test_who_is_refused_sets_no_timer(store: Store) -> None:
    store.do(note("a", 1, "refuse"), note("b", 1, "fail"))

    assert due(store, NOON + 9 * HOUR) == []


def test_a_timer_that_was_cancelled_after_it_was_found_is_not_acted_on(store: Store, other: Store) -> None:
    store.do(note("a", 1), note("b", 1), note("c", 1))
    found = store.unit.timers.due(NOON + HOUR, 100)
    other.do(note("a", 0), note("b", 2))

    tickets = store.act_on(found)
    assert {ticket.message.case for ticket in tickets if ticket.fate is Fate.DONE} == {case("c")}
    assert due(store, NOON + 9 * HOUR) == [f"alarm {case('b')}"]
    store.check()


def test_a_timer_that_is_cancelled_in_the_same_batch_is_not_acted_on(store: Store) -> None:
    store.do(note("a", 1))
    (row,) = store.unit.timers.due(NOON + HOUR, 1)
    tickets = [Ticket(message=note("a", 0)), *store.timer_tickets([row])]
    store.committer.commit(tickets)

    assert fates(tickets) == [Fate.DONE, Fate.REPEATED]
    assert store.taken(case("a")) == [1, 0]


def test_two_schedulers_at_once_act_once(store: Store, other: Store) -> None:
    names = [f"case{n}" for n in range(150)]
    store.do(*(note(name, 1 + n % 3) for n, name in enumerate(names)))

    def work(replica: Store) -> None:
        while replica.unit.timers.due(NOON + 9 * HOUR, 1):
            found = replica.unit.timers.due(NOON + 9 * HOUR, 20)
            replica.act_on(found)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (store, other)))

    for n, name in enumerate(names):
        assert store.taken(case(name)) == [1 + n % 3, -(1 + n % 3)]
    assert store.database["timers"].count_documents({}) == 0
    store.check()


def test_a_timer_that_fails_is_parked_with_its_case_and_tried_again(store: Store) -> None:
    store.do(note("bad", 1), note("good", 1))
    store.model.failing = {case("bad")}

    assert sorted(fates(store.fire(NOON + HOUR))) == [Fate.DONE, Fate.FAILED]
    failed = clock()
    assert store.fire(NOON + 9 * HOUR) == []
    store.model.failing = set()
    assert fates(store.retry_timers(failed + timedelta(seconds=15))) == [Fate.DONE]
    assert store.taken(case("bad")) == [1, -1]
    store.check()


def test_a_timer_that_always_fails_becomes_a_dead_letter(store: Store) -> None:
    store.do(note("bad", 1))
    store.model.failing = {"*"}
    store.fire(NOON + HOUR)
    for _ in range(2):
        store.retry_timers(clock() + HOUR)

    (dead,) = store.parking.dead()
    assert (dead["consumer"], dead["type"], dead["lane"]) == ("referral.timers", "alarm.due", case("bad"))
    store.model.failing = set()
    store.parking.retry([dead["_id"]], clock())
    store.retry_timers(clock())
    assert store.taken(case("bad")) == [1, -1]


def test_without_another_clock_the_database_s_counts(store: Store) -> None:
    store.do(note("past", 1), note("future", 1, time=clock()))

    assert [ticket.message.case for ticket in store.fire()] == [case("past")]


def test_due_timers_are_found_by_an_index(store: Store) -> None:
    store.do(*(note(f"case{n}", 1 + n) for n in range(50)))
    for query in ({"due_at": {"$lte": NOON}}, {"$expr": {"$lte": ["$due_at", "$$NOW"]}}):
        plan = store.unit.timers.rows.find(query).sort([("due_at", 1), ("_id", 1)]).explain()
        assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"])
