"""A case of the sample week as evidence: made while everything runs, and checked by the one file that a court has."""

import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from pymongo.collection import Collection

from deploy.evidence import verify_bundle
from deploy.sample import WEEK
from shared.rules import CHINA
from shared.runtime.auth import Role
from shared.runtime.variables import SERVICES
from tests.integration.commands.conftest import done, objects_in
from tests.support.authority import ToyAuthority
from tests.support.system import System

Document = dict[str, Any]
#: Longer than it takes to look at the anchors of one day.
NIGHT = timedelta(minutes=1)


@pytest.fixture(scope="module")
def anchored(week: System) -> Document:
    """What the first anchors say, at an hour after which the day in China lasts for a while: each has its own."""
    now = datetime.now(CHINA)
    left = datetime.combine(now.date() + timedelta(days=1), time(), CHINA) - now
    if left < NIGHT:
        sleep(left.total_seconds())
    return dict(json.loads(done(week.niangjia("anchor", "--json"))))


@pytest.fixture(scope="module")
def case(week: System, anchored: Document) -> str:
    """A case that referral, volunteer and notification have something of, and that has another side."""
    assert anchored
    wanted = {"state.grade": "red", "state.other_sides": {"$ne": []}}
    row = week.database("intake")["case"].find_one(wanted, sort=[("_id", 1)])
    assert row is not None
    return str(row["_id"])


@pytest.fixture(scope="module")
def bundle(week: System, case: str) -> Path:
    said = done(week.niangjia("evidence", case, "-o", "bundle.zip", "--by", "承办人甲"))
    assert said.startswith("bundle.zip: ")
    return week.folder / "bundle.zip"


def checked(file: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", "-S", verify_bundle.__file__, str(file), "--language", "en", *arguments],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def parts(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines(file: Path, service: str) -> list[Document]:
    return [json.loads(line) for line in parts(file)[f"journal/{service}.ndjson"].splitlines()]


def problem(ended: "subprocess.CompletedProcess[str]", code: int = 1) -> str:
    """Return the one line by which a command says why it does nothing."""
    assert (ended.returncode, ended.stdout) == (code, "")
    assert re.fullmatch(r"niangjia: .*; .*\n", ended.stderr), ended.stderr
    return ended.stderr


def test_anchors_are_signed_copied_and_made_once_a_day(week: System, anchored: Document) -> None:
    heads = {name: week.database(name)["journal"].find_one(sort=[("_id", -1)]) for name in SERVICES}
    assert anchored["services"].keys() == {name for name, head in heads.items() if head}
    for name, about in anchored["services"].items():
        head = heads[name]
        assert head is not None
        assert (about["number"], about["events"], about["stamped"]) == (1, head["_id"] + head["n"] - 1, False)
        assert (week.folder / "anchors" / name / "000001.json").exists()
    key = (week.folder / "anchors" / "federation.pem").read_text()
    assert verify_bundle.read_key(key).hex() == anchored["key"]
    secret = week.keys / "signing.key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600

    assert json.loads(done(week.niangjia("anchor", "--json"))) == anchored


def test_a_bundle_holds_every_line_of_the_case_and_of_no_other(week: System, case: str, bundle: Path) -> None:
    ended = checked(bundle)
    assert ended.returncode == 0, ended.stdout
    for service in SERVICES:
        records = [
            (entry["_id"] + n, record)
            for entry in week.database(service)["journal"].find().sort("_id", 1)
            for n, record in enumerate(entry["events"])
            if record["case"] == case
        ]
        if not records:
            assert f"{service}: no line of this case" in ended.stdout
            continue
        shown = lines(bundle, service)
        assert [(line["event"], line["id"], line["data"]) for line in shown] == [
            (number, record["id"], record["data"]) for number, record in records
        ]
        assert f"{service}: all {len(records)} lines" in ended.stdout
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600


def test_it_holds_no_name_no_narrative_and_nothing_sealed(bundle: Path) -> None:
    raw = bundle.read_bytes()
    reports = [*objects_in(WEEK / "earlier.jsonl"), *objects_in(WEEK / "reports.jsonl")]
    for report in reports:
        for part in ("client", "accused", "reporter"):
            for name in ("name", "phone", "id_number"):
                value = (report.get(part) or {}).get(name)
                assert not value or value.encode() not in raw
        assert report["narrative"].encode() not in raw
    assert [name for name in parts(bundle) if name.startswith("opened/")] == []


def test_the_same_command_makes_the_same_proofs(week: System, case: str, bundle: Path) -> None:
    done(week.niangjia("evidence", case, "-o", "again.zip", "--json"))
    again, first = parts(week.folder / "again.zip"), parts(bundle)

    same = {name for name in first if not name.startswith("MANIFEST")}
    assert {name: again[name] for name in same} == {name: first[name] for name in same}


def test_what_is_opened_is_written_down_first(week: System, case: str, bundle: Path) -> None:
    order = ("--open", "--purpose", "evidence", "--reason", "(2026)浙03民初1号调查令", "--by", "承办人甲")
    said = json.loads(done(week.niangjia("evidence", case, "-o", "open.zip", "--json", *order)))
    file = week.folder / "open.zip"
    ended = checked(file, "--key", said["key"])

    assert ended.returncode == 0
    assert "With sealed content, opened for evidence: (2026)浙03民初1号调查令" in ended.stdout
    before, now = lines(bundle, "intake"), lines(file, "intake")
    assert now[:-1] == before
    assert json.loads(now[-1]["data"])["purpose"] == "evidence"
    assert now[-1]["type"] == "identity.disclosed"
    assert now[-1]["sealed"], "by whom is sealed"
    opened = [json.loads(line) for line in parts(file)["opened/intake.ndjson"].splitlines()]
    assert [row["event"] for row in opened] == [line["event"] for line in now if line["type"] == "report.received"]
    assert all(row["report"]["narrative"] for row in opened)
    assert not any("safe_contact" in row["report"] for row in opened)
    for row in opened:
        reporter = row["report"].get("reporter") or {}
        assert reporter.get("role") == "self" or reporter.keys() <= {"role"}


def test_who_reported_is_told_only_when_it_is_asked_for(week: System, anchored: Document) -> None:
    reports = objects_in(WEEK / "reports.jsonl")
    teacher = next(report for report in reports if (report.get("reporter") or {}).get("role") == "teacher")
    case = week.client(Role.OPERATOR).post("intake", "/reports", json=teacher).json()["case_id"]
    order = ("--open", "--purpose", "evidence", "--reason", "order")
    for more, told in (((), False), (("--with-reporter",), True)):
        done(week.niangjia("evidence", case, "-o", "teacher.zip", *order, *more))
        content = parts(week.folder / "teacher.zip")["opened/intake.ndjson"].decode()
        assert (f'"name":"{teacher["reporter"]["name"]}"' in content) is told


def test_what_is_asked_wrongly_is_one_line(week: System, case: str) -> None:
    assert "not the id of a case" in problem(week.niangjia("evidence", "x", "-o", "x.zip"), 2)
    unknown = case[:-1] + ("1" if case.endswith("0") else "0")
    assert "no journal knows a case" in problem(week.niangjia("evidence", unknown, "-o", "x.zip"))
    for wrong in (("--open",), ("--open", "--purpose", "evidence"), ("--reason", "x"), ("--purpose", "evidence")):
        assert "for a purpose and a reason" in problem(week.niangjia("evidence", case, "-o", "x.zip", *wrong), 2)
    assert "who reported is sealed" in problem(week.niangjia("evidence", case, "-o", "x.zip", "--with-reporter"), 2)
    order = ("--open", "--purpose", "evidence", "--reason", "order")
    assert "intake refuses with 404" in problem(week.niangjia("evidence", unknown, "-o", "x.zip", *order))
    assert "cannot be written" in problem(week.niangjia("evidence", case, "-o", "none/x.zip"))
    assert not (week.folder / "x.zip").exists()


def test_it_goes_to_the_standard_output_too(week: System, case: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.cli", "evidence", case, "-o", "-"],
        cwd=week.folder,
        env=week.environment(),
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0
    assert verify_bundle.Bundle(ended.stdout).check()


def test_anchors_are_stamped(week: System, case: str, tmp_path: Path) -> None:
    with ToyAuthority(tmp_path / "tsa") as authority:
        said = json.loads(done(week.niangjia("anchor", "--json", "--tsa", authority.url)))
        assert all(about["stamped"] for about in said["services"].values())
        done(week.niangjia("evidence", case, "-o", "stamped.zip", NIANGJIA_TSA_URL=authority.url))
        ended = checked(week.folder / "stamped.zip")
        assert ended.returncode == 0
        assert "intake: the anchor of" in ended.stdout
        content = parts(week.folder / "stamped.zip")
        (name,) = [name for name in content if name.startswith("anchors/intake-")]
        anchor = content["anchors/intake.ndjson"].splitlines()[-1]
        assert authority.accepts(content[name], verify_bundle.hashlib.sha256(anchor).digest())

    add_something(week)
    ended = week.niangjia("anchor", "--tsa", "http://127.0.0.1:1/")
    assert ended.returncode == 1
    assert "the anchors are made, but not all are stamped: the time-stamping authority does not answer" in ended.stderr
    assert "Traceback" not in ended.stderr


def add_something(week: System) -> None:
    """Let the journal grow."""
    row = week.database("intake")["case"].find_one({"state.erased": None}, sort=[("_id", -1)])
    assert row is not None
    assert week.client(Role.CASEWORKER).get("intake", f"/cases/{row['_id']}?file=1&purpose=casework").ok


def test_an_erased_case_has_its_evidence_too(week: System, anchored: Document) -> None:
    row = week.database("intake")["case"].find_one({"state.grade": "orange"}, sort=[("_id", 1)])
    assert row is not None
    case = row["_id"]
    order = {"reason": "requested_by_client"}
    assert week.client(Role.SUPERVISOR).post("intake", f"/cases/{case}/erasure", json=order).ok

    done(week.niangjia("evidence", case, "-o", "erased.zip"))
    assert checked(week.folder / "erased.zip").returncode == 0
    assert lines(week.folder / "erased.zip", "intake")[-1]["type"] == "case.erased"
    refused = week.niangjia("evidence", case, "-o", "x.zip", "--open", "--purpose", "evidence", "--reason", "order")
    assert "intake refuses with 410" in problem(refused)


@contextmanager
def changed(collection: Collection[Document], query: Document, change: Document) -> Iterator[None]:
    """Change a document for a while."""
    row = collection.find_one(query)
    assert row is not None
    collection.update_one({"_id": row["_id"]}, change)
    try:
        yield
    finally:
        collection.replace_one({"_id": row["_id"]}, row)


def test_a_past_that_was_written_anew_is_noticed(week: System, anchored: Document) -> None:
    """Whoever has the database may change an event and all hashes after it; the anchors remember."""
    from shared.runtime.journal import GENESIS, chained

    done(week.niangjia("drain", "--timeout", "60"))  # nobody goes on writing meanwhile
    journal = week.database("notification")["journal"]
    entries = list(journal.find().sort("_id", 1))
    forged = [dict(entry, events=[dict(record) for record in entry["events"]]) for entry in entries]
    forged[3]["events"][0]["subject"] = "somebody-else"
    previous = GENESIS
    for entry in forged:
        entry["hash"] = previous = chained(previous, entry)
    try:
        for entry in forged:
            journal.replace_one({"_id": entry["_id"]}, entry)
        last = anchored["services"]["notification"]["events"]
        wrong = problem(week.niangjia("anchor"))
        assert "the journal of notification was changed after anchor 1 of" in wrong
        assert f"somewhere between events 1 and {last};" in wrong
    finally:
        for entry in entries:
            journal.replace_one({"_id": entry["_id"]}, entry)
    with changed(journal, {"_id": entries[5]["_id"]}, {"$set": {"cause": "x"}}):
        assert "is not whole" in problem(week.niangjia("anchor"))


def test_a_journal_that_was_cut_off_is_noticed(week: System, anchored: Document) -> None:
    journal = week.database("notification")["journal"]
    cut = list(journal.find().sort("_id", -1).limit(2))
    journal.delete_many({"_id": {"$in": [entry["_id"] for entry in cut]}})
    try:
        assert "it was cut off" in problem(week.niangjia("anchor"))
    finally:
        journal.insert_many(cut)


def test_anchors_that_were_changed_or_removed_are_noticed(week: System, case: str, anchored: Document) -> None:
    anchors = week.database("intake")["anchors"]
    add_something(week)
    done(week.niangjia("anchor"))
    last = anchors.find_one(sort=[("_id", -1)])
    assert last is not None
    assert last["_id"] >= 2
    with changed(anchors, {"_id": 1}, {"$set": {"line": last["line"]}}):
        assert "anchor 1 of intake is not as it was signed" in problem(week.niangjia("evidence", case, "-o", "x.zip"))
    with changed(anchors, {"_id": 1}, {"$unset": {"line": ""}}):
        assert "anchor 1 of intake is not as it was signed" in problem(week.niangjia("anchor"))
    anchors.delete_one({"_id": last["_id"]})
    try:
        wrong = problem(week.niangjia("anchor"))
        assert f"anchor {last['_id']} of intake is not in the database as it stands in" in wrong
    finally:
        anchors.insert_one(last)
    done(week.niangjia("anchor"))


def test_another_key_is_taken_only_when_it_is_meant(
    week: System, case: str, anchored: Document, tmp_path: Path
) -> None:
    other = tmp_path / "other.key"
    other.write_text(os.urandom(32).hex())
    add_something(week)

    assert "not the one with which the last anchor was signed" in problem(
        week.niangjia("anchor", NIANGJIA_SIGNER=str(other))
    )
    said = json.loads(done(week.niangjia("anchor", "--new-key", "--json", NIANGJIA_SIGNER=str(other))))
    assert said["key"] != anchored["key"]
    done(week.niangjia("evidence", case, "-o", "rotated.zip", NIANGJIA_SIGNER=str(other)))
    file = week.folder / "rotated.zip"
    assert checked(file, "--key", said["key"]).returncode == 1, "the older anchors are signed with the older key"
    assert checked(file, "--key", said["key"], "--key", anchored["key"]).returncode == 0
    assert "compare it too" in checked(file).stdout
    other.write_text("not a key")
    assert "NIANGJIA_SIGNER names a file that is not 64 hex" in problem(
        week.niangjia("anchor", NIANGJIA_SIGNER=str(other)), 2
    )
    other.unlink()
    assert "name the federation's key in NIANGJIA_SIGNER" in problem(
        week.niangjia("anchor", NIANGJIA_SIGNER=str(other))
    )
