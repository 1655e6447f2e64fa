"""2.5 Which skills a case asks for, and when it asks again."""

from typing import Any

import pytest

from services.volunteer import skill
from tests.acceptance.city import City, volunteer_command
from tests.acceptance.people import LI, NOON, WANG, report, volunteer

ALL = ("law", "psychology", "mediation", "accompaniment", "family_education")


def asked(**fields: Any) -> list[str]:
    return City().receive(report(**fields))["skills"]


@pytest.mark.parametrize(
    ("category", "skills"),
    [
        ("domestic_violence", ["law", "psychology"]),
        ("child_abuse", ["law", "psychology"]),
        ("child_sexual_abuse", ["law", "psychology"]),
        ("sexual_assault", ["law", "psychology"]),
        ("trafficking", ["law", "psychology"]),
        ("sexual_harassment", ["law", "psychology"]),
        ("marriage_dispute", ["mediation"]),
        ("custody_and_support", ["mediation"]),
        ("left_behind_child", ["accompaniment"]),
        ("family_education", ["family_education"]),
        ("psychological", ["psychology"]),
        ("property_and_land", []),
        ("labour_rights", []),
        ("illness_relief", []),
        ("poverty_relief", []),
        ("employment", []),
        ("other", []),
        (None, []),
    ],
)
def test_what_a_category_asks_for(category: str | None, skills: list[str]) -> None:
    assert asked(category=category) == skills


@pytest.mark.parametrize(
    ("wish", "skills"),
    [
        ("legal_advice", ["law"]),
        ("counselling", ["psychology"]),
        ("legal_aid", []),
        ("mediation", []),
        ("family_education", []),
        ("protection_order", []),
    ],
)
def test_what_a_wish_asks_for(wish: str, skills: list[str]) -> None:
    assert asked(category="other", wishes=[wish]) == skills


def test_each_skill_is_asked_once() -> None:
    city = City([volunteer("v1", *ALL)])
    assert city.receive(report(category="domestic_violence"))["skills"] == ["law", "psychology"]
    again = city.receive(report(category="left_behind_child", wishes=["legal_advice"]))
    assert again["skills"] == ["accompaniment"]


def test_where_nobody_was_eligible_every_later_report_of_the_case_asks_again() -> None:
    city = City([volunteer("v1", "psychology")])
    first = city.receive(report(category="domestic_violence"))
    assert first["assignments"] == [["law", None], ["psychology", "v1"]]
    assert city.receive(report())["assignments"] == [["law", None]]
    city.volunteer.hear(volunteer_command(volunteer("v2", "law")))
    assert city.receive(report())["assignments"] == [["law", "v2"]]
    assert city.receive(report())["skills"] == []


def test_mediation_is_not_asked_where_it_is_refused_nor_for_a_counter_report() -> None:
    assert asked(category="marriage_dispute", risk_factors=["injury"]) == []
    city = City()
    city.receive(report())
    assert city.receive(report(client=LI, accused=None, category="marriage_dispute"))["skills"] == []


def test_a_case_that_is_both_asks_for_what_violence_asks_and_not_for_mediation() -> None:
    city = City([volunteer("v1", *ALL)])
    city.receive(report(category="left_behind_child"))
    assert city.receive(report(category="domestic_violence"))["skills"] == ["law", "psychology"]
    assert city.receive(report(category="marriage_dispute"))["skills"] == []


def test_a_mediator_is_released_from_mediation_when_it_is_refused_and_it_is_not_asked_again() -> None:
    city = City([volunteer("v1", "mediation")])
    first = city.receive(report(category="marriage_dispute"))
    assert first["assignments"] == [["mediation", "v1"]]
    row = city.receive(report(risk_factors=["injury"]))
    assert (row["released"], row["skills"]) == (["v1"], [])
    assert city.volunteer.shelf.get("volunteer", "v1").cases == ()


def test_a_mediator_who_also_gives_another_skill_keeps_it() -> None:
    city = City([volunteer("v1", "mediation", "law", capacity=1)])
    city.receive(report(category="marriage_dispute", wishes=["legal_advice"]))
    row = city.receive(report(risk_factors=["injury"]))
    assert (row["released"], row["skills"]) == (["v1"], [])
    volunteer_now = city.volunteer.shelf.get("volunteer", "v1")
    assert volunteer_now.cases == (city.case_of(row["report_key"]).id,)


def test_a_mediator_of_a_case_that_becomes_a_counter_report_is_released_at_once() -> None:
    city = City([volunteer("v1", "mediation")])
    his = report(category="marriage_dispute", client=LI, accused=None)
    city.receive(his)
    assert city.receive(report())["released"] == []
    assert city.volunteer.facts[-1].type == "volunteer.released"
    assert city.volunteer.facts[-1].case == city.case_of(his["report_key"]).id
    assert city.volunteer.facts[-1].data["reason"] == "mediation_barred"


@pytest.mark.parametrize(
    ("hindrance", "reason"),
    [
        ({"must_not_meet": ["李某"]}, "must_not_meet"),
        ({"must_not_meet": [LI["phone"]]}, "must_not_meet"),
        ({"name": "李某"}, "own_name"),
    ],
)
def test_a_volunteer_whom_a_later_report_hinders_is_released_and_her_skill_asked_again(
    hindrance: dict[str, Any], reason: str
) -> None:
    city = City([volunteer("v1", "law", **hindrance), volunteer("v2", "law")])
    first = city.receive(report(wishes=["legal_advice"], accused=None, category="other"))
    assert first["assignments"] == [["law", "v1"]]
    row = city.receive(report())
    assert row["released"] == ["v1"]
    assert row["assignments"] == [["law", "v2"]]
    released = [fact for fact in city.volunteer.facts if fact.type == "volunteer.released"]
    assert [fact.data["reason"] for fact in released] == [reason]


def test_a_volunteer_with_two_skills_is_released_from_both() -> None:
    city = City([volunteer("v1", *ALL, must_not_meet=["李某"])])
    city.receive(report(category="domestic_violence", accused=None))
    row = city.receive(report())
    assert row["released"] == ["v1"]
    assert row["assignments"] == [["law", None], ["psychology", None]]
    assert city.volunteer.shelf.get("volunteer", "v1").cases == ()


def test_who_helps_both_sides_is_released_from_the_case_whose_report_shows_it() -> None:
    city = City([volunteer("v1", "law")])
    advice = {"wishes": ["legal_advice"], "category": "other"}
    his = report(**advice, client=LI, accused=None)
    hers = report(**advice, client=WANG, accused=None)
    city.receive(his)
    assert city.receive(hers)["assignments"] == [["law", "v1"]]
    row = city.receive(report())
    assert row["released"] == ["v1"]
    assert row["assignments"] == [["law", None]]
    assert city.volunteer.shelf.get("volunteer", "v1").cases == (city.case_of(his["report_key"]).id,)


def test_the_assignment_she_lost_still_counts_as_her_last() -> None:
    city = City([volunteer("v1", "law", must_not_meet=["李某"]), volunteer("v2", "law"), volunteer("v3", "law")])
    advice = {"wishes": ["legal_advice"], "category": "other"}
    city.receive(report("2026-03-02T12:00:00+08:00", **advice, accused=None))
    assert city.receive(report("2026-03-02T12:01:00+08:00"))["assignments"] == [["law", "v2"]]
    other = report("2026-03-02T12:02:00+08:00", **advice, client={"name": "孙某"}, accused=None)
    assert city.receive(other)["assignments"] == [["law", "v3"]]


def test_skills_are_asked_in_alphabetical_order() -> None:
    city = City([volunteer("v1", *ALL)])
    city.receive(report(NOON, category="left_behind_child", wishes=["legal_advice", "counselling"]))
    asked_in_order = [fact.data["skill"] for fact in city.volunteer.facts if fact.type == "volunteer.assigned"]
    assert asked_in_order == ["accompaniment", "law", "psychology"]
    assert [rule.skill for rule in skill.load().skills] == sorted(ALL)
