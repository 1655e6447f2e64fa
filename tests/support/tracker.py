"""Everything that was caused: waits until it has finished in every service, and tells it as a tree.

with tracked(system) as caused:
    client.post("intake", "/reports", json=report)
assert not caused.dead, caused
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pymongo import MongoClient
from pymongo.change_stream import ChangeStream

from deploy.progress import Left, Progress
from deploy.queues import Queues
from deploy.stores import Store
from shared.events import Event, listeners_of
from shared.runtime.inbox import mark
from shared.runtime.timer import message_id
from shared.runtime.variables import SERVICES
from tests.support.system import System

PATIENCE = 60
_PAUSE = 0.1
NOBODY = "not routed: nobody listens to it"
NO_QUEUE = "not routed: there is no queue"
HANDLED, DISCARDED, PARKED, DEAD, OPEN = "handled", "discarded", "waits for another try", "dead letter", "not taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What became of one event at one service, or at none."""

    event: Event
    #: Empty where nobody listens.
    service: str
    fate: str
    #: Tries that failed.
    failed: int = 0
    #: Why the last of them did, in the words of the dead letters.
    reason: str = ""

    def __str__(self) -> str:
        tries = f" after {self.failed} failed {'try' if self.failed == 1 else 'tries'}" if self.failed else ""
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.service}: {self.fate}{tries}{why}" if self.service else self.fate


@dataclass(slots=True)
class Caused:
    """What happened since the tracking began; filled in when it ends."""

    #: In the order of each service.
    sent: list[Event] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    #: Messages that could not even be read: which consumer has them, and why.
    unreadable: list[str] = field(default_factory=list)
    #: What had not finished when nobody waited any longer.
    left: list[Left] = field(default_factory=list)
    #: Of the messages that timers made: the event that set the timer.
    set_by: dict[str, str] = field(default_factory=dict)

    @property
    def handled(self) -> list[Step]:
        return [step for step in self.steps if step.fate == HANDLED]

    @property
    def retried(self) -> list[Step]:
        """What failed once or more, whatever became of it."""
        return [step for step in self.steps if step.failed]

    @property
    def not_routed(self) -> list[Step]:
        return [step for step in self.steps if step.fate in {NOBODY, NO_QUEUE}]

    @property
    def dead(self) -> list[Step]:
        return [step for step in self.steps if step.fate == DEAD]

    def by(self, cause: str) -> "Caused":
        """Return what one command or event caused, itself included."""
        known = {cause}
        while more := {event.id for event in self.sent if self._above(event) in known} - known:
            known |= more
        sent = [event for event in self.sent if event.id in known]
        return replace(self, sent=sent, steps=[step for step in self.steps if step.event.id in known])

    def _above(self, event: Event) -> str:
        return self.set_by.get(event.causation, event.causation)

    def __str__(self) -> str:
        ids = {event.id for event in self.sent}
        roots = dict.fromkeys(self._above(event) for event in self.sent if self._above(event) not in ids)
        lines = [line for root in roots for line in (f"caused by {root}", *self._below(root, ""))]
        lines += [f"unreadable: {one}" for one in self.unreadable]
        lines += [f"not finished: {one.service}: {one.count} {one.what} {one.detail}".rstrip() for one in self.left]
        return "\n".join(lines) or "nothing was caused"

    def _below(self, cause: str, indent: str) -> Iterator[str]:
        for event in self.sent:
            if self._above(event) == cause:
                by_timer = ", by a timer" if event.causation in self.set_by else ""
                yield f"{indent}└─ {event.type} {event.id} ({event.source} {event.sequence}{by_timer})"
                yield from (f"{indent}   {step}" for step in self.steps if step.event.id == event.id)
                yield from self._below(event.id, indent + "   ")


@contextmanager
def tracked(system: System, *, sending: bool = True, patience: float = PATIENCE) -> Iterator[Caused]:
    """Track what happens in the block; when it ends, wait until all of it has finished in the services of a system.

    Args:
        system: whose services.
        sending: whether notices are sent.
        patience: seconds; what has not finished by then fails, told as a tree. What waits for a person does not.
    """
    client: MongoClient[dict[str, Any]] = MongoClient(system.mongo_uri, tz_aware=True)
    first = system.settings(next(iter(system.modules)))
    stores = {name: Store(replace(first, service=name), client) for name in SERVICES}
    queues, caused = Queues(first), Caused()
    try:
        with _changes(system, client) as changes:
            tracking = _Tracking(system, stores, queues, changes)
            yield caused
            left = tracking.wait(sending, patience)
            tracking.fill(caused)
        caused.left = [one for one in left if not one.is_dead]
        assert not caused.left, f"waited {patience:g} s\n{caused}"
    finally:
        queues.close()
        client.close()


@contextmanager
def _changes(system: System, client: MongoClient[dict[str, Any]]) -> Iterator[ChangeStream[dict[str, Any]]]:
    """Give what is written to the parked events and the timers: rows that come and go leave no other trace."""
    databases = [system.database(name).name for name in system.modules]
    wanted = {"ns.db": {"$in": databases}, "ns.coll": {"$in": ["parked", "timers"]}}
    with client.watch([{"$match": wanted}], full_document="updateLookup") as stream:
        yield stream


class _Tracking:
    def __init__(
        self, system: System, stores: Mapping[str, Store], queues: Queues, changes: ChangeStream[dict[str, Any]]
    ) -> None:
        self._names = tuple(system.modules)
        self._stores = stores
        self._queues = queues
        self._changes = changes
        self._heads = {name: stores[name].journal.head().sequence for name in self._names}
        #: By consumer and event: the most failed tries, and why.
        self._failed: dict[str, tuple[int, str]] = {}

    def wait(self, sending: bool, patience: float) -> Sequence[Left]:
        """Return what is left when nothing moves any more, or when it takes too long."""
        progress = Progress(self._stores, self._queues, sending=sending)
        until, before = time.monotonic() + patience, None
        while True:
            look = progress.look()
            left = [one for one in look.left if one.service in self._names]
            done = not look.away and all(one.is_dead for one in left)
            if (done and before == look.heads) or time.monotonic() > until:
                return left
            before = look.heads if done else None
            time.sleep(_PAUSE)

    def fill(self, caused: Caused) -> None:
        """Tell what was caused since the beginning."""
        self._read_changes(caused)
        for name in self._names:
            journal = self._stores[name].journal
            entries = journal.after(self._heads[name])
            caused.sent += [event for entry in entries for event in journal.events(entry)]
            for row in self._stores[name].parking.rows.find({"sealed": {"$exists": True}}):
                caused.unreadable.append(f"{row['consumer']}: {row['reason']}")
        for event in caused.sent:
            caused.steps += self._steps(event)

    def _read_changes(self, caused: Caused) -> None:
        while (change := self._changes.try_next()) is not None:
            row = change.get("fullDocument") or {}
            if change["ns"]["coll"] == "timers" and row:
                caused.set_by[message_id(row["_id"], row["due_at"], row["set_by"])] = row["set_by"]
            elif row.get("attempts"):
                self._failed[row["_id"]] = max(self._failed.get(row["_id"], (0, "")), (row["attempts"], row["reason"]))

    def _steps(self, event: Event) -> Iterator[Step]:
        listeners = [name for name, types in listeners_of(event.source).items() if event.type in types]
        if not listeners:
            yield Step(event=event, service="", fate=NOBODY)
        for name in listeners:
            if name in self._names:
                yield self._step(event, name)

    def _step(self, event: Event, name: str) -> Step:
        store, place = self._stores[name], mark(f"{name}.from.{event.source}", event.id)
        failed, reason = self._failed.get(place, (0, ""))
        if row := store.parking.rows.find_one({"_id": place}):
            fate, failed, reason = DEAD if row["dead"] else PARKED, max(failed, row["attempts"]), row["reason"]
        elif handled := store.database["inbox"].find_one({"_id": place}):
            fate = DISCARDED if handled.get("discarded") else HANDLED
        elif self._queues.ready(store.settings.queue(name, event.source)) is None:
            fate = NO_QUEUE
        else:
            fate = OPEN
        return Step(event=event, service=name, fate=fate, failed=failed, reason=reason)
