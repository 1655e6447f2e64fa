"""What a sandbox gets to hear is the sample week as its expectations have it, the same each time."""

import json
from collections import Counter
from typing import Any

from deploy.sample import WEEK
from deploy.sample.events import SampleEvent, sample_events
from services.feed.agreement import picked
from services.feed.shareable import shareable


def expected() -> list[dict[str, Any]]:
    """Return what the week's own reports cause, without those of the months before."""
    reports = (WEEK / "reports.jsonl").read_text(encoding="utf-8").splitlines()
    week = {json.loads(line)["report_key"] for line in reports}
    rows = [json.loads(line) for line in (WEEK / "expected.jsonl").read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if row["report_key"] in week]


def of(events: list[SampleEvent], type: str) -> list[dict[str, Any]]:
    return [event.data for event in events if event.type == type]


def test_the_week_is_the_one_that_is_expected() -> None:
    events, rows = list(sample_events()), expected()

    asked = Counter((one["agency"], one["purpose"], one["basis"]) for one in of(events, "referral.requested"))
    assert asked == Counter(tuple(one) for row in rows for one in row["referrals"])
    taken_back = Counter((one["agency"], one["purpose"]) for one in of(events, "referral.cancelled"))
    assert taken_back == Counter(tuple(one) for row in rows for one in row["referrals_cancelled"])
    assert len(of(events, "case.created")) == sum(row["opens_case"] for row in rows)
    assert len(of(events, "mediation.refused")) == sum(row["mediation_refused"] for row in rows)
    assigned = Counter((one["skill"], one["volunteer_id"]) for one in of(events, "volunteer.assigned"))
    assert assigned == Counter(tuple(one) for row in rows for one in row["assignments"] if one[1])


def test_it_is_the_same_each_time_and_in_the_order_of_time() -> None:
    events = list(sample_events())

    assert events == list(sample_events())
    assert [event.time for event in events] == sorted(event.time for event in events)


def test_it_holds_what_an_agreement_may_name_and_nothing_else() -> None:
    for event in sample_events():
        assert event.data == picked(event.data, shareable()[event.type])
        assert event.case
        assert event.subject
