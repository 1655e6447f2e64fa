"""Reading and writing recordings."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from shared.events import CATALOGUE, Event
from shared.kernel import Message
from shared.replay.recording import Addition, BadRecording, Command, Line, read, to_document, write

NOW = datetime(2026, 3, 2, 1, 14, tzinfo=UTC)
EVENT = Event(
    id="019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
    source="intake",
    type="case.created",
    version=1,
    time=NOW,
    subject="019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
    sequence=7,
    correlation="019cabd8-3f40-7a51-9c0e-5b1d2f3a4c6e",
    causation="report:1",
    body=orjson.dumps(CATALOGUE.event_type("case.created").example),
)
COMMAND = Command(
    to="intake",
    message=Message(id="c1", type="receive_report", time=NOW, data={"report": {"narrative": "她来电"}}, case="x"),
)
ADDITION = Addition(to="notification", event=EVENT.id, data={"contact": None})


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "some.ndjson"
    assert write(file, [EVENT, COMMAND, ADDITION]) == 3
    assert [one.line for one in read(file)] == [EVENT, COMMAND, ADDITION]
    assert [one.number for one in read(file)] == [1, 2, 3]


def test_an_empty_recording_is_one(tmp_path: Path) -> None:
    file = tmp_path / "empty.ndjson"
    assert write(file, []) == 0
    assert list(read(file)) == []


def test_a_recording_that_breaks_off_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "some.ndjson"
    write(file, [EVENT])

    def broken() -> "list[Line]":
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(file, (line for line in broken()))
    assert [one.line for one in read(file)] == [EVENT]
    assert [path.name for path in tmp_path.iterdir()] == ["some.ndjson"]


def test_a_time_in_another_zone_is_the_same_time(tmp_path: Path) -> None:
    file = tmp_path / "some.ndjson"
    document = to_document(COMMAND) | {"time": "2026-03-02T09:14:00+08:00"}
    file.write_bytes(orjson.dumps(document))
    assert [one.line for one in read(file)] == [COMMAND]


@pytest.mark.parametrize(
    ("line", "change", "reason"),
    [
        (EVENT, {"id": None}, "id is missing"),
        (EVENT, {"time": "1st of May"}, "time is malformed"),
        (EVENT, {"data": []}, "data is not a JSON object"),
        (EVENT, {"type": "cases"}, "type is malformed"),
        (COMMAND, {"to": None}, "to is missing"),
        (COMMAND, {"to": "../intake"}, "to is malformed"),
        (COMMAND, {"id": "王某"}, "id is malformed"),
        (COMMAND, {"type": "command."}, "type is malformed"),
        (COMMAND, {"time": "2026-03-02T01:14:00"}, "time is not a time with its offset"),
        (COMMAND, {"time": 5}, "time is not a time with its offset"),
        (COMMAND, {"data": None}, "data is not a JSON object"),
        (COMMAND, {"correlationid": "a b"}, "correlationid is malformed"),
        (ADDITION, {"id": 3}, "id is malformed"),
        (ADDITION, {"data": "contact"}, "data is not a JSON object"),
    ],
)
def test_an_error_names_file_and_line_and_no_value(
    tmp_path: Path, line: Line, change: dict[str, object], reason: str
) -> None:
    file = tmp_path / "some.ndjson"
    document = to_document(line) | change
    file.write_bytes(orjson.dumps(to_document(EVENT)) + b"\n" + orjson.dumps(document) + b"\n")
    with pytest.raises(BadRecording) as error:
        list(read(file, "streams/some.ndjson"))
    assert str(error.value) == f"streams/some.ndjson:2: {reason}"


@pytest.mark.parametrize("text", [b"\n", b"[]\n", b"{\n", b"\xff\n"])
def test_a_line_that_is_no_object_is_an_error(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "some.ndjson"
    file.write_bytes(text)
    with pytest.raises(BadRecording, match=":1: not a JSON object"):
        list(read(file))
