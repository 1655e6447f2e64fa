"""The small language in which rules say when they hold.

A condition is a mapping with exactly one key:

    any: [condition, …]        one of them holds
    all: [condition, …]        each of them holds
    not: condition             it does not hold
    category, factor, wish, reason, grade, channel, violence_channel, consent: code or [code, …]
                               the case has this one, or one of these
    category_kind: child | violence | danger
                               the case has a category of this kind
    grade_at_least: code       the grade is this or higher
    flag: code or [code, …]    child_case, danger_case, immediate_danger, counter_report, mediation_barred, categorised
    factors: {at_least: n, at_most: m}
                               so many different factors
    violence_reports: {at_least: n, within_days: d}
                               so many reports in a violence category within d times 24 hours, the limit included
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from shared.events.vocabulary import (
    AGENCIES,
    CATEGORIES,
    CHANNELS,
    CHILD_CATEGORIES,
    DANGER_CATEGORIES,
    FACTORS,
    GRADES,
    VIOLENCE_CATEGORIES,
    WISHES,
)
from shared.rules.table import Table

_NONE: Final[frozenset[str]] = frozenset()
_SNAPSHOT_FLAGS: Final = ("child_case", "danger_case", "immediate_danger", "counter_report", "mediation_barred")
FLAGS: Final = (*_SNAPSHOT_FLAGS, "categorised")


class Subject(Struct, frozen=True, kw_only=True):
    """What conditions look at: a whole case."""

    categories: frozenset[str] = _NONE
    factors: frozenset[str] = _NONE
    wishes: frozenset[str] = _NONE
    reasons: frozenset[str] = _NONE
    channels: frozenset[str] = _NONE
    violence_channels: frozenset[str] = _NONE
    consents: frozenset[str] = _NONE
    flags: frozenset[str] = _NONE
    grade: str = "blue"
    #: When the reports in a violence category were received, the earliest first.
    violence_times: tuple[datetime, ...] = ()

    @classmethod
    def of(cls, snapshot: Mapping[str, Any]) -> "Subject":
        """Return the case of which an event carries the snapshot."""
        return cls(
            categories=frozenset(snapshot["categories"]),
            factors=frozenset(snapshot["factors"]),
            wishes=frozenset(snapshot["wishes"]),
            reasons=frozenset(snapshot["reasons"]),
            channels=frozenset(snapshot["channels"]),
            violence_channels=frozenset(snapshot["violence_channels"]),
            consents=frozenset(snapshot["consents"]),
            flags=frozenset(flag for flag in _SNAPSHOT_FLAGS if snapshot[flag]).union(
                ("categorised",) if snapshot["categories"] else ()
            ),
            grade=snapshot["grade"],
        )


Condition = Callable[[Subject], bool]

_KINDS: Final[Mapping[str, frozenset[str]]] = {
    "child": CHILD_CATEGORIES,
    "violence": VIOLENCE_CATEGORIES,
    "danger": DANGER_CATEGORIES,
}


def condition(table: Table) -> Condition:
    """Return the condition that a mapping of a rule file describes.

    Raises:
        RuleError: it describes none.
    """
    keys = table.keys()
    if len(keys) != 1 or keys[0] not in _READERS:
        raise table.error(f"a condition has exactly one of: {', '.join(_READERS)}; found {', '.join(keys) or 'none'}")
    return _READERS[keys[0]](table, keys[0])


def _any(table: Table, key: str) -> Condition:
    parts = tuple(condition(part) for part in table.tables(key))
    return lambda subject: any(part(subject) for part in parts)


def _all(table: Table, key: str) -> Condition:
    parts = tuple(condition(part) for part in table.tables(key))
    return lambda subject: all(part(subject) for part in parts)


def _not(table: Table, key: str) -> Condition:
    part = condition(table.table(key))
    return lambda subject: not part(subject)


def _category(table: Table, key: str) -> Condition:
    wanted = frozenset(table.texts(key, CATEGORIES))
    return lambda subject: not wanted.isdisjoint(subject.categories)


def _category_kind(table: Table, key: str) -> Condition:
    wanted = _KINDS[table.text(key, _KINDS)]
    return lambda subject: not wanted.isdisjoint(subject.categories)


def _factor(table: Table, key: str) -> Condition:
    wanted = frozenset(table.texts(key, FACTORS))
    return lambda subject: not wanted.isdisjoint(subject.factors)


def _wish(table: Table, key: str) -> Condition:
    wanted = frozenset(table.texts(key, WISHES))
    return lambda subject: not wanted.isdisjoint(subject.wishes)


def _reason(table: Table, key: str) -> Condition:
    # A city may add lines, and so reasons, to its risk rules: no list can be closed.
    wanted = frozenset(table.texts(key))
    return lambda subject: not wanted.isdisjoint(subject.reasons)


def _grade(table: Table, key: str) -> Condition:
    wanted = frozenset(table.texts(key, GRADES))
    return lambda subject: subject.grade in wanted


def _grade_at_least(table: Table, key: str) -> Condition:
    wanted = frozenset(GRADES[GRADES.index(table.text(key, GRADES)) :])
    return lambda subject: subject.grade in wanted


def _channel(table: Table, key: str) -> Condition:
    wanted = frozenset(table.texts(key, CHANNELS))
    return lambda subject: not wanted.isdisjoint(subject.channels)


def _violence_channel(table: Table, key: str) -> Condition:
    wanted = frozenset(table.texts(key, CHANNELS))
    return lambda subject: not wanted.isdisjoint(subject.violence_channels)


def _consent(table: Table, key: str) -> Condition:
    wanted = frozenset(table.texts(key, AGENCIES))
    return lambda subject: not wanted.isdisjoint(subject.consents)


def _flag(table: Table, key: str) -> Condition:
    wanted = frozenset(table.texts(key, FLAGS))
    return lambda subject: not wanted.isdisjoint(subject.flags)


def _factors(table: Table, key: str) -> Condition:
    limits = table.table(key)
    least, most = limits.number("at_least", 0), limits.number("at_most", len(FACTORS))
    limits.end()
    return lambda subject: least <= len(subject.factors) <= most


def _violence_reports(table: Table, key: str) -> Condition:
    limits = table.table(key)
    amount, window = limits.number("at_least"), timedelta(days=limits.number("within_days"))
    limits.end()
    if not amount:
        raise limits.error("'at_least' must be 1 or more")

    def holds(subject: Subject) -> bool:
        times = subject.violence_times
        return any(last - first <= window for first, last in zip(times, times[amount - 1 :], strict=False))

    return holds


_READERS: Final[Mapping[str, Callable[[Table, str], Condition]]] = {
    "any": _any,
    "all": _all,
    "not": _not,
    "category": _category,
    "category_kind": _category_kind,
    "factor": _factor,
    "wish": _wish,
    "reason": _reason,
    "grade": _grade,
    "grade_at_least": _grade_at_least,
    "channel": _channel,
    "violence_channel": _violence_channel,
    "consent": _consent,
    "flag": _flag,
    "factors": _factors,
    "violence_reports": _violence_reports,
}
