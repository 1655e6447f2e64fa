"""What may be told of the people in a case, by the names of the vocabulary: of each field the latest that is known.

Whoever reported is none of these people, and no field holds where a shelter is: nobody is asked for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from services.intake.contact import Contact
from services.intake.persons import phone_of_client
from services.intake.redaction import numbers_of_reporters, without_reporters
from shared.events.vocabulary import IDENTITY_FIELDS, NARRATIVE
from shared.privacy.blind import normal_phone
from shared.rules import iso

#: Narratives that leave at most: those of the latest reports.
NARRATIVES: Final = 10


class People(Struct, frozen=True, kw_only=True):
    """All that the reports of one case say of the people in it."""

    #: As they were sent, in their order.
    reports: Sequence[Mapping[str, Any]]
    #: How the client may be told, after the last of them.
    contact: Contact

    def told(self, fields: Sequence[str]) -> dict[str, Any]:
        """Return the fields (names of the vocabulary) as they are answered, nested; what nobody knows is null."""
        answer: dict[str, Any] = {}
        for name in fields:
            part, _, field = name.partition(".")
            value = _VALUES[name](self)
            if field:
                answer.setdefault(part, {})[field] = value
            else:
                answer[part] = value
        return answer

    def latest(self, part: str, field: str) -> Any:
        """Return what was said last."""
        return next((value for one in self._latest(part) if (value := one.get(field))), None)

    def place_or_relation(self, part: str, field: str) -> str | None:
        """Return what was said last in free words, which may name a neighbour who reported."""
        text = self.latest(part, field)
        return without_reporters(text, self.reports, organisations=False) if text else None

    def name_of_client(self) -> str | None:
        """Return her name, as she gave it as the reporter where nothing is said under `client`."""
        names = ((one.get("client") or {}).get("name") or _of_herself(one, "name") for one in reversed(self.reports))
        return next(filter(None, names), None)

    def phone_of_client(self) -> str | None:
        """Return the number at which she may be reached, unless it is also that of somebody else who reported."""
        wish = self.contact.in_force
        never = numbers_of_reporters(self.reports)
        return phone_of_client(self.reports, wish.received_at if wish else None, never)

    def phone_of_accused(self) -> str | None:
        """Return his latest number that is neither given for the client nor that of somebody who reported."""
        hers = [one.get("phone") for one in self._latest("client")]
        hers += [_of_herself(one, "phone") for one in self.reports]
        never = numbers_of_reporters(self.reports) | {normal_phone(number) for number in hers if number}
        numbers = (one.get("phone") for one in self._latest("accused"))
        return next((number for number in numbers if number and normal_phone(number) not in never), None)

    def children(self) -> list[Mapping[str, Any]] | None:
        """Return the children of the household as they were last listed."""
        return next((one["children"] for one in reversed(self.reports) if one.get("children")), None)

    def safe_contact(self) -> dict[str, Any] | None:
        """Return the wish in force, without her code word: by that the federation knows that it is she."""
        wish = self.contact.in_force
        if wish is None or self.contact.doubted_at:
            return None
        return {
            "channels": list(wish.channels),
            "hours": wish.hours,
            "voicemail": wish.voicemail,
            "received_at": iso(wish.received_at),
        }

    def narrative(self) -> str:
        """Return what the latest reports tell, without those who told it."""
        return "\n\n".join(without_reporters(one["narrative"], self.reports) for one in self.reports[-NARRATIVES:])

    def _latest(self, part: str) -> Iterator[Mapping[str, Any]]:
        return (one.get(part) or {} for one in reversed(self.reports))


def _of_herself(report: Mapping[str, Any], field: str) -> Any:
    reporter = report.get("reporter") or {}
    return reporter.get(field) if reporter.get("role") == "self" else None


_VALUES: Final[Mapping[str, Callable[[People], Any]]] = {
    **{
        name: partial(People.latest, part=part, field=field)
        for name, (part, _, field) in ((name, name.partition(".")) for name in IDENTITY_FIELDS)
        if field
    },
    "client.name": People.name_of_client,
    "client.phone": People.phone_of_client,
    "client.address": partial(People.place_or_relation, part="client", field="address"),
    "accused.phone": People.phone_of_accused,
    "accused.relation": partial(People.place_or_relation, part="accused", field="relation"),
    "children": People.children,
    "safe_contact": People.safe_contact,
    NARRATIVE: People.narrative,
}
