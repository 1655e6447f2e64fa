from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.intake.persons import phone_of_client

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)


def report(day: int = 0, role: str = "self", channel: str = "hotline_12338", **numbers: str) -> dict[str, Any]:
    """Return a report of a day that names these telephone numbers (client, accused, reporter)."""
    said: dict[str, Any] = {who: {"phone": number} for who, number in numbers.items()}
    said.setdefault("reporter", {})["role"] = role
    return {**said, "channel": channel, "received_at": (FIRST + timedelta(days=day)).isoformat()}


def wishing(said: dict[str, Any]) -> dict[str, Any]:
    """Return a report that also brings a safe contact."""
    return {**said, "safe_contact": {"channels": ["sms"]}}


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([report(client="13800000001")], "13800000001"),
        ([report(client="13800000001"), report(1, client="13800000002")], "13800000002"),
        ([report(client="13800000001"), report(1)], "13800000001"),
        ([report(reporter="13800000003")], "13800000003"),
        ([report(role="police", channel="police_110", client="13800000004")], "13800000004"),
        ([], None),
    ],
)
def test_the_latest_number_that_she_or_a_professional_said_by_voice(
    reports: list[dict[str, Any]], expected: str | None
) -> None:
    assert phone_of_client(reports, None) == expected


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([report(client="13800000001", accused="13800000001")], None),
        ([report(client="13800000001"), report(1, client="13800000002", accused="+86 13800000002")], "13800000001"),
        ([report(client="13800000001"), report(1, accused="13800000001")], None),
    ],
)
def test_never_a_number_that_was_given_for_the_accused(reports: list[dict[str, Any]], expected: str | None) -> None:
    assert phone_of_client(reports, None) == expected


@pytest.mark.parametrize("role", ["neighbour", "relative", "anonymous"])
def test_nobody_else_can_turn_her_notices_to_another_number(role: str) -> None:
    hers = wishing(report(client="13800000001"))
    other = report(1, role, client="13800000009", reporter="13800000008")
    assert phone_of_client([hers, other], FIRST) == "13800000001"
    assert phone_of_client([other], None) is None


def test_nor_can_a_letter_that_says_it_is_hers() -> None:
    hers = wishing(report(client="13800000001"))
    letter = report(1, channel="wechat", client="13800000009")
    assert phone_of_client([hers, letter], FIRST) == "13800000001"


def test_the_report_that_brought_her_wishes_comes_first() -> None:
    wish = wishing(report(channel="wechat", client="13800000001"))
    later = report(1, client="13800000002")
    assert phone_of_client([wish, later], FIRST) == "13800000001"
