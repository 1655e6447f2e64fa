"""2.6 Her hours: China's time, the end excluded, over midnight if so written."""

from datetime import datetime

import pytest

from services.notification.hours import are_open


@pytest.mark.parametrize(
    ("hours", "time", "is_open"),
    [
        (None, "2026-03-02T03:00:00+08:00", True),
        ("09:00-16:00", "2026-03-02T08:59:59+08:00", False),
        ("09:00-16:00", "2026-03-02T09:00:00+08:00", True),
        ("09:00-16:00", "2026-03-02T15:59:59+08:00", True),
        ("09:00-16:00", "2026-03-02T16:00:00+08:00", False),
        ("09:00-16:00", "2026-03-02T01:00:00+00:00", True),
        ("09:00-16:00", "2026-03-02T09:30:00+00:00", False),
        ("20:00-07:00", "2026-03-02T19:59:00+08:00", False),
        ("20:00-07:00", "2026-03-02T20:00:00+08:00", True),
        ("20:00-07:00", "2026-03-03T00:00:00+08:00", True),
        ("20:00-07:00", "2026-03-03T06:59:00+08:00", True),
        ("20:00-07:00", "2026-03-03T07:00:00+08:00", False),
        ("00:00-23:59", "2026-03-02T23:59:30+08:00", False),
        ("00:00-24:00", "2026-03-02T23:59:30+08:00", True),
        ("20:00-00:00", "2026-03-02T23:00:00+08:00", True),
        ("20:00-00:00", "2026-03-03T00:00:00+08:00", False),
        ("09:00-09:00", "2026-03-02T09:00:00+08:00", False),
        ("00:00-00:00", "2026-03-02T12:00:00+08:00", False),
        ("after work", "2026-03-02T12:00:00+08:00", False),
        ("", "2026-03-02T12:00:00+08:00", False),
    ],
)
def test_hours(hours: str | None, time: str, is_open: bool) -> None:
    assert are_open(hours, datetime.fromisoformat(time)) is is_open
