"""States are made anew from the journal: as they were, in another shape, and whatever it is cut short at."""

import os
import secrets
import warnings
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # eventlet and nameko warn when they are imported
    from deploy.stores import Store
    from shared.runtime.database import Document, connect
    from tests.integration.runtime.store import Store as Replica

from deploy.audit.finding import Audit
from deploy.audit.fold import Fold
from deploy.home import Home
from deploy.problem import Problem
from deploy.rebuild import rebuild, running
from deploy.rebuild.rebuild import Rebuild, Rebuilt
from deploy.rebuild.swap import WAITING
from shared.events import Catalogue, Publisher
from shared.events.fields import Code, Data, Id
from shared.kernel import Model
from shared.runtime.journal import Journal
from shared.runtime.lease import Lease
from shared.runtime.rebuilding import Rebuilding
from shared.runtime.settings import Settings
from shared.runtime.ticket import Fate
from shared.runtime.unavailable import Unavailable
from tests.integration.replay.reshaped import Reshaped
from tests.integration.runtime.toy import NOON, Alarms, Forgetful, Toy, case, note

NAMES = [f"case{n}" for n in range(30)]


def is_stopped() -> None:
    """Nothing runs."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """What a service has stored, read from outside of it; its master key is that of the replicas of these tests."""
    (tmp_path / "master.key").write_text("00" * 32)
    namespace = f"t{secrets.token_hex(4)}"
    settings = Settings(
        service="referral",
        amqp_uri="",
        mongo_uri=os.environ["MONGO_URI"],
        secrets=tmp_path,
        namespace=namespace,
        outbox="off",
    )
    store = Store(settings, connect(settings.mongo_uri, settings.database).client)
    yield store
    for name in (store.database.name, f"{namespace}-fresh"):
        store.database.client.drop_database(name)
    store.database.client.close()


@pytest.fixture
def fresh(store: Store) -> Database[Document]:
    """A database in which nothing is yet."""
    return store.database.client[f"{store.settings.namespace}-fresh"]


def replica(store: Store, model: Model) -> Replica:
    return Replica(store.database, model)


def written(store: Store, model: Model) -> Replica:
    """Return a replica that has written something down."""
    it = replica(store, model).prepare()
    it.do(*(note(name, n % 5 + 1) for n, name in enumerate(NAMES)))
    it.do(*(note(name, 9) for name in NAMES[::3]))
    return it


def stored(database: Database[Document], kind: str) -> dict[str, Any]:
    return {row["_id"]: row["state"] for row in database[kind].find()}


def test_what_is_rebuilt_equals_what_is_stored(store: Store, fresh: Database[Document]) -> None:
    written(store, Toy())

    result = Rebuild(store, Toy()).into(fresh.name)

    assert result.equal
    assert result.states == {"diary": len(NAMES)}
    assert result.sequence == len(NAMES) + 10
    assert stored(fresh, "diary") == stored(store.database, "diary")
    sealed = {row["_id"]: row["private"] for row in fresh["diary"].find()}
    for row in store.database["diary"].find():
        assert store.keys.open(row["_id"], sealed[row["_id"]]) == store.keys.open(row["_id"], row["private"])


def test_what_differs_is_named_and_shows_no_value(store: Store) -> None:
    written(store, Toy())
    diaries = store.database["diary"]
    diaries.update_one({"_id": case("case1")}, {"$set": {"state.taken": [7777]}})
    diaries.delete_one({"_id": case("case2")})
    diaries.insert_one({"_id": "another", "state": {"id": "another", "taken": [7777]}})

    result = Rebuild(store, Toy()).compare()

    assert {(one.ref.id, one.what, one.fields) for one in result.differences} == {
        (case("case1"), "is not what follows from the events", ("taken",)),
        (case("case2"), "follows from the events, but is not stored", ()),
        ("another", "is stored, but follows from no event", ()),
    }
    assert not result.equal
    assert "7777" not in str(result.as_json())


def test_a_database_that_is_not_empty_is_left_alone(store: Store, fresh: Database[Document]) -> None:
    written(store, Toy())
    fresh["other"].insert_one({})

    with pytest.raises(Problem, match="is not empty"):
        Rebuild(store, Toy()).into(fresh.name)
    with pytest.raises(Problem, match="cannot be the name"):
        Rebuild(store, Toy()).into("../x")

    assert fresh.list_collection_names() == ["other"]


def test_an_upgrade_that_changes_states_is_a_rebuild(store: Store) -> None:
    """A field has another name, one is new, a kind is new; no script says how the old become the new."""
    before = written(store, Toy())
    old = {name: before.taken(case(name)) for name in NAMES}
    (failed,) = replica(store, Reshaped()).do(note("case0", 4))
    assert failed.fate is Fate.FAILED, "the new release cannot read what the old one stored"

    result = Rebuild(store, Reshaped()).replace(is_stopped)

    assert result.replaced
    assert {one.what for one in result.differences} == {
        "cannot be read (ValidationError)",
        "follows from the events, but is not stored",
    }
    assert ("numbers", "sum", "taken") in {one.fields for one in result.differences}
    assert result.states == {"diary": len(NAMES), "total": len(NAMES)}
    assert stored(store.database, "diary")[case("case1")].keys() == {"id", "numbers", "sum"}
    after = replica(store, Reshaped())
    (ticket,) = after.do(note("case0", 4))
    assert ticket.fate is Fate.DONE
    assert ticket.answer == {"numbers": [*old["case0"], 4]}
    after.check()
    assert "keys_1" in store.database["total"].index_information()
    assert store.database["total"].count_documents({"keys": "count:3"}) == 1
    assert Rebuild(store, Reshaped()).compare().equal


def test_a_service_decides_nothing_on_half_of_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut short between two renames, it is called again, and carried through."""
    written(store, Toy())
    cut_short_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        Rebuild(store, Reshaped()).replace(is_stopped)
    monkeypatch.undo()
    names = set(store.database.list_collection_names())
    assert {"diary", WAITING + "total"} <= names
    assert WAITING + "diary" not in names

    for model in (Toy(), Reshaped()):
        with pytest.raises(Unavailable, match="being rebuilt"):
            replica(store, model).do(note("case0", 4))
    result = Rebuild(store, Reshaped()).replace(is_stopped)

    assert result.replaced
    assert not Rebuilding(store.database).is_under_way()
    assert not [name for name in store.database.list_collection_names() if name.startswith(WAITING)]
    assert replica(store, Reshaped()).do(note("case0", 4))[0].fate is Fate.DONE
    replica(store, Reshaped()).check()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_wherever_it_is_cut_short_the_next_try_brings_it_to_an_end(
    store: Store, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    written(store, Toy())
    store.database["diary"].update_many({}, {"$set": {"state.taken": []}})
    cut_short_after(after, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        Rebuild(store, Reshaped()).replace(is_stopped)
    monkeypatch.undo()

    assert Rebuild(store, Reshaped()).replace(is_stopped).replaced

    replica(store, Reshaped()).check()
    assert Rebuild(store, Reshaped()).compare().equal


def cut_short_after(renames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the process, so to say, after so many collections came to their place."""
    from pymongo.collection import Collection

    rename, done = Collection.rename, []

    def one_of_few(self: Any, *arguments: Any, **options: Any) -> Any:
        if len(done) == renames:
            raise KeyboardInterrupt
        done.append(self.name)
        return rename(self, *arguments, **options)

    def end(self: Rebuilding) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Collection, "rename", one_of_few)
    monkeypatch.setattr(Rebuilding, "end", end)


def test_who_stores_meanwhile_is_noticed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that comes in after all: before the exchange nothing happens, after it the mark stays."""
    it = written(store, Toy())
    with pytest.raises(Problem, match="has stored more meanwhile"):
        Rebuild(store, Toy()).replace(lambda: it.do(note("late", secrets.randbelow(10**9))) and None)
    assert not Rebuilding(store.database).is_under_way()
    it.check()

    monkeypatch.setattr(rebuild.Swap, "check_still", lambda *_: None)
    monkeypatch.setattr(Rebuilding, "end", lambda _: None)
    assert Rebuild(store, Toy()).replace(is_stopped).replaced
    with pytest.raises(Unavailable):
        replica(store, Toy()).do(note("case0", 4))


def test_a_journal_that_is_not_whole_replaces_nothing(store: Store) -> None:
    written(store, Toy())
    store.database["journal"].delete_one({"_id": 5})
    before = stored(store.database, "diary")

    with pytest.raises(Problem, match="is not whole"):
        Rebuild(store, Toy()).replace(is_stopped)

    assert stored(store.database, "diary") == before


def test_a_journal_that_cannot_be_folded_replaces_nothing(store: Store) -> None:
    written(store, Toy())

    class Puzzled(Toy):
        def evolve(self, shelf: Any, fact: Any) -> None:
            if fact.subject == case("case4"):
                raise KeyError("王某")
            super().evolve(shelf, fact)

    with pytest.raises(Problem, match="nothing was replaced") as raised:
        Rebuild(store, Puzzled()).replace(is_stopped)

    assert "王某" not in str(raised.value)
    assert not Rebuilding(store.database).is_under_way()


def test_who_is_erased_is_rebuilt_as_she_is_left(store: Store, fresh: Database[Document]) -> None:
    it = replica(store, Forgetful()).prepare()
    it.do(note("kept", 1), note("gone", 2), note("gone", 3))
    it.do(note("gone", 0, "erase"))

    assert Rebuild(store, Forgetful()).into(fresh.name).equal
    result: Rebuilt = Rebuild(store, Forgetful()).replace(is_stopped)

    assert (result.equal, result.erased) == (True, 1)
    assert stored(fresh, "diary") == stored(store.database, "diary")
    gone = store.database["diary"].find_one({"_id": case("gone")})
    assert gone == {"_id": case("gone"), "state": {"id": case("gone"), "taken": []}}
    it.check()


def test_what_is_stored_about_the_erased_and_cannot_be_known_any_more_is_taken_over(store: Store) -> None:
    """A key that was destroyed without a fact, as after a backup: what follows needs what nobody can read."""

    class Mute(Toy):
        def evolve(self, shelf: Any, fact: Any) -> None:
            if fact.private:
                super().evolve(shelf, fact)

    it = replica(store, Mute()).prepare()
    it.do(note("kept", 1), note("gone", 2))
    keys = it.keys
    keys.doom([case("gone")])
    keys.save(None)
    keys.settle(kept=True)

    result = Rebuild(store, Mute()).replace(is_stopped)

    assert (result.equal, result.taken_over) == (True, 1)
    assert stored(store.database, "diary")[case("gone")]["taken"] == [2]
    assert "private" not in (store.database["diary"].find_one({"_id": case("gone")}) or {})


def test_timers_are_rebuilt_but_for_those_that_were_acted_on(store: Store, fresh: Database[Document]) -> None:
    it = replica(store, Alarms()).prepare()
    it.do(*(note(name, hours) for name, hours in (("done", 1), ("moved", 1), ("off", 1), ("later", 8), ("bad", 1))))
    it.do(note("moved", 5), note("off", 0))
    it.model.failing = {case("bad")}
    assert {ticket.fate for ticket in it.fire(NOON + timedelta(hours=2))} == {Fate.DONE, Fate.FAILED}
    timers = {row["_id"]: row for row in store.database["timers"].find()}
    assert timers.keys() == {f"alarm {case(name)}" for name in ("moved", "later")}

    assert Rebuild(store, Alarms()).into(fresh.name).equal
    assert {row["_id"]: row for row in fresh["timers"].find()} == timers
    store.database["timers"].delete_one({"_id": f"alarm {case('later')}"})
    store.database["timers"].update_one({"_id": f"alarm {case('moved')}"}, {"$set": {"subject": "x"}})
    result = Rebuild(store, Alarms()).replace(is_stopped)

    assert {(one.ref, one.fields) for one in result.differences} == {
        (("timer", f"alarm {case('later')}"), ()),
        (("timer", f"alarm {case('moved')}"), ("subject",)),
    }
    assert {row["_id"]: row for row in store.database["timers"].find()} == timers
    it.model.failing = set()
    assert [ticket.fate for ticket in replica(store, Alarms()).fire(NOON + timedelta(hours=9))] == [Fate.DONE] * 2


def test_a_timer_that_was_acted_on_without_effect_stays_away(store: Store) -> None:
    class Quiet(Alarms):
        def decide(self, shelf: Any, message: Any) -> Any:
            if message.data["n"] < 0:
                return {}
                yield
            return (yield from super().decide(shelf, message))

    it = replica(store, Quiet()).prepare()
    it.do(note("a", 1))
    assert [ticket.fate for ticket in it.fire(NOON + timedelta(hours=2))] == [Fate.DONE]

    assert Rebuild(store, Quiet()).replace(is_stopped).equal
    assert list(store.database["timers"].find()) == []


class TestRunning:
    """Whether the service runs is seen by its address and by its lease."""

    @pytest.fixture
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
        monkeypatch.delenv("NIANGJIA_REFERRAL_URL", raising=False)
        monkeypatch.setattr(running, "TERM", timedelta(seconds=1))
        return Home.at(tmp_path / "home")

    def test_nobody_is_there(self, home: Home, store: Store) -> None:
        written(store, Toy())
        assert running.why_not_stopped(home, store) == ""
        Lease(store.database, "one").take()
        Lease(store.database, "one").release()
        assert running.why_not_stopped(home, store) == ""

    def test_somebody_holds_the_lease(self, home: Home, store: Store) -> None:
        Lease(store.database, "one").take()

        with pytest.raises(Problem, match=r"prolongs its lease.*stop referral"):
            running.check_stopped(home, store)

    def test_somebody_listens(self, home: Home, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        import socket

        with socket.socket() as somebody:
            somebody.bind(("127.0.0.1", 0))
            somebody.listen()
            monkeypatch.setenv("NIANGJIA_REFERRAL_URL", f"http://127.0.0.1:{somebody.getsockname()[1]}")
            assert running.why_not_stopped(home, store) == "referral answers at its address"
        assert running.why_not_stopped(home, store) == ""


def test_events_of_an_older_version_go_through_their_upcasters(store: Store) -> None:
    """The journal holds what an older release wrote; the model of this one reads only the newest version."""
    old, new = catalogue(1), catalogue(2)
    it = replica(store, Toy())
    it.unit.journal = Journal(store.database, "referral", it.keys, old)
    it.prepare()
    it.do(note("a", 1))
    (record,) = (entry["events"][0] for entry in store.journal.after(0))
    assert record["version"] == 1
    store.journal = Journal(store.database, "referral", store.keys, new)

    class Reader(Toy):
        def evolve(self, shelf: Any, fact: Any) -> None:
            assert fact.data == {
                "case_id": case("a"),
                "authority": "police",
                "purpose": "protect",
                "district": "330302",
            }
            super().evolve(shelf, fact)

    assert Rebuild(store, Reader()).compare().equal
    fold = Fold(store, Reader(), audit := Audit(service="referral"))
    fold.go_on()
    fold.shelf.close()
    assert audit.faults == []
    store.journal = Journal(store.database, "referral", store.keys, catalogue(0))
    result = Rebuild(store, Reader()).compare()
    assert result.faults == ("entry 1: there is no event 'consent.needed' in the catalogue",)


def catalogue(version: int) -> Catalogue:
    """Return a catalogue in which an event got another name for one of its fields."""
    publisher = Publisher("referral")
    example = {"case_id": case("a"), "agency": "police", "purpose": "protect", "district": "330302"}

    class First(Data):
        """Something is needed."""

        case_id = Id()
        agency = Code(("police",))
        purpose = Code(("protect",))
        district = Code(("330302",))

    class Second(Data):
        """Something is needed."""

        case_id = Id()
        authority = Code(("police",))
        purpose = Code(("protect",))
        district = Code(("330302",))

    if version == 1:
        publisher.event("consent.needed", version=1, example=example, reason="A toy.")(First)
    if version == 2:
        publisher.event("consent.needed", version=2, example=example, reason="A toy.")(Second)
        publisher.upcaster("consent.needed", from_version=1)(
            lambda data: {"authority" if name == "agency" else name: value for name, value in data.items()}
        )
    return Catalogue(publisher)
