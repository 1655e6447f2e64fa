"""2.2 Risk."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.intake import risk
from services.intake.risk import is_under_age
from shared.events.vocabulary import CATEGORIES, DANGER_CATEGORIES, FACTORS, REASONS
from shared.rules import RuleError
from tests.acceptance.city import City
from tests.acceptance.people import LI, WANG, report

CHILD = {"name": "小王", "phone": "13800000003", "birth_date": "2010-03-03"}
#: Factors that make no line fire but those that count them.
HARMLESS = [
    "very_frightened",
    "fears_further_harm",
    "isolated",
    "depressed_or_suicidal",
    "child_contact_conflict",
    "stalking",
    "pregnant_or_new_baby",
    "abuse_more_often",
    "abuse_getting_worse",
    "threatened_by_others",
    "hurt_others",
    "hurt_animals",
    "money_dependence",
    "substance_or_mental_illness",
]


def after(*reports: dict[str, Any]) -> dict[str, Any]:
    """Return the row of the last of some reports."""
    city = City()
    return [city.receive(one) for one in reports][-1]


def graded(**fields: Any) -> tuple[str, list[str]]:
    row = after(report(**fields))
    return row["grade"], row["reasons"]


@pytest.mark.parametrize(
    ("fields", "grade", "reasons"),
    [
        ({"immediate_danger": True, "category": "other"}, "red", ["immediate_danger"]),
        ({"risk_factors": ["strangulation"], "category": "other"}, "red", ["strangulation"]),
        ({"risk_factors": ["breached_order"], "category": "other"}, "red", ["breached_order"]),
        (
            {"risk_factors": ["threat_to_kill", "weapon_used"], "category": "other"},
            "red",
            ["threat_to_kill_and_weapon", "threat_to_kill"],
        ),
        ({"risk_factors": ["weapon_used"], "category": "other"}, "blue", []),
        ({"category": "child_abuse"}, "red", ["child_case"]),
        ({"category": "child_sexual_abuse"}, "red", ["child_case"]),
        ({"risk_factors": ["threat_to_kill"], "category": "other"}, "orange", ["threat_to_kill"]),
        ({"risk_factors": ["sexual_abuse"], "category": "other"}, "orange", ["sexual_abuse"]),
        ({"category": "sexual_assault"}, "orange", ["sexual_assault_or_trafficking"]),
        ({"category": "trafficking"}, "orange", ["sexual_assault_or_trafficking"]),
        (
            {"risk_factors": ["separated_or_trying", "controlling_or_jealous", "injury"], "category": "psychological"},
            "orange",
            ["separation_control_injury", "factors_1_to_9"],
        ),
        (
            {"risk_factors": ["separated_or_trying", "controlling_or_jealous", "injury"], "category": "other"},
            "blue",
            [],
        ),
        ({"category": "domestic_violence"}, "yellow", ["violence_or_harassment"]),
        ({"category": "sexual_harassment"}, "yellow", ["violence_or_harassment"]),
        ({"category": "marriage_dispute"}, "blue", []),
        ({}, "blue", []),
    ],
)
def test_each_line_of_the_table(fields: dict[str, Any], grade: str, reasons: list[str]) -> None:
    assert graded(**fields) == (grade, reasons)


@pytest.mark.parametrize(
    ("amount", "grade", "reason"),
    [
        (1, "yellow", "factors_1_to_9"),
        (9, "yellow", "factors_1_to_9"),
        (10, "orange", "factors_10_to_13"),
        (13, "orange", "factors_10_to_13"),
        (14, "red", "factors_14_or_more"),
    ],
)
def test_factors_count_in_a_danger_case(amount: int, grade: str, reason: str) -> None:
    factors = HARMLESS[:amount]
    assert graded(category="marriage_dispute", risk_factors=[*factors, *factors]) == (grade, [reason])


@pytest.mark.parametrize("category", sorted(set(CATEGORIES) - DANGER_CATEGORIES))
def test_factors_do_not_count_outside_a_danger_case_until_there_are_ten(category: str) -> None:
    assert graded(category=category, risk_factors=HARMLESS[:9]) == ("blue", [])
    assert graded(category=category, risk_factors=HARMLESS[:10]) == ("orange", ["factors_10_to_13"])


def test_factors_count_where_there_is_no_category_yet() -> None:
    assert graded(risk_factors=["isolated"]) == ("yellow", ["factors_1_to_9"])


def test_factors_count_where_the_client_is_under_18() -> None:
    assert graded(client=CHILD, category="family_education", risk_factors=["isolated"])[0] == "yellow"


def test_a_client_under_18_makes_a_child_case_only_with_a_violence_category() -> None:
    assert graded(client=CHILD, category="domestic_violence")[1] == ["child_case", "violence_or_harassment"]
    assert graded(client=CHILD, category="sexual_harassment") == ("yellow", ["violence_or_harassment"])


def test_a_client_is_a_child_by_the_date_in_china_on_the_day_of_the_report() -> None:
    eve = {"client": {**CHILD, "birth_date": "2008-03-03"}, "category": "domestic_violence"}
    assert graded(received_at="2026-03-02T23:59:00+08:00", **eve)[0] == "red"
    assert graded(received_at="2026-03-03T00:00:00+08:00", **eve)[0] == "yellow"
    assert graded(received_at="2026-03-02T16:00:00+00:00", **eve)[0] == "yellow"


def test_a_birth_date_from_an_earlier_report_counts_with_a_violence_category_from_a_later_one() -> None:
    quiet = report(client=CHILD, category="family_education")
    violent = report(client={**CHILD, "birth_date": None}, role="police", category="domestic_violence")
    assert "child_case" in after(quiet, violent)["reasons"]


def test_a_client_who_has_grown_up_before_the_violence_is_reported_makes_no_child_case() -> None:
    quiet = report("2026-03-02T12:00:00+08:00", client={**CHILD, "birth_date": "2008-03-03"}, category="psychological")
    violent = report("2026-03-03T12:00:00+08:00", client={**CHILD, "birth_date": None}, category="domestic_violence")
    assert "child_case" not in after(quiet, violent)["reasons"]


def test_once_a_child_case_always_one() -> None:
    city = City()
    first = report("2026-03-02T12:00:00+08:00", client={**CHILD, "birth_date": "2008-03-03"}, category="trafficking")
    city.receive(first)
    city.receive(report("2027-01-01T12:00:00+08:00", client=CHILD | {"birth_date": "2008-03-03"}))
    assert city.case_of(first["report_key"]).child_case


@pytest.mark.parametrize(
    ("born", "today", "young"),
    [
        ("2008-03-02", "2026-03-01", True),
        ("2008-03-02", "2026-03-02", False),
        ("2008-02-29", "2026-02-28", True),
        ("2008-02-29", "2026-03-01", False),
    ],
)
def test_she_is_18_on_her_birthday(born: str, today: str, young: bool) -> None:
    assert is_under_age((date.fromisoformat(born),), date.fromisoformat(today)) is young


def violence(after_days: float, **fields: Any) -> dict[str, Any]:
    time = datetime.fromisoformat("2025-01-01T12:00:00+08:00") + timedelta(days=after_days)
    return report(time.isoformat(), **{"category": "domestic_violence", **fields})


SECOND = 1 / 86_400


def test_a_second_report_of_violence_counts_within_30_days_the_limit_included() -> None:
    assert "second_violence_report_in_30_days" in after(violence(0), violence(30))["reasons"]
    assert "second_violence_report_in_30_days" not in after(violence(0), violence(30 + SECOND))["reasons"]


def test_a_third_report_of_violence_counts_within_365_days_the_limit_included() -> None:
    reason = "third_violence_report_in_365_days"
    assert reason in after(violence(0), violence(180), violence(365))["reasons"]
    assert reason not in after(violence(0), violence(180), violence(365 + SECOND))["reasons"]
    assert reason in after(violence(-300), violence(0), violence(180), violence(365))["reasons"]


def test_only_reports_in_a_violence_category_count() -> None:
    row = after(violence(0), violence(1, category="marriage_dispute"), violence(2, category=None))
    assert row["reasons"] == ["violence_or_harassment"]


def test_other_kinds_of_violence_count_together() -> None:
    assert "second_violence_report_in_30_days" in after(violence(0), violence(1, category="trafficking"))["reasons"]


def test_rules_read_the_union_of_the_reports() -> None:
    row = after(report(risk_factors=["threat_to_kill"], category="other"), report(risk_factors=["weapon_used"]))
    assert row["reasons"] == ["threat_to_kill_and_weapon", "threat_to_kill"]


def test_a_reason_is_kept_when_its_line_no_longer_holds() -> None:
    few, many = report(risk_factors=HARMLESS[:9]), report(risk_factors=HARMLESS[9:], category="other")
    assert after(few, many)["reasons"] == ["factors_14_or_more", "factors_1_to_9"]
    unclear, clear = report(risk_factors=["isolated"]), report(category="employment")
    row = after(unclear, clear)
    assert (row["grade"], row["reasons"]) == ("yellow", ["factors_1_to_9"])


def test_only_a_rise_escalates_and_a_new_case_counts_from_blue() -> None:
    city = City()
    reports = [{"category": "other"}, {"category": "sexual_harassment"}, {"risk_factors": ["isolated"]}, {}]
    assert [city.receive(report(**fields))["escalated"] for fields in reports] == [False, True, False, False]


def test_reasons_stand_in_the_order_of_the_table() -> None:
    row = after(report(category="child_abuse", risk_factors=list(FACTORS), immediate_danger=True))
    assert row["reasons"] == [code for code in REASONS if code in row["reasons"]]
    assert len(row["reasons"]) > 6


def test_a_consent_counts_only_from_herself_or_a_professional_and_adds() -> None:
    city = City()
    first = report(consent={"agencies": ["police"], "given_at": "2026-03-02T12:00:00+08:00"})
    city.receive(first)
    city.receive(report(role="relative", consent={"agencies": ["court"]}))
    city.receive(report(role=None, consent={"agencies": ["court"]}))
    city.receive(report(role="doctor", consent={"agencies": ["health"]}))
    assert city.case_of(first["report_key"]).consents == ("health", "police")


def test_a_case_document_does_not_grow_without_end() -> None:
    city = City()
    for day in range(40):
        row = city.receive(violence(day))
    assert len(city.case_of(row["report_key"]).violence_times) <= 16


BARRING = [
    "injury",
    "very_frightened",
    "fears_further_harm",
    "stalking",
    "abuse_more_often",
    "abuse_getting_worse",
    "controlling_or_jealous",
    "weapon_used",
    "threat_to_kill",
    "strangulation",
    "sexual_abuse",
    "threatened_by_others",
    "hurt_others",
    "breached_order",
]


@pytest.mark.parametrize("factor", FACTORS)
def test_some_factors_bar_mediation(factor: str) -> None:
    city = City()
    row = city.receive(report(category="marriage_dispute", risk_factors=[factor]))
    assert (factor in city.case_of(row["report_key"]).mediation_bars) is (factor in BARRING)


@pytest.mark.parametrize("category", CATEGORIES)
def test_some_categories_bar_mediation(category: str) -> None:
    barring = DANGER_CATEGORIES - {"marriage_dispute", "custody_and_support", "psychological"}
    city = City()
    row = city.receive(report(category=category))
    assert bool(city.case_of(row["report_key"]).mediation_bars) is (category in barring)


def test_orange_and_red_bar_mediation() -> None:
    city = City()
    row = city.receive(report(category="marriage_dispute", immediate_danger=True))
    assert city.case_of(row["report_key"]).mediation_bars == ("grade_orange_or_red",)


def test_the_table_gives_every_reason_of_the_vocabulary() -> None:
    assert tuple(line.code for line in risk.load().lines) == REASONS


def test_a_city_changes_its_rules_in_a_file_of_its_own(tmp_path: Path) -> None:
    own = "lines:\n  - {code: any_violence, grade: red, when: {category_kind: violence}}\nmediation_bars: []\n"
    (tmp_path / "risk.yml").write_text(own, encoding="utf-8")
    assert [line.code for line in risk.load(tmp_path).lines] == ["any_violence"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{code: x, grade: red, when: {factor: beaten}}", "beaten"),
        ("{code: x, grade: purple, when: {factor: injury}}", "purple"),
        ("{code: x, grade: red, when: {factor: injury}, wen: 1}", "wen"),
        ("{code: x, grade: red}", "'when' is missing"),
        ("{code: x, grade: red, when: {factor: injury, wish: shelter}}", "exactly one"),
        ("{code: x, grade: red, code: y, when: {factor: injury}}", "twice"),
    ],
)
def test_what_a_rule_file_cannot_mean_is_an_error_with_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "risk.yml").write_text(f"mediation_bars: []\nlines:\n  - {line}\n", encoding="utf-8")
    with pytest.raises(RuleError, match=r"risk\.yml line 3") as error:
        risk.load(tmp_path)
    assert said in str(error.value)


def test_an_accused_who_is_a_child_makes_no_child_case() -> None:
    assert graded(category="domestic_violence", accused=LI, client=WANG, children=[{"age": 6}])[0] == "yellow"
