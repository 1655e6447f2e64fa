"""Two small services on which replays are tried: a tower that rings and sets alarms, and a square that counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from shared.events import Catalogue, Event, Publisher
from shared.events.fields import Code, Count, Data, Id
from shared.kernel import Decision, Fact, Message, Model, Ref, Refused, Shelf, Timer, Wanted
from shared.replay.recording import Command

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

tower = Publisher("tower")
square = Publisher("square")


@tower.event("bell.rung", version=2, listeners=("square",), example={"bell_id": "b1", "times": 1, "by": "hand"})
class BellRung(Data):
    """A bell was rung."""

    bell_id = Id()
    times = Count(to=99)
    by = Code(("hand", "clock"))


@tower.upcaster("bell.rung", from_version=1)
def _by_hand(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "by": "hand"}


@square.event("crowd.grown", version=1, reason="Nobody minds.", example={"bell_id": "b1", "heard": 1})
class CrowdGrown(Data):
    """People heard a bell."""

    bell_id = Id()
    heard = Count(to=999)


BELLS = Catalogue(tower, square)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """How often a bell was rung."""

    id: str
    times: int = 0


class _Counting(Model):
    kinds: ClassVar[Mapping[str, type]] = {"bell": Bell}

    def wants(self, message: Message) -> Wanted:
        return Wanted(refs=frozenset({Ref("bell", message.case)}))

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        bell = shelf.get("bell", fact.case) or Bell(id=fact.case)
        shelf.put(Ref("bell", bell.id), replace(bell, times=bell.times + fact.data.get("times", 1)))


class Tower(_Counting):
    """Command `ring` {"times", "again": hours until the clock rings, or None}; 13 is refused, 66 is a bug."""

    name: ClassVar[str] = "tower"

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        times = message.data["times"]
        if times == 13:
            raise Refused("unlucky", "No 13.")
        if times == 66:
            raise KeyError("王某")
        by = "clock" if message.type == "alarm.due" else "hand"
        data = {"bell_id": message.case, "times": times, "by": by}
        private = {"again": message.data.get("again")}
        yield Fact(
            type="bell.rung", subject=message.case, case=message.case, time=message.time, data=data, private=private
        )
        return {"times": shelf.get("bell", message.case).times}

    def timers(self, fact: Fact) -> Iterable[Timer]:
        hours = fact.private["again"]
        due_at = fact.time + timedelta(hours=hours) if hours else None
        yield Timer(
            id=f"again {fact.case}",
            due_at=due_at,
            type="alarm.due",
            subject=fact.case,
            case=fact.case,
            data={"times": 1, "again": hours},
        )


class Square(_Counting):
    """Event `bell.rung`; the shell may add {"echo": n}."""

    name: ClassVar[str] = "square"

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        if message.type == "bell.rung":
            heard = message.data["times"] + message.data.get("echo", 0)
            data = {"bell_id": message.case, "heard": heard}
            yield Fact(type="crowd.grown", subject=message.case, case=message.case, time=message.time, data=data)
        return None


def ring(bell: str, at: datetime = NOON, times: int = 1, again: int | None = None, key: str = "") -> Command:
    """Return the command to ring a bell."""
    message = Message(
        id=key or f"{bell}:{at.isoformat()}", type="ring", time=at, data={"times": times, "again": again}, case=bell
    )
    return Command(to="tower", message=message)


def changed(event: Event, **fields: object) -> Event:
    """Return an event with other attributes."""
    names = ("id", "source", "type", "version", "time", "subject", "sequence", "correlation", "causation", "body")
    return Event(**{**{name: getattr(event, name) for name in names}, **fields})  # type: ignore[arg-type]
