"""What the federation works on for one client: the union of her reports, and how it is judged."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from services.intake.contact import Contact, told
from services.intake.report import Person, Report
from shared.rules import Subject, iso

_T = TypeVar("_T", str, date)


class Private(Struct, frozen=True, kw_only=True):
    """What leaves intake to nobody without purpose and basis; sealed where it is stored."""

    #: As given in the reports of the case; more than one where they contradict each other.
    birth_dates: tuple[date, ...] = ()
    contact: Contact = field(default_factory=Contact)


class Erasure(Struct, frozen=True, kw_only=True):
    """That a case was erased."""

    at: datetime
    reason: str


class Case(Struct, frozen=True, kw_only=True):
    """A case after its latest report. Lists are sorted, but for the reasons (order of the rules)."""

    id: str
    #: County and tokens of the levels below it, of the report that opened the case.
    district: str
    place: tuple[str, ...]
    opened_at: datetime
    #: Number of the report that opened it: of two cases opened at the same moment the smaller came first.
    opened_by: int
    categories: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    wishes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    #: Channels of the reports in a violence category.
    violence_channels: tuple[str, ...] = ()
    #: Agencies that the client agreed to.
    consents: tuple[str, ...] = ()
    immediate_danger: bool = False
    client: Person = field(default_factory=Person)
    accused: Person = field(default_factory=Person)
    #: Phones given for both in one report: they identify nobody, but a volunteer may not be put with them.
    shared_phones: tuple[str, ...] = ()
    #: Tokens of the client's years of birth.
    birth_years: tuple[str, ...] = ()
    #: The latest times of receipt of reports in a violence category, as far back as the rules look.
    violence_times: tuple[datetime, ...] = ()
    grade: str = "blue"
    reasons: tuple[str, ...] = ()
    child_case: bool = False
    danger_case: bool = False
    #: Cases whose client is the accused of this one, or the other way round.
    other_sides: tuple[str, ...] = ()
    #: Its client is the accused of another case.
    counter_report: bool = False
    #: Codes of what speaks against mediation.
    mediation_bars: tuple[str, ...] = ()
    #: Nothing else is known of it then.
    erased: Erasure | None = None
    private: Private = field(default_factory=Private)


def joined(known: Case | None, case_id: str, report: Report) -> Case:
    """Return a case with one more report, not yet judged; a new one where none is known."""
    case = known or Case(
        id=case_id,
        district=report.county,
        place=report.place,
        opened_at=report.received_at,
        opened_by=report.number,
    )
    violent = report.is_of_violence
    return replace(
        case,
        categories=united(case.categories, (report.category,) if report.category else ()),
        factors=united(case.factors, report.factors),
        wishes=united(case.wishes, report.wishes),
        channels=united(case.channels, (report.channel,)),
        violence_channels=united(case.violence_channels, (report.channel,) if violent else ()),
        consents=united(case.consents, report.consents),
        immediate_danger=case.immediate_danger or report.immediate_danger,
        client=_known_by(case.client, report.client),
        accused=_known_by(case.accused, report.accused),
        shared_phones=united(case.shared_phones, report.shared_phones),
        birth_years=united(case.birth_years, report.birth_years[1:2]),
        violence_times=tuple(sorted((*case.violence_times, report.received_at))) if violent else case.violence_times,
        private=Private(
            birth_dates=united(case.private.birth_dates, (report.birth_date,) if report.birth_date else ()),
            contact=told(case.private.contact, report),
        ),
    )


def with_other_side(case: Case, other: str, *, counter_report: bool) -> Case:
    """Return a case that knows of another one which is its other side."""
    return replace(
        case,
        other_sides=united(case.other_sides, (other,)),
        counter_report=case.counter_report or counter_report,
    )


def snapshot(case: Case) -> dict[str, Any]:
    """Return the case as other services may see it."""
    return {
        "id": case.id,
        "district": case.district,
        "place": list(case.place),
        "opened_at": iso(case.opened_at),
        "categories": list(case.categories),
        "factors": list(case.factors),
        "wishes": list(case.wishes),
        "channels": list(case.channels),
        "violence_channels": list(case.violence_channels),
        "consents": list(case.consents),
        "grade": case.grade,
        "reasons": list(case.reasons),
        "immediate_danger": case.immediate_danger,
        "child_case": case.child_case,
        "danger_case": case.danger_case,
        "counter_report": case.counter_report,
        "mediation_barred": bool(case.mediation_bars),
        "mediation_bars": list(case.mediation_bars),
        "other_sides": list(case.other_sides),
        "shared_phones": list(case.shared_phones),
        "client": {"names": list(case.client.names), "phones": list(case.client.phones)},
        "accused": {"names": list(case.accused.names), "phones": list(case.accused.phones)},
    }


class Kept(Struct, frozen=True, kw_only=True):
    """What a case holds beyond its snapshot; nothing of it is left once the key of the case is destroyed."""

    opened_by: int = 0
    client_ids: tuple[str, ...] = ()
    accused_ids: tuple[str, ...] = ()
    birth_years: tuple[str, ...] = ()
    violence_times: tuple[datetime, ...] = ()
    private: Private = field(default_factory=Private)


def kept(case: Case) -> Kept:
    """Return what a snapshot leaves out of a case."""
    return Kept(
        opened_by=case.opened_by,
        client_ids=case.client.ids,
        accused_ids=case.accused.ids,
        birth_years=case.birth_years,
        violence_times=case.violence_times,
        private=case.private,
    )


def restored(seen: Mapping[str, Any], rest: Kept) -> Case:
    """Return the case of which `seen` is the snapshot and `rest` what that leaves out."""
    return Case(
        id=seen["id"],
        district=seen["district"],
        place=tuple(seen["place"]),
        opened_at=datetime.fromisoformat(seen["opened_at"]),
        opened_by=rest.opened_by,
        categories=tuple(seen["categories"]),
        factors=tuple(seen["factors"]),
        wishes=tuple(seen["wishes"]),
        channels=tuple(seen["channels"]),
        violence_channels=tuple(seen["violence_channels"]),
        consents=tuple(seen["consents"]),
        immediate_danger=seen["immediate_danger"],
        client=_person(seen["client"], rest.client_ids),
        accused=_person(seen["accused"], rest.accused_ids),
        shared_phones=tuple(seen["shared_phones"]),
        birth_years=rest.birth_years,
        violence_times=rest.violence_times,
        grade=seen["grade"],
        reasons=tuple(seen["reasons"]),
        child_case=seen["child_case"],
        danger_case=seen["danger_case"],
        other_sides=tuple(seen["other_sides"]),
        counter_report=seen["counter_report"],
        mediation_bars=tuple(seen["mediation_bars"]),
        private=rest.private,
    )


def subject(case: Case, *, child_case: bool, danger_case: bool) -> Subject:
    """Return a case as conditions of risk rules look at it, of the kind that it now is."""
    flags = {
        "child_case": child_case,
        "danger_case": danger_case,
        "immediate_danger": case.immediate_danger,
        "counter_report": case.counter_report,
        "categorised": bool(case.categories),
    }
    return Subject(
        categories=frozenset(case.categories),
        factors=frozenset(case.factors),
        wishes=frozenset(case.wishes),
        reasons=frozenset(case.reasons),
        channels=frozenset(case.channels),
        violence_channels=frozenset(case.violence_channels),
        consents=frozenset(case.consents),
        flags=frozenset(name for name, holds in flags.items() if holds),
        grade=case.grade,
        violence_times=case.violence_times,
    )


def united(known: tuple[_T, ...], more: tuple[_T, ...]) -> tuple[_T, ...]:
    """Return two sorted collections as one; the first itself where the second adds nothing."""
    if not more or all(one in known for one in more):
        return known
    return tuple(sorted(set(known + more)))


def _known_by(person: Person, more: Person) -> Person:
    return Person(
        names=united(person.names, more.names),
        phones=united(person.phones, more.phones),
        ids=united(person.ids, more.ids),
    )


def _person(seen: Mapping[str, Any], ids: tuple[str, ...]) -> Person:
    return Person(names=tuple(seen["names"]), phones=tuple(seen["phones"]), ids=ids)
