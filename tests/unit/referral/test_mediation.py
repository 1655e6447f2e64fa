"""2.3 Mediation is refused where it is dangerous, and taken back where it becomes so."""

from typing import Any

from tests.acceptance.city import City
from tests.acceptance.people import LI, WANG, consent, report

WISH: dict[str, Any] = {"wishes": ["mediation"], "category": "custody_and_support", "consent": consent("justice")}
MEDIATION = ["justice", "mediation", "consent"]


def refusals(city: City) -> list[list[str]]:
    return [fact.data["reasons"] for fact in city.referral.facts if fact.type == "mediation.refused"]


def test_a_wish_is_referred_in_a_case_with_a_category() -> None:
    city = City()
    first = city.receive(report(**{**WISH, "category": None}))
    assert first["referrals"] == []
    assert first["consent_tasks"] == []
    assert not first["mediation_refused"]
    assert city.receive(report(category="marriage_dispute"))["referrals"] == [MEDIATION]


def test_a_wish_without_consent_is_a_task_to_ask() -> None:
    assert City().receive(report(**{**WISH, "consent": None}))["consent_tasks"] == [["justice", "mediation"]]


def test_every_report_that_wishes_it_is_answered_with_the_reason() -> None:
    city = City()
    rows = [city.receive(report(**WISH, risk_factors=["stalking"])) for _ in range(2)]
    assert [row["mediation_refused"] for row in rows] == [True, True]
    assert all(row["referrals"] == [] and row["consent_tasks"] == [] for row in rows)
    assert refusals(city) == [["stalking"], ["stalking"]]


def test_a_report_that_does_not_wish_it_is_not_answered_again() -> None:
    city = City()
    city.receive(report(**WISH, risk_factors=["stalking"]))
    assert not city.receive(report(risk_factors=["injury"]))["mediation_refused"]


def test_a_wish_made_before_is_refused_and_a_mediation_asked_for_is_cancelled_when_the_case_becomes_so() -> None:
    city = City()
    assert city.receive(report(**WISH))["referrals"] == [MEDIATION]
    row = city.receive(report(category="domestic_violence"))
    assert row["mediation_refused"]
    assert row["referrals_cancelled"] == [["justice", "mediation"]]
    assert refusals(city) == [["violence_category"]]
    later = city.receive(report(**WISH))
    assert later["mediation_refused"]
    assert later["referrals_cancelled"] == later["referrals"] == []


def test_a_wish_for_which_consent_was_only_asked_is_refused_and_nothing_is_cancelled() -> None:
    city = City()
    city.receive(report(**{**WISH, "consent": None}))
    row = city.receive(report(risk_factors=["injury"]))
    assert row["mediation_refused"]
    assert row["referrals_cancelled"] == []


def test_without_a_wish_nothing_is_refused() -> None:
    city = City()
    city.receive(report(category="marriage_dispute"))
    assert not city.receive(report(category="domestic_violence"))["mediation_refused"]


def test_a_counter_report_is_never_mediated() -> None:
    city = City()
    city.receive(report())
    his = report(**WISH, client=LI, accused=None)
    assert city.receive(his)["mediation_refused"]
    assert refusals(city) == [["counter_report"]]


def test_a_case_that_a_report_on_another_makes_a_counter_report_loses_its_mediation_at_once() -> None:
    city = City()
    his = report(**WISH, client=LI, accused=None)
    assert city.receive(his)["referrals"] == [MEDIATION]
    row = city.receive(report(category="marriage_dispute"))
    assert row["referrals_cancelled"] == []
    assert not row["mediation_refused"]
    his_case = city.case_of(his["report_key"]).id
    caused = [(fact.type, fact.case) for fact in city.referral.facts[-2:]]
    assert caused == [("mediation.refused", his_case), ("referral.cancelled", his_case)]


def test_both_cases_lose_their_mediation_when_each_accuses_the_other() -> None:
    city = City()
    hers = report(**WISH, client=WANG, accused=None)
    city.receive(hers)
    his = report(**WISH, client=LI, accused=WANG)
    assert city.receive(his)["referrals"] == [MEDIATION]
    row = city.receive(report(client=WANG, accused=LI))
    assert row["mediation_refused"] is False
    assert city.case_of(hers["report_key"]).counter_report
    assert city.case_of(his["report_key"]).counter_report
