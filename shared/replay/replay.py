"""A recorded stream, replayed into a model: `Replay(path).into(model).expect(golden)`.

Where it happens is the stage's affair: in memory, or in real processes over a real broker. What is told, and when in
virtual time, is the same.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

from shared.events import Event, InvalidEvent, UnknownEvent, UnknownVersion
from shared.kernel import Model, Refused
from shared.replay.city import City, Enrich, Refusal
from shared.replay.golden import Golden
from shared.replay.recording import Command, Line, Recorded, read


class Stage(Protocol):
    """Where a replay takes place."""

    def take(self, line: Line) -> None:
        """Let a line happen, in its time."""

    def advance(self, to: datetime) -> None:
        """Let virtual time pass."""

    def said(self) -> Sequence[Event]:
        """Return all that was said so far: what each service said in its order."""

    def refused(self) -> Sequence[Refusal]:
        """Return the commands that were not allowed so far."""


#: Sets a stage for a city.
SetStage = Callable[[City], Stage]


class InMemory:
    """The stage in this process."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._said: list[Event] = []

    def take(self, line: Line) -> None:
        """Let a line happen, in its time."""
        self._said += self._city.take(line)

    def advance(self, to: datetime) -> None:
        """Let virtual time pass."""
        self._said += self._city.advance(to)

    def said(self) -> Sequence[Event]:
        """Return all that was said so far."""
        return self._said

    def refused(self) -> Sequence[Refusal]:
        """Return the commands that were not allowed so far."""
        return self._city.refused


class ReplayFailed(Exception):
    """A line of a recording on which a service failed; says where, and quotes nothing that the line holds."""


class Outcome:
    """What was said to a stream, so far."""

    def __init__(self, stage: Stage, city: City, golden: Golden) -> None:
        self._stage = stage
        self._golden = golden
        #: The models and, where the replay took place in memory, their states.
        self.city = city

    @property
    def events(self) -> Sequence[Event]:
        """All that was said, as it would be published; the events of each service in their order."""
        return self._stage.said()

    @property
    def refused(self) -> Sequence[Refusal]:
        """The commands that the rules did not allow."""
        return self._stage.refused()

    def of(self, service: str) -> "Part":
        """Return what one service said, to be held to a golden file of its own."""
        return Part([event for event in self.events if event.source == service], self._golden)

    def until(self, time: datetime | str) -> Self:
        """Let virtual time pass: the timers that are due until then fire.

        Args:
            time: with its offset; a text is one in ISO 8601.
        """
        self._stage.advance(moment(time))
        return self

    def expect(self, path: str | Path) -> Self:
        """Compare what was said with a golden file, event by event and byte by byte.

        Raises:
            NotAsExpected: it differs, or there is no such file; says where, and what to do.
        """
        __tracebackhide__ = True
        self._golden.hold(path, self.events)
        return self


class Part:
    """What one service of several said."""

    def __init__(self, events: Sequence[Event], golden: Golden) -> None:
        self.events = events
        self._golden = golden

    def expect(self, path: str | Path) -> Self:
        """Compare it with a golden file.

        Raises:
            NotAsExpected: it differs, or there is no such file; says where, and what to do.
        """
        __tracebackhide__ = True
        self._golden.hold(path, self.events)
        return self


class Replay:
    """A recorded stream.

    Args:
        lines: of the recording, with their numbers.
        name: what errors call it.
        golden: holds what comes out to golden files.
        stage: where it takes place.
    """

    def __init__(
        self, lines: Iterable[Recorded], name: str, *, golden: Golden | None = None, stage: SetStage = InMemory
    ) -> None:
        self._lines = lines
        self._name = name
        self._golden = golden or Golden()
        self._stage = stage

    @classmethod
    def of(cls, path: Path, name: str = "") -> Self:
        """Return the recording in a file, to be replayed in memory."""
        return cls(read(path, name), name or str(path))

    def events(self) -> list[Event]:
        """Return the events that the recording holds."""
        return [line for _, line in self._lines if isinstance(line, Event)]

    def into(self, target: Model | City, *, enrich: Enrich | None = None) -> Outcome:
        """Tell a service, or a city of several, what the recording says that it was told, in virtual time.

        Commands to it and events that it listens to are taken, all else is passed over.

        Args:
            target: a model, fresh; or a city to which nothing happened yet.
            enrich: what the service's shell adds to an event; without it, what the recording holds is added.

        Raises:
            BadRecording: a line cannot be read.
            ReplayFailed: the service failed on a line, or no line is for it.
        """
        city = target if isinstance(target, City) else _alone(target, enrich)
        stage = self._stage(city)
        with _rarely_collected():
            taken = self._tell(stage, city)
        if not taken:
            raise ReplayFailed(f"{self._name}: nothing in it is for {' or '.join(city.voices)}")
        return Outcome(stage, city, self._golden)

    def _tell(self, stage: Stage, city: City) -> int:
        """Tell what concerns the city; return how many lines did."""
        taken = 0
        for number, line in self._lines:
            if not city.concerns(line):
                continue
            taken += 1
            try:
                stage.take(line)
            except Exception as error:
                raise ReplayFailed(f"{self._name}:{number}: {_named(line)}: {_explained(error)}") from error
        return taken


def moment(time: datetime | str) -> datetime:
    """Return a time in UTC.

    Raises:
        ValueError: it has no offset, or is no time.
    """
    aware = datetime.fromisoformat(time) if isinstance(time, str) else time
    if aware.tzinfo is None:
        raise ValueError("a time needs an offset, as in 2026-03-02T09:14:00+08:00")
    return aware.astimezone(UTC)


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """Let Python look for garbage rarely: what a long replay makes is kept, and little of it could be in a circle."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _alone(model: Model, enrich: Enrich | None) -> City:
    return City(model, enrich={model.name: enrich} if enrich else None)


def _named(line: Line) -> str:
    if isinstance(line, Event):
        return f"{line.type} {line.id}"
    return f"{line.message.type} {line.message.id}" if isinstance(line, Command) else f"added to {line.event}"


def _explained(error: Exception) -> str:
    """Say why a service failed, in the rules' own words or by the kind of the bug and its place."""
    if isinstance(error, Refused):
        return f"refused: {error.slug}"
    if isinstance(error, InvalidEvent | UnknownEvent | UnknownVersion | ReplayFailed):
        return str(error)  # they quote no value
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" in {frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else ""
    return f"{type(error).__name__}{where}"
