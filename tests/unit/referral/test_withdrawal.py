"""What rests on a consent ends with it; what the law obliges to goes on; a new consent refers anew."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.events import check
from shared.kernel import Fact, Message
from tests.acceptance.city import City
from tests.acceptance.people import WANG, consent, report

NOW = datetime(2026, 3, 9, 1, tzinfo=UTC)
WISHES: dict[str, Any] = {"category": "marriage_dispute", "wishes": ["legal_aid", "financial_aid"]}
AGREED = consent("justice", "civil_affairs")
LEGAL_AID, RELIEF = ["justice", "legal_aid", "consent"], ["civil_affairs", "relief", "consent"]


def withdraw(city: City, *agencies: str, at: datetime = NOW) -> list[Fact]:
    """Take consents of the only case back; return what referral says."""
    (case,) = city.intake.shelf.all("case")
    data = {"case_id": case.id, "agencies": list(agencies), "by": "somebody"}
    _, facts = city.command(Message(id=f"withdraw {at}", type="withdraw_consent", time=at, data=data, case=case.id))
    return [fact for fact in facts if fact in city.referral.facts]


def docket(city: City) -> Any:
    (case,) = city.intake.shelf.all("case")
    return city.referral.shelf.get("docket", case.id)


def statuses(city: City) -> list[tuple[str, str, str]]:
    return [(one.purpose, one.status, one.cancelled_because) for one in docket(city).referrals]


@pytest.fixture
def city() -> City:
    city = City()
    assert city.receive(report(**WISHES, consent=AGREED))["referrals"] == sorted([LEGAL_AID, RELIEF])
    return city


def test_what_was_referred_to_these_agencies_on_her_consent_is_cancelled(city: City) -> None:
    (cancelled,) = withdraw(city, "justice")

    assert (cancelled.type, cancelled.time) == ("referral.cancelled", NOW)
    assert (cancelled.data["agency"], cancelled.data["purpose"]) == ("justice", "legal_aid")
    assert cancelled.data["reason"] == "consent_withdrawn"
    check(cancelled.type, cancelled.data)
    assert ("legal_aid", "cancelled", "consent_withdrawn") in statuses(city)
    assert ("relief", "requested", "") in statuses(city)


def test_nobody_asks_her_again_and_nothing_is_referred_without_her(city: City) -> None:
    withdraw(city, "justice")
    row = city.receive(report("2026-03-10T12:00:00+08:00", **WISHES))

    assert (row["referrals"], row["referrals_cancelled"], row["consent_tasks"]) == ([], [], [])


def test_a_later_report_with_her_consent_refers_anew_with_a_letter_of_its_own(city: City) -> None:
    withdraw(city, "justice")
    row = city.receive(report("2026-03-10T12:00:00+08:00", **WISHES, consent=consent("justice")))

    assert row["referrals"] == [LEGAL_AID]
    first, second = (one for one in docket(city).referrals if one.purpose == "legal_aid")
    assert first.id != second.id
    assert first.number != second.number
    assert (first.status, second.status) == ("cancelled", "requested")
    assert city.receive(report("2026-03-11T12:00:00+08:00", **WISHES))["referrals"] == []
    (again,) = withdraw(city, "justice", at=datetime(2026, 3, 12, tzinfo=UTC))
    assert again.data["referral_id"] == second.id


def test_what_rests_on_duty_or_on_danger_to_life_goes_on() -> None:
    city = City()
    child = {**WANG, "birth_date": "2015-05-02"}
    said: dict[str, Any] = {"category": "domestic_violence", "client": child, "wishes": ["legal_aid"]}
    row = city.receive(report(**said, immediate_danger=True, consent=consent("police", "justice", "court")))
    bases = {(agency, purpose): basis for agency, purpose, basis in row["referrals"]}
    assert bases["justice", "legal_aid"] == "duty"

    assert withdraw(city, "police", "justice", "court", "procuratorate") == []


def test_what_became_a_duty_since_is_referred_without_her_consent(city: City) -> None:
    withdraw(city, "justice")
    row = city.receive(report("2026-03-10T12:00:00+08:00", category="child_abuse", wishes=["legal_aid"]))

    assert ["justice", "legal_aid", "duty"] in row["referrals"]


def test_a_mediation_that_was_barred_is_not_asked_again_whatever_she_agrees_to() -> None:
    city = City()
    city.receive(report(category="marriage_dispute", wishes=["mediation"], consent=consent("justice")))
    city.receive(report(category="domestic_violence"))
    assert statuses(city)[0] == ("mediation", "cancelled", "mediation_barred")

    assert withdraw(city, "justice") == []


def test_a_withdrawal_of_a_case_that_was_never_referred_changes_nothing() -> None:
    city = City()
    city.receive(report(consent=consent("court")))

    assert withdraw(city, "court") == []
