"""What came of a set of reports, counted for a person."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Grades of risk, the gravest first.
GRADES = ("red", "orange", "yellow", "blue")
HELD = "held"
UNGRADED = "-"
UNSAID = "not said"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts over rows of outcomes."""

    #: Cases by what the report that opened them was about, and the grade they have now.
    cases: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Referrals by agency and purpose.
    referrals: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Consents to be asked for, by agency and purpose.
    consents: Counter[tuple[str, str]] = field(default_factory=Counter)
    #: Volunteers asked for, by skill, and whether one was found.
    volunteers: Counter[tuple[str, bool]] = field(default_factory=Counter)
    #: Notices by channel; those that no channel was safe for by `HELD`.
    notices: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A report of which something else came than was expected."""

    report_key: str
    #: The fields that differ; empty when nothing came of it at all.
    fields: Sequence[str]


def summarise(rows: Iterable[Row], categories: Mapping[str, str | None]) -> Summary:
    """Count rows of outcomes in their order; `categories` says what each report is about, by its key."""
    summary, grades = Summary(), dict[str, str]()
    for row in rows:
        grades[row["case"]] = row["grade"]
        summary.referrals.update((agency, purpose) for agency, purpose, _ in row["referrals"])
        summary.consents.update((agency, purpose) for agency, purpose in row["consent_tasks"])
        summary.volunteers.update((skill, volunteer is not None) for skill, volunteer in row["assignments"])
        summary.notices[row["client_channel"]] += 1
    for case, grade in grades.items():
        summary.cases[(categories.get(case) or UNSAID, grade or UNGRADED)] += 1
    return summary


def differences(expected: Iterable[Row], rows: Iterable[Row]) -> list[Difference]:
    """Return where the outcomes are not what was expected, in the order of the expectations."""
    found = {row["report_key"]: row for row in rows}
    different = []
    for wanted in expected:
        row = found.get(wanted["report_key"])
        if row != wanted:
            fields = [name for name, value in wanted.items() if row is not None and row.get(name) != value]
            different.append(Difference(report_key=wanted["report_key"], fields=fields))
    return different
