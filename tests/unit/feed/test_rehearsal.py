"""Only what could be real is rehearsed."""

from typing import Any

import pytest

from deploy.sample.events import sample_events
from services.feed.rehearsal import rehearsed
from shared.runtime.problem import Invalid

EVENT: dict[str, Any] = {
    "type": "risk.escalated",
    "subject": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
    "case": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
    "data": {"case_id": "019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e", "district": "330302", "grade": "red"},
}


def test_every_event_of_the_sample_week_can_be_rehearsed() -> None:
    for event in sample_events():
        form = {"type": event.type, "subject": event.subject, "case": event.case, "data": event.data}
        command = rehearsed("court", form)
        assert command.data == {"agency": "court", "event": form}
        assert command.type == "rehearse"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "consent.withdrawn"}, "type"),
        ({"type": "weather.changed"}, "type"),
        ({"data": {"grade": "purple"}}, "data.grade"),
        ({"data": {"district": "330302004012"}}, "data.district"),
        ({"data": {"name": "somebody"}}, "data.name"),
        ({"data": {"case_id": "13800000001"}}, "data.case_id"),
    ],
)
def test_what_no_real_event_says_is_refused_with_its_place(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        rehearsed("court", {**EVENT, **change})

    assert [fault.field for fault in refused.value.faults] == [field]
