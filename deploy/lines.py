"""Files of JSON lines as they are sent: cut into pieces that one request can carry, each line with its place."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.problem import Problem

#: Lines, and about how many bytes of them, that one request carries.
LINES_AT_ONCE = 200
BYTES_AT_ONCE = 4 * 1024 * 1024

_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line that is not empty, without the white space around it."""

    file: str
    #: From 1; empty lines count.
    number: int
    content: bytes


def read(files: Iterable[Path], advanced: Callable[[int], object] = lambda _: None) -> Iterator[Line]:
    """Return the lines of the files, in order; `advanced` is told the bytes of each as it is read.

    Raises:
        Problem: a file cannot be read.
    """
    for path in files:
        try:
            with path.open("rb") as file:
                for number, content in enumerate(file, start=1):
                    advanced(len(content))
                    # some editors begin a file with a mark that is no part of it
                    stripped = (content.removeprefix(_MARK) if number == 1 else content).strip()
                    if stripped:
                        yield Line(file=str(path), number=number, content=stripped)
        except OSError as error:
            raise Problem(f"{path} cannot be read ({error.strerror})", "name a file that you may read") from None


def pieces(lines: Iterable[Line]) -> Iterator[Sequence[Line]]:
    """Cut lines into what is sent at once."""
    piece: list[Line] = []
    size = 0
    for line in lines:
        if piece and (len(piece) == LINES_AT_ONCE or size + len(line.content) > BYTES_AT_ONCE):
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line.content)
    if piece:
        yield piece
