"""Agencies come in, get what concerns them, are stopped, rekeyed and removed, all by the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from amqp.exceptions import AccessRefused
from kombu import Connection

from deploy import agreement_file
from deploy.sample import WEEK
from tests.integration.commands.conftest import done, objects
from tests.support.system import System

DISTRICT = "33"
#: Reports of the week that are put in: enough for referrals to the police.
REPORTS = 40


def agencies(city: System, *arguments: str) -> str:
    return done(city.niangjia("agencies", *arguments))


def refused(city: System, *arguments: str) -> str:
    """Run a command that must be refused, and return the line that says why."""
    ended = city.niangjia("agencies", *arguments)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.stderr


def shown(city: System, name: str) -> dict[str, Any]:
    return dict(json.loads(agencies(city, "show", name, "--json")))


def read(door: dict[str, str], path: str = "/events?after=0") -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(door["url"] + path, headers={"Authorization": f"Bearer {door['token']}"}, timeout=30)


def lets_in(uri: str) -> bool:
    connection = Connection(uri, connect_timeout=5)
    try:
        connection.ensure_connection(max_retries=0, reraise_as_library_errors=False)
    except AccessRefused:
        return False
    finally:
        connection.release()
    return True


def added(city: System, name: str, *arguments: str) -> dict[str, Any]:
    printed = agencies(city, "add", name, "--contract", "police", "--district", DISTRICT, "--json", *arguments)
    return dict(json.loads(printed))


@pytest.fixture(scope="module")
def police(city: System) -> dict[str, Any]:
    """The secrets of an agency that was there before the reports came."""
    return added(city, "police")


@pytest.fixture(scope="module")
def drained(city: System, police: dict[str, Any]) -> System:
    """The city once some reports have gone through it."""
    lines = (WEEK / "reports.jsonl").read_text(encoding="utf-8").splitlines()[:REPORTS]
    done(city.niangjia("ingest", "/dev/stdin", stdin="\n".join(lines)))
    done(city.niangjia("drain", "--timeout", "60"))
    return city


@pytest.fixture
def court(city: System) -> Iterator[str]:
    """The name of an agency that is gone after the test."""
    yield "court"
    city.niangjia("agencies", "remove", "court", "--yes")


def test_the_secrets_of_a_new_agency_open_its_doors(police: dict[str, Any]) -> None:
    assert set(police) == {"amqp", "http", "webhook_secret"}
    assert police["webhook_secret"] is None
    assert {"uri", "stream", "exchange"} <= set(police["amqp"])
    assert lets_in(police["amqp"]["uri"])
    assert read(police["http"]).status_code == 200


def test_drained_means_that_everything_is_in_every_stream(drained: System) -> None:
    one = shown(drained, "police")

    assert one["last"] > 0
    assert one["stream"]["number"] == one["last"]
    feed = drained.database("feed")
    assert feed["delivery"].count_documents({"state.agency": "police"}) == one["last"]


def test_the_record_has_every_number_and_its_hash(drained: System, police: dict[str, Any]) -> None:
    record = objects(agencies(drained, "deliveries", "police", "--json"))

    assert [one["number"] for one in record] == list(range(1, shown(drained, "police")["last"] + 1))
    assert all(len(one["sha256"]) == 64 for one in record)
    case = next(one["case_id"] for one in record if one["case_id"])
    mine = objects(agencies(drained, "deliveries", "police", "--case", case, "--json"))
    assert mine == [one for one in record if one["case_id"] == case]
    assert str(record[0]["number"]) in agencies(drained, "deliveries", "police")


def test_a_person_sees_who_subscribes_and_to_what(drained: System) -> None:
    table = agencies(drained, "show")
    page = agencies(drained, "show", "police")

    assert "police" in table
    assert "active" in table
    assert "referral.requested for protect (life)" in page
    assert page.rstrip().endswith("nothing else")


def test_all_that_is_stored_is_whole(drained: System) -> None:
    done(drained.niangjia("verify"))


def test_a_page_for_a_person_shows_the_secrets_once(city: System, court: str) -> None:
    page = agencies(
        city, "add", court, "--contract", "court", "--district", "3303", "--webhook", "https://example.org/x"
    )

    assert "shown this once" in page
    assert "whsec_" in page
    assert "/feeds/court/events" in page
    secret = next(line.split()[-1] for line in page.splitlines() if "HTTP token" in line)
    assert secret not in agencies(city, "show", court, "--json")


def test_a_name_that_is_there_is_refused_and_its_keys_stay(city: System, police: dict[str, Any]) -> None:
    said = refused(city, "add", "police", "--contract", "police", "--district", DISTRICT)

    assert "an agency named police is there already" in said
    assert "rotate-keys police" in said
    assert lets_in(police["amqp"]["uri"])
    assert read(police["http"]).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fields: [referral_id", "fields: [hair_colour, referral_id", "has no field 'hair_colour'"),
        ("event: referral.cancelled", "event: referral.forgotten", "no such event: 'referral.forgotten'"),
        ("purpose: mandatory_report\n    basis", "porpoise: x\n    basis", "unknown: porpoise"),
        ("version: 1", "version: one", "must be a whole number from 1"),
    ],
)
def test_what_is_wrong_in_an_agreement_is_named_with_its_line(
    city: System, tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = (agreement_file.SHIPPED / "police.yml").read_text(encoding="utf-8")
    assert old in text
    before, _, _ = text.partition(old)
    own = tmp_path / "own.yml"
    own.write_text(text.replace(old, new, 1), encoding="utf-8")

    line = refused(city, "add", "stranger", "--contract", str(own), "--district", DISTRICT)

    assert said in line
    assert f"{own} line " in line
    number = int(line.partition(f"{own} line ")[2].partition(":")[0])
    assert abs(number - before.count("\n") - 1) <= 2
    assert "nothing was added" in line
    assert "there is no agency stranger" in refused(city, "show", "stranger")


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("Police", (), "name"),
        ("court", ("--webhook", "ftp://example.org"), "webhook"),
        ("court", ("--webhook", "https://127.0.0.1/x"), "webhook"),
    ],
)
@pytest.mark.usefixtures("court")
def test_what_else_is_wrong_is_named_by_its_field(
    city: System, name: str, arguments: tuple[str, ...], said: str
) -> None:
    line = refused(city, "add", name, "--contract", "court", "--district", "33", *arguments)

    assert line.startswith(f"niangjia: {said}: ")


def test_a_suspended_agency_reads_nothing_by_any_way_until_it_is_resumed(
    drained: System, police: dict[str, Any]
) -> None:
    agencies(drained, "suspend", "police")
    try:
        assert shown(drained, "police")["status"] == "suspended"
        assert read(police["http"]).status_code in {401, 403}
        assert not lets_in(police["amqp"]["uri"])
        done(drained.niangjia("drain", "--timeout", "30"))
    finally:
        agencies(drained, "suspend", "police", "--resume")
    assert shown(drained, "police")["status"] == "active"
    assert read(police["http"]).status_code == 200
    assert lets_in(police["amqp"]["uri"])


def test_what_was_delivered_comes_again_under_new_numbers(drained: System) -> None:
    before = shown(drained, "police")["last"]

    said = agencies(drained, "replay", "police", "--from", "1", "--to", "3")

    assert said.startswith("3 delivered again")
    done(drained.niangjia("drain", "--timeout", "30"))
    record = objects(agencies(drained, "deliveries", "police", "--json"))
    assert [one["replay_of"] for one in record[before:]] == [1, 2, 3]
    assert [one["id"] for one in record[before:]] == [one["id"] for one in record[:3]]


def test_what_happened_since_a_time_comes_again(drained: System) -> None:
    record = objects(agencies(drained, "deliveries", "police", "--json"))
    firsts = [one for one in record if not one["replay_of"]]
    since = firsts[-2]["happened_at"]
    begin = next(one["number"] for one in firsts if one["happened_at"] >= since)

    said = agencies(drained, "replay", "police", "--since", since)

    assert said.startswith(f"{sum(one['number'] >= begin for one in firsts)} delivered again")


def test_new_keys_count_and_the_old_ones_for_a_while_or_no_more(city: System, court: str) -> None:
    first = json.loads(agencies(city, "add", court, "--contract", "court", "--district", "33", "--json"))
    second = json.loads(agencies(city, "rotate-keys", court, "--json"))

    assert first["http"]["token"] != second["http"]["token"]
    assert read(first["http"]).status_code == 200
    assert read(second["http"]).status_code == 200
    assert not lets_in(first["amqp"]["uri"])
    assert lets_in(second["amqp"]["uri"])

    third = json.loads(agencies(city, "rotate-keys", court, "--now", "--json"))
    assert [read(keys["http"]).status_code for keys in (first, second, third)] == [401, 401, 200]


def test_an_agency_that_is_removed_has_nothing_left_but_its_record(city: System, court: str) -> None:
    secrets = json.loads(agencies(city, "add", court, "--contract", "court", "--district", "33", "--json"))
    agencies(city, "remove", court, "--yes")

    assert read(secrets["http"]).status_code in {401, 403}
    assert not lets_in(secrets["amqp"]["uri"])
    assert shown(city, court)["status"] == "removed"
    again = json.loads(agencies(city, "add", court, "--contract", "court", "--district", "33", "--json"))
    assert lets_in(again["amqp"]["uri"])


def test_an_agency_may_do_without_a_stream(city: System, court: str) -> None:
    secrets = json.loads(
        agencies(city, "add", court, "--contract", "court", "--district", "33", "--no-stream", "--json")
    )

    assert secrets["amqp"] is None
    assert shown(city, court)["stream"] is None
    assert read(secrets["http"]).status_code == 200


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("suspend",),
        ("rotate-keys",),
        ("remove", "--yes"),
        ("replay", "--from", "1"),
        ("deliveries",),
        ("webhook", "--on"),
    ],
)
def test_an_agency_that_is_not_there_is_named(city: System, arguments: tuple[str, ...]) -> None:
    command, *options = arguments

    assert refused(city, command, "nobody", *options).startswith("niangjia: there is no agency nobody; ")
