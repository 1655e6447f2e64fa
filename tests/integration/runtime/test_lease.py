"""Of the replicas of a service one publishes; when it is silent for too long, another takes over where it was."""

from datetime import timedelta

import pytest
from pymongo.database import Database

from shared.runtime import lease as module
from shared.runtime.database import Document
from shared.runtime.lease import Lease
from tests.support.system import wait_until


@pytest.fixture
def pair(database: Database[Document]) -> tuple[Lease, Lease]:
    return Lease(database, "one"), Lease(database, "two")


def test_one_has_it(pair: tuple[Lease, Lease]) -> None:
    one, two = pair

    assert one.take()
    assert not two.take()
    assert one.take()


def test_what_is_published_is_known_to_all(pair: tuple[Lease, Lease]) -> None:
    one, two = pair
    one.take()

    assert one.save(7)
    assert (one.known(), two.known()) == (7, 7)
    assert not two.save(9)
    assert two.known() == 7


def test_who_is_silent_is_followed_by_another_where_it_was(
    pair: tuple[Lease, Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = pair
    # Short for the first only: the second must not lose it to a database that writes slowly for once.
    with monkeypatch.context() as short:
        short.setattr(module, "TERM", timedelta(seconds=0.5))
        one.take()
        one.save(7)
    wait_until(two.take, "the lease to end")

    assert two.published == 7
    assert not one.take()
    assert not one.save(8)
    assert two.known() == 7


def test_who_goes_on_saying_something_keeps_it(pair: tuple[Lease, Lease], database: Database[Document]) -> None:
    one, two = pair
    one.take()
    for number in range(1, 5):
        # More than half of the term goes by, in the row, however fast or slow the machine is.
        gone_by = {"$subtract": ["$until", int(module.TERM.total_seconds() * 600)]}
        assert database["relay"].update_one({"_id": "relay"}, [{"$set": {"until": gone_by}}]).modified_count == 1
        assert one.save(number)
        assert not two.take()


def test_who_lets_go_is_followed_at_once(pair: tuple[Lease, Lease]) -> None:
    one, two = pair
    one.take()
    two.release()
    assert not two.take()
    one.release()
    assert two.take()


def test_the_number_never_goes_back(pair: tuple[Lease, Lease]) -> None:
    one, _ = pair
    one.take()
    one.save(7)
    one.save(5)

    assert one.known() == 7


def test_a_process_that_starts_again_has_its_own_lease_at_once(
    pair: tuple[Lease, Lease], database: Database[Document]
) -> None:
    one, _ = pair
    one.take()
    one.save(3)
    again = Lease(database, "one")

    assert again.take()
    assert again.published == 3
