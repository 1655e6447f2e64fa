"""2.1 The same client, the same household."""

from datetime import date

import pytest

from services.intake.matching import within_a_year
from tests.acceptance.city import City
from tests.acceptance.people import LI, WANG, report

HER_ID = "330302199105020011"
HIS_ID = "330302198802140150"


def case_of(*reports: dict) -> str:
    """Return the key that opened the case of the last of some reports, received in their order."""
    city = City()
    return [city.receive(one) for one in reports][-1]["case"]


def joins(first: dict, second: dict) -> bool:
    return case_of(first, second) == first["report_key"]


def matches(*reports: dict) -> list[str]:
    city = City()
    return [city.receive(one) for one in reports][-1]["possible_matches"]


def test_given_the_same_id_number_a_report_joins_whatever_name_and_phone_it_gives() -> None:
    assert joins(
        report(client={"id_number": HER_ID, "name": "王某"}),
        report(client={"id_number": HER_ID.lower(), "name": "王小某", "phone": "13900000000"}),
    )


def test_given_the_same_phone_and_a_name_that_the_case_knows_a_report_joins() -> None:
    assert joins(report(), report(accused=None))


def test_given_the_same_phone_and_another_name_a_report_opens_a_case() -> None:
    assert not joins(report(), report(client={**WANG, "name": "王小某"}))


@pytest.mark.parametrize("nameless", [0, 1])
def test_given_the_same_phone_and_one_side_without_a_name_a_report_joins(nameless: int) -> None:
    clients = [{"phone": WANG["phone"], "name": None if side == nameless else "王某"} for side in (0, 1)]
    assert joins(report(client=clients[0]), report(client=clients[1]))


def test_given_a_second_name_from_an_earlier_report_the_case_knows_both() -> None:
    client = {"id_number": HER_ID, "phone": "13800000009"}
    first = report(client={**client, "name": "王某"})
    renamed = report(client={**client, "name": "王小某"})
    assert case_of(first, renamed, report(client={"phone": "13800000009", "name": "王小某"})) == first["report_key"]


def test_phones_are_compared_by_their_digits_and_names_composed_and_stripped() -> None:
    assert joins(report(), report(client={"name": " 王某 ", "phone": "+86 138-0000-0001"}))


def test_the_reporter_self_fills_what_is_missing_under_client() -> None:
    herself = {"role": "self", "name": "王某", "phone": "13800000001"}
    assert joins(report(), report(reporter=herself, client=None))
    assert joins(report(), report(reporter=herself, client={"name": "", "phone": None}))


def test_the_reporter_self_does_not_replace_what_is_given_under_client() -> None:
    herself = {"role": "self", "name": "王某", "phone": "13800000001"}
    assert not joins(report(), report(reporter=herself, client={"name": "孙某", "phone": "13800000003"}))


def test_another_reporter_fills_nothing() -> None:
    sister = {"role": "relative", "name": "王某", "phone": "13800000001"}
    assert not joins(report(), report(reporter=sister, client=None, accused=None))


@pytest.mark.parametrize("same", [{"phone": "13800000002"}, {"id_number": HIS_ID}])
def test_given_a_professional_the_same_name_and_accused_are_enough(same: dict) -> None:
    first = report(client={"name": "王某"}, accused=same)
    assert joins(first, report(role="police", client={"name": "王某"}, accused={"name": "李先生", **same}))


def test_given_a_neighbour_the_same_name_and_accused_are_not_enough() -> None:
    first = report(client={"name": "王某"})
    assert not joins(first, report(role="neighbour", client={"name": "王某"}))


def test_given_a_professional_the_accused_must_be_the_same_by_more_than_a_name() -> None:
    first = report(client={"name": "王某"}, accused={"name": "李某"})
    assert not joins(first, report(role="police", client={"name": "王某"}, accused={"name": "李某"}))


def test_given_both_id_numbers_that_differ_neither_phone_nor_accused_join() -> None:
    first = report(client={**WANG, "id_number": HER_ID})
    assert not joins(first, report(role="police", client={**WANG, "id_number": HER_ID[:-1] + "9"}))


def test_given_one_id_number_only_the_phone_still_joins() -> None:
    assert joins(report(client={**WANG, "id_number": HER_ID}), report())


def test_a_phone_given_for_both_identifies_neither() -> None:
    shared = report(accused={"name": "李某", "phone": "138 0000 0001"})
    assert not joins(shared, report(accused=None))
    assert not joins(report(accused=None), shared)
    assert matches(report(client={"name": "孙某"}, accused=LI), report(client={**LI, "name": "周某"}, accused=LI)) == []


def test_of_several_cases_the_stronger_line_wins_then_the_case_opened_first() -> None:
    by_phone = report("2026-03-01T09:00:00+08:00", accused=None)
    by_id = report("2026-03-01T10:00:00+08:00", client={"id_number": HER_ID, "name": "王某"}, accused=None)
    assert case_of(by_phone, by_id, report(client={**WANG, "id_number": HER_ID})) == by_id["report_key"]
    early = report("2026-03-01T09:00:00+08:00", accused=None)
    late = report("2026-03-01T10:00:00+08:00", client={**WANG, "name": "王小某"}, accused=None)
    nameless = report(client={"phone": WANG["phone"]})
    assert case_of(early, late, nameless) == early["report_key"]


def test_the_county_does_not_matter_for_joining() -> None:
    assert joins(report(), report(district="330381"))


# --- possible matches


def test_a_new_case_matches_one_of_the_same_name_and_nearly_the_same_birth_date() -> None:
    first = report(client={"name": "王某", "birth_date": "1991-05-02"}, accused=None)
    second = report(client={"name": "王某", "birth_date": "1992-05-02"}, accused=None, district="330302")
    assert matches(first, second) == [first["report_key"]]
    assert matches(second, first) == [second["report_key"]]


def test_a_birth_date_more_than_a_year_away_is_no_match() -> None:
    first = report(client={"name": "王某", "birth_date": "1991-05-02"}, accused=None)
    assert matches(first, report(client={"name": "王某", "birth_date": "1992-05-03"}, accused=None)) == []


def test_name_and_birth_date_may_have_come_with_different_reports() -> None:
    named = report(client={"name": "王某", "id_number": HER_ID}, accused=None)
    born = report(client={"birth_date": "1991-05-02", "id_number": HER_ID}, accused=None)
    third = report(client={"name": "王某", "birth_date": "1990-06-01"}, accused=None)
    assert matches(named, born, third) == [named["report_key"]]


@pytest.mark.parametrize("same", [{"phone": "13800000002"}, {"id_number": HIS_ID}])
def test_a_new_case_matches_one_with_the_same_accused(same: dict) -> None:
    first = report(client={"name": "王某"}, accused=same)
    assert matches(first, report(client={"name": "孙某"}, accused=same)) == [first["report_key"]]


def test_a_new_case_matches_one_with_the_names_swapped() -> None:
    first = report(client={"name": "王某"}, accused={"name": "李某"})
    assert matches(first, report(client={"name": "李某"}, accused={"name": "王某"})) == [first["report_key"]]
    assert matches(first, report(client={"name": "李某"}, accused={"name": "孙某"})) == []


def test_matches_are_sought_in_the_county_of_the_report_that_opened_the_case() -> None:
    first = report(client={"name": "王某", "id_number": HER_ID}, district="330302004")
    moved = report(client={"name": "王某", "id_number": HER_ID}, district="330381")
    there = report(client={"name": "孙某"}, district="330381")
    here = report(client={"name": "孙某"}, district="330302")
    assert matches(first, moved, there) == []
    assert matches(first, moved, here) == [first["report_key"]]


def test_a_report_that_joins_has_no_possible_matches() -> None:
    other = report(client={"name": "孙某"})
    assert matches(other, report(), report()) == []


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("1991-05-02", "1992-05-02", True),
        ("1991-05-02", "1992-05-03", False),
        ("1992-02-29", "1993-02-28", True),
        ("1992-02-29", "1993-03-01", False),
        ("1991-03-01", "1992-02-29", True),
        ("1991-02-28", "1992-02-29", False),
        ("1991-05-02", "1991-05-02", True),
    ],
)
def test_a_calendar_year_goes_from_anniversary_to_anniversary(one: str, other: str, near: bool) -> None:
    assert within_a_year(date.fromisoformat(one), date.fromisoformat(other)) is near
    assert within_a_year(date.fromisoformat(other), date.fromisoformat(one)) is near


# --- the other side


def counter(**fields: object) -> dict:
    """Return a report by the accused of the default report, against its client."""
    return report(client={**LI, "birth_date": None}, accused={"name": "王某", "phone": "13800000001"}, **fields)


def test_given_the_accused_reports_it_is_a_case_of_its_own_in_any_county_with_hers_among_its_matches() -> None:
    city = City()
    hers = report()
    city.receive(hers)
    row = city.receive(counter(district="330381"))
    assert row["opens_case"]
    assert row["possible_matches"] == [hers["report_key"]]
    assert city.case_of(row["report_key"]).counter_report


def test_given_the_accused_uses_her_id_number_it_still_never_joins_the_case_in_which_he_is_the_accused() -> None:
    hers = report(client={**WANG, "id_number": HER_ID}, accused={**LI, "id_number": HIS_ID})
    assert not joins(hers, report(client={"name": "王某", "phone": LI["phone"], "id_number": HER_ID}, accused=None))


def test_given_a_counter_report_both_cases_are_other_sides_and_hers_becomes_one_at_once_too() -> None:
    city = City()
    hers, his = report(), counter()
    city.receive(hers)
    city.receive(his)
    his_case, her_case = city.case_of(his["report_key"]), city.case_of(hers["report_key"])
    assert his_case.other_sides == (her_case.id,)
    assert her_case.other_sides == (his_case.id,)
    assert her_case.counter_report
    assert "counter_report" in her_case.mediation_bars


def test_given_he_accuses_nobody_her_case_gets_another_side_and_is_no_counter_report() -> None:
    city = City()
    hers = report()
    his = report(client={"name": "李某", "phone": LI["phone"]}, accused=None)
    city.receive(hers)
    city.receive(his)
    assert city.case_of(his["report_key"]).counter_report
    assert not city.case_of(hers["report_key"]).counter_report
    assert city.case_of(hers["report_key"]).other_sides == (city.case_of(his["report_key"]).id,)


def test_given_a_later_report_names_the_client_of_another_case_that_case_becomes_a_counter_report_at_once() -> None:
    city = City()
    his = report(client={"name": "李某", "phone": LI["phone"]}, accused=None)
    unnamed, named = report(accused=None), report(accused=LI)
    for one in (his, unnamed, named):
        city.receive(one)
    assert city.case_of(his["report_key"]).counter_report
    assert not city.case_of(named["report_key"]).counter_report


def test_a_case_is_never_its_own_other_side() -> None:
    city = City()
    first = report(client={**WANG, "id_number": HER_ID}, accused=None)
    city.receive(first)
    city.receive(report(client={"id_number": HER_ID, "name": "王某"}, accused={"phone": WANG["phone"]}))
    assert city.case_of(first["report_key"]).other_sides == ()
