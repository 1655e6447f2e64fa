"""The events of the sample week, worked out in memory: what a sandbox gets to hear."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.city import told_report, told_volunteer, whole_city
from deploy.sample import WEEK
from services.feed.agreement import picked
from services.feed.shareable import shareable
from shared.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleEvent:
    """One event, with no more data than an agreement may choose from."""

    type: str
    subject: str
    case: str
    #: When it happened (UTC).
    time: datetime
    data: dict[str, Any]


def sample_events() -> Iterator[SampleEvent]:
    """Yield the week's events that an agency may hear of, in their order; always the same.

    The reports of the months before are its past: they count, and bring no event.
    """
    city = whole_city()
    for record in _lines("volunteers"):
        city.take(told_volunteer(record))
    for report in _ordered("earlier"):
        city.take(told_report(report))
    for report in _ordered("reports"):
        for event in city.take(told_report(report)):
            if event.type in shareable():
                yield _picked(event)


def _picked(event: Event) -> SampleEvent:
    data = picked(event.data, sorted(shareable()[event.type]))
    return SampleEvent(type=event.type, subject=event.subject, case=event.correlation, time=event.time, data=data)


def _ordered(name: str) -> list[dict[str, Any]]:
    """Return reports in the order of receipt, then as they stand in the file."""
    return sorted(_lines(name), key=lambda one: datetime.fromisoformat(one["received_at"]))


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WEEK / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
