"""The lines that were refused, in a file of their own: where they stand and why, never what they hold."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Why a line was refused."""

    file: str
    line: int
    field: str
    reason: str
    status: int


def reject(file: str, line: int, problem: Mapping[str, Any]) -> Reject:
    """Return why a service refused a line, as its problem document says; of several faults, all with their fields."""
    faults = [(fault.get("field", ""), fault.get("reason", "")) for fault in problem.get("errors", ())]
    if not faults:
        faults = [("", str(problem.get("detail") or problem.get("title") or "refused"))]
    field, reason = faults[0]
    others = [f"{name}: {why}" for name, why in faults[1:]]
    return Reject(file=file, line=line, field=field, reason="; ".join([reason, *others]), status=problem["status"])


class Rejects:
    """Writes the file, which is there only when something was refused; an older one of that name goes.

    Args:
        path: of the file; None where there is to be none.
        say: is told each refused line (as it would stand in the file) where there is no file, or it cannot be written.
    """

    def __init__(self, path: Path | None, say: Callable[[str], object]) -> None:
        self._path = path
        self._say = say
        self._file: TextIO | None = None
        #: Where refused lines are written down; None where there are none, or no file.
        self.written: Path | None = None

    def __enter__(self) -> Self:
        if self._path is not None and self._path.is_file():
            with suppress(OSError):
                self._path.unlink()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, reject: Reject) -> None:
        """Write down one more."""
        text = orjson.dumps(asdict(reject)).decode()
        if self._opened() and self._file is not None:
            self._file.write(f"{text}\n")
        else:
            self._say(text)

    def _opened(self) -> bool:
        """Open the file with the first refused line; tell whether there is one."""
        if self._file is None and self._path is not None:
            try:
                self._file = self._path.open("w", encoding="utf-8")
                self.written = self._path
            except OSError as error:
                # What was refused does not hold up the rest.
                self._say(f"{self._path} cannot be written ({error.strerror}); the refused lines follow here")
                self._path = None
        return self._file is not None
