"""What some services were told, read from the journals and told of invented people."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from deploy.recording.command import RECEIVED, REGISTERED, Commands, contact
from deploy.recording.disguise import Disguise
from deploy.recording.entry import Entry, entries, erased
from deploy.recording.order import together
from deploy.recording.people import People
from deploy.stores import Stores
from services.intake.contact import disclosed
from shared.events import CATALOGUE, Event
from shared.kernel import Fact
from shared.privacy import BlindIndex
from shared.replay.recording import Addition, Line
from shared.runtime.variables import SERVICES

#: The only event of feed that is recorded. The others follow from agreements, and hold hashes of what agencies got.
RECEIPT: Final = "receipt.recorded"
_FEED: Final = "feed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be recorded."""

    services: frozenset[str]
    #: Only what these cases brought about; all where there are none.
    cases: frozenset[str] = frozenset()
    #: When it happened: from then on, and before then.
    first: datetime | None = None
    last: datetime | None = None
    #: Only what these events of intake (by number) say and bring about; all where it is None.
    seen: frozenset[int] | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The services whose journals tell what those that are recorded were told."""
        heard = {one.owner for one in CATALOGUE if self.services.intersection(one.listeners)}
        return tuple(name for name in SERVICES if name in self.services or name in heard)

    def is_in_time(self, time: datetime) -> bool:
        """Return whether something that happened then is to be recorded."""
        return (self.first is None or time >= self.first) and (self.last is None or time < self.last)


@dataclass(slots=True)
class Tally:
    """What was recorded."""

    lines: Counter[str] = field(default_factory=Counter)
    #: Cases of which nothing can be told any more.
    erased: int = 0
    #: Other cases that those which were asked for have to do with.
    beside: set[str] = field(default_factory=set)


class Recorder:
    """Records once.

    Args:
        stores: of all services.
        wanted: what to record.
        key: a secret, by which the same people become the same invented ones in a later recording.
        blind: what makes tokens here.
    """

    def __init__(self, stores: Stores, wanted: Wanted, key: bytes, blind: BlindIndex) -> None:
        self._stores = stores
        self._wanted = wanted
        self._erased = erased(stores["intake"])
        self._commands = Commands()
        self._disguise = Disguise(People(key, blind, together([stores["intake"], stores["volunteer"]])))
        #: Ids of events, referrals and notices that are recorded.
        self._chosen: set[str] = set()
        self._volunteers = self._named_volunteers() if wanted.cases else None
        #: What the services said to it, as it would be published.
        self.said: list[Event] = []
        self.tally = Tally(erased=len(self._erased))

    def lines(self) -> Iterator[Line]:
        """Yield the recording."""
        for entry in together([self._stores[name] for name in self._wanted.sources]):
            facts = self._living(entry)
            if facts:
                for line in self._told(entry, facts):
                    self.tally.lines[_kind(line)] += 1
                    yield line

    def _told(self, entry: Entry, facts: Sequence[tuple[str, Fact]]) -> Iterator[Line]:
        command = self._commands.of(entry)
        if not self._is_wanted(entry, facts, is_command=command is not None):
            return
        recorded = entry.service in self._wanted.services
        if command is not None and recorded:
            yield self._disguise.command(command)
        self._chosen.update(old for old, _ in facts)
        self._chosen.update(fact.subject for _, fact in facts)
        self.tally.beside.update(fact.case for _, fact in facts if fact.case and fact.case not in self._wanted.cases)
        facts = self._disguise.in_order(facts)
        for event, (_, fact) in zip(self._disguise.events(entry, facts), facts, strict=True):
            yield from self._heard(event, fact)
            if recorded and entry.service != _FEED:
                self.said.append(event)

    def _heard(self, event: Event, fact: Fact) -> Iterator[Line]:
        """Yield an event, if one of the services that are recorded hears it."""
        listeners = self._wanted.services.intersection(CATALOGUE.event_type(event.type).listeners)
        if "notification" in listeners:
            yield Addition(to="notification", event=event.id, data={"contact": disclosed(contact(fact.private))})
        if listeners:
            yield event

    def _living(self, entry: Entry) -> list[tuple[str, Fact]]:
        """Return the facts of an entry with the ids of their events, without those of whom nothing may be told."""
        if RECEIVED in entry.types and not entry.fact(RECEIVED).private:
            return []
        if entry.service == _FEED and RECEIPT not in entry.types:
            return []
        pairs = zip(entry.ids, entry.facts, strict=True)
        return [(old, fact) for old, fact in pairs if fact.case not in self._erased]

    def _is_wanted(self, entry: Entry, facts: Sequence[tuple[str, Fact]], *, is_command: bool) -> bool:
        if REGISTERED in entry.types:
            named = self._volunteers is None or facts[0][1].subject in self._volunteers
            return named and (self._wanted.last is None or entry.time < self._wanted.last)
        if entry.service == _FEED:
            return facts[0][1].data["referral_id"] in self._chosen
        if entry.service != "intake":
            return facts[0][1].subject in self._chosen if is_command else entry.cause in self._chosen
        wanted = self._wanted
        cases = {fact.case for _, fact in facts}
        return (
            wanted.is_in_time(entry.time)
            and (not wanted.cases or not wanted.cases.isdisjoint(cases))
            and (wanted.seen is None or not wanted.seen.isdisjoint(_numbers(entry)))
        )

    def _named_volunteers(self) -> frozenset[str]:
        """Return the volunteers that have to do with the cases that are wanted."""
        facts = (fact for entry in entries(self._stores["volunteer"]) for fact in entry.facts)
        return frozenset(fact.subject for fact in facts if fact.case in self._wanted.cases)


def _numbers(entry: Entry) -> range:
    return range(entry.number, entry.number + len(entry.facts))


def _kind(line: Line) -> str:
    return type(line).__name__.lower()
