"""What an agency may still read of what it was sent: never more than then, never more than is granted today."""

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from services.feed.agency import Agency, Secrets, Status
from services.feed.delivery import RECALLED, WITHHELD, Delivery
from services.feed.permission import Permissions
from tests.unit.feed.subscribers import CASE, Feed, agreement

DAY = date(2026, 3, 9)


@pytest.fixture
def feed() -> Feed:
    feed = Feed()
    feed.add("police", "police")
    feed.hear("referral.requested", agency="police", purpose="protect", basis="life", district="330302")
    return feed


def given(feed: Feed) -> tuple[Agency, Delivery]:
    return feed.agency("police"), feed.deliveries("police")[0]


def readable(agency: Agency, delivery: Delivery, day: date = DAY) -> Delivery:
    return Permissions().readable(agency, delivery, day)


def agreed(agency: Agency, **changes: Any) -> Agency:
    """Return the agency with another agreement: only the grant for `protect`, changed."""
    content = deepcopy(agreement("police"))
    (grant,) = [one for one in content["grants"] if (one["event"], one["purpose"]) == ("referral.requested", "protect")]
    content["grants"] = [{name: value for name, value in {**grant, **changes}.items() if value is not None}]
    return replace(agency, private=Secrets(agreement=content))


def is_withheld(delivery: Delivery, original: Delivery) -> bool:
    kept = (delivery.id, delivery.agency, delivery.number, delivery.event_id)
    empty = not (delivery.data or delivery.fields or delivery.identity or delivery.case_id or delivery.subject)
    return kept == (original.id, original.agency, original.number, original.event_id) and (
        delivery.type == WITHHELD and empty and not delivery.purpose and not delivery.referral_id
    )


def test_under_the_same_agreement_it_is_as_it_was(feed: Feed) -> None:
    agency, delivery = given(feed)

    assert delivery.identity
    assert readable(agency, delivery) == delivery


def test_fields_that_are_not_granted_any_more_are_left_out(feed: Feed) -> None:
    agency, delivery = given(feed)
    found = readable(agreed(agency, fields=["referral_id", "purpose"], identity=["client.name"]), delivery)

    assert found.fields == ("referral_id", "purpose")
    assert found.identity == ("client.name",)
    assert found.type == "referral.requested"


def test_fields_that_were_not_granted_then_stay_out(feed: Feed) -> None:
    agency, delivery = given(feed)
    then = replace(delivery, fields=("referral_id",), identity=("client.name",))
    found = readable(agency, then)

    assert (found.fields, found.identity) == (("referral_id",), ("client.name",))


@pytest.mark.parametrize(
    ("then", "today", "expected"),
    [("fields", "id", "id"), ("fields", "empty", "empty"), ("id", "empty", "empty"), ("id", "id", "id")],
)
def test_a_form_only_becomes_less(feed: Feed, then: str, today: str, expected: str) -> None:
    agency, delivery = given(feed)
    found = readable(agreed(agency, form=today, fields=None, identity=None), replace(delivery, form=then))

    assert (found.form, found.fields, found.identity) == (expected, (), ())
    assert bool(found.subject) is (expected != "empty")


def test_what_was_sent_as_an_id_is_not_filled_by_a_wider_agreement(feed: Feed) -> None:
    agency, delivery = given(feed)
    found = readable(agency, replace(delivery, form="id", fields=(), identity=()))

    assert (found.form, found.fields, found.identity) == ("id", (), ())


def test_what_is_not_granted_at_all_keeps_only_its_number(feed: Feed) -> None:
    agency, delivery = given(feed)

    assert is_withheld(readable(agreed(agency, purpose="warn_or_investigate"), delivery), delivery)


@pytest.mark.parametrize(("edge", "days"), [("from", -1), ("until", 1)])
def test_outside_the_time_of_the_agreement_nothing_is_readable(feed: Feed, edge: str, days: int) -> None:
    agency, delivery = given(feed)
    day = date.fromisoformat(agency.private.agreement["valid"][edge])

    assert readable(agency, delivery, day) == delivery
    assert is_withheld(readable(agency, delivery, day + timedelta(days=days)), delivery)


def test_a_district_that_is_not_the_agencys_any_more_is_not_readable(feed: Feed) -> None:
    agency, delivery = given(feed)

    assert is_withheld(readable(replace(agency, districts=("3304",)), delivery), delivery)


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.REMOVED])
def test_who_is_not_active_reads_nothing(feed: Feed, status: Status) -> None:
    agency, delivery = given(feed)

    assert is_withheld(readable(replace(agency, status=status), delivery), delivery)


def test_what_an_earlier_agency_of_the_name_got_is_not_readable(feed: Feed) -> None:
    agency, delivery = given(feed)

    assert is_withheld(readable(replace(agency, since=delivery.number), delivery), delivery)


def test_another_kind_of_agency_under_the_name_reads_nothing(feed: Feed) -> None:
    agency, delivery = given(feed)
    court = replace(agency, kind="court", private=Secrets(agreement=agreement("court")))

    assert is_withheld(readable(court, delivery), delivery)


def test_of_who_was_erased_only_the_number_is_left_and_the_recall_stands(feed: Feed) -> None:
    feed.hear("case.erased", case_id=CASE)
    agency = feed.agency("police")
    delivery, recall = feed.deliveries("police")

    assert is_withheld(readable(agency, delivery), delivery)
    assert recall.type == RECALLED
    assert readable(agency, recall) == recall


def test_a_recalled_delivery_carries_no_sealed_identity_any_more(feed: Feed) -> None:
    agency, delivery = given(feed)
    found = readable(agency, replace(delivery, closed="referral_cancelled", seal="done"))

    assert found.seal == ""
    assert (found.fields, found.identity) == (delivery.fields, delivery.identity)


def test_what_was_sealed_goes_out_as_a_whole_or_not_at_all(feed: Feed) -> None:
    agency, delivery = given(feed)
    sealed = replace(delivery, seal="done")

    assert readable(agency, sealed).seal == "done"
    assert readable(agreed(agency, identity=["client.name"]), sealed).seal == ""


def test_an_agreement_is_read_anew_when_it_changes(feed: Feed) -> None:
    agency, delivery = given(feed)
    permissions = Permissions()
    first = permissions.readable(agency, delivery, DAY)
    second = permissions.readable(agreed(agency, fields=["purpose"], identity=None), delivery, DAY)

    assert (first.fields, second.fields) == (delivery.fields, ("purpose",))
