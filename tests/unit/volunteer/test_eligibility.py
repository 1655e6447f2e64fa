"""2.5 Who is eligible."""

from typing import Any

import pytest

from tests.acceptance.city import City, volunteer_command
from tests.acceptance.people import LI, WANG, report, volunteer

#: Asks for law only.
ADVICE: dict[str, Any] = {"wishes": ["legal_advice"], "category": "labour_rights"}
AT = "2026-03-02T12:00:00+08:00"


def is_assigned(record: dict[str, Any], received_at: str = AT, **fields: Any) -> bool:
    row = City([record]).receive(report(received_at, **{**ADVICE, **fields}))
    return [record["id"]] == [who for _, who in row["assignments"] if who]


def lawyer(**fields: Any) -> dict[str, Any]:
    return volunteer("v1", "law", **fields)


def test_a_lawyer_who_is_trained_checked_and_free_is_eligible() -> None:
    assert is_assigned(lawyer())


def test_inactive_she_is_not() -> None:
    assert not is_assigned(lawyer(active=False))


@pytest.mark.parametrize("field", ["trained_on", "record_checked_on"])
def test_training_and_check_count_for_365_days_in_chinas_calendar_the_last_included(field: str) -> None:
    record = lawyer(**{field: "2025-03-02"})
    assert is_assigned(record, "2026-03-02T23:59:00+08:00")
    assert not is_assigned(record, "2026-03-03T00:00:00+08:00")
    assert not is_assigned(record, "2026-03-02T16:00:00+00:00")


@pytest.mark.parametrize("field", ["trained_on", "record_checked_on"])
def test_a_later_date_counts_as_fresh_and_none_does_not(field: str) -> None:
    assert is_assigned(lawyer(**{field: "2026-06-01"}))
    assert not is_assigned(lawyer(**{field: None}))


def test_law_needs_a_certificate_that_is_good_on_its_last_day_too() -> None:
    ends = [{"name": "律师", "expires": "2026-03-02"}]
    assert is_assigned(lawyer(certificates=ends), "2026-03-02T23:59:00+08:00")
    assert not is_assigned(lawyer(certificates=ends), "2026-03-03T00:00:00+08:00")
    assert not is_assigned(lawyer(certificates=[{"name": "心理咨询师", "expires": "2030-01-01"}]))
    assert not is_assigned(lawyer(certificates=[]))
    assert is_assigned(lawyer(certificates=[{"name": "律师", "expires": "2020-01-01"}, *ends]))


def test_psychology_needs_its_own_certificate() -> None:
    case = {"category": "psychological", "wishes": None}
    counsellor = volunteer("v1", "psychology")
    assert is_assigned(counsellor, **case)
    assert not is_assigned({**counsellor, "certificates": [{"name": "律师", "expires": "2030-01-01"}]}, **case)


@pytest.mark.parametrize(
    ("skill", "category"),
    [
        ("mediation", "marriage_dispute"),
        ("accompaniment", "left_behind_child"),
        ("family_education", "family_education"),
    ],
)
def test_other_skills_need_no_certificate(skill: str, category: str) -> None:
    assert is_assigned(volunteer("v1", skill, certificates=[]), category=category, wishes=None)


def test_without_the_skill_she_is_not() -> None:
    assert not is_assigned(volunteer("v1", "psychology"))


def test_neither_the_client_nor_the_accused_by_name() -> None:
    assert not is_assigned(lawyer(name="王某"))
    assert not is_assigned(lawyer(name=" 李某"))
    assert is_assigned(lawyer(name="王小某"))


@pytest.mark.parametrize("entry", ["王某", "李某", WANG["phone"], LI["phone"], "+86 138-0000-0002"])
def test_neither_s_name_or_phone_on_her_list(entry: str) -> None:
    assert not is_assigned(lawyer(must_not_meet=["孙某", entry]))


def test_a_phone_that_both_gave_is_on_her_list_though_it_identifies_neither() -> None:
    shared = {"client": WANG, "accused": {"name": "李某", "phone": WANG["phone"]}}
    assert not is_assigned(lawyer(must_not_meet=[WANG["phone"]]), **shared)


def test_persons_known_from_an_earlier_report_count() -> None:
    city = City([lawyer(must_not_meet=["李某"])])
    city.receive(report())
    assert city.receive(report(**ADVICE, accused=None))["assignments"] == [["law", None]]


def test_a_place_far_away_is_no_hindrance() -> None:
    assert is_assigned(lawyer(districts=["110101"]))
    assert is_assigned(lawyer(districts=[]))


def clients(amount: int) -> list[dict[str, Any]]:
    return [{"client": {"phone": f"1390000000{n}"}, "accused": None} for n in range(amount)]


def test_she_takes_as_many_cases_as_she_has_capacity_for() -> None:
    city = City([lawyer(capacity=2)])
    given = [city.receive(report(**ADVICE, **one))["assignments"] for one in clients(3)]
    assert given == [[["law", "v1"]], [["law", "v1"]], [["law", None]]]
    assert not is_assigned(lawyer(capacity=0))


def test_a_second_skill_of_a_case_is_no_second_case() -> None:
    city = City([volunteer("v1", "law", "psychology", capacity=1)])
    first, second = clients(2)
    assert city.receive(report(category="domestic_violence", **first))["assignments"] == [
        ["law", "v1"],
        ["psychology", "v1"],
    ]
    assert city.receive(report(**ADVICE, **second))["assignments"] == [["law", None]]


def test_a_second_skill_may_be_asked_by_a_later_report_though_she_is_full() -> None:
    city = City([volunteer("v1", "law", "psychology", capacity=1)])
    city.receive(report(**ADVICE))
    assert city.receive(report(category="psychological"))["assignments"] == [["psychology", "v1"]]


def test_nobody_helps_both_sides() -> None:
    city = City([lawyer()])
    city.receive(report(**ADVICE, client=LI, accused=None))
    assert city.receive(report(**ADVICE))["assignments"] == [["law", None]]


def test_registered_again_she_keeps_her_cases_and_her_last_assignment() -> None:
    city = City([lawyer(capacity=1)])
    city.receive(report(**ADVICE))
    before = city.volunteer.shelf.get("volunteer", "v1")
    facts, answer = city.volunteer.hear(volunteer_command(lawyer(capacity=2)))
    after = city.volunteer.shelf.get("volunteer", "v1")
    assert answer == {"volunteer_id": "v1"}
    assert [fact.type for fact in facts] == ["volunteer.registered"]
    assert (after.capacity, after.cases, after.last_assigned_at) == (2, before.cases, before.last_assigned_at)


def test_the_same_registration_again_changes_nothing() -> None:
    facts, answer = City([lawyer()]).volunteer.hear(volunteer_command(lawyer()))
    assert (facts, answer) == ([], {"volunteer_id": "v1"})


def test_what_is_published_of_a_volunteer_names_no_person() -> None:
    record = lawyer(must_not_meet=["李某", LI["phone"]], districts=["330302004", "330302", "3303"])
    record["skills"] = ["law", "dialect:温州话"]
    city = City([record])
    assert city.volunteer.facts[0].data == {
        "volunteer_id": "v1",
        "skills": ["law"],
        "districts": ["3303", "330302"],
        "capacity": 5,
        "active": True,
    }
