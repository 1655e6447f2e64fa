"""After an erasure nobody can read who she was: not in clear, not with any key that is left, not by a token."""

import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from shared.privacy import BlindIndex, Key, SealBroken
from shared.runtime.auth import Role
from tests.integration.canary.evidence import found_in
from tests.integration.intake.conftest import SERVICES
from tests.integration.intake.desk import NEIGHBOUR, Desk, asked
from tests.support.system import System, wait_until

CANARIES = {
    "name": "金丝雀王某",
    "phone": "13899907319",
    "id number": "330302CANARY7319X",
    "address": "金丝雀巷七十三号",
    "narrative": "他打碎了金丝雀的笼子",
    "his name": "伤害金丝雀的李某",
    "his phone": "13899907321",
    "code word": "金丝雀图书馆",
}
STEMS = ("金丝雀", "138999073", "CANARY73")
HER: dict[str, Any] = {
    "reporter": {"role": "self"},
    "client": {
        "name": CANARIES["name"],
        "phone": CANARIES["phone"],
        "id_number": CANARIES["id number"],
        "address": CANARIES["address"],
        "birth_date": "1991-05-02",
    },
    "accused": {"name": CANARIES["his name"], "phone": CANARIES["his phone"]},
    "category": "domestic_violence",
    "narrative": CANARIES["narrative"],
    "safe_contact": {"channels": ["sms"], "code_word": CANARIES["code word"]},
    "consent": {"agencies": ["police", "justice"]},
    "wishes": ["legal_aid"],
}
#: Another case, in which her accused is the client.
OTHER_SIDE: dict[str, Any] = {"reporter": {"role": "self"}, "client": HER["accused"], "category": "psychological"}


@pytest.fixture(scope="module")
def desk(house: System) -> Desk:
    return Desk(house)


@pytest.fixture(scope="module")
def other_side(desk: Desk) -> str:
    return desk.report(**OTHER_SIDE)


@pytest.fixture(scope="module")
def kept(desk: Desk, other_side: str) -> str:
    """A case of somebody else, who is to be remembered."""
    return desk.report(reporter={"role": "self"}, client={"name": "周某", "phone": "13800000077"})


@pytest.fixture(scope="module")
def erased(house: System, desk: Desk, kept: str) -> str:
    """Let a case live a little, with everything that is ever written down of it, and erase it."""
    sent = {**HER, "report_key": "first", "district": "330302004012"}
    case_id = desk.report(**sent)
    assert desk.report(**{**HER, "reporter": NEIGHBOUR, "district": "330302004012"}) == case_id
    assert desk.get(f"/cases/{case_id}?file=1&purpose=casework").json()["reports"]
    assert desk.identities(asked(case_id))[0]["fields"]["client"]["name"] == CANARIES["name"]
    assert desk.withdraw(case_id, "police").status_code == 200
    wait_until(lambda: desk.referrals(case_id), "the referral")
    (found,) = readable(house, case_id)
    assert found == sorted(CANARIES)
    assert tokens_found(house)
    assert desk.erase(case_id, district="330303").status_code == 404
    answer = desk.erase(case_id, district="330302004012")
    assert answer.status_code == 200
    assert answer.json()["case_id"] == case_id
    return case_id


def readable(house: System, case_id: str) -> Iterator[list[str]]:
    """Yield which canaries can be read in intake with the keys that are left, and in any database in clear."""
    master = Key(house.settings("intake").key("master"))
    keys = [
        master.unwrap(row["wrapped"], f"intake/{row['_id']}")
        for row in house.database("intake")["keys"].find({"wrapped": {"$exists": True}})
    ]
    found = set()
    for service in SERVICES:
        database = house.database(service)
        for name in database.list_collection_names():
            for row in database[name].find():
                clear = json.dumps(row, default=lambda value: "" if isinstance(value, bytes) else str(value)).encode()
                assert found_in(clear, CANARIES, STEMS) == []
                for sealed in _sealed(row):
                    found |= {one for key in keys for one in found_in(_opened(key, case_id, sealed), CANARIES, STEMS)}
    yield sorted(found)


def _sealed(row: Any) -> Iterator[bytes]:
    for record in (row, *(row.get("events") or ())):
        if isinstance(record, dict) and isinstance(record.get("private"), bytes):
            yield record["private"]


def _opened(key: Key, case_id: str, sealed: bytes) -> bytes:
    """Return what a key opens, taken for that of the case; nothing where it does not."""
    try:
        return orjson.dumps(orjson.loads(key.open(sealed, f"intake/{case_id}")))
    except SealBroken:
        return b""


def tokens_found(house: System) -> list[str]:
    """Return which tokens of her stand in any state of any service; that of her village, where a case is erased."""
    blind = BlindIndex(house.settings("intake").key("index"))
    tokens = {
        "name": blind("name", CANARIES["name"]),
        "phone": blind("phone", CANARIES["phone"]),
        "id": blind("id", CANARIES["id number"]),
    }
    village = {"village": blind("place", "330302004012")}
    found = []
    for service, kinds in {"intake": ("case", "report"), "referral": ("docket",), "volunteer": ("team",)}.items():
        for kind in kinds:
            for row in house.database(service)[kind].find({}, {"private": 0}):
                hers = tokens | village if row["state"].get("erased") else tokens
                found += [name for name, token in hers.items() if token in json.dumps(row, default=str)]
    return found


def test_no_key_opens_and_nothing_shows_who_she_was(house: System, erased: str) -> None:
    (found,) = readable(house, erased)

    assert found == []
    assert tokens_found(house) == []
    assert house.database("intake")["keys"].find_one({"_id": erased}) == {"_id": erased}


def test_whoever_asks_is_told_that_it_is_gone(desk: Desk, erased: str, kept: str) -> None:
    for path in (f"/cases/{erased}", f"/cases/{erased}?file=1&purpose=casework"):
        answer = desk.get(path)
        assert (answer.status_code, answer.json()["type"]) == (410, "urn:niangjia:problem:case-erased")
    assert desk.withdraw(erased, "justice").status_code == 410
    assert desk.get(f"/cases/{erased}", district="330303").status_code == 404
    assert desk.identities(asked(erased), asked(kept)) == [
        {"fields": None, "why_not": "erased"},
        {"fields": {"client": {"name": "周某"}}, "why_not": None},
    ]
    notice = {"case_id": erased, "purpose": "client_notice", "audience": "client", "channel": "sms"}
    told = desk.post("/disclosures", {"items": [notice]}, Role.SERVICE).json()
    assert told == {"items": [{"to": None, "why_not": "no_address"}]}
    listed = desk.get("/cases?limit=999").json()["cases"]
    assert kept in {one["id"] for one in listed}
    assert erased not in {one["id"] for one in listed}


def test_notification_learns_no_wish_of_hers_any_more(house: System, desk: Desk, erased: str) -> None:
    receipts = [row["_id"] for row in house.database("intake")["report"].find({"state.answer.case_id": erased})]
    told = desk.post("/contacts", {"receipts": receipts}, Role.SERVICE).json()

    assert receipts
    assert told == {"contacts": [None] * len(receipts)}


def test_the_same_again_is_answered_the_same_wherever_she_lived(desk: Desk, erased: str) -> None:
    answers = [desk.erase(erased, district, "retention_over") for district in ("", "330302", "330302004012")]

    assert [one.status_code for one in answers] == [200, 200, 200]
    assert len({one.text for one in answers}) == 1
    assert answers[0].json()["reason"] == "requested_by_client"
    assert len(desk.said("case.erased", erased)) == 1


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SUPERVISOR])
def test_nobody_but_a_supervisor_erases(desk: Desk, kept: str, role: Role) -> None:
    answer = desk.post(f"/cases/{kept}/erasure", {"reason": "requested_by_client"}, role)

    assert answer.status_code == 403
    assert desk.get(f"/cases/{kept}").status_code == 200


@pytest.mark.parametrize("content", [{}, {"reason": "because"}, {"reason": "retention_over", "why": "王某"}])
def test_an_erasure_says_why(desk: Desk, kept: str, content: dict[str, Any]) -> None:
    assert desk.post(f"/cases/{kept}/erasure", content, Role.SUPERVISOR).status_code == 422
    assert desk.get(f"/cases/{kept}").status_code == 200


def test_what_is_stored_is_whole_and_an_erasure_that_came_undone_is_found(house: System, erased: str) -> None:
    ended = house.niangjia("verify", "--json")
    assert ended.returncode == 0, ended.stdout
    assert json.loads(ended.stdout)["intake"]["erased"] == 1

    database = house.database("intake")
    left = database["case"].find_one({"_id": erased})
    assert left is not None
    for place, change in (
        (("case", {"_id": erased}), {"$set": {"state.grade": "red"}}),
        (("case", {"_id": erased}), {"$set": {"keys": ["client phone x"]}}),
        (("keys", {"_id": erased}), {"$set": {"wrapped": b"as after a restore"}}),
    ):
        collection, query = database[place[0]], place[1]
        before = collection.find_one(query)
        assert before is not None
        collection.update_one(query, change)
        faults = json.loads(house.niangjia("verify", "--json", "--service", "intake").stdout)["intake"]["faults"]
        collection.replace_one(query, before)
        assert any(erased in fault for fault in faults), change


def test_the_same_people_open_a_new_case_and_what_was_answered_stands(desk: Desk, erased: str, other_side: str) -> None:
    again = desk.report(**{**HER, "report_key": "first", "district": "330302004012"})
    new = desk.report(**HER)

    assert again == erased
    assert new != erased
    assert desk.get(f"/cases/{erased}").status_code == 410
    assert desk.get(f"/cases/{new}").json()["other_sides"] == [other_side]
    assert desk.identities(asked(new))[0]["fields"]["client"]["name"] == CANARIES["name"]


def test_a_second_replica_that_had_her_key_in_memory_reads_nothing(house: System, desk: Desk) -> None:
    case_id = desk.report(reporter={"role": "self"}, client={"name": "冯金丝雀"}, safe_contact={"channels": ["sms"]})
    receipt = next(row["_id"] for row in house.database("intake")["report"].find({"state.answer.case_id": case_id}))
    twin = System(house.folder, house.namespace, services={"intake": "services.intake.service"})
    try:
        twin.start("intake")
        second = Desk(twin)
        assert second.post("/contacts", {"receipts": [receipt]}, Role.SERVICE).json()["contacts"][0] is not None
        assert second.identities(asked(case_id))[0]["fields"]["client"]["name"] == "冯金丝雀"
        assert desk.erase(case_id).status_code == 200

        assert second.post("/contacts", {"receipts": [receipt]}, Role.SERVICE).json() == {"contacts": [None]}
        assert second.identities(asked(case_id)) == [{"fields": None, "why_not": "erased"}]
        assert second.get(f"/cases/{case_id}").status_code == 410
    finally:
        twin.stop_all()
