"""The stage of `--live`: real processes over a real broker and a real database, told what a recording says.

Everything is waited for before the next thing happens where the order could matter: between events of two sources,
around commands, and around timers. So what comes out has one order, as in memory.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from kombu import Connection

from shared.events import Event, listeners_of, to_amqp
from shared.privacy import Key
from shared.replay.city import City, Refusal
from shared.replay.recording import Addition, Command, Line, to_document
from shared.replay.replay import ReplayFailed
from shared.runtime.auth import Role
from shared.runtime.broker import declare
from shared.runtime.inbox import Inbox
from shared.runtime.journal import Journal
from shared.runtime.keyring import KeyRing
from tests.support.stub_intake import Intake
from tests.support.system import System

#: Seconds that one line may take with all that follows from it.
PATIENCE = 60
_PAUSE = 0.03
MODULE = "tests.support.replayed"
#: Of the environment of that module: which service it is.
VARIABLE = "REPLAYED_SERVICE"
#: Name of a file in the home folder.
VIRTUAL_TIME = "virtual-time"
#: Where commands come in.
DOOR = "/replayed"


class LiveStage:
    """The services of a city as processes.

    Args:
        city: which services; its models say nothing here.
        folder: for logs and secrets.
        modules: of the services, where they are not the house's own.
        variables: of their environment.
        in_step: wait after each line; else only at the end, and what hears several sources hears them in any order.
    """

    def __init__(
        self,
        city: City,
        folder: Path,
        *,
        modules: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        in_step: bool = True,
    ) -> None:
        self._in_step = in_step
        self._names = tuple(city.voices)
        self._modules = {name: (modules or {}).get(name, f"services.{name}.service") for name in self._names}
        self._contacts: dict[str, Any] = {}
        self._additions: dict[str, Any] = {}
        #: By source, the last number that was published here, and of which type.
        self._published: dict[str, dict[str, int]] = {}
        self._last_source = ""
        #: Since it was last waited for.
        self._is_told = False
        self._refused: list[Refusal] = []
        self._has_timers = any(voice.has_timers for voice in city.voices.values())
        self._folder = folder
        self._stub = Intake(self._contacts)
        own = {"NIANGJIA_OUTBOX": "off", **(variables or {})}
        if "intake" not in self._names:
            own["NIANGJIA_INTAKE_URL"] = self._stub.url
        self.system = System(folder, services=dict.fromkeys(self._names, MODULE), variables=own)
        self._admin = self.system.client(Role.ADMIN)
        self._settings = self.system.settings(self._names[0])
        self._broker = Connection(self.system.amqp_uri)

    def open(self) -> None:
        """Start the processes."""
        for name in self._names:
            self.system.start(name, wait=False, **{VARIABLE: self._modules[name]})
        self.system.wait_until_well(*self._names)
        self._channel = self._broker.channel()

    def close(self) -> None:
        """End the processes, and remove what they stored."""
        self._broker.release()
        self._stub.close()
        self.system.stop_all()
        self.system.forget()

    def take(self, line: Line) -> None:
        """Let a line happen, in its time."""
        match line:
            case Addition():
                self._additions[line.event] = line.data
            case Command():
                self.advance(line.message.time)
                self._tell(line)
            case Event():
                if line.source != self._last_source or self._has_timers:
                    self._settle()
                self._advance(line.time)
                self._publish(line)
                self._last_source = line.source

    def advance(self, to: datetime) -> None:
        """Let virtual time pass."""
        if self._in_step:
            self._settle()
        self._advance(to)

    def said(self) -> Sequence[Event]:
        """Return all that the journals hold."""
        self._settle()
        return [event for name in self._names for event in self._events(name)]

    def refused(self) -> Sequence[Refusal]:
        """Return the commands that were not allowed so far."""
        return self._refused

    def _tell(self, command: Command) -> None:
        answer = self._admin.post(command.to, DOOR, json=to_document(command))
        assert answer.ok, f"{command.to} answered {answer.status_code} to {command.message.type}"
        if slug := answer.json()["refused"]:
            self._refused.append(Refusal(command, slug))
        self._is_told = True

    def _publish(self, event: Event) -> None:
        if event.source not in self._published:
            declare(self._channel, self._settings, event.source)
        if event.id in self._additions:
            self._contacts[event.causation] = self._additions[event.id]["contact"]
        headers, properties = to_amqp(event)
        with self._broker.Producer(self._channel) as producer:
            producer.publish(
                event.body,
                exchange=self._settings.exchange(event.source),
                routing_key=event.type,
                headers=headers,
                **properties,
            )
        self._published.setdefault(event.source, {})[event.type] = event.sequence
        self._is_told = True

    def _advance(self, to: datetime) -> None:
        """Step from timer to timer: the next one may be set by the one before."""
        while self._has_timers and (due := self._due(to)):
            self._set_time(min(due))
            self._settle(until=min(due))
        self._set_time(to)

    def _due(self, to: datetime) -> list[datetime]:
        rows = (
            self.system.database(name)["timers"].find_one({"due_at": {"$lte": to}}, sort=[("due_at", 1)])
            for name in self._names
        )
        return [row["due_at"] for row in rows if row]

    def _set_time(self, to: datetime) -> None:
        file = self._folder / VIRTUAL_TIME
        if not file.exists() or datetime.fromisoformat(file.read_text()) < to:
            draft = file.with_suffix(".part")
            draft.write_text(to.isoformat())
            draft.replace(file)

    def _settle(self, until: datetime | None = None) -> None:
        """Wait until everything told so far was handled, with all that followed from it."""
        patience = time.monotonic() + PATIENCE
        while self._is_told or until:
            # what is under way stands in a journal and was not taken; so with nothing left and no journal grown
            # since before the look, there is nothing
            heads = self._heads()
            left = [*self._untaken(), *self._parked(), *(["timers"] if until and self._due(until) else [])]
            if not left and heads == self._heads():
                self._is_told = False
                return
            assert time.monotonic() < patience, f"waited {PATIENCE} s for {', '.join(left)}"
            time.sleep(_PAUSE)

    def _untaken(self) -> Iterator[str]:
        for consumer in self._names:
            taken = Inbox(self.system.database(consumer)).positions()
            for source in {*self._names, *self._published} - {consumer}:
                types = listeners_of(source).get(consumer, ())
                if types and self._last(source, types) > taken.get(f"{consumer}.from.{source}", 0):
                    yield f"{consumer} to take the events of {source}"

    def _last(self, source: str, types: Sequence[str]) -> int:
        """Return the number of the last event of some types."""
        if source in self._published:
            return max((number for name, number in self._published[source].items() if name in types), default=0)
        journal = self.system.database(source)["journal"]
        entry = journal.find_one({"events.type": {"$in": list(types)}}, sort=[("_id", -1)])
        if entry is None:
            return 0
        return max(entry["_id"] + n for n, event in enumerate(entry["events"]) if event["type"] in types)

    def _parked(self) -> Iterator[str]:
        for name in self._names:
            for row in self.system.database(name)["parked"].find({}, {"type": 1, "reason": 1, "dead": 1}):
                if row["dead"]:
                    raise ReplayFailed(f"{name} failed on {row['type']}: {row['reason']}")
                yield f"{row['type']} to be tried again by {name}"

    def _heads(self) -> list[int]:
        entries = (self.system.database(n)["journal"].find_one({}, {"_id": 1}, sort=[("_id", -1)]) for n in self._names)
        return [entry["_id"] if entry else 0 for entry in entries]

    def _events(self, name: str) -> Iterator[Event]:
        database = self.system.database(name)
        journal = Journal(database, name, KeyRing(database, name, Key(self.system.settings(name).key("master"))))
        return (event for entry in journal.after(0) for event in journal.events(entry))


@contextmanager
def stages(**options: Any) -> Iterator[Any]:
    """Give what sets a live stage (`SetStage`); all that were set end with the block."""
    set_up: list[LiveStage] = []
    folder = Path(tempfile.mkdtemp(prefix="stage-"))

    def set_stage(city: City) -> LiveStage:
        stage = LiveStage(city, folder / str(len(set_up)), **options)
        set_up.append(stage)
        stage.open()
        return stage

    try:
        yield set_stage
    finally:
        for stage in set_up:
            stage.close()
        shutil.rmtree(folder)
