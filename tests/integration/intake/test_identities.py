"""An agency is told who she is: the fields that were asked for, if it is allowed at that moment, and written down."""

from typing import Any

import pytest

from shared.events.vocabulary import IDENTITY_FIELDS
from shared.runtime.auth import Role
from tests.integration.intake.desk import NEIGHBOUR, Desk, asked
from tests.integration.intake.feeding import receipt
from tests.support.system import System, wait_until

WHOLE: dict[str, Any] = {
    "reporter": NEIGHBOUR,
    "client": {
        "name": "王小某",
        "sex": "female",
        "birth_date": "1991-05-02",
        "id_number": "330302199105021230",
        "address": "某路7号",
    },
    "accused": {"name": "李某", "relation": "husband", "phone": "13800000002", "id_number": "330302198805021230"},
    "children": [{"age": 6, "sex": "male"}],
    "category": "domestic_violence",
    "narrative": "我是邻居赵小敏（138-0000-0009），听见王小某喊。",
    "wishes": ["legal_aid"],
}


@pytest.fixture
def desk(house: System) -> Desk:
    return Desk(house)


def test_every_field_is_told_and_nobody_who_reported(desk: Desk) -> None:
    case_id = desk.report(**WHOLE)
    herself = {"role": "self", "name": "王小某", "phone": "13800000001"}
    wish = {"channels": ["sms"], "hours": "09:00-16:00", "code_word": "图书馆", "voicemail": False}
    client = {"id_number": WHOLE["client"]["id_number"]}
    assert desk.report(reporter=herself, client=client, safe_contact=wish, narrative="是我。") == case_id
    (answer,) = desk.identities(asked(case_id, *IDENTITY_FIELDS))

    assert answer == {
        "why_not": None,
        "fields": {
            "client": {**WHOLE["client"], "phone": "13800000001"},
            "accused": WHOLE["accused"],
            "children": WHOLE["children"],
            "safe_contact": {
                "channels": ["sms"],
                "hours": "09:00-16:00",
                "voicemail": False,
                "received_at": "2026-03-02T01:14:00Z",
            },
            "narrative": "我是〔报告人〕（〔报告人〕），听见王小某喊。\n\n是我。",
        },
    }
    (written,) = desk.said("identity.disclosed", case_id)
    assert written == {
        "case_id": case_id,
        "audience": "police",
        "purpose": "protect",
        "basis": "duty",
        "fields": list(IDENTITY_FIELDS),
    }


def test_what_is_not_known_is_null_and_what_was_not_asked_for_is_not_there(desk: Desk) -> None:
    case_id = desk.report(client={"name": "周某"})
    (answer,) = desk.identities(asked(case_id, "accused.phone", "client.name", "client.address", "children"))

    assert answer["fields"] == {
        "accused": {"phone": None},
        "client": {"name": "周某", "address": None},
        "children": None,
    }


def test_on_consent_only_who_has_it_is_told_and_many_are_asked_for_at_once(desk: Desk) -> None:
    agreed = desk.report(client={"name": "吴某"}, reporter={"role": "self"}, consent={"agencies": ["justice"]})
    silent = desk.report(client={"name": "郑某"}, reporter={"role": "self"})
    nobody = "0" * 8 + "-0000-7000-8000-" + "0" * 12
    answers = desk.identities(
        asked(agreed, basis="consent", audience="justice"),
        asked(agreed, basis="consent", audience="court"),
        asked(silent, basis="consent", audience="justice"),
        asked(nobody),
        asked(silent, basis="life"),
    )

    assert [one["why_not"] for one in answers] == [None, "no_consent", "no_consent", "case_unknown", None]
    names = [one["fields"]["client"]["name"] if one["fields"] else None for one in answers]
    assert names == ["吴某", None, None, None, "郑某"]
    assert len(desk.said("identity.disclosed", agreed)) == len(desk.said("identity.disclosed", silent)) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"basis": "consent", "fields": ["client.name", "narrative"]}, "items.0.fields"),
        ({"fields": []}, "items.0.fields"),
        ({"fields": ["reporter.name"]}, "items.0.fields.0"),
        ({"audience": "statistics"}, "items.0.audience"),
        ({"basis": "curiosity"}, "items.0.basis"),
        ({"purpose": "Because!"}, "items.0.purpose"),
    ],
)
def test_what_may_never_be_asked_for_is_refused_and_nothing_is_told(
    desk: Desk, change: dict[str, Any], field: str
) -> None:
    case_id = desk.report(client={"name": "冯某"}, reporter={"role": "self"}, consent={"agencies": ["police"]})
    answer = desk.post("/identities", {"items": [{**asked(case_id), **change}]}, Role.SERVICE)

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert desk.said("identity.disclosed", case_id) == []


def test_what_she_takes_back_is_told_no_more_and_its_referral_ends(desk: Desk) -> None:
    herself = {"role": "self", "name": "陈某"}
    case_id = desk.report(reporter=herself, wishes=["legal_aid"], consent={"agencies": ["justice", "police"]})
    wait_until(lambda: desk.referrals(case_id), "the referral")
    ask = asked(case_id, basis="consent", audience="justice")
    assert desk.identities(ask)[0]["why_not"] is None
    first, again = (desk.withdraw(case_id, "justice", "court") for _ in range(2))

    assert first.status_code == 200
    assert first.json() == again.json() == {"case_id": case_id, "consents": ["police"]}
    assert desk.identities(ask) == [{"fields": None, "why_not": "no_consent"}]
    assert [one["agencies"] for one in desk.said("consent.withdrawn", case_id)] == [["justice"]]
    assert desk.get(f"/cases/{case_id}").json()["consents"] == ["police"]
    wait_until(lambda: desk.referrals(case_id)[0]["status"] == "cancelled", "the end of the referral")
    (referral,) = desk.referrals(case_id)
    assert (referral["agency"], referral["cancelled_because"]) == ("justice", "consent_withdrawn")


def test_a_token_for_elsewhere_neither_takes_back_nor_sees_a_referral(desk: Desk) -> None:
    herself = {"role": "self", "name": "褚某"}
    case_id = desk.report(reporter=herself, wishes=["legal_aid"], consent={"agencies": ["justice"]})
    wait_until(lambda: desk.referrals(case_id), "the referral")
    path = f"/cases/{case_id}/consents/withdrawals"

    assert desk.post(path, {"agencies": ["justice"]}, district="330303").status_code == 404
    assert desk.said("consent.withdrawn", case_id) == []
    assert desk.referrals(case_id, district="330303") == []
    assert len(desk.referrals(case_id, district="3303")) == 1
    smaller = desk.get(f"/referrals?case_id={case_id}", of="referral", district="330302004")
    assert smaller.status_code == 403


def test_receipts_of_agencies_show_in_the_referral(house: System, desk: Desk) -> None:
    herself = {"role": "self", "name": "卫某"}
    case_id = desk.report(reporter=herself, wishes=["legal_aid"], consent={"agencies": ["justice"]})
    wait_until(lambda: desk.referrals(case_id), "the referral")
    (referral,) = desk.referrals(case_id)
    assert referral["receipts"] == []

    receipt(house, case_id, referral["referral_id"], 1)
    wait_until(lambda: desk.referrals(case_id)[0]["receipts"], "the receipt")

    (shown,) = desk.referrals(case_id)[0]["receipts"]
    assert (shown["receipt"], shown["by"]) == ("received", "wenzhou-justice")
