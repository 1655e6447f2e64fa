"""The lines that were refused, in a file of their own: where they stand and why, never what they hold."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import orjson

from deploy.problem import Problem


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
    """Writes the file, which is there only when something was refused; an older one of that name goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        try:
            if self.path.is_file():
                self.path.unlink()
        except OSError as error:
            raise self._unwritable(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, reject: Reject) -> None:
        """Write down one more.

        Raises:
            Problem: the file cannot be written.
        """
        try:
            if self._file is None:
                self._file = self.path.open("w", encoding="utf-8")
            self._file.write(orjson.dumps(asdict(reject)).decode() + "\n")
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> Problem:
        return Problem(f"{self.path} cannot be written ({error.strerror})", "name another file with --rejects")
