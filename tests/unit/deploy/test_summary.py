"""The sample week, counted for a person."""

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

from rich.console import Console

from deploy.sample import WEEK
from deploy.summary import differences, summarise
from deploy.tables import case_table, notice_table, referral_table, volunteer_table


def objects(name: str) -> Iterator[dict[str, Any]]:
    yield from (json.loads(line) for line in (WEEK / name).read_text(encoding="utf-8").splitlines())


EXPECTED = list(objects("expected.jsonl"))
CATEGORIES = {
    report["report_key"]: report.get("category") for report in (*objects("reports.jsonl"), *objects("earlier.jsonl"))
}


def test_every_case_is_counted_once_with_the_grade_it_has_now() -> None:
    summary = summarise(EXPECTED, CATEGORIES)

    assert summary.cases.total() == sum(row["opens_case"] for row in EXPECTED)
    red = [grade for grade in {row["case"]: row["grade"] for row in EXPECTED}.values() if grade == "red"]
    assert sum(count for (_, grade), count in summary.cases.items() if grade == "red") == len(red)


def test_every_effect_is_counted() -> None:
    summary = summarise(EXPECTED, CATEGORIES)

    assert summary.referrals.total() == sum(len(row["referrals"]) for row in EXPECTED)
    assert summary.consents.total() == sum(len(row["consent_tasks"]) for row in EXPECTED)
    assert summary.volunteers.total() == sum(len(row["assignments"]) for row in EXPECTED)
    assert summary.notices.total() == len(EXPECTED)


def test_tables_show_the_sums() -> None:
    summary = summarise(EXPECTED, CATEGORIES)
    console = Console(width=120, record=True, file=StringIO())

    for table in (case_table(summary), referral_table(summary), volunteer_table(summary), notice_table(summary)):
        console.print(table)

    shown = console.export_text()
    assert "domestic_violence" in shown
    assert "held: no safe way now" in shown
    assert f" {summary.cases.total()}\n" in shown.replace(" \n", "\n")


def test_no_difference_is_found_where_there_is_none() -> None:
    assert differences(EXPECTED, reversed(EXPECTED)) == []


def test_a_difference_names_report_and_fields() -> None:
    first, second, *rest = EXPECTED
    rows = [{**first, "grade": "red", "skills": []}, *rest]

    wrong, missing = differences(EXPECTED, rows)

    assert (wrong.report_key, wrong.fields) == (first["report_key"], ["grade", "skills"])
    assert (missing.report_key, missing.fields) == (second["report_key"], [])
