import json
from pathlib import Path

import pytest

from deploy.rejects import Reject, Rejects, reject


def refused(line: int) -> Reject:
    return Reject(file="reports.jsonl", line=line, field="channel", reason="is missing", status=422)


def test_every_fault_of_a_line_is_told() -> None:
    faults = [{"field": "channel", "reason": "is missing"}, {"field": "client.sex", "reason": "must be one of: …"}]

    told = reject("f", 7, {"status": 422, "errors": faults})

    assert (told.field, told.reason) == ("channel", "is missing; client.sex: must be one of: …")
    assert (told.file, told.line, told.status) == ("f", 7, 422)


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        ({"status": 403, "detail": "not your district"}, "not your district"),
        ({"status": 403, "title": "Forbidden", "errors": []}, "Forbidden"),
        ({"status": 500}, "refused"),
    ],
)
def test_a_refusal_without_a_field_keeps_its_reason(problem: dict[str, object], reason: str) -> None:
    assert (reject("f", 1, problem).field, reject("f", 1, problem).reason) == ("", reason)


def test_the_file_is_there_only_when_something_was_refused(tmp_path: Path) -> None:
    path = tmp_path / "rejects"
    path.write_text("of an earlier call")
    said: list[str] = []

    with Rejects(path, said.append) as rejects:
        assert not path.exists()
    assert not path.exists()
    assert rejects.written is None

    with Rejects(path, said.append) as rejects:
        rejects.add(refused(3))
        rejects.add(refused(9))
    assert [json.loads(row)["line"] for row in path.read_text().splitlines()] == [3, 9]
    assert rejects.written == path
    assert said == []


def test_where_no_file_can_be_written_refused_lines_are_told(tmp_path: Path) -> None:
    said: list[str] = []

    with Rejects(tmp_path / "no" / "folder", said.append) as rejects:
        rejects.add(refused(3))
        rejects.add(refused(4))

    assert "cannot be written" in said[0]
    assert [json.loads(row)["line"] for row in said[1:]] == [3, 4]
    assert rejects.written is None

    with Rejects(None, said.append) as rejects:
        rejects.add(refused(5))
    assert json.loads(said[-1])["line"] == 5
