"""The plugin as a suite outside of this repository uses it: in a process of its own, with files of its own."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import orjson
import pytest

from shared.events import Event, event_type
from shared.kernel import identifier
from shared.replay.recording import write
from tests.unit.replay.bell import NOON, ring

BELL = Path(__file__).with_name("bell.py")

#: `into` takes a city, because the bells have a catalogue of their own.
TEST = """
    import pytest

    from bell import BELLS, Tower
    from shared.replay.city import City


    @pytest.fixture
    def tower():
        return City(Tower(), catalogue=BELLS)


    def test_a_ring(replay, tower):
        outcome = replay("streams/ring.ndjson").into(tower)
        assert [event.type for event in outcome.events] == ["bell.rung"]


    @pytest.mark.pure
    def test_a_ring_in_memory_only(replay, tower):
        replay("streams/ring.ndjson").into(tower)
"""

GOLDEN = """
    from deploy.city import models


    def test_an_evening(replay):
        replay("streams/evening.ndjson").into(models()["referral"]).expect("streams/evening.referral.ndjson")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite with one stream."""
    streams = tmp_path / "tests" / "streams"
    streams.mkdir(parents=True)
    write(streams / "ring.ndjson", [ring("b1", NOON)])
    (tmp_path / "tests" / "unit").mkdir()
    (tmp_path / "tests" / "unit" / "bell.py").write_text(BELL.read_text("utf-8"), encoding="utf-8")
    (tmp_path / "tests" / "unit" / "test_ring.py").write_text(dedent(TEST), encoding="utf-8")
    return tmp_path


def run(suite: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_ADDOPTS"}}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:pytest_nameko", "-p", "no:cacheprovider", *arguments],
        cwd=suite,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_suite_that_installed_the_package_has_the_fixture(suite: Path) -> None:
    ended = run(suite)
    assert "test_a_ring[pure] PASSED" in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 0


def test_live_wants_a_stage_from_the_suite(suite: Path) -> None:
    ended = run(suite, "--live")
    assert "test_a_ring[pure] PASSED" in ended.stdout
    assert "test_a_ring[live] ERROR" in ended.stdout
    assert "test_a_ring_in_memory_only[live]" not in ended.stdout
    assert "--live needs a fixture `replay_stage`" in ended.stdout


def test_live_replays_on_the_stage_of_the_suite(suite: Path) -> None:
    stage = """
        import pytest

        from shared.replay.replay import InMemory


        @pytest.fixture
        def replay_stage():
            def set_stage(city):
                print("a stage is set")
                return InMemory(city)

            return set_stage
    """
    (suite / "tests" / "conftest.py").write_text(dedent(stage), encoding="utf-8")
    ended = run(suite, "--live", "-s")
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("a stage is set") == 1


@pytest.fixture
def evening(suite: Path) -> Path:
    """A suite with one report, and no golden file yet."""
    write(suite / "tests" / "streams" / "evening.ndjson", [_received()])
    (suite / "tests" / "unit" / "test_ring.py").unlink()
    (suite / "tests" / "unit" / "test_evening.py").write_text(dedent(GOLDEN), encoding="utf-8")
    return suite


def test_accept_writes_what_is_missing_and_says_so(evening: Path) -> None:
    missing = run(evening)
    assert missing.returncode == 1
    assert "there is no such file; read what was said, then write it with --accept" in missing.stdout

    accepted = run(evening, "--accept")
    assert accepted.returncode == 0, accepted.stdout
    assert "golden files written: read them before you commit them" in accepted.stdout
    assert "tests/streams/evening.referral.ndjson" in accepted.stdout

    again = run(evening)
    assert again.returncode == 0, again.stdout
    assert "golden files written" not in again.stdout


def test_what_differs_fails_in_words_and_without_a_traceback_of_the_plugin(evening: Path) -> None:
    run(evening, "--accept")
    golden = evening / "tests" / "streams" / "evening.referral.ndjson"
    golden.write_text(golden.read_text("utf-8").replace('"agency":"justice"', '"agency":"court"'), encoding="utf-8")

    failed = run(evening)

    assert failed.returncode == 1
    assert 'data.agency: expected "court", found "justice"' in failed.stdout
    assert "def hold" not in failed.stdout


def test_where_nobody_reads_what_was_written_nothing_is_accepted(evening: Path) -> None:
    refused = run(evening, "--accept", CI="true")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--accept writes golden files, and here (CI is set) nobody reads what it wrote" in refused.stderr
    assert not list(evening.rglob("*.referral.ndjson"))


def _received() -> Event:
    declared = event_type("report.received")
    return Event(
        id=identifier(NOON, "r1"),
        source="intake",
        type=declared.type,
        version=declared.version,
        time=NOON,
        subject=declared.example["case"]["id"],
        sequence=1,
        correlation=declared.example["case"]["id"],
        causation="r1",
        body=orjson.dumps(declared.example),
    )
