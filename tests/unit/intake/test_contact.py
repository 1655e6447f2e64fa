"""2.6 Which preference of the client is in force, and when everything is held."""

from typing import Any

import pytest

from services.intake.contact import disclosed
from shared.events.vocabulary import CHANNELS, PROFESSIONAL_ROLES, ROLES, WRITTEN_CHANNELS
from tests.acceptance.city import City
from tests.acceptance.people import WANG, report

PHONE = {"channels": ["phone"], "hours": "09:00-16:00", "code_word": "图书馆", "voicemail": False}
SMS = {"channels": ["sms"]}
VOICE = "hotline_12338"


def told(preference: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    return report(safe_contact=preference, **fields)


def after(*reports: dict[str, Any]) -> dict[str, Any] | None:
    """Return what notification may know after some reports on one case."""
    city = City()
    for one in reports:
        row = city.receive(one)
    return disclosed(city.case_of(row["report_key"]).private.contact)


def channels(*reports: dict[str, Any]) -> list[str] | None:
    found = after(*reports)
    return found["channels"] if found else None


def is_held(*reports: dict[str, Any]) -> bool:
    found = after(*reports)
    return found is not None and found["held"] == "doubted"


def test_what_is_disclosed_is_no_more_than_channels_hours_age_and_doubt() -> None:
    assert after(told(PHONE)) == {
        "channels": ["phone"],
        "hours": "09:00-16:00",
        "received_at": "2026-03-02T04:00:00Z",
        "held": None,
    }


def test_without_a_preference_nothing_is_disclosed() -> None:
    assert after(report()) is None


@pytest.mark.parametrize("role", ROLES)
def test_a_preference_counts_from_herself_or_a_professional_and_from_nobody_else(role: str) -> None:
    counts = role == "self" or role in PROFESSIONAL_ROLES
    assert channels(told(SMS, role=role)) == (["sms"] if counts else None)


def test_her_own_counts_before_one_that_a_professional_passed_on_whichever_is_newer() -> None:
    assert channels(told(PHONE), told(SMS, role="police")) == ["phone"]
    assert channels(told(SMS, role="police"), told(PHONE)) == ["phone"]


def test_a_newer_one_replaces_an_older_of_the_same_kind() -> None:
    assert channels(told(PHONE), told(SMS)) == ["sms"]
    assert channels(told(PHONE, role="police"), told(SMS, role="doctor")) == ["sms"]


def test_a_report_without_a_preference_changes_nothing() -> None:
    assert channels(told(PHONE), report()) == ["phone"]


def test_one_that_names_no_channel_is_a_preference_too() -> None:
    assert channels(told(PHONE), told({"channels": []})) == []
    assert channels(told(PHONE), told({"code_word": "图书馆"})) == []


def test_the_same_again_renews_its_age_by_any_channel() -> None:
    found = after(told(PHONE), told(PHONE, received_at="2026-03-05T12:00:00+08:00", channel="wechat"))
    assert found is not None
    assert found["received_at"] == "2026-03-05T04:00:00Z"
    assert found["held"] is None


@pytest.mark.parametrize("channel", CHANNELS)
def test_her_own_that_differs_only_makes_everything_held_where_nobody_asks_for_the_code_word(channel: str) -> None:
    reports = told(PHONE), told(SMS, channel=channel)
    assert is_held(*reports) is (channel in WRITTEN_CHANNELS)
    assert channels(*reports) == (["phone"] if channel in WRITTEN_CHANNELS else ["sms"])


@pytest.mark.parametrize(
    "other",
    [
        {**PHONE, "channels": ["phone", "sms"]},
        {**PHONE, "hours": "09:00-17:00"},
        {**PHONE, "code_word": "超市"},
        {**PHONE, "code_word": None},
        {**PHONE, "voicemail": True},
        {"channels": ["phone"]},
        {"channels": []},
    ],
)
def test_a_difference_in_any_field_is_one(other: dict[str, Any]) -> None:
    assert is_held(told(PHONE), told(other, channel="web_mailbox"))


def test_her_own_without_her_name_is_held_by_whatever_channel_it_comes() -> None:
    nameless = {"phone": WANG["phone"]}
    assert is_held(told(PHONE), told(SMS, client=nameless))
    assert not is_held(told(PHONE), told(PHONE, client=nameless))


def test_her_name_as_the_reporter_is_her_name() -> None:
    nameless, herself = {"phone": WANG["phone"]}, {"role": "self", "name": "王某"}
    assert not is_held(told(PHONE), told(SMS, client=nameless, reporter=herself))


def test_the_first_preference_of_a_case_has_nothing_to_differ_from() -> None:
    assert not is_held(told(SMS, channel="wechat"))
    assert not is_held(told(SMS, client={"phone": WANG["phone"]}))
    assert channels(told(SMS, channel="wechat")) == ["sms"]


def test_where_she_named_none_her_own_is_held_against_the_professionals_however_old() -> None:
    passed_on = told(PHONE, role="court", received_at="2025-03-02T12:00:00+08:00")
    assert is_held(passed_on, told(SMS, channel="letter"))
    assert not is_held(passed_on, told(PHONE, channel="letter"))


def test_a_preference_of_somebody_else_is_never_in_force_so_nothing_differs_from_it() -> None:
    assert not is_held(told(PHONE, role="neighbour"), told(SMS, channel="letter"))


def test_what_a_professional_passes_on_is_never_doubted() -> None:
    assert not is_held(told(PHONE, role="court"), told(SMS, role="village_cadre", channel="letter"))


def test_everything_stays_held_until_she_names_one_by_voice() -> None:
    doubtful = told(PHONE), told(SMS, channel="wechat")
    assert is_held(*doubtful, report())
    assert is_held(*doubtful, told(PHONE, channel="wechat"))
    assert is_held(*doubtful, told(SMS, role="police"))
    assert is_held(*doubtful, told(PHONE, client={"phone": WANG["phone"]}))
    assert not is_held(*doubtful, told(PHONE))
    assert channels(*doubtful, told(SMS)) == ["sms"]


def test_a_report_that_arrives_late_does_not_undo_what_was_named_after_it() -> None:
    late = told(SMS, received_at="2026-03-01T12:00:00+08:00")
    assert channels(told(PHONE), late) == ["phone"]
    assert channels(told(PHONE, role="court"), {**late, "reporter": {"role": "court"}}) == ["phone"]
