from collections.abc import Mapping
from typing import Any

from deploy.outcome import Effect, row
from deploy.sample import WEEK
from tests.acceptance.city import City, lines

CASE, OTHER, ERASED = "case-1", "case-2", "case-3"
KEYS = {CASE: "key-1", OTHER: "key-2", ERASED: None}


def effect(type: str, data: Mapping[str, Any], case: str = CASE) -> Effect:
    return Effect(type=type, case=case, data=data)


def received(**data: Any) -> Effect:
    case = {"id": CASE, "grade": "red", "reasons": ["strangulation", "factors_1_to_9"]}
    return effect("report.received", {"case": case, "opens_case": True, "escalated": True, **data})


def test_a_report_that_causes_nothing_is_held() -> None:
    assert row("key-1", [received()], KEYS.__getitem__) == {
        "report_key": "key-1",
        "case": "key-1",
        "opens_case": True,
        "possible_matches": [],
        "grade": "red",
        "escalated": True,
        "reasons": ["strangulation", "factors_1_to_9"],
        "referrals": [],
        "referrals_cancelled": [],
        "consent_tasks": [],
        "mediation_refused": False,
        "skills": [],
        "released": [],
        "assignments": [],
        "client_channel": "held",
    }


def test_lists_without_an_order_of_their_own_are_sorted() -> None:
    effects = [
        received(),
        effect("referral.requested", {"agency": "police", "purpose": "protect", "basis": "life"}),
        effect("referral.requested", {"agency": "court", "purpose": "protection_order", "basis": "consent"}),
        effect("volunteer.none_eligible", {"skill": "psychology"}),
        effect("volunteer.assigned", {"skill": "law", "volunteer_id": "v2"}),
        effect("volunteer.released", {"skill": "law", "volunteer_id": "v9"}),
        effect("volunteer.released", {"skill": "mediation", "volunteer_id": "v9"}),
        effect("notice.queued", {"channel": "wechat"}),
    ]

    found = row("key-1", effects, KEYS.__getitem__)

    assert found["referrals"] == [["court", "protection_order", "consent"], ["police", "protect", "life"]]
    assert found["skills"] == ["law", "psychology"]
    assert found["assignments"] == [["law", "v2"], ["psychology", None]]
    assert found["released"] == ["v9"]
    assert found["client_channel"] == "wechat"


def test_effects_on_another_case_are_left_out() -> None:
    elsewhere = effect("volunteer.released", {"skill": "law", "volunteer_id": "v1"}, case=OTHER)

    assert row("key-1", [elsewhere, received()], KEYS.__getitem__)["released"] == []


def test_what_is_erased_has_no_key() -> None:
    matches = [{"case_id": OTHER}, {"case_id": ERASED}]

    found = row(None, [received(), effect("case.match_suggested", {"matches": matches})], KEYS.__getitem__)

    assert found["report_key"] is None
    assert found["possible_matches"] == [None, "key-2"]


def test_rows_and_fields_stand_as_in_the_sample_week() -> None:
    expected = lines(WEEK / "expected.jsonl")
    city = City()
    first = lines(WEEK / "earlier.jsonl")[0]

    assert list(row("key-1", [received()], KEYS.__getitem__)) == list(expected[0]) == list(city.receive(first))
