"""An event that fails waits in the database, with its case and without the others, until it gets through."""

from datetime import datetime, timedelta

import pytest

from shared.runtime.ticket import Fate, Ticket
from tests.integration.runtime.store import CONSUMER, Store, now
from tests.integration.runtime.toy import case, report


def fates(tickets: list[Ticket]) -> list[Fate]:
    return [ticket.fate for ticket in tickets]


@pytest.fixture
def late() -> datetime:
    """Long after every delay."""
    return now() + timedelta(days=1)


def test_later_events_of_a_failing_case_queue_up_and_others_pass(store: Store, late: datetime) -> None:
    store.model.failing = {case("bad")}
    first = store.take(report("bad", 1), report("good", 2), report("bad", 3))
    second = store.take(report("bad", 4), report("good", 5))

    assert fates(first) == [Fate.FAILED, Fate.DONE, Fate.BEHIND]
    assert fates(second) == [Fate.BEHIND, Fate.DONE]
    assert (store.taken(case("bad")), store.taken(case("good"))) == ([], [2, 5])

    store.model.failing = set()
    while store.retry(late):
        pass
    assert store.taken(case("bad")) == [1, 3, 4]
    assert fates(store.take(report("bad", 6))) == [Fate.DONE]
    assert store.parking.waiting() == 0
    store.check()


def test_a_case_waits_longer_after_each_try_then_for_a_person(store: Store) -> None:
    store.model.failing = {case("bad")}
    began = now()
    store.take(report("bad", 1), report("bad", 2))
    failed = now()

    assert store.retry(began + timedelta(seconds=9)) == []
    began = now()
    assert fates(store.retry(failed + timedelta(seconds=15))) == [Fate.FAILED]
    failed = now()
    assert store.retry(began + timedelta(seconds=19)) == []
    assert fates(store.retry(failed + timedelta(seconds=25))) == [Fate.FAILED]
    assert store.retry(failed + timedelta(days=1)) == []

    (dead,) = store.parking.dead()
    assert (dead["attempts"], dead["consumer"], dead["lane"]) == (3, CONSUMER, case("bad"))
    assert dead["reason"].startswith("KeyError in Toy.decide:")
    assert case("bad") not in dead["reason"]
    assert (store.parking.count_dead(), store.parking.waiting()) == (1, 0)


def test_a_dead_letter_sent_back_gets_through_and_its_case_follows_in_order(store: Store, late: datetime) -> None:
    store.model.failing = {case("bad")}
    store.take(report("bad", 1))
    for _ in range(2):
        store.retry(late)
    store.take(report("bad", 2), report("bad", 3))
    store.model.failing = set()

    assert store.retry(late) == []
    assert store.parking.retry([dead["_id"] for dead in store.parking.dead()], now()) == 1
    while store.retry(now()):
        pass
    assert store.taken(case("bad")) == [1, 2, 3]
    assert store.database["parked"].count_documents({}) == 0


def test_a_dead_letter_that_is_discarded_lets_its_case_go_on(store: Store, late: datetime) -> None:
    store.model.failing = {case("bad")}
    store.take(report("bad", 1), report("bad", 2))
    for _ in range(2):
        store.retry(late)
    store.model.failing = set()

    assert store.parking.discard([dead["_id"] for dead in store.parking.dead()], now()) == 1
    store.retry(now())
    assert store.taken(case("bad")) == [2]


def test_a_dead_letter_holds_up_its_case_in_its_own_queue_only(store: Store, late: datetime) -> None:
    """The same case may wait in the queue of another source, or for a timer."""
    store.model.failing = {case("bad")}
    store.take(report("bad", 1), report("bad", 2))
    for _ in range(2):
        store.retry(late)
    store.parking.add("referral.timers", report("bad", 3), "…", now(), attempts=1, session=None)

    assert (store.parking.count_dead(), store.parking.waiting()) == (1, 1)


def test_only_dead_letters_can_be_discarded_or_sent_back(store: Store) -> None:
    store.model.failing = {case("bad")}
    store.take(report("bad", 1))
    ids = [row["_id"] for row in store.database["parked"].find()]

    assert store.parking.discard(ids, now()) == 0
    assert store.parking.retry(ids, now()) == 0


def test_an_event_delivered_again_while_it_is_parked_keeps_its_tries(store: Store, late: datetime) -> None:
    store.model.failing = {case("bad")}
    store.take(report("bad", 1))
    store.retry(late)
    store.take(report("bad", 1))

    (row,) = store.database["parked"].find()
    assert row["attempts"] == 2


def test_an_event_handled_elsewhere_meanwhile_is_not_parked_any_more(store: Store, other: Store) -> None:
    store.model.failing = {case("bad")}
    store.take(report("bad", 1))
    later = now() + timedelta(days=1)

    assert fates(other.retry(later)) == [Fate.DONE]
    assert store.retry(later) == []
    assert fates(store.take(report("bad", 1))) == [Fate.REPEATED]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"opens_case": "yes"}, "report.received: opens_case:"),
        ({"version": 99}, "report.received has version 99, this release knows up to"),
    ],
)
def test_what_this_release_cannot_read_is_parked_with_the_reason(
    store: Store, changes: dict[str, object], reason: str
) -> None:
    (ticket,) = store.take(report("a", 1, **changes))
    (row,) = store.database["parked"].find()

    assert ticket.fate is Fate.FAILED
    assert row["reason"].startswith(reason)


def test_when_all_fail_most_stay_with_the_broker(store: Store) -> None:
    store.model.failing = {"*"}
    tickets = store.take(*(report(f"case{n}", n) for n in range(1, 31)))

    assert fates(tickets).count(Fate.OPEN) == 20
    assert store.committer.all_fail
    assert store.database["parked"].count_documents({}) == 10

    store.model.failing = set()
    open_ones = [ticket.event for ticket in tickets if ticket.fate is Fate.OPEN and ticket.event]
    assert set(fates(store.take(*open_ones))) == {Fate.DONE}
    assert not store.committer.all_fail


def test_only_the_first_of_each_case_is_tried(store: Store, late: datetime) -> None:
    store.model.failing = {"*"}
    for name in ("a", "b", "c"):
        store.take(*(report(name, n) for n in range(1, 6)))

    assert len(store.parking.due(CONSUMER, late, 100)) == 3
    assert len(store.parking.due(CONSUMER, late, 2)) == 2
    assert {row["sequence"] for row in store.parking.due(CONSUMER, late, 100)} == {1}


def test_an_unreadable_message_is_kept_once_and_blocks_nobody(store: Store) -> None:
    for _ in range(2):
        store.parking.add_unreadable(CONSUMER, "hash", b"sealed", "there are no headers", now())

    (dead,) = store.parking.dead()
    assert (dead["reason"], dead["sealed"]) == ("there are no headers", b"sealed")
    assert fates(store.take(report("a", 1))) == [Fate.DONE]
