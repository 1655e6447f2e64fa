"""The grade of a case and the reasons for it."""

from datetime import date, timedelta

from tests.acceptance.oracle.case import Case
from tests.acceptance.oracle.report import CHILD, VIOLENCE

GRADES = ["blue", "yellow", "orange", "red"]
DANGER = VIOLENCE | {"marriage_dispute", "custody_and_support", "sexual_harassment", "psychological"}
#: Reasons with their grades, in the order of the table.
GRADE_OF = {
    "immediate_danger": "red",
    "strangulation": "red",
    "breached_order": "red",
    "threat_to_kill_and_weapon": "red",
    "factors_14_or_more": "red",
    "child_case": "red",
    "factors_10_to_13": "orange",
    "threat_to_kill": "orange",
    "sexual_abuse": "orange",
    "sexual_assault_or_trafficking": "orange",
    "separation_control_injury": "orange",
    "third_violence_report_in_365_days": "orange",
    "second_violence_report_in_30_days": "orange",
    "factors_1_to_9": "yellow",
    "violence_or_harassment": "yellow",
}


def is_higher(grade: str, other: str) -> bool:
    """Tell whether one grade is higher than another."""
    return GRADES.index(grade) > GRADES.index(other)


def in_order(reasons: set[str]) -> list[str]:
    """Return reasons in the order of the table."""
    return [code for code in GRADE_OF if code in reasons]


def assess(case: Case) -> None:
    """Judge a case on the day of its latest report; what was a reason once remains one."""
    categories = case.categories
    minor = any(_is_under_18(born, case.reports[-1].day) for born in case.birth_dates)
    case.is_child = case.is_child or bool(categories & CHILD) or (minor and bool(categories & VIOLENCE))
    is_danger = bool(categories & DANGER) or not categories or minor or len(case.factors) >= 10
    case.reasons |= {code for code, fires in _lines(case, is_danger=is_danger).items() if fires}
    case.grade = max((GRADE_OF[code] for code in case.reasons), key=GRADES.index, default="blue")


def _lines(case: Case, *, is_danger: bool) -> dict[str, bool]:
    categories, factors = case.categories, case.factors
    return {
        "immediate_danger": any(report.immediate_danger for report in case.reports),
        "strangulation": "strangulation" in factors,
        "breached_order": "breached_order" in factors,
        "threat_to_kill_and_weapon": {"threat_to_kill", "weapon_used"} <= factors,
        "factors_14_or_more": is_danger and len(factors) >= 14,
        "child_case": case.is_child,
        "factors_10_to_13": is_danger and 10 <= len(factors) <= 13,
        "threat_to_kill": "threat_to_kill" in factors,
        "sexual_abuse": "sexual_abuse" in factors,
        "sexual_assault_or_trafficking": bool(categories & {"sexual_assault", "trafficking"}),
        "separation_control_injury": is_danger
        and {"separated_or_trying", "controlling_or_jealous", "injury"} <= factors,
        "third_violence_report_in_365_days": _has_violence(case, times=3, within=timedelta(days=365)),
        "second_violence_report_in_30_days": _has_violence(case, times=2, within=timedelta(days=30)),
        "factors_1_to_9": is_danger and 1 <= len(factors) <= 9,
        "violence_or_harassment": bool(categories & {"domestic_violence", "sexual_harassment"}),
    }


def _has_violence(case: Case, *, times: int, within: timedelta) -> bool:
    """Tell whether so many reports of violence lie in a window; its limit is inside."""
    received = sorted(report.time for report in case.reports if report.is_violence)
    return any(received[last] - received[last - times + 1] <= within for last in range(times - 1, len(received)))


def _is_under_18(born: date, today: date) -> bool:
    try:
        return today < born.replace(year=born.year + 18)
    except ValueError:
        # In a common year who was born on 29 February comes of age on 1 March.
        return today < date(born.year + 18, 3, 1)
