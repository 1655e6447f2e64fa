"""Who a report is about: the clear writing that identifies the client and the accused, and the tokens made of it.

Only the edge sees clear writing. What it hands on to the domain are blind tokens, by which persons and places can be
compared and not read.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from msgspec import Struct

from shared.events.vocabulary import COUNTY_DIGITS, DISTRICT_LEVELS, PROFESSIONAL_ROLES, WRITTEN_CHANNELS
from shared.privacy.blind import normal_id_number, normal_name, normal_phone

#: Makes the token of a text in a name space.
Blind = Callable[[str, str], str]

_PLACE_LEVELS: Final = tuple(digits for digits in DISTRICT_LEVELS if digits > COUNTY_DIGITS)


class Identity(Struct, frozen=True, kw_only=True):
    """What identifies one person, normalised; None where it is not known."""

    name: str | None
    phone: str | None
    id_number: str | None


class Identified(Struct, frozen=True, kw_only=True):
    """The two persons of a report."""

    client: Identity
    accused: Identity
    #: A phone that is given for both.
    shared_phone: str | None = None


def identified(report: Mapping[str, Any]) -> Identified:
    """Return who the client and the accused of a report are.

    What is under `client` says who the client is; a reporter `self` fills what is missing there. A phone given for
    both identifies neither.
    """
    client = _identity(report.get("client"))
    accused = _identity(report.get("accused"))
    reporter = report.get("reporter") or {}
    if reporter.get("role") == "self":
        herself = _identity(reporter)
        client = Identity(
            name=client.name or herself.name, phone=client.phone or herself.phone, id_number=client.id_number
        )
    shared = client.phone if client.phone == accused.phone else None
    if shared:
        client = Identity(name=client.name, phone=None, id_number=client.id_number)
        accused = Identity(name=accused.name, phone=None, id_number=accused.id_number)
    return Identified(client=client, accused=accused, shared_phone=shared)


def tokens(report: Mapping[str, Any], blind: Blind) -> dict[str, Any]:
    """Return the tokens that a report command carries instead of persons and places.

    `birth_years` are those of the year before the client's birth, of the year itself and of the one after (or
    nothing), so that clients of nearly the same age are found without their dates of birth in an index.
    """
    persons = identified(report)
    born = (report.get("client") or {}).get("birth_date")
    year = date.fromisoformat(born).year if born else None
    district = report["district"]
    return {
        "client": _tokens(persons.client, blind),
        "accused": _tokens(persons.accused, blind),
        "shared_phones": [blind("phone", persons.shared_phone)] if persons.shared_phone else [],
        "place": [blind("place", district[:digits]) for digits in _PLACE_LEVELS if len(district) >= digits],
        "birth_years": [blind("birth_year", str(year + step)) for step in (-1, 0, 1)] if year else [],
    }


def phone_of_client(
    reports: Sequence[Mapping[str, Any]], wished_at: datetime | None, never: frozenset[str] = frozenset()
) -> str | None:
    """Return the number at which the client may be reached, or None.

    What she or a professional said counts: first in the report that brought the wishes in force, then in the latest
    that came by voice. What anybody else said may lead to the person she fears; so may a number that any report gives
    for the accused.

    Args:
        reports: of one case, in their order.
        wished_at: when the report was received that brought the wishes in force.
        never: normal forms of further numbers that are not told.
    """
    his = {normal_phone(number) for report in reports if (number := (report.get("accused") or {}).get("phone"))}
    trusted = [report for report in reversed(reports) if _role(report) in {"self", *PROFESSIONAL_ROLES}]
    wishes = [r for r in trusted if r.get("safe_contact") and datetime.fromisoformat(r["received_at"]) == wished_at]
    by_voice = [report for report in trusted if report["channel"] not in WRITTEN_CHANNELS]
    numbers = (_phone_in(report) for report in (*wishes, *by_voice))
    return next((number for number in numbers if number and normal_phone(number) not in his | never), None)


def _role(report: Mapping[str, Any]) -> str | None:
    return (report.get("reporter") or {}).get("role")


def _phone_in(report: Mapping[str, Any]) -> str | None:
    hers = (report.get("client") or {}).get("phone")
    return hers or ((report.get("reporter") or {}).get("phone") if _role(report) == "self" else None)


def _identity(person: Mapping[str, Any] | None) -> Identity:
    person = person or {}
    return Identity(
        name=normal_name(person.get("name") or "") or None,
        phone=normal_phone(person.get("phone") or "") or None,
        id_number=normal_id_number(person.get("id_number") or "") or None,
    )


def _tokens(person: Identity, blind: Blind) -> dict[str, list[str]]:
    return {
        "names": [blind("name", person.name)] if person.name else [],
        "phones": [blind("phone", person.phone)] if person.phone else [],
        "ids": [blind("id", person.id_number)] if person.id_number else [],
    }
