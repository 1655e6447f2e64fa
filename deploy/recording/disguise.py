"""Commands and events, told again as they would have been in a city of invented people.

What follows from what was told follows anew: ids, the numbers of letters, the numbers of events. So a replay of what
was told says what is recorded here, byte for byte.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Final

import orjson

from deploy.city import INVENTED
from deploy.recording.entry import Entry
from deploy.recording.people import Met, People
from services.intake import command
from services.volunteer.volunteer import registration
from shared.events import CATALOGUE, Event
from shared.events.fields import Id, ListOf, Part, Pattern, Token
from shared.kernel import Fact, Message, identifier
from shared.replay.recording import Command

#: Fields of commands that hold ids.
_IDS: Final = frozenset({"case_id", "notice_id"})
#: Tokens of one place, the widest first; all other lists of tokens and ids are in the order of the alphabet.
_PLACE: Final = "place"
#: The number of a letter.
_LETTER: Final = "number"
#: Stands before all else that a report brings about.
_BY_ID: Final = "case.other_side_found"
#: Who of the staff did it.
_STAFF: Final = "by"


class Disguise:
    """Goes through what is recorded in its order.

    Args:
        people: who becomes whom.
    """

    def __init__(self, people: People) -> None:
        self._people = people
        #: What stands for the ids of messages, and of what they brought about.
        self._ids: dict[str, str] = {}
        self._letters: dict[str, str] = {}
        #: By the id of the message that brought a report.
        self._case_of: dict[str, str] = {}
        self._last: Counter[str] = Counter()

        for report in people.reports:
            self._meet(report)

    def command(self, told: Command) -> Command:
        """Return a command of which `Commands` worked out how it was."""
        message = told.message
        if message.type == "receive_report":
            return replace(told, message=self._report(message))
        new = self.cause(message.id)
        if message.type == "register_volunteer":
            record = self._people.volunteer(message.data["volunteer"])
            return replace(told, message=registration(new, message.time, record, INVENTED))
        data = {name: self._named(name, value) for name, value in message.data.items()}
        return replace(told, message=replace(message, id=new, data=data, case=self.id(message.case)))

    def events(self, entry: Entry, facts: Sequence[tuple[str, Fact]]) -> list[Event]:
        """Return what was said, numbered as if nothing but what is recorded had ever been.

        Args:
            entry: where it is written.
            facts: those of it that count, each with the id of its event.
        """
        for n, (old, fact) in enumerate(facts):
            self._ids[old] = identifier(fact.time, self.cause(entry.cause), entry.service, str(n))
            if fact.type == "referral.requested":
                self._derive(
                    fact.subject, fact.time, entry.cause, "referral", fact.data["agency"], fact.data["purpose"]
                )
            elif fact.type in {"notice.queued", "notice.held"}:
                self._derive(fact.subject, fact.time, entry.cause, "notice")
        return [self._event(entry, old, fact) for old, fact in facts]

    def in_order(self, facts: Sequence[tuple[str, Fact]]) -> Sequence[tuple[str, Fact]]:
        """Return facts as they would have been said: of several cases in the order of their ids, which are others."""
        first = sum(fact.type == _BY_ID for _, fact in facts)
        return [*sorted(facts[:first], key=lambda pair: self.id(pair[1].subject)), *facts[first:]]

    def id(self, old: str) -> str:
        """Return what stands for an id; a short one, such as a volunteer's, stays."""
        return self._ids.get(old) or self._people.invented.id(old)

    def cause(self, old: str) -> str:
        """Return what stands for the id of a message; nothing stays of one of which nobody knows what it holds."""
        new = self.id(old)
        return new if new != old else self._people.invented.key(old)

    def _meet(self, report: Met) -> None:
        """Learn the ids that a report brought about, whether it is recorded or not."""
        self._case_of[report.cause] = report.case
        self._ids[report.cause] = INVENTED("report_key", self._people.invented.key(report.report_key))
        self._derive(report.case, report.time, report.cause, "case")
        self._derive(report.id, report.time, report.cause, "report")

    def _derive(self, old: str, time: datetime, cause: str, *what: str) -> None:
        """Learn what stands for an id that follows from a message; one of an older release may follow otherwise."""
        if old == identifier(time, cause, *what):
            self._ids[old] = identifier(time, self.cause(cause), *what)

    def _event(self, entry: Entry, old: str, fact: Fact) -> Event:
        self._last[entry.service] += 1
        return Event(
            id=self.id(old),
            source=entry.service,
            type=fact.type,
            version=CATALOGUE.event_type(fact.type).version,
            time=fact.time,
            subject=self.id(fact.subject),
            sequence=self._last[entry.service],
            correlation=self.id(fact.case),
            causation=self.cause(entry.cause),
            body=orjson.dumps(self._part(_schema(fact.type), fact.data)),
        )

    def _report(self, message: Message) -> Message:
        known = message.data["report"]
        report = {**known, "report_key": message.data["report_key"]}
        return command.receive(self._people.report(self._case_of[message.id], report), INVENTED)

    def _part(self, schema: Any, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return data with what its schema declares, and nothing else."""
        fields = schema.fields
        return {name: self._value(fields[name], name, value) for name, value in data.items() if name in fields}

    def _value(self, field: Any, name: str, value: Any) -> Any:
        if value is None:
            return None
        match field:
            case Part():
                return self._part(field.schema, value)
            case ListOf():
                return self._list(field.inner, name, value)
            case Token():
                return self._people.token(value)
            case Id():
                return self.id(value)
            case Pattern() if name == _LETTER:
                return self._letter(value)
        return value

    def _list(self, inner: Any, name: str, values: Sequence[Any]) -> list[Any]:
        found = [self._value(inner, name, value) for value in values]
        if isinstance(inner, Part) and "case_id" in inner.schema.fields:
            return sorted(found, key=lambda one: str(one["case_id"]))
        return sorted(found) if isinstance(inner, Token | Id) and name != _PLACE else found

    def _letter(self, old: str) -> str:
        """Return the number of a letter: the next one of its county and year."""
        if old not in self._letters:
            register, _, digits = old.rpartition("-")
            self._last[register] += 1
            self._letters[old] = f"{register}-{self._last[register]:0{len(digits)}d}"
        return self._letters[old]

    def _named(self, name: str, value: Any) -> Any:
        if name in _IDS:
            return self.id(value)
        return self._people.invented.name(value) if name == _STAFF else value


@cache
def _schema(type: str) -> Any:
    return CATALOGUE.event_type(type).schema()
