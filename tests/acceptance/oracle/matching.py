"""The same client, the same household, the other side."""

from collections.abc import Iterable, Sequence
from datetime import date

from tests.acceptance.oracle.case import Case
from tests.acceptance.oracle.report import Report


def case_to_join(report: Report, cases: Sequence[Case]) -> Case | None:
    """Return the case to which a report belongs, of the `cases` in the order in which they were opened."""
    joinable = [(line, number) for number, case in enumerate(cases) if (line := _line(report, case))]
    return cases[min(joinable)[1]] if joinable else None


def _line(report: Report, case: Case) -> int | None:
    """Return the number of the line by which the clients are the same."""
    hers, known = report.client, case.client
    if hers.ids and known.ids and not hers.ids & known.ids:
        return None
    if hers.is_same(case.accused):
        return None
    if hers.ids & known.ids:
        return 1
    same_name = bool(hers.names & known.names)
    if hers.phones & known.phones and (same_name or not hers.names or not known.names):
        return 2
    if report.is_professional and same_name and report.accused.is_same(case.accused):
        return 3
    return None


def is_counter_report(case: Case, other: Case) -> bool:
    """Tell whether the client of a case is the accused of another."""
    return case is not other and case.client.is_same(other.accused)


def are_other_sides(one: Case, other: Case) -> bool:
    """Tell whether two cases are two sides of one matter."""
    return is_counter_report(one, other) or is_counter_report(other, one)


def possible_matches(opened: Case, cases: Iterable[Case]) -> list[str]:
    """Return the keys of the cases beside which one that was just opened should be looked at."""
    return sorted(
        case.key
        for case in cases
        if case is not opened
        and (is_counter_report(opened, case) or (opened.county == case.county and _is_alike(opened, case)))
    )


def _is_alike(opened: Case, case: Case) -> bool:
    same_name = opened.client.names & case.client.names
    near_in_age = any(are_within_a_year(one, other) for one in opened.birth_dates for other in case.birth_dates)
    swapped = opened.accused.names & case.client.names and opened.client.names & case.accused.names
    return bool((same_name and near_in_age) or opened.accused.is_same(case.accused) or swapped)


def are_within_a_year(one: date, other: date) -> bool:
    """Tell whether the later date is not after the anniversary of the earlier one."""
    earlier, later = sorted((one, other))
    try:
        return later <= earlier.replace(year=earlier.year + 1)
    except ValueError:
        # In a common year the anniversary of 29 February comes after 28 February and before 1 March.
        return later <= date(earlier.year + 1, 2, 28)
