"""What an agency says of a referral is kept with it: the first of each kind, of the agency that it went to."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from shared.events import check, event_type
from shared.kernel import Fact, Message
from tests.acceptance.city import City
from tests.acceptance.people import consent, report

NOW = datetime(2026, 3, 3, tzinfo=UTC)
_ids = count(1)


@pytest.fixture
def city() -> City:
    city = City()
    city.receive(report(category="marriage_dispute", wishes=["legal_aid"], consent=consent("justice")))
    return city


def receipt(city: City, **changes: Any) -> list[Fact]:
    """Let referral hear a receipt of its only referral; return what it says."""
    (docket,) = city.referral.shelf.all("docket")
    data = {
        **event_type("receipt.recorded").example,
        "case_id": docket.id,
        "referral_id": docket.referrals[0].id,
        "at": "2026-03-03T00:00:00Z",
        **changes,
    }
    check("receipt.recorded", data)
    message = Message(
        id=f"receipt {next(_ids)}",
        type="receipt.recorded",
        time=NOW,
        data=data,
        source="feed",
        case=data["case_id"] or "",
    )
    return city.referral.hear(message)[0]


def receipts(city: City) -> list[tuple[str, str]]:
    (docket,) = city.referral.shelf.all("docket")
    return [(one.receipt, one.by) for one in docket.referrals[0].receipts]


def test_the_first_of_each_kind_counts(city: City) -> None:
    (first,) = receipt(city)
    check(first.type, first.data)
    assert first.data["at"] == "2026-03-03T00:00:00Z"

    assert receipt(city, name="lucheng-justice", at="2026-03-02T00:00:00Z") == []
    (acted,) = receipt(city, receipt="acted", name="lucheng-justice")
    assert acted.type == "referral.receipted"
    assert receipt(city, receipt="acted") == []
    assert receipts(city) == [("received", "wenzhou-justice"), ("acted", "lucheng-justice")]


@pytest.mark.parametrize(
    "changes",
    [
        {"referral_id": "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a83"},
        {"referral_id": None},
        {"case_id": None},
        {"case_id": "019cabd8-3f40-7b68-a1d7-0e4f5c2b9a83"},
        {"agency": "police"},
        {"agency": "statistics"},
    ],
)
def test_what_is_said_of_no_referral_of_that_agency_is_passed_over(city: City, changes: dict[str, Any]) -> None:
    assert receipt(city, **changes) == []
    assert receipts(city) == []
    assert len(list(city.referral.shelf.all("docket"))) == 1


def test_a_receipt_of_a_cancelled_referral_is_kept_too(city: City) -> None:
    (case,) = city.intake.shelf.all("case")
    data = {"case_id": case.id, "agencies": ["justice"], "by": "somebody"}
    city.command(Message(id="withdraw", type="withdraw_consent", time=NOW, data=data, case=case.id))
    receipt(city)

    assert receipts(city) == [("received", "wenzhou-justice")]
