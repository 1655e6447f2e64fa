"""Whatever is changed behind the services' back is found and named."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.collection import Collection

from shared.privacy import Key
from shared.runtime.keyring import KeyRing
from tests.integration.commands.conftest import done
from tests.support.system import System

Document = dict[str, Any]


@pytest.fixture(scope="module")
def stopped(week: System) -> System:
    """The week, its services stopped: what is stored stays as the test leaves it."""
    week.stop_all()
    return week


def faults(city: System, service: str) -> list[str]:
    """Return what verify finds wrong with a service; a finding and the exit code go together."""
    ended = city.niangjia("verify", "--json", "--service", service)
    found = json.loads(ended.stdout)[service]
    assert ended.returncode == (1 if found["faults"] else 0)
    assert found["whole"] is not bool(found["faults"])
    return list(found["faults"])


@contextmanager
def without(collection: Collection[Document], query: Document) -> Iterator[list[Document]]:
    """Take documents away for a while."""
    rows = list(collection.find(query))
    assert rows
    collection.delete_many({"_id": {"$in": [row["_id"] for row in rows]}})
    try:
        yield rows
    finally:
        collection.insert_many(rows)


@contextmanager
def changed(
    collection: Collection[Document], query: Document, change: Callable[[Document], object]
) -> Iterator[Document]:
    """Change a document for a while."""
    row, other = (collection.find_one(query, sort=[("_id", 1)]) for _ in range(2))
    assert row is not None
    assert other is not None
    change(other)
    collection.replace_one({"_id": row["_id"]}, other)
    try:
        yield row
    finally:
        collection.replace_one({"_id": row["_id"]}, row)


def last(collection: Collection[Document], place: int = 1) -> Document:
    """Return a document near the end."""
    return list(collection.find().sort("_id", -1).limit(place))[-1]


def test_a_system_that_nobody_touched_is_whole(stopped: System) -> None:
    done(stopped.niangjia("verify"))


def test_a_changed_event_does_not_fit_its_hash(stopped: System) -> None:
    journal = stopped.database("referral")["journal"]
    number = last(journal, 5)["_id"]

    def soften(entry: Document) -> None:
        entry["events"][0]["data"] = entry["events"][0]["data"].replace("330302", "330303").replace("red", "blue") + " "

    with changed(journal, {"_id": number}, soften):
        assert f"entry {number} does not fit its hash: it or the one before was changed" in faults(stopped, "referral")
    assert faults(stopped, "referral") == []


def test_an_entry_that_was_taken_away_leaves_a_gap(stopped: System) -> None:
    journal = stopped.database("volunteer")["journal"]
    number = last(journal, 9)["_id"]

    with without(journal, {"_id": number}):
        found = faults(stopped, "volunteer")

    assert found[0].startswith(f"expected number {number}, found")


def test_a_journal_whose_end_was_cut_off_is_shorter_than_others_know(stopped: System) -> None:
    journal = stopped.database("intake")["journal"]
    report = journal.find_one({"events.type": "report.received"}, sort=[("_id", -1)])
    assert report is not None
    cut = report["_id"]

    with without(journal, {"_id": {"$gte": cut}}):
        found = faults(stopped, "intake")

    assert any("its relay has seen" in fault and "cut off" in fault for fault in found)
    assert any("referral.from.intake has seen" in fault for fault in found)


def test_a_changed_state_is_named_with_its_fields_and_without_their_values(stopped: System) -> None:
    cases = stopped.database("intake")["case"]

    def lower(row: Document) -> None:
        row["state"]["grade"] = "yellow"
        row["state"]["reasons"] = []

    with changed(cases, {"state.grade": "red"}, lower) as row:
        found = faults(stopped, "intake")

    assert found == [f"case {row['_id']}: is not what follows from the events: grade, reasons"]


def test_changed_keys_of_the_index_are_found(stopped: System) -> None:
    # not each case has keys: of some reports nothing is known by which another could be recognised
    with changed(stopped.database("intake")["case"], {"keys": {"$ne": []}}, lambda row: row.update(keys=[])) as row:
        assert faults(stopped, "intake") == [f"case {row['_id']}: is not what follows from the events: keys"]


def test_a_state_that_is_gone_and_one_too_many_are_found(stopped: System) -> None:
    dockets = stopped.database("referral")["docket"]
    with without(dockets, {"_id": last(dockets, 3)["_id"]}) as (row,):
        assert faults(stopped, "referral") == [f"docket {row['_id']}: follows from the events, but is not stored"]

    dockets.insert_one({**row, "_id": "one-too-many"})
    assert faults(stopped, "referral") == ["docket one-too-many: is stored, but follows from no event"]
    dockets.delete_one({"_id": "one-too-many"})


def test_a_sealed_state_that_was_exchanged_cannot_be_read(stopped: System) -> None:
    cases = stopped.database("intake")["case"]
    other = last(cases)

    with changed(cases, {}, lambda row: row.update(private=other["private"])) as row:
        assert faults(stopped, "intake") == [f"case {row['_id']}: cannot be read (SealBroken)"]


def test_an_event_that_nobody_handled_is_found(stopped: System) -> None:
    volunteer = stopped.database("volunteer")
    entry = last(volunteer["journal"], 4)
    mark = f"volunteer.from.intake/{entry['cause']}"

    with without(volunteer["inbox"], {"_id": mark}):
        (found,) = faults(stopped, "volunteer")
        assert found.endswith(f"has its effect in entry {entry['_id']}, but is not marked as handled")
        # marks expire, and then say nothing
        with changed_marks_of(stopped, entry["cause"]):
            assert faults(stopped, "volunteer") == []

    quiet = stopped.database("referral")
    silent = next(row for row in quiet["inbox"].find() if not _has_effects(quiet, row["_id"]))
    with without(quiet["inbox"], {"_id": silent["_id"]}):
        (found,) = faults(stopped, "referral")
        assert found.endswith("was taken, and is neither handled nor parked")


@contextmanager
def changed_marks_of(city: System, event: str) -> Iterator[None]:
    """Let an event have been stored so long ago that its mark may have expired."""
    journal = city.database("intake")["journal"]
    long_ago = (datetime.now(UTC) - timedelta(days=400)).isoformat()
    with changed(journal, {"events.id": event}, lambda row: row.update(at=long_ago)):
        yield


def _has_effects(database: Any, mark: str) -> bool:
    return database["journal"].find_one({"cause": mark.partition("/")[2]}) is not None


def test_an_event_that_never_was_is_found(stopped: System) -> None:
    inbox = stopped.database("notification")["inbox"]
    inbox.insert_one({"_id": "notification.from.intake/never", "at": datetime.now(UTC)})

    (found,) = faults(stopped, "notification")

    assert found == "notification.from.intake: 1 events are marked as handled that were never published"
    inbox.delete_one({"_id": "notification.from.intake/never"})


@pytest.mark.parametrize("half", [0, 1])
def test_each_key_that_was_damaged_is_named(stopped: System, half: int) -> None:
    keys = stopped.database("intake")["keys"]
    # where none of the first few can be opened, it is the master key that is wrong: every other one stays whole
    rows = list(keys.find())[half::2]

    with ExitStack() as stack:
        for row in rows:
            stack.enter_context(changed(keys, {"_id": row["_id"]}, damage))
        found = faults(stopped, "intake")

    named = {fault for fault in found if fault.startswith("the key of ")}
    assert named == {f"the key of {row['_id']} cannot be opened" for row in rows}
    assert faults(stopped, "intake") == []


def damage(row: Document) -> None:
    """Let one bit of a key be another."""
    row["wrapped"] = row["wrapped"][:-1] + bytes([row["wrapped"][-1] ^ 1])


def test_another_master_key_is_one_clear_error(stopped: System) -> None:
    other = stopped.folder / "other"
    other.mkdir()
    for name in ("token", "master", "index"):
        (other / f"{name}.key").write_text(secrets.token_hex(32))

    for command in ("verify", "outcomes"):
        ended = stopped.niangjia(command, NIANGJIA_SECRETS=str(other))
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.count("\n") == 1
        assert "the master key" in ended.stderr


def destroy(keys: KeyRing, owner: str) -> None:
    """Destroy a key behind the service's back."""
    keys.doom([owner])
    keys.save(None)
    keys.settle(kept=True)


def test_who_is_erased_is_no_fault(stopped: System) -> None:
    master = Key(stopped.settings("intake").key("master"))
    case = last(stopped.database("intake")["case"], 10)["_id"]
    volunteer = stopped.database("volunteer")["team"].find_one({"state.filled": {"$ne": {}}}, sort=[("_id", 1)])
    assert volunteer is not None
    helper = next(iter(volunteer["state"]["filled"].values()))

    destroy(KeyRing(stopped.database("intake"), "intake", master), case)
    destroy(KeyRing(stopped.database("volunteer"), "volunteer", master), helper)

    for service in ("intake", "volunteer"):
        assert faults(stopped, service) == []
    assert "1 erased" in done(stopped.niangjia("verify", "--service", "intake"))
    # what is known without her stays
    rows = [json.loads(line) for line in done(stopped.niangjia("outcomes")).splitlines()]
    assert len(rows) == 142
    assert {row["report_key"] for row in rows} >= {None}
