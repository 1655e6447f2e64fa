"""Golden files: what a stream is expected to bring about, kept beside it and compared event by event."""

from collections.abc import Sequence
from pathlib import Path

from shared.events import CATALOGUE, Catalogue, Event
from shared.replay.comparison import Difference, described, differences
from shared.replay.recording import BadRecording, read, write


class NotAsExpected(AssertionError):
    """What was said is not what the golden file holds."""


class Golden:
    """Holds what comes out of a replay to files.

    Args:
        folder: where their paths begin.
        accept: write what was said instead of comparing it.
        catalogue: of the events.
    """

    def __init__(self, folder: Path | None = None, *, accept: bool = False, catalogue: Catalogue = CATALOGUE) -> None:
        self._folder = folder or Path()
        self._catalogue = catalogue
        self._accept = accept
        #: Files that were written anew.
        self.accepted: list[Path] = []

    def hold(self, path: str | Path, found: Sequence[Event]) -> None:
        """Compare what was said with a file, or write the file.

        Raises:
            NotAsExpected: it differs, or there is no file.
        """
        __tracebackhide__ = True
        file = self._folder / path
        if self._accept:
            self._write(file, found)
            return
        if not file.exists():
            raise NotAsExpected(f"{path}: there is no such file; read what was said, then write it with --accept")
        expected = _events(file, str(path))
        if told := differing(expected, found, self._catalogue):
            raise NotAsExpected(described(str(path), told, len(expected), len(found)) + _ADVICE)

    def _write(self, file: Path, found: Sequence[Event]) -> None:
        events = in_order(found)
        try:
            if file.exists() and _events(file, file.name) == events:
                return
        except BadRecording:
            pass  # it is written anew
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, events)
        self.accepted.append(file)


_ADVICE = "\nIf this is what is wanted, write it with --accept and commit the file."


def differing(expected: Sequence[Event], found: Sequence[Event], catalogue: Catalogue = CATALOGUE) -> list[Difference]:
    """Return what differs, service by service: between services there is no order but that of causes."""
    theirs, ours = in_order(expected), in_order(found)
    sources = sorted({event.source for event in [*theirs, *ours]})
    return [one for source in sources for one in differences(_of(theirs, source), _of(ours, source), catalogue)]


def in_order(events: Sequence[Event]) -> list[Event]:
    """Return events by service and number."""
    return sorted(events, key=lambda event: (event.source, event.sequence))


def _of(events: Sequence[Event], source: str) -> list[Event]:
    return [event for event in events if event.source == source]


def _events(file: Path, name: str) -> list[Event]:
    """Return the events of a golden file.

    Raises:
        BadRecording: a line is no event.
    """
    found = []
    for number, line in read(file, name):
        if not isinstance(line, Event):
            raise BadRecording(name, number, "a golden file holds events only")
        found.append(line)
    return found
