"""Graded filing: the grade of a case, the reasons for it, and what bars mediation, by the rules in rules/risk.yml."""

from datetime import date
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from services.intake.case import Case, subject
from shared.events.vocabulary import (
    CHILD_CATEGORIES,
    DANGER_CATEGORIES,
    GRADES,
    VIOLENCE_CATEGORIES,
)
from shared.rules import Condition, Subject, Table, condition, read

_SHIPPED: Final = Path(__file__).parent / "rules" / "risk.yml"
_ADULT_AT_YEARS: Final = 18
#: With so many factors a case is a danger case, whatever its category.
_DANGEROUS_FACTORS: Final = 10
#: More reports of violence than this within the window, and every line that counts them has fired.
_TIMES_KEPT: Final = 16


class Line(Struct, frozen=True, kw_only=True):
    """One line of the table of risk: when it fires and which grade it gives."""

    code: str
    grade: str
    when: Condition


class Bar(Struct, frozen=True, kw_only=True):
    """One thing that speaks against mediation."""

    code: str
    when: Condition


class RiskRules(Struct, frozen=True, kw_only=True):
    """The rules of a city, in the order of its file."""

    lines: tuple[Line, ...]
    bars: tuple[Bar, ...]


def load(folder: Path | None = None) -> RiskRules:
    """Read the rules, from `folder` where it has a risk.yml of its own.

    Raises:
        RuleError: the file says something that cannot be meant.
    """
    table = read(_SHIPPED, folder)
    rules = RiskRules(
        lines=tuple(_line(line) for line in table.tables("lines")),
        bars=tuple(_bar(bar) for bar in table.tables("mediation_bars")),
    )
    table.end()
    return rules


def judged(case: Case, rules: RiskRules, today: date) -> Case:
    """Return a case as the rules judge it on the day of its latest report (China's date).

    The machine only raises: the grade never falls, a line that fired stays a reason, a child case stays one.
    """
    young = is_under_age(case.private.birth_dates, today)
    child, danger = _is_child_case(case, young=young), _is_danger_case(case, young=young)
    seen = subject(case, child_case=child, danger_case=danger)
    fired = {line.code: line.grade for line in rules.lines if line.code not in case.reasons and line.when(seen)}
    grade = max((case.grade, *fired.values()), key=GRADES.index)
    return replace(
        case,
        child_case=child,
        danger_case=danger,
        grade=grade,
        reasons=_in_order((*case.reasons, *fired), rules) if fired else case.reasons,
        violence_times=case.violence_times[-_TIMES_KEPT:],
        mediation_bars=_bars(replace(seen, grade=grade), rules),
    )


def barred(case: Case, rules: RiskRules) -> Case:
    """Return a case with what speaks against mediating it."""
    seen = subject(case, child_case=case.child_case, danger_case=case.danger_case)
    return replace(case, mediation_bars=_bars(seen, rules))


def is_under_age(birth_dates: tuple[date, ...], today: date) -> bool:
    """Return whether the client is under 18; where dates contradict each other, the youngest counts."""
    return any(
        (today.year, today.month, today.day) < (born.year + _ADULT_AT_YEARS, born.month, born.day)
        for born in birth_dates
    )


def _is_child_case(case: Case, *, young: bool) -> bool:
    return (
        case.child_case
        or not CHILD_CATEGORIES.isdisjoint(case.categories)
        or (young and not VIOLENCE_CATEGORIES.isdisjoint(case.categories))
    )


def _is_danger_case(case: Case, *, young: bool) -> bool:
    return (
        not case.categories
        or young
        or len(case.factors) >= _DANGEROUS_FACTORS
        or not DANGER_CATEGORIES.isdisjoint(case.categories)
    )


def _bars(case: Subject, rules: RiskRules) -> tuple[str, ...]:
    return tuple(bar.code for bar in rules.bars if bar.when(case))


def _in_order(codes: tuple[str, ...], rules: RiskRules) -> tuple[str, ...]:
    """Return reasons in the order of the table; those of lines that a city has removed since come last."""
    table = [line.code for line in rules.lines]
    return tuple(sorted(codes, key=lambda code: table.index(code) if code in table else len(table)))


def _line(table: Table) -> Line:
    line = Line(code=table.code("code"), grade=table.text("grade", GRADES), when=condition(table.table("when")))
    table.end()
    return line


def _bar(table: Table) -> Bar:
    bar = Bar(code=table.code("code"), when=condition(table.table("when")))
    table.end()
    return bar
