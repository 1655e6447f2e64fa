"""The services and a second reading of the rules come to the same, in the sample week and in weeks that nobody wrote.

There are as many random weeks as SECOND_OPINION_WEEKS says; the week of a seed is always the same one.
"""

import json
import os
import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from shared.events.vocabulary import GRADES, PURPOSES, REASONS, SAFE_CHANNELS
from tests.acceptance import oracle
from tests.acceptance.city import WEEK, City, lines
from tests.acceptance.oracle import outcomes
from tests.acceptance.random_week import Week, random_week

SEEDS = range(int(os.environ.get("SECOND_OPINION_WEEKS", "16")))
REPORTS = 150
#: In so many weeks or more every rule is reached.
ENOUGH_WEEKS = 16

Row = dict[str, Any]
Report = dict[str, Any]

EFFECTS: dict[str, Callable[[Row], bool]] = {
    "joined": lambda row: not row["opens_case"],
    "matched": lambda row: bool(row["possible_matches"]),
    "refused": lambda row: row["mediation_refused"],
    "cancelled": lambda row: bool(row["referrals_cancelled"]),
    "consent asked": lambda row: bool(row["consent_tasks"]),
    "released": lambda row: bool(row["released"]),
    "nobody eligible": lambda row: any(volunteer is None for _, volunteer in row["assignments"]),
}


@cache
def opinion(seed: int) -> tuple[Week, list[Row]]:
    week = random_week(seed, REPORTS)
    return week, outcomes(week.volunteers, week.reports)


def test_the_second_opinion_on_the_sample_week_is_the_expected_one() -> None:
    reports = [*lines(WEEK / "earlier.jsonl"), *lines(WEEK / "reports.jsonl")]
    assert outcomes(lines(WEEK / "volunteers.jsonl"), reports) == lines(WEEK / "expected.jsonl")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_services_come_to_the_same_in_a_random_week(seed: int) -> None:
    week, rows = opinion(seed)
    ours = City(week.volunteers).receive_all(week.reports)
    if found := difference(ours, rows, week.reports):
        pytest.fail(f"seed {seed}, {found}", pytrace=False)


@pytest.mark.skipif(len(SEEDS) < ENOUGH_WEEKS, reason="so few weeks may miss a rule")
def test_random_weeks_reach_every_rule() -> None:
    reached = {sign for seed in SEEDS for row in opinion(seed)[1] for sign in signs(row)}
    wanted = {*GRADES, *REASONS, *PURPOSES, *SAFE_CHANNELS, "held", *EFFECTS}
    assert wanted - reached == set()


def test_a_difference_names_the_report_the_field_and_what_the_case_is_made_of() -> None:
    week, rows = opinion(0)
    number, row = next((number, row) for number, row in enumerate(rows) if number > 20 and not row["opens_case"])
    wrong = [*rows[:number], {**row, "grade": "purple"}, *rows[number + 1 :]]
    found = difference(wrong, rows, week.reports) or ""
    for part in (row["report_key"], "grade", "purple", row["grade"], f'"report_key": "{row["case"]}"'):
        assert part in found


def test_the_second_opinion_knows_nothing_of_the_services() -> None:
    for module in Path(oracle.__file__).parent.glob("*.py"):
        assert not re.search(r"^\s*(from|import) (services|shared|deploy)\b", module.read_text("utf-8"), re.MULTILINE)


def signs(row: Row) -> Iterable[str]:
    """Return by what it can be seen which rules made a row."""
    yield row["grade"]
    yield row["client_channel"]
    yield from row["reasons"]
    yield from (purpose for _, purpose, _ in row["referrals"])
    yield from (effect for effect, is_in in EFFECTS.items() if is_in(row))


def difference(ours: list[Row], theirs: list[Row], reports: list[Report]) -> str | None:
    """Return where the first rows that differ do so (later ones may only follow from it), and what led there."""
    for number, (our, their) in enumerate(zip_longest(ours, theirs, fillvalue={})):
        if our != their:
            before = [*ours[: number + 1], *theirs[: number + 1]]
            keys = {row["report_key"] for row in before if row["case"] in {our.get("case"), their.get("case")}}
            return told(our, their, [report for report in reports if report["report_key"] in keys])
    return None


def told(our: Row, their: Row, reports: list[Report]) -> str:
    key = our.get("report_key") or their.get("report_key")
    fields = [name for name in {**their, **our} if our.get(name) != their.get(name)]
    values = [f"  {name}: the services {our.get(name)!r}, the second opinion {their.get(name)!r}" for name in fields]
    story = [json.dumps(report, ensure_ascii=False) for report in reports]
    return "\n".join([f"report {key}:", *values, "The reports of the case up to then:", *story])
