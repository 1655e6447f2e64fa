"""One contact with the federation, as the domain reads it: codes, times and tokens."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from shared.events.vocabulary import COUNTY_DIGITS, PROFESSIONAL_ROLES, VIOLENCE_CATEGORIES


class Person(Struct, frozen=True, kw_only=True):
    """A person by blind tokens."""

    names: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def is_same(self, other: "Person") -> bool:
        """Return whether both are one person by id number or by phone."""
        return meet(self.ids, other.ids) or meet(self.phones, other.phones)


class Report(Struct, frozen=True, kw_only=True):
    """A report without its narrative and without clear persons, but for the birth date."""

    id: str
    #: Order of arrival.
    number: int
    channel: str
    received_at: datetime
    #: District cut to the county.
    county: str
    #: Tokens of the levels below the county.
    place: tuple[str, ...]
    role: str
    category: str | None
    factors: tuple[str, ...]
    wishes: tuple[str, ...]
    immediate_danger: bool
    #: Agencies that the client agreed to; empty where the reporter cannot say so.
    consents: tuple[str, ...]
    safe_contact: Mapping[str, Any] | None
    birth_date: date | None
    #: Tokens of the year of birth with its neighbours: before, own, after. Empty where it is not known.
    birth_years: tuple[str, ...]
    client: Person
    accused: Person
    #: A phone given for both.
    shared_phones: tuple[str, ...]

    @property
    def is_by_professional(self) -> bool:
        """Whether somebody reports who does so by profession or office."""
        return self.role in PROFESSIONAL_ROLES

    @property
    def is_of_violence(self) -> bool:
        """Whether the report itself is in a violence category."""
        return self.category in VIOLENCE_CATEGORIES


def read(id: str, number: int, report: Mapping[str, Any], tokens: Mapping[str, Any]) -> Report:
    """Return the report that a command carries: `report` in the clear, validated, and its `tokens`."""
    client = report.get("client") or {}
    role = (report.get("reporter") or {}).get("role") or "anonymous"
    consent = report.get("consent") or {}
    born = client.get("birth_date")
    return Report(
        id=id,
        number=number,
        channel=report["channel"],
        received_at=datetime.fromisoformat(report["received_at"]),
        county=report["district"][:COUNTY_DIGITS],
        place=tuple(tokens["place"]),
        role=role,
        category=report.get("category"),
        factors=_sorted(report.get("risk_factors")),
        wishes=_sorted(report.get("wishes")),
        immediate_danger=bool(report.get("immediate_danger")),
        consents=_sorted(consent.get("agencies")) if role == "self" or role in PROFESSIONAL_ROLES else (),
        safe_contact=report.get("safe_contact"),
        birth_date=date.fromisoformat(born) if born else None,
        birth_years=tuple(tokens.get("birth_years", ())),
        client=_person(tokens["client"]),
        accused=_person(tokens["accused"]),
        shared_phones=tuple(tokens["shared_phones"]),
    )


def meet(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Return whether two short collections have something in common."""
    return any(one in others for one in some)


def _sorted(codes: list[str] | None) -> tuple[str, ...]:
    return tuple(sorted(set(codes))) if codes else ()


def _person(tokens: Mapping[str, Any]) -> Person:
    return Person(names=tuple(tokens["names"]), phones=tuple(tokens["phones"]), ids=tuple(tokens["ids"]))
