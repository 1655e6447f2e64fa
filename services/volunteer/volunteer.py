"""A registered volunteer: what she can do, where, for how many, and with whom she must not be put."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from shared.events.vocabulary import COUNTY_DIGITS, DISTRICT_LEVELS
from shared.kernel import Message
from shared.privacy.blind import normal_name, normal_phone

#: Makes the token of a text in a name space.
Blind = Callable[[str, str], str]

_PLACE_LEVELS: Final = tuple(digits for digits in DISTRICT_LEVELS if digits > COUNTY_DIGITS)
_COUNTY_LEVELS: Final = tuple(digits for digits in DISTRICT_LEVELS if digits <= COUNTY_DIGITS)
#: An entry with so many digits and no letters is a phone, anything else a name.
_PHONE_DIGITS: Final = 5


class Certificate(Struct, frozen=True, kw_only=True):
    """What an office has certified; good on its last day too."""

    name: str
    expires: date


class Volunteer(Struct, frozen=True, kw_only=True):
    """A volunteer as decisions see her: no clear name outside `private`."""

    id: str
    #: Token.
    name: str
    skills: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    trained_on: date | None
    record_checked_on: date | None
    #: Her districts, each as its levels from the province down; tokens below the county.
    places: tuple[tuple[str, ...], ...]
    #: Open cases at a time.
    capacity: int
    active: bool
    #: Tokens of persons with whom she must not be put.
    must_not_meet_names: tuple[str, ...]
    must_not_meet_phones: tuple[str, ...]
    #: Open cases, in the order in which she got them.
    cases: tuple[str, ...] = ()
    last_assigned_at: datetime | None = None
    #: The record as it was registered.
    private: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_room(self) -> bool:
        """Whether she may take one more case."""
        return self.active and len(self.cases) < self.capacity

    def with_case(self, case_id: str, at: datetime) -> "Volunteer":
        """Return her with an assignment; a second skill of a case is not a second case."""
        cases = self.cases if case_id in self.cases else (*self.cases, case_id)
        return replace(self, cases=cases, last_assigned_at=at)

    def without_case(self, case_id: str) -> "Volunteer":
        """Return her released from a case; the assignment still counts as her last."""
        return replace(self, cases=tuple(one for one in self.cases if one != case_id))


def registration(id: str, time: datetime, record: Mapping[str, Any], blind: Blind) -> Message:
    """Return the command that takes a volunteer into the register, or brings her up to date."""
    return Message(
        id=id,
        type="register_volunteer",
        time=time,
        data={"volunteer": record, "tokens": tokens(record, blind)},
    )


def tokens(record: Mapping[str, Any], blind: Blind) -> dict[str, Any]:
    """Return the tokens that a registration carries beside the record."""
    listed = record.get("must_not_meet") or []
    return {
        "name": blind("name", normal_name(record["name"])),
        "must_not_meet_names": [blind("name", normal_name(entry)) for entry in listed if not _is_phone(entry)],
        "must_not_meet_phones": [blind("phone", normal_phone(entry)) for entry in listed if _is_phone(entry)],
        "places": [
            {
                "county": district[:COUNTY_DIGITS],
                "place": [blind("place", district[:digits]) for digits in _PLACE_LEVELS if len(district) >= digits],
            }
            for district in record["districts"]
        ],
    }


def registered(record: Mapping[str, Any], tokens: Mapping[str, Any], before: Volunteer | None) -> Volunteer:
    """Return the volunteer of a record; a new record keeps what she is assigned to."""
    return Volunteer(
        id=record["id"],
        name=tokens["name"],
        skills=tuple(record["skills"]),
        certificates=tuple(
            Certificate(name=one["name"], expires=date.fromisoformat(one["expires"]))
            for one in record.get("certificates") or ()
        ),
        trained_on=_date(record.get("trained_on")),
        record_checked_on=_date(record.get("record_checked_on")),
        places=tuple(levels(place["county"], place["place"]) for place in tokens["places"]),
        capacity=record["capacity"],
        active=record["active"],
        must_not_meet_names=tuple(tokens["must_not_meet_names"]),
        must_not_meet_phones=tuple(tokens["must_not_meet_phones"]),
        cases=before.cases if before else (),
        last_assigned_at=before.last_assigned_at if before else None,
        private=record,
    )


def levels(county: str, place: list[str]) -> tuple[str, ...]:
    """Return a district as its whole levels, from the province down."""
    return (*(county[:digits] for digits in _COUNTY_LEVELS if len(county) >= digits), *place)


def _is_phone(entry: str) -> bool:
    return not any(c.isalpha() for c in entry) and sum(c.isdigit() for c in entry) >= _PHONE_DIGITS


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
