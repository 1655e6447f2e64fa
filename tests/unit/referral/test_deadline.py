"""Deadlines: hours, calendar days, working days."""

from datetime import datetime

import pytest

from services.referral.deadline import deadline, limit
from shared.rules import CHINA

MONDAY = "2026-03-02T09:14:00+08:00"


def ends(start: str, written: str) -> tuple[str, bool]:
    found = deadline(datetime.fromisoformat(start), limit(written, "local"))
    return found.at.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M"), found.assumed


@pytest.mark.parametrize(
    ("start", "written", "end"),
    [
        (MONDAY, "1h", "2026-03-02T10:14"),
        (MONDAY, "72h", "2026-03-05T09:14"),
        # The day of the start is not counted; the last day runs to its end.
        (MONDAY, "1d", "2026-03-04T00:00"),
        (MONDAY, "7d", "2026-03-10T00:00"),
        ("2026-03-02T00:00:00+08:00", "7d", "2026-03-10T00:00"),
        ("2026-03-02T23:59:00+08:00", "7d", "2026-03-10T00:00"),
        # The day is China's: 23:30 on the 1st in London is the 2nd.
        ("2026-03-01T23:30:00+00:00", "7d", "2026-03-10T00:00"),
        (MONDAY, "3wd", "2026-03-06T00:00"),
        # A weekend.
        ("2026-03-06T09:00:00+08:00", "3wd", "2026-03-12T00:00"),
        # Labour Day 2026: 1 to 5 May are off, 9 May (a Saturday) is worked.
        ("2026-04-30T09:00:00+08:00", "1wd", "2026-05-07T00:00"),
        ("2026-05-08T09:00:00+08:00", "1wd", "2026-05-10T00:00"),
    ],
)
def test_when_a_limit_is_over(start: str, written: str, end: str) -> None:
    assert ends(start, written) == (end, False)


def test_in_a_year_that_the_calendar_does_not_know_monday_to_friday_are_taken_and_it_says_so() -> None:
    # Friday 31 December 2027; New Year's Day 2028 is a Saturday.
    assert ends("2027-12-31T09:00:00+08:00", "1wd") == ("2028-01-04T00:00", True)
    assert ends("2026-12-30T09:00:00+08:00", "3wd") == ("2027-01-05T00:00", True)
    assert ends("2027-12-31T09:00:00+08:00", "7d")[1] is False


@pytest.mark.parametrize("written", ["", "7", "d", "0d", "-1d", "7 d", "1.5h", "2w", "7D"])
def test_a_limit_that_is_written_otherwise_is_an_error(written: str) -> None:
    with pytest.raises(ValueError, match="24h, 7d or 3wd"):
        limit(written, "local")
