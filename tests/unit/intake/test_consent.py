"""What a client agreed to, she takes back; nothing else does, and only a later report gives it again."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.events import check
from shared.kernel import Fact, Gone, Message, NotFound
from tests.acceptance.city import City
from tests.acceptance.people import consent, report

NOW = datetime(2026, 3, 9, 1, tzinfo=UTC)
INJURED: dict[str, Any] = {"category": "domestic_violence", "risk_factors": ["injury"]}


def told(type: str, case_id: str, **data: Any) -> Message:
    return Message(id=f"{type}-{case_id}-{data}", type=type, time=NOW, data={"case_id": case_id, **data}, case=case_id)


def withdraw(city: City, case_id: str, *agencies: str) -> tuple[Any, list[Fact]]:
    return city.command(told("withdraw_consent", case_id, agencies=list(agencies), by="somebody"))


def only_case(city: City) -> Any:
    (case,) = city.intake.shelf.all("case")
    return case


@pytest.fixture
def city() -> City:
    city = City()
    city.receive(report(**INJURED, consent=consent("police", "health")))
    return city


def test_a_withdrawal_takes_away_what_was_consented_and_says_so(city: City) -> None:
    case = only_case(city)
    answer, facts = withdraw(city, case.id, "health", "court")

    assert answer == {"case_id": case.id, "consents": ["police"]}
    withdrawn = facts[0]
    assert (withdrawn.type, withdrawn.time) == ("consent.withdrawn", NOW)
    assert withdrawn.data == {"case_id": case.id, "district": "330302", "agencies": ["health"]}
    assert withdrawn.private == {"by": "somebody"}
    check(withdrawn.type, withdrawn.data)
    assert only_case(city).consents == ("police",)


def test_what_is_not_there_cannot_be_taken_back_and_the_same_again_is_answered_the_same(city: City) -> None:
    case = only_case(city)
    first, _ = withdraw(city, case.id, "health")

    assert withdraw(city, case.id, "health") == (first, [])
    assert withdraw(city, case.id, "court", "grid") == (first, [])
    assert withdraw(city, case.id) == (first, [])


def test_rules_do_not_see_it_any_more_until_a_later_report_gives_it_again(city: City) -> None:
    case = only_case(city)
    withdraw(city, case.id, "health")
    city.receive(report("2026-03-10T12:00:00+08:00", **INJURED))
    snapshots = [fact.data["case"] for fact in city.intake.facts if fact.type == "report.received"]
    assert [one["consents"] for one in snapshots] == [["health", "police"], ["police"]]

    city.receive(report("2026-03-11T12:00:00+08:00", consent=consent("health")))
    assert only_case(city).consents == ("health", "police")


def test_of_a_case_that_is_not_there_nothing_can_be_taken_back(city: City) -> None:
    with pytest.raises(NotFound):
        withdraw(city, "nobody", "police")


@pytest.mark.parametrize(
    ("basis", "audience", "why_not"),
    [
        ("consent", "health", None),
        ("consent", "court", "no_consent"),
        ("duty", "court", None),
        ("life", "court", None),
    ],
)
def test_an_agency_is_told_who_she_is_if_the_basis_holds_now(
    city: City, basis: str, audience: str, why_not: str | None
) -> None:
    case = only_case(city)
    fields = ["client.name", "client.phone"]
    asked = {"audience": audience, "purpose": "injury_care", "basis": basis, "fields": fields}
    answer, facts = city.command(told("identify", case.id, **asked))

    assert answer == {"why_not": why_not}
    expected = [] if why_not else [{"case_id": case.id, **asked}]
    assert [(fact.type, fact.data) for fact in facts] == [("identity.disclosed", data) for data in expected]
    for fact in facts:
        check(fact.type, fact.data)


def test_after_a_withdrawal_nobody_is_told_on_consent_and_still_on_duty(city: City) -> None:
    case = only_case(city)
    withdraw(city, case.id, "health")
    asked = {"audience": "health", "purpose": "injury_care", "fields": ["client.name"]}

    assert city.command(told("identify", case.id, basis="consent", **asked)) == ({"why_not": "no_consent"}, [])
    answer, _ = city.command(told("identify", case.id, basis="duty", **asked))
    assert answer == {"why_not": None}


def test_a_case_that_is_not_there_or_erased_is_answered_so(city: City) -> None:
    asked = {"audience": "police", "purpose": "protect", "basis": "life", "fields": ["client.name"]}
    case = only_case(city)

    assert city.command(told("identify", "nobody", **asked)) == ({"why_not": "case_unknown"}, [])
    city.command(told("erase", case.id, reason="retention_over"))
    assert city.command(told("identify", case.id, **asked)) == ({"why_not": "erased"}, [])
    with pytest.raises(Gone):
        withdraw(city, case.id, "police")
