"""2.3 To whom it goes: each line of the table."""

from pathlib import Path
from typing import Any

import pytest

from services.referral import rule
from shared.events.vocabulary import AGENCIES, PURPOSES
from shared.rules import RuleError
from tests.acceptance.city import City
from tests.acceptance.people import WANG, consent, report

EVERYTHING = consent(*AGENCIES)
CHILD = {**WANG, "birth_date": "2012-03-02"}
CHILD_LINES = [
    ["civil_affairs", "child_protection", "duty"],
    ["police", "mandatory_report", "duty"],
    ["procuratorate", "file_and_supervise", "duty"],
]
PROTECT = ["police", "protect", "life"]
WARN = ["police", "warn_or_investigate", "consent"]
#: Enough for red, and no reason of their own.
FOURTEEN_FACTORS = [
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
CRISIS = ["health", "crisis_care", "life"]


def rows(*reports: dict[str, Any]) -> list[dict[str, Any]]:
    city = City()
    return [city.receive(one) for one in reports]


def referrals(**fields: Any) -> list[list[str]]:
    """Return what one report with consent to everybody is referred to."""
    return rows(report(**{"consent": EVERYTHING, **fields}))[0]["referrals"]


def test_a_child_case_goes_to_three_agencies_by_duty() -> None:
    assert rows(report(category="child_abuse"))[0]["referrals"] == CHILD_LINES


def test_police_are_not_told_of_violence_against_a_child_that_came_from_them() -> None:
    assert rows(report(category="child_abuse", channel="police_110", role="police"))[0]["referrals"] == [
        CHILD_LINES[0],
        CHILD_LINES[2],
    ]


def test_police_are_told_where_what_came_from_them_was_in_no_violence_category() -> None:
    first = report(category="family_education", channel="police_110", role="police", client=CHILD)
    second = report(category="child_abuse", role="teacher", client=CHILD, channel="mandatory_report")
    assert rows(first, second)[1]["referrals"] == CHILD_LINES


@pytest.mark.parametrize(
    "fields",
    [
        {"category": "other", "immediate_danger": True},
        {"category": "other", "risk_factors": ["breached_order"]},
        {"category": "other", "risk_factors": ["strangulation"]},
        {"category": "other", "risk_factors": ["threat_to_kill", "weapon_used"]},
    ],
)
def test_police_protect_for_four_reasons_without_consent(fields: dict[str, Any]) -> None:
    assert PROTECT in rows(report(**fields))[0]["referrals"]


@pytest.mark.parametrize("category", ["domestic_violence", "sexual_assault", "trafficking"])
def test_police_protect_from_some_violence_at_red_and_warn_at_orange_with_consent(category: str) -> None:
    assert PROTECT in referrals(category=category, risk_factors=FOURTEEN_FACTORS)
    orange = referrals(category=category, risk_factors=["sexual_abuse"])
    assert WARN in orange
    assert PROTECT not in orange


def test_police_are_asked_consent_to_warn_once() -> None:
    first, second, third = rows(
        report(category="domestic_violence", risk_factors=["sexual_abuse"]),
        report(),
        report(consent=consent("police")),
    )
    assert first["consent_tasks"] == [["police", "warn_or_investigate"]]
    assert second["consent_tasks"] == []
    assert third["referrals"] == [WARN]


@pytest.mark.parametrize("fields", [{"category": "psychological"}, {"risk_factors": ["depressed_or_suicidal"]}])
def test_health_cares_in_a_crisis_when_danger_is_immediate(fields: dict[str, Any]) -> None:
    assert CRISIS in referrals(immediate_danger=True, **fields)
    assert CRISIS not in referrals(**fields)


def test_the_danger_may_come_with_another_report_than_the_crisis() -> None:
    first, second = rows(report(category="psychological"), report(immediate_danger=True))
    assert CRISIS not in first["referrals"]
    assert CRISIS in second["referrals"]


def test_the_court_is_asked_for_an_order_by_wish_with_consent() -> None:
    order = ["court", "protection_order", "consent"]
    assert order in referrals(wishes=["protection_order"])
    row = rows(report(wishes=["protection_order"]))[0]
    assert row["referrals"] == []
    assert row["consent_tasks"] == [["court", "protection_order"]]


def test_the_court_is_asked_for_an_order_at_red_with_consent_and_otherwise_nobody_is_asked_for_it() -> None:
    at_red = {"category": "domestic_violence", "immediate_danger": True}
    assert ["court", "protection_order", "consent"] in referrals(**at_red)
    row = rows(report(**at_red))[0]
    assert row["referrals"] == [PROTECT]
    assert row["consent_tasks"] == []
    assert ["court", "protection_order", "consent"] not in referrals(category="trafficking", immediate_danger=True)


def test_in_a_child_case_some_lines_are_duty() -> None:
    wishes = ["protection_order", "legal_aid", "shelter", "injury_appraisal", "financial_aid"]
    row = rows(report(category="child_abuse", wishes=wishes))[0]
    assert [one for one in row["referrals"] if one not in CHILD_LINES] == [
        ["civil_affairs", "shelter", "duty"],
        ["court", "protection_order", "duty"],
        ["health", "injury_care", "duty"],
        ["justice", "legal_aid", "duty"],
    ]
    assert row["consent_tasks"] == [["civil_affairs", "relief"]]


def test_in_a_child_case_at_red_the_order_without_a_wish_still_needs_consent_and_is_duty() -> None:
    child = {"category": "domestic_violence", "client": CHILD}
    without = rows(report(**child))[0]
    assert not [one for one in without["referrals"] if one[0] == "court"]
    assert without["consent_tasks"] == []
    assert ["court", "protection_order", "duty"] in referrals(**child)


@pytest.mark.parametrize("wish", ["legal_advice", "legal_aid"])
def test_justice_gives_legal_aid_by_wish(wish: str) -> None:
    assert referrals(wishes=[wish], category="other") == [["justice", "legal_aid", "consent"]]


def test_shelter_injury_and_relief_by_wish() -> None:
    assert referrals(wishes=["shelter"]) == [["civil_affairs", "shelter", "consent"]]
    assert referrals(wishes=["injury_appraisal"]) == [["health", "injury_care", "consent"]]
    assert referrals(wishes=["financial_aid"]) == [["civil_affairs", "relief", "consent"]]


def test_an_injury_in_a_violence_category_wants_care_whichever_report_says_so() -> None:
    injured = report(category="other", risk_factors=["injury"], consent=EVERYTHING)
    first, second = rows(injured, report(category="domestic_violence"))
    assert first["referrals"] == []
    assert ["health", "injury_care", "consent"] in second["referrals"]


@pytest.mark.parametrize(
    ("category", "referral"),
    [
        ("labour_rights", ["human_resources", "labour_rights", "consent"]),
        ("property_and_land", ["agriculture", "land_rights", "consent"]),
        ("left_behind_child", ["education", "school_care", "duty"]),
    ],
)
def test_some_categories_go_to_one_agency(category: str, referral: list[str]) -> None:
    assert referrals(category=category) == [referral]


def test_the_school_is_told_without_consent() -> None:
    assert rows(report(category="left_behind_child"))[0]["referrals"] == [["education", "school_care", "duty"]]


def test_what_a_home_visit_finds_at_yellow_or_higher_goes_to_the_grid_unless_it_is_violence() -> None:
    listed = ["grid", "hazard_list", "duty"]
    visit = {"channel": "home_visit", "risk_factors": ["isolated"]}
    assert listed in referrals(**visit, category="marriage_dispute")
    assert listed not in referrals(channel="home_visit", category="marriage_dispute")
    assert listed not in referrals(**visit, category="domestic_violence")
    assert listed not in referrals(**{**visit, "channel": "visit"}, category="marriage_dispute")
    assert listed in rows(report(channel="home_visit", category="other"), report(immediate_danger=True))[1]["referrals"]


def test_what_is_referred_for_a_purpose_is_not_referred_twice() -> None:
    wish = {"wishes": ["legal_aid"], "consent": EVERYTHING}
    assert [row["referrals"] for row in rows(report(**wish), report(**wish))] == [
        [["justice", "legal_aid", "consent"]],
        [],
    ]


def test_one_agency_is_asked_for_each_purpose_and_consent_for_each_too() -> None:
    row = rows(report(wishes=["shelter", "financial_aid"]))[0]
    assert row["consent_tasks"] == [["civil_affairs", "relief"], ["civil_affairs", "shelter"]]


def requested(city: City) -> list[dict[str, Any]]:
    return [dict(fact.data) for fact in city.referral.facts if fact.type == "referral.requested"]


def test_an_order_must_be_finished_in_72_hours_and_at_red_in_24() -> None:
    city = City()
    city.receive(report(wishes=["protection_order"], consent=EVERYTHING))
    assert requested(city)[0]["finish_by"] == "2026-03-05T04:00:00Z"
    city = City()
    city.receive(report(category="domestic_violence", immediate_danger=True, consent=EVERYTHING))
    order = next(one for one in requested(city) if one["agency"] == "court")
    assert order["finish_by"] == order["acknowledge_by"] == "2026-03-03T04:00:00Z"


def test_legal_aid_has_a_green_channel_for_violence_only() -> None:
    for category, green in (("domestic_violence", True), ("labour_rights", False)):
        city = City()
        city.receive(report(category=category, wishes=["legal_aid"], consent=EVERYTHING))
        assert {one["purpose"]: one["green_channel"] for one in requested(city)}["legal_aid"] is green


def test_letters_are_numbered_without_gaps_in_each_county_and_year() -> None:
    city = City()
    wish = {"wishes": ["legal_aid"], "consent": EVERYTHING}
    others = [{**wish, "client": {"phone": f"1380000001{n}"}, "accused": None} for n in range(4)]
    city.receive(report("2026-12-31T23:00:00+08:00", **others[0]))
    city.receive(report("2026-12-31T23:30:00+08:00", **others[1]))
    city.receive(report("2027-01-01T00:30:00+08:00", **others[2]))
    city.receive(report("2027-01-01T00:31:00+08:00", **{**others[3], "district": "3303"}))
    assert [one["number"] for one in requested(city)] == [
        "330302-2026-000001",
        "330302-2026-000002",
        "330302-2027-000001",
        "330300-2027-000001",
    ]


def test_the_shipped_table_has_every_purpose_and_names_its_sources() -> None:
    lines = rule.load()
    assert tuple(line.purpose for line in lines) == PURPOSES
    assert all(limit.source for line in lines for limit in (line.acknowledge, line.finish))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("basis: duty", "basis: habit", "habit"),
        ("agency: police", "agency: army", "army"),
        ("within: 1h", "within: soon", "24h, 7d or 3wd"),
        ("purpose: mandatory_report", "goal: mandatory_report", "'purpose' is missing"),
        ("finish:", "end:", "'finish' is missing"),
        ("source: local}", "source: local, by: me}", "unknown: by"),
    ],
)
def test_what_the_table_cannot_mean_is_an_error_with_file_and_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    shipped = (Path(rule.__file__).parent / "rules" / "referrals.yml").read_text(encoding="utf-8")
    (tmp_path / "referrals.yml").write_text(shipped.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RuleError, match=r"referrals.yml line \d+") as error:
        rule.load(tmp_path)
    assert said in str(error.value)
