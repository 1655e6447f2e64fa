from pathlib import Path

import pytest

from deploy import lines
from deploy.lines import Line, pieces, read
from deploy.problem import Problem


def line(number: int, content: bytes = b"{}") -> Line:
    return Line(file="f", number=number, content=content)


def test_lines_keep_their_place_and_lose_what_surrounds_them(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\n   \n {"b": 2} \n')
    second.write_bytes(b'{"c": 3}')
    advanced: list[int] = []

    found = list(read([first, second], advanced.append))

    assert [(one.file, one.number, one.content) for one in found] == [
        (str(first), 1, b'{"a": 1}'),
        (str(first), 4, b'{"b": 2}'),
        (str(second), 1, b'{"c": 3}'),
    ]
    assert sum(advanced) == first.stat().st_size + second.stat().st_size


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="cannot be read"):
        list(read([tmp_path]))


def test_pieces_hold_so_many_lines() -> None:
    cut = list(pieces(line(n) for n in range(2 * lines.LINES_AT_ONCE + 1)))

    assert [len(piece) for piece in cut] == [lines.LINES_AT_ONCE, lines.LINES_AT_ONCE, 1]
    assert [one.number for piece in cut for one in piece] == list(range(2 * lines.LINES_AT_ONCE + 1))


def test_a_large_line_goes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BYTES_AT_ONCE", 10)

    cut = list(pieces([line(1), line(2), line(3, b"x" * 50), line(4)]))

    assert [[one.number for one in piece] for piece in cut] == [[1, 2], [3], [4]]


def test_no_lines_are_no_piece() -> None:
    assert list(pieces([])) == []
