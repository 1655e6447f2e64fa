"""2.6 Telling people."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notification import wording
from services.notification.notice import Status, way
from shared.events.vocabulary import AGENCIES, CATEGORIES
from shared.kernel import Conflict, Message, NotFound
from tests.acceptance.city import City
from tests.acceptance.people import WANG, report

CONTACT: dict[str, Any] = {
    "channels": ["sms", "phone"],
    "hours": None,
    "received_at": "2026-01-01T00:00:00Z",
    "held": None,
}
THEN = datetime(2026, 1, 1, tzinfo=UTC)


def held(now: datetime = THEN, **changes: Any) -> str | None:
    return way({**CONTACT, **changes}, now).held_because


def test_the_first_of_her_channels_is_used() -> None:
    assert way(CONTACT, THEN).channel == "sms"


def test_without_a_safe_channel_it_is_held() -> None:
    assert way(None, THEN).held_because == "no_preference"
    assert held(channels=[]) == "no_channel"


def test_a_preference_is_trusted_for_90_days_the_limit_included() -> None:
    assert held(THEN + timedelta(days=90)) is None
    assert held(THEN + timedelta(days=90, seconds=1)) == "preference_too_old"


def test_outside_her_hours_it_is_held() -> None:
    assert held(hours="09:00-16:00") == "outside_hours"  # 08:00 in China
    assert held(hours="08:00-16:00") is None


def test_what_is_doubted_is_held_for_a_person() -> None:
    assert held(held="doubted") == "doubted"


def test_the_channel_is_that_of_the_moment_of_the_report() -> None:
    city = City()
    hers = {"channels": ["wechat"], "hours": "09:00-16:00"}
    assert city.receive(report(safe_contact=hers))["client_channel"] == "wechat"
    assert city.receive(report("2026-03-02T16:00:00+08:00"))["client_channel"] == "held"
    assert city.receive(report("2026-03-03T15:59:00+08:00"))["client_channel"] == "wechat"
    assert city.receive(report("2026-05-31T12:00:00+08:00"))["client_channel"] == "wechat"
    assert city.receive(report("2026-05-31T12:00:01+08:00"))["client_channel"] == "held"


def test_her_own_preference_that_is_too_old_is_not_replaced_by_a_professionals() -> None:
    city = City()
    city.receive(report("2025-11-01T12:00:00+08:00", safe_contact={"channels": ["sms"]}))
    passed_on = report(role="police", safe_contact={"channels": ["phone"]})
    assert city.receive(passed_on)["client_channel"] == "held"


def test_a_client_who_is_doubted_hears_nothing() -> None:
    city = City()
    city.receive(report(safe_contact={"channels": ["sms"]}))
    assert city.receive(report(channel="wechat", safe_contact={"channels": ["wechat"]}))["client_channel"] == "held"
    assert city.receive(report())["client_channel"] == "held"


def command(type: str, notice_id: str, **data: Any) -> Message:
    return Message(id=f"{type} {notice_id}", type=type, time=THEN, data={"notice_id": notice_id, **data})


def queued() -> tuple[City, str]:
    city = City()
    city.receive(report(safe_contact={"channels": ["sms"]}))
    return city, city.notification.facts[-1].data["notice_id"]


def test_the_sender_marks_what_it_sent_once() -> None:
    city, notice_id = queued()
    facts, _ = city.notification.hear(command("mark_sent", notice_id))
    assert [(fact.type, fact.data["channel"]) for fact in facts] == [("notice.sent", "sms")]
    assert city.notification.hear(command("mark_sent", notice_id))[0] == []
    assert city.notification.shelf.get("notice", notice_id).status is Status.SENT


def test_the_sender_marks_what_failed_with_the_reason() -> None:
    city, notice_id = queued()
    facts, _ = city.notification.hear(command("mark_failed", notice_id, reason="channel_refused"))
    assert facts[0].type == "notice.failed"
    assert city.notification.shelf.get("notice", notice_id).reason == "channel_refused"
    with pytest.raises(Conflict):
        city.notification.hear(command("mark_sent", notice_id))


def test_a_notice_that_is_held_cannot_be_sent() -> None:
    city = City()
    city.receive(report())
    with pytest.raises(Conflict):
        city.notification.hear(command("mark_sent", city.notification.facts[-1].data["notice_id"]))


def test_a_notice_that_is_not_there_cannot_be_sent() -> None:
    with pytest.raises(NotFound):
        City().notification.hear(command("mark_sent", "nothing"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_are_neutral(language: str) -> None:
    texts = yaml.safe_load(Path(wording.__file__).with_name(f"{language}.yml").read_text(encoding="utf-8"))
    telling = [word.replace("_", " ") for word in (*AGENCIES, *CATEGORIES)]
    telling += ["federation", "women", "violence", "police", "case", "妇联", "妇女", "暴力", "公安", "派出所", "案件"]
    telling += ["法院", "检察", "司法", "民政", "维权", "虐待", "婚姻", "求助", "受害", WANG["name"]]
    for text in texts.values():
        assert not [word for word in telling if re.search(rf"\b{re.escape(word)}\b" if word.isascii() else word, text)]


def test_every_language_has_the_words_that_are_used() -> None:
    city = City()
    for _ in range(2):
        city.receive(report(safe_contact={"channels": ["sms"]}))
    used = {fact.data["wording"] for fact in city.notification.facts}
    assert used == {"first_word", "further_word"}
    for language in ("zh", "en"):
        assert all(wording.Wording(language).text(name) for name in used)
