"""A small model on which the runtime is tried: it writes down, for each case, what it was told in which order."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import orjson

from shared.events import Event, event_type
from shared.kernel import Decision, Fact, Message, Model, Ref, Refused, Shelf, Timer, Wanted, identifier

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diary:
    """What was heard about one case."""

    id: str
    #: Numbers of the messages, in the order in which they were taken.
    taken: tuple[int, ...] = ()
    #: The same, sealed.
    private: tuple[int, ...] = ()


class Toy(Model):
    """Command `note` {"case", "n", "do"} and every event of a case; does what `do`, or the file `failing`, says.

    Args:
        folder: may hold a file `failing` with the ids of cases whose events fail, one a line; "*" means all.
    """

    name: ClassVar[str] = "referral"
    kinds: ClassVar[Mapping[str, type]] = {"diary": Diary}

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self.failing: set[str] = set()

    def wants(self, message: Message) -> Wanted:
        if message.data.get("do") == "fail to want":
            raise LookupError
        return Wanted(refs=frozenset({Ref("diary", _case(message))}))

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        case, do = _case(message), message.data.get("do")
        number = message.data.get("n", message.sequence)
        needed = {"case_id": case, "agency": "police", "purpose": "protect", "district": "330302"}
        private = {"n": 2**70 if do == "hold too large a number" else number}
        if do == "hold too much":
            private["more"] = "x" * 17_000_000  # type: ignore[assignment]
        yield Fact(type="consent.needed", subject=case, case=case, time=message.time, data=needed, private=private)
        if do == "refuse":
            raise Refused("unwelcome", "No.")
        if do == "fail" or self._fails(case):
            raise KeyError(case)
        return {"taken": list(shelf.get("diary", case).taken)}

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        diary = shelf.get("diary", fact.case) or Diary(id=fact.case)
        number = fact.private["n"]
        taken = replace(diary, taken=(*diary.taken, number), private=(*diary.private, number))
        shelf.put(Ref("diary", fact.case), taken)

    def _fails(self, case: str) -> bool:
        failing = set(self.failing)
        if self._folder and (file := self._folder / "failing").exists():
            failing |= set(file.read_text().split())
        return bool(failing & {case, "*"})


class Alarms(Toy):
    """Sets a timer for each case: the number is the hours until it is due; 0 takes it away."""

    def timers(self, fact: Fact) -> Iterable[Timer]:
        hours = fact.private["n"]
        if hours >= 0:
            due_at = fact.time + timedelta(hours=hours) if hours else None
            data = {"case": {"id": fact.case}, "n": -hours}
            yield Timer(
                id=f"alarm {fact.case}", due_at=due_at, type="alarm.due", subject=fact.case, case=fact.case, data=data
            )


class Forgetful(Toy):
    """Erases a case when it is told "erase"."""

    def decide(self, shelf: Shelf, message: Message) -> Decision:
        if message.data.get("do") != "erase":
            return (yield from super().decide(shelf, message))
        case = _case(message)
        needed = {"case_id": case, "agency": "court", "purpose": "protect", "district": "330302"}
        yield Fact(type="consent.needed", subject=case, case=case, time=message.time, data=needed)
        return {}

    def evolve(self, shelf: Shelf, fact: Fact) -> None:
        if fact.private:
            super().evolve(shelf, fact)
        else:
            shelf.put(Ref("diary", fact.case), Diary(id=fact.case))

    def erases(self, fact: Fact) -> Iterable[str]:
        return (fact.case,) if fact.data["agency"] == "court" else ()


def case(name: str) -> str:
    """Return the id of the case called `name`."""
    return identifier(NOON, name)


def note(name: str, number: int, do: str = "", *, key: str = "", time: datetime = NOON) -> Message:
    """Return a command about the case called `name`."""
    return Message(
        id=key or f"{name}/{number}", type="note", time=time, data={"case": {"id": case(name)}, "n": number, "do": do}
    )


def report(name: str, sequence: int, *, key: str = "", **changes: Any) -> Event:
    """Return an event of intake about the case called `name`."""
    data = deepcopy(dict(event_type("report.received").example))
    data["case"]["id"] = case(name)
    return Event(
        id=identifier(NOON, key or f"{name}/{sequence}"),
        source="intake",
        type="report.received",
        version=changes.pop("version", 1),
        time=NOON + timedelta(seconds=sequence),
        subject=case(name),
        sequence=sequence,
        correlation=case(name),
        causation=f"command{sequence}",
        body=orjson.dumps({**data, **changes}),
    )


def _case(message: Message) -> str:
    return str(message.data["case"]["id"])
