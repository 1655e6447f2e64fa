"""One service without its shell: what it is told it decides at once, and what it says is what it would publish."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any, NamedTuple

import orjson

from shared.events import CATALOGUE, Catalogue, Event
from shared.kernel import Fact, Message, Model, Timer, identifier, run

#: Told of the facts of each message, their private parts included, as a journal keeps them.
Keep = Callable[[str, Sequence[Fact]], None]


class Told(NamedTuple):
    """What a service said to a message: events to the bus, and to a command an answer."""

    events: list[Event]
    answer: Mapping[str, Any] | None


class Voice:
    """Numbers, names and times of what it says are those that the service's journal would give.

    Args:
        model: the pure core.
        catalogue: says what may be published, and in which version.
        keep: is called with the name of the service and the facts, where there are any.
    """

    def __init__(self, model: Model, catalogue: Catalogue = CATALOGUE, keep: Keep | None = None) -> None:
        self.model = model
        self.name = model.name
        self.shelf = model.shelf()
        #: Number of the last event that it said.
        self.last = 0
        #: Whether it ever sets a timer.
        self.has_timers = type(model).timers is not Model.timers
        self._catalogue = catalogue
        self._keep = keep
        self._seen: set[str] = set()
        self._causes: set[str] = set()
        self._timers: dict[str, tuple[Timer, str]] = {}
        #: When, which, and the event that set it; what was replaced or taken away meanwhile is passed over.
        self._due: list[tuple[datetime, str, str]] = []

    def tell(self, message: Message) -> Told:
        """Carry out a command.

        Raises:
            Refused: the rules do not allow it; nothing of it is kept.
            ValueError: a command of this id brought something about before.
        """
        told = self.decide(_numbered(message, self.last + 1))
        if told.events and message.id in self._causes:
            raise ValueError(f"{self.name} was told {message.type} twice under one id; each command needs its own")
        if told.events:
            self._causes.add(message.id)
        return told

    def hear(self, message: Message) -> list[Event]:
        """Act on an event of another service, its data in the newest version; the same again is passed over."""
        if message.id in self._seen:
            return []
        events = self.decide(message).events
        self._seen.add(message.id)
        return events

    def next_due(self) -> datetime | None:
        """Return when the next timer is due."""
        while self._due:
            due_at, name, set_by = self._due[0]
            timer, by = self._timers.get(name, (None, ""))
            if timer is not None and (timer.due_at, by) == (due_at, set_by):
                return due_at
            heappop(self._due)
        return None

    def fire(self) -> list[Event]:
        """Act on the timer that is due next, at its time.

        Raises:
            LookupError: there is none.
        """
        due_at = self.next_due()
        if due_at is None:
            raise LookupError("no timer is set")
        _, name, set_by = heappop(self._due)
        timer, _ = self._timers.pop(name)
        message = Message(
            id=identifier(due_at, set_by, name),
            type=timer.type,
            time=due_at.astimezone(UTC),
            data=orjson.loads(orjson.dumps(timer.data)),
            source=self.name,
            subject=timer.subject,
            case=timer.case,
            sequence=int(due_at.timestamp() * 1000),
        )
        return self.decide(message).events

    def decide(self, message: Message) -> Told:
        """Decide on a message as it stands, whatever was decided before.

        Raises:
            Refused: the rules do not allow it; nothing of it is kept.
        """
        facts, answer = run(self.model, self.shelf, message, self._check)
        if not facts:
            return Told([], answer)
        self.shelf.settle()
        if self._keep:
            self._keep(self.name, facts)
        events = [self._event(message, n, fact) for n, fact in enumerate(facts)]
        self.last += len(events)
        if self.has_timers:
            self._set(facts, events)
        return Told(events, answer)

    def _check(self, fact: Fact) -> None:
        self._catalogue.check(fact.type, fact.data)

    def _event(self, message: Message, n: int, fact: Fact) -> Event:
        return Event(
            id=identifier(fact.time, message.id, self.name, str(n)),
            source=self.name,
            type=fact.type,
            version=self._catalogue.event_type(fact.type).version,
            time=fact.time if fact.time.tzinfo is UTC else fact.time.astimezone(UTC),
            subject=fact.subject,
            sequence=self.last + 1 + n,
            correlation=fact.case,
            causation=message.id,
            body=orjson.dumps(fact.data),
        )

    def _set(self, facts: Iterable[Fact], events: Iterable[Event]) -> None:
        for fact, event in zip(facts, events, strict=True):
            for timer in self.model.timers(fact):
                self._timers.pop(timer.id, None)
                if timer.due_at is not None:
                    self._timers[timer.id] = timer, event.id
                    heappush(self._due, (timer.due_at, timer.id, event.id))


def message_of(event: Event, data: Mapping[str, Any]) -> Message:
    """Return an event as a model hears it."""
    return Message(
        id=event.id,
        type=event.type,
        time=event.time,
        data=data,
        source=event.source,
        subject=event.subject,
        case=event.correlation,
        sequence=event.sequence,
    )


def _numbered(message: Message, sequence: int) -> Message:
    return Message(
        id=message.id,
        type=message.type,
        time=message.time,
        data=message.data,
        subject=message.subject,
        case=message.case,
        sequence=sequence,
    )
