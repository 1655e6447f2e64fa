"""A stream is told to a model, and what the model says is held to a golden file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.replay.city import City
from shared.replay.golden import Golden, NotAsExpected
from shared.replay.recording import BadRecording, Command, Line, read, write
from shared.replay.replay import Replay, ReplayFailed
from tests.unit.replay.bell import BELLS, HOUR, NOON, Square, Tower, changed, ring

Recorder = Callable[..., Path]


@pytest.fixture
def record(tmp_path: Path) -> Recorder:
    def recorded(*lines: Line) -> Path:
        write(tmp_path / "stream.ndjson", lines)
        return tmp_path / "stream.ndjson"

    return recorded


def tower() -> City:
    return City(Tower(), catalogue=BELLS)


def square() -> City:
    return City(Square(), catalogue=BELLS)


def test_a_model_says_what_follows_from_a_stream(record: Recorder) -> None:
    outcome = Replay.of(record(ring("b1"), ring("b2", times=13), ring("b3"))).into(tower())

    assert [event.correlation for event in outcome.events] == ["b1", "b3"]
    assert [(one.command.message.case, one.slug) for one in outcome.refused] == [("b2", "unlucky")]
    assert outcome.city.voices["tower"].shelf.get("bell", "b3").times == 1


def test_what_came_out_can_be_replayed_into_the_next(record: Recorder, tmp_path: Path) -> None:
    said = Replay.of(record(ring("b1"))).into(tower()).events
    write(tmp_path / "next.ndjson", said)

    assert [event.type for event in Replay.of(tmp_path / "next.ndjson").into(square()).events] == ["crowd.grown"]


def test_the_same_stream_gives_the_same_bytes(record: Recorder) -> None:
    path = record(ring("b1", again=2), ring("b2", NOON + 5 * HOUR))
    once, again = (Replay.of(path).into(City(Tower(), Square(), catalogue=BELLS)) for _ in range(2))

    assert once.events == again.events
    assert [event.body for event in once.events] == [event.body for event in again.events]


def test_time_stands_at_the_end_of_the_stream_until_it_is_told_to_pass(record: Recorder) -> None:
    outcome = Replay.of(record(ring("b1", again=2))).into(tower())

    assert len(outcome.events) == 1
    assert len(outcome.until(NOON + HOUR).events) == 1
    assert len(outcome.until("2026-03-02T22:00:00+08:00").events) == 2


def test_a_time_without_an_offset_is_an_error(record: Recorder) -> None:
    outcome = Replay.of(record(ring("b1"))).into(tower())
    with pytest.raises(ValueError, match="offset"):
        outcome.until("2026-03-02T22:00:00")


def test_a_failure_says_on_which_line_and_where_and_quotes_nothing(record: Recorder) -> None:
    with pytest.raises(ReplayFailed) as error:
        Replay.of(record(ring("b1"), ring("b2", times=66, key="c2")), "streams/x.ndjson").into(tower())

    assert str(error.value).startswith("streams/x.ndjson:2: ring c2: KeyError in Tower.decide:")
    assert "王某" not in str(error.value)
    assert isinstance(error.value.__cause__, KeyError)


def test_an_event_that_cannot_be_read_says_on_which_line(record: Recorder) -> None:
    event = tower().take(ring("b1"))[0]
    path = record(event, changed(event, id="other", version=7))
    with pytest.raises(ReplayFailed, match=r"x:2: bell\.rung other: bell\.rung has version 7"):
        Replay.of(path, "x").into(square())


def test_a_stream_in_which_nothing_is_for_the_model_is_an_error(record: Recorder) -> None:
    with pytest.raises(ReplayFailed, match=r"stream\.ndjson: nothing in it is for square"):
        Replay.of(record(ring("b1"))).into(square())


def test_a_line_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.ndjson").write_text("{}\n")
    with pytest.raises(BadRecording, match=r"x\.ndjson:1: "):
        Replay.of(tmp_path / "x.ndjson").into(tower())


@pytest.fixture
def held(record: Recorder, tmp_path: Path) -> Callable[..., Golden]:
    """Replay one ring and hold it to `golden.ndjson`."""

    def hold(*, accept: bool = False, times: int = 1) -> Golden:
        golden = Golden(tmp_path, accept=accept, catalogue=BELLS)
        path = record(ring("b1", times=times, key="c1"))
        Replay(read(path), "x", golden=golden).into(tower()).expect("golden.ndjson")
        return golden

    return hold


def test_a_golden_file_is_written_when_that_is_asked_for(held: Callable[..., Golden], tmp_path: Path) -> None:
    with pytest.raises(NotAsExpected, match="--accept"):
        held()

    assert held(accept=True).accepted == [tmp_path / "golden.ndjson"]
    assert held().accepted == []


def test_a_golden_file_that_fits_is_left_alone(held: Callable[..., Golden], tmp_path: Path) -> None:
    held(accept=True)
    before = (tmp_path / "golden.ndjson").stat()

    assert held(accept=True).accepted == []
    assert (tmp_path / "golden.ndjson").stat().st_ino == before.st_ino


def test_what_differs_from_a_golden_file_fails_and_leaves_it(held: Callable[..., Golden], tmp_path: Path) -> None:
    held(accept=True)
    before = (tmp_path / "golden.ndjson").read_bytes()

    with pytest.raises(NotAsExpected) as error:
        held(times=2)

    assert "data.times: expected 1, found 2" in str(error.value)
    assert (tmp_path / "golden.ndjson").read_bytes() == before
    assert held(accept=True, times=2).accepted == [tmp_path / "golden.ndjson"]


def test_a_golden_file_holds_events_only(held: Callable[..., Golden], tmp_path: Path) -> None:
    command: Command = ring("b1")
    write(tmp_path / "golden.ndjson", [command])
    with pytest.raises(BadRecording, match="1: a golden file holds events only"):
        held()


def test_a_broken_golden_file_can_be_written_anew(held: Callable[..., Golden], tmp_path: Path) -> None:
    (tmp_path / "golden.ndjson").write_text("nonsense\n")
    assert held(accept=True).accepted == [tmp_path / "golden.ndjson"]
