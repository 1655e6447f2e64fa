"""2.5 Who is asked first."""

from typing import Any

import pytest

from services.volunteer.ranking import nearness
from services.volunteer.volunteer import levels, tokens
from tests.acceptance.city import City, blind
from tests.acceptance.people import report, volunteer

ADVICE: dict[str, Any] = {"wishes": ["legal_advice"], "category": "labour_rights"}


def case(number: int, received_at: str = "2026-03-02T12:00:00+08:00", **fields: Any) -> dict[str, Any]:
    return report(received_at, client={"phone": f"139000000{number:02d}"}, accused=None, **{**ADVICE, **fields})


def given(city: City, *reports: dict[str, Any]) -> list[str | None]:
    return [city.receive(one)["assignments"][0][1] for one in reports]


def lawyers(*districts: str | list[str], **fields: Any) -> list[dict[str, Any]]:
    return [
        volunteer(f"v{n}", "law", districts=[one] if isinstance(one, str) else one, **fields)
        for n, one in enumerate(districts)
    ]


@pytest.mark.parametrize(
    ("hers", "its", "levels_in_common"),
    [
        (["330302004012"], "330302004012", 5),
        (["330302004"], "330302004012", 4),
        (["330302004013"], "330302004012", 4),
        (["330302"], "330302004012", 3),
        # The same digits, but no whole level: 330302004 and 330302005.
        (["330302005"], "330302004012", 3),
        (["330304"], "330302004012", 2),
        (["3303"], "330302004012", 2),
        (["33"], "330302004012", 1),
        (["110101"], "330302004012", 0),
        (["330302004012"], "330302", 3),
        (["33030200401205"], "33030200401205", 6),
        (["330304", "330302004"], "330302004012", 4),
        ([], "330302004012", 0),
    ],
)
def test_nearness_counts_whole_levels_of_the_nearest_district(hers: list[str], its: str, levels_in_common: int) -> None:
    record = volunteer("v1", "law", districts=hers)
    places = tuple(levels(place["county"], place["place"]) for place in tokens(record, blind)["places"])
    its_levels = [its[:digits] for digits in (9, 12, 14) if len(its) >= digits]
    place = levels(its[:6], [f"place:{level}" for level in its_levels])
    assert nearness(places, place) == levels_in_common


def test_the_nearest_comes_first_however_busy() -> None:
    city = City(lawyers("330302", "330302004", "3303"))
    assert given(city, *(case(n) for n in range(6))) == ["v1", "v1", "v1", "v1", "v1", "v0"]


def test_nearness_is_to_the_district_of_the_report_that_opened_the_case() -> None:
    city = City(lawyers("330381", "330302"))
    opened = case(1, wishes=None, district="330302")
    city.receive(opened)
    assert given(city, case(1, district="330381")) == ["v1"]


def test_among_the_equally_near_the_least_busy_comes_first() -> None:
    city = City(lawyers("330302", "330302"))
    assert given(city, *(case(n, f"2026-03-02T12:0{n}:00+08:00") for n in range(4))) == ["v0", "v1", "v0", "v1"]


def test_among_the_equally_busy_who_waits_longest_comes_first_and_never_is_longest() -> None:
    city = City(lawyers("330302004", "330302005", "330302006"))
    there = [
        case(1, "2026-03-02T12:01:00+08:00", district="330302005"),
        case(2, "2026-03-02T12:02:00+08:00", district="330302004"),
    ]
    assert given(city, *there) == ["v1", "v0"]
    elsewhere = [case(n, f"2026-03-02T12:1{n}:00+08:00", district="330302") for n in range(3, 6)]
    assert given(city, *elsewhere) == ["v2", "v1", "v0"]


def test_then_the_id_decides() -> None:
    city = City([volunteer(one, "law") for one in ("v10", "v9", "v2")])
    assert given(city, case(1)) == ["v10"]


def test_the_second_skill_of_a_case_counts_the_first_as_a_case_and_an_assignment() -> None:
    city = City([volunteer("v1", "law", "psychology"), volunteer("v2", "psychology")])
    row = city.receive(case(1, category="domestic_violence"))
    assert row["assignments"] == [["law", "v1"], ["psychology", "v2"]]


def test_who_is_full_takes_the_second_skill_of_her_case_where_she_is_nearest() -> None:
    near = volunteer("v1", "law", "psychology", capacity=1, districts=["330302004"])
    city = City([near, volunteer("v2", "psychology")])
    row = city.receive(case(1, category="domestic_violence"))
    assert row["assignments"] == [["law", "v1"], ["psychology", "v1"]]
