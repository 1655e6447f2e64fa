"""A whole week, report by report."""

from collections.abc import Iterable, Mapping
from typing import Any

from tests.acceptance.oracle.case import Case
from tests.acceptance.oracle.matching import case_to_join, is_counter_report, possible_matches
from tests.acceptance.oracle.referral import refer, refuse_mediation
from tests.acceptance.oracle.report import Report, read
from tests.acceptance.oracle.risk import assess, in_order, is_higher
from tests.acceptance.oracle.volunteer import Roster, Volunteer


def outcomes(volunteers: Iterable[Mapping[str, Any]], reports: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for every report, as in expected.jsonl, in order of receipt, then as the reports stand.

    Of several reports with one key the first stands: the others are repeats or conflicts.
    """
    first: dict[str, Report] = {}
    for report in sorted((read(record) for record in reports), key=lambda one: one.time):
        first.setdefault(report.key, report)
    cases: list[Case] = []
    roster = Roster(volunteers=[Volunteer(record=record) for record in volunteers], cases=cases)
    return [_row(report, cases, roster) for report in first.values()]


def _row(report: Report, cases: list[Case], roster: Roster) -> dict[str, Any]:
    joined = case_to_join(report, cases)
    case = joined or Case(report)
    if joined:
        joined.reports.append(report)
    else:
        cases.append(case)
    grade_before = case.grade
    faced = _face(case, cases)
    assess(case)
    # What others lose by this report they lose at once, before this case asks for anything.
    for other in faced:
        refuse_mediation(other, wished_now=False)
    refusal = refuse_mediation(case, wished_now="mediation" in report.wishes)
    referrals, tasks = refer(case)
    released = refusal.released | roster.release(case)
    assignments = roster.staff(case)
    case.contact.hear(report)
    return {
        "report_key": report.key,
        "case": case.key,
        "opens_case": joined is None,
        "possible_matches": possible_matches(case, cases) if joined is None else [],
        "grade": case.grade,
        "escalated": is_higher(case.grade, grade_before),
        "reasons": in_order(case.reasons),
        "referrals": referrals,
        "referrals_cancelled": refusal.cancelled,
        "consent_tasks": tasks,
        "mediation_refused": refusal.is_said,
        "skills": [skill for skill, _ in assignments],
        "released": sorted(released),
        "assignments": [list(one) for one in assignments],
        "client_channel": case.contact.channel(report.time),
    }


def _face(case: Case, cases: list[Case]) -> list[Case]:
    """Mark the counter-reports that a report makes, its own case among them; return the others."""
    case.is_counter_report = case.is_counter_report or any(is_counter_report(case, other) for other in cases)
    faced = [other for other in cases if not other.is_counter_report and is_counter_report(other, case)]
    for other in faced:
        other.is_counter_report = True
    return faced
