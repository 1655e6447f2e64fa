"""The kit lets a right consumer pass, and finds each fault of a wrong one."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from deploy.conformance.feed import LocalFeed
from deploy.conformance.record import Record
from deploy.conformance.scenario import SCENARIOS, Way
from deploy.conformance.server import serving
from tests.support.system import ROOT, free_port

CONSUMER = ROOT / "tests" / "support" / "consumer.py"

#: By the fault of a consumer: how it reads, and what it fails.
FAULTS = {
    "says nothing": ("events", "plain"),
    "turns pages round": ("events", "plain"),
    "takes all twice": ("stream", "twice"),
    "sees no gap": ("stream", "gap"),
    "acts on replays": ("events", "replay"),
    "knows all fields": ("events", "unknown"),
    "knows all types": ("stream", "unknown"),
    "asks for ever": ("events", "recall"),
    "forgets recalls": ("stream", "recall"),
    "keeps its key": ("events", "rotation"),
    "begins anew": ("stream", "dropped"),
    "trusts everybody": ("webhook", "forged"),
    "trusts the past": ("webhook", "old"),
    "reads one signature": ("webhook", "rotation"),
}


def checked(way: str, *options: str, fault: str = "", folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.cli", "agencies", "check", "--token-file", str(folder / "token")]
    if way == "webhook":
        way = str(free_port())
        options = ("--webhook", f"http://127.0.0.1:{way}/hook", *options)
    consumer = [sys.executable, str(CONSUMER), way, fault]
    return subprocess.run(
        [*command, *options, "--", *consumer], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def test_what_comes_after_the_keys_have_changed_comes_by_no_stream_of_an_old_one() -> None:
    feed = LocalFeed("police", Record(), lambda token: None)
    with serving(feed, "127.0.0.1", 0):
        for _ in range(5):
            request = Request(f"{feed.url}/stream", headers={"Authorization": f"Bearer {feed.token}"})
            with urlopen(request) as stream:
                time.sleep(0.05)  # until it waits for something to send
                feed.rotate()
                (number,) = feed.add([{"type": "referral.requested"}], {})

                assert f"id: {number}\n" not in stream.read().decode()


def verdicts(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, Any]]:
    assert done.stdout, done.stderr
    return {one["scenario"]: one for one in json.loads(done.stdout)}


@pytest.mark.parametrize("way", ["events", "stream", "webhook"])
def test_a_right_consumer_passes_everything(way: str, tmp_path: Path) -> None:
    done = checked(way, "--json", folder=tmp_path)

    found = verdicts(done)
    assert [one for one in found.values() if not one["passed"]] == []
    read_by = Way.WEBHOOK if way == "webhook" else Way.HTTP
    assert list(found) == [one.name for one in SCENARIOS if read_by in one.ways]
    assert done.returncode == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_where_it_matters_and_nowhere_else(fault: str, tmp_path: Path) -> None:
    way, scenario = FAULTS[fault]
    quiet = "replay" if scenario != "replay" else "unknown"
    others = () if scenario == "plain" else ("--only", quiet) if fault == "keeps its key" else ("--only", "plain")

    done = checked(way, "--json", "--patience", "5", "--only", scenario, *others, fault=fault, folder=tmp_path)

    found = verdicts(done)
    failed = found.pop(scenario)
    assert failed["faults"], failed
    assert failed["remedy"]
    assert all(one["passed"] for one in found.values()), found
    assert done.returncode == 1


def test_no_scenario_can_be_passed_by_everybody() -> None:
    assert {scenario for _, scenario in FAULTS.values()} == {one.name for one in SCENARIOS}


def test_a_person_reads_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    done = checked("events", "--patience", "5", "--only", "gap", fault="sees no gap", folder=tmp_path)

    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "gap" in said
    assert "failed" in said
    assert "no receipt for 2" in said
    assert "0 of 1 scenarios passed" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--", "no-such-program"], "no-such-program cannot be started"),
        (["--patience", "0.5", "--", sys.executable, "-c", "import time; time.sleep(60)"], "did not ask for anything"),
        (["--webhook", "http://127.0.0.1:1/", "--patience", "0.5"], "nobody listens at http://127.0.0.1:1/"),
        (["--broker", "amqp://127.0.0.1:1/"], "the broker cannot be used"),
        (["--listen", "nowhere"], "write it as 127.0.0.1:8080"),
    ],
)
def test_what_cannot_be_tried_is_said_in_one_line(arguments: list[str], said: str) -> None:
    command = [sys.executable, "-m", "deploy.cli", "agencies", "check", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode in {1, 2}
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_consumer_that_goes_on_from_another_feed_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "consumer.number").write_text("700")

    done = checked("events", "--patience", "5", folder=tmp_path)

    assert done.returncode == 1
    assert "goes on from another feed" in done.stderr
