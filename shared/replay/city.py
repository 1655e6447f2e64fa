"""A city in one process: services without their shells, wired as the bus wires them, in virtual time.

No clock, no broker, no database, nothing outside. What a service says reaches the others at once, in the order in
which it was said, and timers fire in the order of their times as virtual time passes.
"""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from shared.events import CATALOGUE, Catalogue, Event
from shared.kernel import Model, Refused
from shared.replay.recording import Addition, Command, Line
from shared.replay.voice import Keep, Told, Voice, message_of

#: What the shell of a service adds to an event before it is decided; None adds nothing.
Enrich = Callable[[Event], Mapping[str, Any] | None]


class Refusal(NamedTuple):
    """A command that the rules did not allow, and the code of why."""

    command: Command
    slug: str


class City:
    """One service or several; who hears whom, the catalogue of events says.

    Args:
        models: the services, each once.
        enrich: what their shells add to events, by the name of the service; where a service has none, what the
            recording holds is added.
        catalogue: of the events that they publish and hear.
        keep: is called with the name of a service and the facts of each message, their private parts included.

    Raises:
        ValueError: a service is named twice.
    """

    def __init__(
        self,
        *models: Model,
        enrich: Mapping[str, Enrich] | None = None,
        catalogue: Catalogue = CATALOGUE,
        keep: Keep | None = None,
    ) -> None:
        self.voices = {model.name: Voice(model, catalogue, keep) for model in models}
        if len(self.voices) != len(models):
            raise ValueError("a city has each service once")
        #: By the name of the service.
        self.enrich = dict(enrich or {})
        #: Virtual time: of the latest that happened; None before anything did.
        self.now: datetime | None = None
        #: Commands that the rules did not allow.
        self.refused: list[Refusal] = []
        #: Events that were heard, each as often as a service heard it.
        self.heard = 0
        self._catalogue = catalogue
        self._listeners = _wiring(catalogue, self.voices)
        self._timed = [voice for voice in self.voices.values() if voice.has_timers]
        self._additions: dict[tuple[str, str], Mapping[str, Any]] = {}

    def concerns(self, line: Line) -> bool:
        """Tell whether a line of a recording is for this city: told from outside of it, to a service within."""
        if isinstance(line, Event):
            return line.source not in self.voices and bool(self._listeners.get(line.type))
        return line.to in self.voices

    def take(self, line: Line) -> list[Event]:
        """Let a line of a recording happen, in its time; return what was said, in order.

        A command that the rules do not allow leaves nothing but a line in `refused`.
        """
        if isinstance(line, Addition):
            self._additions[line.to, line.event] = line.data
            return []
        if isinstance(line, Event):
            return self.advance(line.time) + self.hear(line)
        said = self.advance(line.message.time)
        try:
            said += self.tell(line).events
        except Refused as refusal:
            self.refused.append(Refusal(line, refusal.slug))
        return said

    def tell(self, command: Command) -> Told:
        """Carry out a command with all that follows from it.

        Raises:
            Refused: the rules do not allow it; nothing happened.
        """
        self._pass(command.message.time)
        told = self.voices[command.to].tell(command.message)
        return Told(self._spread(told.events), told.answer)

    def hear(self, event: Event) -> list[Event]:
        """Let an event from outside happen; return what was said to it, in order.

        Raises:
            UnknownEvent, UnknownVersion, InvalidEvent: it cannot be read.
        """
        self._pass(event.time)
        data = self._catalogue.consume(event.type, event.version, event.data)
        return self._spread(self._told(event, data))

    def advance(self, to: datetime) -> list[Event]:
        """Let virtual time pass; return what was said to the timers that fired meanwhile. It never goes back."""
        said: list[Event] = []
        while self._timed:
            due = [(at, n) for n, voice in enumerate(self._timed) if (at := voice.next_due()) is not None and at <= to]
            if not due:
                break
            at, n = min(due)
            self._pass(at)
            said += self._spread(self._timed[n].fire())
        self._pass(to)
        return said

    def _pass(self, to: datetime) -> None:
        if self.now is None or to > self.now:
            self.now = to

    def _spread(self, said: list[Event]) -> list[Event]:
        """Return what was said, with all that was said to it."""
        waiting, spread = deque(said), []
        while waiting:
            event = waiting.popleft()
            spread.append(event)
            if self._listeners.get(event.type):
                # checked when it was said; decoded for those who hear it, so that an event that is kept stays small
                waiting.extend(self._told(event, orjson.loads(event.body)))
        return spread

    def _told(self, event: Event, data: Mapping[str, Any]) -> list[Event]:
        """Return what the listeners say to an event."""
        said: list[Event] = []
        message = message_of(event, data)
        for voice in self._listeners.get(event.type, ()):
            added = self._added(voice.name, event)
            said += voice.hear(message_of(event, {**data, **added}) if added else message)
            self.heard += 1
        return said

    def _added(self, service: str, event: Event) -> Mapping[str, Any] | None:
        if service in self.enrich:
            return self.enrich[service](event)
        return self._additions.get((service, event.id)) if self._additions else None


def _wiring(catalogue: Catalogue, voices: Mapping[str, Voice]) -> dict[str, list[Voice]]:
    """Return the services that act on each event, by its type."""
    wiring: dict[str, list[Voice]] = {}
    for owner in {declared.owner for declared in catalogue}:
        for listener, types in catalogue.listeners_of(owner).items():
            for name in types if listener in voices else ():
                wiring.setdefault(name, []).append(voices[listener])
    return wiring
