"""One report as the rules read it: when, where, from whom, about whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

CHINA = timezone(timedelta(hours=8))
PROFESSIONAL = {"teacher", "doctor", "police", "court", "village_cadre", "volunteer"}
CHILD = {"child_abuse", "child_sexual_abuse"}
VIOLENCE = CHILD | {"domestic_violence", "sexual_assault", "trafficking"}


@dataclass(frozen=True, kw_only=True)
class Person:
    """The client or the accused, as far as reports say who that is."""

    names: set[str]
    #: Those that identify her: not given for the other side in the same report.
    phones: set[str]
    ids: set[str]

    def is_same(self, other: "Person") -> bool:
        """Tell whether both are one person by id number or by phone."""
        return bool(self.ids & other.ids or self.phones & other.phones)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one report says; a list that it does not give is empty."""

    key: str
    time: datetime
    channel: str
    district: str
    role: str | None
    client: Person
    accused: Person
    #: All that are given, also one that is given for both sides.
    phones: set[str]
    birth_date: date | None
    category: str | None
    immediate_danger: bool
    factors: set[str]
    wishes: set[str]
    #: Agencies; empty where the reporter cannot consent for her.
    consents: set[str]
    safe_contact: Mapping[str, Any] | None

    @property
    def day(self) -> date:
        """China's date when it was received."""
        return self.time.astimezone(CHINA).date()

    @property
    def county(self) -> str:
        """The district cut to the county."""
        return self.district[:6]

    @property
    def is_professional(self) -> bool:
        """Whether a professional reports."""
        return self.role in PROFESSIONAL

    @property
    def is_violence(self) -> bool:
        """Whether it is in a violence category."""
        return self.category in VIOLENCE


def read(record: Mapping[str, Any]) -> Report:
    """Read a report; null is the same as missing."""
    reporter = record.get("reporter") or {}
    client = record.get("client") or {}
    accused = record.get("accused") or {}
    role = reporter.get("role")
    filling = reporter if role == "self" else {}
    name = client.get("name") or filling.get("name")
    phone = client.get("phone") or filling.get("phone")
    his_phone = accused.get("phone")
    shared = phone is not None and phone == his_phone
    born = client.get("birth_date")
    counts = role == "self" or role in PROFESSIONAL
    return Report(
        key=record["report_key"],
        time=datetime.fromisoformat(record["received_at"]),
        channel=record["channel"],
        district=record["district"],
        role=role,
        client=Person(
            names=_given(name), phones=_given(None if shared else phone), ids=_given(client.get("id_number"))
        ),
        accused=Person(
            names=_given(accused.get("name")),
            phones=_given(None if shared else his_phone),
            ids=_given(accused.get("id_number")),
        ),
        phones=_given(phone) | _given(his_phone),
        birth_date=date.fromisoformat(born) if born else None,
        category=record.get("category"),
        immediate_danger=record.get("immediate_danger") is True,
        factors=set(record.get("risk_factors") or ()),
        wishes=set(record.get("wishes") or ()),
        consents=set((record.get("consent") or {}).get("agencies") or ()) if counts else set(),
        safe_contact=record.get("safe_contact"),
    )


def all_of(persons: Iterable[Person]) -> Person:
    """Return one person with everything that several reports say of her."""
    several = list(persons)
    return Person(
        names={name for person in several for name in person.names},
        phones={phone for person in several for phone in person.phones},
        ids={number for person in several for number in person.ids},
    )


def _given(text: str | None) -> set[str]:
    return {text} if text else set()
