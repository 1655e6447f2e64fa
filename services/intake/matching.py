"""The same client, the same household, the other side: which cases a report has to do with.

Everything that a decision needs is found by index keys that follow from the report alone (`wanted_keys`), and every
case is filed under the keys by which a report may ask for it (`filed_under`).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from services.intake.case import Case
from services.intake.report import Report, meet


class Match(Struct, frozen=True, kw_only=True):
    """A case that a caseworker should look at beside a new one."""

    case_id: str
    because: tuple[str, ...]
    #: It can only be shown, never merged.
    other_side: bool


def filed_under(case: Case) -> list[str]:
    """Return the index keys of a case."""
    client, accused, county = case.client, case.accused, case.district
    keys = [f"client id {one}" for one in client.ids]
    keys += [f"client phone {one}" for one in client.phones]
    keys += [f"accused id {one}" for one in accused.ids]
    keys += [f"accused phone {one}" for one in accused.phones]
    keys += [f"born {county} {name} {year}" for name in client.names for year in case.birth_years]
    keys += [f"pair {county} {hers} {his}" for hers in client.names for his in accused.names]
    return keys


def wanted_keys(county: str, tokens: Mapping[str, Any]) -> Iterator[str]:
    """Yield the index keys of every case that a report with these tokens can join, match or stand against."""
    client, accused = tokens["client"], tokens["accused"]
    for one in (*client["ids"], *accused["ids"]):
        yield f"client id {one}"
        yield f"accused id {one}"
    for one in (*client["phones"], *accused["phones"]):
        yield f"client phone {one}"
        yield f"accused phone {one}"
    for name in client["names"]:
        for year in tokens.get("birth_years", ()):
            yield f"born {county} {name} {year}"
        for other in accused["names"]:
            yield f"pair {county} {other} {name}"


def case_to_join(report: Report, cases: Iterable[Case]) -> Case | None:
    """Return the case that a report belongs to: the strongest line first, then the case opened first."""
    joinable = [(line, case.opened_at, case.opened_by, case) for case in cases if (line := _line(report, case))]
    return min(joinable)[3] if joinable else None


def stands_against(report: Report, case: Case) -> bool:
    """Return whether the client of the report is the accused of the case."""
    return report.client.is_same(case.accused)


def accuses(report: Report, case: Case) -> bool:
    """Return whether the accused of the report is the client of the case."""
    return report.accused.is_same(case.client)


def possible_matches(report: Report, opened: Case, cases: Iterable[Case]) -> list[Match]:
    """Return the cases beside which an opened one should be looked at, with the reasons, by id.

    `opened` already knows its other sides.
    """
    return sorted(
        (
            Match(case_id=case.id, because=because, other_side=case.id in opened.other_sides)
            for case in cases
            if (because := tuple(_because(report, case)))
        ),
        key=lambda match: match.case_id,
    )


def _line(report: Report, case: Case) -> int:
    """Return by which line the clients are the same (the smaller, the stronger), or 0."""
    hers, known = report.client, case.client
    if stands_against(report, case):
        return 0
    if meet(hers.ids, known.ids):
        return 1
    if hers.ids and known.ids:
        return 0
    if meet(hers.phones, known.phones) and (not hers.names or not known.names or meet(hers.names, known.names)):
        return 2
    if report.is_by_professional and meet(hers.names, known.names) and report.accused.is_same(case.accused):
        return 3
    return 0


def _because(report: Report, case: Case) -> Iterator[str]:
    if report.county == case.district:
        if meet(report.client.names, case.client.names) and _is_near(report.birth_date, case.private.birth_dates):
            yield "name_and_birth_date"
        if report.accused.is_same(case.accused):
            yield "same_accused"
        if meet(report.accused.names, case.client.names) and meet(report.client.names, case.accused.names):
            yield "names_swapped"
    if stands_against(report, case):
        yield "counter_report"


def _is_near(born: date | None, known: tuple[date, ...]) -> bool:
    return born is not None and any(within_a_year(born, other) for other in known)


def within_a_year(one: date, other: date) -> bool:
    """Return whether two dates are at most one calendar year apart, by anniversary.

    The anniversary of 29 February lies after 28 February and before 1 March.
    """
    earlier, later = sorted((one, other))
    return (later.year, later.month, later.day) <= (earlier.year + 1, earlier.month, earlier.day)
