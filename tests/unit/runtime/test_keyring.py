"""A key is made with what it seals, kept with it or not at all, and never lost in between."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import InsertOne, UpdateOne

from shared.privacy import Key, SealBroken
from shared.runtime import keyring
from shared.runtime.keyring import KeyRing


class Rows:
    """As much of a collection as the ring uses."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.looked_for: list[str] = []
        #: Owners whose key was ever written.
        self.written: list[str] = []

    def find(self, query: dict[str, Any], session: object = None) -> Iterator[dict[str, Any]]:
        self.looked_for += query["_id"]["$in"]
        return iter([self.rows[owner] for owner in query["_id"]["$in"] if owner in self.rows])

    def bulk_write(self, changes: list[InsertOne[Any] | UpdateOne], ordered: bool, session: object) -> None:
        for change in changes:
            row = change._doc if isinstance(change, InsertOne) else dict(change._filter)
            assert isinstance(change, UpdateOne) or row["_id"] not in self.rows
            self.rows[row["_id"]] = row
            self.written += [row["_id"]] if "wrapped" in row else []


@pytest.fixture
def rows() -> Rows:
    return Rows()


def ring(rows: Rows, service: str = "intake") -> KeyRing:
    database: Any = {"keys": rows}
    return KeyRing(database, service, Key(bytes(32)))


def stored(rows: Rows, *owners: str) -> dict[str, bytes]:
    """Commit something sealed for each owner; return it."""
    keys = ring(rows)
    sealed = {owner: keys.seal(owner, f"about {owner}".encode()) for owner in owners}
    session: Any = None
    keys.save(session)
    keys.settle(kept=True)
    return sealed


def test_what_was_committed_opens_in_another_process(rows: Rows) -> None:
    sealed = stored(rows, "a", "b")

    assert ring(rows).open("a", sealed["a"]) == b"about a"
    assert b"about" not in str(rows.rows).encode()


def test_a_key_whose_transaction_failed_is_forgotten(rows: Rows) -> None:
    keys = ring(rows)
    sealed = keys.seal("a", b"about a")
    keys.settle(kept=False)

    with pytest.raises(KeyError):
        keys.open("a", sealed)


def test_keys_are_bound_to_their_owner_and_service(rows: Rows) -> None:
    sealed = stored(rows, "a", "b")

    with pytest.raises(SealBroken):
        ring(rows).open("b", sealed["a"])
    with pytest.raises(SealBroken):
        ring(rows, "referral").open("a", sealed["a"])


def commit(keys: KeyRing, *, kept: bool = True) -> None:
    session: Any = None
    if kept:
        keys.save(session)
    keys.settle(kept=kept)


def test_what_a_destroyed_key_sealed_is_gone_and_nothing_new_is_kept(rows: Rows) -> None:
    sealed = stored(rows, "a", "b")
    keys = ring(rows)
    keys.load(["a", "b"])
    keys.doom(["a"])
    with pytest.raises(PermissionError):
        keys.seal("a", b"more")
    assert keys.is_destroyed("a")
    commit(keys)

    assert keys.open("a", sealed["a"]) is None
    assert ring(rows).open("a", sealed["a"]) is None
    assert keys.is_destroyed("a")
    assert "wrapped" not in rows.rows["a"]
    assert keys.open("b", sealed["b"]) == b"about b"
    with pytest.raises(PermissionError):
        keys.seal("a", b"more")


def test_a_key_is_destroyed_with_its_transaction_or_not_at_all(rows: Rows) -> None:
    sealed = stored(rows, "a")
    keys = ring(rows)
    keys.load(["a"])
    keys.doom(["a"])
    commit(keys, kept=False)

    assert keys.open("a", sealed["a"]) == b"about a"
    assert not keys.is_destroyed("a")
    assert ring(rows).open("a", keys.seal("a", b"more")) == b"more"


def test_a_key_that_is_made_and_destroyed_in_one_transaction_is_never_stored(rows: Rows) -> None:
    keys = ring(rows)
    sealed = keys.seal("a", b"about a")
    keys.doom(["a"])
    commit(keys)

    assert rows.rows == {"a": {"_id": "a"}}
    assert rows.written == []
    assert keys.open("a", sealed) is None


def test_a_key_that_was_fetched_before_it_was_destroyed_does_not_come_back(rows: Rows) -> None:
    sealed = stored(rows, "a")
    keys = ring(rows)
    fetched = dict(rows.rows["a"])
    keys.load(["a"])
    keys.doom(["a"])
    commit(keys)
    rows.rows["a"] = fetched  # the answer to who asked before is still on its way
    keys.load(["a"], anew=True)

    assert keys.open("a", sealed["a"]) is None


def test_a_key_that_another_process_destroyed_is_gone_once_it_is_asked_for_anew(rows: Rows) -> None:
    sealed = stored(rows, "a", "b")
    here, there = ring(rows), ring(rows)
    here.load(["a", "b"])
    there.load(["a", "b"])
    there.doom(["a", "b"])
    commit(there)

    here.load(["a"], anew=True)
    assert here.open("a", sealed["a"]) is None
    here.forget()
    assert here.open("b", sealed["b"]) is None


def test_memory_is_bounded(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "CACHED", 3)
    owners = [str(n) for n in range(20)]
    stored(rows, *owners)
    keys = ring(rows)
    for owner in owners:
        keys.load([owner])

    assert len(keys._keys) <= 4


def test_a_reader_takes_no_key_out_of_the_hands_of_a_commit(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit seals an event, waits for the database, then seals the state; a reader fills the memory in between."""
    monkeypatch.setattr(keyring, "CACHED", 3)
    stored(rows, *map(str, range(20)))
    keys = ring(rows)
    keys.hold()
    event = keys.seal("new", b"event")
    for n in range(20):
        keys.load([str(n)])
    state = keys.seal("new", b"state")
    session: Any = None
    keys.save(session)
    keys.settle(kept=True)

    assert ring(rows).open("new", event) == b"event"
    assert ring(rows).open("new", state) == b"state"
    assert len(keys._keys) <= 4
