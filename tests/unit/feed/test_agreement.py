"""Agreements grant what they say, refuse everything else, and say where they cannot be understood."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest

from services.feed.agreement import AgreementError, picked, read
from services.feed.shareable import check, shareable
from shared.events import CATALOGUE, event_type
from tests.unit.feed.subscribers import KINDS, agreement

DAY = date(2026, 3, 2)
REQUESTED = dict(event_type("referral.requested").example)


def changed(kind: str, *path: Any, to: Any) -> dict[str, Any]:
    """Return a shipped agreement in which something was replaced (or, with None, taken away)."""
    content: Any = deepcopy(agreement(kind))
    place = content
    for part in path[:-1]:
        place = place[part]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return dict(content)


@pytest.mark.parametrize("kind", KINDS)
def test_what_ships_is_understood(kind: str) -> None:
    found = read(agreement(kind))
    check(found)
    assert found.agency == kind


def test_there_is_one_for_every_agency_that_a_case_is_referred_to() -> None:
    assert set(KINDS) == {
        "police",
        "court",
        "procuratorate",
        "justice",
        "civil_affairs",
        "health",
        "education",
        "human_resources",
        "agriculture",
        "grid",
        "statistics",
    }


@pytest.mark.parametrize(
    ("kind", "path", "to", "where", "reason"),
    [
        ("police", ["agency"], "army", "agency", "must be one of police"),
        ("police", ["agency"], None, "agency", "is missing"),
        ("police", ["colour"], "red", "agreement", "unknown: colour"),
        ("police", ["version"], "1", "version", "whole number"),
        ("police", ["title", "zh"], None, "title", "in zh and in en"),
        ("police", ["valid", "until"], "2019-01-01", "valid.until", "before"),
        ("police", ["valid", "from"], "2026-02-30", "valid.from", "a date that exists"),
        ("police", ["grants"], [], "grants", "at least one"),
        ("police", ["grants", 0, "event"], "referral.demanded", "grants[0].event", "no such event"),
        ("police", ["grants", 0, "event"], "notice.sent", "grants[0].event", "no such event"),
        ("police", ["grants", 0, "event"], "consent.withdrawn", "grants[0].event", "no such event"),
        ("police", ["grants", 0, "fields", 3], "client_name", "grants[0].fields", "no field 'client_name'"),
        ("police", ["grants", 0, "fields"], [], "grants[0].fields", "is missing"),
        ("police", ["grants", 0, "fields", 1], "referral_id", "grants[0].fields", "twice"),
        (
            "police",
            ["grants", 0, "identity", 0],
            "reporter.name",
            "grants[0].identity[0]",
            "must be one of client.name",
        ),
        ("police", ["grants", 0, "identity", 0], "shelter.address", "grants[0].identity[0]", "must be one of"),
        ("police", ["grants", 0, "basis"], "curiosity", "grants[0].basis", "must be one of duty"),
        ("police", ["grants", 0, "basis"], [], "grants[0].basis", "is missing"),
        ("police", ["grants", 0, "basis"], ["duty", "consent"], "grants[0].identity", "narrative leaves only"),
        ("police", ["grants", 0, "form"], "whole", "grants[0].form", "must be one of empty"),
        ("police", ["grants", 0, "form"], "id", "grants[0].form", "neither fields nor identity"),
        ("police", ["grants", 0, "of"], "all", "grants[0].of", "for counting only"),
        ("police", ["grants", 0, "to"], "all", "grants[0]", "unknown: to"),
        ("police", ["grants", 2, "purpose"], "mandatory_report", "grants[2]", "stands twice"),
        ("police", ["grants", -1, "where", "colour"], "red", "grants[6].where", "no field 'colour'"),
        ("police", ["grants", -1, "where", "grade"], "scarlet", "grants[6].where.grade", "'scarlet' is none of"),
        ("police", ["grants", 1, "identity"], ["client.name"], "grants[1].identity", "asks an agency for nothing"),
    ],
)
def test_what_cannot_be_meant_is_named(kind: str, path: list[Any], to: Any, where: str, reason: str) -> None:
    with pytest.raises(AgreementError) as caught:
        check(read(changed(kind, *path, to=to)))
    assert caught.value.where == where
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("changes", "granted"),
    [
        ({}, True),
        ({"agency": "police"}, False),
        ({"purpose": "mediation"}, True),
        ({"purpose": "protect"}, False),
        ({"purpose": "mediation", "basis": "duty"}, False),
        ({"basis": "life"}, False),
    ],
)
def test_only_its_own_task_for_an_agreed_purpose_on_an_agreed_basis(changes: dict[str, str], granted: bool) -> None:
    found = read(agreement("justice")).grant("referral.requested", {**REQUESTED, **changes}, DAY)
    assert (found is not None) is granted


@pytest.mark.parametrize(
    ("day", "granted"),
    [("2019-12-31", False), ("2020-01-01", True), ("2035-12-31", True), ("2036-01-01", False)],
)
def test_it_holds_from_its_first_day_to_its_last(day: str, granted: bool) -> None:
    found = read(agreement("justice")).grant("referral.requested", REQUESTED, date.fromisoformat(day))
    assert (found is not None) is granted


def test_conditions_are_kept() -> None:
    police = read(agreement("police"))
    example = dict(event_type("risk.escalated").example)
    assert police.grant("risk.escalated", {**example, "grade": "red"}, DAY)
    assert not police.grant("risk.escalated", {**example, "grade": "orange"}, DAY)


def test_no_blind_token_can_be_shared() -> None:
    """Whoever compares two of them knows that two cases are about one person."""
    tokens = {"case.place", "case.client", "case.accused", "case.shared_phones", "case.client.names"}
    assert not tokens & shareable()["case.created"]
    for declared in CATALOGUE:
        if declared.type in shareable():
            assert "AgQw" not in str(picked(declared.example, shareable()[declared.type]))


def test_fields_are_picked_as_they_were_nested() -> None:
    data = {"case": {"grade": "red", "district": "3303", "client": {"names": []}}, "n": 1}
    assert picked(data, ["case.grade", "n", "missing", "case.none"]) == {"case": {"grade": "red"}, "n": 1}
